package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lafia/gateway/message"
	"lafia/internal/app"
)

// configFile writes a config file that names the servers of a world.
func (w *world) configFile(t *testing.T, channels string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	must(t, os.WriteFile(path, fmt.Appendf(nil, `
public_url = "https://lafia.example"
postgres.url = %q
redis.url = %q
keys.dir = %q
help.number = "80333"
%s`, w.postgres, "unix://"+w.redis, w.keys, channels), 0o600))
	return path
}

const atChannel = `
[[channel]]
name = "africastalking"
adapter = "africastalking"
tokens = ["0123456789abcdef0123456789abcdef"]
from = "36000"
[channel.account]
username = "dev"
api_key = "dev"
`

// farEnd answers sends as told, and may report what became of them.
type farEnd struct {
	status int
	err    error
	report string // a state that is reported at once, "" for none
	url    func() string
}

func (f *farEnd) Do(context.Context, string, message.HTTPRequest) (int, []byte, error, bool) {
	if f.report != "" {
		go func() {
			r, err := http.PostForm(f.url()+"/webhooks/africastalking/status?token=dev", url.Values{"id": {"ATXid_test"}, "status": {f.report}})
			if err == nil {
				r.Body.Close()
			}
		}()
	}
	return f.status, []byte(`{"SMSMessageData":{"Recipients":[{"statusCode":101,"status":"Success","messageId":"ATXid_test"}]}}`), f.err, true
}

func TestAChannelTestFollowsItsMessageToTheReceipt(t *testing.T) {
	w := newWorld(t)
	path := w.configFile(t, atChannel)
	f := &farEnd{status: 201}
	try := func(wait time.Duration) (states string, err error) {
		var mu sync.Mutex
		var seen []string
		err = app.TestChannel(t.Context(), app.ChannelTest{
			Config: path, Channel: "africastalking", To: message.ParseNumber("+22370000001"), Wait: wait,
			Step: func(s app.ChannelStep) { mu.Lock(); defer mu.Unlock(); seen = append(seen, s.State) },
		})
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(seen, " "), err
	}
	if _, err := try(time.Second); err == nil || !strings.Contains(err.Error(), "no gateway runs") {
		t.Fatalf("without a gateway: %v", err)
	}
	a := w.start(t, func(o *app.Options) { o.Transport = f })
	f.url = a.URL

	f.report = "Success"
	if states, err := try(20 * time.Second); err != nil || !strings.HasSuffix(states, "delivered") {
		t.Errorf("delivered: %q, %v", states, err)
	}
	clear := func() {
		t.Helper()
		_, err := w.record.Pool().Exec(t.Context(), `update outbound set external_id = null`) // the far end gives one id for all
		must(t, err)
	}
	clear()
	f.report = "Failed"
	if states, err := try(20 * time.Second); err == nil || !strings.HasSuffix(states, "failed") {
		t.Errorf("failed later: %q, %v", states, err)
	}
	clear()
	f.report = ""
	if states, err := try(1500 * time.Millisecond); err == nil || !strings.HasSuffix(states, "sent") || !strings.Contains(err.Error(), "no receipt") {
		t.Errorf("no receipt: %q, %v", states, err)
	}
	clear()
	f.status = 400
	if states, err := try(20 * time.Second); err == nil || !strings.HasSuffix(states, "failed") || !strings.Contains(err.Error(), "HTTP 400") {
		t.Errorf("rejected: %q, %v", states, err)
	}
	f.status, f.err = 0, io.ErrUnexpectedEOF
	if states, err := try(20 * time.Second); err == nil || !strings.HasSuffix(states, "ambiguous") {
		t.Errorf("ambiguous: %q, %v", states, err)
	}
	f.status, f.err = 429, nil
	if states, err := try(1500 * time.Millisecond); err == nil || !strings.Contains(states, "queued") || !strings.Contains(err.Error(), "could not be sent") {
		t.Errorf("throttled: %q, %v", states, err)
	}
	var waiting int
	must(t, w.record.Pool().QueryRow(t.Context(), `select count(*) from outbound where state = 'queued'`).Scan(&waiting))
	if waiting != 0 {
		t.Errorf("%d tests still wait to be sent", waiting)
	}
}

