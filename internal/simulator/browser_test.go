package simulator

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lafia/internal/browsertest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	browsertest.Stop()
	os.Exit(code)
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// until waits for a script to say true.
func until(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	for range 100 {
		if evaluate[bool](t, ctx, script) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never true: %s\nthe page says: %s", script, evaluate[string](t, ctx, "document.querySelector('main').innerText"))
}

// press clicks a key of the first phone.
func press(t *testing.T, ctx context.Context, names ...string) {
	t.Helper()
	for _, name := range names {
		do(t, ctx, chromedp.Click(chromedp.CSS(`#phone-0 button[name=key][value="`+name+`"]`)))
	}
}

func TestWithScriptAPhoneWorksWithoutAReload(t *testing.T) {
	l := newLab(t)
	ctx := browsertest.New(t)
	do(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(l.url+"/simulator"+view2))
	evaluate[bool](t, ctx, "window.same = true")
	screen := func(text string) string {
		return `document.querySelector('#phone-0 .screen').innerText.trim() === ` + "`" + text + "`"
	}

	press(t, ctx, "*", "3", "8", "4", "5", "rub", "*", "7", "#")
	until(t, ctx, `document.querySelector('#phone-0-typed').value === '*384*7#'`)
	if n := len(l.got()); n != 0 {
		t.Fatalf("typing made %d requests", n)
	}
	press(t, ctx, "green")
	until(t, ctx, screen("7"))
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#phone-0-typed"), "Gao\r"))
	until(t, ctx, screen("7*Gao"))
	until(t, ctx, `document.querySelector('#phone-0-typed').value === '' && document.activeElement.id === 'phone-0-typed'`)
	press(t, ctx, "again")
	until(t, ctx, `document.querySelector('#phone-0 .verdict.same') !== null && document.activeElement.value === 'again'`)

	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#phone-0-text"), "Bonjour"))
	until(t, ctx, `document.querySelector('#phone-0 [data-meter]').textContent.startsWith('7 septets')`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#phone-0 .compose button")))
	until(t, ctx, `document.querySelector('#phone-0 .bubble.mine .text')?.textContent === 'Bonjour' && document.querySelector('#phone-0-text').value === ''`)

	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#phone-1-text"), "Je suis en train d'écrire"))
	l.Do(context.Background(), "africastalking", sendRequest("username", "u", "to", his, "message", "Merci"))
	until(t, ctx, `document.querySelector('#phone-1 .bubble .text')?.textContent === 'Merci'`)
	if !evaluate[bool](t, ctx, `window.same && document.querySelector('#phone-1-text').value === "Je suis en train d'écrire"`) {
		t.Error("the page was loaded anew, or what was being written is gone")
	}
}

// accessible lets axe-core look at the page: WCAG 2.2 A and AA, and best practices.
func accessible(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	axe, err := os.ReadFile("../console/testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](string(axe)+";0"))
	wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.passes.length < 5 ? ["axe looked at nothing"] : r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + " " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Errorf("%s: %s", name, w)
	}
}

func TestThePageFitsASmallScreenAndIsAccessible(t *testing.T) {
	l := newLab(t)
	l.answers(200, "CON "+"Lafia\n1 Avis sur un projet\n2 Signaler une tension\n3 Rapport d'un groupe\n4 Ma reference\n5 Langue\n9 Confidentiel")
	l.do(dial, "phone", her, "code", "*384#")
	l.do("/simulator/sms", "phone", her, "text", "AVIS LAF1 la pompe est en panne depuis lundi")
	l.Do(context.Background(), "africastalking", sendRequest("username", "u", "to", her, "message", "Merci. Votre référence est 4827-1936."))
	l.answers(200, "END Merci. Votre référence: 4827-1936. Gardez-la.")
	l.do(dial, "phone", his, "code", "*384#")
	l.do(keys, "phone", his, "key", "again")
	for _, w := range []struct {
		name  string
		width int64
	}{{"360", 360}, {"1280", 1280}} {
		ctx := browsertest.New(t)
		do(t, ctx, chromedp.EmulateViewport(w.width, 900), chromedp.Navigate(l.url+"/simulator"+view2))
		if over := evaluate[int](t, ctx, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			t.Errorf("at %s px the page is %d px too wide", w.name, over)
		}
		accessible(t, ctx, w.name)
		if dir := os.Getenv("LAFIA_PICTURES"); dir != "" { // for people to look at
			b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "simulator-"+w.name+".png"), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
