package conversation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/directory"
	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/store"
)

// maxPIN is how many wrong PINs lock a leader's report.
const maxPIN = 5

// fact answers one need of a step: from memory, seldom from the record.
func (t *trip) fact(ctx context.Context, n flow.Need) (flow.Fact, error) {
	switch n.Kind {
	case flow.NeedLanguages:
		return t.c.languages(t.who.key.Channel), nil
	case flow.NeedProject:
		return t.c.programme.Load().FindProject(n.Arg, t.c.Example, t.who.key.Medium), nil
	case flow.NeedPlaces:
		return t.c.programme.Load().Parts(n.Arg, t.contact.LastPlace), nil
	case flow.NeedPlace:
		return t.c.programme.Load().FindPlace(n.Arg), nil
	case flow.NeedGroups:
		return t.groups(ctx)
	case flow.NeedPIN:
		return t.pin(ctx, n.Arg)
	case flow.NeedPending:
		return t.pending(ctx, n.Arg)
	case flow.NeedMonths:
		return directory.Months(t.who.at(), t.given["month"] != ""), nil
	case flow.NeedReference:
		return t.status(ctx, n.Arg)
	case flow.NeedActivity:
		return t.activity(ctx, n.Arg)
	case flow.NeedReported:
		return t.reported(ctx, n.Arg)
	case flow.NeedConsent:
		return t.consent(ctx, n.Arg)
	case flow.NeedErasing:
		var is bool
		err := t.ask(ctx, func(ctx context.Context) (err error) {
			is, err = t.c.Store.Erasing(ctx, t.who.key.Contact[:])
			return err
		})
		return flow.Fact{OK: is}, err
	case flow.NeedRegions:
		return t.c.regions(), nil
	case flow.NeedHelp:
		number := t.c.HelpNumber(n.Arg)
		return flow.Fact{OK: number != "", Args: map[string]string{"number": number}}, nil
	case flow.NeedCallback:
		return flow.Fact{OK: t.c.Ring.HasConfidential()}, nil
	}
	return flow.Fact{}, fmt.Errorf("a flow needs %q, which nothing answers", n.Kind)
}

func (c *Conversation) languages(channel string) flow.Fact {
	var f flow.Fact
	offered := c.Words.Offered()
	if tags := c.Channel(channel).Languages; len(tags) > 0 {
		offered = c.Words.Named(tags)
	}
	for _, l := range offered {
		f.Items = append(f.Items, flow.Item{Value: l.Tag, Say: flow.Line{Text: l.Name}})
	}
	return f
}

// regions lists the regions that have a help number of their own.
func (c *Conversation) regions() flow.Fact {
	var f flow.Fact
	for _, code := range c.Regions {
		name := c.PlaceName(code)
		if name == "" {
			name = code
		}
		f.Items = append(f.Items, flow.Item{Value: code, Say: flow.Line{Text: name}})
	}
	return f
}

// activity tells what the group of a leader does: the kind of its project.
func (t *trip) activity(ctx context.Context, group string) (flow.Fact, error) {
	leads, err := t.leaders(ctx)
	if err != nil {
		return flow.Fact{}, err
	}
	f := flow.Fact{Args: map[string]string{}}
	for _, l := range leads {
		if l.Group == group && l.Activity != "" {
			f.Args[l.Activity] = "yes"
		}
	}
	return f, nil
}

// correctable is how long after it came in a report can be corrected (context.md 4).
const correctable = 30 * 24 * time.Hour

// reported gives the report of a group's month, as it was corrected last.
func (t *trip) reported(ctx context.Context, arg string) (flow.Fact, error) {
	group, month, _ := strings.Cut(arg, "/")
	r, err := t.report(ctx, group, month)
	if store.IsNotFound(err) {
		return flow.Fact{}, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	f := flow.Fact{OK: true, Args: r.Answers}
	if t.who.at().Sub(r.ReceivedAt) > correctable {
		f.Args["old"] = "yes"
	}
	return f, nil
}

func (t *trip) report(ctx context.Context, group, month string) (r store.Report, err error) {
	err = t.ask(ctx, func(ctx context.Context) (err error) {
		r, err = t.c.Store.ReportOf(ctx, group, month)
		return err
	})
	return r, err
}

func (t *trip) leaders(ctx context.Context) ([]store.Leader, error) {
	if t.leads != nil {
		return t.leads, nil
	}
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		t.leads, err = t.c.Store.Leads(ctx, t.who.key.Contact[:])
		return err
	})
	return t.leads, err
}