func TestAChannelThatIsNotThereIsWrongUse(t *testing.T) {
	w := newWorld(t)
	path := w.configFile(t, atChannel)
	err := app.TestChannel(t.Context(), app.ChannelTest{Config: path, Channel: "nobody", To: message.ParseNumber("+22370000001"), Wait: time.Second})
	if !errors.Is(err, app.ErrUse) || !strings.Contains(err.Error(), "africastalking") {
		t.Errorf("a test: %v", err)
	}
	if _, err := app.RegisterChannel(t.Context(), path, "nobody", nil); !errors.Is(err, app.ErrUse) {
		t.Errorf("registering: %v", err)
	}
	if _, err := app.RegisterChannel(t.Context(), path, "africastalking", nil); !errors.Is(err, app.ErrUse) || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("registering where it is done by hand: %v", err)
	}
}

func phoneChannel(endpoint string) string {
	return fmt.Sprintf(`
[[channel]]
name = "phone-gao"
adapter = "androidsms"
tokens = ["0123456789abcdef0123456789abcdef"]
signatures = ["Xy3kT9aBXy3kT9aB"]
[channel.account]
endpoint = %q
username = "sms"
password = "geheim-password"
`, endpoint)
}

func TestRegisteringTellsAPhoneItsWebhooksAndReportsEach(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var bodies []string
	answer := http.StatusCreated
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(b))
		rw.WriteHeader(answer)
	}))
	defer far.Close()
	path := w.configFile(t, phoneChannel(far.URL))
	done, err := app.RegisterChannel(t.Context(), path, "phone-gao", nil)
	must(t, err)
	if len(done) == 0 || len(done) != len(bodies) {
		t.Fatalf("%d registrations, %d requests", len(done), len(bodies))
	}
	for i, r := range done {
		if !r.OK || r.Status != 201 || strings.Contains(r.Request, "geheim") || !strings.Contains(bodies[i], "https://lafia.example/webhooks/phone-gao/sms?token=") {
			t.Errorf("%+v: %s", r, bodies[i])
		}
	}
	answer = http.StatusUnauthorized
	done, err = app.RegisterChannel(t.Context(), path, "phone-gao", nil)
	must(t, err)
	for _, r := range done {
		if r.OK || r.Problem != "HTTP 401" {
			t.Errorf("%+v", r)
		}
	}
}

func TestTheDoctorSeesASilentPhoneAndWhatEachAggregatorNeeds(t *testing.T) {
	w := newWorld(t)
	path := w.configFile(t, atChannel+phoneChannel("http://sms.example.org")) // a password in the clear
	look := func() (fails, notes []string) {
		t.Helper()
		checks, err := app.Doctor(t.Context(), path)
		must(t, err)
		for _, c := range checks {
			if strings.Contains(c.What+c.Do+c.Note, "geheim") {
				t.Errorf("a secret is shown: %+v", c)
			}
			if !c.OK && strings.HasPrefix(c.What, "channel") {
				fails = append(fails, c.What+": "+c.Do)
			}
			if c.Note != "" {
				notes = append(notes, c.What+": "+c.Note)
			}
		}
		return fails, notes
	}
	has := func(list []string, prefix, word string) bool {
		for _, l := range list {
			if strings.HasPrefix(l, prefix) && strings.Contains(l, word) {
				return true
			}
		}
		return false
	}
	fails, notes := look()
	if !has(fails, "channel phone-gao: ", "endpoint") {
		t.Errorf("the setting is not seen: %q", fails)
	}
	if !has(notes, "channel phone-gao: ", "") {
		t.Errorf("nothing is said of the phone's own settings: %q", notes)
	}
	const alive = "channel phone-gao is alive: "
	must(t, w.record.ChannelAlive(t.Context(), "phone-gao", time.Now().Add(-100*time.Minute)))
	if fails, _ = look(); !has(fails, alive, "1h40m") {
		t.Errorf("a silent phone is not seen: %q", fails)
	}
	must(t, w.record.ChannelAlive(t.Context(), "phone-gao", time.Now()))
	if fails, _ = look(); has(fails, alive, "") {
		t.Errorf("a living phone is called silent: %q", fails)
	}
	if has(fails, "channel africastalking is alive", "") {
		t.Errorf("a channel without a heartbeat is called silent: %q", fails)
	}
	health, err := w.record.ChannelHealth(t.Context(), time.Now().Add(-time.Hour))
	must(t, err)
	for _, h := range health {
		if h.Channel == "phone-gao" && time.Since(h.LastAt) < time.Minute {
			return
		}
	}
	t.Errorf("the console does not hear the phone: %+v", health)
}
