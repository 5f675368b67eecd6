package console

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"lafia/internal/browsertest"
	"lafia/internal/casework"
	"lafia/internal/programme"
	"lafia/internal/staff"
)

// exampleSite holds a few days of messages as a region may get them.
func exampleSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	day := 24 * time.Hour
	for _, m := range []struct {
		back time.Duration
		programme.Submission
	}{
		{5*day + 3*time.Hour, programme.Submission{Kind: programme.Progress, Project: "LAF2", Group: "BEU2", Status: programme.Closed, Answers: map[string]string{"group": "Femmes de Goundam", "month": "2026-10", "MEM": "24", "REU": "4", "EPA": "24000", "REC": "142000", "EQU": "2", "PB": "2"}}},
		{2*day + 1*time.Hour, programme.Submission{Kind: programme.Feedback, Project: "LAF1", Place: "ML060504", Status: programme.Answered, Language: "ses", Text: "Ir ga faabu wo, hari foo no kaŋ ga boori. Ɲaamay ma tonton.", Answers: map[string]string{"type": "M", "rating": "5", "cohesion": "together"}}},
		{2 * day, programme.Submission{Kind: programme.Tension, Place: "ML060101", Status: programme.InProgress, Text: "Les animaux sont passés dans les champs près du fleuve, deux jours de suite. Les gens se parlent encore, mais plus comme avant.", Answers: map[string]string{"type": "G3", "phase": "P2", "when": "U2"}}},
		{day + 6*time.Hour, programme.Submission{Kind: programme.Open, Medium: "sms", Language: "bm", Status: programme.Acknowledged, Text: "Aw ni baara. An b'a fɛ ka dɔn ni kɔlɔn bɛna labɛn joona. Ji tɛ sɔrɔ sɔgɔma fɛ, musow bɛ taama yɔrɔ jan na."}},
		{day + 2*time.Hour, programme.Submission{Kind: programme.Tension, Level: programme.L2, Place: "ML060504", Text: "Un troupeau a été pris sur la route du marché.", Answers: map[string]string{"type": "G5", "phase": "P3", "when": "U1"}, Synthetic: true}},
		{3 * time.Hour, programme.Submission{Kind: programme.Feedback, Project: "LAF2", Language: "fr", Answers: map[string]string{"type": "Q", "rating": "3", "cohesion": "neither"}, Synthetic: true, Text: "Quand est-ce que la nouvelle machine arrive ?"}},
		{time.Hour, programme.Submission{Kind: programme.Feedback, Project: "LAF1", Place: "ML060504", Language: "fr", Reference: "48271936", Synthetic: true, Text: "La pompe fait du bruit depuis la semaine passée et l'eau vient mal le soir. Le comité dit d'attendre. Est-ce que quelqu'un peut venir voir avant le jour du marché ?", Answers: map[string]string{"type": "P", "rating": "2", "cohesion": "together"}}},
		{12 * time.Minute, programme.Submission{Kind: programme.Progress, Project: "LAF2", Medium: "sms", Partial: true, Synthetic: true, Answers: map[string]string{"group": "Femmes de Goundam", "month": "2026-11", "MEM": "25", "REU": "4"}}},
	} {
		m.ReceivedAt = s.now.Add(-m.back)
		s.submit(t, m.Submission)
	}
	s.confide(t, programme.ConfidentialBody{Source: "menu", Channel: "africastalking", Medium: "ussd", Language: "fr", Answers: map[string]string{"when": "morning"}, Number: "+223 00 00 00 01", ReceivedAt: s.now})
	s.confide(t, programme.ConfidentialBody{Source: "words", Channel: "africastalking", Medium: "sms", Language: "fr", Kind: programme.Open, Text: "Je veux parler à une femme de l'équipe, pas au téléphone de la maison.", ReceivedAt: s.now})
	return s
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// enter signs in by the page, and waits for the first page.
func (s *site) enter(t *testing.T, ctx context.Context, r staff.Role) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(s.url+"/console"), chromedp.SendKeys(chromedp.CSS("#username"), string(r)), chromedp.SendKeys(chromedp.CSS("#password"), password))
	click(t, ctx, "form.form button")
}

// click clicks and waits for the page it leads to.
func click(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("clicking %s: %v", selector, err)
	}
}

// picture writes a picture of the page where $LAFIA_PICTURES says, for people to
// look at.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("LAFIA_PICTURES")
	if dir == "" {
		return
	}
	b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "console-"+name+".png"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// held checks what every page keeps to at every width: nothing to scroll
