package conversation_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/flows"
	"lafia/gateway/message"
	"lafia/internal/conversation"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/session"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/store/storetest"
	"lafia/internal/vault"
	"lafia/locales"

	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// bench is a conversation on real servers, with a small programme.
type bench struct {
	t     *testing.T
	c     *conversation.Conversation
	store *store.Store
	sess  *session.Store
	ring  *vault.Ring
	redis string
	url   string
	keys  string
	now   time.Time
	mu    sync.Mutex
}

func (b *bench) time() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now }
func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

const (
	anna   = "+22370000001"
	leader = "+22370000002"
)

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	b.url = serverstest.PostgresFrom(t, "conversation", func(url string) error {
		s, err := store.Open(context.Background(), url, store.Options{MaxConns: 2})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Migrate(context.Background())
	})
	b.redis, b.keys = serverstest.Redis(t), filepath.Join(t.TempDir(), "keys")
	if err := vault.Create(b.keys); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.NewConfidentialPair(b.keys); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.ring, err = vault.Open(b.keys); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	b.open(store.Options{})
	must(t, b.store.PutPlaces(ctx, "test", []programme.Place{
		{PCode: "ML06", Level: 1, Name: "Tombouctou"}, {PCode: "ML0605", Level: 2, Name: "Tombouctou", Parent: "ML06"},
		{PCode: "ML060504", Level: 3, Name: "Lafia", Parent: "ML0605"}, {PCode: "ML060506", Level: 3, Name: "Tombouctou", Parent: "ML0605"},
	}))
	must(t, b.store.PutProjects(ctx, []programme.Project{{Code: "LAF1", Dial: "107", Name: "Beurre: barattes et bidons", Place: "ML060504", Region: "ML06", Phase: 1}}, false))
	must(t, b.store.PutGroup(ctx, programme.Group{Code: "G1", Name: "Groupe 1", Project: "LAF1", Place: "ML060504", Region: "ML06"},
		b.ring.Pseudonym(leader).Bytes(), b.ring.PINHash("G1", "4821"), false))
	must(t, b.sess.Begin(ctx, time.Time{}))
	b.start(nil)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) open(o store.Options) {
	b.t.Helper()
	var err error
	if b.store, err = store.Open(context.Background(), b.url, o); err != nil {
		b.t.Fatal(err)
	}
	s := b.store
	b.t.Cleanup(s.Close)
	if b.sess, err = session.Open(context.Background(), session.Options{Network: "unix", Addr: b.redis}); err != nil {
		b.t.Fatal(err)
	}
	r := b.sess
	b.t.Cleanup(func() { _ = r.Close() })
}

// start makes a gateway's conversation, a second one when there is one.
func (b *bench) start(point func(string)) *conversation.Conversation {
	b.t.Helper()
	words, err := locale.Load(locales.Files)
	must(b.t, err)
	book, err := flow.Load(flows.Files)
	must(b.t, err)
	c := conversation.New(conversation.Options{
		Ring: b.ring, Sessions: b.sess, Store: b.store, Book: book, Words: words, Now: b.time,
		Log: slog.New(slog.DiscardHandler), Example: "107", HelpNumber: func(string) string { return "80333" }, Point: point,
	})
	must(b.t, c.Start(context.Background()))
	b.t.Cleanup(c.Stop)
	b.c = c
	return c
}

func (b *bench) flush() {
	b.t.Helper()
	r := redis.NewClient(&redis.Options{Network: "unix", Addr: b.redis})
	defer r.Close()
	must(b.t, r.FlushAll(context.Background()).Err())
}

// phone is a caller on a cumulative aggregator.
type phone struct {
	b       *bench
	number  string
	session string
	text    string
	dials   int
}

func (b *bench) phone(number string) *phone { return &phone{b: b, number: number} }

