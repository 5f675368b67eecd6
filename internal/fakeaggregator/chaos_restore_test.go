package fakeaggregator_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/fakeaggregator"
	"lafia/internal/servers/serverstest"
)

// C29: a backup is taken under load, callers are erased, the backup is restored. What
// was acknowledged since the backup is lost by that: F30 promises no more. Who was
// erased stays erased, what was said before the backup is there, nothing is sent until a
// person has confirmed it, and what went out since the backup does not go out again.
func TestAnErasedPersonStaysErasedBehindARestore(t *testing.T) {
	onlyChaos(t)
	p := found(t)
	db := newPostgres(t, p)
	must(t, fill(db.url()))
	l := labOn(t, db.url(), "duplicate=0.05", "africastalking", "external")
	_, address := newRedis(t, p)
	l.redis = address
	dies, lives := l.serve(), l.serve()
	dump := filepath.Join(theirs(t, filepath.Join(serverstest.Dir(t), "backup")), "lafia.dump")
	end := l.plays(busy(40 * time.Second))
	time.Sleep(4 * time.Second)

	// Replies wait while the backup is taken, and go out behind it.
	db.exec("lafia", `insert into pace (channel, free_at) select c, now() + interval '1 hour' from unnest(array['africastalking', 'external']) c
		on conflict (channel) do update set free_at = excluded.free_at`)
	time.Sleep(1500 * time.Millisecond)
	// One whose reply waits in the backup, and who is erased before it can go.
	waits := fakeaggregator.Number(7, 48)
	o := conversation.NewOutgoing(l.keys.Ring, "external", "receipt", message.ParseNumber(waits), "Bonjour, message en attente", []byte("waits"), time.Now().Add(time.Hour))
	must(t, l.record.QueueOutbound(t.Context(), o, time.Now()))
	taken := l.ledger.Since()
	db.run("pg_dump", "-h", "127.0.0.1", "-p", portOf(db), "-U", "lafia", "-Fc", "-f", dump, "lafia")
	queued := queuedIn(t, l)
	t.Logf("the backup took %v; %d messages were queued in it", (l.ledger.Since() - taken).Round(time.Millisecond), queued)
	if queued < 5 {
		t.Errorf("only %d messages were queued in the backup", queued)
	}

	// Erased: two who spoke before the backup, one whose message waits in it, one whose
	// words lie in the spool of a gateway that is dead.
	var gone []int
	erase := func(g *served, caller int) {
		number := fakeaggregator.Number(7, caller)
		l.ledger.Erasing(caller, func() {
			began := time.Now()
			cmd := exec.Command(program(t), "person", "erase", "--reason", "she asks for it", "--json", "--config", g.config)
			cmd.Stdin = strings.NewReader(number + "\n")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("erasing: %v %s", err, out)
			}
			took := time.Since(began)
			t.Logf("erased caller %d in %v: %s", caller, took.Round(time.Millisecond), out)
			if took > 10*time.Second {
				t.Errorf("an erasure took %v", took)
			}
		})
		gone = append(gone, caller)
	}
	erase(lives, 48)
	db.exec("lafia", `delete from pace; update outbound set due_at = now() where state = 'queued'`)
	spoke := callersWith(t, l, func(v fakeaggregator.Line) bool { return v.At+v.Took < taken-3*time.Second && v.Gateway == 0 }, gone)
	if len(spoke) < 2 {
		t.Fatal("nobody spoke before the backup")
	}
	erase(lives, spoke[0])
	erase(lives, spoke[1])
	from := l.ledger.Since()
	l.ledger.During("gateway", func() {
		l.ledger.During("postgres", func() {
			db.kill()
			time.Sleep(2500 * time.Millisecond)
			dies.kill()
			time.Sleep(1200 * time.Millisecond) // for the ledger to be written
			db.again()
		})
		l.reached(lives)
		spooled := callersWith(t, l, func(v fakeaggregator.Line) bool { return v.At > from+time.Second && v.Gateway == 0 }, gone)
		if len(spooled) == 0 {
			t.Fatal("nobody's words lie in the spool of the dead gateway")
		}
		erase(lives, spooled[0])
		dies.start()
	})
	end()
	l.await(10 * time.Second)
	l.emptied(20*time.Second, dies, lives)
	l.settled()
	before := report(t, l)
	if !before.Holds() {
		t.Errorf("before the restore: %v", before.Violations)
	}
	time.Sleep(16 * time.Second) // each gateway gives a sign of life, and learns who was erased

	// The operator restores the backup.
	sent := sentOnce(t, l)
	dies.kill()
	lives.kill()
	db.exec("postgres", `drop database lafia with (force)`)
	db.exec("postgres", `create database lafia`)
	db.run("pg_restore", "-h", "127.0.0.1", "-p", portOf(db), "-U", "lafia", "-d", "lafia", dump)
	db.exec("lafia", `delete from pace`)
	l.ledger.Restored(taken)
	if n := rowsOf(t, l, gone); n == 0 {
		t.Error("the backup holds nothing of those who were erased: the scenario tries nothing")
	}
	dies.start()
	lives.start()
	if n := rowsOf(t, l, gone); n != 0 {
		t.Errorf("%d rows of those who were erased are there when a gateway answers", n)
	}
	out, err := exec.Command(program(t), "restore", "status", "--config", lives.config).CombinedOutput()
	if err == nil {
		t.Error("restore status says that nothing is held")
	}
	t.Logf("restore status:\n%s", out)
	if out, _ := exec.Command(program(t), "doctor", "--config", lives.config).CombinedOutput(); !strings.Contains(string(out), "a backup was restored") {
		t.Errorf("doctor says\n%s", out)
	}
	if m := get(lives.admin + "/metrics"); !strings.Contains(m, "lafia_restore_held 1") {
		t.Error("the metric says that nothing is held")
	}
	res, err := http.PostForm(lives.url+"/webhooks/africastalking/ussd?token="+l.channels[0].Token, url.Values{
		"sessionId": {"held"}, "serviceCode": {"*384#"}, "phoneNumber": {"+22399000001"}, "text": {""},
	})
	must(t, err)
	screen, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	if !strings.HasPrefix(string(screen), "CON") {
		t.Errorf("a call while sends are held gets %q", screen)
	}
	time.Sleep(5 * time.Second)
	if n := len(sentOnce(t, l)); n != len(sent) {
		t.Errorf("%d messages were sent before anybody confirmed", n-len(sent))
	}

	second := labOn(t, db.url(), "", "africastalking", "external")
	second.redis = address
	confirm := exec.Command(program(t), "restore", "confirm", "--reason", "the disk died", "--json", "--config", lives.config)
	out, err = confirm.CombinedOutput()
	must(t, err)
	t.Logf("restore confirm: %s", out)
	var confirmed struct {
		Confirmed bool           `json:"confirmed"`
		Doubtful  map[string]int `json:"doubtful"`
	}
	must(t, json.Unmarshal(out, &confirmed))
	if !confirmed.Confirmed || confirmed.Doubtful["reply"] == 0 {
		t.Errorf("confirmed: %s", out)
	}
	time.Sleep(35 * time.Second) // what was held comes again within half a minute
	again := 0
	for id, n := range sentOnce(t, l) {
		if id != "" && n > 1 {
			again++
		}
	}
	if again > 0 {
		t.Errorf("%d messages went out twice over the restore", again)
	}
	r := report(t, l)
	var b bytes.Buffer
	r.Print(&b)
	t.Log("\n" + b.String())
	if !r.Holds() {
		t.Errorf("%d violations behind the restore", len(r.Violations))
	}
	if r.Checked["I18"] == 0 {
		t.Error("I18 was not looked at")
	}
	for _, caller := range gone {
		number := fakeaggregator.Number(7, caller)
		nowhere(t, l, address, []string{dies.spool, lives.spool}, number)
	}

	// And life goes on.
	dies.kill()
	lives.kill()
	second.serve()
	o2 := busy(6 * time.Second)
	o2.Leaders = []fakeaggregator.Leader{}
	o2 = second.filled(o2)
	o2.Salt = 8 // others
	must(t, fakeaggregator.Run(t.Context(), o2))
	second.holds()
}

