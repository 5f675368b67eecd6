package app

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lafia/internal/store"
)

func erasedWho(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

func TestTheListOfWhoWasErasedOutlivesATornLine(t *testing.T) {
	dir := t.TempDir()
	m, err := openMemory(dir)
	must(t, err)
	at := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	must(t, m.put(store.Erased{Contact: erasedWho(1), At: at, Whole: true}))
	path := filepath.Join(dir, erasedFile)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	_, err = f.WriteString("0202") // a power cut
	must(t, err)
	must(t, f.Close())
	must(t, addErased(dir, []store.Erased{{Contact: erasedWho(3), At: at, Stopped: true}})) // a command
	list, bad, err := readErased(path)
	must(t, err)
	if bad != 1 || len(list) != 2 || !list[0].Whole || list[0].Stopped || !list[1].Stopped || list[1].Whole || !list[1].At.Equal(at) {
		t.Fatalf("%d bad lines, %+v", bad, list)
	}
	must(t, m.reread())
	if _, known := m.erasedAt(erasedWho(3)); !known {
		t.Error("what a command added is not seen")
	}
	must(t, m.put(list...)) // nothing new
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	again, _, err := readErased(path)
	must(t, err)
	if len(again) != 2 {
		t.Errorf("%d lines", len(again))
	}
}

func TestAnOlderRecordIsKnownByItsCountAlsoBehindARestart(t *testing.T) {
	dir := t.TempDir()
	m, err := openMemory(dir)
	must(t, err)
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	for beat := int64(1); beat < 4; beat++ {
		older, err := m.saw(beat, now)
		must(t, err)
		if older {
			t.Fatalf("%d is taken for an older one", beat)
		}
	}
	m, err = openMemory(dir)
	must(t, err)
	if m.beat() != 3 || !m.at.Equal(now) {
		t.Fatal(m.beat(), m.at)
	}
	if older, err := m.saw(3, now); !older || err != nil {
		t.Error("an older record is taken for this one", err)
	}
	if older, err := m.saw(4, now); older || err != nil {
		t.Error("a new one is taken for an older", err)
	}
}

func TestWhatAListHasAndTheRecordDoesNotWasForgotten(t *testing.T) {
	at := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	e := func(n byte, at time.Time) store.Erased { return store.Erased{Contact: erasedWho(n), At: at} }
	forgotten, unfinished, unknown := forgottenErasures(
		[]store.Erased{e(1, at), e(2, at), e(3, at), e(4, at)},
		[]store.Erased{e(1, at), e(2, time.Time{}), e(4, at.Add(-time.Hour))})
	if len(forgotten) != 2 || forgotten[0].Contact[0] != 3 || forgotten[1].Contact[0] != 4 || len(unfinished) != 1 || unfinished[0].Contact[0] != 2 {
		t.Errorf("%v %v", forgotten, unfinished)
	}
	if !unknown {
		t.Error("one is not there at all, and that is not told")
	}
	if _, _, unknown := forgottenErasures([]store.Erased{e(4, at)}, []store.Erased{e(4, at.Add(-time.Hour))}); unknown {
		t.Error("one that was erased before is taken for unknown")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
