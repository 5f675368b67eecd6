package browsertest

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestMain(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

func TestTwoTestsShareABrowserAndNoCookies(t *testing.T) {
	for range 2 {
		ctx := New(t)
		if err := chromedp.Do(ctx, chromedp.Navigate("data:text/html;charset=utf-8,<title>ɛɔŋɲ</title>")); err != nil {
			t.Fatal(err)
		}
		title, err := chromedp.Run(ctx, chromedp.Title())
		if err != nil || title != "ɛɔŋɲ" {
			t.Errorf("title is %q, %v", title, err)
		}
	}
}

func TestWithoutAChromiumTheLineToRunIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("LAFIA_CHROMIUM", "")
	if len(apps) > 0 {
		if _, err := os.Stat(apps[0]); err == nil {
			t.Skip("a browser is installed as an application")
		}
	}
	if _, err := find(); err == nil || !strings.Contains(err.Error(), command) {
		t.Errorf("err = %v", err)
	}
}
