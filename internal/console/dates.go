package console

import (
	"strconv"
	"time"
)

// Times are shown in UTC, which is Mali's time all year.

// lateAfter is when a message counts as delayed on its way, and the page says
// when it was sent (context.md 0.7: networks are away for days).
const lateAfter = time.Hour

// clock gives hours and minutes.
func clock(t time.Time) string { return t.UTC().Format("15:04") }

// stamp is a time for machines.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// day names a day, with its weekday; today and yesterday by name.
func (p page) day(t time.Time) string {
	t = t.UTC()
	name := p.T("day."+strconv.Itoa(int(t.Weekday()))) + " " + p.date(t)
	switch {
	case sameDay(t, p.now):
		return p.T("day.today") + ", " + name
	case sameDay(t, p.now.AddDate(0, 0, -1)):
		return p.T("day.yesterday") + ", " + name
	}
	return name
}

// date names a day of a year: the year only when it is another one.
func (p page) date(t time.Time) string {
	s := strconv.Itoa(t.Day()) + " " + p.T("month."+strconv.Itoa(int(t.Month())))
	if t.Day() == 1 {
		s = p.T("day.first") + " " + p.T("month."+strconv.Itoa(int(t.Month())))
	}
	if t.Year() != p.now.Year() {
		s += " " + strconv.Itoa(t.Year())
	}
	return s
}

// moment names a day and the time of it.
func (p page) moment(t time.Time) string {
	t = t.UTC()
	return p.T("day.at", "day", p.date(t), "time", clock(t))
}

// month names a month written as 2026-10.
func (p page) month(s string) (string, bool) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return "", false
	}
	return p.T("month."+strconv.Itoa(int(t.Month()))) + " " + strconv.Itoa(t.Year()), true
}

func sameDay(a, b time.Time) bool {
	return a.Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}
