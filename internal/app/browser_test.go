package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"lafia/internal/app"
	"lafia/internal/browsertest"
	"lafia/internal/servers/serverstest"
	"lafia/internal/vault"
)

// consoleWeight is what a page of the console may weigh on the wire, style
// sheet, pictures and headers included: six seconds at 80 kbit/s.
const consoleWeight = 60_000

// pictureWeight is what a picture in the README may weigh.
const pictureWeight = 200_000

// devInstance is a running `lafia dev` as its dev.json describes it.
type devInstance struct {
	URL      string `json:"url"`
	Projects []struct{ Code, Dial, Name string }
	Logins   []struct{ User, Password string }
}

// startDevInstance runs a whole app.Dev until the test ends.
func startDevInstance(t *testing.T, dir string, now func() time.Time) devInstance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- app.Dev(ctx, app.DevOptions{Dir: dir, Listen: "127.0.0.1:0", Out: io.Discard, Now: now})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("the dev instance ended with", err)
		}
	})
	var d devInstance
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(dir, "dev.json")); err == nil {
			if err := json.Unmarshal(b, &d); err != nil {
				t.Fatal(err)
			}
			return d
		}
		select {
		case err := <-ended:
			ended <- nil
			t.Fatal("the dev instance did not start:", err)
		default:
		}
	}
	t.Fatal("no dev.json after two minutes")
	return d
}

func (d devInstance) password(t *testing.T, user string) string {
	t.Helper()
	for _, l := range d.Logins {
		if l.User == user {
			return l.Password
		}
	}
	t.Fatalf("dev.json has no login %s", user)
	return ""
}

// projectKey is what is typed for the first project: dev.json gives all that is
// dialled for it, *384*1*101#.
func (d devInstance) projectKey() string {
	dial := strings.TrimSuffix(d.Projects[0].Dial, "#")
	return dial[strings.LastIndexByte(dial, '*')+1:]
}

// visitor is somebody at a browser of their own.
type visitor struct {
	*testing.T
	ctx     context.Context
	dev     devInstance
	scripts bool
	loaded  atomic.Int64 // bytes
}

func visit(t *testing.T, d devInstance, scripts bool) *visitor {
	t.Helper()
	v := &visitor{T: t, ctx: browsertest.New(t), dev: d, scripts: scripts}
	err := chromedp.Listen(v.ctx, func(ev any) {
		if e, ok := ev.(*network.EventLoadingFinished); ok {
			v.loaded.Add(int64(e.EncodedDataLength))
		}
	})
	v.check(err)
	_, err = chromedp.Call(v.ctx, network.Enable, network.EnableParams{})
	v.check(err)
	_, err = chromedp.Call(v.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	v.check(err)
	v.do(chromedp.EmulateViewport(1280, 900))
	return v
}

func (v *visitor) check(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

func (v *visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.Helper()
	v.check(chromedp.Do(v.ctx, steps...))
}

func (v *visitor) open(path string) {
	v.Helper()
	v.do(chromedp.Navigate(v.dev.URL + path))
}

// submit clicks what leads to another page, and waits for that page.
func (v *visitor) submit(selector string) {
	v.Helper()
	if _, err := chromedp.RunResponse(v.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		v.Fatalf("clicking %s: %v", selector, err)
	}
}

func (v *visitor) text(selector string) string {
	v.Helper()
	s, err := chromedp.Run(v.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		v.Fatalf("reading %s: %v", selector, err)
	}
	return s
}

// says waits until an element of the page says something, and gives all it says.
func (v *visitor) says(selector, want string) string {
	v.Helper()
	script := fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText).join("\n")`, selector)
	return v.until(script, func(s string) bool { return strings.Contains(s, want) }, selector+" saying "+want)
}

// until asks the page until its answer is right. A page that is just being left
// cannot be asked; the next one is.
func (v *visitor) until(script string, right func(string) bool, what string) string {
	v.Helper()
	var said string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(v.ctx, 5*time.Second)
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		cancel()
		if err == nil {
			if said = s; right(s) {
				return s
			}
		}
	}
	v.Fatalf("waited for %s; last there was %q", what, said)
	return ""
}

// press touches keys of the first phone, which without scripts loads the page
// anew at each.
func (v *visitor) press(names ...string) {
	v.Helper()
	for _, n := range names {
		key := `#phone-0 button[name=key][value="` + n + `"]`
		if v.scripts {
			v.do(chromedp.Click(chromedp.CSS(key)))
		} else {
			v.submit(key)
		}
	}
}

