package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"lafia/gateway/message"
	"lafia/internal/demo"
	"lafia/internal/programme"
	"lafia/internal/servers"
	"lafia/internal/servers/serverstest"
	"lafia/internal/vault"
)

// canaryPrefix begins the numbers of the callers here: they ring nowhere, and
// nothing that is kept or printed may hold one in the clear.
const canaryPrefix = "+223769184"

func canary(i int) string { return fmt.Sprintf("%s%02d", canaryPrefix, i) }

// apart leaves out leaders whose phone another one has.
func apart(list []demo.Leader) (out []demo.Leader) {
	phones := map[string]bool{}
	for _, l := range list {
		if !phones[l.Phone] {
			out = append(out, l)
		}
		phones[l.Phone] = true
	}
	return out
}

// TestALafiaAsPeopleRunIt runs `lafia dev` once, plays all conversations on it
// as an aggregator and reads everything back as people do, and then looks for
// what must be nowhere.
func TestALafiaAsPeopleRunIt(t *testing.T) {
	t.Parallel()
	i := dev(t, filepath.Join(serverstest.Dir(t), "data"))
	addresses, running, err := servers.Running(i.dir)
	if err != nil || !running {
		t.Fatalf("it runs: %v, %v", running, err)
	}
	record := openRecord(t, addresses.PostgresURL)
	closeRecord := sync.OnceFunc(record.Close)
	defer closeRecord()
	ring, err := vault.Open(filepath.Join(i.dir, "keys"))
	must(t, err)
	var administrator *desk
	for _, l := range i.Logins {
		if l.Role == "administrator" {
			administrator = signIn(t, i.URL, l.User, l.Password)
		}
	}
	if administrator == nil {
		t.Fatal("dev.json has no administrator")
	}

	type done struct {
		walk
		row programme.Submission
	}
	leaders := apart(i.Leaders)
	var walks []done
	for _, medium := range []message.Medium{message.USSD, message.SMS} {
		for _, language := range languages {
			for _, kind := range []programme.Kind{programme.Feedback, programme.Tension, programme.Progress} {
				w := newWalk(t, kind, language, medium, canary(len(walks)))
				if kind == programme.Progress {
					l := leaders[len(walks)/3]
					w.number = l.Phone
					w = w.lead(l.Group, l.PIN)
				}
				walks = append(walks, done{walk: w})
			}
		}
	}
	t.Run("eighteen conversations", func(t *testing.T) {
		for n := range walks {
			w := &walks[n]
			t.Run(fmt.Sprintf("%s %s %s", w.kind, w.language, w.medium), func(t *testing.T) {
				t.Parallel()
				c := newPhone(t, w.number, i.URL).on(w.medium)
				ref := reference(w.play(t, c, nil))
				w.row = w.check(t, record, ring, ref)
				w.asks(t, c, ref, programme.New)
				d := *administrator
				d.t = t
				d.finds(w.row)
				d.moves(w.row, programme.InProgress)
				w.asks(t, c, ref, programme.InProgress)
			})
		}
	})
	if t.Failed() {
		return
	}

	t.Run("the export has each of them", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(program(t), "export", "--format", "jsonl", "--data", i.dir)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		type line struct {
			ID, Reference, Kind, Channel, Medium, Language, Project, Place, Text, Status, Level string
			Answers                                                                             map[string]string
			Synthetic                                                                           bool
		}
		byID := map[string]line{}
		real := 0
		for raw := range bytes.Lines(stdout.Bytes()) {
			var l line
			must(t, json.Unmarshal(raw, &l))
			if _, twice := byID[l.ID]; twice {
				t.Errorf("%s is there twice", l.Reference)
			}
			if byID[l.ID] = l; !l.Synthetic {
				real++
			}
		}
		if real != len(walks) {
			t.Errorf("%d submissions that are no examples, want %d", real, len(walks))
		}
		for _, w := range walks {
			l, s := byID[w.row.ID], w.row
			if l.Reference != s.Reference.String() || l.Kind != string(s.Kind) || l.Channel != s.Channel || l.Medium != s.Medium || l.Language != s.Language ||
				l.Project != s.Project || l.Place != s.Place || l.Text != s.Text || l.Level != string(s.Level) || !maps.Equal(l.Answers, s.Answers) ||
				l.Status != string(programme.InProgress) {
				t.Errorf("exported\n%+v\nkept\n%+v", l, s)
			}
		}
	})
}
