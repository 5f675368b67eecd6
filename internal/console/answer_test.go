package console

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

var hidden = regexp.MustCompile(`name="(once|seen)" value="([0-9a-f]+)"`)

// fields gives a page's hidden fields of the answer.
func fields(body string) (once, seen string) {
	for _, m := range hidden.FindAllStringSubmatch(body, -1) {
		if m[1] == "once" {
			once = m[2]
		} else {
			seen = m[2]
		}
	}
	return once, seen
}

func lacks(t *testing.T, where, body string, want ...string) {
	t.Helper()
	body = html.UnescapeString(body)
	for _, w := range want {
		if !strings.Contains(body, w) {
			t.Errorf("%s lacks %q", where, w)
		}
	}
}

func TestAnAnswerIsSeenBeforeItIsGivenAndGivenOnce(t *testing.T) {
	s := newSite(t)
	s.agree(t, true)
	id := s.submit(t, programme.Submission{Text: "le puits"})
	c := s.as(t, staff.Officer)
	path := "/console/messages/" + id + "/answer"
	_, body := c.get(t, "/console/messages/"+id)
	lacks(t, "the page", body, "Répondre à cette personne", "Un SMS partira avec la réponse\u00A0: elle a accepté.", "Un SMS dira seulement qu’une réponse attend", "acceptée depuis le 23 novembre")
	once, _ := fields(body)
	form := url.Values{"once": {once}, "sms": {"words"}, "do": {"give"}, "text": {"Votre <plainte> est lue."}}
	// Without having seen it, nothing is given.
	res, body := c.post(t, path, form)
	lacks(t, "the preview", body, "Votre <plainte> est lue.</textarea>", "Le SMS qui partira", "Ces mots ne devraient pas être dans un SMS", "\u00A0: plainte.", "1 page", "1 SMS", "Donner cette réponse")
	again, seen := fields(body)
	if res.StatusCode != http.StatusOK || again != once || seen == "" {
		t.Fatalf("%d, once %q, seen %q", res.StatusCode, again, seen)
	}
	// Words that were changed since are seen first.
	form.Set("seen", seen)
	form.Set("text", "Le puits est réparé.")
	_, body = c.post(t, path, form)
	if strings.Contains(body, "Ces mots") {
		t.Error("it warns of nothing")
	}
	_, seen = fields(body)
	form.Set("seen", seen)
	for _, done := range []string{"answered", "already"} {
		if res, _ := c.post(t, path, form); res.Header.Get("Location") != "/console/messages/"+id+"?done="+done+"#content" {
			t.Fatalf("%d to %s, want %s", res.StatusCode, res.Header.Get("Location"), done)
		}
	}
	_, body = c.get(t, "/console/messages/"+id+"?done=answered")
	lacks(t, "the page after", body, "La réponse est donnée.", "Réponse donnée", "Awa Maïga", "Le puits est réparé.", "Pas encore lue sur son téléphone",
		"SMS avec la réponse\u00A0: En attente d’envoi", "Il y a déjà une réponse.", `aria-current="step">Répondu<`)
	if n := strings.Count(body, "Le puits est réparé."); n != 1 {
		t.Errorf("the answer is there %d times", n)
	}
	if _, body = s.as(t, staff.Viewer).get(t, "/console/messages/"+id); strings.Contains(body, "réparé") || strings.Contains(body, "Répondre à cette personne") || !strings.Contains(body, "Réponse donnée") {
		t.Error("a viewer reads the answer, or is asked for one, or is not told")
	}
	// In English, of L2, without her consent; what is wrong keeps what was typed.
	s.agree(t, false)
	id = s.submit(t, programme.Submission{Level: programme.L2, Kind: programme.Tension})
	c = s.as(t, staff.Peace)
	c.post(t, "/console/language", url.Values{"to": {"en"}, "back": {"/console"}})
	_, body = c.get(t, "/console/messages/"+id)
	lacks(t, "the English page", body, "Answer this person", "No SMS will go: she wants none on this phone.", "declined since")
	for name, f := range map[string]url.Values{
		"long": {"text": {strings.Repeat("a", 301) + " keep"}, "do": {"see"}}, "stale": {"text": {"keep"}, "token": {"0"}}, "foreseen otherwise": {"text": {"keep"}, "sms": {"words"}},
	} {
		res, body := c.post(t, "/console/messages/"+id+"/answer", f)
		if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.Contains(body, "keep</textarea>") || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %d, without what was typed or why", name, res.StatusCode)
		}
	}
}

