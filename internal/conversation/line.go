package conversation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lafia/gateway/message"
	"lafia/internal/flow"
	"lafia/internal/programme"
	"lafia/internal/session"
	"lafia/internal/sms"
	"lafia/internal/store"
)

// lineText is the answer that holds a report's line where it says more than its
// figures.
const lineText = "line_text"

// unread stands before a figure that was not understood: the flow must not read it
// either.
const unread = "?"

// line takes a report or a correction in one line: what is right is kept at once,
// and only what is not is asked again. Who leads no group has her words kept.
func (t *trip) line(ctx context.Context, m sms.Message) error {
	leads, err := t.leaders(ctx)
	if err != nil {
		return err
	}
	r := m.Report
	if len(leads) == 0 || r == nil || len(r.Values) == 0 {
		t.keepOpen(t.who.in.Text, m)
		return nil
	}
	given := map[string]string{}
	group := groupOf(leads, r.Group)
	if group == "" && r.Group != "" && oneGroup(leads) {
		t.keepOpen(t.who.in.Text, m) // of a group that isn't hers: nothing is guessed
		return nil
	}
	if group != "" {
		given["group"] = group
	}
	switch month := monthOf(*r, t.who.at()); {
	case month != "":
		given["month"] = month
	case slices.ContainsFunc(r.Unknown, sms.NamesMonth): // two months, or one that is none
		given["month"] = unread
	}
	for _, v := range r.Values {
		given[v.Code] = v.Number
		if !v.OK {
			given[v.Code] = unread + v.Text // the flow asks this one again
		}
	}
	if len(r.Unknown) > 0 || len(r.Twice) > 0 || r.Group != "" && group == "" {
		given[lineText] = t.who.in.Text
	}
	t.enterAt("progress")
	t.given = given
	return nil
}

// groupOf gives the group that a line names: by its code or its project's, a slip
// allowed; the only one she leads when the line names none; else "".
func groupOf(leads []store.Leader, code string) string {
	if code == "" {
		if len(leads) == 1 {
			return leads[0].Group
		}
		return ""
	}
	byCode := map[string]string{}
	var known []string
	for _, l := range leads {
		for _, c := range []string{l.Group, l.Project} {
			c = strings.ToUpper(c)
			switch other, there := byCode[c]; {
			case c == "":
			case !there:
				byCode[c] = l.Group
				known = append(known, c)
			case other != l.Group:
				byCode[c] = "" // a project of two groups of hers names neither
			}
		}
	}
	if found, ok := sms.Nearest(strings.ToUpper(code), known); ok {
		return byCode[found]
	}
	return ""
}

func oneGroup(leads []store.Leader) bool {
	for _, l := range leads {
		if l.Group != leads[0].Group {
			return false
		}
	}
	return true
}

// monthOf gives the month that a line names, the latest one of that name that
// has begun; "" when it names none.
func monthOf(r sms.Report, now time.Time) string {
	if r.Month == 0 {
		return ""
	}
	year := r.Year
	if year == 0 {
		year = now.Year()
		if time.Month(r.Month) > now.Month() {
			year--
		}
	}
	return fmt.Sprintf("%04d-%02d", year, r.Month)
}

// leftover takes the figures of a line that the flow does not ask: those within
// their bounds are answers, the others words.
func leftover(p *programme.Submission) {
	for code, v := range p.Answers {
		if _, ok := programme.IndicatorOf(code); ok && programme.Refused(code, v) {
			p.Text = strings.TrimSpace(p.Text + "\n" + code + " " + strings.TrimPrefix(v, unread))
			delete(p.Answers, code)
		}
	}
}

// reportReply is what a leader's report by SMS is answered with: members and
// meetings, never an amount (context.md 4), and how to confirm it.
func (c *Conversation) reportReply(k session.Key, answers map[string]string, s flow.Screen) flow.Screen {
	dial := c.Channel(k.Channel).Dial
	members, meetings := answers["MEM"], answers["REU"]
	if k.Medium != string(message.SMS) || members == "" || meetings == "" || dial == "" {
		return s
	}
	s.Say = []flow.Line{{Key: "progress.sms", Args: map[string]string{"MEM": members, "REU": meetings, "dial": dial}}}
	return s
}
