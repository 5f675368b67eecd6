package casework

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// entries gives the audit, and wants its chain to hold.
func (b *bench) entries(t *testing.T) []audit.Entry {
	t.Helper()
	var list []audit.Entry
	err := b.store.ReadAudit(t.Context(), func(all iter.Seq2[audit.Entry, error], end audit.Kept, sealed []byte) error {
		for e, err := range all {
			if err != nil {
				return err
			}
			list = append(list, e)
		}
		end.Next, _ = b.ring.OpenAudit(sealed, end.Seq)
		r, err := audit.Verify(b.ring.AuditFirst(), all, end, nil)
		if err == nil && r.Bad != nil {
			err = r.Bad
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// unwritten are the verbs that write no entry, each for a reason.
var unwritten = map[string]string{
	"Preview":        "it opens nothing: the words are those of who answers",
	"Session":        "every page asks who comes; what she then does is written",
	"SetLanguage":    "it is about her own pages",
	"Foresee":        "how many an announcement would reach, and what it costs",
	"Announced":      "the words are staff's own",
	"ClosedCommunes": "places, and who of the team closed them",
	"Doubts":         "which SMS are in doubt: neither words nor numbers",
	"DoubtsOf":       "as Doubts, of a message that is opened, which is written",
	"Sending":        "counts by channel",
	"Waited":         "gateways",
	"Held":           "since when nothing is sent",
	"Restored":       "gateways, and counts by class",
}

// Each verb that is used once writes one entry of its act, and a verb that is new
// must be here or above: what staff can do with people's words and numbers is decided
// on, not forgotten.
func TestEachVerbWritesOneEntryOfItsAct(t *testing.T) {
	const reason = "Elle demande qu'on la rappelle."
	type used struct {
		actor, object string
		err           error
	}
	type verb struct {
		act audit.Act
		use func(t *testing.T, b *bench) used
	}
	coordinator := func(t *testing.T, b *bench) staff.Account { return b.account(t, staff.Coordinator) }
	table := map[string][]verb{
		"Login": {{audit.Login, func(t *testing.T, b *bench) used {
			who := coordinator(t, b)
			_, err := b.Login(t.Context(), who.Username, "un mot de passe long", "192.0.2.1")
			return used{who.ID, who.ID, err}
		}}, {audit.LoginRefused, func(t *testing.T, b *bench) used {
			who := coordinator(t, b)
			_, err := b.Login(t.Context(), who.Username, "un autre", "192.0.2.1")
			return used{audit.Guest, who.ID, wanted(t, err, ErrCredentials)}
		}}, {audit.LoginRefused, func(t *testing.T, b *bench) used {
			coordinator(t, b)
			_, err := b.Login(t.Context(), "nobody", "un autre", "192.0.2.1")
			return used{audit.Guest, "", wanted(t, err, ErrCredentials)}
		}}},
		"Logout": {{audit.Logout, func(t *testing.T, b *bench) used {
			who := coordinator(t, b)
			session, token := staff.NewSession(who.ID, b.now, random)
			b.exec(t, `insert into staff_session (token_hash, staff_id, csrf, created_at, seen_at, expires_at) values ($1, $2, $3, $4, $4, $5)`,
				session.TokenHash, who.ID, session.CSRF, b.now, b.now.Add(time.Hour))
			if err := b.Logout(t.Context(), token); err != nil {
				return used{err: err}
			}
			return used{who.ID, who.ID, b.Logout(t.Context(), token)} // out already: no act
		}}},
		"List": {{audit.MessagesList, func(t *testing.T, b *bench) used {
			who := coordinator(t, b)
			b.submit(t, programme.Submission{Text: "le puits"})
			_, err := b.List(t.Context(), who.Scope(), Filter{}, "")
			return used{who.ID, "", err}
		}}},
		"Read": {{audit.MessageOpen, func(t *testing.T, b *bench) used {
			who, id := coordinator(t, b), b.submit(t, programme.Submission{Text: "le puits"})
			_, err := b.Read(t.Context(), who.Scope(), id)
			return used{who.ID, id, err}
		}}},
		"Move": {{audit.MessageMove, func(t *testing.T, b *bench) used {
			who, id := coordinator(t, b), b.submit(t, programme.Submission{})
			m := Move{ID: strings.ToUpper(id), From: programme.New, To: programme.Acknowledged, Note: "Vu."}
			if _, err := b.Move(t.Context(), who, m); err != nil {
				return used{err: err}
			}
			_, err := b.Move(t.Context(), who, m) // the same form again: no act
			return used{who.ID, id, err}
		}}},
		"Answer": {{audit.MessageAnswer, func(t *testing.T, b *bench) used {
			who, id := coordinator(t, b), b.submit(t, programme.Submission{})
			a := Answering{ID: id, Text: "Jeudi.", Once: "1"}
			if _, err := b.Answer(t.Context(), who, a); err != nil {
				return used{err: err}
			}
			_, err := b.Answer(t.Context(), who, a)
			return used{who.ID, id, err}
		}}},
		"Classify": {{audit.MessageClassify, func(t *testing.T, b *bench) used {
			who, id := coordinator(t, b), b.submit(t, programme.Submission{})
			c := Classifying{ID: id, Codes: []string{"A", "B"}}
			if _, err := b.Classify(t.Context(), who, c); err != nil {
				return used{err: err}
			}
			_, err := b.Classify(t.Context(), who, c)
			return used{who.ID, id, err}
		}}},
		"Raise": {{audit.MessageRaise, func(t *testing.T, b *bench) used {
			who, id := coordinator(t, b), b.submit(t, programme.Submission{})
			if _, err := b.Raise(t.Context(), who, Raising{ID: id, Reason: reason}); err != nil {
				return used{err: err}
			}
			_, err := b.Raise(t.Context(), who, Raising{ID: id, Reason: reason})
			return used{who.ID, id, err}
		}}},
		"Confirm": {{audit.MessageConfirm, func(t *testing.T, b *bench) used {
			who, id := coordinator(t, b), b.submit(t, programme.Submission{Kind: programme.Progress})
			b.exec(t, `update submission set confirmed = false`)
			if _, err := b.Confirm(t.Context(), who, Confirmation{ID: id}); err != nil {
				return used{err: err}
			}
			_, err := b.Confirm(t.Context(), who, Confirmation{ID: id})
			return used{who.ID, id, err}
		}}},
		"Number": {{audit.MessageNumber, func(t *testing.T, b *bench) used {
			b.keep(t, b.now.Add(time.Hour))
			who, id := coordinator(t, b), b.submit(t, programme.Submission{Answers: map[string]string{"call": "yes"}})
			_, err := b.Number(t.Context(), who, Asking{ID: id, Reason: reason})
			return used{who.ID, id, err}
		}}},
		"Decide": {{audit.MessageDecide, func(t *testing.T, b *bench) used {
			of, sms := b.doubt(t, programme.Submission{})
			who := coordinator(t, b)
			if _, err := b.Decide(t.Context(), who, Deciding{ID: sms, Again: true}); err != nil {
				return used{err: err}
			}
			_, err := b.Decide(t.Context(), who, Deciding{ID: sms, Again: true})
			return used{who.ID, of, err}
		}}},
		"Announce": {{audit.BroadcastMake, func(t *testing.T, b *bench) used {
			who, id := announced(t, b)
			return used{who.ID, id, nil}
		}}},
		"StopAnnouncing": {{audit.BroadcastStop, func(t *testing.T, b *bench) used {
			who, id := announced(t, b)
			_, err := b.StopAnnouncing(t.Context(), who, id)
			return used{who.ID, id, err}
		}}},
		"CloseCommune": {{audit.CommuneClose, func(t *testing.T, b *bench) used {
			b.gazetteer(t)
			for range 2 { // closed already: no act
				if _, _, err := b.CloseCommune(t.Context(), staff.Account{ID: "cli:awa", Role: staff.Administrator}, Switching{Commune: "ML060504", Reason: reason}); err != nil {
					return used{err: err}
				}
			}
			return used{"cli:awa", "ML060504", nil}
		}}},
		"OpenCommune": {{audit.CommuneOpen, func(t *testing.T, b *bench) used {
			b.gazetteer(t)
			b.exec(t, `insert into closed_commune (pcode, at) values ('ML060504', $1)`, b.now)
			who := coordinator(t, b)
			for range 2 {
				if _, _, err := b.OpenCommune(t.Context(), who, Switching{Commune: "ML060504", Reason: reason}); err != nil {
					return used{err: err}
				}
			}
			return used{who.ID, "ML060504", nil}
		}}},
		"Confidential": {{audit.ConfidentialOpen, func(t *testing.T, b *bench) used {
			who := b.account(t, staff.Protection)
			_, err := b.Confidential(t.Context(), who, "un mot de passe long", "192.0.2.1")
			return used{who.ID, "", err}
		}}, {audit.ConfidentialRefused, func(t *testing.T, b *bench) used {
			who := b.account(t, staff.Protection)
			_, err := b.Confidential(t.Context(), who, "un autre", "192.0.2.1")
			return used{who.ID, "", wanted(t, err, ErrCredentials)}
		}}},
		"Accounts": {{audit.AccountsList, func(t *testing.T, b *bench) used {
			who := b.account(t, staff.Administrator)
			_, err := b.Accounts(t.Context(), who)
			return used{who.ID, "", err}
		}}},
		"Audit": {{audit.AuditRead, func(t *testing.T, b *bench) used {
			who := b.account(t, staff.Administrator)
			_, _, err := b.Audit(t.Context(), who, 0)
			return used{who.ID, "", err}
		}}},
		"AddAccount": {{audit.AccountAdd, func(t *testing.T, b *bench) used {
			a, err := b.AddAccount(t.Context(), "cli:awa", NewAccount{Username: "oumou", Name: "Oumou", Role: staff.Viewer, Password: "un mot de passe long"})
			return used{"cli:awa", a.ID, err}
		}}},
		"Export": {{audit.Export, func(t *testing.T, b *bench) used {
			who := coordinator(t, b)
			for range 3 {
				b.submit(t, programme.Submission{Text: "le puits"})
			}
			for _, err := range b.Export(t.Context(), who.Scope().By("cli:awa"), Exporting{As: who.ID, Reason: reason}) {
				if err != nil {
					return used{err: err}
				}
			}
			return used{"cli:awa", who.ID, nil}
		}}},
		"Person": {{audit.PersonShow, func(t *testing.T, b *bench) used {
			_, err := b.Person(t.Context(), commander, AboutPerson{Contact: bytes.Repeat([]byte{7}, 32), Reason: reason})
			return used{commander.ID, "", err}
		}}},
		"ErasePerson": {{audit.PersonErase, func(t *testing.T, b *bench) used {
			_, err := b.ErasePerson(t.Context(), commander, AboutPerson{Contact: bytes.Repeat([]byte{7}, 32), Reason: reason}, func(store.Erased) error { return nil })
			return used{commander.ID, "", err}
		}}},
		"ConfirmRestore": {{audit.RestoreConfirm, func(t *testing.T, b *bench) used {
			if err := b.store.NoticeRestore(t.Context(), store.Noticed{Node: "00000000-0000-8000-8000-000000000001", Known: 7, KnownAt: b.now, At: b.now}); err != nil {
				return used{err: err}
			}
			_, err := b.ConfirmRestore(t.Context(), commander, reason)
			return used{commander.ID, "", err}
		}}},
	}
	desk := reflect.TypeFor[*Desk]()
	for i := range desk.NumMethod() {
		name := desk.Method(i).Name
		if (table[name] == nil) == (unwritten[name] == "") {
			t.Errorf("the verb %s must be in the table of those that write an entry or among those that write none, with the reason", name)
		}
	}
	for name, verbs := range table {
		if _, ok := desk.MethodByName(name); !ok {
			t.Errorf("there is no verb %s any more", name)
		}
		for _, v := range verbs {
			t.Run(name+" "+string(v.act), func(t *testing.T) {
				b := newBench(t)
				u := v.use(t, b)
				if u.err != nil {
					t.Fatal(u.err)
				}
				list := b.entries(t)
				list = slices.DeleteFunc(list, func(e audit.Entry) bool { // what came before: the account, the answer in doubt, the announcement
					return e.Act != v.act && slices.Contains([]audit.Act{audit.AccountAdd, audit.MessageAnswer, audit.BroadcastMake}, e.Act)
				})
				if len(list) != 1 || list[0].Act != v.act || list[0].Actor != u.actor || list[0].Object != u.object {
					t.Fatalf("%+v, want %s by %q on %q", list, v.act, u.actor, u.object)
				}
				if !slices.Contains(audit.Acts, v.act) {
					t.Errorf("%s is not in the list of acts", v.act)
				}
				if n := count(t, b, `select count(*)::int from audit a where a::text like '%rappelle%'`); n != 0 {
					t.Error("a reason stands in the clear")
				}
			})
		}
	}
}

// commander acts by the command line.
var commander = staff.Account{ID: "cli:awa", Role: staff.Administrator}

// announced makes an announcement, and once more by the same form.
func announced(t *testing.T, b *bench) (who staff.Account, id string) {
	t.Helper()
	b.ways(t)
	b.listens(t, 1, "fr", programme.L1, "LAF1", "ML060504", true)
	who = b.account(t, staff.Coordinator)
	for range 2 {
		if _, err := b.Announce(t.Context(), who, Announcing{Audience: Audience{Project: "LAF1"}, Words: news, Once: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.pool.QueryRow(t.Context(), `select id::text from broadcast`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return who, id
}

// wanted turns the error that is meant into none.
func wanted(t *testing.T, err, want error) error {
	t.Helper()
	if errors.Is(err, want) {
		return nil
	}
	return errors.Join(errors.New("it was not refused"), err)
}

func TestOfConfidentialMessagesTheAuditCountsNothing(t *testing.T) {
	b := newBench(t)
	who := b.account(t, staff.Protection)
	if _, err := b.Confidential(t.Context(), who, "un mot de passe long", "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	list := b.entries(t)
	if e := list[len(list)-1]; e.Count != 0 || e.Details != nil || e.Object != "" {
		t.Errorf("%+v", e)
	}
}

// What cannot be written is not shown and not done.
func TestWithoutTheAuditNothingIsShownOrDone(t *testing.T) {
	b := newBench(t)
	b.keep(t, b.now.Add(time.Hour))
	id := b.submit(t, programme.Submission{Text: "le puits", Answers: map[string]string{"call": "yes"}})
	who, focal := b.account(t, staff.Coordinator), b.account(t, staff.Protection)
	b.exec(t, `create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end'`)
	b.exec(t, `create trigger refuse before insert on audit for each row execute function refuse()`)
	for name, use := range map[string]func(ctx context.Context) (shown bool, err error){
		"Read": func(ctx context.Context) (bool, error) {
			r, err := b.Read(ctx, who.Scope(), id)
			return r.Text != "", err
		},
		"List": func(ctx context.Context) (bool, error) {
			p, err := b.List(ctx, who.Scope(), Filter{}, "")
			return len(p.Messages) > 0, err
		},
		"Export": func(ctx context.Context) (shown bool, err error) {
			for e, eerr := range b.Export(ctx, who.Scope(), Exporting{WithText: true}) {
				shown, err = shown || e.ID != "", errors.Join(err, eerr)
			}
			return shown, err
		},
		"Number": func(ctx context.Context) (bool, error) {
			n, err := b.Number(ctx, who, Asking{ID: id, Reason: "Elle demande."})
			return n.Reveal() != "", err
		},
		"Confidential": func(ctx context.Context) (bool, error) {
			list, err := b.Confidential(ctx, focal, "un mot de passe long", "192.0.2.1")
			return list != nil, err
		},
		"Move": func(ctx context.Context) (bool, error) {
			_, err := b.Move(ctx, who, Move{ID: id, From: programme.New, To: programme.Closed})
			return false, err
		},
		"Answer": func(ctx context.Context) (bool, error) {
			_, err := b.Answer(ctx, who, Answering{ID: id, Text: "Jeudi.", Once: "1"})
			return false, err
		},
		"Raise": func(ctx context.Context) (bool, error) {
			_, err := b.Raise(ctx, who, Raising{ID: id, Reason: "Grave."})
			return false, err
		},
		"Login": func(ctx context.Context) (bool, error) {
			e, err := b.Login(ctx, who.Username, "un mot de passe long", "192.0.2.1")
			return e.Token != "", err
		},
	} {
		if shown, err := use(t.Context()); err == nil || shown {
			t.Errorf("%s: shown %v, %v", name, shown, err)
		}
	}
	if n := count(t, b, `select (select count(*) from submission_event)::int + (select count(*) from answer)::int + (select count(*) from staff_session)::int
		+ (select count(*) from submission where level <> 'L1' or status <> 'new')::int`); n != 0 {
		t.Errorf("%d traces of what was not to be done", n)
	}
}

func TestTheAuditIsReadByPagesAndByNamesAndByTheAdministratorAlone(t *testing.T) {
	b := newBench(t)
	who, admin := b.account(t, staff.Coordinator), b.account(t, staff.Administrator)
	id := b.submit(t, programme.Submission{Text: "le puits"})
	for range AuditPage {
		if _, err := b.Read(t.Context(), who.Scope(), id); err != nil {
			t.Fatal(err)
		}
	}
	for range b.Export(t.Context(), admin.Scope().By("cli:awa"), Exporting{As: who.ID, Reason: "Rapport du trimestre."}) {
	}
	for _, role := range staff.Roles {
		a := staff.Account{ID: who.ID, Role: role}
		if _, _, err := b.Audit(t.Context(), a, 0); errors.Is(err, ErrNotFound) == (role == staff.Administrator) {
			t.Errorf("%s: %v", role, err)
		}
	}
	seen := 0
	for before := int64(0); ; {
		list, older, err := b.Audit(t.Context(), admin, before)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			switch a.Act {
			case audit.MessageOpen:
				seen++
				if a.Who != who.Name || a.Reference != "48271936" || a.About != "" || a.Why != "" {
					t.Errorf("%+v", a)
				}
			case audit.Export:
				if a.Who != "awa" || !a.Command || a.About != who.Name || a.Why != "Rapport du trimestre." {
					t.Errorf("%+v", a)
				}
			}
		}
		if before = older; older == 0 {
			break
		}
	}
	if seen != AuditPage {
		t.Errorf("%d of %d openings", seen, AuditPage)
	}
}

// Two desks, as two gateways are, and many readers at once.
func TestManyAtOnceWriteOneChain(t *testing.T) {
	b := newBench(t)
	id := b.submit(t, programme.Submission{Text: "le puits"})
	who := b.account(t, staff.Coordinator)
	other := New(Options{Store: b.store, Ring: b.ring, Now: time.Now, Random: random})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			desk := b.Desk
			if i%2 == 1 {
				desk = other
			}
			for range 10 {
				if _, err := desk.Read(t.Context(), who.Scope(), id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if list := b.entries(t); len(list) != 81 {
		t.Errorf("%d entries", len(list))
	}
}

// statements counts what is sent to PostgreSQL.
type statements struct{ n atomic.Int64 }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.n.Add(1)
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// With the program's clock within 5 s of the database's, and nobody else writing.
func TestAnEntryCostsOneStatement(t *testing.T) {
	b := newBench(t)
	id, who := b.submit(t, programme.Submission{Text: "le puits"}), b.account(t, staff.Coordinator)
	traced := &statements{}
	s, err := store.Open(t.Context(), b.pool.Config().ConnString(), store.Options{MaxConns: 2, Tracer: traced})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := New(Options{Store: s, Ring: b.ring, Now: time.Now, Random: random})
	cost := func(read func(ctx context.Context, scope staff.Scope, id string) (Record, error)) int64 {
		t.Helper()
		before := traced.n.Load()
		if _, err := read(t.Context(), who.Scope(), id); err != nil {
			t.Fatal(err)
		}
		return traced.n.Load() - before
	}
	cost(d.Read) // asks where the chain ends
	if with, without := cost(d.Read), cost(d.look); with != without+1 {
		t.Errorf("%d statements with an entry, %d without", with, without)
	}
}

func TestNobodyChangesTheAudit(t *testing.T) {
	b := newBench(t)
	b.account(t, staff.Coordinator)
	for _, q := range []string{
		`update audit set actor = 'x'`, `delete from audit`, `truncate audit`, `delete from audit_head`, `truncate audit_head`,
		`update audit_head set seq = 0`, `update audit_head set start = '\x00', seq = seq + 1`,
	} {
		if _, err := b.pool.Exec(t.Context(), q); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: %v", q, err)
		}
	}
	if list := b.entries(t); len(list) != 1 {
		t.Errorf("%d entries", len(list))
	}
}

// An act whose transaction is undone leaves no entry, and the next act goes on.
func TestAnActThatIsUndoneLeavesNoEntry(t *testing.T) {
	b := newBench(t)
	who := b.account(t, staff.Coordinator)
	one, two := b.submit(t, programme.Submission{}), b.submit(t, programme.Submission{})
	b.exec(t, `create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end'`)
	b.exec(t, `create constraint trigger refuse after insert on submission_event deferrable initially deferred for each row
		when (new.submission_id = '`+one+`') execute function refuse()`)
	b.now = time.Now() // with the database's time an entry is one statement
	move := func(id string) error {
		_, err := b.Move(t.Context(), who, Move{ID: id, From: programme.New, To: programme.Closed})
		return err
	}
	if err := move(two); err != nil {
		t.Fatal(err)
	}
	if err := move(one); err == nil {
		t.Fatal("the move was not undone")
	}
	if _, err := b.List(t.Context(), who.Scope(), Filter{}, ""); err != nil {
		t.Fatal(err)
	}
	var acts []audit.Act
	for _, e := range b.entries(t) {
		acts = append(acts, e.Act)
	}
	if want := []audit.Act{audit.AccountAdd, audit.MessageMove, audit.MessagesList}; !slices.Equal(acts, want) {
		t.Errorf("%v, want %v", acts, want)
	}
}
