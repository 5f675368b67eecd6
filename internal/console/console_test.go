package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lafia/flows"
	"lafia/internal/audit"
	"lafia/internal/casework"
	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/locales"
)

func TestEveryEndpointHasAHandlerAndEveryHandlerAnEndpoint(t *testing.T) {
	handlers := (&Console{}).handlers()
	for _, e := range staff.Endpoints {
		if handlers[e.Name] == nil {
			t.Errorf("%s has no handler", e.Name)
		}
		delete(handlers, e.Name)
	}
	for name := range handlers {
		t.Errorf("%s is in no table", name)
	}
}

// TestEveryRoleGetsWhatTheTableSaysAndNothingElse goes through all cells of the
// table of roles by endpoint, over HTTP.
func TestEveryRoleGetsWhatTheTableSaysAndNothingElse(t *testing.T) {
	s := newSite(t)
	id := s.report(t, programme.Submission{Text: "le puits", Project: "LAF1"})
	s.call(t, programme.Submission{}, s.now.Add(time.Hour)) // whoever writes is one person here
	if _, err := s.pool.Exec(t.Context(), `update submission set answers = '{"call": "yes"}'`); err != nil {
		t.Fatal(err)
	}
	_, sms := s.doubt(t, programme.Submission{})
	announced := s.announce(t)
	for _, r := range staff.Roles {
		c := s.as(t, r)
		_, missing := c.get(t, "/console/nowhere")
		for _, e := range staff.Endpoints {
			if e.Name == "logout" || e.Roles == nil {
				continue // for everyone; logout comes last
			}
			path := "/console" + strings.NewReplacer(":id", id, ":doubt", sms, ":broadcast", announced, ":flow", "main", ":language", "bm").Replace(e.Path)
			var res *http.Response
			var body string
			if e.Method == http.MethodPost {
				res, body = c.post(t, path, nil)
			} else {
				res, body = c.get(t, path)
			}
			if !slices.Contains(e.Roles, r) {
				if res.StatusCode != http.StatusNotFound || body != missing {
					t.Errorf("%s %s as %s: %d, and not the page of what does not exist", e.Method, path, r, res.StatusCode)
				}
				continue
			}
			if res.StatusCode == http.StatusNotFound || res.StatusCode >= 500 {
				t.Errorf("%s %s as %s: %d", e.Method, path, r, res.StatusCode)
			}
			if res.StatusCode == http.StatusSeeOther {
				continue // done, and no page
			}
			if strings.HasPrefix(res.Header.Get("Content-Type"), "image/") {
				continue // a picture, which leads nowhere
			}
			for _, other := range staff.Endpoints {
				link := `href="/console` + other.Path + `"`
				if other.Menu != "" && strings.Contains(body, link) != other.Allows(r) {
					t.Errorf("%s as %s: link to %s is there: %v", path, r, other.Path, !other.Allows(r))
				}
			}
		}
		res, _ := c.get(t, "/console")
		if want := "/console" + r.Menu()[0].Path; res.Header.Get("Location") != want {
			t.Errorf("%s lands on %s, want %s", r, res.Header.Get("Location"), want)
		}
		if res, _ := c.post(t, "/console/logout", nil); res.StatusCode != http.StatusSeeOther {
			t.Errorf("logout as %s: %d", r, res.StatusCode)
		}
		if res, _ := c.get(t, "/console/accounts"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/console/login") {
			t.Errorf("after logout of %s: %d", r, res.StatusCode)
		}
	}
}

func TestNobodyGetsAnythingWithoutSigningIn(t *testing.T) {
	s := newSite(t)
	c := s.client(t)
	for _, path := range []string{"/console", "/console/", "/console/messages?status=new", "/console/nowhere", "/console/confidential"} {
		res, body := c.get(t, path)
		if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/console/login") || body != "" {
			t.Errorf("%s: %d to %s", path, res.StatusCode, res.Header.Get("Location"))
		}
	}
	for _, e := range staff.Endpoints {
		if e.Method == http.MethodPost && e.Roles != nil {
			res, _ := c.post(t, "/console"+strings.ReplaceAll(e.Path, ":id", "x"), nil)
			if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console/login" {
				t.Errorf("POST %s: %d", e.Path, res.StatusCode)
			}
		}
	}
}

