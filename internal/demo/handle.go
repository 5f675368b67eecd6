package demo

import (
	"time"

	"lafia/internal/programme"
)

// paths lead from new to a status, as staff go.
var paths = map[programme.Status][][]programme.Status{
	programme.Acknowledged: {{programme.Acknowledged}},
	programme.InProgress:   {{programme.InProgress}, {programme.Acknowledged, programme.InProgress}},
	programme.Answered: {
		{programme.Answered}, {programme.Acknowledged, programme.Answered},
		{programme.Acknowledged, programme.InProgress, programme.Answered},
	},
	programme.Closed: {
		{programme.Acknowledged, programme.Closed}, {programme.Answered, programme.Closed},
		{programme.Acknowledged, programme.Answered, programme.Closed}, {programme.InProgress, programme.Answered, programme.Closed},
	},
}

// standing says where messages of an age stand, in hundredths by status: the
// newest wait, the old are mostly over.
var standing = []struct {
	below  time.Duration
	shares [5]int // as programme.Statuses
}{
	{2 * 24 * time.Hour, [5]int{85, 15, 0, 0, 0}},
	{5 * 24 * time.Hour, [5]int{35, 35, 30, 0, 0}},
	{12 * 24 * time.Hour, [5]int{8, 17, 35, 30, 10}},
	{month + 24*time.Hour, [5]int{2, 4, 12, 40, 42}},
}

// notes are what staff write down at a move. None names a person or a place.
var notes = map[programme.Status][]string{
	programme.Acknowledged: {"Lu.", "Lu, transmis a l'equipe du projet.", "A voir avec l'animatrice a la prochaine visite."},
	programme.InProgress:   {"Point demande au comite.", "Visite prevue cette semaine.", "On cherche la reponse aupres du fournisseur.", "Mediateurs informes, ils suivent."},
	programme.Answered:     {"Repondu a la reunion du groupe.", "Reponse donnee par l'animatrice.", "Explique pourquoi ce n'est pas possible cette annee."},
	programme.Closed:       {"Regle, confirme sur place.", "Rien de plus a faire.", "Repris dans le compte rendu du mois."},
}

// handle gives a message the status of its age and the moves that led there.
func (m *maker) handle(msg *message) {
	msg.Status = programme.New
	to := m.standingAt(m.now.Sub(msg.ReceivedAt))
	if to == programme.New {
		return
	}
	at := msg.ReceivedAt
	for _, next := range pick(m, paths[to]) {
		at = m.worked(at)
		if !at.Before(m.now) {
			return
		}
		e := programme.Event{At: at, Staff: m.handler(msg.Submission), From: msg.Status, To: next}
		if m.r.IntN(10) < 6 {
			e.Note = pick(m, notes[next])
		}
		msg.moves, msg.Status = append(msg.moves, e), next
	}
}

func (m *maker) standingAt(age time.Duration) programme.Status {
	n := m.r.IntN(100)
	for _, s := range standing {
		if age >= s.below {
			continue
		}
		for i, share := range s.shares {
			if n -= share; n < 0 {
				return programme.Statuses[i]
			}
		}
	}
	return programme.New
}

// worked gives a moment of work within a day and a half or so after at.
func (m *maker) worked(at time.Time) time.Time {
	t := at.Add(time.Hour + time.Duration(m.r.Int64N(int64(30*time.Hour)))).Truncate(time.Second)
	day := time.Date(t.Year(), t.Month(), t.Day(), 8, 0, 0, 0, time.UTC).Add(time.Duration(m.r.IntN(9*3600)) * time.Second)
	switch {
	case t.Hour() >= 17:
		return day.AddDate(0, 0, 1)
	case t.Hour() < 8:
		return day
	}
	return t
}

// handler gives who moves a message: somebody who may see it.
func (m *maker) handler(s programme.Submission) string {
	switch {
	case s.Region == "":
		return "coordinator"
	case s.Level == programme.L2:
		return "peace"
	case s.Region == "ML05":
		return "officer-mopti"
	}
	return "officer"
}