func (p *phone) send(c *conversation.Conversation) message.Reply {
	p.b.t.Helper()
	r, err := c.Hop(context.Background(), "at", message.Inbound{
		Medium: message.USSD, From: message.ParseNumber(p.number), SessionID: p.session, Text: p.text, Cumulative: true,
	})
	if err != nil {
		p.b.t.Fatalf("hop %q: %v", p.text, err)
	}
	return r
}

func (p *phone) dial(tail string) message.Reply {
	p.dials++
	p.session, p.text = fmt.Sprintf("%s-%d", p.number, p.dials), tail
	return p.send(p.b.c)
}

func (p *phone) press(key string) message.Reply {
	p.b.t.Helper()
	if p.text != "" {
		p.text += "*"
	}
	p.text += key
	return p.send(p.b.c)
}

// walk presses keys, sending every hop as how says, and gives the last reply.
func (p *phone) walk(keys ...string) message.Reply {
	p.b.t.Helper()
	var r message.Reply
	for _, k := range keys {
		r = p.press(k)
	}
	return r
}

func (b *bench) submissions() []programme.Submission {
	b.t.Helper()
	rows, err := b.store.SubmissionsAfter(context.Background(), staff.ScopeOf(staff.Administrator, nil), 0, 1000)
	must(b.t, err)
	var out []programme.Submission
	for _, r := range rows {
		s := r.Submission
		if r.Sealed != nil {
			text, err := b.ring.Open(r.Sealed, "submission/"+r.ID)
			must(b.t, err)
			s.Text = string(text)
		}
		out = append(out, s)
	}
	return out
}

func reference(t *testing.T, text string) string {
	t.Helper()
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == '.' }) {
		if _, ok := programme.ParseReference(w); ok && len(w) == 9 {
			return w
		}
	}
	t.Fatalf("no reference in %q", text)
	return ""
}

func contains(t *testing.T, r message.Reply, want string) {
	t.Helper()
	if !strings.Contains(r.Text, want) {
		t.Fatalf("the screen lacks %q:\n%s", want, r.Text)
	}
}

func TestAFirstCallIsKeptWithItsReference(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	contains(t, p.dial(""), "2 Bamanankan")
	contains(t, p.press("1"), "1 Avis sur un projet")
	last := p.walk("1", "107", "3", "2", "1", "1", "La baratte * est cassee")
	if !last.End {
		t.Fatalf("the conversation goes on: %s", last.Text)
	}
	ref := reference(t, last.Text)
	got := b.submissions()
	if len(got) != 1 {
		t.Fatalf("%d submissions", len(got))
	}
	s := got[0]
	if s.Reference.String() != ref || s.Text != "La baratte * est cassee" || s.Project != "LAF1" || s.Answers["type"] != "P" ||
		s.Answers["rating"] != "2" || s.Answers["cohesion"] != "together" || s.Language != "fr" || s.Region != "ML06" {
		t.Fatalf("kept %+v, told %s", s, ref)
	}
	p.dial("")
	contains(t, p.walk("4", strings.ReplaceAll(ref, "-", "")), "bien recu")
	other := b.phone("+22370000009")
	other.dial("")
	other.press("1")
	contains(t, other.walk("4", ref), "Pas trouve")
}

func TestEveryHopTwiceGivesTheSameBytesAndOneSubmission(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	twice := func(first message.Reply) {
		t.Helper()
		if again := p.send(b.c); again.Text != first.Text || again.End != first.End {
			t.Fatalf("after %q:\n%s\nthen\n%s", p.text, first.Text, again.Text)
		}
	}
	twice(p.dial(""))
	for _, k := range []string{"1", "2", "5", "99", "1", "1", "8", "3", "99", "10", "1", "2", "des mots"} {
		twice(p.press(k))
	}
	if n := len(b.submissions()); n != 1 {
		t.Fatalf("%d submissions", n)
	}
}

