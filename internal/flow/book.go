// Package flow is the conversation as data: books of flows read from TOML, and
// the pure step from one screen to the next. It knows no other room, and does
// no I/O: what a step must know is asked for as needs and given as facts.
package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Book is a set of flows that were published together. A session ends on the
// book it began with, which is found again by its hash.
type Book struct {
	Hash    string
	Flows   map[string]*Flow
	content map[string]string
}

// Main is the flow of the first screens: language, menu, going on after a drop.
const Main = "main"

// Flow is one conversation.
type Flow struct {
	Name  string `toml:"name"`
	Kind  string `toml:"kind"`  // what it submits; empty: nothing
	Level string `toml:"level"` // the lowest level of what it submits
	Start string `toml:"start"`
	// DraftLife is how long an unfinished run may be taken up again.
	DraftLife Duration `toml:"draft_life"`
	// Partial names the answers that make an unfinished run worth keeping: one that
	// has them all becomes a partial submission when its life ends.
	Partial []string          `toml:"partial"`
	States  map[string]*State `toml:"state"`
	order   []string          // of the states, as callers meet them
}

// Submits reports whether a run of the flow can end in a submission.
func (f *Flow) Submits() bool { return f.Kind != "" }

// DefaultDraftLife is how long a draft lives where a flow says nothing.
const DefaultDraftLife = 10 * time.Minute

// Life gives how long an unfinished run of the flow may be taken up again.
func (f *Flow) Life() time.Duration {
	if f.DraftLife == 0 {
		return DefaultDraftLife
	}
	return time.Duration(f.DraftLife)
}

// Duration is a duration in a flow file, as Go writes it: "24h".
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is not a duration like 10m or 24h", b)
	}
	*d = Duration(v)
	return nil
}

// Kind says what a state does.
type Kind string

// Kinds of states.
const (
	KindLanguage  Kind = "language"  // choose a language; the phone keeps it
	KindMenu      Kind = "menu"      // options that enter flows or states
	KindResume    Kind = "resume"    // after a drop: go on, or start again
	KindChoice    Kind = "choice"    // one of the options
	KindRating    Kind = "rating"    // one of the steps of a scale, from 1 for the worst
	KindYesNo     Kind = "yesno"     // 1 yes, 2 no
	KindConfirm   Kind = "confirm"   // what was understood: 1 right, 2 not
	KindProject   Kind = "project"   // a project's printed or dialled code
	KindPlace     Kind = "place"     // a commune, by list or by name
	KindGroup     Kind = "group"     // one of the leader's groups; asked only when there are two
	KindPIN       Kind = "pin"       // the leader's PIN; saved nowhere
	KindPending   Kind = "pending"   // a report by SMS that waits to be confirmed; passed over without one
	KindMonth     Kind = "month"     // the month of a report; asked only when it isn't plain
	KindNumber    Kind = "number"    // a number within bounds
	KindMoney     Kind = "money"     // francs CFA within bounds
	KindText      Kind = "text"      // her own words
	KindReference Kind = "reference" // a reference that she was given
	KindSay       Kind = "say"       // says something; 1 goes on
	KindEnd       Kind = "end"       // says something, and ends
	KindSubmit    Kind = "submit"    // submits what was answered, and ends
	KindBranch    Kind = "branch"    // goes one way or another; never shown
	KindCall      Kind = "call"      // asks what another flow asks, then goes on
	KindReturn    Kind = "return"    // in a flow that is called: back to the caller; never shown
)

// State is one step of a flow.
type State struct {
	Kind   Kind   `toml:"kind"`
	Ask    string `toml:"ask"`     // words by key
	AskSMS string `toml:"ask_sms"` // other words for an SMS, which stays on the phone
	Simple string `toml:"simple"`  // simpler words, after two answers that do not fit
	Short  string `toml:"short"`   // what the answer is called when it is said again, by key
	Save   string `toml:"save"`    // the name that the answer is kept by
	Next   string `toml:"next"`
	None   string `toml:"none"` // group: where to go without one
	Skip   string `toml:"skip"` // text: the input that says nothing
	// Private answers are not said again by SMS, which stays on the phone.
	Private bool     `toml:"private"`
	Media   []string `toml:"media"` // where the state is asked; empty: everywhere
	If      string   `toml:"if"`    // asked only when this holds (see holds), else passed over
	// Most is how many answers the run may have taken for this to be asked still:
	// a question that can wait for her next call. 0: no limit.
	Most int `toml:"most"`

	Min      *int64 `toml:"min"`
	Max      *int64 `toml:"max"`
	WarnMin  *int64 `toml:"warn_min"` // below it: "is that right?"
	WarnMax  *int64 `toml:"warn_max"` // above it: "is that right?"
	MaxOf    string `toml:"max_of"`   // no more than this answer
	WarnOver *Part  `toml:"warn_over"`
	Decimals bool   `toml:"decimals"` // number: one that may have a fraction

	Yes     string `toml:"yes"`     // yesno: where yes leads, instead of next
	No      string `toml:"no"`      // yesno: where no leads, instead of next
	Correct string `toml:"correct"` // confirm: where "not right" leads
	Consent string `toml:"consent"` // yesno: the purpose that the answer is kept for
	Once    bool   `toml:"once"`    // yesno with consent: passed over once it is known
	Do      string `toml:"do"`      // yesno: what a yes does: see Doings
	Load    string `toml:"load"`    // confirm, choice: the fact whose values are taken as answers, by which it is shown

	Options []Choice `toml:"options"`
	From    string   `toml:"from"` // choice: the fact that lists the options, instead: "regions"
	Cases   []Case   `toml:"case"` // branch: the first that holds; else next
	Flow    string   `toml:"flow"` // call
	As      string   `toml:"as"`   // submit: the kind of what is submitted, instead of the flow's
}

