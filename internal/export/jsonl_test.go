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

// row is a submission that corrects nothing, or what its place holds.
type row struct {
	programme.Submission
	first string
}

func (r row) Said() programme.Submission { return r.Submission }
func (r row) Corrects() string           { return r.first }

func seq(rows ...programme.Submission) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for _, r := range rows {
			if !yield(row{Submission: r}, nil) {
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

func TestACorrectionNamesTheFirstVersionAndWhatWasNotFinishedSaysSo(t *testing.T) {
	var b bytes.Buffer
	err := JSONL(&b, func(yield func(row, error) bool) {
		_ = yield(row{programme.Submission{ID: "2", Kind: programme.Progress, ReceivedAt: time.Unix(0, 0)}, "1"}, nil) &&
			yield(row{Submission: programme.Submission{ID: "3", Kind: programme.Progress, Partial: true, ReceivedAt: time.Unix(0, 0)}}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if !strings.HasSuffix(lines[0], `"received_at":"1970-01-01T00:00:00.000Z","corrects":"1"}`) || !strings.HasSuffix(lines[1], `,"partial":true}`) {
		t.Errorf("got\n%s", b.String())
	}
}

func TestAnErrorOfTheReaderEndsTheExportAndKeepsWhatCameBefore(t *testing.T) {
	broken := errors.New("the record is away")
	var b bytes.Buffer
	err := JSONL(&b, func(yield func(row, error) bool) {
		if yield(row{Submission: programme.Submission{ID: "1"}}, nil) {
			yield(row{}, broken)
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