func TestTwoGatewaysAndManyRepeatsAtOnceMakeOneSubmission(t *testing.T) {
	b := newBench(t)
	first := b.c
	second := b.start(nil)
	p := b.phone(anna)
	all := func() {
		t.Helper()
		var wg sync.WaitGroup
		replies := make([]message.Reply, 6)
		for i := range replies {
			wg.Go(func() { replies[i] = p.send([]*conversation.Conversation{first, second}[i%2]) })
		}
		wg.Wait()
		for _, r := range replies[1:] {
			if r.Text != replies[0].Text || r.End != replies[0].End {
				t.Fatalf("after %q:\n%s\nand\n%s", p.text, replies[0].Text, r.Text)
			}
		}
	}
	p.dial("")
	all()
	for _, k := range []string{"1", "1", "LAF1", "1", "5", "2", "2", "tres bien"} {
		p.text = strings.TrimPrefix(p.text+"*"+k, "*")
		all()
	}
	got := b.submissions()
	if len(got) != 1 || got[0].Text != "tres bien" {
		t.Fatalf("kept %+v", got)
	}
}

func TestAnEarlierHopGetsTheCurrentScreenAndChangesNothing(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107")
	now := p.press("3")
	late := *p
	for _, text := range []string{"", "1", "1*1", "1*1*107"} {
		late.text = text
		if r := late.send(b.c); r.Text != now.Text {
			t.Fatalf("a late %q got\n%s", text, r.Text)
		}
	}
	if last := p.walk("2", "1", "1", "mots"); !last.End {
		t.Fatal("the conversation did not go on")
	}
	if s := b.submissions(); len(s) != 1 || s[0].Answers["type"] != "P" {
		t.Fatalf("kept %+v", s)
	}
}

func TestARedisThatIsEmptiedMidCallLosesNothing(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("2", "2", "1") // Bambara, tension, land
	b.flush()             // at once: the draft waits in the gateway still
	p.press("Lafia")
	time.Sleep(1800 * time.Millisecond)
	b.start(nil) // a gateway that knows nothing
	b.flush()
	p.press("2")
	b.flush()
	b.start(nil) // nor does this one: the draft, and the rest from the text
	p.press("1")
	b.flush()
	p.walk("1", "3", "2")
	b.flush()
	last := p.press("puits")
	if !last.End {
		t.Fatalf("it goes on: %s", last.Text)
	}
	s := b.submissions()
	if len(s) != 1 || s[0].Place != "ML060504" || s[0].Answers["phase"] != "P2" || s[0].Language != "bm" || s[0].Text != "puits" {
		t.Fatalf("kept %+v", s)
	}
	b.flush()
	if again := p.send(b.c); reference(t, again.Text) != reference(t, last.Text) {
		t.Fatalf("after the flush:\n%s\nbefore:\n%s", again.Text, last.Text)
	}
	if n := len(b.submissions()); n != 1 {
		t.Fatalf("%d submissions", n)
	}
}

func TestASessionThatNothingRemembersGetsTheMenuWithAnApology(t *testing.T) {
	b := newBench(t)
	q := b.phone(leader)
	q.session = "one that was never heard of"
	b.flush()
	q.text = "1*1*107*3"
	if r := q.send(b.c); r.End || !strings.Contains(r.Text, "Bamanankan") {
		t.Fatalf("an unknown caller got\n%s", r.Text)
	}
	if n := len(b.submissions()); n != 0 {
		t.Fatalf("%d submissions were guessed", n)
	}
}

func TestASessionIdThatIsUsedAgainLaterIsANewCall(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	last := p.walk("1", "1", "107", "3", "2", "1", "2", "mots")
	p.text = ""
	if r := p.send(b.c); r.Text != last.Text {
		t.Fatalf("soon after: %s", r.Text)
	}
	b.pass(4 * time.Minute)
	contains(t, p.send(b.c), "1 Avis")
	contains(t, p.walk("1", "107"), "Une question")
	if n := len(b.submissions()); n != 1 {
		t.Fatalf("%d submissions", n)
	}
}

