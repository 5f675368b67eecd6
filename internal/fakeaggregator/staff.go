package fakeaggregator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Staff is somebody of the team who works in the console, in French or English.
type Staff struct {
	Account  string // its id
	User     string
	Password string
}

// PlayStaff signs in at a gateway's console as somebody who reads and answers
// messages, reads the newest, moves one and answers it, and signs out. Each act goes
// into the ledger; it is played once callers are done, since what is answered changes
// what they would read. What goes wrong is in the ledger, not in the error.
func PlayStaff(ctx context.Context, gateway string, s Staff, ledger *Ledger) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("playing staff: %w", err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	d := &desk{ctx: ctx, root: gateway + "/console", staff: s, ledger: ledger, client: &http.Client{
		Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	d.play()
	return ledger.Err()
}

// desk is a browser of one person.
type desk struct {
	ctx    context.Context
	root   string
	staff  Staff
	ledger *Ledger
	client *http.Client
	page   string // the last one
}

// staffReads is how many messages are opened.
const staffReads = 3

func (d *desk) play() {
	d.get("/login", act{})
	d.post("/login", url.Values{"username": {d.staff.User}, "password": {"not " + d.staff.Password}},
		act{name: "login.refused", actor: "guest", object: d.staff.Account, status: http.StatusUnauthorized})
	if !d.post("/login", url.Values{"username": {d.staff.User}, "password": {d.staff.Password}},
		act{name: "login", object: d.staff.Account, status: http.StatusSeeOther}) {
		return
	}
	d.get("/messages", act{name: "messages.list"})
	answered := false
	for _, id := range messages(d.page) {
		if !d.get("/messages/"+id, act{name: "message.open", object: id}) {
			continue
		}
		if from := field(d.page, "from"); from == "new" {
			d.post("/messages/"+id+"/status", url.Values{"from": {from}, "to": {"acknowledged"}},
				act{name: "message.move", object: id, status: http.StatusSeeOther})
		}
		if !answered {
			d.get("/messages/"+id, act{name: "message.open", object: id})
			answered = d.answer(id)
		}
	}
	d.get("/messages", act{name: "messages.list"})
	d.post("/logout", url.Values{}, act{name: "logout", object: d.staff.Account, status: http.StatusSeeOther})
}

// answer looks what would become of an answer, and gives it: looking shows the
// message once more.
func (d *desk) answer(id string) bool {
	form := url.Values{"text": {"C'est note, merci."}, "once": {field(d.page, "once")}, "do": {"see"}}
	if !d.post("/messages/"+id+"/answer", form, act{name: "message.open", object: id}) {
		return false
	}
	form.Set("do", "give")
	form.Set("seen", field(d.page, "seen"))
	return d.post("/messages/"+id+"/answer", form, act{name: "message.answer", object: id, status: http.StatusSeeOther})
}

// act is what a request must leave in the audit. One without a name leaves nothing.
type act struct {
	name   string
	actor  string // "": the account
	object string
	status int // of the answer to a request that was an act; 0: 200
}

func (d *desk) get(path string, a act) bool { return d.request(http.MethodGet, path, "", a) }

func (d *desk) post(path string, form url.Values, a act) bool {
	form.Set("token", field(d.page, "token"))
	return d.request(http.MethodPost, path, form.Encode(), a)
}

// request does one, and notes it. What was answered as it should was an act; what was
// not answered may have been one.
func (d *desk) request(method, path, body string, a act) bool {
	l := d.ledger.begun(Line{Kind: KindStaff, Caller: -1, Act: a.name, Actor: a.actor, Object: a.object})
	if l.Actor == "" {
		l.Actor = d.staff.Account
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	r, err := http.NewRequestWithContext(d.ctx, method, d.root+path, strings.NewReader(body))
	if err != nil {
		l.Error = "unreachable"
	} else {
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		l.Status, err = d.do(r)
		if err != nil {
			l.Error = "cut"
		}
	}
	l.Took = d.ledger.since(l)
	l.Acked = l.Status == a.status
	if a.name != "" {
		d.ledger.write(l)
	}
	return l.Acked
}

// pageMost bounds a page of the console, which is under 60 kB.
const pageMost = 1 << 20

func (d *desk) do(r *http.Request) (status int, err error) {
	resp, err := d.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, pageMost))
	if err != nil {
		return 0, err
	}
	if len(b) > 0 && resp.StatusCode < http.StatusMultipleChoices { // a redirect has no form
		d.page = string(b)
	}
	return resp.StatusCode, nil
}

var messageLink = regexp.MustCompile(`/console/messages/([0-9a-f-]{36})"`)

// messages lists the first messages that a page leads to.
func messages(page string) (ids []string) {
	seen := map[string]bool{}
	for _, m := range messageLink.FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] && len(ids) < staffReads {
			seen[m[1]] = true
			ids = append(ids, m[1])
		}
	}
	return ids
}

// field gives the value of a form's hidden field; "": there is none.
func field(page, name string) string {
	_, rest, ok := strings.Cut(page, `name="`+name+`" value="`)
	value, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return ""
	}
	return value
}
