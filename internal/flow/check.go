package flow

import (
	"fmt"
	"slices"
	"sort"
	"strings"
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
		called := b.called()
		if name == Main {
			reached["language"], reached["resume"] = true, true
		}
		f.reach(f.Start, reached)
		for _, sn := range sortedKeys(f.States) {
			if !reached[sn] {
				say("flow %s: nothing leads to state %q", name, sn)
			}
			if s := f.States[sn]; called[name] && !callable(s.Kind) {
				say("flow %s, state %s: a flow that is called can have no state of the kind %s", name, sn, s.Kind)
			}
			if s := f.States[sn]; s.Kind == KindReturn && !called[name] {
				say("flow %s, state %s: nothing calls the flow, so it can't return", name, sn)
			}
			for _, p := range b.checkState(f, f.States[sn]) {
				say("flow %s, state %s: %s", name, sn, p)
			}
		}
	}
	return out
}

// called gives the flows that others call.
func (b *Book) called() map[string]bool {
	out := map[string]bool{}
	for _, f := range b.Flows {
		for _, s := range f.States {
			if s.Kind == KindCall {
				out[s.Flow] = true
			}
		}
	}
	return out
}

// callable reports whether a state may stand in a flow that is called: one that
// asks or says something and goes on. Words are asked by the flow that keeps them.
func callable(k Kind) bool {
	switch k {
	case KindChoice, KindRating, KindYesNo, KindConfirm, KindNumber, KindMoney, KindPlace, KindSay, KindBranch, KindReturn:
		return true
	}
	return false
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
	for _, t := range []string{s.Next, s.None, s.Yes, s.No, s.Correct} {
		if t != "" {
			out = append(out, t)
		}
	}
	for _, o := range s.Options {
		for _, t := range []string{o.Next, o.State, o.Then} {
			if t != "" {
				out = append(out, t)
			}
		}
	}
	for _, c := range s.Cases {
		out = append(out, c.Next)
	}
	return out
}

func (b *Book) checkState(f *Flow, s *State) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if s.Ask == "" && s.shown() {
		say("it asks nothing (ask)")
	}
	if s.Next == "" && (s.If != "" || s.Most > 0 || s.Once) {
		say("it may be passed over, so it needs next")
	}
	if s.Do != "" && (s.Kind != KindYesNo || !slices.Contains([]string{DoCall, DoErase, DoKeep}, s.Do)) {
		say("do is for yesno, and is %q, %q or %q", DoCall, DoErase, DoKeep)
	}
	if s.Once && s.Consent == "" {
		say("once is for a yesno with consent")
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
	case KindChoice, KindRating:
		for i, o := range s.Options {
			if s.Kind == KindRating && o.Value != fmt.Sprint(i+1) {
				say("a rating counts its options from 1: option %d has the value %q", i+1, o.Value)
			}
		}
		if s.From != "" && (s.From != NeedRegions || s.Next == "" || len(s.Options) > 0) {
			say("from is %q, with next and without options", NeedRegions)
		}
		if len(s.Options) == 0 && s.From == "" {
			say("a choice without options")
		}
		for _, o := range s.Options {
			if o.Next == "" && s.Next == "" {
				say("option %s leads nowhere", o.Key)
			}
		}
	case KindYesNo:
		if s.Next == "" && (s.Yes == "" || s.No == "") {
			say("it needs next, or yes and no")
		}
		if !isYesNo(s.Options) {
			say("it needs two options: yes and no")
		}
		if s.Consent != "" && !slices.Contains(Purposes, s.Consent) {
			say("there is no purpose %q: there are %s", s.Consent, strings.Join(Purposes, ", "))
		}
	case KindConfirm:
		if s.Next == "" || s.Correct == "" {
			say("it needs next and correct")
		}
		if !isYesNo(s.Options) {
			say("it needs two options: yes and no")
		}
	case KindBranch:
		if s.Next == "" || len(s.Cases) == 0 {
			say("a branch needs next, and cases")
		}
		for _, c := range s.Cases {
			if c.Next == "" || (c.If == "") == (c.Answer == "") {
				say("a case needs next, and either answer and is, or if")
			}
		}
	case KindCall:
		if s.Next == "" || b.Flows[s.Flow] == nil || s.Flow == f.Name {
			say("it needs next, and flow: the one that it calls")
		}
	case KindReturn:
	case KindNumber, KindMoney:
		if s.WarnOver != nil && (s.WarnOver.Per <= 0 || s.WarnOver.Answer == "") {
			say("warn_over needs answer, and per above 0")
		}
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
		if s.Next == "" {
			say("it says something and goes on, so it needs next; what ends is of the kind end")
		}
	case KindEnd:
	case KindSubmit:
		if f.Kind == "" || f.Level == "" {
			say("it submits, so the flow needs kind and level")
		}
	default:
		say("no such kind: %q", s.Kind)
	}
	return out
}

// shown reports whether a state has a screen.
func (s *State) shown() bool {
	return s.Kind != KindBranch && s.Kind != KindCall && s.Kind != KindReturn
}

// Purposes are what someone can say yes or no to.
var Purposes = []string{"answer", "followup", "reminder", "broadcast"}

func isYesNo(options []Choice) bool {
	return len(options) == 2 && options[0].Value == yes && options[1].Value == no
}

// Words lists every message key that the book uses, each once, in order.
func (b *Book) Words() []string {
	set := map[string]bool{}
	for _, f := range b.Flows {
		for _, s := range f.States {
			for _, k := range s.Uses() {
				set[k] = true
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