func TestSigningInGoesWhereOneWantedToAndNowhereElse(t *testing.T) {
	s := newSite(t)
	for next, want := range map[string]string{
		"/console/messages?status=new": "/console/messages?status=new",
		"https://example.org/console":  "/console/messages",
		"//example.org/console":        "/console/messages",
		"/console\\@example.org":       "/console/messages",
		"/console/\r\nX: y":            "/console/messages",
		"/consolation":                 "/console/messages",
	} {
		c := s.client(t)
		c.get(t, "/console/login")
		res, _ := c.post(t, "/console/login", url.Values{"username": {"officer"}, "password": {password}, "next": {next}})
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("next %q leads to %q", next, got)
		}
	}
}

func TestWhatIsForeignAnswersAsWhatIsMissing(t *testing.T) {
	s := newSite(t)
	foreign := s.report(t, programme.Submission{Region: "ML07", Text: "ailleurs"})
	peace := s.submit(t, programme.Submission{Level: programme.L2, Kind: programme.Tension, Text: "vol"})
	c := s.as(t, staff.Officer)
	_, want := c.get(t, "/console/messages/00000000-0000-8000-8000-999999999999")
	for _, id := range []string{foreign, peace, "x", "%00", strings.Repeat("a", 300)} {
		res, body := c.get(t, "/console/messages/"+id)
		if res.StatusCode != http.StatusNotFound || body != want {
			t.Errorf("%.40s: %d, and other bytes than what is missing", id, res.StatusCode)
		}
		res, body = c.post(t, "/console/messages/"+id+"/status", url.Values{"from": {"new"}, "to": {"closed"}})
		if res.StatusCode != http.StatusNotFound || body != want {
			t.Errorf("moving %.40s: %d", id, res.StatusCode)
		}
		res, body = c.post(t, "/console/messages/"+id+"/confirm", nil)
		if res.StatusCode != http.StatusNotFound || body != want {
			t.Errorf("confirming %.40s: %d", id, res.StatusCode)
		}
	}
	_, log := c.get(t, "/console/messages")
	if strings.Contains(log, foreign) || strings.Contains(log, peace) || strings.Contains(log, "Gao") {
		t.Error("the log shows something foreign")
	}
	// The distance of a page does not tell either: pages are asked for by id.
	if res, _ := c.get(t, "/console/messages?after="+foreign); res.StatusCode != http.StatusOK {
		t.Errorf("a page after a foreign one: %d", res.StatusCode)
	}
}

func TestAViewerReadsNoWordsAndNoAmounts(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{Kind: programme.Progress, Text: "SECRETWORDS", Answers: map[string]string{"MEM": "24", "EPA": "98765"}})
	c := s.as(t, staff.Viewer)
	for _, path := range []string{"/console/messages", "/console/messages/" + id} {
		_, body := c.get(t, path)
		if strings.Contains(body, "SECRETWORDS") || strings.Contains(body, "98\u00A0765") || strings.Contains(body, "98765") {
			t.Errorf("%s shows what a viewer must not see", path)
		}
		if strings.Contains(body, `action="/console/messages/`+id) {
			t.Errorf("%s has the form of a move", path)
		}
	}
}

