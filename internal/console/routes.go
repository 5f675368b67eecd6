package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lafia/internal/casework"
	"lafia/internal/locale"
	"lafia/internal/staff"
)

// root is where the console lives.
const root = "/console"

// budget bounds one request, a login's wait of 8 s and one hash included. It is
// below the app's write time-out of 20 s.
const budget = 18 * time.Second

// visit is one request with what is known of it.
type visit struct {
	*fiber.Ctx
	ctx   context.Context // not Fiber's: that one ends as shutdown begins
	entry *casework.Entry // nil: not signed in
	words *locale.Words
	token string // for the forms of this page
	stale bool   // the form that came has not the right token
}

// form gives a field of the form that was posted: of its body alone, so that
// nothing typed can come from an address.
func (v *visit) form(name string) string {
	return string(v.Request().PostArgs().Peek(name))
}

type handler func(v *visit) error

// Mount registers every endpoint of staff's table below /console. An endpoint
// without a handler here, or a handler without an endpoint, is a fault that the
// tests meet.
func (c *Console) Mount(app *fiber.App) {
	handlers := c.handlers()
	app.Get(root+"/assets/:name", c.asset)
	for _, e := range staff.Endpoints {
		h := c.guard(e, handlers[e.Name])
		switch {
		case e.Method == http.MethodPost:
			app.Post(root+e.Path, h)
		default:
			app.Get(root+e.Path, h)
		}
		if e.Path == "" {
			app.Get(root+"/", h)
		}
	}
	// What is left below /console does not exist, whatever the method.
	missing := c.guard(staff.Endpoint{Roles: staff.Roles}, c.missing)
	app.All(root+"/*", missing)
}

func (c *Console) handlers() map[string]handler {
	return map[string]handler{
		"home":              c.home,
		"login.form":        c.loginForm,
		"login":             c.login,
		"logout":            c.logout,
		"language":          c.language,
		"messages":          c.messages,
		"message":           c.message,
		"message.move":      c.move,
		"message.confirm":   c.confirm,
		"message.answer":    c.answer,
		"message.classify":  c.classify,
		"message.raise":     c.raise,
		"confidential":      c.confidentialForm,
		"confidential.open": c.confidential,
		"message.number":    c.number,
		"doubts":            c.doubts,
		"doubt":             c.decide,
		"broadcasts":        c.broadcasts,
		"broadcast":         c.broadcast,
		"broadcast.stop":    c.broadcastStop,
		"languages":         c.languages,
		"menus":             c.menuList,
		"menu":              c.menu,
		"menu.picture":      c.menuPicture,
		"channels":          c.channels,
		"sending":           c.sending,
		"accounts":          c.accounts,
		"audit":             c.audit,
	}
}

// keepers keep what was typed in a form that is stale, and say so themselves.
var keepers = []string{"message.move", "message.confirm", "message.number", "message.answer", "message.raise", "broadcast", "login"}

// guard does for every endpoint what no page may forget: headers, who it is,
// whether her role has this, and whether a form is ours.
func (c *Console) guard(e staff.Endpoint, h handler) fiber.Handler {
	return func(f *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(context.Background(), budget)
		defer cancel()
		v := &visit{Ctx: f, ctx: ctx, words: c.catalog.Words(c.guestLanguage(f))}
		secure(f)
		if err := c.identify(v); err != nil {
			return c.failed(v, err)
		}
		if e.Roles != nil {
			if v.entry == nil {
				return c.toLogin(v)
			}
			if !e.Allows(v.entry.Role) {
				return c.missing(v)
			}
		}
		if e.Method == http.MethodPost {
			if !sameSite(f) {
				return c.problem(v, http.StatusForbidden, "problem.foreign")
			}
			v.stale = !c.formIsOurs(v)
			if v.stale && !slices.Contains(keepers, e.Name) {
				return c.problem(v, http.StatusForbidden, "problem.stale")
			}
		}
		return h(v)
	}
}

// identify finds who comes, and the words and form token of her pages.
func (c *Console) identify(v *visit) error {
	if cookie := v.Cookies(c.cookies.session); cookie != "" {
		entry, err := c.o.Desk.Session(v.ctx, cookie)
		switch {
		case errors.Is(err, casework.ErrNoSession):
		case err != nil:
			return err
		default:
			v.entry = &entry
			v.token = entry.Session.FormToken()
			if isLanguage(entry.Language) {
				v.words = c.catalog.Words(entry.Language)
			}
			return nil
		}
	}
	v.token = c.guestToken(v.Ctx)
	return nil
}

// guestLanguage is that of whoever is not signed in: as she chose, else as her
// browser says, else French.
func (c *Console) guestLanguage(f *fiber.Ctx) string {
	if l := f.Cookies(c.cookies.language); isLanguage(l) {
		return l
	}
	for part := range strings.SplitSeq(f.Get(fiber.HeaderAcceptLanguage), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		tag, _, _ = strings.Cut(tag, "-")
		if isLanguage(tag) {
			return tag
		}
	}
	return locale.Source
}

// home sends everyone to her role's first page.
func (c *Console) home(v *visit) error {
	if v.entry == nil {
		return see(v, "/login")
	}
	return see(v, firstPage(v.entry.Role))
}

func firstPage(r staff.Role) string {
	if menu := r.Menu(); len(menu) > 0 {
		return menu[0].Path
	}
	return "/login"
}

// toLogin asks who comes, and remembers where she wanted to go.
func (c *Console) toLogin(v *visit) error {
	if v.Method() == http.MethodGet {
		if next := v.OriginalURL(); localPath(next) {
			return see(v, "/login?next="+url.QueryEscape(next))
		}
	}
	return see(v, "/login")
}

// localPath reports whether a place to go to after a form is one of ours.
func localPath(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && len(s) < 512 &&
		(u.Path == root || strings.HasPrefix(u.Path, root+"/")) && !strings.ContainsAny(s, "\\\r\n") && !strings.HasPrefix(s, "//")
}

// see answers a form with the page to go to: what was posted is not posted again
// by a reload.
func see(v *visit, path string) error {
	if !strings.HasPrefix(path, root) {
		path = root + path
	}
	return v.Redirect(path, http.StatusSeeOther)
}
