package flow

import (
	"maps"
	"slices"
)

// Cursor is where a caller stands: everything that a step needs to remember,
// and nothing else. It is what sessions and drafts hold.
type Cursor struct {
	Flow    string            `json:"f,omitempty"`
	State   string            `json:"s,omitempty"`
	Answers map[string]string `json:"a,omitempty"`
	Labels  map[string]Line   `json:"n,omitempty"` // how an answer is said to her again
	Level   string            `json:"l,omitempty"`
	Path    []Visit           `json:"p,omitempty"` // the screens she came by, for going back
	Within  string            `json:"w,omitempty"` // place: the region or cercle that is open
	Found   []Item            `json:"i,omitempty"` // place, project: the matches offered
	Then    string            `json:"t,omitempty"` // after the PIN was given again: where she was
	Sub     string            `json:"u,omitempty"` // the flow that is called from Flow: State is one of its states
	Return  string            `json:"r,omitempty"` // where Flow goes on behind Sub
	After   string            `json:"z,omitempty"` // where to go after this answer: one thing is corrected
	Doubt   string            `json:"d,omitempty"` // a number that is far from the usual: "is that right?"
	Misses  int               `json:"m,omitempty"` // answers in a row that did not fit
	Offer   bool              `json:"c,omitempty"` // she is offered to be called back
	Taken   int               `json:"k,omitempty"` // answers taken in this run
	// Given are answers that came ahead of their questions, in one line: each is
	// taken at its state, and what the line does not say is not asked.
	Given map[string]string `json:"g,omitempty"`
	Line  bool              `json:"e,omitempty"`
}

// Visit is a screen on the way, with what answering it changed.
type Visit struct {
	State  string `json:"s"`
	Level  string `json:"l,omitempty"`
	Sub    string `json:"u,omitempty"`
	Return string `json:"r,omitempty"`
}

// IsZero reports whether nothing was begun.
func (c Cursor) IsZero() bool { return c.Flow == "" }

// InFlow reports whether she is inside a conversation, not in the menu.
func (c Cursor) InFlow() bool { return c.Flow != "" && c.Flow != Main }

func (c Cursor) clone() Cursor {
	c.Answers = maps.Clone(c.Answers)
	c.Labels = maps.Clone(c.Labels)
	c.Path = slices.Clone(c.Path)
	c.Found = slices.Clone(c.Found)
	c.Given = maps.Clone(c.Given)
	return c
}

// Act is what a keypress means on the screen that she saw.
type Act string

// What a caller can do.
const (
	Begin Act = "begin" // she dialled, or wrote for the first time
	Show  Act = "show"  // nothing new: the same screen again
	Chose Act = "chose"
	Typed Act = "typed"
	Back  Act = "back"
	Menu  Act = "menu"
	Wrong Act = "wrong"
)

// Action is one thing that a caller did.
type Action struct {
	Act   Act
	Value string // Chose: the option's value
	Key   string // Chose: the option's key
	Level string // Chose: the level that the option raises to
	Text  string // Typed
}

// Env is what holds for one step whatever the flow.
type Env struct {
	Medium   string // "ussd" or "sms"
	Language string // empty: she has not chosen yet
	Resume   bool   // Begin: an unfinished run may be taken up
	// Given are answers that came in one line; Enter is the flow they are for.
	Given map[string]string
	Enter string
}

// Fact kinds: what a step may need to know from outside.
const (
	NeedLanguages = "languages" // the languages offered
	NeedProject   = "project"   // arg: what she typed; OK: it is a code, else those of a commune
	NeedPlaces    = "places"    // arg: the place whose parts to list; empty: the first list
	NeedPlace     = "place"     // arg: the name she typed
	NeedGroups    = "groups"    // the groups that she leads
	NeedPIN       = "pin"       // arg: group and PIN, separated by "/"
	NeedPending   = "pending"   // arg: the group; a report by SMS that waits to be confirmed
	NeedMonths    = "months"    // the months that a report can be for
	NeedReference = "reference" // arg: what she typed
	NeedRegions   = "regions"   // the regions that a help number is known for
	NeedHelp      = "help"      // arg: the region, or empty; the help number
	NeedCallback  = "callback"  // whether a confidential call-back can be kept
	NeedActivity  = "activity"  // arg: the group; Args: what it does, each "yes"
	NeedReported  = "reported"  // arg: group and month, separated by "/"; OK: a report is there; Args: its answers; Args["old"]: too old to correct
	NeedConsent   = "consent"   // arg: the purpose; OK: she has said yes or no; Args["given"]: "yes" or "no"
	NeedErasing   = "erasing"   // whether she has asked to be erased
)

// Need is one question of a step to the world.
type Need struct{ Kind, Arg string }

// Item is one thing that a fact lists.
type Item struct {
	Value string `json:"v"`
	Say   Line   `json:"s"`
	Open  bool   `json:"o,omitempty"` // place: it has parts to list
}

// Fact is the answer to a need.
type Fact struct {
	OK    bool
	Items []Item
	Args  map[string]string // for the words of the screen
}

// Facts are answers by need.
type Facts map[Need]Fact

// EffectKind says what a step asks its caller to do.
type EffectKind string

// Effects of a step.
const (
	Entered  EffectKind = "entered"  // a flow was begun: a run begins
	Left     EffectKind = "left"     // a flow was left for the menu: its run ends unfinished
	Language EffectKind = "language" // the phone keeps this language
	Resumed  EffectKind = "resumed"  // take up the unfinished run
	Dropped  EffectKind = "dropped"  // forget the unfinished run
	Submit   EffectKind = "submit"   // the run is finished: commit it
	Confirm  EffectKind = "confirm"  // the report named by ID is hers
	Consent  EffectKind = "consent"  // she said yes or no to Purpose
	CallMe   EffectKind = "callme"   // she asks to be called back
	Erase    EffectKind = "erase"    // she asks that all about her be erased; Given false: no longer
)

// Effect is one thing for the caller of a step to do.
type Effect struct {
	Kind     EffectKind
	Flow     string
	Language string
	Submit   *Submission
	ID       string // Confirm
	Purpose  string // Consent
	Given    bool   // Consent, Erase
	State    string // CallMe: where she was
}

// Submission is what a finished run says.
type Submission struct {
	Kind    string
	Level   string
	Answers map[string]string // codes and numbers
	Text    string            // her own words
}

// Result is a step's outcome. When Missing is not empty nothing else holds: get
// the facts and call again.
type Result struct {
	Cursor  Cursor
	Screen  Screen
	Effects []Effect
	Missing []Need
}

// Has reports whether the step had an effect of this kind.
func (r Result) Has(k EffectKind) bool {
	return slices.ContainsFunc(r.Effects, func(e Effect) bool { return e.Kind == k })
}
