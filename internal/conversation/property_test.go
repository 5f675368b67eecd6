package conversation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/gsm"
	"lafia/internal/store/storetest"
)

// lot is what a walk draws by: its seed is printed, and LAFIA_SEED repeats it.
func lot(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("LAFIA_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("LAFIA_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

var pressed = []string{
	"1", "1", "1", "2", "2", "3", "3", "4", "5", "6", "7", "8", "9", "0", "00", "000", "99", "10", "11", "",
	"107", "LAF1", "Lafia", "tombouctu", "kel a", "4821", "7391", "24", "4", "24000", "24mil", "12,5", "70", "500",
	"le puits est sec", "la baratte * est * cassee", "\x00\xff", "ɛɔŋɲ", "😀", " ", "*", "#", "1.", strings.Repeat("mots ", 100),
}

// rows counts all that a repeat must not add to.
func (b *bench) rows() string {
	b.t.Helper()
	return query[string](b, `select concat_ws(' ', (select count(*) from submission), (select count(*) from confidential), (select count(*) from wish_event),
		(select count(*) from followup), (select count(*) from erasure), (select count(*) from submission_event), (select sum(failures) from leader), (select count(*) from outbound))`)
}

func TestAnyHopTwiceChangesNothingAndGivesTheSameBytes(t *testing.T) {
	b := village(t)
	r := lot(t)
	numbers := []string{leader, second}
	for i := range 12 {
		numbers = append(numbers, fmt.Sprintf("+22370005%03d", i))
	}
	end := time.Now().Add(3 * time.Second)
	hops, calls := 0, 0
	for time.Now().Before(end) && calls < 400 {
		calls++
		p := b.phone(numbers[r.IntN(len(numbers))])
		kind := r.IntN(2) // cumulative, or by sequence
		session := fmt.Sprint("walk-", calls)
		text, sequence := "", 0
		way := []string{}
		in := func(key string) message.Inbound {
			m := message.Inbound{Medium: message.USSD, From: message.ParseNumber(p.number), To: "*384#", SessionID: session, Text: text, Cumulative: kind == 0}
			if kind == 1 {
				m.Text, m.Sequence, m.Start = key, sequence, sequence == 1
			}
			return m
		}
		hop := func(key string) message.Reply {
			sequence++
			way = append(way, key)
			first, err := b.c.Hop(context.Background(), "at", in(key))
			if err != nil {
				t.Fatalf("%s %q: %v", p.number, way, err)
			}
			hops++
			before := b.rows()
			for range 2 {
				again, err := b.c.Hop(context.Background(), "at", in(key))
				if err != nil || again.Text != first.Text || again.End != first.End {
					t.Fatalf("%s %q: %v\n%s\nand again\n%s", p.number, way, err, first.Text, again.Text)
				}
				b.pass(2 * time.Second)
			}
			if after := b.rows(); after != before {
				t.Fatalf("%s %q: a repeat left %s, where %s was", p.number, way, after, before)
			}
			encoding, units, _ := gsm.Measure(first.Text)
			if first.Text == "" || encoding == gsm.GSM7 && units > gsm.USSDSafeSeptets || encoding == gsm.UCS2 && units > gsm.USSDSafeUnits {
				t.Fatalf("%s %q: %d %s units\n%s", p.number, way, units, encoding, first.Text)
			}
			return first
		}
		reply := hop("*384#")
		for i := 0; i < 22 && !reply.End; i++ {
			key := pressed[r.IntN(len(pressed))]
			if text != "" {
				text += "*"
			}
			if text += key; text == "" {
				continue // an empty cumulative text is the dial
			}
			b.pass(time.Duration(r.IntN(20)) * time.Second)
			reply = hop(key)
		}
		b.pass(time.Duration(r.IntN(15)) * time.Minute)
	}
	t.Logf("%d calls, %d hops, each three times; %s rows", calls, hops, b.rows())
}

func TestAnyMessageIsHandledOnceAndAnsweredOnce(t *testing.T) {
	b := village(t)
	r := lot(t)
	texts := append([]string{
		"menu", "STOP", "START", "stop tout", "EFFACER", "GARDER", "aide", "langue", "langue francais", "bambara", "suivi", "suivi 48271936", "LAF1", "laf 1", "1 LAF1 3 5 1", "2 5 2",
		"RAP LAF1 MEM 24 REU 4", "RAP MEM 500", "CORR EPA 21000", "oui", "non", "merci", "bip", "CONFIDENTIEL", "une femme a ete battue", "le moulin est gate", "?", "bonjour", "rappelez moi 70000009",
		"Promo Orange! 100% de bonus sur toute recharge, valable jusqu'a minuit. Composez *123#", "2#5#2", "76123456",
	}, pressed...)
	end := time.Now().Add(2 * time.Second)
	n := 0
	for ; time.Now().Before(end) && n < 800; n++ {
		number := []string{leader, second, anna, fmt.Sprintf("+22370006%03d", r.IntN(40))}[r.IntN(4)]
		text := texts[r.IntN(len(texts))]
		b.pass(time.Duration(r.IntN(90)) * time.Minute)
		b.sms(number, fmt.Sprint("m", n), text)
		ids, err := storetest.Unhandled(context.Background(), b.store)
		must(t, err)
		for _, id := range ids {
			if err := b.c.Handle(context.Background(), id); err != nil {
				t.Fatalf("%s %q: %v", number, text, err)
			}
		}
		before := b.rows()
		b.sms(number, fmt.Sprint("m", n), text) // the aggregator again
		for _, id := range ids {
			must(t, b.c.Handle(context.Background(), id)) // the job again
		}
		if left, err := storetest.Unhandled(context.Background(), b.store); err != nil || len(left) != 0 || b.rows() != before {
			t.Fatalf("%s %q: a repeat left %d and %s, where %s was, %v", number, text, len(left), b.rows(), before, err)
		}
	}
	for _, reply := range b.outbound() {
		if _, _, segments := gsm.Measure(reply); segments > 2 || reply == "" {
			t.Errorf("%d segments: %q", segments, reply)
		}
	}
	t.Logf("%d messages; %s rows", n, b.rows())
}

// An aggregator may lose hops, repeat old ones, join several or change its mind
// about what was typed: every text gets a screen, and the same one twice.
func TestAnyCumulativeTextGetsAScreen(t *testing.T) {
	b := village(t)
	r := lot(t)
	end := time.Now().Add(2 * time.Second)
	n := 0
	for call := 0; time.Now().Before(end); call++ {
		p := b.phone(fmt.Sprintf("+22370007%03d", r.IntN(30)))
		text := ""
		for range 12 {
			switch r.IntN(6) {
			case 0:
				text = text[:r.IntN(len(text)+1)] // an older one, or one cut in the middle
			case 1:
				text = strings.Repeat("*", r.IntN(4)) + text
			default:
				for range 1 + r.IntN(3) {
					text = strings.TrimPrefix(text+"*"+pressed[r.IntN(len(pressed))], "*")
				}
			}
			in := message.Inbound{Medium: message.USSD, From: message.ParseNumber(p.number), SessionID: fmt.Sprint("any-", call), Text: text, Cumulative: true}
			first, err := b.c.Hop(context.Background(), "at", in)
			again, err2 := b.c.Hop(context.Background(), "at", in)
			if err != nil || err2 != nil || first.Text == "" || again != first {
				t.Fatalf("%q: %v, %v\n%s\nand again\n%s", text, err, err2, first.Text, again.Text)
			}
			n++
			b.pass(time.Duration(r.IntN(30)) * time.Second)
		}
	}
	t.Logf("%d texts; %s rows", n, b.rows())
}
