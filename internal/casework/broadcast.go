package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

const (
	// BroadcastLong is how long an announcement may be, in characters: two SMS.
	BroadcastLong = 300
	// BroadcastMost is how many it goes to at most: they are queued in one
	// transaction, within the time of a page.
	BroadcastMost = 5000
	// broadcastLife is how long after it was queued a message is still sent: the
	// class's (issue 5).
	broadcastLife = 24 * time.Hour
	// broadcastsMost bounds the list.
	broadcastsMost = 50
)

// Why an announcement is not made.
var (
	ErrNoWords    = errors.New("an announcement has words in every language")
	ErrWordsLong  = fmt.Errorf("an announcement has at most %d characters", BroadcastLong)
	ErrNoWayOut   = errors.New("an announcement says in every language how it is stopped: STOP")
	ErrNobody     = errors.New("nobody asked for news there")
	ErrAllClosed  = errors.New("all who asked for news there are in closed communes")
	ErrTooMany    = fmt.Errorf("an announcement goes to %d people at most", BroadcastMost)
	ErrTooSlow    = errors.New("the last messages would not leave within a day")
	ErrOverBudget = errors.New("what is left of the month's budget does not pay for it")
	ErrNoSending  = errors.New("nothing can be sent from here")
)

// Audience is whom an announcement is for: who spoke of a project, or named a
// commune; neither: everybody who asked for news, of the account's regions.
type Audience = store.Audience

// Announcing is an announcement that staff makes.
type Announcing struct {
	Audience
	Words map[string]string // by language, one for each of Phones.Languages
	Once  string            // of the form: the same announcement with it again is none
}

// Foreseen is what becomes of an announcement, before it is made.
type Foreseen struct {
	Versions []Wording
	Estimate Estimate
	Closed   int // people whom it does not go to: their commune is closed
}

// Wording is an announcement in one language, as phones show it.
type Wording struct {
	Language
	Sent    string
	Parts   Measure
	Readers int // how many get it
}

// audience reads whom an announcement may be for, and where they are.
func (d *Desk) audience(ctx context.Context, who staff.Account, a Audience) (region string, place string, err error) {
	switch {
	case a.Project != "" && a.Place != "":
		return "", "", ErrNotFound
	case a.Project != "":
		list, err := d.store.ProjectsOf(ctx, who.Scope())
		if err != nil {
			return "", "", err
		}
		i := slices.IndexFunc(list, func(p programme.Project) bool { return p.Code == a.Project })
		if i < 0 {
			return "", "", ErrNotFound
		}
		return list[i].Region, list[i].Place, nil
	case a.Place != "":
		list, err := d.store.HeardCommunes(ctx, who.Scope())
		if err != nil {
			return "", "", err
		}
		if !slices.ContainsFunc(list, func(p programme.Place) bool { return p.PCode == a.Place }) {
			return "", "", ErrNotFound
		}
		return programme.Region(a.Place), a.Place, nil
	}
	if r := who.Scope().Regions; len(r) == 1 {
		return r[0], "", nil
	}
	return "", "", nil
}

// announcement is an announcement with all that was looked up for it.
type announcement struct {
	Foreseen
	region    string
	listeners []store.Listener
	words     map[string]string // folded
}

// Foresee says what would become of an announcement: its words, whom it reaches,
// what it costs and how long it takes. It makes nothing. A WordsError names the words
// that no SMS says.
func (d *Desk) Foresee(ctx context.Context, who staff.Account, a Announcing) (Foreseen, error) {
	n, err := d.announcement(ctx, who, a)
	return n.Foreseen, err
}

func (d *Desk) announcement(ctx context.Context, who staff.Account, a Announcing) (announcement, error) {
	n := announcement{words: map[string]string{}}
	if !who.Role.May("broadcast") {
		return n, ErrNotFound
	}
	way := d.sending()
	if len(way.Channels) == 0 || way.Estimate == nil {
		return n, ErrNoSending
	}
	var place string
	var err error
	if n.region, place, err = d.audience(ctx, who, a.Audience); err != nil {
		return n, err
	}
	if place != "" {
		if place, err = d.store.PlaceName(ctx, place); err != nil {
			return n, err
		}
	}
	if err := d.readWords(&n, a, place); err != nil {
		return n, err
	}
	return n, d.reach(ctx, who, &n, a.Audience, way)
}

// readWords checks the words of every language, and folds them.
func (d *Desk) readWords(n *announcement, a Announcing, place string) error {
	var banned []string
	for _, l := range d.phones.Languages {
		text := cleanNote(a.Words[l.Tag])
		switch {
		case text == "":
			return ErrNoWords
		case utf8.RuneCountInString(text) > BroadcastLong:
			return ErrWordsLong
		case !strings.Contains(strings.ToUpper(text), "STOP"):
			return ErrNoWayOut
		}
		for _, w := range d.phones.banned(text, place) {
			if !slices.Contains(banned, w) {
				banned = append(banned, w)
			}
		}
		folded := d.phones.Fold(l.Tag, text)
		n.words[l.Tag] = folded
		n.Versions = append(n.Versions, Wording{Language: l, Sent: folded, Parts: d.phones.Measure(l.Tag, folded)})
	}
	if len(banned) > 0 {
		return &WordsError{banned}
	}
	return nil
}

