package conversation

import (
	"context"
	"strings"
	"unicode"

	"lafia/gateway/message"
	"lafia/internal/directory"
	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/screen"
	"lafia/internal/sms"
	"lafia/internal/store"
)

// text is the trip of one SMS, or of a missed call, through her conversation.
func (c *Conversation) text(ctx context.Context, who caller, partial bool) (answered, error) {
	loaded, err := c.Sessions.Load(ctx, who.key)
	if err != nil {
		return answered{}, err
	}
	l, err := c.openLive(who.key, loaded.Session)
	if err != nil {
		l = nil
	}
	if l != nil && l.isRepeat(who.hop) {
		return l.Last, nil
	}
	contact, known := c.openContact(who.key, loaded.Contact)
	t := &trip{c: c, who: who, loaded: loaded, contact: contact, before: loaded.Version, live: l}
	if !known || l == nil {
		if err := t.recallText(ctx, l, known); err != nil || t.replay != nil {
			if err != nil {
				return answered{}, err
			}
			return *t.replay, nil
		}
	}
	if err := t.settleText(ctx); err != nil {
		return answered{}, err
	}
	for t.next() {
		if err := t.take(ctx); err != nil {
			return answered{}, err
		}
	}
	t.live.close(who.hop, t.askedAt())
	if t.finished != nil && partial {
		t.finished.sub.Partial = true
	}
	t.aside()
	if err := t.commit(ctx); err != nil {
		return answered{}, err
	}
	t.aside() // the reference may have changed
	if err := t.save(ctx); err != nil {
		return answered{}, err
	}
	return t.live.Last, nil
}

// aside puts her back where she was, after something that was said beside the
// conversation: an open message, or a command.
func (t *trip) aside() {
	switch {
	case t.finished != nil && t.open:
		t.live.Last.Text = t.ack()
	case !t.note.IsZero():
		t.live.Last.Text = t.c.layout(flow.Screen{Say: []flow.Line{t.note}}, t.speaks(), t.who.key).Text()
	case t.silent:
		t.live.Last.Text = ""
	default:
		return
	}
	t.live.Last.End = false
	t.live.Shown, t.live.Done = t.shown, t.wasDone
	if t.open {
		t.live.Run = t.openRun
	}
}

// speaks gives the language of what she is told: hers, else the one that she
// wrote in.
func (t *trip) speaks() string {
	if t.live.Language != "" {
		return t.live.Language
	}
	return t.guessed
}

// recallText reads from the record what Redis no longer knows of her: the
// language, where she was, and whether this message was committed already.
func (t *trip) recallText(ctx context.Context, l *live, known bool) error {
	r, err := t.c.Store.Remember(ctx, t.who.key.Contact[:], t.who.key.Channel, t.who.key.Medium, t.who.hop[:], t.who.now)
	if err != nil {
		return err // the job comes again
	}
	if !known {
		t.contact, t.fresh = rememberedOf(r.Contact), true
	}
	if l != nil {
		return nil
	}
	t.before = 0
	t.loaded.Version = max(t.loaded.Version, r.Draft.Version, t.c.drafts.version(t.who.key))
	if d := t.c.draftOf(t.who.key, r.Draft); d != nil {
		t.live = d
		if d.isRepeat(t.who.hop) {
			a := d.Last
			t.replay = &a
			return nil
		}
	}
	if r.HopRunSet {
		s := t.c.endScreen(t.c.newLive("sms", t.contact.Language), t.who.key, r)
		t.replay = &answered{Text: s.Text()}
	}
	return nil
}

// settleText decides what a message is: an answer to what she was asked, a
// command, a report in one line, or words of her own, which are kept for staff as
// they are.
func (t *trip) settleText(ctx context.Context) error {
	text := t.who.in.Text
	t.wasDone = t.live == nil || t.live.Done
	asked := t.live != nil && !t.live.Done && !t.live.Cursor.IsZero()
	if t.live == nil {
		t.anew()
		t.live = t.c.newLive("sms", t.contact.Language)
	}
	if t.live.Language == "" {
		t.live.Language = t.contact.Language
	}
	t.shown = t.live.Shown
	m := sms.Read(text)
	if t.who.in.Call {
		m = sms.Message{Kind: sms.CallMe}
	}
	t.guess(m.Language)
	if asked && isAnswer(t.live.Shown, text, m) {
		m = sms.Message{Kind: sms.Words, Codes: m.Codes}
	}
	if done, err := t.command(ctx, m); done || err != nil {
		return err
	}
	switch {
	case asked && t.stale():
		t.keepOpen(text, m)
		return nil
	case asked:
		return t.answerText(ctx, m)
	}
	return t.beginText(ctx, m)
}

