package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"lafia/gateway/message"
	"lafia/internal/demo"
	"lafia/internal/programme"
	"lafia/internal/servers"
	"lafia/internal/servers/serverstest"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// canaryPrefix begins the numbers of the callers here: they ring nowhere, and
// nothing that is kept or printed may hold one in the clear.
const canaryPrefix = "+223769184"

func canary(i int) string { return fmt.Sprintf("%s%02d", canaryPrefix, i) }

// apart leaves out leaders whose phone another one has.
func apart(list []demo.Leader) (out []demo.Leader) {
	phones, groups := map[string]bool{}, map[string]bool{}
	var second []demo.Leader // of a group that has one already
	for _, l := range list {
		switch {
		case phones[l.Phone]:
		case groups[l.Group]:
			second = append(second, l)
		default:
			out = append(out, l)
		}
		phones[l.Phone], groups[l.Group] = true, true
	}
	return append(out, second...)
}

// TestALafiaAsPeopleRunIt runs `lafia dev` once, plays all conversations on it
// as an aggregator and reads everything back as people do, and then looks for
// what must be nowhere.
func TestALafiaAsPeopleRunIt(t *testing.T) {
	t.Parallel()
	scratch := serverstest.Dir(t) // of temporary files
	i := devIn(t, []string{"TMPDIR=" + scratch}, filepath.Join(serverstest.Dir(t), "data"))
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

	t.Run("no number, no word and no PIN is anywhere", func(t *testing.T) {
		i.searched(t, record, ring, closeRecord, scratch)
	})
}

// searched has some more conversations, the confidential one among them, and
// looks for the secrets of all in everything that an instance leaves behind (C14):
// the database's files and its WAL, every row of it as text, what is in Redis and
// its dump, the spool, logs, metrics, and temporary files.
func (i *instance) searched(t *testing.T, record *store.Store, ring *vault.Ring, closeRecord func(), scratch string) {
	const pin, group = "73920561", "G-LAF1"
	leader := newWalk(t, programme.Progress, "fr", message.USSD, canary(30)).lead(group, pin)
	must(t, record.PutGroup(t.Context(), programme.Group{Code: group, Name: "Groupe LAF1", Project: "LAF1", Place: "ML060504", Region: "ML06"},
		ring.Pseudonym(leader.number).Bytes(), ring.PINHash(group, pin), false))
	p := newPhone(t, leader.number, i.URL)
	leader.almost(t, p)
	wrong := newPhone(t, leader.number, i.URL) // a second call beside it, with a PIN that is wrong
	_ = wrong.dial("")
	_ = wrong.press("3")
	_ = wrong.press("7392056")
	last := p.show()
	if reference(last) == "" { // the second call has taken the first one's place: she goes on there
		last = leader.play(t, newPhone(t, leader.number, i.URL).on(message.USSD), nil)
	}
	leader.check(t, record, ring, reference(last))

	// Confidential: a trained person is to call her back, so her number is kept, sealed.
	c := newPhone(t, canary(31), i.URL)
	c.dial("")
	for _, key := range []string{"1", "9", "1", "1", "2", "2", "1"} {
		last = c.press(key)
	}
	if !last.end {
		t.Fatalf("the confidential conversation goes on:\n%s", last.text)
	}
	if _, n := kept(t, record, ring, c.number); n != 1 {
		t.Fatalf("%d confidential rows", n)
	}
	// Words that make an SMS confidential, and ordinary ones.
	s := newPhone(t, canary(32), i.URL)
	s.write(canaryWords + " une femme a ete battue hier")
	if _, n := kept(t, record, ring, s.number); n != 1 {
		t.Fatalf("%d confidential rows", n)
	}
	newPhone(t, canary(33), i.URL).write(canaryWords + " le puits est à sec, été comme hiver, ɲɛgɛn")
	// A call that is dropped in the words: a draft. A request that cannot be read.
	// A number that is written as others write it. A token that is wrong.
	d := newPhone(t, canary(34), i.URL)
	newWalk(t, programme.Feedback, "bm", message.USSD, d.number).almost(t, d)
	d.typed(canaryWords)
	if r := post(i.URL+"/webhooks/"+channel+"/sms?token=dev", url.Values{"from": {canary(35)}, "text": {canaryWords}}); r.err != nil || r.status != http.StatusOK {
		t.Fatalf("an unreadable SMS got HTTP %d, %v", r.status, r.err)
	}
	newPhone(t, "00"+canary(36)[1:], i.URL).dial("")
	post(i.URL+"/webhooks/"+channel+"/sms?token=wrong", url.Values{"from": {canary(37)}, "to": {shortCode}, "id": {"1"}, "text": {canaryWords}})
	post(i.URL+"/webhooks/"+canary(38)+"/sms?token=dev&from="+canary(38), url.Values{"from": {canary(38)}, "text": {canaryWords}})
	post(i.URL+"/webhooks/"+channel+"/status?token=dev", url.Values{"id": {canary(39)}, "phoneNumber": {canary(39)}, "status": {"Failed"}, "failureReason": {canaryWords}})
	i.spools(t)
	time.Sleep(2200 * time.Millisecond) // drafts are written
	if _, err := record.Pool().Exec(t.Context(), "checkpoint"); err != nil {
		t.Fatal(err)
	}

	h := &haystack{needles: append(encodings(canaryWords), numberNeedles(canaryPrefix[len("+223"):])...)}
	for _, text := range []string{"été comme hiver, ɲɛgɛn", "dɛɛmɛ ŋ, kɔlɔn", "femme a ete battue", pin} {
		h.needles = append(h.needles, encodings(text)...)
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: mustRunning(t, i.dir).RedisSocket, DisableIdentity: true})
	defer rdb.Close()
	keys, err := rdb.Keys(t.Context(), "*").Result()
	must(t, err)
	if len(keys) < 20 {
		t.Fatalf("Redis has %d keys: there is nothing to look into", len(keys))
	}
	for _, k := range keys {
		v, err := rdb.Get(t.Context(), k).Bytes()
		must(t, err)
		dump, err := rdb.Dump(t.Context(), k).Result()
		must(t, err)
		h.piece("a key of Redis", []byte(k))
		h.piece("Redis "+k, v)
		h.piece("Redis "+k, []byte(dump))
	}
	must(t, rdb.ConfigSet(t.Context(), "rdbcompression", "no").Err())
	must(t, rdb.Save(t.Context()).Err()) // its dump lies in its folder
	for table, text := range rowsOf(t, record) {
		h.piece("table "+table, []byte(text))
	}
	res, err := caller.Get(i.URL + "/metrics")
	must(t, err)
	metrics, err := io.ReadAll(res.Body)
	must(t, err)
	_ = res.Body.Close()
	if !bytes.Contains(metrics, []byte("lafia_spool_pending")) {
		t.Error("/metrics has no metrics")
	}
	h.piece("/metrics", metrics)
	folders := []string{i.dir, scratch}
	if base := i.base(); base != i.dir {
		folders = append(folders, base)
	}
	look := func(when string) {
		t.Helper()
		for _, dir := range folders {
			h.folder(t, dir)
		}
		h.piece("standard output", []byte(i.out.String()))
		h.piece("standard error", []byte(i.errors.String()))
		for _, f := range h.found {
			t.Errorf("%s: %s", when, f)
		}
		h.found = nil
	}
	look("while it runs")
	i.drained(t)
	if !strings.Contains(i.errors.String(), "webhook") {
		t.Error("standard error has no line of a webhook: it was not listened to")
	}
	closeRecord()
	i.end()
	look("when it has ended")
	t.Logf("%d pieces, %d MB, %d needles", h.pieces, h.bytes>>20, len(h.needles))
	if h.bytes < 40<<20 {
		t.Error("a database and its log are larger than that")
	}
}

