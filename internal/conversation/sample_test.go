package conversation_test

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lafia/internal/programme"
	"lafia/internal/store/storetest"
)

var update = flag.Bool("update", false, "rewrite testdata/samples.txt")

// TestTheSampleMessagesBecomeWhatTheTableSays plays the sample messages by SMS,
// each from a phone that never wrote before, reports from a leader's, and keeps
// what each became: the table testdata/samples.txt.
func TestTheSampleMessagesBecomeWhatTheTableSays(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "sms", "testdata", "sample_messages.csv"))
	must(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	must(t, err)
	b := early(t) // until the 10th no month is asked
	counts := map[string]map[string]int{}
	var lines []string
	for i, r := range rows[1:] {
		kind, text, category, level := r[1], r[2], r[3], r[5]
		who := fmt.Sprintf("+2237777%04d", i)
		if kind == "report" {
			who = leader
			b.tell(leader, "menu") // what the line before left open is over
		}
		became := b.became(who, fmt.Sprint("sample", i), text)
		if counts[kind] == nil {
			counts[kind] = map[string]int{}
		}
		counts[kind][became]++
		lines = append(lines, fmt.Sprintf("%-9s %-8s %-2s -> %-22s %s", kind, category, level, became, text))
		// What may be L3 goes to the focal points, whatever else it is.
		if level == "L3" && became != "L3" {
			t.Errorf("%q became %s", text, became)
		}
	}
	var out strings.Builder
	out.WriteString("# What each kind of sample message becomes by SMS: how many, then one by one.\n")
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		for _, became := range slices.Sorted(maps.Keys(counts[kind])) {
			fmt.Fprintf(&out, "%-9s %-22s %d\n", kind, became, counts[kind][became])
		}
	}
	out.WriteString("\n" + strings.Join(lines, "\n") + "\n")
	golden := filepath.Join("testdata", "samples.txt")
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, []byte(out.String()), 0o644))
		return
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if string(want) != out.String() {
		t.Errorf("it differs from %s: look at it with go test ./internal/conversation -run SampleMessages -update and git diff", golden)
	}
}

// became tells what one message became: a submission's kind and level, "L3", or
// the reply that it got.
func (b *bench) became(who, id, text string) string {
	b.t.Helper()
	ctx := context.Background()
	before, secret, replies := len(b.submissions()), b.confidential(), len(b.handleAll())
	b.sms(who, id, text)
	ids, err := storetest.Unhandled(ctx, b.store)
	must(b.t, err)
	for _, id := range ids {
		must(b.t, b.c.Handle(ctx, id))
	}
	all := b.handleAll()
	switch {
	case b.confidential() > secret:
		return "L3"
	case len(b.submissions()) > before:
		s := b.submissions()[len(b.submissions())-1]
		what := string(s.Kind) + " " + string(s.Level)
		if s.Kind == programme.Open && s.Answers["call"] == "yes" {
			what = "call me"
		}
		return what
	case len(all) == replies:
		return "nothing said"
	}
	first, _, _ := strings.Cut(all[len(all)-1], "\n")
	if r := []rune(first); len(r) > 22 {
		first = string(r[:22])
	}
	return strings.TrimSpace(first)
}
