package console

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lafia/internal/casework"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

const shown = "70\u00A000\u00A000\u00A001"

func TestANumberIsOnOnePageAndTheReasonInTheHistory(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	id := s.call(t, programme.Submission{Text: "Rappelez moi"}, s.now.Add(time.Hour))
	path := "/console/messages/" + id
	for lang, words := range map[string]struct{ asks, done string }{"fr": {"Rappeler cette personne", "Numéro montré"}, "en": {"Call this person back", "Number shown"}} {
		c := s.as(t, staff.Officer)
		c.post(t, "/console/language", url.Values{"to": {lang}, "back": {path}})
		if _, body := c.get(t, path); !strings.Contains(body, words.asks) || strings.Contains(body, "70000001") || strings.Contains(body, shown) {
			t.Errorf("%s: the page does not ask, or shows the number", lang)
		}
		res, body := c.post(t, path+"/number", url.Values{"reason": {"Pour <elle>."}})
		if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "no-store" || !strings.Contains(body, `href="tel:+22370000001"`) || !strings.Contains(body, shown) {
			t.Errorf("%s: %d, %s, without the number", lang, res.StatusCode, res.Header.Get("Cache-Control"))
		}
		_, body = c.get(t, path)
		for _, want := range []string{words.done, "Awa Maïga", "Pour &lt;elle&gt;."} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the history lacks %q", lang, want)
			}
		}
		if strings.Contains(body, "70000001") || strings.Contains(body, shown) {
			t.Errorf("%s: the number is on a second page", lang)
		}
	}
	// By address alone, without a form, there is nothing.
	if res, _ := s.as(t, staff.Officer).get(t, path+"/number"); res.StatusCode != http.StatusNotFound {
		t.Errorf("by GET: %d", res.StatusCode)
	}
	if strings.Contains(log.String(), "70000001") {
		t.Error("the number is in the log")
	}
}

func TestARefusedWishForANumberKeepsTheReasonAndShowsNothing(t *testing.T) {
	s := newSite(t)
	id := s.call(t, programme.Submission{}, s.now.Add(time.Minute))
	c := s.as(t, staff.Peace)
	path := "/console/messages/" + id + "/number"
	for name, f := range map[string]url.Values{
		"no reason":   {"reason": {" \r\n"}},
		"long reason": {"reason": {strings.Repeat("é", casework.NoteMost+1) + " gardez"}},
		"stale token": {"reason": {"gardez"}, "token": {"0"}},
	} {
		res, body := c.post(t, path, f)
		if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.Contains(body, `id="number-problem"`) || strings.Contains(body, shown) {
			t.Errorf("%s: %d, without why", name, res.StatusCode)
		}
		if strings.Contains(f.Get("reason"), "gardez") && !strings.Contains(body, "gardez</textarea>") {
			t.Errorf("%s: what was typed is gone", name)
		}
	}
	s.now = s.now.Add(time.Minute)
	res, body := c.post(t, path, url.Values{"reason": {"Elle demande."}})
	if res.StatusCode != http.StatusConflict || !strings.Contains(body, "Aucun numéro n’est gardé pour ce message") || strings.Contains(body, shown) {
		t.Errorf("after its time: %d, without a clear sentence", res.StatusCode)
	}
	r, err := s.desk.Read(t.Context(), staff.ScopeOf(staff.Coordinator, nil).By("test"), id)
	if err != nil || len(r.Events) != 0 {
		t.Errorf("events %+v, %v", r.Events, err)
	}
}

func TestWhoMayNotCallIsNotAskedAndGetsNothing(t *testing.T) {
	s := newSite(t)
	id := s.call(t, programme.Submission{}, s.now.Add(time.Hour))
	silent := s.submit(t, programme.Submission{Text: "le puits"})
	foreign := s.call(t, programme.Submission{Region: "ML07"}, s.now.Add(time.Hour))
	for _, m := range []struct {
		role staff.Role
		id   string
	}{{staff.Viewer, id}, {staff.Officer, silent}, {staff.Officer, foreign}, {staff.Protection, id}, {staff.Translator, id}} {
		c := s.as(t, m.role)
		if _, body := c.get(t, "/console/messages/"+m.id); strings.Contains(body, "Rappeler cette personne") {
			t.Errorf("%s is asked", m.role)
		}
		if res, body := c.post(t, "/console/messages/"+m.id+"/number", url.Values{"reason": {"Elle demande."}}); res.StatusCode != http.StatusNotFound || strings.Contains(body, shown) {
			t.Errorf("%s: %d", m.role, res.StatusCode)
		}
	}
}

func TestRepliesAreShownWithHowFarTheyCame(t *testing.T) {
	s := newSite(t)
	for state, want := range map[string]string{"delivered": "Reçu par le téléphone", "ambiguous": "Incertain\u00A0: peut-être parti, pas renvoyé"} {
		s.now = s.now.Add(time.Minute)
		id := s.submit(t, programme.Submission{Kind: programme.Open, Medium: "sms"})
		s.answer(t, id, state, "Message recu <1>")
		_, body := s.as(t, staff.Officer).get(t, "/console/messages/"+id)
		if !strings.Contains(body, want) || !strings.Contains(body, "Message recu &lt;1&gt;") || strings.Contains(body, `class="alarm-word"`) != (state == "ambiguous") {
			t.Errorf("%s: not said as it is", state)
		}
		if _, body = s.as(t, staff.Viewer).get(t, "/console/messages/"+id); !strings.Contains(body, want) || strings.Contains(body, "Message recu") {
			t.Errorf("%s: a viewer reads the words, or not how far they came", state)
		}
	}
}

func TestANumberIsWrittenInPairs(t *testing.T) {
	for in, want := range map[string]string{"+22376123456": "76\u00A012\u00A034\u00A056", "+33612345678": "+33612345678", "+2237612345": "+2237612345", "36222": "36222"} {
		if got := phone(in); got != want {
			t.Errorf("%s is written %s", in, got)
		}
	}
}
