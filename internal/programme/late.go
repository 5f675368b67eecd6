package programme

import "time"

const (
	// LateAfter is how long before it came a message was sent that is late: longer
	// than a network that works takes, however busy.
	LateAfter = time.Hour
	// believedFor is how old a message may say that it is. A network or a phone
	// that was away for longer is rarer than a phone whose clock lost its power.
	believedFor = 60 * 24 * time.Hour
	// ahead is how far a clock may run before ours.
	ahead = 10 * time.Minute
)

// firstYear is before any message to a Lafia: what claims to be older comes from
// a clock that was never set.
const firstYear = 2020

// Said gives when a message was sent, as far as it can be believed: zero where
// its channel did not say, or said what cannot be. late is set for one that was
// sent long before it came; both times are kept all the same (reliability.md F7).
func Said(sent, received time.Time) (said time.Time, late bool) {
	switch age := received.Sub(sent); {
	case sent.IsZero(), sent.Year() < firstYear, age > believedFor, age < -ahead:
		return time.Time{}, false
	default:
		return sent, age > LateAfter
	}
}
