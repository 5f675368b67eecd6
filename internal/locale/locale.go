// Package locale is the catalogue of words, one TOML file a language, over
// go-i18n. Every language of ours has a localizer of its own and a chain of
// fallbacks that its file lists: go-i18n is never asked to choose a language,
// because it would choose by likeness (it gives ses to who asks for khq, and
// ses-x-khq to who asks for ses; dependencies.md 5).
//
// A file:
//
//	[locale]
//	tag      = "khq"             # the tag used everywhere outside this package
//	name     = "Koyra Chiini"    # as the language calls itself
//	fallback = ["ses"]           # asked in this order; French is always last
//	base     = "ses"             # only where CLDR has no plural rule: loaded as ses-x-khq
//	whole    = true              # a screen is said wholly in this language, or wholly in its first fallback
//	offer    = 4                 # its place among the languages offered to callers; absent: not offered
//
//	[fold]                       # what it adds to the common folding into GSM-7
//	"ǝ" = "e"
//
//	[messages]
//	"key.back" = { other = "0 Retour", review = "draft", sources = "who attests the words" }
//	"x.groups" = { one = "{{.count}} groupe", other = "{{.count}} groupes", review = "A. Traore, 2026-12-01" }
//
// It knows package gsm, for the folding, and no other room.
package locale

import (
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"

	"lafia/internal/gsm"
)

// Source is the language the others are translated from and fall back to.
const Source = "fr"

// Draft is the review mark of a message no native speaker has signed.
const Draft = "draft"

// countArg is the argument that chooses between one and other.
const countArg = "count"

// Info is a language as callers are shown it.
type Info struct {
	Tag  string `json:"tag"`
	Name string `json:"name"`
}

// Catalog is all words of all languages. It is read-only after Load.
type Catalog struct {
	words    map[string]*Words
	files    map[string]*file
	tags     []string // sorted, the source first
	offered  []Info
	keys     []string            // of the source, sorted
	holes    map[string][]string // placeholders by key, sorted
	coverage []Coverage
}

// Words are the words of one language: its own, else those of its fallbacks.
type Words struct {
	tag, name string
	table     gsm.Table
	messages  map[string]*message
	own       map[string]bool // the keys that are not a fallback's
	whole     *Words          // what says a screen that this language can't say wholly, or nil
	unfolded  bool            // what is said goes out as it is written
}

// message is one message as one language says it.
type message struct {
	text, folded string   // when it has no placeholders
	pattern      *pattern // when it has
	plural       *plural  // when it has a singular
}

// plural asks go-i18n for the form that a number takes.
type plural struct {
	key       string
	localizer *i18n.Localizer
}

// Words gives the words of a language; an unknown tag gives the source language's.
func (c *Catalog) Words(tag string) *Words {
	if c == nil {
		return nil
	}
	if w, ok := c.words[tag]; ok {
		return w
	}
	return c.words[Source]
}

// Offered lists the languages that callers may choose, in their order.
func (c *Catalog) Offered() []Info { return slices.Clone(c.offered) }

// Named lists languages by their tags, in that order: those that a channel's
// config offers. A tag that is not loaded is left out.
func (c *Catalog) Named(tags []string) []Info {
	var out []Info
	for _, tag := range tags {
		if w, ok := c.words[tag]; ok {
			out = append(out, Info{tag, w.name})
		}
	}
	return out
}

// Tags lists every language loaded, the source first.
func (c *Catalog) Tags() []string { return slices.Clone(c.tags) }

// Keys lists every key, in order.
func (c *Catalog) Keys() []string { return slices.Clone(c.keys) }

// Has reports whether the source language has the key.
func (c *Catalog) Has(key string) bool {
	_, ok := c.holes[key]
	return ok
}

// Placeholders lists the arguments that a message wants, in every language the
// same ones: what shows the message must give them all.
func (c *Catalog) Placeholders(key string) []string { return slices.Clone(c.holes[key]) }

// Coverage counts one language: which messages are its own, which come from a
// fallback, and which of its own nobody has signed.
type Coverage struct {
	Tag      string   `json:"tag"`
	Name     string   `json:"name"`
	Total    int      `json:"total"`
	Own      []string `json:"own"`
	Fallback []string `json:"fallback"`
	Draft    []string `json:"draft"`
}

// Percent is the share of messages that are the language's own.
func (c Coverage) Percent() int {
	if c.Total == 0 {
		return 0
	}
	return 100 * len(c.Own) / c.Total
}

// Coverage reports on every language, the source first.
func (c *Catalog) Coverage() []Coverage { return slices.Clone(c.coverage) }

// Tag is the language's tag.
func (w *Words) Tag() string {
	if w == nil {
		return Source
	}
	return w.tag
}

// Name is what the language calls itself.
func (w *Words) Name() string {
	if w == nil {
		return ""
	}
	return w.name
}

// Text says a message in its proper orthography. It never fails: a message the
// language lacks comes from its fallbacks, a key nobody has is shown in
// brackets, and an argument that is missing leaves its place empty (Load and
// the callers' tests see to it that none is: see Placeholders).
func (w *Words) Text(key string, args map[string]string) string {
	m := w.message(key)
	switch {
	case m == nil:
		return "[" + key + "]"
	case m.plural != nil:
		return m.plural.text(args)
	case m.pattern != nil:
		return m.pattern.fill(args)
	}
	return m.text
}

// Folded says a message as Fold(Text(key, args)) does; for a message without
// placeholders it has the answer ready.
func (w *Words) Folded(key string, args map[string]string) string {
	m := w.message(key)
	if m != nil && !w.unfolded && m.plural == nil && m.pattern == nil {
		return m.folded
	}
	return w.Fold(w.Text(key, args))
}

// Fold brings s into the 7-bit alphabet by the language's folding, as far as
// it goes: see gsm.Fold.
func (w *Words) Fold(s string) string {
	switch {
	case w == nil:
		return gsm.Fold(s, nil)
	case w.unfolded:
		return s
	}
	return gsm.Fold(s, w.table)
}

// Unfolded gives the same words for a channel that carries every letter.
func (w *Words) Unfolded() *Words {
	if w == nil || w.unfolded {
		return w
	}
	out := *w
	out.unfolded, out.whole = true, w.whole.Unfolded()
	return &out
}

// Whole gives the words that say all of these keys: a language whose fallback has
// another order of words never mixes the two on one screen.
func (w *Words) Whole(keys []string) *Words {
	if w == nil || w.whole == nil {
		return w
	}
	for _, key := range keys {
		if !w.own[key] {
			return w.whole
		}
	}
	return w
}

// Mixes reports whether Whole can differ from the words themselves.
func (w *Words) Mixes() bool { return w != nil && w.whole != nil }

func (w *Words) message(key string) *message {
	if w == nil {
		return nil
	}
	return w.messages[key]
}

func (p *plural) text(args map[string]string) string {
	config := i18n.LocalizeConfig{MessageID: p.key, TemplateData: args, TemplateParser: patterns{}}
	if count := strings.TrimSpace(args[countArg]); count != "" {
		config.PluralCount = count
	}
	text, err := p.localizer.Localize(&config)
	if err != nil && config.PluralCount != nil { // a count that is no number
		config.PluralCount = nil
		text, _ = p.localizer.Localize(&config)
	}
	return text
}
