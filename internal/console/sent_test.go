package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lafia/internal/casework"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// ways let the desk send by one channel, at 20 F CFA and one message a second.
func (s *site) ways() *casework.Sending {
	return &casework.Sending{
		Channels: map[string]bool{"africastalking": true}, Prices: map[string]float64{"africastalking": 20, "africastalking/moov": 12.5}, Budget: casework.Budget{Month: 50_000, Warn: .8},
		Estimate: func(_ context.Context, to []casework.Recipient) (casework.Estimate, error) {
			n := len(to)
			takes := time.Duration(n) * time.Second
			return casework.Estimate{Messages: n, Segments: n, Cost: 20 * float64(n), Takes: takes, Ends: s.now.Add(takes), Left: 40_000, Bounded: true, Fits: true, Unpriced: 1}, nil
		},
	}
}

// doubt answers a message by SMS, and leaves the SMS in doubt. It gives both.
func (s *site) doubt(t *testing.T, m programme.Submission) (of, sms string) {
	t.Helper()
	s.agree(t, true)
	of = s.submit(t, m)
	who := staff.Account{ID: "00000000-0000-4000-8000-0000000000cc", Role: staff.Coordinator}
	if _, err := s.desk.Answer(t.Context(), who, casework.Answering{ID: of, Text: "Le puits sera réparé jeudi.", Once: of}); err != nil {
		t.Fatal(err)
	}
	if err := s.pool.QueryRow(t.Context(), `select outbound_id::text from answer where submission_id = $1::text::uuid`, of).Scan(&sms); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"sending", "ambiguous"} {
		s.exec(t, `update outbound set state = $2, changed_at = $3, operator = 'orange' where id = $1::text::uuid`, sms, state, s.now)
	}
	return of, sms
}

func (s *site) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// listens adds people who asked for news and spoke of a project.
func (s *site) listens(t *testing.T, n int, project, place string) {
	t.Helper()
	for range n {
		id := s.submit(t, programme.Submission{Project: project, Place: place})
		contact := fmt.Appendf(nil, "%032d", s.serial)
		s.exec(t, `update submission set contact = $2 where id = $1::text::uuid`, id, contact)
		s.exec(t, `insert into number (contact, sealed, consent, keep_until) values ($1, $2, true, $3)`, contact, s.ring.Seal([]byte("+22370000001"), "number/"+string(contact)), s.now.Add(time.Hour))
		s.exec(t, `insert into wish (contact, purpose, given, at, medium) values ($1, 'broadcast', true, $2, 'sms')`, contact, s.now)
	}
}

var newsForm = url.Values{"text-fr": {"La réunion du groupe est jeudi matin. Pour arreter: STOP."}, "text-bm": {"Kulu ka ɲɔgɔnye. STOP"}, "text-ses": {"Marga. STOP"}}

