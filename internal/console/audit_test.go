package console

import (
	"net/http"
	"strings"
	"testing"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

func TestTheAdministratorReadsWhoDidWhat(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{Kind: programme.Feedback, Level: programme.L1, Status: programme.New, Reference: "48271936", Channel: "demo", Medium: "ussd", Language: "fr", Region: "ML06", Text: "le puits est sec"})
	officer := s.as(t, staff.Officer)
	if res, _ := officer.get(t, "/console/messages/"+id); res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	if res, _ := officer.get(t, "/console/audit"); res.StatusCode != http.StatusNotFound {
		t.Errorf("an officer reads it: %s", res.Status)
	}
	admin := s.as(t, staff.Administrator)
	res, body := admin.get(t, "/console/audit?before=x")
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	for _, want := range []string{"Awa Maïga", "a ouvert", "4827-1936", "/console/messages/" + id, "connexion", "ligne de commande : test"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(body, "le puits") {
		t.Error("the page has words")
	}
}