func (t *trip) guess(tag string) {
	for _, l := range t.c.Words.Tags() {
		if l == tag {
			t.guessed = tag
		}
	}
}

// isAnswer reports whether a number that could be a reference answers what is
// asked: an amount, or a telephone number among her words.
func isAnswer(s screen.Shown, text string, m sms.Message) bool {
	return m.Kind == sms.Reference && takesWords(s.Input) && !strings.ContainsFunc(text, unicode.IsLetter)
}

// command does what a message asks that is no part of a flow; done is false for
// any other message.
func (t *trip) command(ctx context.Context, m sms.Message) (done bool, err error) {
	switch m.Kind {
	case sms.CallMe, sms.Empty: // an empty message is a missed call's sister
		t.keepOpen(t.who.in.Text, m)
		t.finished.sub.Answers[callAnswer] = "yes"
	case sms.Operator:
		t.silent = true
		u := t.c.unread(store.Unreadable{
			Channel: t.who.key.Channel, Kind: string(message.KindSMS), Reason: "an operator's own text", ReceivedAt: t.who.now,
		}, []byte(t.who.in.Text), t.who.hop[:])
		_, err := t.keep(ctx, "unreadable", deed{Unreadable: &u})
		return true, err
	case sms.Stop:
		for _, p := range m.Purposes {
			t.consents(p, false)
			if p == sms.Broadcast { // what comes by itself; the answer to her own question is another thing
				t.consents("followup", false)
			}
		}
		t.note = flow.Line{Key: "sms.stopped"}
	case sms.Start:
		t.consents(sms.Broadcast, true)
		t.consents(sms.Reminder, true)
		t.note = flow.Line{Key: "sms.started"}
	case sms.Erase:
		t.erase, t.note = "later", flow.Line{Key: "sms.erase"}
	case sms.Keep:
		t.erase, t.note = "keep", flow.Line{Key: "sms.kept"}
	case sms.Help:
		t.note = flow.Line{Key: "sms.help"}
	case sms.Confidential:
		t.keepOpen(t.who.in.Text, m)
	case sms.Reported, sms.Corrected:
		return true, t.line(ctx, m)
	case sms.Language:
		t.language(m.Tongue)
	case sms.Reference:
		t.enterAt("reference")
		if m.Reference != "" {
			t.inputs = []string{string(m.Reference)}
		}
	default:
		return false, nil
	}
	return true, nil
}

// answerText takes a message where something is asked.
func (t *trip) answerText(ctx context.Context, m sms.Message) error {
	shown, text := t.live.Shown, t.who.in.Text
	if done, err := t.followed(ctx, m); done || err != nil {
		return err
	}
	state := t.state()
	switch code, known := t.projectOf(m.Codes); {
	case asksConfidential(t.live.Cursor, text):
		t.keepOpen(text, sms.Message{Kind: sms.Confidential})
	case known && t.live.Cursor.Flow == flow.Main && directory.IsOnlyCode(text):
		t.enterAt("feedback")
		t.inputs = []string{code}
	case state != nil && state.Kind == flow.KindProject && m.Kind == sms.Words && saysSomething(text) && !t.findsProject(text):
		t.keepOpen(text, m)
	case programme.MatchKey(text) == "menu": // as 00 on the phone: what was begun is left
		t.live.Cursor, t.live.Unfinished = flow.Cursor{}, nil
		t.restart()
	case m.Kind == sms.Menu && !takesWords(shown.Input):
		t.restart()
	case shown.Input == flow.InputText || shown.Input == flow.InputPlace && m.Kind == sms.Words:
		t.inputs = []string{text}
	case shown.Input == flow.InputNumber:
		if !strings.ContainsFunc(text, unicode.IsDigit) && saysSomething(text) {
			t.keepOpen(text, m)
			return nil
		}
		t.inputs = []string{text}
	case m.Kind == sms.Yes || m.Kind == sms.No:
		t.inputs = []string{yesKey(shown, m.Kind)}
	case m.Kind == sms.Answers:
		t.inputs = m.Inputs
	case shown.Resolve(text).Kind == screen.Wrong && saysSomething(text):
		t.keepOpen(text, m)
	default:
		t.inputs = []string{text}
	}
	return nil
}

// findsProject reports whether a text names a project, or a place that has some.
func (t *trip) findsProject(text string) bool {
	f := t.c.programme.Load().FindProject(text, t.c.Example, t.who.key.Medium)
	return f.OK || len(f.Items) > 0
}

