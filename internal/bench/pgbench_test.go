package bench

import (
	"strings"
	"testing"
	"time"
)

func TestPgbenchPlaysTheVeryStatements(t *testing.T) {
	at := time.Date(2026, 11, 29, 8, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		sent    []statement
		text    string
		defines string
	}{
		"one statement": {
			[]statement{{"\ninsert into a values ($1, $2, $3, $2, $4::jsonb)", []any{[]byte{1, 2}, "place", (*string)(nil), []byte(`{"a":"b"}`)}}},
			"insert into a values (sha256(int8send(:run)), :v1, null, :v1, :v2::jsonb);\n", `v1=place v2={"a":"b"}`,
		},
		"a batch is one trip": {
			[]statement{{"select $1", []any{at}}, {"select $1, $2", []any{"", true}}},
			"\\startpipeline\nselect :v1;\nselect '', :v2;\n\\endpipeline\n", "v1=2026-11-29 08:30:00Z v2=true",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := newScript(c.sent, map[string]string{`\x0102`: "sha256(int8send(:run))"}, 1)
			if err != nil {
				t.Fatal(err)
			}
			_, body, _ := strings.Cut(s.text, "\\set who random(1, 20000)\n")
			if body != c.text || strings.Join(s.defines, " ") != c.defines {
				t.Errorf("%q with %q, want %q with %q", body, s.defines, c.text, c.defines)
			}
		})
	}
}

func TestPgbenchCountsFromWhenItIsWarm(t *testing.T) {
	const progress = "pgbench (15.18)\nprogress: 1.0 s, 100.0 tps, lat 1 ms stddev 1, 0 failed\nprogress: 2.0 s, 200.0 tps, lat 1 ms\nprogress: 3.0 s, 300.0 tps, lat 1 ms\nprogress: 4.0 s, 500.0 tps, lat 1 ms\n"
	if got, err := warmRate([]byte(progress)); err != nil || got != 400 {
		t.Errorf("%v, %v; want 400", got, err)
	}
	if _, err := warmRate([]byte("nothing")); err == nil {
		t.Error("no progress is no error")
	}
}

func TestCallersStandBeforeTheirLastScreenAndFinishFromThere(t *testing.T) {
	server := newEnding(t)
	target := newTarget(server, "/", whole, 10)
	target.approach(t.Context(), 4, 20)
	if n := len(target.standing); n != 20 || target.finished.Load() != 0 {
		t.Fatalf("%d stand before their last screen, %d are through it; want 20 and none", n, target.finished.Load())
	}
	r := target.finish(t.Context(), 4)
	if r.Captures != 20 || r.Errors != 0 || r.Took.Count != 20 {
		t.Errorf("%+v, want 20 captures", r)
	}
}
