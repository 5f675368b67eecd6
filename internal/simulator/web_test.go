package simulator

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"lafia/gateway/message"
)

const view2 = "?lang=en&phone=%2B22370000001&phone=%2B22370000002"

func TestWithoutScriptKeysTypeAndFormsComeBackToThePage(t *testing.T) {
	l := newLab(t)
	press := func(pairs ...string) string {
		t.Helper()
		res := l.post(keys+view2, nil, append([]string{"phone", his, "slot", "1"}, pairs...)...)
		if res.StatusCode != 303 || res.Header.Get("Location") != "/simulator"+view2+"#phone-1" {
			t.Fatalf("%d to %s", res.StatusCode, res.Header.Get("Location"))
		}
		return read(t, l.get("/simulator"+view2))
	}
	typed := ""
	for _, k := range []string{"*", "3", "8", "4", "5", "rub", "#"} {
		html := press("key", k, "typed", typed)
		typed = regexp.MustCompile(`id="phone-1-typed" name="typed" value="([^"]*)"`).FindStringSubmatch(html)[1]
	}
	if typed != "*384#" {
		t.Fatalf("typed %q", typed)
	}
	l.answers(200, "CON <Bonjour> & merci")
	html := press("key", "green", "typed", typed)
	if !strings.Contains(html, "&lt;Bonjour&gt; &amp; merci") || !strings.Contains(html, `name="typed" value=""`) {
		t.Error("the screen is not on the page, or the box not empty")
	}
	if l.last().form.Get("phoneNumber") != his {
		t.Error("the wrong phone dialled")
	}
}

func TestThePageIsLightAndRunsNothingOfItsOwn(t *testing.T) {
	l := newLab(t)
	path := "/simulator?"
	for i := range maxShown + 2 {
		n := "%2B2237000000" + string(rune('1'+i))
		path += "&phone=" + n
		for range maxThread {
			l.Do(context.Background(), "africastalking", sendRequest("username", "u", "to", "+2237000000"+string(rune('1'+i)), "message", strings.Repeat("é", 10)))
		}
	}
	l.Phones = nil
	two := read(t, l.get("/simulator"+view2))
	if len(two) > 60<<10 {
		t.Errorf("two phones with full threads weigh %d bytes", len(two))
	}
	res := l.get(path)
	html := read(t, res)
	if n := strings.Count(html, "<article"); n != maxShown {
		t.Errorf("%d phones", n)
	}
	if regexp.MustCompile(`(?i)<script>|<style| style=| on[a-z]+=|javascript:|https?://`).MatchString(html) {
		t.Error("something inline or foreign is on the page")
	}
	if strings.Contains(html, "d&amp;v") || strings.Contains(html, "token") {
		t.Error("a token is on the page")
	}
	if res.Header.Get("Content-Security-Policy") != contentPolicy {
		t.Error("no content policy")
	}
}

func TestAssetsAreKeptForEverUnderTheirHash(t *testing.T) {
	l := newLab(t)
	html := read(t, l.get("/simulator"))
	urls := regexp.MustCompile(`/simulator/assets/[0-9a-f]{12}/[a-z.]+`).FindAllString(html, -1)
	if len(urls) != 3 {
		t.Fatalf("assets: %v", urls)
	}
	for _, u := range urls {
		res := l.get(u)
		if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || res.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", u, res.StatusCode, res.Header)
		}
	}
	if res := l.get("/simulator/assets/000000000000/simulator.css"); res.StatusCode != 404 {
		t.Errorf("an old hash: %d", res.StatusCode)
	}
}

func TestTheScriptGetsOnePhoneAndOnlyWhenItChanged(t *testing.T) {
	l := newLab(t)
	res := l.post(dial+view2, http.Header{fragmentHeader: {"1"}}, "phone", her, "slot", "0", "code", "*384*7#")
	html := read(t, res)
	if res.StatusCode != 200 || !strings.HasPrefix(html, "<article") || strings.Contains(html, "<html") {
		t.Fatalf("%d %.80s", res.StatusCode, html)
	}
	seen := regexp.MustCompile(`data-version="([0-9]+)"`).FindStringSubmatch(html)[1]
	poll := "/simulator/phone?lang=en&phone=%2B22370000001&slot=0&seen=" + seen
	if res := l.get(poll); res.StatusCode != 204 {
		t.Errorf("nothing changed: %d", res.StatusCode)
	}
	l.Do(context.Background(), "africastalking", sendRequest("username", "u", "to", her, "message", "Neuf"))
	if res := l.get(poll); res.StatusCode != 200 || !strings.Contains(read(t, res), "Neuf") {
		t.Error("the new SMS did not come")
	}
	if res := l.get("/simulator/phone?phone=36000&slot=-1"); res.StatusCode != 400 {
		t.Errorf("no phone: %d", res.StatusCode)
	}
}

