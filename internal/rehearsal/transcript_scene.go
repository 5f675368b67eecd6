package rehearsal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/internal/flow"
	"lafia/internal/programme"
)

// Scene is what holds as a conversation begins, where that matters. In a file:
//
//	= caller new|known|back      new: no language yet; back: an unfinished conversation may be taken up; else known
//	= leader none|butter|capital|youth|bridge|two
//	                             of one group that does that, or of two (butter and capital); else none
//	= today 2026-11-24           else 2026-11-05: until the 10th a report's month is plain
//	= reported [old]             the group's report of the month is there, or too old to be corrected
//	= waiting                    a report by SMS waits to be confirmed
//	= locked                     too many wrong PINs
//	= answer yes|no              the team has answered what she asks about by its reference; else no
//	= consent PURPOSE yes|no     what she said before
//	= erasing                    she has asked to be erased
//	= callback no                no call-back can be kept for the protection focal points
type Scene struct {
	Caller   string
	Leader   string
	Today    time.Time
	Reported string // "", "yes" or "old"
	Waiting  bool
	Locked   bool
	Answer   bool
	Consents map[string]string // by purpose, "yes" or "no"
	Erasing  bool
	Callback bool
}

// firstDay is the day of a scene that tells none.
func firstDay() time.Time { return time.Date(2026, 11, 5, 8, 0, 0, 0, time.UTC) }

func newScene() Scene {
	return Scene{Caller: "known", Leader: "none", Today: firstDay(), Consents: map[string]string{}, Callback: true}
}

const dayForm = "2006-01-02"

// set takes a fact as a file tells it.
func (s *Scene) set(words string) error {
	fields := strings.Fields(words)
	if len(fields) == 0 {
		return fmt.Errorf("behind = stands a fact; %s", factsKnown)
	}
	word, rest := fields[0], strings.Join(fields[1:], " ")
	if of, ok := factWords[word]; ok && !slices.Contains(of, rest) {
		return fmt.Errorf("%q is no fact: behind %s stands one of: %s", words, word, strings.Join(of, ", "))
	}
	switch word {
	case "caller":
		s.Caller = rest
		return nil
	case "leader":
		s.Leader = rest
		return nil
	case "today":
		day, err := time.Parse(dayForm, rest)
		if err != nil {
			return fmt.Errorf("%q is no fact: behind today stands a day like 2026-11-24", words)
		}
		s.Today = day.Add(8 * time.Hour)
		return nil
	case "answer":
		s.Answer = rest == "yes"
		return nil
	case "callback":
		s.Callback = rest == "yes"
		return nil
	case "consent":
		if len(fields) != 3 || fields[2] != "yes" && fields[2] != "no" {
			return fmt.Errorf("%q is no fact: behind consent stand a purpose, and yes or no", words)
		}
		s.Consents[fields[1]] = fields[2]
		return nil
	}
	switch strings.Join(fields, " ") {
	case "reported":
		s.Reported = "yes"
	case "reported old":
		s.Reported = "old"
	case "waiting":
		s.Waiting = true
	case "locked":
		s.Locked = true
	case "erasing":
		s.Erasing = true
	default:
		return fmt.Errorf("%q is no fact; %s", words, factsKnown)
	}
	return nil
}

// factWords are the words that may stand behind a fact.
var factWords = map[string][]string{
	"caller":   {"new", "known", "back"},
	"leader":   {"none", "butter", "capital", "youth", "bridge", "two"},
	"answer":   {"yes", "no"},
	"callback": {"yes", "no"},
}

const factsKnown = "there are: caller, leader, today, reported, waiting, locked, answer, consent, erasing, callback"

// facts writes the facts that are not as usual.
func (s Scene) facts() []string {
	var out []string
	say := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(s.Caller != "known", "caller %s", s.Caller)
	say(s.Leader != "none", "leader %s", s.Leader)
	say(!s.Today.Equal(firstDay()), "today %s", s.Today.Format(dayForm))
	say(s.Reported == "yes", "reported")
	say(s.Reported == "old", "reported old")
	say(s.Waiting, "waiting")
	say(s.Locked, "locked")
	say(s.Answer, "answer yes")
	for _, purpose := range slices.Sorted(maps.Keys(s.Consents)) {
		say(true, "consent %s %s", purpose, s.Consents[purpose])
	}
	say(s.Erasing, "erasing")
	say(!s.Callback, "callback no")
	return out
}

// scenery answers what a flow needs to know in a scene.
type scenery struct {
	world World
	scene Scene
	held  *held
}

func newScenery(w *World, s Scene) scenery {
	world := *w
	world.Now, world.stranger, world.pending = s.Today, s.Leader == "none", s.Waiting
	world.reported, world.old, world.replied = s.Reported != "", s.Reported == "old", s.Answer
	if s.Leader != "two" && s.Leader != "none" {
		world.activity = s.Leader
	}
	return scenery{world: world, scene: s}
}

// Fact answers one need of a step.
func (s scenery) Fact(n flow.Need, medium string) (flow.Fact, error) {
	switch n.Kind {
	case flow.NeedCallback:
		return flow.Fact{OK: s.scene.Callback}, nil
	case flow.NeedErasing:
		return flow.Fact{OK: s.held.Erasing}, nil
	case flow.NeedConsent:
		given := s.held.Consents[n.Arg]
		return flow.Fact{OK: given != "", Args: map[string]string{"given": given}}, nil
	case flow.NeedPIN:
		if s.scene.Locked {
			return flow.Fact{Args: map[string]string{"locked": "yes"}}, nil
		}
	}
	f, err := s.world.Fact(n, medium)
	switch {
	case n.Kind == flow.NeedGroups && s.scene.Leader != "two" && len(f.Items) > 1:
		f.Items = f.Items[:1]
	case n.Kind == flow.NeedReference && medium == "sms": // by SMS no answer's words
		delete(f.Args, "answer")
	}
	return f, err
}

// Group is one that the leader of a scene leads.
type Group struct{ Code, Name, PIN, Project, Activity string }

// Programme gives what a gateway must know to show what a transcript tells: the
// projects, and the groups whose leader may call in a scene, the help number, and
// the regions that have one.
func (s Scene) Programme() (projectsOf []programme.Project, groups []Group, number string, regions []string) {
	projectsOf = slices.Clone(projects)
	for i, p := range projectsOf {
		projectsOf[i].Phase = 1
		if !slices.Contains(regions, p.Region) {
			regions = append(regions, p.Region)
		}
	}
	slices.Sort(regions)
	for _, l := range leads {
		g := Group{Code: "G-" + l.group, Name: "Groupe " + l.group, PIN: l.pin, Project: l.group, Activity: l.activity}
		switch s.Leader {
		case "none":
			continue
		case "two":
		default:
			g.Activity = s.Leader
		}
		for i := range projectsOf {
			if projectsOf[i].Code == g.Project {
				projectsOf[i].Kind = g.Activity
			}
		}
		if groups = append(groups, g); s.Leader != "two" {
			break
		}
	}
	return projectsOf, groups, help, regions
}
