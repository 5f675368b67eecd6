package console

import (
	"testing"

	"github.com/chromedp/chromedp"

	"lafia/internal/browsertest"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// busy adds what is sent: by two channels, one message in doubt, an announcement, and
// a gateway that is waited for. It gives the message whose answer is in doubt.
func (s *site) busy(t *testing.T) string {
	t.Helper()
	of, _ := s.doubt(t, programme.Submission{Project: "LAF1", Text: "La pompe est en panne."})
	s.announce(t)
	s.exec(t, `
with o as (
	insert into outbound (id, contact, channel, class, sealed, state, operator, created_at, changed_at)
	select gen_random_uuid(), $1, channel, 'reply', '', (array['delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'sent', 'failed', 'unknown', 'expired'])[1 + i % 9], operator,
		$2::timestamptz - interval '3 hours', $2::timestamptz - interval '3 hours' + i * interval '4 s'
	from generate_series(1, 90) i, (values ('africastalking', 'orange'), ('africastalking', 'moov'), ('orange-bko', 'orange')) t (channel, operator) returning id, channel, created_at)
insert into attempt (outbound_id, started_at, verdict, channel) select id, created_at, 'sent', channel from o`, make([]byte, 32), s.now)
	s.exec(t, `insert into spend (month, channel, operator, segments, cost) values ('2026-11-01', 'africastalking', 'orange', 1900, 38000), ('2026-11-01', 'africastalking', 'moov', 310, 3875)`)
	s.exec(t, `insert into node (id, started_at, beat_at, spooled, spool_oldest) values ('3f2a9c11-0000-4000-8000-000000000001', $1, $1::timestamptz - interval '2 hours', 12, $1)`, s.now)
	return of
}

func TestPagesOfSendingAreAccessible(t *testing.T) {
	s := exampleSite(t)
	doubtful := s.busy(t)
	s.gazetteer(t)
	for _, w := range widths {
		ctx := browsertest.New(t)
		do(t, ctx, chromedp.EmulateViewport(w.width, 800))
		s.enter(t, ctx, staff.Administrator)
		look := func(name string) {
			t.Helper()
			accessible(t, ctx, w.name+" "+name)
			held(t, ctx, w.name+" "+name)
			picture(t, ctx, w.name+"-"+name)
		}
		for _, p := range []string{"sending", "doubts", "broadcasts", "channels", "messages/" + doubtful} {
			do(t, ctx, chromedp.Navigate(s.url+"/console/"+p))
			if p == "messages/"+doubtful {
				p = "message"
			}
			look("sending-" + p)
		}
		do(t, ctx, chromedp.Navigate(s.url+"/console/broadcasts"))
		const write = `for (const t of document.querySelectorAll("textarea")) t.value = "Réunion du groupe jeudi matin. Pour arreter: STOP."`
		do(t, ctx, chromedp.Evaluate[chromedp.Void](write))
		click(t, ctx, ".announce .button")
		look("sending-seen")
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("textarea").value = "La police"`))
		click(t, ctx, ".announce .button")
		look("sending-refused")
		do(t, ctx, chromedp.SendKeys(chromedp.CSS("#commune"), "alafia"))
		click(t, ctx, ".closing .button")
		look("communes-which")
		do(t, ctx, chromedp.Navigate(s.url+"/console/broadcasts"), chromedp.SendKeys(chromedp.CSS("#commune"), "Lafia"))
		click(t, ctx, ".closing .button")
		do(t, ctx, chromedp.Click(chromedp.CSS("details.fold summary")))
		look("communes-closed")
		click(t, ctx, "details.fold .button")
	}
}