func TestAMessageIsClassifiedAndGivenToThePeaceTeam(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{Kind: programme.Tension, Answers: map[string]string{"type": "G8", "calm": "M5", "trend": "up", "again": "yes"}})
	c := s.as(t, staff.Officer)
	page := "/console/messages/" + id
	_, body := c.get(t, page)
	lacks(t, "the page", body, "Comité de paix", "monte", "Redemander dans deux semaines", "T05 · Dégâts dans les champs", "Passer à l’équipe paix")
	if strings.Contains(body, "T18") {
		t.Error("a type for the focal points is offered to the project team")
	}
	if res, _ := c.post(t, page+"/class", url.Values{"code": {"T05"}}); !strings.Contains(res.Header.Get("Location"), "?done=classified") {
		t.Errorf("%d", res.StatusCode)
	}
	if res, body := c.post(t, page+"/class", url.Values{"code": {"T18"}}); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) {
		t.Errorf("%d", res.StatusCode)
	}
	_, body = c.get(t, page)
	lacks(t, "the page after", body, "Tension · Dégâts dans les champs", "Type exact (équipe)", "Classé\u00A0: Dégâts dans les champs")
	feedback := s.submit(t, programme.Submission{})
	c.post(t, "/console/messages/"+feedback+"/class", url.Values{"code": {"H", "C"}})
	_, body = c.get(t, "/console/messages/"+feedback)
	lacks(t, "the feedback", body, "Raisons (équipe)", "Partage juste · Clarté de l’argent", `value="C" checked`)
	if res, body := c.post(t, page+"/level", url.Values{"reason": {" "}}); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "Écrivez pourquoi") {
		t.Errorf("%d", res.StatusCode)
	}
	res, _ := c.post(t, page+"/level", url.Values{"reason": {"Deux villages."}})
	if _, body = c.get(t, res.Header.Get("Location")); !strings.Contains(body, "Le message est chez l’équipe paix.") || strings.Contains(body, id) {
		t.Error("she is not told, or still sees it")
	}
	_, body = s.as(t, staff.Peace).get(t, page)
	lacks(t, "the peace team's page", body, "Deux villages.", "T18 · Hommes armés, menace", "Équipe paix seulement")
}

func TestACorrectedReportShowsItsVersionsAndWhatChanged(t *testing.T) {
	s := newSite(t)
	one := s.submit(t, programme.Submission{Kind: programme.Progress, Answers: map[string]string{"month": "2026-10", "MEM": "24", "EPA": "24000", "PRE": "3", "FOR": "2"}})
	two := s.submit(t, programme.Submission{Kind: programme.Progress, Medium: "sms", Answers: map[string]string{
		"month": "2026-10", "MEM": "62", "MEM_sure": "yes", "EPA": "42000", "EPA_first": "420000", "ACT": "2"}})
	if _, err := s.pool.Exec(t.Context(), `update submission set corrects = $1::text::uuid where id = $2::text::uuid`, one, two); err != nil {
		t.Fatal(err)
	}
	c := s.as(t, staff.Officer)
	_, body := c.get(t, "/console/messages")
	if strings.Contains(body, one) || !strings.Contains(body, two) || !strings.Contains(body, "Corrige un rapport du même mois.") {
		t.Error("the log lists the older version, or does not say that it was corrected")
	}
	_, body = c.get(t, "/console/messages/"+two)
	lacks(t, "the newest", body, "Versions de ce rapport", "/console/messages/"+one, "Membres\u00A0: 24 → 62", "Épargne du mois\u00A0: 24\u00A0000\u00A0F\u00A0CFA → 42\u00A0000\u00A0F\u00A0CFA", "Prêts en cours\u00A0: 3 → rien",
		"SMS · même téléphone", "62 (redemandé, et confirmé)", "(d’abord 420\u00A0000\u00A0F\u00A0CFA)", "Activités avec d’autres groupes")
	_, body = c.get(t, "/console/messages/"+one)
	lacks(t, "the oldest", body, "Une version plus récente de ce rapport existe", "La version à jour", "Personnes formées")
	if _, body = s.as(t, staff.Viewer).get(t, "/console/messages/"+two); strings.Contains(body, "\u00A0000") || !strings.Contains(body, "Membres\u00A0: 24 → 62") {
		t.Error("a viewer sees an amount, or no change")
	}
}
