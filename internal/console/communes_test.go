package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lafia/internal/staff"
)

// gazetteer adds two communes of one name, in two cercles, and one of another region.
func (s *site) gazetteer(t *testing.T) {
	t.Helper()
	s.exec(t, `update place set parent = left(pcode, 6)`)
	s.exec(t, `insert into place (pcode, level, name, parent, gazetteer) values ('ML0605', 2, 'Niafunké', 'ML06', 'x'), ('ML0601', 2, 'Diré', 'ML06', 'x'),
		('ML060506', 3, 'Alafia', 'ML0605', 'x'), ('ML070102', 3, 'Anchawadi', 'ML0701', 'x')`)
}

func TestACommuneIsClosedFromThePageOfAnnouncementsAndOpenedAgain(t *testing.T) {
	s := newSite(t)
	s.gazetteer(t)
	s.listens(t, 3, "LAF1", "ML060504")
	s.listens(t, 2, "LAF2", "ML060101")
	c := s.as(t, staff.Officer)
	_, body := c.get(t, "/console/broadcasts")
	lacks(t, "the page", body, `href="#communes">Communes fermées</a>`, `id="communes"`, "Aucune commune n’est fermée dans", "Les réponses à ce que les gens écrivent partent encore")
	closing := func(commune string) url.Values { return url.Values{"do": {"close"}, "commune": {commune}} }
	for _, x := range []struct {
		name, commune, told string
	}{
		{"two of one name", "alafia", "«\u00A0alafia\u00A0»\u00A0: choisissez laquelle"},
		{"none", "<b>Rien</b>", "Il n’y a pas de commune «\u00A0<b>Rien</b>\u00A0» dans vos régions"},
		{"another region's", "Anchawadi", "dans vos régions"},
		{"a cercle", "Niafunke", "est un cercle ou une région"},
		{"nothing", " ", "Il n’y a pas de commune"},
	} {
		res, body := c.post(t, "/console/broadcasts", closing(x.commune))
		lacks(t, x.name, body, x.told, `role="alert"`)
		if res.StatusCode != http.StatusUnprocessableEntity || strings.Contains(body, "<b>Rien") {
			t.Errorf("%s: %d", x.name, res.StatusCode)
		}
	}
	_, body = c.post(t, "/console/broadcasts", closing("Alafia"))
	lacks(t, "the choice", body, `type="radio" name="commune" value="ML060101"`, "Alafia · cercle\u00A0: Diré · ML060101", "Alafia · cercle\u00A0: Niafunké · ML060506")
	if res, body := c.post(t, "/console/broadcasts", url.Values{"do": {"close"}, "commune": {"Lafia"}, "token": {"0"}}); res.StatusCode != http.StatusForbidden || !strings.Contains(body, "rien n’est changé") {
		t.Errorf("a stale form: %d", res.StatusCode)
	}
	for _, done := range []string{"closed", "wasclosed"} {
		if res, _ := c.post(t, "/console/broadcasts", closing("Lafia")); res.Header.Get("Location") != "/console/broadcasts?done="+done+"#content" {
			t.Errorf("%d to %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	s.exec(t, `insert into closed_commune (pcode, at, actor) values ('ML070102', $1, 'cli:awa')`, s.now)
	_, body = c.get(t, "/console/broadcasts?done=closed")
	lacks(t, "the list", body, "La commune est fermée.", "Lafia", "cercle\u00A0: Niafunké · ML060504", "Fermée le 24 novembre à 14:32", "Awa Maïga", "Rouvrir Lafia")
	if strings.Contains(body, "Anchawadi") || strings.Contains(body, `value="place:ML060504"`) {
		t.Error("another region's is listed, or the closed one is offered")
	}
	_, body = s.as(t, staff.Coordinator).get(t, "/console/broadcasts")
	lacks(t, "the coordinator's list", body, "Anchawadi", "ligne de commande : awa", "Awa Maïga")
	form := url.Values{"do": {"see"}}
	for k, v := range newsForm {
		form[k] = v
	}
	_, body = c.post(t, "/console/broadcasts", form)
	lacks(t, "the preview", body, "<dt>d’une commune fermée, sans SMS</dt><dd>3</dd>", "<dt>personnes</dt><dd>2</dd>")
	s.exec(t, `insert into closed_commune (pcode, at) values ('ML060101', $1)`, s.now)
	_, body = c.post(t, "/console/broadcasts", form)
	lacks(t, "all closed", body, "sont tous dans une commune fermée")
	if res, _ := c.post(t, "/console/broadcasts", url.Values{"do": {"open"}, "commune": {"ML070102"}}); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("opening another region's: %d", res.StatusCode)
	}
	for _, done := range []string{"opened", "wasopen"} {
		if res, _ := c.post(t, "/console/broadcasts", url.Values{"do": {"open"}, "commune": {"ML060504"}}); res.Header.Get("Location") != "/console/broadcasts?done="+done+"#content" {
			t.Errorf("%d to %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	for _, r := range []staff.Role{staff.Viewer, staff.Peace, staff.Translator, staff.Protection} {
		if res, _ := s.as(t, r).post(t, "/console/broadcasts", closing("Lafia")); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", r, res.StatusCode)
		}
	}
	_, body = s.as(t, staff.Administrator).get(t, "/console/audit")
	lacks(t, "the audit", body, "a fermé la commune", "a rouvert la commune", "Lafia (ML060504)")
	c.post(t, "/console/language", url.Values{"to": {"en"}, "back": {"/console"}})
	if _, body := c.post(t, "/console/broadcasts", closing("Alafia")); !strings.Contains(body, "Which one?") || !strings.Contains(body, "Closed communes") || strings.Contains(body, "[") {
		t.Error("English lacks a word")
	}
}
