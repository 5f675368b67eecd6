package simulator

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lafia/gateway/message"
)

// maxShown is how many phones are side by side: each is polled, and the page
// must stay below 60 kB.
const maxShown = 6

// contentPolicy lets the page load nothing but its own files, and run nothing
// that is written in it.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// fragmentHeader asks for a phone's HTML alone; the page's script sends it.
const fragmentHeader = "Lafia-Fragment"

// Mount adds the simulator's routes, all under /simulator.
//
// What is posted is a form, whose answer depends on who asks: the page's script
// gets the phone's HTML, a program that accepts application/json gets what the
// phone shows as JSON, and a browser without script is sent back to the page.
//
//	POST /simulator/dial   phone code [channel]
//	POST /simulator/press  phone [key] [typed] [channel]; key: 0…9 * # green red end again rub
//	POST /simulator/sms    phone text [channel]
func (s *Simulator) Mount(app *fiber.App) {
	g := app.Group("/simulator", headers)
	g.Get("", s.getPage) // the gateway tells /simulator from /simulator/
	g.Get("/", s.getPage)
	g.Get("/messages", s.getMessages)
	g.Get("/phone", s.getPhone)
	g.Get("/assets/:hash/:name", s.getAsset)
	g.Post("/dial", s.postDial)
	g.Post("/press", s.postPress)
	g.Post("/sms", s.postSMS)
	g.Post("/measure", s.postMeasure)
}

// headers sets what every answer has, and turns away what another site's page
// posts: a simulated phone is still a way into this Lafia.
func headers(c *fiber.Ctx) error {
	c.Set("Content-Security-Policy", contentPolicy)
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("Referrer-Policy", "same-origin")
	c.Set("Cache-Control", "no-store")
	if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		switch c.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
		default:
			return c.SendStatus(fiber.StatusForbidden)
		}
	}
	return c.Next()
}

func (s *Simulator) getAsset(c *fiber.Ctx) error {
	a, ok := s.assets[c.Params("name")]
	if !ok || c.Path() != a.url {
		return c.SendStatus(fiber.StatusNotFound)
	}
	c.Set("Cache-Control", "public, max-age=31536000, immutable")
	c.Set("Content-Type", a.contentType)
	return c.Send(a.body)
}

func (s *Simulator) getPage(c *fiber.Ctx) error {
	c.Set("Content-Type", "text/html; charset=utf-8")
	return page(s.pageView(viewOf(c))).Render(context.Background(), c.Response().BodyWriter())
}

// getPhone gives one phone's HTML, or 204 while it is still as the script saw it.
func (s *Simulator) getPhone(c *fiber.Ctx) error {
	n := message.ParseNumber(c.Query("phone"))
	if !n.IsPhone() {
		return c.SendStatus(fiber.StatusBadRequest)
	}
	v := s.phoneView(viewOf(c), n, slotOf(c.Query("slot")))
	if c.Query("seen") == v.Version {
		return c.SendStatus(fiber.StatusNoContent)
	}
	return sendPhone(c, v)
}

// getMessages lists what a phone received, oldest first, for programs.
func (s *Simulator) getMessages(c *fiber.Ctx) error {
	type received struct {
		Text   string    `json:"text"`
		SentAt time.Time `json:"sent_at"`
	}
	n := message.ParseNumber(c.Query("phone"))
	if n.IsZero() {
		return c.Status(fiber.StatusBadRequest).JSON(fiber.Map{"error": "which phone? ask for /simulator/messages?phone=%2B223…"})
	}
	list := []received{}
	for _, t := range s.phones.received(n) {
		list = append(list, received{t.body, t.at.UTC()})
	}
	return c.JSON(list)
}

func (s *Simulator) postDial(c *fiber.Ctx) error {
	return s.act(c, func(n message.Number) { s.dial(n, posted(c, "channel"), posted(c, "code")) })
}

func (s *Simulator) postPress(c *fiber.Ctx) error {
	return s.act(c, func(n message.Number) {
		typed := posted(c, "typed")
		switch key := posted(c, "key"); key {
		case "", "green":
			s.green(n, posted(c, "channel"), typed)
		case "red", "end":
			s.hangUp(n, key == "end")
		case "again":
			s.sendAgain(n)
		case "rub":
			s.rub(n, typed)
		default:
			if len(key) == 1 && strings.Contains("0123456789*#", key) {
				s.key(n, typed, key)
			}
		}
	})
}

func (s *Simulator) postSMS(c *fiber.Ctx) error {
	return s.act(c, func(n message.Number) { s.sendSMS(n, posted(c, "channel"), posted(c, "text")) })
}

// postMeasure counts what is being written. It is a POST so that no text is in a URL.
func (s *Simulator) postMeasure(c *fiber.Ctx) error {
	medium := message.Medium(posted(c, "medium"))
	if medium != message.USSD {
		medium = message.SMS
	}
	m := s.measure(clip(posted(c, "text"), maxSMS+1), medium)
	if m == nil {
		return c.SendStatus(fiber.StatusNoContent)
	}
	m.Said = wordsOf(c.Query("lang")).measure(m)
	return c.JSON(m)
}

// act does what was asked for on a phone and answers as the asker wants it.
func (s *Simulator) act(c *fiber.Ctx, do func(message.Number)) error {
	n := message.ParseNumber(posted(c, "phone"))
	if !n.IsPhone() {
		return c.Status(fiber.StatusBadRequest).SendString("no phone: the form's field `phone` must be a number as +22370000001\n")
	}
	do(n)
	v := viewOf(c)
	slot := slotOf(posted(c, "slot"))
	switch {
	case c.Get(fragmentHeader) != "":
		return sendPhone(c, s.phoneView(v, n, slot))
	case c.Get("Accept") == fiber.MIMEApplicationJSON:
		return c.JSON(s.phoneView(v, n, slot).Shown)
	}
	if len(v.phones) == 0 {
		v.phones = []message.Number{n}
	}
	return c.Redirect(v.url("/simulator")+"#phone-"+strconv.Itoa(slot), fiber.StatusSeeOther)
}

func sendPhone(c *fiber.Ctx, v phoneView) error {
	c.Set("Content-Type", "text/html; charset=utf-8")
	return phoneCard(v).Render(context.Background(), c.Response().BodyWriter())
}

// slotOf reads a phone's place on the page, which its element ids are made of.
func slotOf(s string) int {
	n, _ := strconv.Atoi(s)
	return min(max(n, 0), maxShown)
}

// posted is a field of the form. It doesn't look at the query, where the whole
// page's phones are.
func posted(c *fiber.Ctx, field string) string {
	return strings.ToValidUTF8(string(c.Request().PostArgs().Peek(field)), "\uFFFD")
}

// viewOf reads from the query what the page shows.
func viewOf(c *fiber.Ctx) view {
	v := view{lang: c.Query("lang")}
	for _, b := range c.Context().QueryArgs().PeekMulti("phone") {
		n := message.ParseNumber(string(b))
		if n.IsPhone() && len(v.phones) < maxShown && !v.has(n) {
			v.phones = append(v.phones, n)
		}
	}
	return v
}
