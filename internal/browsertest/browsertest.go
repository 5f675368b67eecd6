// Package browsertest gives tests a tab of a Chromium that the whole test binary
// shares. It is for tests alone.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// command installs what is missing; it is said when no browser is found, since a
// test that is skipped silently holds nothing.
const command = ".tools/setup.sh test"

// names are looked for on PATH, in the order of .tools/setup.sh, after
// $LAFIA_CHROMIUM.
var names = []string{"chromium", "chromium-browser", "chromium-headless-shell", "google-chrome", "google-chrome-stable"}

var apps = []string{
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// startWithin bounds one test's use of the browser, its start included: two
// busy cores take long.
const startWithin = 3 * time.Minute

// shared is the browser of this test binary.
type shared struct {
	once sync.Once
	ctx  context.Context
	stop context.CancelFunc
	dir  string
	err  error
}

var browser shared

// New gives a tab of its own to a test, with its own cookies, closed when the
// test ends. Where no Chromium is installed the test fails, with the line to run.
func New(t testing.TB) context.Context {
	t.Helper()
	browser.once.Do(browser.start)
	if browser.err != nil {
		t.Fatal(browser.err)
	}
	tab, closeTab := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	ctx, cancel := context.WithTimeout(tab, startWithin)
	t.Cleanup(func() {
		cancel()
		closeTab()
	})
	return ctx
}

// Stop ends the browser, if one was started: for a TestMain, before it looks for
// what the tests left running.
func Stop() {
	if browser.stop == nil {
		return
	}
	_ = chromedp.Cancel(browser.ctx)
	browser.stop()
	for range 50 { // its children may still write for a moment
		if os.RemoveAll(browser.dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *shared) start() {
	path, err := find()
	if err != nil {
		s.err = err
		return
	}
	if s.dir, s.err = os.MkdirTemp("", "lafia-browser-"); s.err != nil {
		return
	}
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(s.dir),
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Headless,
		chromedp.NoSandbox, // it refuses to run as root with one
		chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"),
	}
	// dependencies.md 4: no traffic of its own, and no /dev/shm in containers.
	for _, f := range []string{"disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage", "disable-extensions"} {
		flags = append(flags, chromedp.Flag(f, true))
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, stop := chromedp.NewContext(alloc)
	s.ctx, s.stop = ctx, func() { stop(); stopAlloc() }
	if err := chromedp.Do(ctx); err != nil { // starts it
		s.err = fmt.Errorf("browsertest: %s does not start: %w", path, err)
	}
}

func find() (string, error) {
	if p := os.Getenv("LAFIA_CHROMIUM"); p != "" {
		return p, nil
	}
	for _, n := range names {
		p, err := exec.LookPath(n)
		if err == nil && !isSnapStub(p) {
			return p, nil
		}
	}
	for _, p := range apps {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("browsertest: no Chromium is installed; from the root of the repository run: %s", command)
}

// isSnapStub tells Ubuntu's chromium-browser, a script that only asks for a snap.
func isSnapStub(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, 4096)
	n, _ := f.Read(b)
	return strings.Contains(string(b[:n]), "snap install")
}
