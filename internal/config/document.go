package config

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// place says where a key stands, and those below it.
type place struct {
	line     int
	children map[string]*place
	elements []*place // of an array of tables
}

// child gives the place of a key, making it at the line if there is none.
func (p *place) child(key string, line int) *place {
	if c := p.children[key]; c != nil {
		return c
	}
	if p.children == nil {
		p.children = map[string]*place{}
	}
	c := &place{line: line}
	p.children[key] = c
	return c
}

// last is the table that a header below p speaks of: the latest element of an
// array of tables, else p itself.
func (p *place) last() *place {
	if len(p.elements) > 0 {
		return p.elements[len(p.elements)-1]
	}
	return p
}

// element adds a table to an array of tables.
func (p *place) element(line int) *place {
	e := &place{line: line}
	p.elements = append(p.elements, e)
	return e
}

// document reads TOML into a table, with the place of every key. ok is false
// when it is not TOML; then the problem is noted.
func (r *reader) document(data []byte) (root *table, ok bool) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF")) // Windows' editors write one
	values := map[string]any{}
	if err := toml.Unmarshal(data, &values); err != nil {
		line, key := 0, ""
		what := err.Error()
		var d *toml.DecodeError
		if errors.As(err, &d) {
			line, _ = d.Position()
			key = keyName(d.Key()...)
		}
		// What follows a second colon may quote a value.
		what, _, _ = strings.Cut(strings.TrimPrefix(what, "toml: "), ": ")
		r.bad(line, key, "texts need quotes, a key stands once; see config.example.toml", "this is not TOML: %s", what)
		return nil, false
	}
	return &table{r: r, values: values, at: places(data)}, true
}

// places finds the line of every key of a document that is valid.
func places(data []byte) *place {
	root := &place{line: 1}
	here := root
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			here = walk(&p, root, e).last()
		case unstable.ArrayTable:
			at := walk(&p, root, e)
			key := e.Key()
			line := 1
			for key.Next() {
				line = p.Shape(key.Node().Raw).Start.Line
			}
			here = at.element(line)
		case unstable.KeyValue:
			keyValue(&p, here, e)
		}
	}
	return root
}

// walk goes down from a table by the parts of an expression's key, through the
// latest element of every array of tables on its way.
func walk(p *unstable.Parser, from *place, e *unstable.Node) *place {
	at := from
	for key := e.Key(); key.Next(); {
		n := key.Node()
		at = at.last().child(string(n.Data), p.Shape(n.Raw).Start.Line)
	}
	return at
}

// keyValue places a key and what its value holds.
func keyValue(p *unstable.Parser, from *place, e *unstable.Node) {
	at := walk(p, from, e)
	v := e.Value()
	switch v.Kind {
	case unstable.InlineTable:
		inline(p, at, v)
	case unstable.Array:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.InlineTable {
				inline(p, at.element(at.line), it.Node())
			}
		}
	}
}

// inline places the keys of an inline table.
func inline(p *unstable.Parser, at *place, v *unstable.Node) {
	for it := v.Children(); it.Next(); {
		if it.Node().Kind == unstable.KeyValue {
			keyValue(p, at, it.Node())
		}
	}
}

// keyName writes a key's parts as TOML does: on one line, whatever is in them.
func keyName(parts ...string) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p
		bare := p != ""
		for _, c := range []byte(p) {
			bare = bare && (c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
		}
		if !bare {
			names[i] = strconv.Quote(p)
		}
	}
	return strings.Join(names, ".")
}