// announce makes an announcement, and gives its id.
func (s *site) announce(t *testing.T) string {
	t.Helper()
	s.listens(t, 3, "LAF1", "ML060504")
	who := staff.Account{ID: "00000000-0000-4000-8000-0000000000cc", Role: staff.Coordinator}
	words := map[string]string{"fr": newsForm.Get("text-fr"), "bm": newsForm.Get("text-bm"), "ses": newsForm.Get("text-ses")}
	if _, err := s.desk.Announce(t.Context(), who, casework.Announcing{Audience: casework.Audience{Project: "LAF1"}, Words: words, Once: "x"}); err != nil {
		t.Fatal(err)
	}
	var id string
	if err := s.pool.QueryRow(t.Context(), `select id::text from broadcast`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAMessageInDoubtIsDecidedOnFromItsListAndFromItsPage(t *testing.T) {
	s := newSite(t)
	of, sms := s.doubt(t, programme.Submission{})
	foreign, _ := s.doubt(t, programme.Submission{Region: "ML07"})
	c := s.as(t, staff.Officer)
	_, body := c.get(t, "/console/doubts")
	lacks(t, "the list", body, "Envois incertains", "SMS de réponse", "africastalking", "24 novembre", "/console/messages/"+of, "Renvoyer", "Laisser")
	if strings.Contains(body, foreign) || strings.Contains(body, "70000001") || strings.Contains(body, "réparé") {
		t.Error("the list shows another region's, a number or words")
	}
	_, body = c.get(t, "/console/messages/"+of)
	lacks(t, "the message", body, "Incertain\u00A0: renvoyer\u202F?", "Réponse donnée", "SMS\u00A0: Incertain")
	for _, done := range []string{"again", "already"} {
		res, _ := c.post(t, "/console/doubts/"+sms, url.Values{"do": {"again"}, "back": {"/messages/" + of}})
		if res.Header.Get("Location") != "/console/messages/"+of+"?done="+done+"#content" {
			t.Fatalf("%d to %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	_, body = c.get(t, "/console/messages/"+of+"?done=again")
	lacks(t, "the page after", body, "Le SMS partira encore une fois", "SMS incertain renvoyé\u00A0: En attente d’envoi", "Awa Maïga")
	if strings.Contains(body, "renvoyer\u202F?") {
		t.Error("it is asked again")
	}
	res, body := c.post(t, "/console/doubts/"+sms, url.Values{"do": {"left"}, "back": {"https://example.org"}})
	if res.StatusCode != http.StatusConflict {
		t.Errorf("%d", res.StatusCode)
	}
	lacks(t, "who comes second", body, "Entre-temps, Awa Maïga a renvoyé ce SMS", "Aucun envoi incertain.")
	// A receipt that comes before she presses.
	_, late := s.doubt(t, programme.Submission{})
	c.get(t, "/console/doubts")
	s.exec(t, `update outbound set state = 'delivered' where id = $1::text::uuid`, late)
	if res, body := c.post(t, "/console/doubts/"+late, url.Values{"do": {"again"}}); res.StatusCode != http.StatusConflict || !strings.Contains(body, "il n’est plus incertain") {
		t.Errorf("%d", res.StatusCode)
	}
	if _, body = s.as(t, staff.Viewer).get(t, "/console/messages/"+of); strings.Contains(body, "/console/doubts") {
		t.Error("a viewer is asked")
	}
}

func TestTheSendingPageSaysWhatArrivedAndWhatItCosts(t *testing.T) {
	s := newSite(t)
	s.doubt(t, programme.Submission{})
	s.exec(t, `
with o as (
	insert into outbound (id, contact, channel, class, sealed, state, operator, created_at, changed_at)
	select gen_random_uuid(), $1, 'africastalking', 'reply', '', case when i < 10 then 'delivered' when i = 10 then 'failed' else 'sent' end, 'orange', $2::timestamptz - interval '5 hours', $2::timestamptz - interval '5 hours' + i * interval '10 s'
	from generate_series(1, 12) i returning id, created_at)
insert into attempt (outbound_id, started_at, verdict, channel) select id, created_at, 'sent', 'africastalking' from o`, make([]byte, 32), s.now)
	s.exec(t, `insert into spend (month, channel, operator, segments, cost) values ('2026-11-01', 'africastalking', 'orange', 2200, 44000)`)
	c := s.as(t, staff.Coordinator)
	_, body := c.get(t, "/console/sending")
	lacks(t, "the page", body, "africastalking", "orange", "81\u00A0% de ceux qui sont partis sont arrivés", "moitié arrivée en", "50\u00A0s", "44\u00A0000\u00A0F\u00A0CFA sur 50\u00A0000\u00A0F\u00A0CFA (88\u00A0%)",
		"Le budget du mois est presque dépensé.", "2\u00A0200 SMS", "africastalking · moov", "12,5\u00A0F\u00A0CFA")
	if strings.Contains(body, "Lafia,") || strings.Contains(body, "ML06") {
		t.Error("it tells of a place")
	}
	s.now = s.now.Add(25 * time.Hour)
	c = s.as(t, staff.Coordinator)
	if _, body = c.get(t, "/console/sending?for=24h"); !strings.Contains(body, "Aucun SMS n’a été confié") {
		t.Error("a day later it is the same")
	}
	if _, body = c.get(t, "/console/sending?for=7d"); !strings.Contains(body, "81\u00A0%") {
		t.Error("a week does not show yesterday")
	}
	if res, _ := c.get(t, "/console/sending?for=nonsense"); res.StatusCode != http.StatusOK {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestWhoCanActIsToldOnEveryPageThatAGatewayIsWaitedFor(t *testing.T) {
	s := newSite(t)
	admin, coordinator, officer := s.as(t, staff.Administrator), s.as(t, staff.Coordinator), s.as(t, staff.Officer)
	if _, body := admin.get(t, "/console/messages"); strings.Contains(body, "retenus") {
		t.Fatal("it is said though nothing waits")
	}
	s.exec(t, `insert into node (id, started_at, beat_at, spooled, spool_oldest) values
		('aaaaaaaa-0000-4000-8000-000000000001', $1, $1, 3, $1::timestamptz - interval '10 minutes'),
		('bbbbbbbb-0000-4000-8000-000000000002', $1, $1::timestamptz - interval '1 hour', 1, $1), ('cccccccc-0000-4000-8000-000000000003', $1, $1::timestamptz - interval '1 hour', 0, null)`, s.now)
	said := []string{"3 messages attendent sur le nœud aaaaaaaa (PostgreSQL absent depuis le 24 novembre à 14:22)", "Nœud bbbbbbbb non vu depuis le 24 novembre à 13:32, 1 en attente",
		"Nœud cccccccc non vu depuis le 24 novembre à 13:32\u00A0: personne ne sait", "Les rappels et les annonces sont retenus"}
	for _, path := range []string{"messages", "doubts", "broadcasts", "languages", "menus", "channels", "sending", "accounts"} {
		_, body := admin.get(t, "/console/"+path)
		lacks(t, path, body, said...)
	}
	_, body := coordinator.get(t, "/console/channels")
	lacks(t, "the coordinator's channels", body, append(said, "lafia spool adopt", "aaaaaaaa-0000-4000-8000-000000000001")...)
	if _, body := coordinator.get(t, "/console/messages"); strings.Contains(body, "retenus") {
		t.Error("the coordinator reads it on every page")
	}
	if _, body := officer.get(t, "/console/messages"); strings.Contains(body, "aaaaaaaa") {
		t.Error("an officer is told")
	}
}

func TestAnAnnouncementIsSeenWithItsCostBeforeItIsMadeAndMadeOnce(t *testing.T) {
	s := newSite(t)
	s.listens(t, 3, "LAF1", "ML060504")
	s.listens(t, 2, "LAF2", "ML060101")
	c := s.as(t, staff.Officer)
	_, body := c.get(t, "/console/broadcasts")
	lacks(t, "the page", body, "Écrire une annonce", `<option value="project:LAF1"`, `<option value="place:ML060504"`, "Les mots, en Bamanankan", "Aucune encore.")
	if strings.Contains(body, "LAF7") {
		t.Error("another region's project is offered")
	}
	once, _ := fields(body)
	form := url.Values{"once": {once}, "audience": {"project:LAF1"}, "do": {"make"}}
	for k, v := range newsForm {
		form[k] = v
	}
	res, body := c.post(t, "/console/broadcasts", form)
	lacks(t, "the preview", body, "Ce que cela demande", "60\u00A0F\u00A0CFA", "40\u00A0000\u00A0F\u00A0CFA", "3\u00A0s", "24 novembre à 14:32", "3 personnes", "Le prix de 1 SMS n’est pas connu", "Envoyer cette annonce",
		`<option value="project:LAF1" selected>`, "Kulu ka nyògònye. STOP", newsForm.Get("text-bm")+"</textarea>")
	_, seen := fields(body)
	if res.StatusCode != http.StatusOK || seen == "" {
		t.Fatalf("%d, seen %q", res.StatusCode, seen)
	}
	// For others than were seen: it is shown again, and nothing is made.
	form.Set("seen", seen)
	form.Set("audience", "")
	if _, body = c.post(t, "/console/broadcasts", form); !strings.Contains(body, "5 personnes") {
		t.Error("another audience is not shown first")
	}
	form.Set("audience", "project:LAF1")
	for _, done := range []string{"made", "already"} {
		if res, _ := c.post(t, "/console/broadcasts", form); res.Header.Get("Location") != "/console/broadcasts?done="+done+"#content" {
			t.Fatalf("%d to %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	_, body = c.get(t, "/console/broadcasts?done=made")
	lacks(t, "the page after", body, "L’annonce est faite", "LAF1 · Puits de Douékiré", "La réunion du groupe est jeudi matin.", "Arrêter ce qui attend", "Awa Maïga")
	var id string
	if err := s.pool.QueryRow(t.Context(), `select id::text from broadcast`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if res, _ := c.post(t, "/console/broadcasts/"+id+"/stop", nil); res.Header.Get("Location") != "/console/broadcasts?done=stopped#content" {
		t.Errorf("%d", res.StatusCode)
	}
	_, body = c.get(t, "/console/broadcasts")
	lacks(t, "the stopped one", body, "Arrêtée le 24 novembre")
	for name, f := range map[string]url.Values{
		"banned":     {"text-fr": {"La police vient. STOP keep"}, "text-bm": {"STOP"}, "text-ses": {"STOP"}, "why": {"police"}},
		"empty":      {"text-fr": {"STOP keep"}, "why": {"langue"}},
		"no way out": {"text-fr": {"STOP keep"}, "text-bm": {"x"}, "text-ses": {"STOP"}, "why": {"Écrivez STOP"}},
		"nobody":     {"text-fr": {"STOP keep"}, "text-bm": {"STOP"}, "text-ses": {"STOP"}, "audience": {"place:ML060101"}, "none": {"1"}, "why": {"nouvelles"}},
		"stale":      {"text-fr": {"keep"}, "token": {"0"}},
		"long":       {"text-fr": {strings.Repeat("a", 301) + " STOP keep"}, "text-bm": {"STOP"}, "text-ses": {"STOP"}, "why": {"300"}},
		"not there":  {"text-fr": {"STOP keep"}, "text-bm": {"STOP"}, "text-ses": {"STOP"}, "audience": {"project:LAF7"}},
	} {
		if f.Has("none") {
			s.exec(t, `update wish set given = false`)
		}
		res, body := c.post(t, "/console/broadcasts", f)
		if name == "not there" {
			if res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", name, res.StatusCode)
			}
			continue
		}
		if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.Contains(body, "keep</textarea>") || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %d, without what was typed or why", name, res.StatusCode)
		}
		if _, alert, _ := strings.Cut(body, `role="alert"`); !strings.Contains(alert[:min(len(alert), 400)], f.Get("why")) {
			t.Errorf("%s: the reason is not about %q", name, f.Get("why"))
		}
	}
}

func TestTheNewPagesAreInEnglishToo(t *testing.T) {
	s := newSite(t)
	of, _ := s.doubt(t, programme.Submission{})
	s.announce(t)
	c := s.as(t, staff.Administrator)
	c.post(t, "/console/language", url.Values{"to": {"en"}, "back": {"/console"}})
	for path, want := range map[string]string{"sending": "This month’s money", "doubts": "Send again", "broadcasts": "Stop what waits", "messages/" + of: "SMS: Uncertain"} {
		if _, body := c.get(t, "/console/"+path); !strings.Contains(body, want) || strings.Contains(body, "[") {
			t.Errorf("%s lacks %q, or a word", path, want)
		}
	}
}
