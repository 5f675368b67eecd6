package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/message"
)

// table is a TOML table that is read key by key. Its methods give false when a
// key is not there or its value is not fit, which they note.
type table struct {
	r      *reader
	name   string // "channel"; "" for the root
	values map[string]any
	at     *place
	asked  []string // the keys there may be, in the order they were asked for
}

// key is the full name of a key.
func (t *table) key(name string) string {
	if t.name == "" {
		return keyName(name)
	}
	return t.name + "." + keyName(name)
}

// line is where a key stands; that of its table when it does not.
func (t *table) line(name string) int {
	return t.below(name).line
}

// below is the place of what is below a key.
func (t *table) below(name string) *place {
	if p := t.at.children[name]; p != nil {
		return p
	}
	return &place{line: t.at.line}
}

// bad notes a problem of a key.
func (t *table) bad(name, do, what string, args ...any) {
	t.r.bad(t.line(name), t.key(name), do, what, args...)
}

// has reports whether a key is there.
func (t *table) has(name string) bool { _, ok := t.values[name]; return ok }

// missing notes that a required key is not there.
func (t *table) missing(name, do string) { t.bad(name, do, "is missing") }

// get finds a value and remembers that the key exists.
func (t *table) get(name string) (any, bool) {
	t.asked = append(t.asked, name)
	v, ok := t.values[name]
	return v, ok
}

// wrong notes that a value has another type than it should.
func (t *table) wrong(name, want string, got any) {
	t.bad(name, "write "+want, "is %s", kindOf(got))
}

// kindOf names a value's type without the value.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time, toml.LocalDate, toml.LocalTime, toml.LocalDateTime:
		return "a date or time"
	}
	return fmt.Sprintf("a %T", v)
}

// text reads a text into *to.
func (t *table) text(name string, to *string, example string) bool {
	v, ok := t.get(name)
	if !ok {
		return false
	}
	s, ok := v.(string)
	if !ok {
		t.wrong(name, "a text in quotes, as "+example, v)
		return false
	}
	*to = s
	return true
}

// flag reads true or false into *to.
func (t *table) flag(name string, to *bool) bool {
	v, ok := t.get(name)
	if !ok {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		t.wrong(name, "true or false, without quotes", v)
		return false
	}
	*to = b
	return true
}

// whole reads a whole number between least and most.
func (t *table) whole(name string, least, most int64) (int64, bool) {
	v, ok := t.get(name)
	if !ok {
		return 0, false
	}
	n, ok := v.(int64)
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	switch {
	case !ok:
		t.wrong(name, want, v)
	case n < least || n > most:
		t.bad(name, "write "+want, "%d is out of range", n)
		ok = false
	}
	return n, ok
}

// texts reads a list of texts.
func (t *table) texts(name, example string) ([]string, bool) {
	v, ok := t.get(name)
	if !ok {
		return nil, false
	}
	want := "a list of texts, as " + example
	list, ok := v.([]any)
	if !ok {
		t.wrong(name, want, v)
		return nil, false
	}
	all := make([]string, 0, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			t.bad(name, "write "+want, "entry %d is %s", i+1, kindOf(v))
			return nil, false
		}
		all = append(all, s)
	}
	return all, true
}

// sub is the table below a key. It is there even if the file has none, so that
// its required keys are missed.
func (t *table) sub(name string) *table {
	v, ok := t.get(name)
	s := &table{r: t.r, name: t.key(name), values: map[string]any{}, at: &place{line: t.at.line}}
	if !ok {
		return s
	}
	if values, ok := v.(map[string]any); ok {
		s.values, s.at = values, t.below(name)
		return s
	}
	t.wrong(name, "a table, as ["+s.name+"]", v)
	return nil
}

