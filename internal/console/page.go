package console

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"lafia/internal/casework"
	"lafia/internal/locale"
)

// page is what every page has around its content.
type page struct {
	words  *locale.Words
	title  string
	style  string
	icon   string
	banner bool
	token  string
	here   string // the path to come back to after a change of language
	name   string // of who is signed in; empty: nobody
	role   string
	nav    []link
	now    time.Time
	notice string // a key: what was just done
	// waits are the gateways that are waited for, where the frame is to say so;
	// waitsAt is where it says what to do.
	waits   []waitedRow
	waitsAt string
	// restored is of when the backup is that was restored, while nothing is sent because
	// of it; "": things are sent.
	restored string
}

type link struct {
	label, href string
	current     bool
	tag         string // the language that the label is in; empty: the page's
}

// Lang is the tag of the page's language.
func (p page) Lang() string { return p.words.Tag() }

// T says a message. kv are pairs of placeholder and value.
func (p page) T(key string, kv ...string) string {
	var args map[string]string
	if len(kv) > 0 {
		args = make(map[string]string, len(kv)/2)
		for i := 0; i+1 < len(kv); i += 2 {
			args[kv[i]] = kv[i+1]
		}
	}
	return p.words.Text(key, args)
}

// Count says a message about a number.
func (p page) Count(key string, n int) string { return p.T(key, "count", strconv.Itoa(n)) }

// page makes the frame of a page. current names the endpoint in the navigation.
func (c *Console) page(v *visit, current, title, here string) page {
	p := page{
		words: v.words, title: v.words.Text(title, nil), style: c.assets.style, icon: c.assets.icon,
		banner: c.o.Banner, token: v.token, here: here, now: c.o.Now().UTC(),
	}
	if v.entry != nil {
		p.name, p.role = v.entry.Name, v.words.Text("role."+string(v.entry.Role), nil)
		for _, e := range v.entry.Role.Menu() {
			p.nav = append(p.nav, link{label: v.words.Text(e.Menu, nil), href: root + e.Path, current: e.Name == current})
		}
		p.restored = c.restored(v, p)
		// Who keeps the accounts keeps the gateways.
		if v.entry.Role.May("accounts") && current != "channels" {
			p.waits, p.waitsAt = c.waited(v, p), root+"/channels#nodes"
		}
	}
	return p
}

// restored tells of when the backup is that was restored, while nothing is sent because
// of it: everybody has to know, for what she read yesterday may not be there.
func (c *Console) restored(v *visit, p page) string {
	at, err := c.o.Desk.Held(v.ctx)
	if err != nil {
		c.o.Log.Error("console", "class", casework.Class(err), "doing", "looking for a restore")
	}
	if err != nil || at.IsZero() {
		return ""
	}
	return p.moment(at)
}

// render sends a page.
func render(v *visit, status int, content templ.Component) error {
	var b bytes.Buffer
	if err := content.Render(v.ctx, &b); err != nil {
		return fmt.Errorf("rendering a page: %w", err)
	}
	return send(v, status, "text/html; charset=utf-8", b.Bytes())
}

// send sends a page or a picture, packed where that is safe.
func send(v *visit, status int, kind string, content []byte) error {
	v.Set(fiber.HeaderContentType, kind)
	v.Status(status)
	if !mayPack(v.Ctx) {
		return v.Send(content)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(content); err != nil {
		return fmt.Errorf("packing a page: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("packing a page: %w", err)
	}
	v.Set(fiber.HeaderContentEncoding, "gzip")
	return v.Send(packed.Bytes())
}

// mayPack reports whether a page may be sent packed, which is a sixth of its
// bytes. Not when another site made the browser ask: one that chose part of the
// address again and again, and saw the sizes, could learn what is on the page
// (BREACH, 2013). Over plain http to a network browsers don't say who asked.
func mayPack(f *fiber.Ctx) bool {
	site := f.Get("Sec-Fetch-Site")
	return (site == "same-origin" || site == "none") && strings.Contains(f.Get(fiber.HeaderAcceptEncoding), "gzip")
}

// missing answers for what does not exist and for what a role may not see, with
// the same bytes.
func (c *Console) missing(v *visit) error {
	if v.entry == nil {
		return c.toLogin(v)
	}
	return c.problem(v, http.StatusNotFound, "problem.missing")
}

// problem is a page that says what is the matter and what to do. key has a
// title and a text under it.
func (c *Console) problem(v *visit, status int, key string) error {
	return render(v, status, problemPage(c.page(v, "", key+".title", root), key))
}

// failed answers when something of ours does not work. Logs get the class of the
// error, its text could quote values.
func (c *Console) failed(v *visit, err error) error {
	class := casework.Class(err)
	if class == "not-found" {
		return c.missing(v)
	}
	c.o.Log.Error("console", "class", class, "method", v.Method(), "route", v.Route().Path)
	v.Set(fiber.HeaderRetryAfter, "30")
	return c.problem(v, http.StatusServiceUnavailable, "problem.away")
}