// sideways, and nothing to touch that is smaller than 44 px.
func held(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	const script = `(() => {
		const wrong = [];
		const over = document.documentElement.scrollWidth - window.innerWidth;
		if (over > 0) wrong.push("scrolls sideways by " + over + " px");
		for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea")) {
			if (e.matches(".skip, .e-ref a")) continue; // off screen; covers the whole entry
			let r = e.getBoundingClientRect();
			if (e.matches("[type=radio], [type=checkbox]")) r = e.closest("label").getBoundingClientRect();
			if (r.height < 44 || r.width < 24) wrong.push(e.outerHTML.slice(0, 80) + " is " + r.width + "×" + r.height);
			if (r.left < 0 || r.right > window.innerWidth + 0.5) wrong.push(e.outerHTML.slice(0, 80) + " is cut off");
		}
		for (const e of document.querySelectorAll(".entry")) {
			if (e.getBoundingClientRect().height < 44) wrong.push("an entry is too low");
		}
		return wrong;
	})()`
	wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](script))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Errorf("%s: %s", name, w)
	}
}

//go:embed testdata/axe.min.js
var axe string

// accessible lets axe-core look at the page: WCAG 2.2 A and AA, and best practices.
func accessible(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	do(t, ctx, chromedp.Evaluate[chromedp.Void](axe+";0"))
	const script = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => {
		if (r.passes.length < 5) return ["axe looked at nothing"];
		return r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + " " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message));
	})`
	wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Errorf("%s: %s", name, w)
	}
}

func text(t *testing.T, ctx context.Context, selector string) string {
	t.Helper()
	s, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		t.Fatalf("reading %s: %v", selector, err)
	}
	return s
}

var widths = []struct {
	name  string
	width int64
}{{"360", 360}, {"1280", 1280}}

func TestSheSignsInFindsAMessageAndMovesItWithANoteWithAndWithoutScripts(t *testing.T) {
	for _, w := range widths {
		for _, scripts := range []bool{true, false} {
			name := w.name + map[bool]string{true: " with scripts", false: " without scripts"}[scripts]
			s := exampleSite(t)
			ctx := browsertest.New(t)
			do(t, ctx, chromedp.EmulateViewport(w.width, 800))
			if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts}); err != nil {
				t.Fatal(err)
			}
			s.enter(t, ctx, staff.Officer)
			held(t, ctx, name+": log")
			do(t, ctx, chromedp.SetValue(chromedp.CSS("#f-project"), "LAF1"), chromedp.SetValue(chromedp.CSS("#f-status"), "new"))
			click(t, ctx, ".filters button")
			if got := text(t, ctx, ".ledger"); !strings.Contains(got, "4827-1936") || strings.Contains(got, "Goundam") {
				t.Fatalf("%s: the filtered log is %s", name, got)
			}
			held(t, ctx, name+": filtered log")
			click(t, ctx, ".e-ref a")
			held(t, ctx, name+": message")
			if got := text(t, ctx, ".words .said"); !strings.HasPrefix(got, "La pompe fait du bruit") {
				t.Fatalf("%s: the words are %q", name, got)
			}
			do(t, ctx, chromedp.Click(chromedp.CSS("input[value=in_progress]")), chromedp.SendKeys(chromedp.CSS("#note"), "Le technicien passe jeudi."))
			click(t, ctx, ".move button")
			if got := text(t, ctx, "[role=status]"); got != "C’est enregistré." {
				t.Errorf("%s: told %q", name, got)
			}
			if got := text(t, ctx, ".steps [aria-current]"); got != "En cours" {
				t.Errorf("%s: the status is %q", name, got)
			}
			if got := text(t, ctx, ".moments"); !strings.Contains(got, "Nouveau → En cours") || !strings.Contains(got, "Le technicien passe jeudi.") || !strings.Contains(got, "Awa Maïga") {
				t.Errorf("%s: the history is %q", name, got)
			}
			held(t, ctx, name+": moved")
			picture(t, ctx, w.name+"-moved")
			click(t, ctx, ".who form:last-child button")
			if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || at != s.url+"/console/login" {
				t.Errorf("%s: after signing out at %s, %v", name, at, err)
			}
		}
	}
}

func TestPagesAreAccessibleWithDataAndWithAnErrorShown(t *testing.T) {
	s := exampleSite(t)
	for _, w := range widths {
		ctx := browsertest.New(t)
		do(t, ctx, chromedp.EmulateViewport(w.width, 800), chromedp.Navigate(s.url+"/console/login"))
		look := func(name string) {
			t.Helper()
			accessible(t, ctx, w.name+" "+name)
			held(t, ctx, w.name+" "+name)
			picture(t, ctx, w.name+"-"+name)
		}
		look("login")
		do(t, ctx, chromedp.SendKeys(chromedp.CSS("#username"), "nobody"), chromedp.SendKeys(chromedp.CSS("#password"), "no such password"))
		click(t, ctx, "form.form button")
		look("login-wrong")
		s.enter(t, ctx, staff.Administrator)
		look("log")
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages?kind=tension&language=ses"))
		look("log-empty")
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages/00000000-0000-8000-8000-000000000007"))
		look("message")
		do(t, ctx, chromedp.RemoveAttribute(chromedp.CSS("input[value=closed]"), "required"), chromedp.Evaluate[chromedp.Void](`document.querySelector(".move form").noValidate = true`), chromedp.SendKeys(chromedp.CSS("#note"), "Note qui reste."))
		click(t, ctx, ".move button")
		look("message-wrong")
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages/00000000-0000-8000-8000-000000000008"))
		look("report")
		do(t, ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector("#confirm-note").value = "é".repeat(%d)`, casework.NoteMost+1)))
		click(t, ctx, ".confirm button")
		look("report-wrong")
		for _, p := range []string{"languages", "channels", "accounts", "nowhere", "menus", "menus/progress/bm", "menus/main/fr?zoom=200", "menus/feedback/ses?zoom=fit"} {
			do(t, ctx, chromedp.Navigate(s.url+"/console/"+p))
			look(strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(p))
		}
		called := s.call(t, programme.Submission{Reference: "48271936", Text: "Rappelez moi svp", ReceivedAt: s.now.Add(-time.Duration(w.width) * time.Second)}, s.now.Add(time.Hour))
		s.answer(t, called, "ambiguous", "Lafia: message recu. Reference 4827-1936.")
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages/"+called))
		look("call")
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("section.confirm form").noValidate = true`))
		click(t, ctx, "section.confirm button")
		look("call-wrong")
		do(t, ctx, chromedp.SendKeys(chromedp.CSS("#reason"), "Elle demande qu’on l’appelle."))
		click(t, ctx, "section.confirm button")
		if got := text(t, ctx, ".number"); got != "70\u00A000\u00A000\u00A001" {
			t.Errorf("%s: the number is %q", w.name, got)
		}
		look("number")
		click(t, ctx, ".panel .button")
		if got := text(t, ctx, ".moments"); !strings.Contains(got, "Numéro montré") || !strings.Contains(got, "Elle demande qu’on l’appelle.") {
			t.Errorf("%s: the history is %q", w.name, got)
		}
		look("called")
		if _, err := s.pool.Exec(t.Context(), `update number set keep_until = $1`, s.now); err != nil {
			t.Fatal(err)
		}
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages/"+called))
		look("call-gone")
		ctx = browsertest.New(t)
		do(t, ctx, chromedp.EmulateViewport(w.width, 800))
		s.enter(t, ctx, staff.Protection)
		look("confidential")
		do(t, ctx, chromedp.SendKeys(chromedp.CSS("#password"), "no such password"))
		click(t, ctx, "form.form button")
		look("confidential-wrong")
		do(t, ctx, chromedp.SendKeys(chromedp.CSS("#password"), password))
		click(t, ctx, "form.form button")
		look("opened")
	}
}

// payloads are what people could send by SMS to run in the team's browser.
func payloads() []string {
	list := []string{
		`<script>alert(1)</script>`, `<ScRiPt>alert(1)</sCrIpT>`, `<script src=data:,alert(1)></script>`, `</script><script>alert(1)</script>`,
		`<img src=x onerror=alert(1)>`, `<img src=x onerror="alert(1)"//`, `"><img src=x onerror=alert(1)>`, `'><img src=x onerror=alert(1)>`,
		`<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><animate onbegin=alert(1) attributeName=x>`, `<math><mi//xlink:href="data:x,<script>alert(1)</script>">`,
		`<body onload=alert(1)>`, `<iframe src=javascript:alert(1)>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<object data=javascript:alert(1)>`,
		`<embed src=javascript:alert(1)>`, `<a href=javascript:alert(1)>x</a>`, `<form action=javascript:alert(1)><input type=submit>`, `<input autofocus onfocus=alert(1)>`,
		`<select autofocus onfocus=alert(1)>`, `<textarea autofocus onfocus=alert(1)>`, `</textarea><script>alert(1)</script>`, `</title><script>alert(1)</script>`,
		`</blockquote><script>alert(1)</script>`, `<details open ontoggle=alert(1)>`, `<video><source onerror=alert(1)>`, `<audio src=x onerror=alert(1)>`,
		`<marquee onstart=alert(1)>`, `<meta http-equiv=refresh content="0;url=javascript:alert(1)">`, `<base href=//example.org/>`, `<link rel=stylesheet href=//example.org/x.css>`,
		`<style>@import'//example.org/x.css';</style>`, `<p style="background:url(javascript:alert(1))">`, `<div onmouseover=alert(1)>`, `" onmouseover=alert(1) x="`,
		`' onfocus=alert(1) autofocus '`, "` onload=alert(1) `", `<!--><script>alert(1)</script>-->`, `<![CDATA[<script>alert(1)</script>]]>`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;alert(1)&#60;/script&#62;`, `\u003cscript\u003ealert(1)\u003c/script\u003e`, `%3Cscript%3Ealert(1)%3C/script%3E`,
		"<scr\x00ipt>alert(1)</script>", "\u202e<script>alert(1)</script>", `<template><script>alert(1)</script></template>`, `<noscript><p title="</noscript><script>alert(1)</script>">`,
		`{{constructor.constructor('alert(1)')()}}`, `<x onclick=alert(1)>ɛɔŋɲ`, `+ADw-script+AD4-alert(1)+ADw-/script+AD4-`, `<svg/onload=alert(1)//`,
	}
	return list
}

