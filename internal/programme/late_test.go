package programme_test

import (
	"testing"
	"time"

	"lafia/internal/programme"
)

func TestASentTimeIsBelievedWithinReasonAndLateAfterAnHour(t *testing.T) {
	came := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		sent           time.Time
		believed, late bool
	}{
		"nobody says when":           {time.Time{}, false, false},
		"just now":                   {came.Add(-3 * time.Second), true, false},
		"an hour ago":                {came.Add(-time.Hour), true, false},
		"a little more than an hour": {came.Add(-time.Hour - time.Second), true, true},
		"ten days ago":               {came.Add(-10 * day), true, true},
		"sixty days ago":             {came.Add(-60 * day), true, true},
		"longer ago":                 {came.Add(-61 * day), false, false},
		"ten minutes ahead":          {came.Add(10 * time.Minute), true, false},
		"further ahead":              {came.Add(11 * time.Minute), false, false},
		"a clock that was never set": {time.Unix(0, 0), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			said, late := programme.Said(c.sent, came)
			if said.IsZero() == c.believed || c.believed && !said.Equal(c.sent) || late != c.late {
				t.Errorf("said %v, late %v", said, late)
			}
		})
	}
	if said, _ := programme.Said(time.Date(2019, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2020, 1, 10, 0, 0, 0, 0, time.UTC)); !said.IsZero() {
		t.Error("a moment before 2020 is believed")
	}
}
