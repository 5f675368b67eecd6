package flow

// Line is one piece of what a screen says: words by key with their parameters,
// or literal text where the data itself is the text (a project's name).
type Line struct {
	Key  string            `json:"k,omitempty"`
	Args map[string]string `json:"a,omitempty"`
	// Keys are parameters that are words themselves, by key: a month's name.
	Keys map[string]string `json:"w,omitempty"`
	Text string            `json:"t,omitempty"`
}

// IsZero reports whether the line says nothing.
func (l Line) IsZero() bool { return l.Key == "" && l.Text == "" }

// Option is one thing that can be chosen. Key is the digit or digits that
// choose it; it is the same on every page of the screen.
type Option struct {
	Key   string `json:"k"`
	Value string `json:"v"`
	Say   Line   `json:"s"`
	// Level raises the level of what is being said ("L2") when this is chosen.
	Level string `json:"l,omitempty"`
}

// Input says what a screen waits for, and so which keys are navigation: see Keys.
type Input string

// What a screen can wait for.
const (
	InputNone   Input = ""       // the conversation ends here
	InputChoice Input = "choice" // 0 back, 00 menu, 99 next page
	InputText   Input = "text"   // 0 back, 00 menu, 99 next page
	InputPlace  Input = "place"  // a choice or typed text; 0 back, 00 menu, 99 next page
	InputNumber Input = "number" // 0 and 99 are numbers: 00 back, 000 menu; one page always
)

// Screen is what a state wants shown, before words, folding and pages.
type Screen struct {
	Hint    Line     `json:"h,omitzero"` // shown first: a wrong key, an apology
	Say     []Line   `json:"s,omitempty"`
	Options []Option `json:"o,omitempty"`
	Input   Input    `json:"i,omitempty"`
	Back    bool     `json:"b,omitempty"` // the back key is offered
	Menu    bool     `json:"m,omitempty"` // the menu key is offered
}

// End reports whether the conversation ends with this screen.
func (s Screen) End() bool { return s.Input == InputNone }