func TestAfterADropTheNextDialOffersToGoOn(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3")
	b.pass(3 * time.Minute)
	r := p.dial("")
	contains(t, r, "1 Continuer")
	if strings.Contains(r.Text, "projet") {
		t.Fatalf("the screen names the flow:\n%s", r.Text)
	}
	contains(t, p.press("1"), "Tres mauvais")
	p.walk("4", "1", "1", "mots")
	s := b.submissions()
	if len(s) != 1 || s[0].Answers["type"] != "P" || s[0].Answers["rating"] != "4" {
		t.Fatalf("kept %+v", s)
	}
	contains(t, p.dial(""), "1 Avis")
}

func TestDraftsAboveL1AndOldOnesAreNotOffered(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "2", "5", "Lafia") // theft: L2
	contains(t, p.dial(""), "1 Avis")
	p.walk("9", "1")
	contains(t, p.dial(""), "1 Avis")
	p.walk("1", "107", "3")
	b.pass(11 * time.Minute)
	contains(t, p.dial(""), "1 Avis")
}

func TestADirectDialGoesAheadButNeverCommits(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	contains(t, p.dial("1*107"), "Bamanankan")
	contains(t, p.press("1"), "Une question")
	p.dial("")
	p.press("2")
	contains(t, p.dial("1*107*3*2*1*1"), "Peut-on vous repondre")
	if n := len(b.submissions()); n != 0 {
		t.Fatal("a direct dial committed")
	}
	if last := p.walk("1", "mots"); !last.End || len(b.submissions()) != 1 {
		t.Fatalf("after the words:\n%s", last.Text)
	}
	contains(t, p.dial("9*1"), "9 Confidentiel")
}

// single sends one input as an aggregator without sequence does.
func (p *phone) single(text string, start bool) message.Reply {
	p.b.t.Helper()
	r, err := p.b.c.Hop(context.Background(), "single", message.Inbound{
		Medium: message.USSD, From: message.ParseNumber(p.number), To: "*384#", SessionID: p.session, Text: text, Start: start,
	})
	if err != nil {
		p.b.t.Fatalf("hop %q: %v", text, err)
	}
	return r
}

func TestOnSingleInputsTheSameKeySoonIsARepeatAndLaterAnInput(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.session = "s1"
	contains(t, p.single("*384#", true), "Bamanankan")
	contains(t, p.single("1", false), "1 Avis")
	contains(t, p.single("1", false), "1 Avis") // the aggregator's retry
	b.pass(2 * time.Second)
	contains(t, p.single("1", false), "Code du projet")
	contains(t, p.single("*384#", true), "Code du projet") // a late start changes nothing
	for _, k := range []string{"107", "1", "1", "1", "1", "mots"} {
		b.pass(2 * time.Second)
		p.single(k, false)
	}
	if s := b.submissions(); len(s) != 1 || s[0].Answers["type"] != "Q" || s[0].Answers["rating"] != "1" || s[0].Text != "mots" {
		t.Fatalf("kept %+v", s)
	}
	p.session = "s2"
	contains(t, p.single("*384*1*107#", true), "Une question")
	for i, dialled := range []string{"*384#", "384", "*384*", ""} {
		p.session = fmt.Sprint("t", i)
		if r := p.single(dialled, true); !strings.Contains(r.Text, "1 Continuer") { // her feedback is not finished
			t.Fatalf("%q: %s", dialled, r.Text)
		}
	}
}

func TestALeaderReportsWithHerPINAndNothingKeepsIt(t *testing.T) {
	b := newBench(t)
	p := b.phone(leader)
	p.dial("")
	contains(t, p.walk("1", "3"), "secret")
	for i := range 2 {
		r := p.press(fmt.Sprint(1000 + i))
		contains(t, r, "Code secret faux")
		p.send(b.c) // a repeat is no second try
	}
	contains(t, p.press("4821"), "octobre")
	contains(t, p.press("1"), "membres")
	contains(t, p.press("2"), "3 a 300")
	contains(t, p.walk("24", "4", "24 000", "42000", "310", "14", "1", "1"), "24 000")
	last := p.press("1")
	if !last.End {
		t.Fatalf("it goes on: %s", last.Text)
	}
	s := b.submissions()
	if len(s) != 1 || s[0].Answers["EPA"] != "24000" || s[0].Answers["month"] != "2026-10" || s[0].Group != "G1" || !s[0].Confirmed {
		t.Fatalf("kept %+v", s)
	}
}

