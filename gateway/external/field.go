package external

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"lafia/gateway/message"
)

// field says where a value stands: in the first of its places that has one. nil
// is a field that the aggregator does not have.
type field []spot

// spot is one place of a value.
type spot struct {
	in     string // "": body or query, as the format says; else literal, path, query, header, regex
	name   string
	number int // path: which segment, counted from the end, from 1
	re     *regexp.Regexp
}

// String is the field as people know it, for a reason.
func (f field) String() string {
	var names []string
	for _, p := range f {
		names = append(names, p.name)
	}
	return message.Word(strings.Join(names, " or "))
}

// field reads a setting that names a field: a name of a form or a path of JSON,
// "path:2", "query:NAME", "header:NAME", or "=literal"; several with "|" between.
func (c *compiler) field(name string) field { return c.parseField(name, c.value(name), false) }

// needed reads such a setting that cannot be empty.
func (c *compiler) needed(name string) field {
	f := c.field(name)
	if c.value(name) == "" {
		c.bad(name, "is empty: write the name of the aggregator's field")
	}
	return f
}

// parseField reads a field. Answers to a send may be read by a regular
// expression, which takes the rest of the setting as it is.
func (c *compiler) parseField(name, value string, answer bool) field {
	if value == "" {
		return nil
	}
	if pattern, ok := strings.CutPrefix(value, "regex:"); ok && answer {
		re, err := regexp.Compile(pattern)
		if err != nil {
			c.bad(name, "holds no regular expression (RE2)")
			return nil
		}
		return field{{in: "regex", name: "the answer", re: re}}
	}
	var f field
	for one := range strings.SplitSeq(value, "|") {
		if literal, ok := strings.CutPrefix(one, "="); ok {
			f = append(f, spot{in: "literal", name: literal})
			continue
		}
		p := spot{name: strings.TrimSpace(one)}
		if in, rest, ok := strings.Cut(p.name, ":"); ok {
			switch in {
			case "path":
				n, err := strconv.Atoi(rest)
				if err != nil || n < 1 {
					c.bad(name, "counts segments of the path from the end, as path:1")
					return nil
				}
				p.in, p.number = in, n
			case "query", "header":
				p.in, p.name = in, rest
			}
		}
		if p.name == "" {
			c.bad(name, "has a | with no field beside it")
			return nil
		}
		f = append(f, p)
	}
	return f
}

// condition is something that may be true of a request or answer: one of its
// alternatives is. nil is a condition that is not there.
type condition []test

type test struct {
	field field
	want  string
	op    string // "=", "!=", "has" or "hasnt"
}

// condition reads a setting such as "type=start|type=begin", "Content",
// "!Content" or "path:1=start". Values are compared without regard to case.
func (c *compiler) condition(name string) condition {
	return c.parseCondition(name, c.value(name), false)
}

func (c *compiler) parseCondition(name, value string, answer bool) condition {
	if value == "" {
		return nil
	}
	if answer && strings.HasPrefix(value, "regex:") {
		if f := c.parseField(name, value, true); f != nil {
			return condition{{field: f, op: "has"}}
		}
		return nil
	}
	var all condition
	for one := range strings.SplitSeq(value, "|") {
		t := test{op: "has"}
		left, right, ok := strings.Cut(strings.TrimSpace(one), "=")
		switch {
		case ok && strings.HasSuffix(left, "!"):
			t.op, t.want, left = "!=", right, strings.TrimSuffix(left, "!")
		case ok:
			t.op, t.want = "=", right
		case strings.HasPrefix(left, "!"):
			t.op, left = "hasnt", left[1:]
		}
		t.want = strings.TrimSpace(t.want)
		if left = strings.TrimSpace(left); left == "" {
			c.bad(name, `is no condition, as "type=start"`)
			return nil
		}
		if t.field = c.parseField(name, left, answer); t.field == nil {
			return nil
		}
		all = append(all, t)
	}
	return all
}

// holds reports whether one of the alternatives is true.
func (c condition) holds(s source) bool {
	for _, t := range c {
		v, ok := s.value(t.field)
		ok, v = ok && v != "", strings.TrimSpace(message.RepairText(v))
		switch {
		case t.op == "has" && ok, t.op == "hasnt" && !ok,
			t.op == "=" && ok && strings.EqualFold(v, t.want),
			t.op == "!=" && ok && !strings.EqualFold(v, t.want):
			return true
		}
	}
	return false
}

// speaks reports whether s has any of the fields that the condition is about:
// without one, an answer says neither yes nor no.
func (c condition) speaks(s source) bool {
	for _, t := range c {
		if len(t.field) > 0 && t.field[0].in == "regex" {
			return len(bytes.TrimSpace(s.body)) > 0
		}
		if _, ok := s.value(t.field); ok || t.op == "hasnt" {
			return true
		}
	}
	return false
}

// source is where values are read from: one message of one request, or one
// answer.
type source struct {
	form   message.Form // of a form or query
	root   any          // of JSON
	item   any          // of a batch in it
	body   []byte       // of an answer
	url    *url.URL
	header http.Header
}

// value is a field's raw value. An empty value of one place gives way to the
// next place's.
func (s source) value(f field) (v string, found bool) {
	for _, p := range f {
		if got, ok := s.at(p); ok {
			if v, found = got, true; v != "" {
				return v, true
			}
		}
	}
	return v, found
}

func (s source) at(p spot) (string, bool) {
	switch p.in {
	case "literal":
		return p.name, true
	case "regex":
		m := p.re.FindSubmatch(s.body)
		if m == nil {
			return "", false
		}
		return string(m[min(1, len(m)-1)]), true
	case "path":
		if s.url == nil {
			return "", false
		}
		segments := strings.Split(strings.Trim(s.url.EscapedPath(), "/"), "/")
		if p.number > len(segments) {
			return "", false
		}
		v, err := url.PathUnescape(segments[len(segments)-p.number])
		return v, err == nil
	case "query":
		if s.url == nil {
			return "", false
		}
		f := message.ParseForm(s.url.RawQuery)
		return f[p.name], f.Has(p.name)
	case "header":
		v := s.header.Values(p.name)
		return strings.Join(v, ","), len(v) > 0
	}
	if s.form != nil {
		return s.form[p.name], s.form.Has(p.name)
	}
	if s.item != nil {
		if v, ok := scalar(look(s.item, p.name)); ok {
			return v, true
		}
	}
	return scalar(look(s.root, p.name))
}

// look follows a path through JSON: names and, in arrays, numbers, with dots
// between. A name that itself holds dots is found at the end of a path.
func look(v any, path string) any {
	for path != "" {
		switch at := v.(type) {
		case map[string]any:
			if whole, ok := at[path]; ok {
				return whole
			}
			first, rest, dotted := strings.Cut(path, ".")
			if !dotted {
				return nil
			}
			v, path = at[first], rest
		case []any:
			first, rest, _ := strings.Cut(path, ".")
			n, err := strconv.Atoi(first)
			if err != nil || n < 0 || n >= len(at) {
				return nil
			}
			v, path = at[n], rest
		default:
			return nil
		}
	}
	return v
}

// scalar is a value of JSON as text; null, objects and arrays are none.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// readJSON reads a body that may have a byte order mark, or be no UTF-8: then it
// is repaired as a whole, or its letters would be lost one by one.
func readJSON(body []byte) (any, bool) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	text := string(body)
	if !utf8.Valid(body) {
		text = message.RepairText(text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // an id of 20 digits stays what it is
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, errors.Is(err, io.EOF) // nothing follows
}
