package job_test

import (
	"testing"
	"time"

	"lafia/internal/job"
)

func TestTheClassesArePromisedWhatIssue5Says(t *testing.T) {
	giveUp := map[string]time.Duration{"reply": 24, "receipt": 24, "reminder": 12, "broadcast": 24, "alert": 2, "test": 1}
	if len(job.ClassNames()) != len(giveUp) {
		t.Fatalf("classes %v", job.ClassNames())
	}
	last := 0
	for _, name := range job.ClassNames() {
		c, ok := job.ClassNamed(name)
		if !ok || c.GiveUp != giveUp[name]*time.Hour {
			t.Errorf("%s is given up after %v", name, c.GiveUp)
		}
		if (c.Tries > 1) != (name == "alert") {
			t.Errorf("%s may be tried %d times: only an alert is sent at least once", name, c.Tries)
		}
		if c.Priority < last || c.Priority > 4 {
			t.Errorf("%s has priority %d after %d", name, c.Priority, last)
		}
		last = c.Priority
		bulk := name == "reminder" || name == "broadcast"
		if c.Waits != bulk || c.Bulk != bulk || (c.Purpose != "") != bulk {
			t.Errorf("%s: %+v", name, c)
		}
	}
	for _, name := range []string{"reply", "alert", "test"} {
		if c, _ := job.ClassNamed(name); c.Budgeted || c.Switched {
			t.Errorf("%s is stopped by a budget or a switch", name)
		}
	}
}

func TestWhatIsUrgentIsLookedForSoonAndNothingLaterThanItsEnd(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		class  string
		until  time.Duration
		wanted time.Duration
	}{
		{"reply", 0, 15 * time.Second},
		{"reply", time.Hour, time.Hour + 15*time.Second},
		{"reply", 24 * time.Hour, 24 * time.Hour},
		{"reminder", 0, 12 * time.Hour},
		{"alert", 3 * time.Hour, 2 * time.Hour},
	} {
		k, _ := job.ClassNamed(c.class)
		if got := k.Due(at, at.Add(c.until)).Sub(at); got != c.wanted {
			t.Errorf("a %s that waits %v is looked for after %v, not %v", c.class, c.until, got, c.wanted)
		}
	}
}
