package flow_test

import (
	"testing"

	"lafia/internal/flow"
)

func TestNoWayBackLeadsPastThePINOfAReportThatIsTakenUpAgain(t *testing.T) {
	w := start(t, "ussd", "fr")
	for _, k := range []string{"3", "4821", "1", "24", "4"} {
		w.press(k)
	}
	left := w.cur
	if left.State != "EPA" || len(left.Path) == 0 {
		t.Fatalf("she was left at %+v", left)
	}
	for range 3 {
		w.cur = w.b.Resume(left, w.env)
		w.act(flow.Action{Act: flow.Show})
		if w.cur.State != "pin" {
			t.Fatalf("taken up at %s", w.cur.State)
		}
		if w.act(flow.Action{Act: flow.Back}); w.cur.InFlow() {
			t.Errorf("back from the PIN leads to %s", w.cur.State)
		}
	}
	w.cur = w.b.Resume(left, w.env)
	w.act(flow.Action{Act: flow.Show})
	if w.press("4821"); w.cur.State != "EPA" || w.cur.Answers["MEM"] != "24" {
		t.Errorf("behind the PIN she is at %+v", w.cur)
	}
}

func TestAKeyOfTheScreenBeforeIsNoWordUntilItComesAgain(t *testing.T) {
	for _, key := range []string{"1", "2", "12", "1.", "2)", "٣"} {
		w := start(t, "ussd", "fr")
		for _, k := range []string{"1", "107", "3", "2", "1", "1"} {
			w.press(k)
		}
		if w.cur.State != "words" {
			t.Fatalf("at %s", w.cur.State)
		}
		if res := w.press(key); res.Has(flow.Submit) || res.Screen.Hint.Key != "hint.text" {
			t.Errorf("%s: %+v", key, res)
		}
		if res := w.press(key); !res.Has(flow.Submit) || res.Effects[0].Submit.Text != key {
			t.Errorf("%s again: %+v", key, res)
		}
	}
	for medium, words := range map[string]string{"ussd": "2 5 2", "sms": "2"} { // an SMS is known by its identity
		w := start(t, medium, "fr")
		for _, k := range []string{"1", "107", "3", "2", "1", "1", words} {
			w.press(k)
		}
		if !w.res.Has(flow.Submit) {
			t.Errorf("%q by %s is not taken", words, medium)
		}
	}
}

func TestACorrectionOfWhatWasForThePeaceTeamIsForItToo(t *testing.T) {
	report := map[string]string{"MEM": "24", "REU": "4", "EPA": "24000", "REC": "42000", "LAI": "310", "BEU": "14", "EQU": "4", "PB": "0"}
	given := map[string]string{"group": "G1", "month": "2026-10", "REU": "5"}
	b := book(t)
	facts := flow.Facts{}
	env := flow.Env{Medium: "sms", Language: "fr", Enter: "progress", Given: given}
	res := b.Step(flow.Cursor{}, flow.Action{Act: flow.Begin}, env, facts)
	for range 16 {
		for _, n := range res.Missing {
			if facts[n] = world(n); n.Kind == flow.NeedReported {
				facts[n] = flow.Fact{OK: true, Args: report}
			}
		}
		res = b.Step(flow.Cursor{}, flow.Action{Act: flow.Begin}, env, facts)
	}
	if len(res.Effects) != 2 || res.Effects[1].Kind != flow.Submit {
		t.Fatalf("got %+v", res)
	}
	if sub := res.Effects[1].Submit; sub.Level != "L2" || sub.Answers["EQU"] != "4" || sub.Answers["REU"] != "5" {
		t.Errorf("it submits %+v", sub)
	}
}

func TestALineAboutAReportThatIsTooOldCorrectsNothing(t *testing.T) {
	given := map[string]string{"group": "G1", "month": "2026-09", "REU": "5"}
	b := book(t)
	facts := flow.Facts{}
	env := flow.Env{Medium: "sms", Language: "fr", Enter: "progress", Given: given}
	var res flow.Result
	for range 16 {
		res = b.Step(flow.Cursor{}, flow.Action{Act: flow.Begin}, env, facts)
		for _, n := range res.Missing {
			if facts[n] = world(n); n.Kind == flow.NeedReported {
				facts[n] = flow.Fact{OK: true, Args: map[string]string{"MEM": "24", "old": "yes"}}
			}
		}
	}
	if res.Has(flow.Submit) || res.Cursor.State != "old" {
		t.Errorf("she is at %s, %+v", res.Cursor.State, res.Effects)
	}
}
