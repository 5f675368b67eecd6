package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lafia/internal/casework"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

const (
	waits   = "Rapport par SMS, sans code secret\u00A0: à confirmer"
	asks    = "Confirmer ce rapport"
	answers = `/confirm#confirm"`
)

func TestAReportBySMSIsConfirmedOnceAndTheHistorySaysByWhomAndWhen(t *testing.T) {
	s := newSite(t)
	id := s.report(t, programme.Submission{Status: programme.Acknowledged, Answers: map[string]string{"MEM": "24"}})
	s.submit(t, programme.Submission{Kind: programme.Progress})
	c := s.as(t, staff.Officer)
	if _, log := c.get(t, "/console/messages"); strings.Count(log, waits) != 1 {
		t.Errorf("the log says %d times that a report waits", strings.Count(log, waits))
	}
	if _, body := c.get(t, "/console/messages/"+id); !strings.Contains(body, waits) || !strings.Contains(body, asks) || !strings.Contains(body, answers) {
		t.Error("the page does not ask")
	}
	path, form := "/console/messages/"+id+"/confirm", func() url.Values { return url.Values{"note": {"Vue au marché."}} }
	for _, done := range []string{"confirmed", "before", "before"} {
		res, _ := c.post(t, path, form())
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console/messages/"+id+"?done="+done+"#content" {
			t.Fatalf("%d to %s, want %s", res.StatusCode, res.Header.Get("Location"), done)
		}
	}
	_, body := c.get(t, "/console/messages/"+id+"?done=confirmed")
	for _, want := range []string{"Le rapport est confirmé.", "Rapport confirmé", "Awa Maïga", "Vue au marché.", `aria-current="step">Lu<`} {
		if strings.Count(body, want) < 1 {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, waits) || strings.Contains(body, asks) || strings.Count(body, "Vue au marché.") != 1 {
		t.Error("the page still asks, or says it twice")
	}
	if _, log := c.get(t, "/console/messages"); strings.Contains(log, waits) {
		t.Error("the log still says that it waits")
	}
	// A second person with the page as it was: told, and her note is kept where
	// it can still be saved.
	c = s.as(t, staff.Coordinator)
	res, body := c.post(t, path, url.Values{"note": {"Ma <note>"}})
	if res.StatusCode != http.StatusConflict || !strings.Contains(body, "Entre-temps, Awa Maïga a confirmé ce rapport.") || !strings.Contains(body, "Ma &lt;note&gt;</textarea>") {
		t.Errorf("the second is answered %d, without what she needs", res.StatusCode)
	}
	if res, _ := c.post(t, path, nil); !strings.Contains(res.Header.Get("Location"), "?done=before") {
		t.Errorf("without a note she is sent to %s", res.Header.Get("Location"))
	}
}

func TestARefusedConfirmationKeepsTheNoteAndConfirmsNothing(t *testing.T) {
	s := newSite(t)
	id := s.report(t, programme.Submission{})
	c := s.as(t, staff.Peace)
	for name, f := range map[string]url.Values{
		"long note":   {"note": {strings.Repeat("é", casework.NoteMost+1) + " gardez"}},
		"stale token": {"note": {"gardez"}, "token": {"0"}},
	} {
		res, body := c.post(t, "/console/messages/"+id+"/confirm", f)
		if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.Contains(body, "gardez</textarea>") || !strings.Contains(body, `role="alert"`) || !strings.Contains(body, waits) {
			t.Errorf("%s: %d, without what was typed or why", name, res.StatusCode)
		}
	}
	r, err := s.desk.Read(t.Context(), staff.ScopeOf(staff.Coordinator, nil).By("test"), id)
	if err != nil || r.Confirmed || len(r.Events) != 0 {
		t.Errorf("something was confirmed: %+v, %v", r, err)
	}
}

func TestAViewerIsToldThatAReportWaitsAndIsNotAsked(t *testing.T) {
	s := newSite(t)
	id := s.report(t, programme.Submission{})
	_, body := s.as(t, staff.Viewer).get(t, "/console/messages/"+id)
	if !strings.Contains(body, waits) || strings.Contains(body, asks) || strings.Contains(body, answers) {
		t.Error("a viewer is not told, or is asked")
	}
}

func TestWhatIsNoReportIsNotConfirmed(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{Text: "le puits"})
	c := s.as(t, staff.Officer)
	if _, body := c.get(t, "/console/messages/"+id); strings.Contains(body, asks) {
		t.Error("the page asks")
	}
	if res, _ := c.post(t, "/console/messages/"+id+"/confirm", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("answers %d", res.StatusCode)
	}
}
