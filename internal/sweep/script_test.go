package sweep_test

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/casework"
	"lafia/internal/programme"
	"lafia/internal/sweep"
)

// script is something that happens to a gateway.
type script struct {
	name string
	// before is what is there already; no point of it fails.
	before func(*run)
	play   func(*run)
	// awaits are goroutines by the clock that it waits for.
	awaits []string
	check  func(*run)
}

// scripts are what is played.
var scripts = []script{
	{name: "a feedback by USSD", play: func(r *run) { r.call(feedback(r.words, "1"), "Merci", "") }, check: func(r *run) {
		r.repeats()
		r.kept(r.feedback())
		r.wish("answer", true)
	}},
	{name: "a tension of level 2 by USSD", play: func(r *run) { r.call(tension(r.words, "5"), "Merci", "") }, check: func(r *run) {
		r.repeats()
		r.kept(r.tension("G5", programme.L2))
	}},
	{name: "a confidential call", play: func(r *run) { r.call(confidential, "C'est note.", "") }, check: (*run).confided},
	{name: "a leader's report", before: (*run).leads, play: func(r *run) { r.call(report, "Merci", "") }, check: func(r *run) {
		r.repeats()
		r.kept(r.reported())
	}},
	{name: "an open message by SMS", play: func(r *run) { r.writes(r.words); r.settledSoon() }, check: func(r *run) {
		r.kept(r.open())
		r.answeredBySMS("bien recu")
		r.referenceBySMS()
	}},
	{name: "a stop by SMS, whose answer is refused at first", before: func(r *run) { r.far.refuses(r.number) }, play: func(r *run) { r.writes("STOP"); r.settledSoon() }, check: func(r *run) {
		r.wish("broadcast", false)
		r.answeredBySMS("plus de nouvelles")
		r.nothing()
	}},
	{name: "a feedback while PostgreSQL is away", awaits: []string{drain}, play: func(r *run) {
		r.away(func() { r.call(feedback(r.words, "1"), "Merci", "") })
	}, check: func(r *run) {
		r.repeats()
		r.kept(r.feedback())
		r.wish("answer", true)
	}},
	{name: "a stop by SMS while PostgreSQL is away", awaits: []string{drain}, play: func(r *run) {
		r.away(func() { r.writes("STOP") })
		r.settledSoon()
	}, check: func(r *run) {
		r.wish("broadcast", false)
		r.answeredBySMS("plus de nouvelles")
		r.nothing()
	}},
	{name: "an open message in parts", play: (*run).parts, check: func(r *run) {
		want := r.open()
		want.Channel = parted
		r.kept(want)
	}},
	{name: "a report by SMS, confirmed by phone", before: (*run).leads, play: func(r *run) {
		r.writes("RAP " + months[r.month().Month()-1] + " MEM 24 REU 4 EPA 24000 REC 42500 LAI 310 BEU 14 EQU 1 PB 2")
		r.settledSoon()
		r.settled()
		r.call(confirming, "C'est confirme.", "")
	}, check: func(r *run) {
		want := r.reported()
		want.Medium, want.Language = string(message.SMS), "" // she never chose one
		r.finishing = nil
		r.kept(want)
		r.answeredBySMS("Membres 24")
	}},
	{name: "news that are asked for", before: func(r *run) {
		r.call(tension(r.words, "2"), "Merci", "")
		r.settled()
		r.pass(12 * time.Second) // what came out of the spool is surely handled
		a, _ := r.gateway()
		a.EmptySpool(r.t.Context())
		r.exec(`update followup set due_at = due_at - interval '15 days' where contact = $1`, r.contact())
	}, play: func(r *run) {
		r.cares(`select count(*) from followup where contact = $1 and sent_at is null`)
		r.settledSoon()
		r.settled()
		r.writes("2")
		r.settledSoon()
	}, check: func(r *run) {
		r.kept(r.tension("G2", programme.L1))
		r.answeredBySMS("Nouvelles du lieu", "A bientot")
		if n := r.count(`select count(*) from followup where contact = $1 and said = 'same'`, r.contact()); n != 1 {
			r.wrongf("%d answers to what was asked again", n)
		}
	}},
	{name: "an erasure by SMS, called off", play: func(r *run) {
		r.writes("EFFACER")
		r.settledSoon()
		r.settled()
		r.writes("GARDER")
		r.settledSoon()
	}, check: func(r *run) {
		r.answeredBySMS("tout sera efface", "rien n'est efface")
		if n := r.count(`select count(*) from erasure where contact = $1`, r.contact()); n != 0 {
			r.wrongf("her erasure still stands")
		}
		r.nothing()
	}},
	{name: "an erasure by phone", before: func(r *run) {
		r.call(feedback(r.words, "1"), "Merci", "")
		r.settled()
		r.finishing, r.acked = nil, nil
	}, play: func(r *run) { r.call(erasing, "tout est efface", "") }, check: func(r *run) {
		r.rows++ // its codes stay, and lead to nobody
		r.nothing()
		if n := r.count(`select (select count(*) from number where contact = $1) + (select count(*) from wish where contact = $1)
			+ (select count(*) from draft where contact = $1 and sealed is not null)`, r.contact()); n != 0 {
			r.wrongf("%d rows of one who was erased", n)
		}
		if n := r.count(`select count(*) from erasure where contact = $1 and done_at is not null`, r.contact()); n != 1 {
			r.wrongf("her erasure is not marked")
		}
	}},
	{name: "a request that cannot be read", play: (*run).textless, check: (*run).unread},
	{name: "a request that cannot be read while PostgreSQL is away", awaits: []string{drain}, play: func(r *run) { r.away(r.textless) }, check: (*run).unread},
	{name: "a draft that is left", awaits: []string{behind}, play: (*run).leave, check: (*run).left},
	{name: "an answer of staff", before: func(r *run) {
		r.call(feedback(r.words, "1"), "Merci", "")
		r.settled()
	}, play: (*run).staffAnswers, check: func(r *run) {
		r.kept(r.feedback())
		r.answeredBySMS("la pompe")
	}},
	{name: "a restart, and what its predecessor left", before: (*run).forgotten, play: (*run).restart, check: func(r *run) {
		r.kept(r.open())
		r.answeredBySMS("bien recu", "plus de nouvelles")
		r.wish("broadcast", false)
	}},
}

