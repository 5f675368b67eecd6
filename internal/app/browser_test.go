package app_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
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
func startDevInstance(t *testing.T, o app.DevOptions) devInstance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	o.Listen, o.Out = "127.0.0.1:0", io.Discard
	go func() { ended <- app.Dev(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("the dev instance ended with", err)
		}
	})
	var d devInstance
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(o.Dir, "dev.json")); err == nil {
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

// TestSomeoneDialsInTheSimulatorAndStaffSeeIt is the whole way on one instance:
// from the keys of a phone to the console's log, and a status back to the phone.
func TestSomeoneDialsInTheSimulatorAndStaffSeeIt(t *testing.T) {
	dev := startDevInstance(t, app.DevOptions{Dir: serverstest.Dir(t)})
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
	caller.reply("1", "Peut-on vous repondre par SMS")
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

// pictures are those of the README.
var pictures = []string{"phone.png", "phone-360.png", "console.png", "console-360.png", "console-submission.png"}

// TestPictures takes the README's pictures of a fresh instance whose clock stands
// still and whose keys are always the same, so that they change only when a page
// does. When nobody wants new ones it looks at those that are there.
func TestPictures(t *testing.T) {
	dir := os.Getenv(picturesEnv)
	if dir == "" {
		for _, name := range pictures {
			if info, err := os.Stat(filepath.Join("../../docs/pictures", name)); err != nil || info.Size() > pictureWeight {
				t.Errorf("docs/pictures/%s is missing or heavier than %d bytes (%v): make pictures", name, pictureWeight, err)
			}
		}
		return
	}
	cryptotest.SetGlobalRandom(t, 48271936)
	clock := &stopped{}
	clock.pass(time.Duration(time.Date(2026, 11, 18, 9, 56, 0, 0, time.UTC).UnixNano()))
	o := app.DevOptions{Dir: serverstest.Dir(t), Now: clock.now, Point: func(string) { clock.pass(19 * time.Millisecond) }}
	if err := vault.Create(filepath.Join(o.Dir, "keys")); err != nil { // before anything else takes of the chance
		t.Fatal(err)
	}
	dev := startDevInstance(t, o)
	const french, bambara, other = "+22300000001", "+22300000107", "+22300000011"
	const screen = "#phone-0 .screen"
	caller := visit(t, dev, true)
	caller.do(chromedp.EmulateViewport(1280, 900, sharp))
	dial := func(number, next string) {
		caller.open(phonesPage(number))
		caller.press("*", "3", "8", "4", "#", "green")
		caller.says(screen, next)
	}

	cryptotest.SetGlobalRandom(t, 1)
	dial(other, "1 Francais")
	caller.reply("1", "1 Avis sur un projet")
	caller.reply("1", "Code du projet")
	caller.reply(dev.projectKey(), "C'est:")
	caller.reply("3", "Ce projet est:")
	caller.reply("2", "Le projet, entre les gens:")
	caller.reply("1", "Peut-on vous repondre par SMS")
	caller.reply("1", "Ecrivez votre message.")
	reference := shownReference.FindString(caller.reply("La baratte du groupe est en panne depuis lundi, et le lait tourne avant le marche.", "Votre code:"))

	clock.pass(6 * time.Minute)
	dial(french, "1 Francais")
	caller.reply("1", "1 Avis sur un projet")
	caller.press("red")
	time.Sleep(3 * time.Second)      // her draft is sealed within two, which takes of the chance
	cryptotest.SetGlobalRandom(t, 2) // the message's id comes next, and from that its code
	caller.do(chromedp.SendKeys(chromedp.CSS("#phone-0-text"), "Merci pour les barattes. Quand passe la formatrice ?"), chromedp.Click(chromedp.CSS("#phone-0 .compose .send button")))
	caller.says("#phone-0 .bubble:not(.mine)", "Code")
	clock.pass(4 * time.Minute)
	dial(french, "1 Avis sur un projet")
	caller.reply("1", "Code du projet")
	caller.reply(dev.projectKey(), "C'est:")
	dial(bambara, "2 Bamanankan")
	caller.reply("2", "Sugandi:")

	picture{"phone.png", 1280, "#phones", 0}.take(t, dev, dir, "", phonesPage(french, bambara))
	picture{"phone-360.png", 360, "#phone-0 .device", 0}.take(t, dev, dir, "", phonesPage(french))

	clock.pass(5 * time.Minute)
	picture{"console.png", 1280, ".entry", 6}.take(t, dev, dir, "officer", "/console/messages")
	picture{"console-360.png", 360, ".entry", 2}.take(t, dev, dir, "officer", "/console/messages")
	staff := visit(t, dev, true)
	staff.do(chromedp.EmulateViewport(1280, 900, sharp))
	staff.login("officer", dev.password(t, "officer"))
	staff.find(reference)
	staff.do(chromedp.Click(chromedp.CSS("input[value=in_progress]")), chromedp.SendKeys(chromedp.CSS("#note"), "Le réparateur passe jeudi matin, avant le marché. Le comité est prévenu."))
	clock.pass(2 * time.Minute)
	staff.submit(".move button")
	at, err := chromedp.Run(staff.ctx, chromedp.Evaluate[string]("location.pathname"))
	staff.check(err)
	picture{"console-submission.png", 1280, ".sheet", 0}.take(t, dev, dir, "officer", at)
}

// stopped is a clock that goes on only when it is told to.
type stopped struct{ ns atomic.Int64 }

func (s *stopped) now() time.Time       { return time.Unix(0, s.ns.Load()).UTC() }
func (s *stopped) pass(d time.Duration) { s.ns.Add(int64(d)) }

// picture is one of a page, from its top to the end of the n-th such element.
type picture struct {
	name  string
	width int64
	last  string
	n     int
}

// sharp is for screens of two points a pixel. All that a picture's browser shows
// has it, since text keeps fractions of the scale it was first laid out at.
var sharp = chromedp.EmulateScale(2)

// take opens the page in a tab of its own and writes the picture.
func (p picture) take(t *testing.T, d devInstance, dir, user, path string) {
	t.Helper()
	v := visit(t, d, true)
	v.do(chromedp.EmulateViewport(p.width, 800, sharp))
	if user != "" {
		v.login(user, d.password(t, user))
	}
	v.open(path)
	bottom, err := chromedp.Run(v.ctx, chromedp.Evaluate[float64](fmt.Sprintf("Math.round(document.querySelectorAll(%q)[%d].getBoundingClientRect().bottom)", p.last, p.n)))
	v.check(err)
	v.do(chromedp.EmulateViewport(p.width, int64(bottom)+8, sharp))
	v.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, 0)) // or it hovers where it clicked
	time.Sleep(200 * time.Millisecond)
	r, err := chromedp.Call(v.ctx, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{})
	v.check(err)
	shown, err := png.Decode(bytes.NewReader(r.Data))
	v.check(err)
	var b bytes.Buffer
	v.check((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, indexed(shown)))
	if b.Len() > pictureWeight {
		v.Errorf("%s is %d bytes, of %d at most", p.name, b.Len(), pictureWeight)
	}
	v.Logf("%s is %d bytes, %d as it came", p.name, b.Len(), len(r.Data))
	v.check(os.WriteFile(filepath.Join(dir, p.name), b.Bytes(), 0o644))
}