func TestAnotherSitesPageCannotPressKeys(t *testing.T) {
	l := newLab(t)
	for from, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 303} {
		if res := l.post(dial, http.Header{"Sec-Fetch-Site": {from}}, "phone", her, "code", "*384#"); res.StatusCode != want {
			t.Errorf("%s: %d", from, res.StatusCode)
		}
	}
	if n := len(l.got()); n != 1 {
		t.Errorf("%d requests went out", n)
	}
}

func TestAFormWithoutAPhoneIsRefusedWithAReason(t *testing.T) {
	l := newLab(t)
	for _, phone := range []string{"", "36000", "Lafia", "+"} {
		if res := l.post(dial+view2, nil, "phone", phone, "code", "*384#", "slot", "-3"); res.StatusCode != 400 || !strings.Contains(read(t, res), "phone") {
			t.Errorf("%q: %d", phone, res.StatusCode)
		}
	}
}

func TestWhatIsBeingWrittenIsMeasured(t *testing.T) {
	l := newLab(t)
	res := l.post("/simulator/measure?lang=en", nil, "text", "Bonjour", "medium", "sms")
	if body := read(t, res); body != `{"encoding":"gsm7","units":7,"segments":1,"said":"7 septets · 1 segment · GSM-7"}` {
		t.Error(body)
	}
	l.Measure = nil
	if res := l.post("/simulator/measure", nil, "text", "x"); res.StatusCode != 204 {
		t.Errorf("nothing measures: %d", res.StatusCode)
	}
	if html := read(t, l.get("/simulator")); strings.Contains(html, "septets") {
		t.Error("the page claims a measure")
	}
}

func TestNeitherNumberNorTextNorTokenIsLogged(t *testing.T) {
	l := newLab(t)
	l.do(dial, "phone", her, "code", "*384*7#")
	l.do("/simulator/sms", "phone", her, "text", "Secret")
	l.Do(context.Background(), "africastalking", sendRequest("username", "u", "to", her, "message", "Secret"))
	l.Simulator.BaseURL = func() string { return "http://127.0.0.1:1" }
	l.do(dial, "phone", her, "code", "*384*7#")
	log := l.log.String()
	if !strings.Contains(log, "strange") || !strings.Contains(log, "hop") {
		t.Errorf("the log is silent:\n%s", log)
	}
	for _, secret := range []string{"2237000", "Secret", "d&v", "d%26v", "384"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
}

func TestThePageSpeaksFrenchAndEnglishWhole(t *testing.T) {
	for _, w := range []words{french, english} {
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s has no %s", w.Lang, v.Type().Field(i).Name)
			}
		}
	}
	l := newLab(t)
	if html := read(t, l.get("/simulator?lang=en")); !strings.Contains(html, `<html lang="en">`) || !strings.Contains(html, english.Banner) {
		t.Error("no English page")
	}
	if html := read(t, l.get("/simulator?lang=xx")); !strings.Contains(html, `<html lang="fr">`) {
		t.Error("French is not the language otherwise")
	}
}

func TestPhonesAreAddedChangedAndRemovedInTheAddress(t *testing.T) {
	a, b := message.ParseNumber(her), message.ParseNumber(his)
	v := view{lang: "en", phones: []message.Number{a}}
	if got := v.with(b).url("/simulator"); got != "/simulator"+view2 {
		t.Error(got)
	}
	if got := v.with(b).without(a).url("/simulator"); got != "/simulator?lang=en&phone=%2B22370000002" {
		t.Error(got)
	}
	l := newLab(t)
	html := read(t, l.get("/simulator?phone=%2B22370000002&phone=+22370000002&phone=x&phone=70000001"))
	if got := regexp.MustCompile(`data-number="([^"]*)"`).FindAllStringSubmatch(html, -1); len(got) != 2 || got[0][1] != "&#43;22370000002" && got[0][1] != his {
		t.Errorf("phones: %v", got)
	}
}

func TestAReferenceIsNotBrokenAtItsDash(t *testing.T) {
	l := newLab(t)
	l.answers(200, "END Merci.  Votre\nréférence: 4827-1936 !\n")
	l.do(dial, "phone", her, "code", "*384#")
	html := read(t, l.get("/simulator"))
	want := "<p class=\"text\">Merci.  Votre\nréférence: <span class=\"whole\">4827-1936</span> <span class=\"whole\">!</span>\n</p>"
	if !strings.Contains(html, want) {
		t.Errorf("not as it came: %s", regexp.MustCompile(`(?s)<p class="text">.*?</p>`).FindString(html))
	}
}