// textless hands over an SMS that has no text.
func (r *run) textless() { r.hands(channel, url.Values{"from": {r.number}, "to": {shortCode}}) }

// unread looks for what textless handed over. A spool may deliver what she handed
// over before once more, runs later.
func (r *run) unread() {
	r.t.Helper()
	r.unreadable[r.number] = 1 + r.faults
	if n := r.unreadOf()[r.number]; n < 1 || n > 1+r.faults {
		r.wrongf("%d requests are kept as they came, of one that was handed over %d times", n, 1+r.faults)
	}
}

func feedback(words, answer string) []key {
	return []key{
		{on: "Code du projet", press: "101"},
		{on: "C'est:", press: "3"},
		{on: "Ce projet est:", press: "2"},
		{on: "1: ca va tres mal.", press: "2"},
		{on: "Le projet, entre les gens:", press: "1"},
		{on: "Peut-on vous repondre par SMS", press: answer},
		{on: "Ecrivez votre message.", press: words, last: true},
		{on: "Choisissez:", press: "1"},
	}
}

func (r *run) feedback() programme.Submission {
	return programme.Submission{
		Kind: programme.Feedback, Level: programme.L1, Medium: string(message.USSD), Language: "fr", Project: "LAF1", Place: "ML060504",
		Answers: map[string]string{"type": "P", "rating": "2", "cohesion": "together"}, Text: r.words,
	}
}

func tension(words, about string) []key {
	return []key{
		{on: "C'est quoi?", press: about},
		{on: "Quel lieu?", press: "lafia"},
		{on: "Que se passe-t-il?", press: "2"},
		{on: "Qui calme deja?", press: "1"},
		{on: "Quand?", press: "1"},
		{on: "Depuis, c'est comment?", press: "2"},
		{on: "Peut-on vous demander des nouvelles", press: "1"},
		{on: "Dites ce qui se passe", press: words, last: true},
		{on: "Choisissez:", press: "2"},
	}
}

