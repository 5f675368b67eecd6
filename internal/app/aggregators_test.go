package app_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/gateway"
	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/programme"
	"lafia/internal/simulator"
)

// aggregatorMedia are the adapters and the media that each has.
var aggregatorMedia = map[string][]message.Medium{
	"africastalking": {message.USSD, message.SMS},
	"androidsms":     {message.SMS},
	"external":       {message.USSD, message.SMS},
	"hubtel":         {message.USSD},
	"infobip":        {message.USSD, message.SMS},
	"jasmin":         {message.SMS},
	"kannel":         {message.SMS},
	"lafricamobile":  {message.SMS},
	"mtarget":        {message.SMS},
	"orange":         {message.SMS},
	"twilio":         {message.SMS},
	"vonage":         {message.SMS},
}

// aggregatorWorld is a gateway with a channel for every adapter, as `lafia dev`
// has them, and the far ends of all of them.
type aggregatorWorld struct {
	*world
	url  string
	ends *farEnds
}

// farEnds is the simulator, and a note of what it answered to each channel's
// sends: an aggregator's id of a message is nowhere else in the clear.
type farEnds struct {
	*simulator.Simulator
	mu    sync.Mutex
	taken map[string][]message.Outcome // by channel
}

// Do notes what the channel's own adapter makes of the answer.
func (f *farEnds) Do(ctx context.Context, channel string, r message.HTTPRequest) (int, []byte, error, bool) {
	status, body, err, wrote := f.Simulator.Do(ctx, channel, r)
	adapter, _ := gateway.AdapterNamed(channel)
	if sender, ok := adapter.(message.Sender); ok && !strings.HasSuffix(r.URL, "/token") {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.taken[channel] = append(f.taken[channel], sender.Outcome(status, body, err, wrote))
	}
	return status, body, err, wrote
}

// of lists the ends of a channel's sends.
func (f *farEnds) of(channel string) []message.Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.taken[channel])
}

func newAggregatorWorld(t *testing.T) *aggregatorWorld {
	t.Helper()
	w := &aggregatorWorld{world: newWorld(t)}
	token := message.NewSecret("dev")
	o := simulator.Options{BaseURL: func() string { return w.url }, Now: time.Now, Random: app.Random}
	for _, c := range app.DevChannels(token) {
		o.Channels = append(o.Channels, simulator.Channel{Name: c.Name, Adapter: c.Name, Token: token, ServiceCode: serviceCode, ShortCode: shortCode})
	}
	w.ends = &farEnds{Simulator: simulator.New(o), taken: map[string][]message.Outcome{}}
	a := w.start(t, func(o *app.Options) {
		o.Channels, o.Transport, o.Simulator = app.DevChannels(token), w.ends, w.ends.Simulator
	})
	w.url = a.URL()
	return w
}

// handset is a telephone of the simulator, used as a program uses it: the wire of
// the channel's aggregator makes the requests of it.
type handset struct {
	*phone
	channel string
	before  string // the input before
}