func TestAReportBySMSWaitsUntilItsLeaderConfirmsItWithHerPIN(t *testing.T) {
	b := newBench(t)
	for i, text := range []string{"menu", "1", "3", "1", "24", "4", "24mil", "42000", "310", "14", "1", "1", "1"} {
		b.sms(leader, fmt.Sprint("m", i), text)
	}
	b.handleAll()
	s := b.submissions()
	if len(s) != 1 || s[0].Confirmed {
		t.Fatalf("kept %+v", s)
	}
	p := b.phone(leader)
	p.dial("")
	contains(t, p.walk("3", "4821"), "epargne 24 000")
	last := p.press("1")
	if !last.End || !b.submissions()[0].Confirmed {
		t.Fatalf("after yes: %s", last.Text)
	}
	p.dial("")
	contains(t, p.walk("3", "4821"), "Rapport de quel mois")
}

func TestFiveWrongPINsLockAndTheRightOneNoLongerOpens(t *testing.T) {
	b := newBench(t)
	p := b.phone(leader)
	p.dial("")
	p.walk("1", "3", "1111", "2222", "3333", "4444")
	contains(t, p.press("5555"), "essais")
	contains(t, p.press("4821"), "essais")
}

func TestConfidentialIsKeptForFocalPointsAndNowhereElse(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "9", "1", "1", "2", "3")
	last := p.press("1")
	if !last.End || strings.Contains(strings.ToLower(last.Text), "confiden") {
		t.Fatalf("the last screen:\n%s", last.Text)
	}
	if n := len(b.submissions()); n != 0 {
		t.Fatalf("%d submissions", n)
	}
	rows, err := b.store.ConfidentialNewest(context.Background(), staff.Scope{Levels: []programme.Level{programme.L3}}, 10)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if strings.Contains(string(rows[0].Sealed), anna) {
		t.Fatal("the number is readable")
	}
}

// sms posts a message and handles it, and gives the replies queued for her.
func (b *bench) sms(number, id, text string) {
	b.t.Helper()
	must(b.t, b.c.Receive(context.Background(), "at", message.Inbound{Medium: message.SMS, From: message.ParseNumber(number), ExternalID: id, Text: text}))
}

func (b *bench) handleAll() (replies []string) {
	b.t.Helper()
	ids, err := storetest.Unhandled(context.Background(), b.store)
	must(b.t, err)
	for _, id := range ids {
		must(b.t, b.c.Handle(context.Background(), id))
	}
	out, err := storetest.Outbound(context.Background(), b.store)
	must(b.t, err)
	for _, o := range out {
		if len(o.Sealed) == 0 { // of one who was erased
			replies = append(replies, "")
			continue
		}
		text, err := b.c.OpenReply(o.ID, o.Sealed)
		must(b.t, err)
		replies = append(replies, text)
	}
	return replies
}

func TestAnSMSConversationIsAnsweredInOrderAndOnce(t *testing.T) {
	b := newBench(t)
	for i, text := range []string{"Bonjour", "1", "1", "107", "3", "2", "1", "1", "La baratte est cassee"} {
		b.sms(anna, fmt.Sprintf("m%d", i), text)
		b.sms(anna, fmt.Sprintf("m%d", i), text) // the aggregator repeats itself
		b.handleAll()
	}
	replies := b.handleAll()
	if len(replies) != 9 {
		t.Fatalf("%d replies: %q", len(replies), replies)
	}
	s := b.submissions()
	if len(s) != 1 || s[0].Text != "La baratte est cassee" || s[0].Medium != "sms" {
		t.Fatalf("kept %+v", s)
	}
	if ref := reference(t, replies[8]); ref != s[0].Reference.String() || !strings.Contains(replies[8], "Merci, message bien recu") {
		t.Fatalf("the acknowledgement: %s", replies[8])
	}
}