// Part is a share of another answer: that answer divided by Per.
type Part struct {
	Answer string  `toml:"answer"`
	Per    float64 `toml:"per"`
}

// Case is one way that a branch may go.
type Case struct {
	Answer string   `toml:"answer"` // an answer of this run
	Is     []string `toml:"is"`     // the values that take this way
	If     string   `toml:"if"`     // or: what must hold
	Next   string   `toml:"next"`
}

// Choice is an option as a flow file declares it.
type Choice struct {
	Key   string   `toml:"key"` // default: its place in the list
	Value string   `toml:"value"`
	Say   string   `toml:"say"`
	Next  string   `toml:"next"`  // instead of the state's next
	Then  string   `toml:"then"`  // where to go after the answer at next: to correct one thing
	Flow  string   `toml:"flow"`  // menu: the flow to enter
	State string   `toml:"state"` // menu: the state to go to
	Level string   `toml:"level"` // raises the level
	If    string   `toml:"if"`    // offered only when this holds
	Media []string `toml:"media"`

	counted bool // its key is its place among the options that are offered
}

// Doings are what a yes can do beyond being kept.
const (
	DoCall  = "call"  // she asks to be called back
	DoErase = "erase" // she asks that all about her be erased; a no calls that off
	DoKeep  = "keep"  // a no calls an erasure off that waits
)

// Load reads every *.toml at the root of fsys as one book, and checks it.
func Load(fsys fs.FS) (*Book, error) {
	names, err := fs.Glob(fsys, "*.toml")
	if err != nil {
		return nil, fmt.Errorf("looking for flow files: %w", err)
	}
	content := map[string]string{}
	for _, n := range names {
		b, err := fs.ReadFile(fsys, n)
		if err != nil {
			return nil, fmt.Errorf("reading flow file %s: %w", n, err)
		}
		content[n] = string(b)
	}
	return Parse(content)
}

// Parse reads a book from its files, by name.
func Parse(content map[string]string) (*Book, error) {
	b := &Book{Flows: map[string]*Flow{}, content: content}
	names := make([]string, 0, len(content))
	for n := range content {
		names = append(names, n)
	}
	sort.Strings(names)
	h := sha256.New()
	for _, n := range names {
		fmt.Fprintf(h, "%s %d\n%s", n, len(content[n]), content[n])
		f, err := parseFlow(n, content[n])
		if err != nil {
			return nil, err
		}
		if _, twice := b.Flows[f.Name]; twice {
			return nil, fmt.Errorf("%s: a flow named %q stands in another file already", n, f.Name)
		}
		f.order = f.met()
		b.Flows[f.Name] = f
	}
	b.Hash = hex.EncodeToString(h.Sum(nil))[:16]
	if problems := b.check(); len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "\n"))
	}
	return b, nil
}

// Content gives the book's files by name, for keeping.
func (b *Book) Content() map[string]string { return b.content }

func parseFlow(name, text string) (*Flow, error) {
	d := toml.NewDecoder(bytes.NewReader([]byte(text))).DisallowUnknownFields()
	var f Flow
	if err := d.Decode(&f); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) && len(strict.Errors) > 0 {
			e := strict.Errors[0]
			row, _ := e.Position()
			return nil, fmt.Errorf("%s:%d: no such key %q", name, row, strings.Join(e.Key(), "."))
		}
		var de *toml.DecodeError
		if errors.As(err, &de) {
			row, col := de.Position()
			return nil, fmt.Errorf("%s:%d:%d: %s", name, row, col, de.Error())
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, s := range f.States {
		s.defaults()
		for i := range s.Options {
			o := &s.Options[i]
			if o.Key == "" {
				o.Key, o.counted = fmt.Sprint(i+1), true
			}
		}
	}
	return &f, nil
}

// met lists the states in the order in which callers meet them.
func (f *Flow) met() []string {
	var out []string
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		s := f.States[name]
		if s == nil || seen[name] {
			return
		}
		seen[name] = true
		out = append(out, name)
		walk(s.Next)
		for _, t := range s.targets() {
			walk(t)
		}
	}
	walk(f.Start)
	return out
}

// defaults gives a state the options that its kind has anyway.
func (s *State) defaults() {
	if len(s.Options) > 0 {
		return
	}
	switch s.Kind {
	case KindYesNo, KindConfirm:
		s.Options = []Choice{{Value: yes, Say: "answer.yes"}, {Value: no, Say: "answer.no"}}
	case KindSay:
		if s.Next != "" {
			s.Options = []Choice{{Value: "on", Say: "answer.on"}}
		}
	}
}

// The values of yes and no.
const (
	yes = "yes"
	no  = "no"
)