func portOf(db *postgres) string {
	_, rest, _ := strings.Cut(db.url(), "127.0.0.1:")
	port, _, _ := strings.Cut(rest, "/")
	return port
}

// report compares what there is by now.
func report(t *testing.T, l *lab) *fakeaggregator.Report {
	t.Helper()
	l.settled()
	lines := l.lines()
	record, err := fakeaggregator.ReadRecord(t.Context(), l.record, l.keys, lines)
	must(t, err)
	return fakeaggregator.Verify(lines, fakeaggregator.VerifyOptions{World: l.world, Keys: l.keys, Record: record, Logs: []string{l.log.String()}})
}

// soFar reads the ledger of a play that goes on.
func soFar(t *testing.T, l *lab) []fakeaggregator.Line {
	t.Helper()
	lines, err := fakeaggregator.ReadLedger(bytes.NewReader(l.file.Bytes()))
	must(t, err)
	return lines
}

// callersWith lists callers with ordinary words that were acknowledged in such a line.
func callersWith(t *testing.T, l *lab, is func(fakeaggregator.Line) bool, but []int) (out []int) {
	t.Helper()
	lines := soFar(t, l)
	roles := map[int]fakeaggregator.Role{}
	for _, v := range lines {
		if v.Kind == fakeaggregator.KindCaller {
			roles[v.Caller] = v.Role
		}
	}
	for _, v := range lines {
		ordinary := slices.Contains([]fakeaggregator.Role{fakeaggregator.Feedback, fakeaggregator.Open, fakeaggregator.Tension}, roles[v.Caller])
		if v.Acked && v.Nonce != "" && ordinary && is(v) && !slices.Contains(out, v.Caller) && !slices.Contains(but, v.Caller) {
			out = append(out, v.Caller)
		}
	}
	return out
}