// reach finds whom the announcement goes to, and what that takes.
func (d *Desk) reach(ctx context.Context, who staff.Account, n *announcement, a Audience, way Sending) error {
	channels := make([]string, 0, len(way.Channels))
	for name := range way.Channels {
		channels = append(channels, name)
	}
	var err error
	if n.listeners, n.Closed, err = d.store.Listeners(ctx, who.Scope(), a, channels, d.now(), BroadcastMost+1); err != nil {
		return err
	}
	switch {
	case len(n.listeners) == 0 && n.Closed > 0:
		return ErrAllClosed
	case len(n.listeners) == 0:
		return ErrNobody
	case len(n.listeners) > BroadcastMost:
		return ErrTooMany
	}
	to := make([]Recipient, 0, len(n.listeners))
	for _, l := range n.listeners {
		i := d.version(l.Language)
		n.Versions[i].Readers++
		to = append(to, Recipient{Channel: l.Channel, Contact: l.Contact, Number: l.Number, Text: n.Versions[i].Sent})
	}
	if n.Estimate, err = way.Estimate(ctx, to); err != nil {
		return err
	}
	switch {
	case !n.Estimate.Fits:
		return ErrOverBudget
	case n.Estimate.Ends.Sub(d.now()) > broadcastLife:
		return ErrTooSlow
	}
	return nil
}

// version gives the place of a language among those written; who chose none of them
// reads the first.
func (d *Desk) version(language string) int {
	return max(0, slices.IndexFunc(d.phones.Languages, func(l Language) bool { return l.Tag == language }))
}

// Announce makes an announcement: everybody who asked for news there gets its words
// in her language, once. What may stop each message is asked again when it is sent:
// her wish, the hour, her commune, the budget, what lies in a spool. already means that
// this very announcement was made, by this form or by another within a day.
func (d *Desk) Announce(ctx context.Context, who staff.Account, a Announcing) (already bool, err error) {
	n, err := d.announcement(ctx, who, a)
	if err != nil {
		return false, err
	}
	words, err := json.Marshal(n.words) // sorted by language
	if err != nil {
		return false, fmt.Errorf("writing an announcement: %w", err)
	}
	content := [][]byte{words, []byte(a.Project), []byte(a.Place), []byte(strings.Join(who.Scope().Regions, " "))}
	sum := d.ring.ID("broadcast-content", content...)
	id := d.ring.ID("broadcast", append(content, []byte(who.ID), []byte(a.Once))...).UUID()
	all := make([]store.Outgoing, 0, len(n.listeners))
	for _, l := range n.listeners {
		out := d.ring.ID("outbound", []byte("broadcast"), []byte(id), l.Contact).UUID()
		all = append(all, store.Outgoing{
			ID: out, Contact: l.Contact, Channel: l.Channel, Class: "broadcast", Place: a.Place, Broadcast: id,
			Sealed: d.ring.Seal([]byte(n.Versions[d.version(l.Language)].Sent), "outbound/"+out),
		})
	}
	act := d.act(who.ID, audit.BroadcastMake, id)
	act.Count = len(all)
	fresh, err := d.store.PutBroadcast(ctx, store.NewBroadcast{
		ID: id, Content: sum[:], Sealed: d.ring.Seal(words, "broadcast/"+id), Audience: a.Audience, Region: n.region, StaffID: who.ID,
	}, all, d.now(), act)
	return err == nil && !fresh, err
}

// Announced is an announcement that was made.
type Announced struct {
	store.Broadcast
	Text string // in the source language; "": it does not open
}

// Choices are whom announcements may be for.
type Choices struct {
	Projects  []programme.Project
	Communes  []programme.Place
	Languages []Language
}

// Announced lists the announcements that the account may see, newest first, and whom
// she may write to.
func (d *Desk) Announced(ctx context.Context, who staff.Account) ([]Announced, Choices, error) {
	var c Choices
	if !who.Role.May("broadcasts") {
		return nil, c, ErrNotFound
	}
	rows, err := d.store.Broadcasts(ctx, who.Scope(), who.ID, broadcastsMost)
	if err != nil {
		return nil, c, err
	}
	list := make([]Announced, 0, len(rows))
	for _, r := range rows {
		a := Announced{Broadcast: r}
		words := map[string]string{}
		if b, err := d.ring.Open(r.Sealed, "broadcast/"+r.ID); err == nil && json.Unmarshal(b, &words) == nil {
			a.Text = words["fr"]
		}
		list = append(list, a)
	}
	if c.Projects, err = d.store.ProjectsOf(ctx, who.Scope()); err != nil {
		return nil, c, err
	}
	if c.Communes, err = d.store.HeardCommunes(ctx, who.Scope()); err != nil {
		return nil, c, err
	}
	if d.phones != nil {
		c.Languages = d.phones.Languages
	}
	return list, c, nil
}

// StopAnnouncing takes back what of an announcement has not gone yet, and gives how
// many messages that were.
func (d *Desk) StopAnnouncing(ctx context.Context, who staff.Account, id string) (int, error) {
	if !who.Role.May("broadcast.stop") {
		return 0, ErrNotFound
	}
	id = strings.ToLower(id)
	return d.store.StopBroadcast(ctx, who.Scope(), who.ID, id, d.now(), d.act(who.ID, audit.BroadcastStop, id))
}
