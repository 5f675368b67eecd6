package simulation

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/vault"
	"lafia/locales"
)

// shared is what every seed of a run shares.
var shared = sync.OnceValues(func() (Options, error) {
	dir, err := os.MkdirTemp("", "lafia-simulation")
	if err != nil {
		return Options{}, err
	}
	defer os.RemoveAll(dir)
	// The same keys each time: a seed that is played again has the same ids.
	for n, name := range []string{"capture.key", "office-1.key"} {
		key := make([]byte, vault.KeySize)
		key[0] = byte(n + 1)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(hex.EncodeToString(key)+"\n"), 0o600); err != nil {
			return Options{}, err
		}
	}
	if _, err := vault.NewConfidentialPair(dir); err != nil {
		return Options{}, err
	}
	ring, err := vault.Open(dir)
	if err != nil {
		return Options{}, err
	}
	words, err := locale.Load(locales.Files)
	if err != nil {
		return Options{}, err
	}
	book, err := flow.Load(flows.Files)
	return Options{Ring: ring, Words: words, Book: book}, err
})

// epoch is what a bubble's clock begins at.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// day is when a simulation begins.
var day = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// play runs one seed.
func play(t *testing.T, seed uint64, f Flaws, trace bool) (r Result) {
	t.Helper()
	o, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	o.Flaws, o.Trace = f, trace
	synctest.Test(t, func(*testing.T) {
		o.Now = func() time.Time { return day.Add(time.Since(epoch)) }
		r = Run(o, seed)
	})
	return r
}

// manySeeds skips a test of many seeds where one is to be played.
func manySeeds(t *testing.T) {
	t.Helper()
	if os.Getenv("LAFIA_SEED") != "" {
		t.Skip("LAFIA_SEED plays one seed")
	}
}

func TestSeed(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("LAFIA_SEED"), 10, 64)
	if err != nil {
		t.Skip("LAFIA_SEED=n plays one seed and prints its trace")
	}
	r := play(t, seed, Flaws{}, true)
	t.Log("\n" + r.Trace)
	for _, v := range r.Violations {
		t.Error(v)
	}
}

// seeds gives how many seeds are to be run.
func seeds() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("LAFIA_SEEDS"), 10, 64); err == nil {
		return n
	}
	if testing.Short() {
		return 500
	}
	return 10_000
}

// tellMost bounds how many seeds tell what they found.
const tellMost = 5

func TestNoSeedLosesDoublesOrMixesUpWhatWasSaid(t *testing.T) {
	manySeeds(t)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a seed makes much and keeps nothing
	var next, told, hops, kept, crashes atomic.Uint64
	began := time.Now()
	n := seeds()
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := next.Add(1); seed <= n; seed = next.Add(1) {
					r := play(t, seed, Flaws{}, false)
					hops.Add(uint64(r.Hops))
					kept.Add(uint64(r.Kept))
					crashes.Add(uint64(r.Crashes))
					if len(r.Violations) > 0 && told.Add(1) <= tellMost {
						t.Errorf("LAFIA_SEED=%d go test ./internal/simulation -run Seed -v\n%s", seed, strings.Join(r.Violations, "\n"))
					}
				}
			})
		}
	})
	t.Logf("%d seeds, %d found something; %d requests, %d kept, %d crashes, %v", n, told.Load(), hops.Load(), kept.Load(), crashes.Load(), time.Since(began).Round(time.Millisecond))
}

func TestASeedIsTheSameRunEachTime(t *testing.T) {
	manySeeds(t)
	for seed := range uint64(40) {
		a, b := play(t, seed, Flaws{}, true), play(t, seed, Flaws{}, true)
		if a.Hash != b.Hash {
			t.Fatalf("seed %d ran as %s and as %s:\n%s", seed, a.Hash, b.Hash, firstDifference(a.Trace, b.Trace))
		}
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return strings.Join(as[max(0, i-3):i+1], "\n") + "\nand\n" + bs[i]
		}
	}
	return "one is longer"
}

// mutantSeeds is within how many seeds every flaw must be found.
const mutantSeeds = 2000

func TestEveryFlawIsFound(t *testing.T) {
	manySeeds(t)
	for name, f := range map[string]Flaws{
		"no unique identity":     {NoIdentity: true},
		"no compare-and-set":     {NoCompareAndSet: true},
		"old drafts replace new": {OldDrafts: true},
		"acknowledged too early": {EarlyAck: true},
		"two hands on a contact": {TwoHands: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(mutantSeeds) {
				if r := play(t, seed, f, false); len(r.Violations) > 0 {
					t.Logf("seed %d: %s", seed, r.Violations[0])
					return
				}
			}
			t.Errorf("%d seeds did not find it", mutantSeeds)
		})
	}
}
