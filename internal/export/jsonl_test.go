package export

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
)

func seq(rows ...programme.Submission) iter.Seq2[programme.Submission, error] {
	return func(yield func(programme.Submission, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestALineHasTheContractsKeysInTheirOrder(t *testing.T) {
	var b bytes.Buffer
	err := JSONL(&b, seq(
		programme.Submission{
			ID: "0190-1", Reference: "48271936", Kind: programme.Feedback, Channel: "africastalking", Medium: "ussd", Language: "fr",
			Project: "LAF1", Place: "ML060504", Answers: map[string]string{"type": "P", "rating": "2"}, Text: "L'eau <b> & \"le puits\"\nɛɔŋɲ",
			Status: programme.New, Level: programme.L1, ReceivedAt: time.Date(2026, 11, 24, 9, 5, 7, 123456789, time.FixedZone("", 3600)),
		},
		programme.Submission{ID: "2", Kind: programme.Open, Synthetic: true, ReceivedAt: time.Unix(0, 0)},
	))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"0190-1","reference":"4827-1936","kind":"feedback","channel":"africastalking","medium":"ussd","language":"fr","project":"LAF1","place":"ML060504","answers":{"rating":"2","type":"P"},"text":"L'eau <b> & \"le puits\"\nɛɔŋɲ","status":"new","level":"L1","received_at":"2026-11-24T08:05:07.123Z"}
{"id":"2","reference":"","kind":"open","channel":"","medium":"","language":"","project":"","place":"","answers":{},"text":"","status":"","level":"","received_at":"1970-01-01T00:00:00.000Z","synthetic":true}
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnErrorOfTheReaderEndsTheExportAndKeepsWhatCameBefore(t *testing.T) {
	broken := errors.New("the record is away")
	var b bytes.Buffer
	err := JSONL(&b, func(yield func(programme.Submission, error) bool) {
		if yield(programme.Submission{ID: "1"}, nil) {
			yield(programme.Submission{}, broken)
		}
	})
	if !errors.Is(err, broken) {
		t.Fatalf("err = %v", err)
	}
	if strings.Count(b.String(), "\n") != 1 {
		t.Errorf("wrote %q", b.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestADiskThatIsFullIsAnError(t *testing.T) {
	if err := JSONL(full{}, seq(programme.Submission{ID: "1"})); err == nil {
		t.Fatal("no error")
	}
}