func (t *trip) groups(ctx context.Context) (flow.Fact, error) {
	leads, err := t.leaders(ctx)
	if err != nil {
		return flow.Fact{}, err
	}
	var f flow.Fact
	for _, l := range leads {
		f.Items = append(f.Items, flow.Item{Value: l.Group, Say: flow.Line{Text: l.Name}})
	}
	return f, nil
}

// pin checks a PIN. A wrong one counts once a hop, so that an aggregator's
// repeats lock nobody out.
func (t *trip) pin(ctx context.Context, arg string) (flow.Fact, error) {
	group, pin, _ := strings.Cut(arg, "/")
	leads, err := t.leaders(ctx)
	if err != nil {
		return flow.Fact{}, err
	}
	for _, l := range leads {
		switch {
		case l.Group != group:
			continue
		case l.Failures >= maxPIN:
			return flow.Fact{Args: map[string]string{"locked": "yes"}}, nil
		case t.c.Ring.PINMatches(group, pin, l.PINHash):
			return flow.Fact{OK: true}, t.ask(ctx, func(ctx context.Context) error {
				return t.c.Store.PINPassed(ctx, t.who.key.Contact[:], group)
			})
		}
		n := 0
		if err := t.ask(ctx, func(ctx context.Context) (err error) {
			n, err = t.c.Store.PINFailed(ctx, t.who.key.Contact[:], group, t.who.hop[:])
			return err
		}); err != nil {
			return flow.Fact{}, err
		}
		if n >= maxPIN {
			return flow.Fact{Args: map[string]string{"locked": "yes"}}, nil
		}
	}
	return flow.Fact{}, nil
}

// pending gives the leader's report by SMS that waits to be confirmed.
func (t *trip) pending(ctx context.Context, group string) (flow.Fact, error) {
	var p programme.Submission
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		p, err = t.c.Store.Unconfirmed(ctx, t.who.key.Contact[:], group, t.who.now)
		return err
	})
	if store.IsNotFound(err) {
		return flow.Fact{}, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	month, err := time.Parse("2006-01", p.Answers["month"])
	if err != nil {
		return flow.Fact{}, nil
	}
	f := flow.Fact{Items: []flow.Item{{Value: p.ID, Say: flow.Line{Key: fmt.Sprintf("month.%d", int(month.Month()))}}}, Args: map[string]string{}}
	for _, code := range []string{"MEM", "REU", "EPA", "REC"} {
		f.Args[code] = flow.Spaced(p.Answers[code])
	}
	return f, nil
}

func (t *trip) status(ctx context.Context, typed string) (flow.Fact, error) {
	ref, ok := programme.ParseReference(typed)
	if !ok {
		return flow.Fact{}, nil
	}
	var st programme.Status
	err := t.ask(ctx, func(ctx context.Context) (err error) {
		st, err = t.c.Store.StatusByReference(ctx, t.who.key.Contact[:], ref)
		return err
	})
	if store.IsNotFound(err) {
		return flow.Fact{}, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	f := flow.Fact{OK: true, Items: []flow.Item{{Value: string(st), Say: flow.Line{Key: "status." + string(st)}}},
		Args: map[string]string{"reference": ref.String()}}
	// By SMS no answer's words: the phone that keeps them may be searched.
	if t.who.key.Medium == string(message.SMS) {
		return f, nil
	}
	var id string
	var sealed []byte
	err = t.ask(ctx, func(ctx context.Context) (err error) {
		id, sealed, err = t.c.Store.AnswerTo(ctx, t.who.key.Contact[:], ref)
		return err
	})
	if store.IsNotFound(err) {
		return f, nil
	}
	if err != nil {
		return flow.Fact{}, err
	}
	words, err := t.c.Ring.Open(sealed, "answer/"+id)
	if err != nil {
		return flow.Fact{}, fmt.Errorf("opening an answer: %w", err)
	}
	f.Args["answer"] = string(words)
	return f, nil
}

// PlaceName gives the name of a place code, "" for one that isn't known.
func (c *Conversation) PlaceName(pcode string) string { return c.programme.Load().PlaceName(pcode) }
