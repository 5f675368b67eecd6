package programme

import "time"

// ConfidentialBody is what an L3 row seals: everything that could tell what it
// is about. Outside the seal stand only its order, its pseudonym and its
// reference.
type ConfidentialBody struct {
	Source     string            `json:"source"` // "menu": the confidential flow; "words": a message that looked L3; "number": she was given a help number
	Channel    string            `json:"channel"`
	Medium     string            `json:"medium"`
	Language   string            `json:"language"`
	Kind       Kind              `json:"kind,omitempty"` // of the message that looked L3
	Answers    map[string]string `json:"answers,omitempty"`
	Text       string            `json:"text,omitempty"`
	Number     string            `json:"number,omitempty"` // to call back on, only when she asked for it
	ReceivedAt time.Time         `json:"received_at"`
}
