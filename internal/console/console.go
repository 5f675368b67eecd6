// Package console is where the team reads what people say and says what became
// of it: pages of plain HTML, rendered here, that work without JavaScript (none
// is sent). It knows casework, and no store, vault or adapter.
//
// Security in one place: routes.go allows by staff's table and checks forms,
// security.go has cookies, tokens and headers.
package console

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"lafia/internal/casework"
	"lafia/internal/locale"
)

//go:embed locales/*.toml
var localeFiles embed.FS

// Channel is the health of one channel, as its page shows it.
type Channel struct {
	Name       string
	Adapter    string
	LastAt     time.Time // when somebody was last heard on it; zero: never
	Received   int       // messages and finished calls of the last 24 hours
	Unreadable int       // authentic requests of the last 24 hours that could not be read
	Refused    int       // forged or unknown requests of the last 24 hours
	Waiting    int       // messages that wait to be sent
	Failed     int       // messages of the last 24 hours that could not be sent
	Altered    int       // messages of the last 24 hours whose id had come before with something else
	Unhandled  int       // received messages that wait to be handled
}

// Options of a Console. Desk, Now, Random, Flows and Locales are needed.
type Options struct {
	Desk    *casework.Desk
	Now     func() time.Time
	Random  func(n int) []byte // from a cryptographic source
	Flows   fs.FS              // the menus that callers meet
	Locales fs.FS              // the words of the menus, with their lists of attested words
	// SecureCookies gives cookies the __Host- prefix and Secure: right behind
	// TLS and on localhost, wrong over plain http on a network.
	SecureCookies bool
	// Banner says on every page that the data are examples.
	Banner bool
	// Channels gives the health of the channels. nil: none.
	Channels func(ctx context.Context) ([]Channel, error)
	// RegionName gives the name of an adm1 code, empty when it has none. nil:
	// codes are shown.
	RegionName func(code string) string
	// Log gets errors by class, never with a name, a text or a query string.
	// nil: nothing is logged.
	Log *slog.Logger
}

// Console serves the pages.
type Console struct {
	o       Options
	catalog *locale.Catalog
	menus   *menus
	assets  assets
	cookies cookies
}

// New makes a console, and fails only where its own words, or the menus and
// their words, do not load.
func New(o Options) (*Console, error) {
	sub, err := fs.Sub(localeFiles, "locales")
	if err != nil {
		return nil, fmt.Errorf("reading the console's words: %w", err)
	}
	catalog, err := locale.Load(sub)
	if err != nil {
		return nil, fmt.Errorf("reading the console's words: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RegionName == nil {
		o.RegionName = func(string) string { return "" }
	}
	if o.Channels == nil {
		o.Channels = func(context.Context) ([]Channel, error) { return nil, nil }
	}
	m, err := loadMenus(o)
	if err != nil {
		return nil, err
	}
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	return &Console{o: o, catalog: catalog, menus: m, assets: a, cookies: cookiesFor(o.SecureCookies)}, nil
}

// languages are those of the console's own words.
var languages = []struct{ Tag, Name string }{{"fr", "Français"}, {"en", "English"}}

func isLanguage(tag string) bool {
	for _, l := range languages {
		if l.Tag == tag {
			return true
		}
	}
	return false
}