// reply types what the phone is asked for, presses the return key, and waits for
// the screen that follows.
func (v *visitor) reply(words, next string) string {
	v.Helper()
	v.until(`document.querySelector("#phone-0-typed").value`, func(s string) bool { return s == "" }, "an empty line to type on")
	enter := chromedp.SendKeys(chromedp.CSS("#phone-0-typed"), words+"\r")
	if v.scripts {
		v.do(enter)
	} else if _, err := chromedp.RunResponse(v.ctx, enter); err != nil {
		v.Fatal(err)
	}
	return v.says("#phone-0 .screen", next)
}

// fits checks that nothing has to be scrolled sideways on a telephone or on a
// desk, and lets axe-core look at both.
func (v *visitor) fits(name string) {
	v.Helper()
	for _, width := range []int64{360, 1280} {
		v.do(chromedp.EmulateViewport(width, 900))
		over, err := chromedp.Run(v.ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth - innerWidth"))
		if err != nil || over > 0 {
			v.Errorf("%s is %d px too wide at %d, %v", name, over, width, err)
		}
		if v.scripts {
			v.axe(fmt.Sprint(name, " at ", width))
		}
	}
}

// axe lets axe-core look at the page: WCAG 2.2 A and AA, and best practices.
func (v *visitor) axe(name string) {
	v.Helper()
	code, err := os.ReadFile("../console/testdata/axe.min.js")
	v.check(err)
	v.do(chromedp.Evaluate[chromedp.Void](string(code) + ";0"))
	wrong, err := chromedp.Run(v.ctx, chromedp.Evaluate[[]string](`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.passes.length < 5 ? ["axe looked at nothing"] : r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + " " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
	v.check(err)
	for _, w := range wrong {
		v.Errorf("%s: %s", name, w)
	}
}

// light checks what the page that is shown weighs for whom has nothing of it yet.
func (v *visitor) light(name string) {
	v.Helper()
	_, err := chromedp.Call(v.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	v.check(err)
	v.loaded.Store(0)
	v.do(chromedp.Reload())
	n := int64(-1)
	for n != v.loaded.Load() { // the icon is asked for after the page
		n = v.loaded.Load()
		time.Sleep(300 * time.Millisecond)
	}
	if n == 0 || n > consoleWeight {
		v.Errorf("%s weighs %d bytes, of %d at most", name, n, consoleWeight)
	}
	v.Logf("%s weighs %d bytes", name, n)
	_, err = chromedp.Call(v.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{})
	v.check(err)
}

// login signs in by the console's page.
func (v *visitor) login(user, password string) {
	v.Helper()
	v.open("/console")
	v.do(chromedp.SendKeys(chromedp.CSS("#username"), user), chromedp.SendKeys(chromedp.CSS("#password"), password))
	v.submit("form.form button")
}

// find opens the entry of the log that has the reference. It gives what the log
// says of it.
func (v *visitor) find(reference string) string {
	v.Helper()
	found, err := chromedp.Run(v.ctx, chromedp.Evaluate[[2]string](`(() => {
		const a = [...document.querySelectorAll(".e-ref a")].find(a => a.innerText == "`+reference+`");
		return a ? [a.getAttribute("href"), a.closest(".entry").innerText] : ["", document.querySelector("main").innerText];
	})()`))
	v.check(err)
	if found[0] == "" {
		v.Fatalf("the log has no %s:\n%s", reference, found[1])
	}
	v.submit(`.e-ref a[href="` + found[0] + `"]`)
	return found[1]
}

// phonesPage is the simulator's page with these phones on it.
func phonesPage(numbers ...string) string {
	return "/simulator?" + url.Values{"phone": numbers}.Encode()
}

var shownReference = regexp.MustCompile(`\b\d{4}-\d{4}\b`)

// closeBrowser ends the browser with the test, before TestMain looks for what is
// left running.
func closeBrowser(t *testing.T) { t.Cleanup(browsertest.Stop) }

// TestSomeoneDialsInTheSimulatorAndStaffSeeIt is the whole way on one instance:
// from the keys of a phone to the console's log, and a status back to the phone.
func TestSomeoneDialsInTheSimulatorAndStaffSeeIt(t *testing.T) {
	closeBrowser(t)
	dev := startDevInstance(t, serverstest.Dir(t), nil)
	t.Run("with scripts", func(t *testing.T) { dialsAndIsAnswered(t, dev, true, "+22300000001") })
	t.Run("without scripts", func(t *testing.T) { dialsAndIsAnswered(t, dev, false, "+22300000011") })
	t.Run("a wrong password", func(t *testing.T) {
		staff := visit(t, dev, true)
		staff.login("officer", "not this one")
		staff.says("[role=alert]", "")
		if staff.text("#login-problem") == "" {
			t.Error("no error is shown")
		}
		staff.fits("the login page with an error")
		staff.light("the login page with an error")
	})
}

func dialsAndIsAnswered(t *testing.T, dev devInstance, scripts bool, number string) {
	const screen, thread = "#phone-0 .screen", "#phone-0 .bubble:not(.mine)"
	words := "La baratte du groupe est en panne depuis lundi"
	if !scripts {
		words = "Le lait tourne avant le marche"
	}
	caller := visit(t, dev, scripts)
	caller.open(phonesPage(number))
	caller.press("*", "3", "8", "4", "#", "green")
	caller.says(screen, "1 Francais")
	caller.reply("1", "1 Avis sur un projet")
	caller.press("1", "green")
	caller.says(screen, "Code du projet")
	caller.reply(dev.projectKey(), dev.Projects[0].Name)
	caller.reply("3", "Ce projet est:")
	caller.reply("2", "Le projet, entre les gens:")
	caller.reply("1", "Ecrivez votre message.")
	end := caller.reply(words, "Votre code:")
	reference := shownReference.FindString(end)
	if reference == "" {
		t.Fatalf("the last screen gives no reference: %s", end)
	}

	caller.do(chromedp.SendKeys(chromedp.CSS("#phone-0-text"), "MENU"))
	if scripts {
		caller.do(chromedp.Click(chromedp.CSS("#phone-0 .compose .send button")))
	} else {
		caller.submit("#phone-0 .compose .send button")
		// The answer comes by a job; without scripts the page shows it when it is asked again.
		for range 60 {
			if n, err := chromedp.Run(caller.ctx, chromedp.Evaluate[int](`document.querySelectorAll("`+thread+`").length`)); err != nil || n > 0 {
				break
			}
			time.Sleep(250 * time.Millisecond)
			caller.open(phonesPage(number))
		}
	}
	caller.says(thread, "1 Avis sur un projet")
	caller.fits("the simulator")

	staff := visit(t, dev, scripts)
	staff.login("officer", dev.password(t, "officer"))
	staff.fits("the log")
	staff.light("the log")
	if e := staff.find(reference); !strings.Contains(e, words) {
		t.Errorf("the log says of %s: %s", reference, e)
	}
	if got := staff.text(".words .said"); got != words {
		t.Errorf("the submission says %q, she wrote %q", got, words)
	}
	staff.do(chromedp.Click(chromedp.CSS("input[value=in_progress]")), chromedp.SendKeys(chromedp.CSS("#note"), "Le reparateur passe jeudi."))
	staff.submit(".move button")
	history := staff.says(".moments", "Le reparateur passe jeudi.")
	if !strings.Contains(history, "En cours") || !strings.Contains(history, "Equipe projets (demo)") {
		t.Errorf("the history is %s", history)
	}
	if got := staff.text(".steps [aria-current]"); got != "En cours" {
		t.Errorf("the status is %q", got)
	}
	staff.fits("the submission")
	staff.light("the submission")

	caller.press("*", "3", "8", "4", "#", "green")
	caller.says(screen, "4 Mon code de suivi")
	caller.reply("4", "Votre code de suivi")
	caller.reply(strings.ReplaceAll(reference, "-", ""), reference+": en cours.")
}

// picturesEnv says where TestPictures writes: see `make pictures`.
const picturesEnv = "LAFIA_PICTURES"

// TestPictures takes the README's pictures of a fresh instance whose clock stands
// still and whose keys are always the same, so that they change only when a page
// does.
func TestPictures(t *testing.T) {
	dir := os.Getenv(picturesEnv)
	if dir == "" {
		t.Skip("`make pictures` takes them")
	}
	closeBrowser(t)
	cryptotest.SetGlobalRandom(t, 48271936)
	var clock atomic.Int64
	clock.Store(time.Date(2026, 11, 17, 10, 24, 0, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0).UTC() }
	later := func(d time.Duration) { clock.Add(int64(d / time.Second)) }
	data := serverstest.Dir(t)
	if err := vault.Create(filepath.Join(data, "keys")); err != nil { // before anything else takes of the chance
		t.Fatal(err)
	}
	dev := startDevInstance(t, data, now)
	const french, bambara = "+22300000001", "+22300000107"

	// She writes an SMS, then dials in French.
	caller := visit(t, dev, true)
	caller.open(phonesPage(french))
	caller.press("*", "3", "8", "4", "#", "green")
	caller.says("#phone-0 .screen", "1 Francais")
	caller.reply("1", "1 Avis sur un projet")
	caller.press("red")
	later(3 * time.Minute)
	caller.do(chromedp.SendKeys(chromedp.CSS("#phone-0-text"), "Merci pour les barattes. Quand passe la formatrice ?"), chromedp.Click(chromedp.CSS("#phone-0 .compose .send button")))
	caller.says("#phone-0 .bubble:not(.mine)", "Code")
	later(4 * time.Minute)
	caller.press("*", "3", "8", "4", "#", "green")
	caller.says("#phone-0 .screen", "1 Avis sur un projet")
	caller.reply("1", "Code du projet")
	caller.reply(dev.projectKey(), "C'est:")

	caller.open(phonesPage(bambara))
	caller.press("*", "3", "8", "4", "#", "green")
	caller.says("#phone-0 .screen", "2 Bamanankan")
	caller.reply("2", "Sugandi:")

	caller.open(phonesPage(french, bambara))
	caller.shoot(dir, "phone.png", 1280, 900, 1)
	caller.open(phonesPage(french))
	caller.shoot(dir, "phone-360.png", 360, 800, 2)

	staff := visit(t, dev, true)
	staff.login("officer", dev.password(t, "officer"))
	staff.shoot(dir, "console.png", 1280, 800, 1)
	staff.shoot(dir, "console-360.png", 360, 800, 2)
	staff.submit(".e-ref a")
	staff.shoot(dir, "console-submission.png", 1280, 800, 1)
}

// shoot takes a picture of the top of the page, without a focus ring or caret.
func (v *visitor) shoot(dir, name string, width, height int64, scale float64) {
	v.Helper()
	v.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)), chromedp.Evaluate[chromedp.Void]("document.activeElement.blur(); scrollTo(0, 0)"))
	time.Sleep(200 * time.Millisecond)
	r, err := chromedp.Call(v.ctx, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{})
	v.check(err)
	png := r.Data
	if len(png) > pictureWeight || !bytes.HasPrefix(png, []byte("\x89PNG")) {
		v.Errorf("%s is %d bytes, of %d at most", name, len(png), pictureWeight)
	}
	v.Logf("%s is %d bytes", name, len(png))
	v.check(os.WriteFile(filepath.Join(dir, name), png, 0o644))
}