func TestAMoveIsSavedOnceAndASecondSendSaysSo(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{Text: "le puits"})
	c := s.as(t, staff.Officer)
	form := func() url.Values {
		return url.Values{"from": {"new"}, "to": {"in_progress"}, "note": {"Vu avec le comité."}}
	}
	res, _ := c.post(t, "/console/messages/"+id+"/status", form())
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console/messages/"+id+"?done=moved#content" {
		t.Fatalf("%d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	res, _ = c.post(t, "/console/messages/"+id+"/status", form())
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console/messages/"+id+"?done=already#content" {
		t.Fatalf("sent again: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	_, body := c.get(t, "/console/messages/"+id+"?done=moved")
	if strings.Count(body, "Vu avec le comité.") != 1 || !strings.Contains(body, "Awa Maïga") {
		t.Error("the history does not hold the move once, with who and why")
	}
	// A second person, with the page as it was: told, and her note kept.
	c = s.as(t, staff.Coordinator)
	res, body = c.post(t, "/console/messages/"+id+"/status", url.Values{"from": {"new"}, "to": {"closed"}, "note": {"Ma <note>"}})
	if res.StatusCode != http.StatusConflict || !strings.Contains(body, "Awa Maïga") || !strings.Contains(body, "Ma &lt;note&gt;</textarea>") || !strings.Contains(body, `name="from" value="in_progress"`) {
		t.Errorf("the second is answered %d, without what she needs", res.StatusCode)
	}
}

func TestARefusedMoveKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{Text: "le puits"})
	c := s.as(t, staff.Officer)
	long := strings.Repeat("é", casework.NoteMost+1)
	for name, f := range map[string]url.Values{
		"no status":      {"from": {"new"}, "note": {"gardez"}},
		"unknown status": {"from": {"new"}, "to": {"gone"}, "note": {"gardez"}},
		"long note":      {"from": {"new"}, "to": {"closed"}, "note": {long + " gardez"}},
		"stale token":    {"from": {"new"}, "to": {"closed"}, "note": {"gardez"}, "token": {"0"}},
	} {
		res, body := c.post(t, "/console/messages/"+id+"/status", f)
		if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.Contains(body, "gardez</textarea>") || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %d, without what was typed or why", name, res.StatusCode)
		}
	}
	r, err := s.desk.Read(t.Context(), staff.ScopeOf(staff.Coordinator, nil).By("test"), id)
	if err != nil || r.Status != programme.New || len(r.Events) != 0 {
		t.Errorf("something was moved: %+v, %v", r, err)
	}
}

func TestConfidentialIsOnThatOneAnswerAndNowhereElse(t *testing.T) {
	s := newSite(t)
	s.confide(t, programme.ConfidentialBody{Source: "words", Language: "fr", Text: "CONFIDED", Number: "+22300000001"})
	c := s.as(t, staff.Protection)
	_, body := c.get(t, "/console/confidential")
	if strings.Contains(body, "CONFIDED") || strings.Contains(body, "4827") {
		t.Fatal("it is shown before the password")
	}
	res, body := c.post(t, "/console/confidential", url.Values{"password": {"un autre mot de passe"}})
	if res.StatusCode != http.StatusForbidden || strings.Contains(body, "CONFIDED") {
		t.Errorf("another password: %d", res.StatusCode)
	}
	res, body = c.post(t, "/console/confidential", url.Values{"password": {password}})
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "CONFIDED") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("her password: %d", res.StatusCode)
	}
	if _, body = c.get(t, "/console/confidential"); strings.Contains(body, "CONFIDED") {
		t.Error("it is still shown on the next page")
	}
	for _, r := range staff.Roles {
		if r == staff.Protection {
			continue
		}
		c := s.as(t, r)
		for _, e := range staff.Endpoints {
			if e.Method == http.MethodGet && !strings.Contains(e.Path, ":id") {
				if _, body := c.get(t, "/console"+e.Path); strings.Contains(body, "CONFIDED") || strings.Contains(body, "4827-1936") {
					t.Errorf("%s shows something of it to %s", e.Path, r)
				}
			}
		}
	}
}

func TestFiltersAndPagesOfTheLog(t *testing.T) {
	s := newSite(t)
	for i := range 2*casework.PageSize + 3 {
		m := programme.Submission{Project: "LAF1", ReceivedAt: s.now.Add(time.Duration(i) * time.Minute)}
		if i%2 == 1 {
			m.Project, m.Status, m.Language, m.Kind = "LAF2", programme.Closed, "bm", programme.Open
		}
		s.submit(t, m)
	}
	c := s.as(t, staff.Officer)
	_, body := c.get(t, "/console/messages")
	if n := strings.Count(body, `class="e-ref"`); n != casework.PageSize {
		t.Errorf("a page holds %d", n)
	}
	if !strings.Contains(body, "27 messages attendent") {
		t.Error("the number of new ones is not said")
	}
	for query, want := range map[string]int{"?project=LAF2": 25, "?project=LAF2&status=new": 0, "?language=bm&kind=open": 25, "?status=closed&project=LAF2": 25, "?kind=nothing": 0, "?project=%27%3B--": 0} {
		_, body := c.get(t, "/console/messages"+query)
		if n := strings.Count(body, `class="e-ref"`); n != want {
			t.Errorf("%s shows %d, want %d", query, n, want)
		}
	}
	seen := map[string]bool{}
	path := "/console/messages?status=new"
	for pages := 0; path != "" && pages < 5; pages++ {
		_, body := c.get(t, path)
		for part := range strings.SplitSeq(body, `<p class="e-ref"><a href="`) {
			if href, _, ok := strings.Cut(part, `"`); ok && strings.HasPrefix(href, "/console/messages/") {
				if seen[href] {
					t.Errorf("%s is on two pages", href)
				}
				seen[href] = true
			}
		}
		_, rest, more := strings.Cut(body, `rel="next" href="`)
		path = ""
		if more {
			href, _, _ := strings.Cut(rest, `"`)
			path = strings.ReplaceAll(href, "&amp;", "&")
		}
	}
	if len(seen) != 27 {
		t.Errorf("the pages show %d", len(seen))
	}
}

