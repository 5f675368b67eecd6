package console

import (
	"strings"
	"testing"
	"time"

	"lafia/internal/staff"
)

func TestEverybodyIsToldOnEveryPageThatABackupWasRestored(t *testing.T) {
	s := newSite(t)
	admin, officer := s.as(t, staff.Administrator), s.as(t, staff.Officer)
	if _, body := officer.get(t, "/console/messages"); strings.Contains(body, "Une sauvegarde") {
		t.Fatal("it is said though nothing was restored")
	}
	s.exec(t, `insert into restore (noticed_at, node, backup_at, known, known_at, outbound, inbound)
		values ($1, 'aaaaaaaa-0000-4000-8000-000000000001', $2, 9, $1, 0, 0)`, s.now, time.Date(s.now.Year(), time.November, 3, 2, 30, 0, 0, time.UTC))
	for _, path := range []string{"messages", "channels"} {
		_, body := admin.get(t, "/console/"+path)
		lacks(t, path, body, "Une sauvegarde du 3 novembre à 02:30 a été remise en place", "Rien n’est envoyé par SMS")
	}
	_, body := officer.get(t, "/console/messages")
	lacks(t, "an officer's messages", body, "Une sauvegarde du 3 novembre à 02:30 a été remise en place")
	s.exec(t, `update restore set confirmed_at = $1`, s.now)
	if _, body := officer.get(t, "/console/messages"); strings.Contains(body, "Une sauvegarde") {
		t.Error("it is said behind its confirmation")
	}
}
