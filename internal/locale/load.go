package locale

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"golang.org/x/text/language"

	"lafia/internal/gsm"
)

// Error is one thing wrong in a locale file. Load reports all it finds, joined.
type Error struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // from 1; 0 when it is about the whole file
	Key     string `json:"key"`
	Problem string `json:"problem"`
}

// Error tells the problem with its file, line and key.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		fmt.Fprintf(&b, "%s: ", e.Key)
	}
	b.WriteString(e.Problem)
	return b.String()
}

// file is a locale file as it is written.
type file struct {
	Locale   header             `toml:"locale"`
	Fold     map[string]string  `toml:"fold"`
	Messages map[string]Message `toml:"messages"`

	path  string
	lines map[string]int // of each key
}

type header struct {
	Tag      string   `toml:"tag"`
	Name     string   `toml:"name"`
	Fallback []string `toml:"fallback"`
	Base     string   `toml:"base"`
	Whole    bool     `toml:"whole"`
	Offer    int      `toml:"offer"`
}

// Message is a message as its file has it. One is the singular, where the
// language has one and the message counts.
type Message struct {
	Other   string `toml:"other"`
	One     string `toml:"one"`
	Review  string `toml:"review"`
	Sources string `toml:"sources"`
}

// Load reads every *.toml at the root of fsys and refuses what could go wrong
// on a caller's screen: an unknown field, a key twice, a message that the
// source language lacks or whose placeholders differ from the source's, a
// folding that loses letters, a language without a plural rule. The error
// holds an *Error for each.
func Load(fsys fs.FS) (*Catalog, error) {
	paths, err := fs.Glob(fsys, "*.toml")
	if err != nil {
		return nil, err
	}
	var problems []error
	files := map[string]*file{}
	for _, p := range paths {
		f, err := read(fsys, p)
		if err == nil {
			err = f.check()
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if first, twice := files[f.Locale.Tag]; twice {
			problems = append(problems, f.problem("locale.tag", "%q is the tag of %s already", f.Locale.Tag, first.path))
			continue
		}
		files[f.Locale.Tag] = f
	}
	source, ok := files[Source]
	if !ok && !slices.Contains(paths, Source+".toml") {
		problems = append(problems, fmt.Errorf("no locale file for %q, the source language", Source))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	tags := slices.Sorted(maps.Keys(files))
	slices.SortStableFunc(tags, func(a, b string) int { return cmp.Compare(sourceFirst(a), sourceFirst(b)) })
	for _, tag := range tags {
		problems = append(problems, files[tag].compare(source, files)...)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return build(tags, files)
}

func sourceFirst(tag string) int {
	if tag == Source {
		return 0
	}
	return 1
}

func read(fsys fs.FS, name string) (*file, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	f := &file{path: name}
	decoder := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := decoder.Decode(f); err != nil {
		return nil, decodeProblem(name, data, err)
	}
	f.lines = lines(data)
	return f, nil
}

func decodeProblem(name string, data []byte, err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		var problems []error
		for i := range strict.Errors {
			row, _ := strict.Errors[i].Position()
			key := strict.Errors[i].Key()
			last := key[len(key)-1]
			// A message is an inline table, whose own key the error leaves out.
			if before := keyAt(data, row); before != "" && before != last {
				key = append(slices.Clone(key[:len(key)-1]), before, last)
			}
			problems = append(problems, &Error{name, row, strings.TrimPrefix(strings.Join(key, "."), "messages."), "unknown field"})
		}
		return errors.Join(problems...)
	}
	if decode, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := decode.Position()
		key := strings.Join(decode.Key(), ".")
		if key == "" {
			key = keyAt(data, row)
		}
		return &Error{name, row, key, strings.TrimPrefix(decode.Error(), "toml: ")}
	}
	return &Error{name, 0, "", strings.TrimPrefix(err.Error(), "toml: ")}
}

// keyAt is what stands before the equals sign on a line that would not decode.
func keyAt(data []byte, row int) string {
	rows := strings.Split(string(data), "\n")
	if row < 1 || row > len(rows) {
		return ""
	}
	before, _, ok := strings.Cut(rows[row-1], "=")
	if !ok {
		return ""
	}
	return strings.Trim(before, " \t\"'")
}

// lines finds the line of every key of the document, written with dots.
func lines(data []byte) map[string]int {
	found := map[string]int{}
	table := ""
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.Table && e.Kind != unstable.KeyValue {
			continue
		}
		var parts []string
		line := 0
		for key := e.Key(); key.Next(); {
			parts = append(parts, string(key.Node().Data))
			line = p.Shape(key.Node().Raw).Start.Line
		}
		name := strings.Join(parts, ".")
		if e.Kind == unstable.Table {
			table = name + "."
		} else {
			name = table + name
		}
		found[name] = line
	}
	return found
}

