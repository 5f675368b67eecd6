package console

import (
	"crypto/subtle"
	"encoding/hex"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"lafia/internal/staff"
)

// policy is the content security policy of every page: nothing but our own
// style, pictures and forms. There is no script at all.
const policy = "default-src 'none'; style-src 'self'; script-src 'none'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// secure sets what every answer carries.
func secure(f *fiber.Ctx) {
	f.Set(fiber.HeaderContentSecurityPolicy, policy)
	f.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	f.Set(fiber.HeaderXFrameOptions, "DENY")
	f.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	f.Set(fiber.HeaderCacheControl, "no-store")
	f.Set("Cross-Origin-Opener-Policy", "same-origin")
	f.Set("Cross-Origin-Resource-Policy", "same-origin")
	f.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	f.Vary(fiber.HeaderCookie, fiber.HeaderAcceptLanguage, fiber.HeaderAcceptEncoding)
}

// cookies are the names of ours. The __Host- prefix makes browsers refuse them
// from another host, another path or plain http.
type cookies struct {
	session, form, language string
	secure                  bool
}

func cookiesFor(secure bool) cookies {
	p := ""
	if secure {
		p = "__Host-"
	}
	return cookies{session: p + "lafia", form: p + "lafia-form", language: p + "lafia-language", secure: secure}
}

// set gives a cookie until the browser closes, or for maxAge seconds; -1 takes
// it away. Lax and not Strict: a link in a mail of a colleague opens the message
// instead of the login.
func (c cookies) set(f *fiber.Ctx, name, value string, maxAge int) {
	f.Cookie(&fiber.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, SessionOnly: maxAge == 0,
		HTTPOnly: true, Secure: c.secure, SameSite: fiber.CookieSameSiteLaxMode,
	})
}

const tokenSize = 32

// guestToken is the form token of who is not signed in: a cookie whose value the
// form repeats. No other site can set or read it.
func (c *Console) guestToken(f *fiber.Ctx) string {
	if t := f.Cookies(c.cookies.form); len(t) == 2*tokenSize {
		if _, err := hex.DecodeString(t); err == nil {
			return t
		}
	}
	t := hex.EncodeToString(c.o.Random(tokenSize))
	c.cookies.set(f, c.cookies.form, t, 0)
	return t
}

// formIsOurs compares the form's token in constant time.
func (c *Console) formIsOurs(v *visit) bool {
	got := v.form("token")
	if v.entry != nil {
		return v.entry.Session.FormTokenMatches(got)
	}
	cookie := v.Cookies(c.cookies.form)
	return len(cookie) == 2*tokenSize && subtle.ConstantTimeCompare([]byte(cookie), []byte(got)) == 1
}

// sameSite reports whether a form came from one of our pages, as far as the
// browser says. Sec-Fetch-Site is sent to https and localhost only. Origin is
// "null" for our own forms too, since we send no referrer: that says nothing,
// and the token decides.
func sameSite(f *fiber.Ctx) bool {
	switch f.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	origin := f.Get(fiber.HeaderOrigin)
	if origin == "" || origin == "null" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == string(f.Request().Host())
}

// signIn gives the browser a new session, and takes the guest's token away.
func (c *Console) signIn(f *fiber.Ctx, token string) {
	c.cookies.set(f, c.cookies.session, token, int(staff.TotalMost.Seconds()))
	c.cookies.set(f, c.cookies.form, "", -1)
}