// spools lets a message and a finished run go to the spool, and leaves them there:
// PostgreSQL answers nobody but the test, whose connections are other processes.
func (i *instance) spools(t *testing.T) {
	t.Helper()
	walk := newWalk(t, programme.Tension, "fr", message.USSD, canary(40))
	p := newPhone(t, walk.number, i.URL)
	walk.almost(t, p)
	writer := newPhone(t, canary(41), i.URL)
	resume := halt(t, pidIn(t, filepath.Join(i.base(), "pg", "postmaster.pid")))
	defer resume()
	if s := p.show(); reference(s) == "" {
		t.Errorf("while PostgreSQL hangs the caller reads\n%s", s.text)
	}
	if r := writer.sms(canaryWords + " la digue est rompue")(i.URL); r.err != nil || r.status != http.StatusOK {
		t.Errorf("while PostgreSQL hangs an SMS got HTTP %d, %v", r.status, r.err)
	}
	// A copy stays: the spool itself is drained as soon as PostgreSQL goes on.
	segments, err := filepath.Glob(filepath.Join(i.dir, "spool", "*.seg"))
	must(t, err)
	size := 0
	for n, path := range segments {
		b, err := os.ReadFile(path)
		must(t, err)
		size += len(b)
		must(t, os.WriteFile(filepath.Join(i.dir, fmt.Sprintf("copy-of-the-spool-%d", n)), b, 0o600))
	}
	if size < 1000 {
		t.Errorf("%d bytes are in the spool: there is nothing to look into", size)
	}
}

// drained wants the spool to be empty again.
func (i *instance) drained(t *testing.T) {
	t.Helper()
	await(t, 20*time.Second, "the spool to be empty", func() bool {
		_, state := readiness(t, i.URL)
		return state["postgres"] == "ok" && state["spooled"] == 0.0
	})
}

// rowsOf gives every row of every table as text, jobs and their arguments too: in
// the files long values are packed.
func rowsOf(t *testing.T, record *store.Store) map[string]string {
	t.Helper()
	var names []string
	rows, err := record.Pool().Query(t.Context(), `select quote_ident(table_name) from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`)
	must(t, err)
	names, err = pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	out := map[string]string{}
	for _, name := range names {
		rows, err := record.Pool().Query(t.Context(), `select t::text from `+name+` t`)
		must(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		out[name] = strings.Join(list, "\n")
	}
	for _, name := range []string{"submission", "inbound", "confidential", "river_job", "wish", "outbound"} {
		if out[name] == "" {
			t.Errorf("table %s has no row: there is nothing to look into", name)
		}
	}
	return out
}
