package bench

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/screen"
)

// Step is what the pure half of a hop costs: the step from one screen to the next
// and its layout, without a server.
type Step struct {
	Screen      string  `json:"screen"`   // what was laid out
	Language    string  `json:"language"` // its words
	Lines       int     `json:"lines"`
	NanosMedian float64 `json:"ns_median"` // of the rounds
	NanosBest   float64 `json:"ns_best"`
	Allocations float64 `json:"allocations"` // per step
	Bytes       float64 `json:"bytes"`       // allocated per step
}

// stepRounds is how many rounds a step is measured in; the median counts.
const stepRounds = 9

// Steps measures the step into a menu of seven lines and the step that the
// first dial, in each language, so often in each of nine rounds.
func Steps(b *flow.Book, c *locale.Catalog, often int, now func() time.Time) ([]Step, error) {
	project := flow.Facts{{Kind: flow.NeedProject, Arg: "107"}: {OK: true, Items: []flow.Item{{Value: "LAF1", Say: flow.Line{Text: "Beurre: barattes et bidons"}}}}}
	var out []Step
	for _, tag := range c.Tags() {
		for _, s := range []struct {
			name   string
			cursor flow.Cursor
			action flow.Action
			facts  flow.Facts
		}{
			{"a project's code, then its menu of six kinds", flow.Cursor{Flow: "feedback", State: "project"}, flow.Action{Act: flow.Typed, Text: "107"}, project},
			{"a dial, then the main menu", flow.Cursor{}, flow.Action{Act: flow.Begin}, nil},
		} {
			env := flow.Env{Medium: "ussd", Language: tag}
			words, limits := c.Words(tag), screen.USSD()
			step := func() screen.Shown {
				return screen.Layout(b.Step(s.cursor, s.action, env, s.facts).Screen, words, limits)
			}
			shown := step()
			if len(shown.Options) < 6 {
				return nil, fmt.Errorf("measuring %s: the screen has %d options, which is not the menu that was meant", s.name, len(shown.Options))
			}
			m := measureStep(step, often, now)
			m.Screen, m.Language, m.Lines = s.name, tag, 1+len(shown.Options)
			out = append(out, m)
		}
	}
	return out, nil
}

func measureStep(step func() screen.Shown, often int, now func() time.Time) Step {
	for range often / 10 {
		step()
	}
	rounds := make([]float64, stepRounds)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range rounds {
		start := now()
		for range often {
			step()
		}
		rounds[i] = float64(now().Sub(start).Nanoseconds()) / float64(often)
	}
	runtime.ReadMemStats(&after)
	slices.Sort(rounds)
	n := float64(stepRounds * often)
	return Step{
		NanosMedian: rounds[stepRounds/2], NanosBest: rounds[0],
		Allocations: float64(after.Mallocs-before.Mallocs) / n, Bytes: float64(after.TotalAlloc-before.TotalAlloc) / n,
	}
}