func TestWhatPeopleSendIsShownAsTextAndNeverRuns(t *testing.T) {
	s := newSite(t)
	var ids []string
	for _, p := range payloads() {
		column := strings.ReplaceAll(p, "\x00", "") // PostgreSQL takes no NUL in a column; a sealed text may hold one
		ids = append(ids, s.submit(t, programme.Submission{Text: p, Project: column, Place: column, Channel: column, Answers: map[string]string{"type": column, column: column}}))
		s.confide(t, programme.ConfidentialBody{Source: p, Channel: p, Language: "fr", Text: p, Number: p, Answers: map[string]string{"when": p, p: p}})
	}
	if len(ids) < 50 {
		t.Fatalf("only %d payloads", len(ids))
	}
	ctx := browsertest.New(t)
	var ran atomic.Int32
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev.(type) {
		case *cdppage.EventJavascriptDialogOpening, *runtime.EventConsoleAPICalled, *runtime.EventExceptionThrown:
			ran.Add(1)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// Markup that got through would show as an element that no page of ours has; our
	// own details are folds.
	const strange = `document.querySelectorAll("script, iframe, object, embed, svg, math, video, audio, details:not(.fold), marquee, base, style, template, noscript, x, .said *, dd *, [onerror], [onload], [onfocus], [onmouseover], [onclick]").length`
	clean := func(where string) {
		t.Helper()
		n, err := chromedp.Run(ctx, chromedp.Evaluate[int](strange))
		if err != nil {
			t.Fatal(err)
		}
		if n != 0 || ran.Load() != 0 {
			t.Errorf("%s: %d strange elements, %d things ran", where, n, ran.Load())
		}
	}
	s.enter(t, ctx, staff.Coordinator)
	for _, q := range []string{"", "?after=" + ids[len(ids)-casework.PageSize], "?after=" + ids[len(ids)-2*casework.PageSize]} {
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages"+q))
		clean("log" + q)
	}
	for i, id := range ids {
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages/"+id))
		clean(payloads()[i])
		got, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS(".words .said")))
		// A browser leaves out NUL, which no text of HTML may hold.
		if want := strings.ReplaceAll(payloads()[i], "\x00", ""); err != nil || got != want {
			t.Errorf("shown as %q, sent as %q, %v", got, want, err)
		}
	}
	// What staff type comes back in forms: a note on a refused move.
	for _, p := range payloads()[:8] {
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages/"+ids[0]), chromedp.SetValue(chromedp.CSS("#note"), p), chromedp.Evaluate[chromedp.Void](`document.querySelector(".move form").noValidate = true`))
		click(t, ctx, ".move button")
		clean("note " + p)
	}
	ctx = browsertest.New(t)
	s.enter(t, ctx, staff.Protection)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#password"), password))
	click(t, ctx, "form.form button")
	clean("confidential")
}

func TestTheKeyboardMeetsASkipLinkAndSeesWhereItIs(t *testing.T) {
	s := exampleSite(t)
	ctx := browsertest.New(t)
	do(t, ctx, chromedp.EmulateViewport(1280, 800))
	s.enter(t, ctx, staff.Officer)
	const focused = `(() => { const e = document.activeElement, o = getComputedStyle(e), a = getComputedStyle(e, "::after"), r = e.getBoundingClientRect();
		return e.className + " " + (o.outlineStyle != "none" || a.outlineStyle != "none") + " " + (r.top >= 0); })()`
	do(t, ctx, chromedp.KeyEvent("\t"))
	time.Sleep(50 * time.Millisecond)
	if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused)); err != nil || got != "skip true true" {
		t.Errorf("the first tab is at %q, %v", got, err)
	}
	for range 14 {
		do(t, ctx, chromedp.KeyEvent("\t"))
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused))
		if err != nil || !strings.Contains(got, " true ") {
			t.Errorf("a tab is at %q without being seen, %v", got, err)
		}
	}
}