func TestThePageSpeaksTheLanguageThatWasChosenAndKeepsIt(t *testing.T) {
	s := newSite(t)
	c := s.as(t, staff.Coordinator)
	_, body := c.get(t, "/console/messages")
	if !strings.Contains(body, `<html lang="fr">`) || !strings.Contains(body, "Journal des messages") {
		t.Fatal("the first language is not French")
	}
	res, _ := c.post(t, "/console/language", url.Values{"to": {"en"}, "back": {"/console/messages?status=new"}})
	if res.Header.Get("Location") != "/console/messages?status=new" {
		t.Errorf("comes back to %s", res.Header.Get("Location"))
	}
	if _, body = c.get(t, "/console/messages"); !strings.Contains(body, `<html lang="en">`) || !strings.Contains(body, "Log of messages") {
		t.Error("it is not English")
	}
	// The account keeps it: another browser speaks English too.
	if _, body = s.as(t, staff.Coordinator).get(t, "/console/messages"); !strings.Contains(body, `<html lang="en">`) {
		t.Error("another browser speaks another language")
	}
	for _, bad := range []url.Values{{"to": {"xx"}}, {"to": {"en"}, "back": {"https://example.org"}}} {
		if res, _ := c.post(t, "/console/language", bad); strings.Contains(res.Header.Get("Location"), "example.org") {
			t.Errorf("%v leads to %s", bad, res.Header.Get("Location"))
		}
	}
}

func TestNoPageWeighsMoreThanSixtyKilobytes(t *testing.T) {
	s := newSite(t)
	for range casework.PageSize {
		s.submit(t, programme.Submission{
			Project: "LAF1", Place: "ML060504", Synthetic: true, Level: programme.L2, Kind: programme.Tension,
			Text: strings.Repeat("ɛɔŋɲ ", 60), Answers: map[string]string{"type": "G3", "phase": "P4", "when": "U1"},
		})
	}
	c := s.as(t, staff.Administrator)
	fixed := 0
	_, body := c.get(t, "/console/messages")
	for part := range strings.SplitSeq(body, "/console/assets/") {
		name, _, _ := strings.Cut(part, `"`)
		if strings.Contains(name, ".svg") || strings.Contains(name, ".css") {
			res, asset := c.get(t, "/console/assets/"+name)
			if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
				t.Errorf("%s: %d, %s", name, res.StatusCode, res.Header.Get("Cache-Control"))
			}
			fixed += len(asset) // unpacked, and the icon counted each time it is named
		}
	}
	for _, path := range []string{"/console/messages", "/console/messages/00000000-0000-8000-8000-000000000001", "/console/accounts", "/console/channels", "/console/languages", "/console/menus", "/console/menus/progress/fr", "/console/sending", "/console/doubts", "/console/broadcasts"} {
		_, body := c.get(t, path)
		if n := len(body) + fixed; n > 60_000 {
			t.Errorf("%s weighs %d bytes", path, n)
		}
		t.Log(fmt.Sprintf("%-60s %6d bytes, style and pictures %d", path, len(body), fixed))
	}
}