func (r *run) tension(about string, level programme.Level) programme.Submission {
	answers := map[string]string{"type": about, "phase": "P2", "calm": "M1", "when": "U1", "trend": "same"}
	if level == programme.L1 {
		answers["again"] = "yes"
	}
	return programme.Submission{
		Kind: programme.Tension, Level: level, Medium: string(message.USSD), Language: "fr", Place: "ML060504", Answers: answers, Text: r.words,
	}
}

var confidential = []key{
	{on: "Confidentiel. Ne donnez pas", press: "1"},
	{on: "Qui doit vous appeler?", press: "1"},
	{on: "Quel jour?", press: "2"},
	{on: "Quand appeler sans risque?", press: "1"},
	{on: "D'accord?", press: "1", last: true},
	{on: "Choisissez:", press: "9"},
}

// confided checks a confidential call: its body is sealed to the focal points, and
// there once a call.
func (r *run) confided() {
	list := r.confidential(r.number)
	if len(list) < 1 || len(list) > max(1, len(r.finishing)) {
		r.wrongf("%d confidential bodies of %d calls", len(list), len(r.finishing))
	}
	want := map[string]string{"who": "woman", "day": "week", "when": "morning"}
	for _, b := range list {
		if b.Number != r.number || !maps.Equal(b.Answers, want) {
			r.wrongf("a confidential body says %v", b.Answers)
		}
	}
	if n := len(r.submissions(r.number)); n != 0 {
		r.wrongf("%d rows of a confidential call are beside the sealed ones", n)
	}
	// The menu's draft may have been on its way to the record when the call ended; its
	// end is written behind.
	const draft = `select count(*) from draft where sealed is not null and contact = $1`
	for end := time.Now().Add(3 * time.Second); r.count(draft, r.contact()) > 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	for _, table := range []string{"draft where sealed is not null and", "outbound where", "inbound where", "wish where"} {
		if n := r.count(`select count(*) from `+table+` contact = $1`, r.contact()); n != 0 {
			r.wrongf("%d rows in %s", n, table)
		}
	}
}

var report = []key{
	{on: "Quel groupe?", press: "1"},
	{on: "Code secret faux.", press: "2468"},
	{on: "Votre code secret:", press: "1357"},
	{on: "Rapport de quel mois?", press: "1"},
	{on: "Nombre de membres:", press: "24"},
	{on: "Nombre de reunions", press: "4"},
	{on: "Epargne du mois", press: "24000"},
	{on: "Recettes du mois", press: "42500"},
	{on: "Lait collecte", press: "310"},
	{on: "Beurre produit", press: "14"},
	{on: "Le materiel:", press: "1"},
	{on: "Le plus grand souci:", press: "3"},
	{on: "C'est juste?", press: "1", last: true},
	{on: "Choisissez:", press: "3"},
}

var confirming = []key{
	{on: "Quel groupe?", press: "1"},
	{on: "Votre code secret:", press: "2468"},
	{on: "24 membres, 4 reunions", press: "1"},
	{on: "Rapport de quel mois?"}, // it is confirmed: the last screen was lost
	{on: "Choisissez:", press: "3"},
}

var erasing = []key{
	{on: "Vos choix:", press: "3"},
	{on: "Effacer votre numero", press: "1"},
	{on: "Tout sera perdu", press: "3"},
	{on: "Choisissez:", press: "7"},
}

func (r *run) group() string { return fmt.Sprintf("S-%d-%s", r.n, r.number[len(r.number)-5:]) }

// leads makes her the leader of a group of her own.
func (r *run) leads() {
	g := programme.Group{Code: r.group(), Name: "Groupe " + r.group(), Project: "LAF1", Place: "ML060504", Region: "ML06"}
	must(r.t, r.record.PutGroup(r.t.Context(), g, r.contact(), r.ring.PINHash(g.Code, "2468"), false))
}

// month is the last one.
func (r *run) month() time.Time {
	now := r.now().UTC()
	return time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC)
}

var months = strings.Fields("janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre")

