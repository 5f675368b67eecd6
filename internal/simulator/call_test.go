package simulator

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADialIsTheFormThatAfricasTalkingPosts(t *testing.T) {
	l := newLab(t)
	l.answers(200, "CON Bienvenue\n1 Français")
	s := l.do(dial, "phone", her, "code", "*384#")
	r := l.last()
	if r.path != "/webhooks/africastalking/ussd" || r.token != "d&v" || r.contentType != "application/x-www-form-urlencoded" {
		t.Errorf("request: %+v", r)
	}
	if !regexp.MustCompile(`^ATUid_[0-9a-f]{32}$`).MatchString(r.form.Get("sessionId")) {
		t.Errorf("session id %q", r.form.Get("sessionId"))
	}
	want := values("sessionId", s.SessionID, "serviceCode", "*384#", "phoneNumber", her, "networkCode", "99999", "text", "")
	if diff := cmp.Diff(want, r.form); diff != "" {
		t.Error(diff)
	}
	if !s.Live || s.Kind != "CON" || s.Screen != "Bienvenue\n1 Français" || s.Lines != 2 || s.Measure.Limit != 160 {
		t.Errorf("shown: %+v", s)
	}
}

func TestADirectDialsTailIsTheFirstText(t *testing.T) {
	l := newLab(t)
	s := l.do(dial, "phone", her, "code", "*384*1*107#")
	if r := l.last(); r.form.Get("serviceCode") != "*384#" || r.form.Get("text") != "1*107" {
		t.Errorf("form: %v", r.form)
	}
	if s.Screen != "1*107" {
		t.Errorf("screen %q", s.Screen)
	}
	l.do(keys, "phone", her, "key", "green", "typed", "2")
	if text := l.last().form.Get("text"); text != "1*107*2" {
		t.Errorf("second text %q", text)
	}
}

func TestACodeIsDialledOnTheChannelThatItBelongsTo(t *testing.T) {
	for _, c := range []struct {
		channel, code, path, service, text string
	}{
		{"", "*384#", "/webhooks/africastalking/ussd", "*384#", ""},
		{"other", "*384#", "/webhooks/africastalking/ussd", "*384#", ""},
		{"", "*385*7*1#", "/webhooks/other/ussd", "*385*7#", "1"},
		{"", " *384 * 5 # ", "/webhooks/africastalking/ussd", "*384#", "5"},
		{"other", "", "/webhooks/other/ussd", "*385*7#", ""},
	} {
		l := newLab(t)
		l.do(dial, "phone", her, "channel", c.channel, "code", c.code)
		if r := l.last(); r.path != c.path || r.form.Get("serviceCode") != c.service || r.form.Get("text") != c.text {
			t.Errorf("%q: %s %v", c.code, r.path, r.form)
		}
	}
}

func TestWhatIsNoServiceIsNotSent(t *testing.T) {
	l := newLab(t)
	for code, want := range map[string]note{
		"*384": badCode, "*3845#": badCode, "*384*#": badCode, "*38#": badCode, "*385#": badCode, "allo#": badCode,
		"70000002": voice, "+22370000002": voice,
	} {
		if s := l.do(dial, "phone", her, "code", code); s.Note != string(want) || s.Live {
			t.Errorf("%q: %+v", code, s)
		}
	}
	if n := len(l.got()); n != 0 {
		t.Errorf("%d requests went out", n)
	}
}

