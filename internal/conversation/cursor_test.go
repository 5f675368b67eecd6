package conversation

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/screen"
)

// A cursor that survives only in memory would be lost between two hops: wherever
// a walk leads, it comes back from JSON (records of flows) and from the packed
// session as it was.
func TestWhereverSheStandsIsPackedAndReadBackAlike(t *testing.T) {
	book, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	item := func(v string) flow.Item { return flow.Item{Value: v, Say: flow.Line{Text: v}, Open: len(v)%2 == 0} }
	inputs := []string{"1", "2", "3", "4", "5", "107", "Lafia", "4821", "24", "70", "24000", "12,5", "mots", "9", ""}
	for i := range 400 {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		cur, in := flow.Cursor{}, flow.Action{Act: flow.Begin}
		env := flow.Env{Medium: []string{"ussd", "sms"}[i%2], Language: "fr"}
		if i%3 == 0 {
			env.Enter, env.Given = "progress", map[string]string{"month": "2026-10", "MEM": "24", "REU": "x", "BEN": "-5"}
		}
		for range 25 {
			facts := flow.Facts{}
			res := book.Step(cur, in, env, facts)
			for range 17 {
				for _, n := range res.Missing {
					facts[n] = flow.Fact{OK: r.IntN(3) > 0, Items: []flow.Item{item("A"), item("BB"), item("CCC")}, Args: map[string]string{"butter": "yes", "MEM": "24", "number": "80333"}}
				}
				if res = book.Step(cur, in, env, facts); len(res.Missing) == 0 {
					break
				}
			}
			env.Enter, env.Given = "", nil
			cur = res.Cursor
			l := &live{ID: "s", Book: book.Hash, Cursor: cur, At: time.Unix(1, 0).UTC(), Shown: screen.Shown{Pages: []string{"a"}}}
			back, err := unpackLive(l.pack())
			if err != nil || !same(back.Cursor, cur) {
				t.Fatalf("walk %d: packed\n%+v\nit came back as\n%+v, %v", i, cur, back.Cursor, err)
			}
			b, err := json.Marshal(cur)
			var read flow.Cursor
			if err == nil {
				err = json.Unmarshal(b, &read)
			}
			if err != nil || !same(read, cur) {
				t.Fatalf("walk %d: as JSON %s, %v", i, b, err)
			}
			if res.Screen.End() {
				break
			}
			in = flow.Action{Act: flow.Typed, Text: inputs[r.IntN(len(inputs))]}
			switch n := r.IntN(12); {
			case n == 0:
				in = flow.Action{Act: flow.Back}
			case n == 1:
				in = flow.Action{Act: flow.Wrong}
			case len(res.Screen.Options) > 0:
				o := res.Screen.Options[r.IntN(len(res.Screen.Options))]
				in = flow.Action{Act: flow.Chose, Value: o.Value, Key: o.Key, Level: o.Level}
			}
		}
	}
}

// same compares cursors, whose empty lists and maps may be nil or not.
func same(a, b flow.Cursor) bool {
	for _, c := range []*flow.Cursor{&a, &b} {
		v := reflect.ValueOf(c).Elem()
		for i := range v.NumField() {
			if f := v.Field(i); (f.Kind() == reflect.Map || f.Kind() == reflect.Slice) && f.Len() == 0 {
				f.SetZero()
			}
		}
	}
	return reflect.DeepEqual(a, b)
}
