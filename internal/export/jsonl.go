// Package export writes submissions as files for other programs. It is given
// rows that a reader's scope already chose, and opens nothing itself.
package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"lafia/internal/programme"
)

// timestamp is RFC 3339 in UTC with milliseconds.
const timestamp = "2006-01-02T15:04:05.000Z"

// line is one submission. The keys and their order are a contract (design.md 4):
// people script against it.
type line struct {
	ID         string            `json:"id"`
	Reference  string            `json:"reference"`
	Kind       string            `json:"kind"`
	Channel    string            `json:"channel"`
	Medium     string            `json:"medium"`
	Language   string            `json:"language"`
	Project    string            `json:"project"`
	Place      string            `json:"place"`
	Answers    map[string]string `json:"answers"`
	Text       string            `json:"text"`
	Status     string            `json:"status"`
	Level      string            `json:"level"`
	ReceivedAt string            `json:"received_at"`
	Corrects   string            `json:"corrects,omitempty"` // the first version of this report
	Partial    bool              `json:"partial,omitempty"`  // not finished on the phone
	Synthetic  bool              `json:"synthetic,omitempty"`
}

// Row is a submission with what the record knows beside it.
type Row interface {
	Said() programme.Submission
	// Corrects gives the id of the report that this one corrects; "": none.
	Corrects() string
}

// JSONL writes one submission a line, as the rows come, and stops at the first
// error.
func JSONL[R Row](w io.Writer, rows iter.Seq2[R, error]) error {
	b := bufio.NewWriterSize(w, 64<<10)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false) // words as they were written
	for row, err := range rows {
		if err != nil {
			// What came before is written, so that a reader sees how far it went.
			return fmt.Errorf("exporting: %w", firstOf(err, b.Flush()))
		}
		s := row.Said()
		answers := s.Answers
		if answers == nil {
			answers = map[string]string{}
		}
		err := e.Encode(line{
			ID: s.ID, Reference: s.Reference.String(), Kind: string(s.Kind), Channel: s.Channel, Medium: s.Medium,
			Language: s.Language, Project: s.Project, Place: s.Place, Answers: answers, Text: s.Text,
			Status: string(s.Status), Level: string(s.Level), ReceivedAt: stamp(s.ReceivedAt),
			Corrects: row.Corrects(), Partial: s.Partial, Synthetic: s.Synthetic,
		})
		if err != nil {
			return fmt.Errorf("exporting: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(timestamp) }

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