// beginText takes a message where nothing is asked.
func (t *trip) beginText(ctx context.Context, m sms.Message) error {
	text := t.who.in.Text
	if done, err := t.followup(ctx, m); done || err != nil {
		return err
	}
	switch code, known := t.projectOf(m.Codes); {
	case m.Kind == sms.Menu:
		t.restart()
	case m.Kind == sms.Answers && len(m.Inputs) > 1:
		t.restart()
		t.inputs = m.Inputs
	case known && directory.IsOnlyCode(text):
		t.enterAt("feedback")
		t.inputs = []string{code}
	case m.Kind == sms.Words && strings.ContainsFunc(text, unicode.IsLetter):
		t.keepOpen(text, m) // whatever it is, it is not lost
	default:
		t.restart()
	}
	return nil
}

// restart begins at the language, or at the menu. What was under way can be taken
// up again; what may not be offered is kept as far as it goes.
func (t *trip) restart() {
	past := t.live
	t.live = t.c.newLive("sms", past.Language)
	t.live.Last, t.live.Earlier = past.Last, past.Earlier
	t.live.Unfinished = t.c.resumable(past, t.who.now)
	if past.Cursor.InFlow() && !past.Done && t.live.Unfinished == nil {
		t.left = past
	}
	t.begun = true
}

// enterAt begins in a flow; one who never chose a language is asked first, and
// what she wanted waits.
func (t *trip) enterAt(name string) {
	t.restart()
	if t.live.Language == "" && t.guessed != "" {
		t.live.Language = t.guessed
	}
	t.enter = name
}

// language begins with the language that she names, or asks which.
func (t *trip) language(tag string) {
	t.restart()
	t.live.Language = ""
	for _, it := range t.c.languages(t.who.key.Channel).Items {
		if it.Value == tag {
			t.live.Language, t.contact.Language, t.fresh = tag, tag, true
		}
	}
}

// keepOpen makes an open message of what she wrote. Where she was stays.
func (t *trip) keepOpen(text string, m sms.Message) {
	run := t.c.Ring.ID("run", t.who.hop[:], []byte("open")).UUID()
	p := programme.Submission{
		ID: run, Kind: programme.Open, Level: programme.L1, Status: programme.New, Reference: t.c.reference(run),
		Channel: t.who.key.Channel, Medium: t.who.key.Medium, Language: t.speaks(), Answers: map[string]string{}, Text: text,
		Confirmed: true, SentAt: t.who.in.SentAt, ReceivedAt: t.who.now,
	}
	if code, ok := t.projectOf(m.Codes); ok {
		pr, _ := t.c.programme.Load().Project(code)
		p.Project, p.Place, p.Region = pr.Code, pr.Place, pr.Region
	}
	t.open = true
	t.openRun, t.live.Run = t.live.Run, run
	t.finished = &finished{sub: p, screen: flow.Screen{Say: []flow.Line{{Key: "sms.ack"}}}}
	// What may be for the focal points goes to them first, and is lowered by a person.
	level := programme.FirstLevel(text)
	if m.Kind == sms.Confidential {
		level = programme.L3
	}
	if level == programme.L3 && !t.c.Ring.HasConfidential() {
		level = programme.L2
	}
	if t.finished.sub.Level = level; level == programme.L3 {
		t.finished.body = t.confide(t.finished.sub, "words")
	}
}

// ack gives the one acknowledgement that every open message gets.
func (t *trip) ack() string {
	return t.c.layoutEnd(t.speaks(), t.who.key, t.finished.screen, t.c.reference(t.live.Run)).Text()
}

// projectOf gives the project that a message names, a slip of the finger allowed.
func (t *trip) projectOf(codes []string) (string, bool) {
	known := t.c.programme.Load().Codes()
	for _, code := range codes {
		if found, ok := sms.Nearest(code, known); ok {
			return found, true
		}
	}
	return "", false
}

// takesWords reports whether a screen waits for something to be written: there a
// greeting or a place's name is an answer, and only MENU leads away.
func takesWords(in flow.Input) bool { return in != flow.InputChoice && in != flow.InputNone }

// asksConfidential reports whether she chose 9 where the menu by phone has it: by
// SMS the menu does not say it.
func asksConfidential(c flow.Cursor, text string) bool {
	return c.Flow == flow.Main && c.State == "menu" && strings.TrimSpace(text) == "9"
}

// yesKey gives the key of a yes or no where one is asked, or the word itself,
// which is then no key.
func yesKey(s screen.Shown, k sms.Kind) string {
	for _, o := range s.Options {
		if o.Value == string(k) {
			return o.Key
		}
	}
	return string(k)
}

// saysSomething reports whether what answers no question says something of its
// own: two words or more. One word is taken for a slip, and she is asked again.
func saysSomething(text string) bool {
	words := 0
	for _, w := range strings.Fields(programme.MatchKey(text)) {
		if len(w) >= 2 && strings.IndexFunc(w, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
			words++
		}
	}
	return words >= 2
}