// sentOnce counts the messages that went out, by the id that the gateway gave them.
func sentOnce(t *testing.T, l *lab) map[string]int {
	t.Helper()
	time.Sleep(1200 * time.Millisecond)
	out := map[string]int{}
	for _, v := range l.lines() {
		if v.Kind == fakeaggregator.KindSend && v.Taken {
			id := v.Client
			if id == "" {
				id = v.Own
			}
			out[id]++
		}
	}
	return out
}

func queuedIn(t *testing.T, l *lab) (n int) {
	t.Helper()
	must(t, l.record.Pool().QueryRow(t.Context(), `select count(*) from outbound where state = 'queued'`).Scan(&n))
	return n
}

// rowsOf counts what leads to some callers and has words, a number or a wish in it.
func rowsOf(t *testing.T, l *lab, callers []int) (n int) {
	t.Helper()
	var contacts [][]byte
	for _, c := range callers {
		p := l.keys.Ring.Pseudonym(fakeaggregator.Number(7, c))
		contacts = append(contacts, p.Bytes())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, l.record.Pool().QueryRow(ctx, `
select (select count(*) from submission where contact = any($1)) + (select count(*) from number where contact = any($1)) + (select count(*) from contact where id = any($1))
	+ (select count(*) from outbound where contact = any($1)) + (select count(*) from inbound where contact = any($1))
	+ (select count(*) from wish_event where contact = any($1)) + (select count(*) from draft where contact = any($1) and sealed is not null)`, contacts).Scan(&n))
	return n
}

// nowhere looks for a number in the folders of gateways and in what they wrote, and for
// its contact in Redis.
func nowhere(t *testing.T, l *lab, address string, folders []string, number string) {
	t.Helper()
	national := number[len(number)-8:]
	for _, dir := range folders {
		must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err == nil && bytes.Contains(b, []byte(national)) {
				t.Errorf("her number stands in %s", filepath.Base(path))
			}
			return err
		}))
	}
	if strings.Contains(l.log.String(), national) {
		t.Error("her number stands in a log")
	}
	rdb := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true})
	defer rdb.Close()
	p := l.keys.Ring.Pseudonym(number)
	keys, err := rdb.Keys(t.Context(), "*"+hex.EncodeToString(p.Bytes())+"*").Result()
	must(t, err)
	if len(keys) > 0 {
		t.Errorf("Redis holds %d things of hers", len(keys))
	}
}