func (f *file) problem(key, format string, args ...any) error {
	return &Error{f.path, f.lines[key], strings.TrimPrefix(key, "messages."), fmt.Sprintf(format, args...)}
}

var (
	keyForm    = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
	tagForm    = regexp.MustCompile(`^[a-z]{2,3}$`)
	reviewForm = regexp.MustCompile(`^\S.*, (\d{4}-\d{2}-\d{2})$`)
)

// check looks at one file alone.
func (f *file) check() error {
	var problems []error
	refuse := func(key, format string, args ...any) {
		problems = append(problems, f.problem(key, format, args...))
	}
	if !tagForm.MatchString(f.Locale.Tag) {
		refuse("locale.tag", "%q is not a language tag of two or three letters", f.Locale.Tag)
	} else if want := f.Locale.Tag + ".toml"; path.Base(f.path) != want {
		refuse("locale.tag", "the file of %q is to be called %s", f.Locale.Tag, want)
	}
	if strings.TrimSpace(f.Locale.Name) == "" {
		refuse("locale.name", "the language has no name")
	}
	if f.Locale.Offer < 0 {
		refuse("locale.offer", "the places of the languages offered count from 1")
	}
	table := gsm.Table{}
	for from, to := range f.Fold {
		r, width := utf8.DecodeRuneInString(from)
		if width != len(from) || r == utf8.RuneError {
			refuse("fold."+from, "only one character can be folded at a time")
			continue
		}
		table[r] = to
	}
	if err := table.Check(); err != nil {
		refuse("fold", "%v", err)
	}
	for _, key := range slices.Sorted(maps.Keys(f.Messages)) {
		for _, problem := range f.Messages[key].problems(key) {
			refuse("messages."+key, "%s", problem)
		}
	}
	return errors.Join(problems...)
}

// problems says what is wrong with a message, whatever the source says.
func (m Message) problems(key string) (problems []string) {
	refuse := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !keyForm.MatchString(key) {
		refuse("a key is written in lower case with dots: room.name")
	}
	if strings.TrimSpace(m.Other) == "" {
		refuse("other is empty: leave a message out that is not translated")
	}
	if strings.TrimSpace(m.Other) != m.Other || strings.TrimSpace(m.One) != m.One {
		refuse("the text begins or ends with a space")
	}
	if problem := reviewProblem(m.Review); problem != "" {
		refuse("%s", problem)
	}
	other, err := newPattern(m.Other)
	if err != nil {
		refuse("%v", err)
		return problems
	}
	if m.One == "" {
		return problems
	}
	one, err := newPattern(m.One)
	switch {
	case err != nil:
		refuse("%v", err)
	case !slices.Equal(one.names(), other.names()):
		refuse("one and other have different placeholders: %v and %v", one.names(), other.names())
	case !slices.Contains(other.names(), countArg):
		refuse("a message with a singular counts: it needs {{.%s}}", countArg)
	}
	return problems
}

func reviewProblem(review string) string {
	if review == Draft {
		return ""
	}
	date := reviewForm.FindStringSubmatch(review)
	if date == nil {
		return fmt.Sprintf(`review is "draft" or "Name, YYYY-MM-DD", not %q`, review)
	}
	if _, err := time.Parse(time.DateOnly, date[1]); err != nil {
		return fmt.Sprintf("review: %s is no date", date[1])
	}
	return ""
}

// unlike says how the placeholders of a message differ from the source's.
func (m Message) unlike(source *file, key string) string {
	want, got := names(source.Messages[key].Other), names(m.Other)
	if slices.Equal(want, got) {
		return ""
	}
	return fmt.Sprintf("placeholders are %v, in %s %v", got, source.path, want)
}

// compare looks at one file beside the source and the other languages.
func (f *file) compare(source *file, files map[string]*file) (problems []error) {
	refuse := func(key, format string, args ...any) {
		problems = append(problems, f.problem(key, format, args...))
	}
	seen := map[string]bool{f.Locale.Tag: true}
	for _, tag := range f.Locale.Fallback {
		switch {
		case files[tag] == nil:
			refuse("locale.fallback", "there is no language %q", tag)
		case seen[tag]:
			refuse("locale.fallback", "%q is there twice, or is the language itself", tag)
		}
		seen[tag] = true
	}
	for _, tag := range slices.Sorted(maps.Keys(files)) {
		if f.Locale.Offer > 0 && tag < f.Locale.Tag && files[tag].Locale.Offer == f.Locale.Offer {
			refuse("locale.offer", "%q has the place %d already", tag, f.Locale.Offer)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Messages)) {
		if _, ok := source.Messages[key]; !ok {
			refuse("messages."+key, "%s has no such message", source.path)
			continue
		}
		if problem := f.Messages[key].unlike(source, key); problem != "" {
			refuse("messages."+key, "%s", problem)
		}
	}
	return problems
}