func TestManyMessagesAtOnceAreTakenInTheirOrder(t *testing.T) {
	b := newBench(t)
	for i, text := range []string{"menu", "2", "2", "1", "Lafia", "3", "1", "1", "3", "1", "on se dispute ici"} {
		b.sms(anna, fmt.Sprintf("m%d", i), text)
	}
	b.handleAll()
	s := b.submissions()
	if len(s) != 1 || s[0].Kind != programme.Tension || s[0].Place != "ML060504" || s[0].Language != "bm" {
		t.Fatalf("kept %+v", s)
	}
}

func TestWordsThatFitNoFlowAreKeptAndAcknowledged(t *testing.T) {
	b := newBench(t)
	b.sms(anna, "m1", "le moulin est gate depuis lundi")
	replies := b.handleAll()
	s := b.submissions()
	if len(s) != 1 || s[0].Kind != programme.Open || s[0].Text != "le moulin est gate depuis lundi" {
		t.Fatalf("kept %+v", s)
	}
	if reference(t, replies[0]) != s[0].Reference.String() {
		t.Fatalf("the acknowledgement: %s", replies[0])
	}
	// In the middle of a menu they are kept as well, and she stays where she was.
	for i, text := range []string{"menu", "1", "1", "107", "notre puits est a sec aussi", "3"} {
		b.sms(anna, fmt.Sprintf("n%d", i), text)
	}
	replies = b.handleAll()
	if s = b.submissions(); len(s) != 2 || !strings.Contains(replies[len(replies)-1], "Tres mauvais") {
		t.Fatalf("kept %d, last reply %q", len(s), replies[len(replies)-1])
	}
	// The same id with other words is a message of its own.
	b.sms(anna, "m1", "et le magasin est ferme maintenant")
	b.handleAll()
	if s = b.submissions(); len(s) != 3 {
		t.Fatalf("kept %d", len(s))
	}
}

func TestWhatLooksConfidentialBySMSGetsTheSameAcknowledgement(t *testing.T) {
	b := newBench(t)
	b.sms(anna, "m1", "une femme a ete battue ici")
	b.sms(leader, "m2", "le moulin est gate depuis lundi")
	replies := b.handleAll()
	if len(replies) != 2 || len(replies[0]) != len(replies[1]) {
		t.Fatalf("replies %q", replies)
	}
	if s := b.submissions(); len(s) != 1 {
		t.Fatalf("%d submissions", len(s))
	}
}

func TestNoNumberAndNoWordsAreInTheDatabase(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107", "3", "2", "1", "canari jaune du puits")
	b.sms(anna, "m1", "canari jaune du moulin")
	b.handleAll()
	dump, err := storetest.Dump(context.Background(), b.store)
	must(t, err)
	for _, needle := range []string{"70000001", "canari"} {
		if strings.Contains(dump, needle) {
			t.Errorf("%q is in the database", needle)
		}
	}
}

func TestADraftOutlivesASessionThatBeganWhereRedisForgotTheOneBefore(t *testing.T) {
	b := newBench(t)
	p := b.phone(anna)
	p.dial("")
	p.walk("1", "1", "107")
	b.written()
	r := redis.NewClient(&redis.Options{Network: "unix", Addr: b.redis})
	defer r.Close()
	for _, k := range r.Keys(context.Background(), "s:*").Val() { // its life is over; what is known of her stays
		must(t, r.Del(context.Background(), k).Err())
	}
	b.pass(2 * time.Hour)
	p.dial("")
	p.walk("1", "107", "3")
	b.written()
	b.flush()
	b.start(nil)
	contains(t, p.dial(""), "1 Continuer")
	contains(t, p.press("1"), "Tres mauvais")
}
