package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

func TestEveryAnswerForbidsScriptsFramesAndKeeping(t *testing.T) {
	s := newSite(t)
	c := s.as(t, staff.Officer)
	for _, path := range []string{"/console", "/console/login", "/console/messages", "/console/nowhere", "/console/assets/nothing.css"} {
		res, _ := c.get(t, path)
		csp := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "script-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %s", path, csp, want)
			}
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestThePagesHoldNoScriptAndNoInlineStyle(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{Text: "le puits"})
	c := s.as(t, staff.Administrator)
	for _, path := range []string{"/console/messages", "/console/messages/" + id, "/console/languages", "/console/channels", "/console/accounts"} {
		_, body := c.get(t, path)
		for _, bad := range []string{"<script", "<style", " style=", " onclick=", " onload=", "javascript:"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
	}
}

func TestTheCookieIsBoundToItsHostAndANewOneComesWithEachLogin(t *testing.T) {
	for _, secureCookies := range []bool{false, true} {
		s := newSite(t, func(o *Options) { o.SecureCookies = secureCookies })
		name := "lafia"
		if secureCookies {
			name = "__Host-lafia"
		}
		c := s.client(t)
		res, _ := c.get(t, "/console/login")
		for _, k := range res.Cookies() {
			if secureCookies {
				// This client sends no Secure cookie over http: carry it by hand.
				c.Jar = nil
			}
			login := func() *http.Cookie {
				form := url.Values{"username": {"officer"}, "password": {password}}
				res, body := c.post(t, "/console/login", form, "Cookie", k.Name+"="+k.Value)
				for _, k := range res.Cookies() {
					if k.Name == name {
						return k
					}
				}
				t.Fatalf("no cookie %s: %d %s", name, res.StatusCode, body)
				return nil
			}
			first, second := login(), &http.Cookie{}
			c.token = k.Value
			if c.Jar != nil {
				c.get(t, "/console/messages")
			}
			second = login()
			if first.Value == second.Value || len(first.Value) < 43 {
				t.Error("two logins have the same session, or a short one")
			}
			if !first.HttpOnly || first.Secure != secureCookies || first.Path != "/" || first.SameSite != http.SameSiteLaxMode || first.Domain != "" {
				t.Errorf("cookie %v", first)
			}
		}
	}
}

func TestAFormThatIsNotOursChangesNothing(t *testing.T) {
	s := newSite(t)
	id := s.report(t, programme.Submission{})
	for _, r := range []staff.Role{staff.Administrator, staff.Protection} {
		c := s.as(t, r)
		token := c.token
		for _, e := range staff.Endpoints {
			if e.Method != http.MethodPost || !e.Allows(r) {
				continue
			}
			path := "/console" + strings.ReplaceAll(e.Path, ":id", id)
			form := func(token string) url.Values {
				return url.Values{"token": {token}, "from": {"new"}, "to": {"closed"}, "username": {"officer"}, "password": {password}}
			}
			for name, f := range map[string]url.Values{
				"without a token": form(""), "with another token": form(strings.Repeat("0", 64)), "with a longer token": form(token + "0"),
			} {
				if res, _ := c.post(t, path, f); res.StatusCode != http.StatusForbidden {
					t.Errorf("%s %s: %d", path, name, res.StatusCode)
				}
			}
			for _, header := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://example.org"},
			} {
				if res, _ := c.post(t, path, form(token), header...); res.StatusCode != http.StatusForbidden {
					t.Errorf("%s with %v: %d", path, header, res.StatusCode)
				}
			}
			// The token counts in the form alone, not in the address.
			if res, _ := c.post(t, path+"?token="+token, form("")); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s with the token in the address: %d", path, res.StatusCode)
			}
		}
	}
	got, err := s.desk.Read(t.Context(), staff.ScopeOf(staff.Coordinator, nil).By("test"), id)
	if err != nil || got.Status != programme.New || got.Confirmed {
		t.Errorf("status is %s, confirmed %v, %v", got.Status, got.Confirmed, err)
	}
	// Our own forms name their origin "null": Referrer-Policy is no-referrer.
	c := s.as(t, staff.Officer)
	if res, _ := c.post(t, "/console/messages/"+id+"/status", url.Values{"from": {"new"}, "to": {"closed"}}, "Origin", "null"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a form of ours: %d", res.StatusCode)
	}
}