func TestRepliesGrowTheTextWithinOneSession(t *testing.T) {
	l := newLab(t)
	first := l.do(dial, "phone", her, "code", "*384#")
	var texts []string
	for _, reply := range []string{"1", "Gao & co", "4*2"} {
		s := l.do(keys, "phone", her, "key", "green", "typed", reply)
		if s.SessionID != first.SessionID {
			t.Fatal("another session")
		}
		texts = append(texts, l.last().form.Get("text"))
	}
	if diff := cmp.Diff([]string{"1", "1*Gao & co", "1*Gao & co*4*2"}, texts); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyOrOverlongReplyIsNotSent(t *testing.T) {
	l := newLab(t)
	l.do(dial, "phone", her, "code", "*384#")
	if s := l.do(keys, "phone", her, "key", "green"); s.Note != string(emptyReply) || !s.Live {
		t.Errorf("empty: %+v", s)
	}
	if s := l.do(keys, "phone", her, "key", "green", "typed", strings.Repeat("é", maxTyped+1)); s.Note != string(tooLong) || !s.Live {
		t.Errorf("overlong: %+v", s)
	}
	if n := len(l.got()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestAfterAnEndTheGreenKeyDialsAnew(t *testing.T) {
	l := newLab(t)
	l.answers(200, "END Merci")
	first := l.do(dial, "phone", her, "code", "*384*5#")
	if first.Live || first.Kind != "END" || first.Screen != "Merci" {
		t.Errorf("shown: %+v", first)
	}
	second := l.do(keys, "phone", her, "key", "green")
	if second.SessionID == first.SessionID || l.last().form.Get("text") != "5" {
		t.Errorf("the last code was not dialled again: %+v", second)
	}
}

func TestSendingAgainRepeatsTheRequestToTheByte(t *testing.T) {
	l := newLab(t)
	l.do(dial, "phone", her, "code", "*384#")
	l.do(keys, "phone", her, "key", "green", "typed", "Timbuktu é*")
	s := l.do(keys, "phone", her, "key", "again")
	all := l.got()
	if len(all) != 3 || all[1].body != all[2].body || all[1].token != all[2].token {
		t.Fatalf("requests: %+v", all)
	}
	if s.Identical == nil || !*s.Identical || !s.Live {
		t.Errorf("shown: %+v", s)
	}
	l.do(keys, "phone", her, "key", "green", "typed", "2")
	if text := l.last().form.Get("text"); text != "Timbuktu é**2" {
		t.Errorf("the repeat counted as an input: %q", text)
	}
}

func TestADifferentAnswerToARepeatIsShownAsSuch(t *testing.T) {
	l := newLab(t)
	l.answers(200, "CON un")
	l.do(dial, "phone", her, "code", "*384#")
	for _, c := range []struct {
		status int
		body   string
	}{{200, "CON deux"}, {200, "CON un "}, {201, "CON un"}} {
		l.answers(c.status, c.body)
		s := l.do(keys, "phone", her, "key", "again")
		if s.Identical == nil || *s.Identical || s.Screen != "un" {
			t.Errorf("%+v: %+v", c, s)
		}
	}
	if html := read(t, l.get("/simulator?phone=%2B22370000001")); !strings.Contains(html, "HTTP 201\nCON un") {
		t.Error("the page does not show the other answer")
	}
}

func TestTheRedKeyDropsTheSessionAndTellsNobody(t *testing.T) {
	l := newLab(t)
	first := l.do(dial, "phone", her, "code", "*384#")
	s := l.do(keys, "phone", her, "key", "red")
	if s.Live || s.SessionID != "" || s.Note != string(hungUp) || len(l.got()) != 1 {
		t.Errorf("shown %+v after %d requests", s, len(l.got()))
	}
	if again := l.do(dial, "phone", her, "code", "*384#"); again.SessionID == first.SessionID {
		t.Error("the same session id was used again")
	}
}

func TestHangingUpWithNewsPostsTheEndEvent(t *testing.T) {
	l := newLab(t)
	first := l.do(dial, "phone", her, "code", "*384*1#")
	l.do(keys, "phone", her, "key", "green", "typed", "2")
	s := l.do(keys, "phone", her, "key", "end")
	r := l.last()
	if s.Note != string(endTold) || r.path != "/webhooks/africastalking/status" || r.token != "d&v" {
		t.Errorf("shown %+v, request %+v", s, r)
	}
	if r.form.Get("durationInMillis") == "0" || r.form.Get("date") != "2026-11-24 10:00:00" {
		t.Errorf("times: %v", r.form)
	}
	r.form.Del("durationInMillis")
	want := values("date", "2026-11-24 10:00:00", "sessionId", first.SessionID, "serviceCode", "*384#", "networkCode", "99999",
		"phoneNumber", her, "status", "Incomplete", "cost", "XOF 0.0000", "hopsCount", "2", "input", "1*2", "lastAppResponse", "CON 1*2")
	if diff := cmp.Diff(want, r.form); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoScreenEndsTheSessionAsTheNetworkWould(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		status int
		body   string
	}{{200, "Bonjour"}, {200, ""}, {401, ""}, {500, "CON x"}, {200, "CONtinue"}} {
		l.answers(c.status, c.body)
		s := l.do(dial, "phone", her, "code", "*384#")
		if s.Live || s.Kind != "" || s.Error != "unreadable" || s.Status != c.status {
			t.Errorf("%+v: %+v", c, s)
		}
	}
}

func TestAnUnreachableLafiaIsSaidAndNotLogged(t *testing.T) {
	l := newLab(t)
	l.Simulator.BaseURL = func() string { return "http://127.0.0.1:1" }
	if s := l.do(dial, "phone", her, "code", "*384#"); s.Error != "unreachable" || s.Live {
		t.Errorf("shown: %+v", s)
	}
}

func TestLinesAreCountedAsThePhoneWrapsThem(t *testing.T) {
	for text, want := range map[string]int{
		"": 1, "un": 1, "un\ndeux": 2, "a\n": 2,
		strings.Repeat("x", 20):          1,
		strings.Repeat("x", 21):          2,
		"1 Avis sur un projet":           1,
		"1 Avis sur un projet !":         2,
		"abc " + strings.Repeat("y", 41): 4,
	} {
		if got := lines(text, screenWidth); got != want {
			t.Errorf("%q: %d lines, not %d", text, got, want)
		}
	}
}
