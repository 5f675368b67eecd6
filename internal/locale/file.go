package locale

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Message gives a message that a language has itself, as its file has it.
func (c *Catalog) Message(tag, key string) (Message, bool) {
	f, ok := c.files[tag]
	if !ok {
		return Message{}, false
	}
	m, ok := f.Messages[key]
	return m, ok
}

// Order lists every key in the order of the source's file.
func (c *Catalog) Order() []string {
	lines := c.files[Source].lines
	keys := c.Keys()
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(lines["messages."+a], lines["messages."+b]) })
	return keys
}

// Problem is something wrong with a message of a language, with its place.
func (c *Catalog) Problem(tag, key, problem string) *Error {
	f := c.files[tag]
	return &Error{f.path, f.lines["messages."+key], key, problem}
}

// Wrong says what is wrong with a message that would stand under a key: what
// Load refuses of it, and what Unsafe says.
func (c *Catalog) Wrong(key string, m Message) []string {
	source := c.files[Source]
	original, ok := source.Messages[key]
	if !ok {
		return []string{fmt.Sprintf("%s has no such message", source.path)}
	}
	problems := m.problems(key)
	if problem := m.unlike(source, key); problem != "" {
		problems = append(problems, problem)
	}
	problems = append(problems, Unsafe(original.Other, m.Other)...)
	if m.One != "" {
		problems = append(problems, Unsafe(cmp.Or(original.One, original.Other), m.One)...)
	}
	return problems
}

// Problems takes an error of Load apart.
func Problems(err error) (problems []*Error) {
	if err == nil {
		return nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			problems = append(problems, Problems(one)...)
		}
		return problems
	}
	if one, ok := errors.AsType[*Error](err); ok {
		return []*Error{one}
	}
	return []*Error{{Problem: err.Error()}}
}

// LoadWith is Load with one file as data says it.
func LoadWith(fsys fs.FS, name string, data []byte) (*Catalog, error) {
	return Load(replaced{fsys, name, data})
}

// replaced is a file system in which one file that exists has other content.
type replaced struct {
	fs.FS
	name string
	data []byte
}

// ReadFile implements fs.ReadFileFS.
func (r replaced) ReadFile(name string) ([]byte, error) {
	if name == r.name {
		return slices.Clone(r.data), nil
	}
	return fs.ReadFile(r.FS, name)
}

// span is where a message stands in its file.
type span struct{ line, value, end int } // offsets of the line's start, the opening brace and behind the closing one

// change puts replacement in the place of data[from:to].
type change struct {
	from, to    int
	replacement string
}

// Edit writes messages into the text of a locale file and leaves all else as it
// stands: comments, order, blank lines. A nil message is taken out. One that is
// new stands behind the message that order, the source's order of keys, has
// before it.
func Edit(data []byte, order []string, messages map[string]*Message) ([]byte, error) {
	var before file
	if err := toml.Unmarshal(data, &before); err != nil {
		return nil, err
	}
	spans, table := messageSpans(data)
	var changes []change
	anchor := table // where what is new is put
	for _, key := range order {
		at, stands := spans[key]
		m, touched := messages[key]
		if !stands {
			if _, elsewhere := before.Messages[key]; elsewhere && touched {
				return nil, fmt.Errorf("%s is not written as \"%s\" = { … }: change it by hand", key, key)
			}
			if touched && m != nil {
				changes = append(changes, change{anchor, anchor, fmt.Sprintf("%q = %s\n", key, m.toml())})
			}
			continue
		}
		anchor = lineEnd(data, at.end)
		switch {
		case touched && m == nil:
			changes = append(changes, change{at.line, anchor, ""})
		case touched && *m != before.Messages[key]:
			changes = append(changes, change{at.value, at.end, m.toml()})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	var out bytes.Buffer
	if table < 0 {
		return nil, errors.New("the file has no [messages]")
	}
	end := 0
	for _, c := range changes {
		out.Write(data[end:c.from])
		if c.from == c.to && c.from > 0 && data[c.from-1] != '\n' {
			out.WriteByte('\n')
		}
		out.WriteString(c.replacement)
		end = c.to
	}
	out.Write(data[end:])

	// What was written is read again: a file in a form that this does not know is refused, and not spoilt.
	want := maps.Clone(before.Messages)
	if want == nil {
		want = map[string]Message{}
	}
	for key, m := range messages {
		delete(want, key)
		if m != nil {
			want[key] = *m
		}
	}
	var after file
	if err := toml.Unmarshal(out.Bytes(), &after); err != nil {
		return nil, fmt.Errorf("the file could not be changed in its place: %w", err)
	}
	if len(want) != len(after.Messages) || len(want) > 0 && !reflect.DeepEqual(want, after.Messages) {
		return nil, errors.New("the file could not be changed in its place: change it by hand")
	}
	return out.Bytes(), nil
}

// messageSpans finds the messages that are inline tables, and the line behind
// the head of their table (-1 without one).
func messageSpans(data []byte) (spans map[string]span, table int) {
	spans, table = map[string]span{}, -1
	inside := false
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.Table && e.Kind != unstable.KeyValue {
			continue
		}
		var parts []string
		start := 0
		for key := e.Key(); key.Next(); {
			if parts == nil {
				start = int(key.Node().Raw.Offset)
			}
			parts = append(parts, string(key.Node().Data))
		}
		if e.Kind == unstable.Table {
			inside = len(parts) == 1 && parts[0] == "messages"
			if inside {
				table = lineEnd(data, start)
			}
			continue
		}
		value := e.Value()
		if !inside || len(parts) != 1 || value.Kind != unstable.InlineTable {
			continue
		}
		last := int(value.Raw.Offset)
		for child := value.Children(); child.Next(); {
			if v := child.Node(); v.Kind == unstable.KeyValue {
				raw := v.Value().Raw
				last = int(raw.Offset + raw.Length)
			}
		}
		brace := bytes.IndexByte(data[last:], '}')
		if brace < 0 {
			continue
		}
		spans[parts[0]] = span{bytes.LastIndexByte(data[:start], '\n') + 1, int(value.Raw.Offset), last + brace + 1}
	}
	return spans, table
}

// lineEnd is behind the line feed that ends the line of an offset.
func lineEnd(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(data)
}

// toml writes a message as its files do.
func (m Message) toml() string {
	var parts []string
	for _, field := range []struct{ name, value string }{{"one", m.One}, {"other", m.Other}, {"review", m.Review}, {"sources", m.Sources}} {
		if field.value != "" {
			parts = append(parts, field.name+" = "+tomlString(field.value))
		}
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// tomlString writes a basic string (TOML 1.0, "String").
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7F:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// From is the language that a key's words come from when tag is spoken: tag
// itself, or the first of its fallbacks that has the message.
func (c *Catalog) From(tag, key string) string {
	f, ok := c.files[tag]
	if !ok {
		return Source
	}
	for _, from := range append([]string{tag}, f.Locale.Fallback...) {
		if _, has := c.files[from].Messages[key]; has {
			return from
		}
	}
	return Source
}

// Fill puts values into the placeholders of a text. A text that is no pattern
// stays as it is.
func Fill(text string, values map[string]string) string {
	p, err := newPattern(text)
	if err != nil {
		return text
	}
	return p.fill(values)
}