func TestAnotherSessionsTokenIsNoToken(t *testing.T) {
	s := newSite(t)
	id := s.submit(t, programme.Submission{})
	a, b := s.as(t, staff.Officer), s.as(t, staff.Officer)
	if res, _ := a.post(t, "/console/messages/"+id+"/status", url.Values{"from": {"new"}, "to": {"closed"}, "token": {b.token}}); res.StatusCode != http.StatusForbidden {
		t.Errorf("answers %d", res.StatusCode)
	}
}

func TestAnUnknownNameAndAWrongPasswordAnswerWithTheSameBytes(t *testing.T) {
	s := newSite(t)
	if _, err := s.pool.Exec(t.Context(), `update staff set active = false where username = 'viewer'`); err != nil {
		t.Fatal(err)
	}
	c := s.client(t)
	c.get(t, "/console/login")
	page := func(user string) (string, time.Duration) {
		start := time.Now()
		res, body := c.post(t, "/console/login", url.Values{"username": {user}, "password": {"wrong password here"}})
		if res.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%s: %d", user, res.StatusCode)
		}
		return strings.ReplaceAll(body, `value="`+user+`"`, ""), time.Since(start)
	}
	known, a := page("officer")
	unknown, b := page("nobody")
	closed, d := page("viewer")
	if known != unknown || known != closed {
		t.Error("the pages differ")
	}
	t.Logf("known %v, unknown %v, closed %v", a, b, d)
}

func TestAFloodOfGuessesIsSlowedWithAWordOfWhatToDo(t *testing.T) {
	s := newSite(t) // its clock stands still, so the line only grows
	c := s.client(t)
	c.get(t, "/console/login")
	codes := make(chan int, 12)
	for range 12 {
		go func() {
			form := url.Values{"username": {"officer"}, "password": {"wrong password here"}, "token": {c.token}}
			r, _ := http.NewRequest(http.MethodPost, s.url+"/console/login", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := c.Do(r)
			if err != nil {
				codes <- 0
				return
			}
			res.Body.Close()
			codes <- res.StatusCode
		}()
	}
	count := map[int]int{}
	for range 12 {
		count[<-codes]++
	}
	if count[http.StatusUnauthorized] != 6 || count[http.StatusTooManyRequests] != 6 {
		t.Errorf("answers %v", count)
	}
}

func TestLogsHoldNoNameNoTextAndNoQuery(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	c := s.as(t, staff.Officer)
	if _, err := s.pool.Exec(t.Context(), `alter table submission rename to elsewhere`); err != nil {
		t.Fatal(err)
	}
	res, body := c.get(t, "/console/messages?project=CANARY")
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "Rien n’est perdu") || strings.Contains(body, "elsewhere") {
		t.Errorf("answers %d", res.StatusCode)
	}
	if !strings.Contains(log.String(), "class=postgres-42P01") || strings.Contains(log.String(), "CANARY") || strings.Contains(log.String(), "officer") {
		t.Errorf("log: %s", log.String())
	}
}

func TestAPageIsPackedOnlyWhenNoOtherSiteAskedForIt(t *testing.T) {
	s := newSite(t)
	c := s.as(t, staff.Officer)
	for site, want := range map[string]string{"same-origin": "gzip", "none": "gzip", "cross-site": "", "same-site": "", "": ""} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/console/messages", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip")
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		res, body := c.do(t, r)
		if got := res.Header.Get("Content-Encoding"); got != want {
			t.Errorf("asked by %q: %q", site, got)
		}
		if want == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(z); err != nil || !strings.Contains(string(b), "</html>") {
				t.Errorf("it unpacks to %d bytes, %v", len(b), err)
			}
		}
	}
}
