package flow

import (
	"fmt"
	"sort"
)

// check finds what would leave a caller nowhere: targets that don't exist,
// states that nothing reaches, states that lead nowhere, keys used twice.
func (b *Book) check() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	main, ok := b.Flows[Main]
	if !ok {
		say("there is no flow %q: it has the menu", Main)
		return out
	}
	for _, want := range []string{"language", "menu", "resume"} {
		if main.States[want] == nil {
			say("flow %s has no state %q", Main, want)
		}
	}
	for _, name := range sortedKeys(b.Flows) {
		f := b.Flows[name]
		if f.States[f.Start] == nil {
			say("flow %s starts at %q, which is no state of it", name, f.Start)
			continue
		}
		reached := map[string]bool{}
		if name == Main {
			reached["language"], reached["resume"] = true, true
		}
		f.reach(f.Start, reached)
		for _, sn := range sortedKeys(f.States) {
			if !reached[sn] {
				say("flow %s: nothing leads to state %q", name, sn)
			}
			for _, p := range b.checkState(f, f.States[sn]) {
				say("flow %s, state %s: %s", name, sn, p)
			}
		}
	}
	return out
}

func (f *Flow) reach(state string, reached map[string]bool) {
	s := f.States[state]
	if s == nil || reached[state] {
		return
	}
	reached[state] = true
	for _, t := range s.targets() {
		f.reach(t, reached)
	}
}

func (s *State) targets() []string {
	var out []string
	for _, t := range []string{s.Next, s.None} {
		if t != "" {
			out = append(out, t)
		}
	}
	for _, o := range s.Options {
		for _, t := range []string{o.Next, o.State} {
			if t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

func (b *Book) checkState(f *Flow, s *State) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if s.Ask == "" {
		say("it asks nothing (ask)")
	}
	for _, t := range s.targets() {
		if f.States[t] == nil {
			say("it leads to %q, which is no state of the flow", t)
		}
	}
	keys := map[string]bool{}
	for _, o := range s.Options {
		if keys[o.Key] {
			say("two options have the key %s", o.Key)
		}
		keys[o.Key] = true
		if o.Say == "" {
			say("option %s says nothing (say)", o.Key)
		}
		if o.Flow != "" && b.Flows[o.Flow] == nil {
			say("option %s enters flow %q, which does not exist", o.Key, o.Flow)
		}
	}
	switch s.Kind {
	case KindMenu:
		for _, o := range s.Options {
			if o.Flow == "" && o.State == "" {
				say("option %s leads nowhere", o.Key)
			}
		}
	case KindResume:
		if len(s.Options) != 2 {
			say("it needs two options: continue and restart")
		}
	case KindChoice:
		if len(s.Options) == 0 {
			say("a choice without options")
		}
		for _, o := range s.Options {
			if o.Next == "" && s.Next == "" {
				say("option %s leads nowhere", o.Key)
			}
		}
	case KindNumber, KindMoney:
		if s.Min == nil || s.Max == nil || *s.Min > *s.Max {
			say("it needs min and max")
		}
		if s.Next == "" || s.Save == "" {
			say("it needs save and next")
		}
	case KindGroup:
		if s.Next == "" || s.None == "" || s.Save == "" {
			say("it needs save, next and none")
		}
	case KindProject, KindPlace, KindText, KindMonth:
		if s.Next == "" || s.Save == "" {
			say("it needs save and next")
		}
	case KindPending:
		if s.Next == "" || len(s.Options) != 2 {
			say("it needs next, and two options: yes and no")
		}
	case KindPIN, KindLanguage, KindReference:
		if s.Next == "" {
			say("it leads nowhere (next)")
		}
	case KindSay:
	case KindSubmit:
		if f.Kind == "" || f.Level == "" {
			say("it submits, so the flow needs kind and level")
		}
	default:
		say("no such kind: %q", s.Kind)
	}
	return out
}

// Words lists every message key that the book uses, each once, in order.
func (b *Book) Words() []string {
	set := map[string]bool{}
	for _, f := range b.Flows {
		for _, s := range f.States {
			for _, k := range []string{s.Ask, s.AskSMS} {
				if k != "" {
					set[k] = true
				}
			}
			if s.Kind == KindProject {
				set[s.Ask+".found"] = true
			}
			for _, o := range s.Options {
				set[o.Say] = true
			}
		}
	}
	return sortedKeys(set)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