// indexed gives the picture in its 256 commonest colours, close ones counted as
// one: a third of the bytes, and nobody sees it.
func indexed(shown image.Image) *image.Paletted {
	type sum struct{ n, r, g, b int }
	sums := map[[3]uint8]*sum{}
	each := func(do func(x, y int, c color.NRGBA)) {
		for y := shown.Bounds().Min.Y; y < shown.Bounds().Max.Y; y++ {
			for x := shown.Bounds().Min.X; x < shown.Bounds().Max.X; x++ {
				do(x, y, color.NRGBAModel.Convert(shown.At(x, y)).(color.NRGBA))
			}
		}
	}
	each(func(_, _ int, c color.NRGBA) {
		near := [3]uint8{c.R >> 3, c.G >> 3, c.B >> 3}
		if sums[near] == nil {
			sums[near] = &sum{}
		}
		s := sums[near]
		s.n, s.r, s.g, s.b = s.n+1, s.r+int(c.R), s.g+int(c.G), s.b+int(c.B)
	})
	order := slices.SortedFunc(maps.Keys(sums), func(a, b [3]uint8) int {
		return cmp.Or(cmp.Compare(sums[b].n, sums[a].n), bytes.Compare(a[:], b[:]))
	})
	var palette color.Palette
	for _, near := range order[:min(len(order), 256)] {
		s := sums[near]
		palette = append(palette, color.NRGBA{uint8(s.r / s.n), uint8(s.g / s.n), uint8(s.b / s.n), 255})
	}
	out, known := image.NewPaletted(shown.Bounds(), palette), map[color.NRGBA]uint8{}
	each(func(x, y int, c color.NRGBA) {
		i, ok := known[c]
		if !ok {
			i = uint8(palette.Index(c))
			known[c] = i
		}
		out.SetColorIndex(x, y, i)
	})
	return out
}
