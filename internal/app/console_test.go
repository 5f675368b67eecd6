package app_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
)

// desk is a browser at the console, signed in.
type desk struct {
	t      testing.TB
	url    string
	client *http.Client
	token  string
}

var (
	tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]+)"`)
	nextPage   = regexp.MustCompile(`rel="next" href="([^"]+)"`)
)

func signIn(t testing.TB, gateway, user, password string) *desk {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	d := &desk{t: t, url: gateway, client: &http.Client{
		Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	d.get("/console/login")
	if status := d.post("/console/login", url.Values{"username": {user}, "password": {password}}); status != http.StatusSeeOther {
		t.Fatalf("the login of %s got HTTP %d", user, status)
	}
	return d
}

func (d *desk) get(path string) string {
	d.t.Helper()
	res, err := d.client.Get(d.url + path)
	must(d.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(d.t, err)
	if res.StatusCode != http.StatusOK {
		d.t.Fatalf("GET %s got HTTP %d", path, res.StatusCode)
	}
	if m := tokenField.FindSubmatch(b); m != nil {
		d.token = string(m[1])
	}
	return html.UnescapeString(string(b))
}

func (d *desk) post(path string, form url.Values) int {
	d.t.Helper()
	form.Set("token", d.token)
	res, err := d.client.PostForm(d.url+path, form)
	must(d.t, err)
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// finds looks a message up in the list, reads its page, and wants its words on
// it. It gives nothing back: a test that comes here has the row already.
func (d *desk) finds(s programme.Submission) {
	d.t.Helper()
	list := "/console/messages"
	link := `href="/console/messages/` + s.ID + `"`
	for range 20 {
		page := d.get(list)
		if strings.Contains(page, link) && strings.Contains(page, s.Reference.String()) {
			break
		}
		m := nextPage.FindStringSubmatch(page)
		if m == nil {
			d.t.Fatalf("%s is in no list of the console", s.Reference)
		}
		list = m[1]
	}
	page := d.get("/console/messages/" + s.ID)
	if !strings.Contains(page, s.Reference.String()) || !strings.Contains(page, s.Text) {
		d.t.Fatalf("the page of %s lacks the reference or the words:\n%s", s.Reference, page)
	}
}

// moves changes a status.
func (d *desk) moves(s programme.Submission, to programme.Status) {
	d.t.Helper()
	d.get("/console/messages/" + s.ID)
	form := url.Values{"from": {string(s.Status)}, "to": {string(to)}, "note": {"vu avec l'équipe"}}
	if status := d.post("/console/messages/"+s.ID+"/status", form); status != http.StatusSeeOther {
		d.t.Fatalf("moving %s to %s got HTTP %d", s.Reference, to, status)
	}
}