func (r *run) reported() programme.Submission {
	return programme.Submission{
		Kind: programme.Progress, Level: programme.L1, Medium: string(message.USSD), Language: "fr", Project: "LAF1", Place: "ML060504", Group: r.group(),
		Answers: map[string]string{"month": r.month().Format("2006-01"), "MEM": "24", "REU": "4", "EPA": "24000", "REC": "42500", "LAI": "310", "BEU": "14", "EQU": "1", "PB": "2"},
	}
}

func (r *run) open() programme.Submission {
	return programme.Submission{Kind: programme.Open, Level: programme.L1, Medium: string(message.SMS), Language: "fr", Text: r.words}
}

// settledSoon waits for what follows a message by itself, so that its points are
// met: it is handled, what it leads to is sent, and the receipt is there. Where one
// of them failed it waits no longer.
func (r *run) settledSoon() {
	r.t.Helper()
	n := 0
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(4 * time.Millisecond) {
		if _, c := r.gateway(); c.Hit() {
			return
		}
		if r.count(`select (select count(*) from inbound where handled_at is null) +
			(select count(*) from outbound where contact = $1 and state not in ('delivered', 'failed'))`, r.contact()) == 0 && r.far.idle() {
			return
		}
		if n++; n%20 == 0 {
			r.hurry()
		}
	}
}

func (r *run) contact() []byte { return r.ring.Pseudonym(r.number).Bytes() }

// cares lets the minute of what time brings come until nothing waits any more. It waits
// for a sign of life at the longest: one that was under way when a spool was emptied may say
// that something is in it.
func (r *run) cares(waits string) {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		a, _ := r.gateway()
		a.EmptySpool(r.t.Context())
		a.Care(r.t.Context())
		_, c := r.gateway()
		if !c.Dead() && r.count(waits, r.contact()) == 0 {
			return
		}
		r.repair()
	}
}

// parts is a message that comes in two parts, the second one first.
func (r *run) parts() {
	r.serial++
	half := len(words) + 3
	for n, text := range []string{1: r.words[:half], 0: r.words[half:]} {
		part := 2 - n
		r.hands(parted, url.Values{
			"msisdn": {strings.TrimPrefix(r.number, "+")}, "to": {shortCode}, "messageId": {fmt.Sprintf("part-%d-%d-%d", r.n, r.serial, part)}, "text": {text},
			"type": {"text"}, "concat": {"true"}, "concat-ref": {fmt.Sprint(r.serial)}, "concat-total": {"2"}, "concat-part": {fmt.Sprint(part)},
			"message-timestamp": {r.now().UTC().Format(time.DateTime)},
		})
	}
	r.settledSoon()
}

// referenceBySMS checks that the acknowledgement names the row.
func (r *run) referenceBySMS() {
	for _, text := range r.far.to(r.number) {
		if list := r.submissions(r.number); len(list) != 1 || referenceForm.FindString(text) != list[0].Reference.String() {
			r.wrongf("the acknowledgement %q names none of %d rows", text, len(list))
		}
	}
}

func (r *run) wish(purpose string, given bool) {
	is, known, err := r.record.Wished(r.t.Context(), r.contact(), purpose)
	must(r.t, err)
	if !known || is != given {
		r.wrongf("her wish about %s is known: %v, and %v", purpose, known, is)
	}
	if n := r.count(`select count(*) from wish_event where contact = $1 and purpose = $2`, r.contact(), purpose); n != 1 {
		r.wrongf("her wish about %s was written down %d times", purpose, n)
	}
}

// nothing checks that no row was made of her.
func (r *run) nothing() {
	if n := len(r.submissions(r.number)); n != 0 {
		r.wrongf("%d rows of one who said nothing", n)
	}
}