func TestEveryMessageOfThePagesIsInBothLanguages(t *testing.T) {
	c, err := New(Options{Now: time.Now, Random: random, Flows: flows.Files, Locales: locales.Files})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.catalog.Coverage() {
		if len(l.Fallback) > 0 {
			t.Errorf("%s lacks %v", l.Tag, l.Fallback)
		}
	}
	for _, r := range staff.Roles {
		if !c.catalog.Has("role." + string(r)) {
			t.Errorf("role %s has no name", r)
		}
	}
	for _, st := range programme.Statuses {
		if !c.catalog.Has("status." + string(st)) {
			t.Errorf("status %s has no word", st)
		}
	}
	for _, a := range audit.Acts {
		if !c.catalog.Has("audit.act." + string(a)) {
			t.Errorf("the act %s has no words", a)
		}
	}
	for _, e := range staff.Endpoints {
		if e.Menu != "" && !c.catalog.Has(e.Menu) {
			t.Errorf("%s has no word", e.Menu)
		}
	}
	for _, name := range c.menus.names() {
		if !c.catalog.Has("menus.flow." + name) {
			t.Errorf("flow %s has no word", name)
		}
	}
	for _, y := range programme.TensionTypes {
		if key := "value.tension.type_exact." + strings.ToLower(y.Code); !c.catalog.Has(key) {
			t.Errorf("type %s has no word", y.Code)
		}
	}
	for _, r := range programme.Reasons {
		if key := "value.feedback.reason." + strings.ToLower(r.Code); !c.catalog.Has(key) {
			t.Errorf("reason %s has no word", r.Code)
		}
	}
	for _, in := range programme.Indicators {
		if key := "answer.progress." + strings.ToLower(in.Code); !c.catalog.Has(key) {
			t.Errorf("indicator %s has no word", in.Code)
		}
	}
	for _, key := range []string{"answer.none.asked", "answer.none.no", "answer.none.number", "answer.none.channel", "answer.by.words", "answer.by.notice",
		"answer.sms.words", "answer.sms.notice", "followup.better", "followup.same", "followup.worse"} {
		if !c.catalog.Has(key) {
			t.Errorf("%s has no word", key)
		}
	}
	for _, d := range []string{"queued", "sending", "sent", "delivered", "failed", "expired", "unknown", "ambiguous"} { // as outbound.state is checked
		if !c.catalog.Has("reply." + d) {
			t.Errorf("delivery %s has no word", d)
		}
	}
}

func TestTheLogSaysWhatWasAnsweredButNoAmount(t *testing.T) {
	s := newSite(t)
	s.submit(t, programme.Submission{Kind: programme.Progress, Answers: map[string]string{"month": "2026-10", "MEM": "24", "EPA": "98765", "EQU": "2", "what": "typed by hand"}})
	_, body := s.as(t, staff.Officer).get(t, "/console/messages")
	if !strings.Contains(body, "octobre 2026") || !strings.Contains(body, "À réparer") {
		t.Error("the answers are not said")
	}
	if strings.Contains(body, "98\u00A0765") || strings.Contains(body, "98765") || strings.Contains(body, "typed by hand") {
		t.Error("the log shows an amount, or what somebody typed")
	}
}

// TestWhatAPhoneAsksHasAWordHere goes through the menus: every answer that is
// kept, and every choice of it, is said in words.
func TestWhatAPhoneAsksHasAWordHere(t *testing.T) {
	c, err := New(Options{Now: time.Now, Random: random, Flows: flows.Files, Locales: locales.Files})
	if err != nil {
		t.Fatal(err)
	}
	book, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := []string{"project", "place", "text", "region"} // shown otherwise, or never kept
	for _, f := range book.Flows {
		for _, s := range f.States {
			if s.Save == "" || f.Kind == "" || slices.Contains(elsewhere, s.Save) {
				continue
			}
			key := f.Kind + "." + strings.ToLower(s.Save)
			if !c.catalog.Has("answer." + key) {
				t.Errorf("answer %s has no word", key)
			}
			values := []string{}
			for _, o := range s.Options {
				values = append(values, o.Value)
			}
			if s.Kind == flow.KindYesNo && len(values) == 0 {
				values = []string{"yes", "no"}
			}
			for _, v := range values {
				if !c.catalog.Has("value." + key + "." + strings.ToLower(v)) {
					t.Errorf("%s of %s has no word", v, key)
				}
			}
		}
	}
}
