package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lafia/internal/casework"
)

// loginView is the login page.
type loginView struct {
	page
	username string
	next     string
	problem  string // what is wrong, in words
}

func (c *Console) loginView(v *visit) loginView {
	view := loginView{page: c.page(v, "", "login.title", root+"/login")}
	view.username = cut(v.form("username"), 40)
	if next := v.form("next"); localPath(next) {
		view.next = next
	}
	return view
}

func (c *Console) loginForm(v *visit) error {
	if v.entry != nil {
		return see(v, firstPage(v.entry.Role))
	}
	view := c.loginView(v)
	if next := v.Query("next"); localPath(next) {
		view.next = next
	}
	return render(v, http.StatusOK, loginPage(view))
}

func (c *Console) login(v *visit) error {
	if v.stale {
		view := c.loginView(v)
		view.problem = view.T("login.stale")
		return render(v, http.StatusForbidden, loginPage(view))
	}
	entry, err := c.o.Desk.Login(v.ctx, v.form("username"), v.form("password"), v.IP())
	var wait *casework.WaitError
	switch {
	case errors.Is(err, casework.ErrCredentials):
		view := c.loginView(v)
		view.problem = view.T("login.wrong")
		return render(v, http.StatusUnauthorized, loginPage(view))
	case errors.As(err, &wait):
		view := c.loginView(v)
		view.problem = view.Count("login.wait", wait.Seconds())
		v.Set(fiber.HeaderRetryAfter, strconv.Itoa(wait.Seconds()))
		return render(v, http.StatusTooManyRequests, loginPage(view))
	case err != nil:
		return c.failed(v, err)
	}
	// A session that was open in this browser ends: its id is known to it.
	if old := v.Cookies(c.cookies.session); old != "" {
		if err := c.o.Desk.Logout(v.ctx, old); err != nil {
			return c.failed(v, err)
		}
	}
	c.signIn(v.Ctx, entry.Token)
	if next := v.form("next"); localPath(next) {
		return see(v, next)
	}
	return see(v, firstPage(entry.Role))
}

func (c *Console) logout(v *visit) error {
	if err := c.o.Desk.Logout(v.ctx, v.Cookies(c.cookies.session)); err != nil {
		return c.failed(v, err)
	}
	c.cookies.set(v.Ctx, c.cookies.session, "", -1)
	return see(v, "/login")
}

// language changes the language of the console, for the account and for this
// browser.
func (c *Console) language(v *visit) error {
	to := v.form("to")
	if !isLanguage(to) {
		return c.problem(v, http.StatusUnprocessableEntity, "problem.stale")
	}
	if v.entry != nil {
		if err := c.o.Desk.SetLanguage(v.ctx, v.entry.Account, to); err != nil {
			return c.failed(v, err)
		}
	}
	const year = 365 * 24 * 60 * 60
	c.cookies.set(v.Ctx, c.cookies.language, to, year)
	if back := v.form("back"); localPath(back) {
		return see(v, back)
	}
	return see(v, "")
}

// cut shortens what came with a request to a number of characters, and leaves
// out what is no text: PostgreSQL takes neither NUL nor broken UTF-8.
func cut(s string, most int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}
