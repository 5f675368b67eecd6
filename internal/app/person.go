package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"time"

	"lafia/gateway/message"
	"lafia/internal/casework"
	"lafia/internal/servers"
	"lafia/internal/session"
	"lafia/internal/staff"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// PersonAsked is what a command asks about the person behind a number.
type PersonAsked struct {
	Number   message.Number
	Reason   string
	WithText bool
}

// ShowPerson gives what is held about a person. The audit keeps who looked, and why.
func ShowPerson(ctx context.Context, site Site, p PersonAsked) (casework.PersonFile, error) {
	st, ring, err := site.open(ctx)
	if err != nil {
		return casework.PersonFile{}, err
	}
	defer st.Close()
	return commandDesk(st, ring).Person(ctx, commandAccount(), p.about(ring))
}

func (p PersonAsked) about(ring *vault.Ring) casework.AboutPerson {
	who := ring.Pseudonym(p.Number.Reveal())
	return casework.AboutPerson{Contact: who.Bytes(), Reason: p.Reason, WithText: p.WithText}
}

// commandAccount is what a command acts by: it may what an administrator may, under the
// name of who runs it.
func commandAccount() staff.Account {
	return staff.Account{ID: commandActor(), Role: staff.Administrator}
}

func commandDesk(st *store.Store, ring *vault.Ring) *casework.Desk {
	return casework.New(casework.Options{Store: st, Ring: ring, Now: time.Now, Random: Random})
}

// PersonErased is what became of a person's data.
type PersonErased struct {
	casework.PersonErased
	Unread     int           // requests that nobody could read and that held her number
	Took       time.Duration // until she was erased
	NotVacuum  error         // why what was deleted still lies in the database's files; nil: it was cleared
	NoSessions error         // why live sessions could not be dropped; nil: they are
	Quarantine int           // records in the quarantine of this site's spool, which nobody can read
}

// handledWait is how long an erasure waits for messages of hers to be handled, so that
// a STOP among them is kept.
const handledWait = 3 * time.Second

// ErasePerson erases a person at once: it is asked for in the record, she is on this
// site's list of who was erased, she is erased in the record, and then in live sessions.
func ErasePerson(ctx context.Context, site Site, p PersonAsked, log *slog.Logger) (PersonErased, error) {
	began := time.Now()
	var out PersonErased
	dir, err := site.SpoolDir()
	if err != nil {
		return out, err
	}
	st, ring, err := site.open(ctx)
	if err != nil {
		return out, err
	}
	defer st.Close()
	if err := checkKeys(ctx, st, ring); err != nil {
		return out, err
	}
	about, who := p.about(ring), ring.Pseudonym(p.Number.Reveal())
	for end := began.Add(handledWait); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if held, err := st.PersonOf(ctx, about.Contact); err != nil || held.Waiting == 0 {
			break // what is wrong shows below
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return out, fmt.Errorf("making the folder for the list of who was erased: %w", err)
	}
	out.PersonErased, err = commandDesk(st, ring).ErasePerson(ctx, commandAccount(), about, func(e store.Erased) error { return addErased(dir, []store.Erased{e}) })
	if err != nil {
		return out, err
	}
	out.NoSessions = forgetSessions(ctx, site, who)
	if out.Unread, err = dropUnread(ctx, st, ring, func(contact []byte, _ time.Time) bool { return string(contact) == string(about.Contact) }); err != nil {
		return out, err
	}
	out.Took = time.Since(began)
	log.Warn("a person was erased", "took", out.Took.Round(time.Millisecond))
	vacuum, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out.NotVacuum = st.Vacuum(vacuum)
	if s, err := SpoolStatus(dir); err == nil {
		out.Quarantine = s.Quarantined
	}
	return out, nil
}

// forgetSessions drops the live sessions of a contact.
func forgetSessions(ctx context.Context, site Site, who vault.Pseudonym) error {
	var o session.Options
	if site.Data != "" {
		addr, _, err := servers.Running(site.Data)
		if err != nil {
			return err
		}
		o = session.Options{Network: "unix", Addr: addr.RedisSocket}
	} else {
		c, err := ReadConfig(site.Config)
		if err != nil {
			return err
		}
		o = redisOptions(c)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	s, err := session.Open(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Forget(ctx, who)
}

// unreadPage bounds what is opened at once of what could not be read: 64 KiB each at
// the most.
const unreadPage = 200

// numberLike finds what may be a number in a request, also where it is percent-encoded
// or has spaces in it.
var numberLike = regexp.MustCompile(`(?:%2B|\+|00)?[0-9][0-9 .()\-]{6,24}[0-9]`)

// dropUnread deletes requests that could not be read and hold a number of whoever is
// meant: only their content tells whose they are.
func dropUnread(ctx context.Context, st *store.Store, ring *vault.Ring, meant func(contact []byte, received time.Time) bool) (int, error) {
	dropped := 0
	for after := int64(0); ; {
		page, err := st.UnreadAfter(ctx, after, unreadPage)
		if err != nil {
			return dropped, err
		}
		var hers []int64
		for _, u := range page {
			after = u.N
			raw, err := ring.Open(u.Sealed, "unreadable/"+u.Channel)
			if err != nil {
				continue // nobody can read it
			}
			if holdsNumber(ring, raw, func(contact []byte) bool { return meant(contact, u.ReceivedAt) }) {
				hers = append(hers, u.N)
			}
		}
		if len(hers) > 0 {
			if err := st.DropUnread(ctx, hers); err != nil {
				return dropped, err
			}
			dropped += len(hers)
		}
		if len(page) < unreadPage {
			return dropped, nil
		}
	}
}

func holdsNumber(ring *vault.Ring, raw []byte, meant func(contact []byte) bool) bool {
	for _, found := range numberLike.FindAll(raw, -1) {
		text := string(found)
		if len(text) > 3 && text[0] == '%' {
			text = "+" + text[3:]
		}
		n := message.ParseNumber(text)
		if !n.IsPhone() {
			continue
		}
		who := ring.Pseudonym(n.Reveal())
		if meant(who.Bytes()) {
			return true
		}
	}
	return false
}

// eraseUnread deletes what could not be read of those who were erased since.
func (a *App) eraseUnread(ctx context.Context) error {
	_, err := dropUnread(ctx, a.store, a.ring, a.memory.erasedSince)
	return err
}

// erasedSince reports whether a contact was erased after a moment.
func (m *memory) erasedSince(contact []byte, moment time.Time) bool {
	at, erased := m.erasedAt(contact)
	return erased && !moment.After(at)
}