// act posts to the simulator, and gives what the telephone shows.
func (h *handset) act(path string, form url.Values) (s struct {
	Live                      bool
	Kind, Screen, Error, Note string
	Status                    int
}) {
	h.t.Helper()
	form.Set("phone", h.number)
	form.Set("channel", h.channel)
	r, err := http.NewRequest(http.MethodPost, h.gateways[0]+path, strings.NewReader(form.Encode()))
	must(h.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	res, err := caller.Do(r)
	must(h.t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: HTTP %d", path, res.StatusCode)
	}
	must(h.t, json.NewDecoder(res.Body).Decode(&s))
	return s
}

// dialling is a talk by USSD, writing one by SMS.
type dialling struct{ *handset }

func (d dialling) begin() screen { d.before = ""; return d.hop("/simulator/dial", "code", serviceCode) }

func (d dialling) say(input string) screen {
	d.t.Helper()
	if d.channel == "infobip" && input == d.before {
		// Without a sequence the same key at once is a request that was repeated.
		time.Sleep(1250 * time.Millisecond)
	}
	d.before = input
	return d.hop("/simulator/press", "typed", input)
}

func (d dialling) hop(path, field, value string) screen {
	d.t.Helper()
	s := d.act(path, url.Values{field: {value}})
	if s.Kind == "" || s.Error != "" || s.Note != "" || s.Status != http.StatusOK {
		d.t.Fatalf("%s: %q shows no screen: %+v", d.channel, value, s)
	}
	return screen{text: s.Screen, end: !s.Live}
}

type writing struct{ *handset }

func (w writing) begin() screen { return w.say("MENU") }

func (w writing) say(text string) screen {
	w.t.Helper()
	w.act("/simulator/sms", url.Values{"text": {text}})
	return w.receive()
}

func (w *aggregatorWorld) talk(t *testing.T, channel string, medium message.Medium, number string) talk {
	h := &handset{phone: newPhone(t, number, w.url), channel: channel}
	if medium == message.USSD {
		return dialling{h}
	}
	return writing{h}
}

// holds compares what is kept of a walk with what was said over a channel.
func (w *aggregatorWorld) holds(t *testing.T, walk walk, channel, ref string) {
	t.Helper()
	list, confidential := kept(t, w.record, w.ring, walk.number)
	if len(list) != 1 || confidential != 0 {
		t.Fatalf("%d submissions and %d confidential ones are kept, want one", len(list), confidential)
	}
	got, want := list[0], walk.expected()
	want.Channel = channel
	want.N, want.ID, want.Reference, want.SentAt, want.ReceivedAt = got.N, got.ID, got.Reference, got.SentAt, got.ReceivedAt
	if walk.kind == programme.Progress {
		want.Place, want.Region, want.Project = got.Place, got.Region, got.Project // of the group, which staff know
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("kept\n%+v\nwant\n%+v", got, want)
	}
	if ref == "" || got.Reference.String() != ref {
		t.Errorf("the last screen gave the reference %q, the row has %s", ref, got.Reference)
	}
}

// TestEveryAggregatorCarriesWholeConversations has a conversation over each
// medium of each adapter: requests as the aggregator makes them, answers as it
// reads them, sends as it takes them, and its receipts.
func TestEveryAggregatorCarriesWholeConversations(t *testing.T) {
	t.Parallel()
	for _, name := range simulator.Adapters() {
		if len(aggregatorMedia[name]) == 0 {
			t.Errorf("nobody talks over %s: say here which media it has", name)
		}
	}
	w := newAggregatorWorld(t)
	leaders := apart(w.programme.Leaders)
	n := 0
	t.Run("conversations", func(t *testing.T) {
		talks := func(channel string, medium message.Medium, language string, kind programme.Kind) {
			n++
			walk := newWalk(t, kind, language, medium, fmt.Sprintf("+2237615%04d", n))
			if kind == programme.Progress {
				l := leaders[0]
				leaders = leaders[1:]
				walk.number = l.Phone
				walk = walk.lead(l.Group, l.PIN)
			}
			t.Run(fmt.Sprintf("%s %s %s %s", channel, medium, kind, language), func(t *testing.T) {
				t.Parallel()
				ref := reference(walk.play(t, w.talk(t, channel, medium, walk.number), nil))
				w.holds(t, walk, channel, ref)
				if medium == message.SMS {
					w.delivers(t, channel, walk.number)
				}
			})
		}
		for _, channel := range slices.Sorted(maps.Keys(aggregatorMedia)) {
			for _, medium := range aggregatorMedia[channel] {
				if medium == message.SMS {
					talks(channel, medium, languages[n%len(languages)], programme.Feedback)
					continue
				}
				for _, language := range languages {
					talks(channel, medium, language, programme.Feedback)
					talks(channel, medium, language, programme.Tension)
				}
				talks(channel, medium, "fr", programme.Progress)
			}
		}
		// A phone has no USSD: it is whole by SMS alone.
		talks("androidsms", message.SMS, "ses", programme.Tension)
		talks("androidsms", message.SMS, "bm", programme.Progress)
		for _, channel := range []string{"mtarget", "vonage"} {
			t.Run(channel+" in parts", func(t *testing.T) {
				t.Parallel()
				w.joins(t, channel)
			})
		}
	})
	var unread int
	must(t, w.record.Pool().QueryRow(t.Context(), `select count(*) from unreadable`).Scan(&unread))
	if unread != 0 {
		t.Errorf("%d requests could not be read", unread)
	}
	rows, err := w.record.Pool().Query(t.Context(), `select channel, state, count(*)::int from outbound group by 1, 2 order by 1, 2`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var channel, state string
		var count int
		must(t, rows.Scan(&channel, &state, &count))
		if state != "sent" && state != "delivered" {
			t.Errorf("%s: %d messages are %s", channel, count, state)
		}
	}
	must(t, rows.Err())
}

// deliveredSample names the sample of each adapter's receipt of a delivered message,
// where it isn't status_delivered.
var deliveredSample = map[string]string{"africastalking": "status_success", "lafricamobile": "status_received", "external": "status"}

// delivers posts the receipt among the adapter's samples for the latest message
// to a number, whose conversation is over, and wants it to be delivered.
func (w *aggregatorWorld) delivers(t *testing.T, channel, number string) {
	t.Helper()
	var ours string
	var parts int
	state := func() (state string) {
		must(t, w.record.Pool().QueryRow(t.Context(), `
select id::text, state, parts from outbound where channel = $1 and contact = $2 order by n desc limit 1`, channel, w.ring.Pseudonym(number).Bytes()).
			Scan(&ours, &state, &parts))
		return state
	}
	await(t, 20*time.Second, "the end of a send to be written", func() bool { return state() == "sent" })
	ends := w.ends.of(channel)
	for _, e := range ends {
		if e.Verdict != message.Sent {
			t.Errorf("a send was %s: %s", e.Verdict, e.Reason)
		}
	}
	// Another conversation may go on over the phone alone, and there ours is theirs.
	theirs := ends[len(ends)-1].ExternalID
	r := w.receipt(t, channel, ours, theirs)
	for range 2 { // the second one is a repeat
		if a := deliver(r); a.err != nil || a.status < 200 || a.status > 299 {
			t.Fatalf("the receipt got HTTP %d %q, %v", a.status, a.body, a.err)
		}
		if s := state(); s != "delivered" {
			t.Errorf("after its receipt a message of %d parts is %s", parts, s)
		}
	}
}

// joins posts the parts of one message as the channel's sample has them, the last
// one first and each one twice, and wants one message and one reply.
func (w *aggregatorWorld) joins(t *testing.T, channel string) {
	t.Helper()
	name, sample, number, words, index, id := "sms_part", "22370000001", "+22376159001", "suite+du+message", "concat-part=2", "0A0000000123ABCD4"
	if channel == "mtarget" {
		name, number, words, index, id = "sms_part_2", "+22376159002", "world", "msglong.msgref=2", "" // it may have none
	}
	field, _, _ := strings.Cut(index, "=")
	texts := []string{"Le+puits+de+l%27%C3%A9cole+", "est+%C3%A0+sec+*", "+d%C9%9B%C9%9Bm%C9%9B"}
	part := gatewaytest.Requests(t, "../../gateway/"+channel+"/testdata")[name]
	p := newPhone(t, number, w.url)
	for i := len(texts) - 1; i >= 0; i-- {
		r := part
		r.Header = part.Header.Clone()
		var err error
		r.URL, err = url.Parse(w.url + "/webhooks/" + channel + "/sms?token=dev")
		must(t, err)
		swap := []string{sample, number[1:], words, texts[i], index, field + "=" + strconv.Itoa(i+1), "msgcount=2", "msgcount=3"}
		if id != "" {
			swap = append(swap, id, id+strconv.Itoa(i))
		}
		r.Body = []byte(strings.NewReplacer(swap...).Replace(string(part.Body)))
		if sign := aggregatorSigners[channel]; sign != nil {
			sign(&r, "dev", strconv.FormatInt(time.Now().Unix(), 10))
		}
		if a := deliver(r); a.err != nil || a.status != http.StatusOK {
			t.Fatalf("part %d got HTTP %d, %v", i+1, a.status, a.err)
		}
		if list, _ := kept(t, w.record, w.ring, number); i > 0 && len(list) > 0 {
			t.Fatalf("a message is there before its part %d", i)
		}
		if a := deliver(r); a.err != nil || a.status != http.StatusOK {
			t.Fatalf("part %d again got HTTP %d, %v", i+1, a.status, a.err)
		}
	}
	s := p.receive()
	list, _ := kept(t, w.record, w.ring, number)
	if len(list) != 1 || list[0].Text != "Le puits de l'école est à sec * dɛɛmɛ" || list[0].Channel != channel || list[0].Partial {
		t.Fatalf("kept %+v", list)
	}
	if ref := reference(s); ref != list[0].Reference.String() {
		t.Errorf("the reply %q has not the reference %s", s.text, list[0].Reference)
	}
}

// receipt makes the sample's receipt that of a message, signed where the channel
// wants it signed.
func (w *aggregatorWorld) receipt(t *testing.T, channel, ours, theirs string) message.Request {
	t.Helper()
	name := "status_delivered"
	if s := deliveredSample[channel]; s != "" {
		name = s
	}
	dir := "../../gateway/" + channel + "/testdata"
	r, ok := gatewaytest.Requests(t, dir)[name]
	if !ok {
		t.Fatalf("%s has no sample %s", channel, name)
	}
	b, err := os.ReadFile(dir + "/" + name + ".golden")
	must(t, err)
	var golden struct {
		Events []struct {
			Receipt struct {
				ExternalID string `json:"external_id"`
				OurID      string `json:"our_id"`
			}
		}
	}
	must(t, json.Unmarshal(b, &golden))
	id := golden.Events[0].Receipt
	swap := []string{}
	if id.OurID != "" {
		swap = append(swap, id.OurID, ours)
	}
	if id.ExternalID != id.OurID {
		swap = append(swap, id.ExternalID, theirs)
	}
	ids := strings.NewReplacer(swap...)
	query := ids.Replace(regexp.MustCompile(`&?token=[^&]*`).ReplaceAllString(r.URL.RawQuery, ""))
	r.URL, err = url.Parse(w.url + "/webhooks/" + channel + "/status?token=dev&" + strings.TrimPrefix(query, "&"))
	must(t, err)
	r.URL.RawQuery = strings.TrimSuffix(r.URL.RawQuery, "&")
	r.Body = []byte(ids.Replace(string(r.Body)))
	if sign := aggregatorSigners[channel]; sign != nil {
		sign(&r, "dev", strconv.FormatInt(time.Now().Unix(), 10))
	}
	return r
}

// aggregatorSigners sign as those aggregators do that sign.
var aggregatorSigners = map[string]func(r *message.Request, key, now string){
	"androidsms": func(r *message.Request, key, now string) {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(r.Body)
		mac.Write([]byte(now))
		r.Header.Set("X-Timestamp", now)
		r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	},
	"twilio": func(r *message.Request, key, _ string) {
		form, _ := url.ParseQuery(string(r.Body))
		form.Set("AccountSid", "AC"+strings.Repeat("0", 32)) // of dev: another account's is refused
		r.Body = []byte(form.Encode())
		mac := hmac.New(sha1.New, []byte(key))
		mac.Write([]byte(r.URL.String()))
		for _, name := range slices.Sorted(maps.Keys(form)) {
			mac.Write([]byte(name + form.Get(name)))
		}
		r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	},
	"vonage": func(r *message.Request, key, now string) {
		form, _ := url.ParseQuery(string(r.Body))
		form.Set("timestamp", now)
		var s strings.Builder
		for _, name := range slices.Sorted(maps.Keys(form)) {
			s.WriteString("&" + name + "=" + form.Get(name))
		}
		sum := md5.Sum([]byte(s.String() + key))
		form.Set("sig", hex.EncodeToString(sum[:]))
		r.Body = []byte(form.Encode())
	},
}

// deliver makes a request of a gateway.
func deliver(r message.Request) answer {
	q, err := http.NewRequest(r.Method, r.URL.String(), bytes.NewReader(r.Body))
	if err != nil {
		return answer{err: err}
	}
	q.Header = r.Header.Clone()
	res, err := caller.Do(q)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(body), err}
}