// subs are the tables of an array of tables.
func (t *table) subs(name string) []*table {
	v, ok := t.get(name)
	if !ok {
		return nil
	}
	want := "it with double brackets, as [[" + t.key(name) + "]]"
	list, ok := v.([]any)
	if !ok {
		t.wrong(name, want, v)
		return nil
	}
	at := t.below(name)
	tables := make([]*table, 0, len(list))
	for i, v := range list {
		values, ok := v.(map[string]any)
		if !ok || len(at.elements) != len(list) {
			t.bad(name, "write "+want, "entry %d is %s", i+1, kindOf(v))
			return nil
		}
		tables = append(tables, &table{r: t.r, name: t.key(name), values: values, at: at.elements[i]})
	}
	return tables
}

// end notes every key that nobody asked for.
func (t *table) end() {
	for _, name := range slices.Sorted(maps.Keys(t.values)) {
		if slices.Contains(t.asked, name) {
			continue
		}
		do := "there are: " + strings.Join(t.asked, ", ")
		if near := nearest(name, t.asked); near != "" {
			do = "did you mean " + near + "?"
		}
		t.bad(name, do, "there is no such key")
	}
}

// nearest is the word that name may be a slip of, "" if none is near.
func nearest(name string, words []string) string {
	best, found := 3, "" // two slips are a typing error, three another word
	for _, w := range words {
		if d := slips(name, w); d < best && d < len(w) {
			best, found = d, w
		}
	}
	return found
}

// slips counts the letters to change, add or drop between two words
// (Levenshtein), up to a length that a key may have.
func slips(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// secret reads a secret.
func (t *table) secret(name, example string) (message.Secret, bool) {
	var s string
	if !t.text(name, &s, example) {
		return message.Secret{}, false
	}
	return t.resolve(name, s)
}

// secrets reads a list of secrets.
func (t *table) secrets(name, example string) ([]message.Secret, bool) {
	list, ok := t.texts(name, example)
	if !ok {
		return nil, false
	}
	all := make([]message.Secret, 0, len(list))
	for _, s := range list {
		one, good := t.resolve(name, s)
		ok = ok && good
		all = append(all, one)
	}
	return all, ok
}

// maxSecret bounds a secret's file: the longest are private keys in PEM.
const maxSecret = 64 << 10

// resolve gives what a text stands for: the content of a file for file:PATH,
// without the newline at its end, the value of a variable for env:NAME, and else
// the text itself.
func (t *table) resolve(name, s string) (message.Secret, bool) {
	if file, ok := strings.CutPrefix(s, "file:"); ok {
		if file == "" || strings.ContainsRune(file, 0) {
			t.bad(name, "write file:/run/secrets/NAME", "file: has no path")
			return message.Secret{}, false
		}
		path := t.r.path(file)
		b, err := readBounded(path, maxSecret)
		if err != nil {
			t.bad(name, "put the secret there, readable to lafia alone", "the file %s cannot be read: %s", shown(path), reason(err))
			return message.Secret{}, false
		}
		value := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
		if value == "" {
			t.bad(name, "put the secret there", "the file %s is empty", shown(path))
		}
		return message.NewSecret(value), value != ""
	}
	if variable, ok := strings.CutPrefix(s, "env:"); ok {
		value := os.Getenv(variable)
		if value == "" {
			t.bad(name, "set it where lafia is started", "the environment variable %s is not set or empty", shown(variable))
		}
		return message.NewSecret(value), value != ""
	}
	return message.NewSecret(s), true
}

// path makes a path of the file absolute, or at least relative to where the
// program runs.
func (r *reader) path(p string) string {
	if !filepath.IsAbs(p) {
		p = filepath.Join(r.dir, p)
	}
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	return p
}

// shown is a text as it may stand in one line: quoted when something in it does
// not print, and cut when it is long.
func shown(s string) string {
	const most = 120
	if len(s) > most {
		s = s[:most] + "…"
	}
	if strings.ContainsFunc(s, func(c rune) bool { return c == unicode.ReplacementChar || !unicode.IsPrint(c) }) || s == "" {
		return strconv.Quote(s)
	}
	return s
}

// quoted is shown in quotes.
func quoted(s string) string {
	if q := shown(s); strings.HasPrefix(q, `"`) {
		return q
	} else {
		return `"` + q + `"`
	}
}
