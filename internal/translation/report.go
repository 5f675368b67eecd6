package translation

import (
	"fmt"
	"io/fs"

	"lafia/internal/flow"
	"lafia/internal/locale"
)

// Goals are the shares, in per cent, of a language's messages that must be its own.
var Goals = map[string]int{"bm": 85, "ses": 70}

// Report is how the words stand. What is not attested is for a reviewer to look
// at, and no mistake; what is in Problems must not reach a phone.
type Report struct {
	OK        bool            `json:"ok"`
	Languages []Language      `json:"languages"`
	Problems  []*locale.Error `json:"problems"`
}

// Language is how one language stands.
type Language struct {
	Tag      string `json:"tag"`
	Name     string `json:"name"`
	Offered  bool   `json:"offered"`
	Total    int    `json:"total"`
	Own      int    `json:"own"`
	Fallback int    `json:"fallback"`
	Draft    int    `json:"draft"`
	Percent  int    `json:"percent"`
	Goal     int    `json:"goal"` // 0: none is set

	OwnKeys      []string     `json:"own_keys"`
	FallbackKeys []string     `json:"fallback_keys"`
	DraftKeys    []string     `json:"draft_keys"`
	Listed       bool         `json:"listed"` // there is a list of attested words
	Unattested   []Unattested `json:"unattested"`
	Mixed        []string     `json:"mixed_screens"` // some words its own, some of another local language
}

// Unattested is a word that no list has.
type Unattested struct {
	Word string   `json:"word"`
	Keys []string `json:"keys"`
	Stem string   `json:"stem,omitempty"` // the attested word that it may be built on
}

// Check reports on the words of fsys: its locale files and its lists of attested words.
func Check(fsys fs.FS, book *flow.Book) (Report, error) {
	r := Report{Languages: []Language{}, Problems: []*locale.Error{}}
	c, err := locale.Load(fsys)
	if err != nil {
		r.Problems = locale.Problems(err)
		return r, nil
	}
	for _, coverage := range c.Coverage() {
		l, err := r.language(fsys, c, coverage, book)
		if err != nil {
			return r, err
		}
		r.Languages = append(r.Languages, l)
	}
	r.OK = len(r.Problems) == 0
	return r, nil
}

func (r *Report) language(fsys fs.FS, c *locale.Catalog, v locale.Coverage, book *flow.Book) (Language, error) {
	l := Language{
		Tag: v.Tag, Name: v.Name, Total: v.Total, Own: len(v.Own), Fallback: len(v.Fallback), Draft: len(v.Draft), Percent: v.Percent(), Goal: Goals[v.Tag],
		OwnKeys: list(v.Own), FallbackKeys: list(v.Fallback), DraftKeys: list(v.Draft), Unattested: []Unattested{}, Mixed: []string{},
	}
	for _, offered := range c.Offered() {
		l.Offered = l.Offered || offered.Tag == l.Tag
	}
	if l.Percent < l.Goal {
		r.Problems = append(r.Problems, &locale.Error{File: l.Tag + ".toml", Problem: fmt.Sprintf("only %d %% of the messages are in %s, and %d %% are to be", l.Percent, l.Name, l.Goal)})
	}
	for _, key := range v.Own {
		m, _ := c.Message(l.Tag, key)
		for _, problem := range c.Wrong(key, m) {
			r.Problems = append(r.Problems, c.Problem(l.Tag, key, problem))
		}
	}
	var err error
	l.Listed, l.Unattested, err = unattested(fsys, c, v)
	if err != nil {
		return l, err
	}
	for _, s := range Screens(book, c, l.Tag) {
		if problem := s.TooLong(); problem != "" {
			r.Problems = append(r.Problems, &locale.Error{File: l.Tag + ".toml", Key: s.Keys[0], Problem: problem})
		}
		if !c.Words(l.Tag).Mixes() && mixes(c, l.Tag, s.Keys) {
			l.Mixed = append(l.Mixed, s.Name)
		}
	}
	return l, nil
}

// mixes reports whether some of the keys are the language's own and others come
// from another language than the source: two word orders on one screen
// (languages.md 0.7). French words beside local ones are a loan, and understood.
func mixes(c *locale.Catalog, tag string, keys []string) bool {
	own, borrowed := false, false
	for _, key := range keys {
		from := c.From(tag, key)
		own = own || from == tag
		borrowed = borrowed || from != tag && from != locale.Source
	}
	return own && borrowed
}

func unattested(fsys fs.FS, c *locale.Catalog, v locale.Coverage) (listed bool, found []Unattested, err error) {
	found = []Unattested{}
	words, err := locale.LoadAttested(fsys, v.Tag)
	if err != nil || words == nil {
		return false, found, err
	}
	at := map[string]int{}
	for _, key := range v.Own {
		m, _ := c.Message(v.Tag, key)
		for _, word := range words.Missing(m.One + " " + m.Other) {
			i, seen := at[word]
			if !seen {
				i = len(found)
				at[word] = i
				found = append(found, Unattested{Word: word, Stem: words.Stem(v.Tag, word)})
			}
			found[i].Keys = append(found[i].Keys, key)
		}
	}
	return true, found, nil
}

// list is never nil, so that a program reads [] and not null.
func list(keys []string) []string { return append([]string{}, keys...) }