// away plays something while PostgreSQL is away, and then lets it come back.
func (r *run) away(play func()) {
	_, c := r.gateway()
	c.Away(sweep.Postgres)
	play()
	if _, c = r.gateway(); c.Hit() {
		r.repair()
	} else {
		c.Back(sweep.Postgres)
	}
	a, _ := r.gateway()
	a.Store().Pool().Reset()
	for range 50 {
		if a.EmptySpool(r.t.Context()) == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// leave is a call that breaks off, whose draft is written behind the reply, and
// whose life ends.
func (r *run) leave() {
	r.call(tension(r.words, "5"), "Merci", "Depuis, c'est comment?")
	contact := r.contact()
	if _, c := r.gateway(); c.Hit() {
		r.repair() // the draft of a call comes behind it, in its time
	}
	end := time.Now().Add(4 * time.Second)
	for r.count(`select count(*) from draft where contact = $1 and sealed is not null and changed_at >= $2`, contact, r.hopped.Truncate(time.Microsecond)) == 0 {
		if _, c := r.gateway(); c.Dead() {
			end = time.Now() // it had the draft in memory
			r.revive()
		} else if c.Hit() {
			c.Repair()
		}
		if time.Now().After(end) {
			r.note = "no draft"
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.pass(12 * time.Second) // what came out of the spool is surely handled
	r.exec(`update draft set expires_at = expires_at - interval '2 hours' where contact = $1`, contact)
	r.cares(`select count(*) from draft where contact = $1 and sealed is not null`)
}

// left checks that what was said until she hung up is kept, once, in part.
func (r *run) left() {
	list := r.submissions(r.number)
	r.rows += len(list)
	if r.note == "no draft" && r.mode == sweep.Killed && len(list) == 0 {
		return // the gateway was killed before it wrote the draft behind: she was promised nothing
	}
	if len(list) < 1 || len(list) > r.dials {
		r.wrongf("%d rows of %d calls that were left (%s)", len(list), r.dials, r.note)
		return
	}
	want := map[string]string{"type": "G5", "phase": "P2", "calm": "M1", "when": "U1"}
	last := list[len(list)-1]
	for _, s := range list {
		if !s.Partial || s.Level != programme.L2 || s.Place != "ML060504" {
			r.wrongf("kept of a call that was left: %+v", s)
		}
	}
	if !maps.Equal(last.Answers, want) {
		r.wrongf("kept of a call that was left: %v, want %v", last.Answers, want)
	}
}

// staffAnswers is a form that is sent again until it is taken.
func (r *run) staffAnswers() {
	who, err := r.record.StaffByUsername(r.t.Context(), "administrator")
	must(r.t, err)
	list := r.submissions(r.number)
	if len(list) != 1 {
		r.wrongf("%d rows to answer", len(list))
		return
	}
	for try := range 5 {
		if try >= 2 {
			r.repair()
		}
		a, c := r.gateway()
		_, err = a.Desk().Answer(r.t.Context(), who, casework.Answering{ID: list[0].ID, Text: "Merci, la pompe sera reparee.", SMS: casework.WordsBy, Once: "une fois", Warned: true})
		if err == nil && !c.Dead() {
			r.settledSoon()
			return
		}
		r.failed()
	}
	r.wrongf("an answer was not taken in five tries: %v", err)
}

// forgotten makes a message whose job is gone, as of a gateway that was killed.
func (r *run) forgotten() {
	r.exec(`create or replace function sweep_no_jobs() returns trigger language plpgsql as $$ begin return null; end $$`)
	r.exec(`create trigger sweep_no_jobs before insert on river_job for each row execute function sweep_no_jobs()`)
	r.writes(r.words)
	r.exec(`drop trigger sweep_no_jobs on river_job`)
}

// restart stops the gateway and starts another one, as often as it takes.
func (r *run) restart() {
	_, last := r.gateway()
	_ = r.stop() // what fails of it is found by the next one
	var err error
	for try := range 6 {
		c := sweep.NewCounter(byClock...)
		c.Take(last)
		if try >= 2 {
			c.Repair()
		}
		last = c
		if err = r.start(c); err == nil {
			break
		}
		r.faults++
		time.Sleep(time.Duration(try) * 500 * time.Millisecond) // as who watches over it
	}
	if err != nil {
		r.wrongf("no gateway started in six tries: %v", err)
		must(r.t, r.start(sweep.NewCounter(byClock...))) // the lane needs one
	}
	a, _ := r.gateway()
	a.Sweep(r.t.Context())
	r.settledSoon()
	r.writes("STOP")
	r.settledSoon()
}
