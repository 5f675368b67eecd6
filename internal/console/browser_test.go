package console

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lafia/internal/browsertest"
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

func TestPictures(t *testing.T) {
	s := exampleSite(t)
	for _, w := range []struct {
		name  string
		width int64
	}{{"360", 360}, {"1280", 1280}} {
		ctx := browsertest.New(t)
		do(t, ctx, chromedp.EmulateViewport(w.width, 800))
		do(t, ctx, chromedp.Navigate(s.url+"/console/login"))
		picture(t, ctx, w.name+"-login")
		s.enter(t, ctx, staff.Peace)
		picture(t, ctx, w.name+"-log")
		click(t, ctx, ".day .e-ref a")
		picture(t, ctx, w.name+"-report")
		do(t, ctx, chromedp.Navigate(s.url+"/console/messages/00000000-0000-8000-8000-000000000007"))
		picture(t, ctx, w.name+"-message")
		for _, r := range []staff.Role{staff.Administrator, staff.Protection} {
			ctx := browsertest.New(t)
			do(t, ctx, chromedp.EmulateViewport(w.width, 800))
			s.enter(t, ctx, r)
			if r == staff.Protection {
				picture(t, ctx, w.name+"-confidential")
				do(t, ctx, chromedp.SendKeys(chromedp.CSS("#password"), password))
				click(t, ctx, "form.form button")
				picture(t, ctx, w.name+"-opened")
				do(t, ctx, chromedp.Navigate(s.url+"/console/nowhere"))
				picture(t, ctx, w.name+"-missing")
				continue
			}
			for _, p := range []string{"languages", "channels", "accounts"} {
				do(t, ctx, chromedp.Navigate(s.url+"/console/"+p))
				picture(t, ctx, w.name+"-"+p)
			}
		}
	}
}
