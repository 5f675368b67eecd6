// Package programme holds the nouns of the programme and their rules:
// submissions and their statuses, levels, places, projects, groups, indicators
// and references. It imports nothing of ours and does no I/O.
package programme

import (
	"fmt"
	"time"
)

// Kind is what a submission is about.
type Kind string

// Kinds of submissions. Confidential ones are never a Submission.
const (
	Feedback     Kind = "feedback"
	Tension      Kind = "tension"
	Progress     Kind = "progress"
	Open         Kind = "open" // a message that fits no flow
	Confidential Kind = "confidential"
)

// Level says who may read (context.md 2.4).
type Level string

// Levels. L0, public figures, is never a level of a row.
const (
	L1 Level = "L1" // the project team of the region
	L2 Level = "L2" // the peace team of the region
	L3 Level = "L3" // named protection focal points only
)

// Higher gives the more protected of two levels.
func Higher(a, b Level) Level {
	if b > a {
		return b
	}
	return a
}

// Status is where a submission stands with staff.
type Status string

// Statuses, in the order in which they are reached.
const (
	New          Status = "new"
	Acknowledged Status = "acknowledged"
	InProgress   Status = "in_progress"
	Answered     Status = "answered"
	Closed       Status = "closed"
)

// Statuses lists every status in order.
var Statuses = []Status{New, Acknowledged, InProgress, Answered, Closed}

// CanMove reports whether staff may move a submission from one status to
// another: forward by any number of steps, one step back to mend a slip, and
// from closed back to in progress when it turns out not to be over.
func CanMove(from, to Status) bool {
	f, t := rank(from), rank(to)
	switch {
	case f < 0 || t < 0 || f == t:
		return false
	case t > f:
		return true
	case from == Closed:
		return to == InProgress
	}
	return t == f-1 && to != New
}

func rank(s Status) int {
	for i, v := range Statuses {
		if v == s {
			return i
		}
	}
	return -1
}

// Submission is what someone said, once, and what became of it. Text is in the
// clear here: it is sealed at rest, and readers get it only where their scope
// allows.
type Submission struct {
	N          int64  // order of arrival
	ID         string // the run id, a UUID
	Kind       Kind
	Level      Level
	Status     Status
	Reference  Reference
	Channel    string
	Medium     string
	Language   string
	Project    string
	Place      string // pcode
	Region     string // adm1 pcode
	Group      string
	Answers    map[string]string
	Text       string
	Confirmed  bool
	Partial    bool
	Altered    bool
	Synthetic  bool
	SentAt     time.Time // zero when the channel did not say
	ReceivedAt time.Time
}

// Event is one move of a submission's status, with its note in the clear.
type Event struct {
	At       time.Time
	Staff    string // name of who did it
	From, To Status
	Note     string
}

// ParseKind reads a kind as filters and files write it.
func ParseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case Feedback, Tension, Progress, Open:
		return k, nil
	}
	return "", fmt.Errorf("kind %q is none of feedback, tension, progress, open", s)
}