// names lists the placeholders of a text that has been checked.
func names(text string) []string {
	p, err := newPattern(text)
	if err != nil {
		return nil
	}
	return p.names()
}

// build makes the catalogue of files that have been checked.
func build(tags []string, files map[string]*file) (*Catalog, error) {
	c := &Catalog{tags: tags, files: files, words: map[string]*Words{}, holes: map[string][]string{}}
	for key, m := range files[Source].Messages {
		c.keys = append(c.keys, key)
		c.holes[key] = names(m.Other)
	}
	slices.Sort(c.keys)

	localizers := map[string]*i18n.Localizer{}
	for _, tag := range tags {
		l, err := files[tag].localizer()
		if err != nil {
			return nil, err
		}
		localizers[tag] = l
	}
	for _, tag := range tags {
		f := files[tag]
		w := &Words{tag: tag, name: f.Locale.Name, table: gsm.Table{}, messages: map[string]*message{}, own: map[string]bool{}}
		for from, to := range f.Fold {
			r, _ := utf8.DecodeRuneInString(from)
			w.table[r] = to
		}
		coverage := Coverage{Tag: tag, Name: f.Locale.Name, Total: len(c.keys)}
		chain := chainOf(f)
		for _, key := range c.keys {
			from := chain[slices.IndexFunc(chain, func(tag string) bool {
				_, has := files[tag].Messages[key]
				return has
			})]
			m, err := newMessage(localizers[from], key, files[from].Messages[key].One != "")
			if err != nil {
				return nil, files[from].problem("messages."+key, "%v", err)
			}
			m.folded = w.Fold(m.text)
			w.messages[key] = m
			if from != tag {
				coverage.Fallback = append(coverage.Fallback, key)
				continue
			}
			coverage.Own = append(coverage.Own, key)
			w.own[key] = true
			if f.Messages[key].Review == Draft {
				coverage.Draft = append(coverage.Draft, key)
			}
		}
		c.words[tag] = w
		c.coverage = append(c.coverage, coverage)
		if f.Locale.Offer > 0 {
			c.offered = append(c.offered, Info{tag, f.Locale.Name})
		}
	}
	for _, tag := range tags {
		if f := files[tag]; f.Locale.Whole {
			c.words[tag].whole = c.words[chainOf(f)[1]]
		}
	}
	slices.SortFunc(c.offered, func(a, b Info) int {
		return cmp.Compare(files[a.Tag].Locale.Offer, files[b.Tag].Locale.Offer)
	})
	return c, nil
}

// chainOf lists the languages that say a message of this one, in order.
func chainOf(f *file) []string {
	return append(append([]string{f.Locale.Tag}, f.Locale.Fallback...), Source)
}

// localizer gives the file a bundle of its own, so that go-i18n has one
// language to choose from.
func (f *file) localizer() (*i18n.Localizer, error) {
	tag, at := f.Locale.Tag, "locale.tag"
	if f.Locale.Base != "" {
		tag, at = f.Locale.Base+"-x-"+f.Locale.Tag, "locale.base"
	}
	parsed, err := language.Parse(tag)
	if err != nil {
		return nil, f.problem(at, "%v", err)
	}
	bundle := i18n.NewBundle(parsed)
	for _, key := range slices.Sorted(maps.Keys(f.Messages)) {
		m := f.Messages[key]
		err := bundle.AddMessages(parsed, &i18n.Message{ID: key, One: m.One, Other: m.Other})
		if err != nil {
			return nil, f.problem(at, "%v: name a language with the same plural in base", err)
		}
	}
	return i18n.NewLocalizer(bundle, tag), nil
}

func newMessage(l *i18n.Localizer, key string, counts bool) (*message, error) {
	if counts {
		return &message{plural: &plural{key, l}}, nil
	}
	var found resolved
	_, err := l.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: &found, TemplateParser: patterns{}})
	if err != nil {
		return nil, err
	}
	if len(found.pattern.holes) == 0 {
		return &message{text: found.pattern.texts[0]}, nil
	}
	return &message{pattern: found.pattern}, nil
}
