package external

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// template is a text with placeholders such as {text}.
type template []piece

// piece is a text, or the name of what stands in its place.
type piece struct {
	text, name string
}

// place says how a value is escaped where it stands.
type place string

const (
	placePlain place = "plain"
	placeForm  place = "form"
	placeURL   place = "url"
	placeJSON  place = "json"
	placeXML   place = "xml"
)

// placeOf is the place of values in a body of a media type.
func placeOf(mediaType string) place {
	switch {
	case mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"):
		return placeJSON
	case mediaType == "application/xml" || mediaType == "text/xml" || strings.HasSuffix(mediaType, "+xml"):
		return placeXML
	case mediaType == "application/x-www-form-urlencoded":
		return placeForm
	}
	return placePlain
}

// escape makes a value part of its place.
func (p place) escape(s string) string {
	switch p {
	case placeForm:
		return url.QueryEscape(s)
	case placeURL: // right in the path too, where a plus is a plus
		return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	case placeJSON:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(s) // a string: it cannot fail
		quoted := strings.TrimSuffix(b.String(), "\n")
		return quoted[1 : len(quoted)-1]
	case placeXML:
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(s)) // a buffer: it cannot fail
		return b.String()
	}
	return s
}

// placeholder is what stands for a value. JSON's own braces are followed by a
// quote, a space or another brace.
var placeholder = regexp.MustCompile(`\{[a-z][a-z0-9_]*\}`)

// template reads a setting with placeholders: names, or settings of the
// channel's own.
func (c *compiler) template(name string, names ...string) template {
	return c.templateOf(name, c.value(name), names...)
}

// templateOf reads a part of such a setting.
func (c *compiler) templateOf(name, text string, names ...string) template {
	var t template
	for at := placeholder.FindStringIndex(text); at != nil; at = placeholder.FindStringIndex(text) {
		inner := text[at[0]+1 : at[1]-1]
		if at[0] > 0 {
			t = append(t, piece{text: text[:at[0]]})
		}
		switch {
		case slices.Contains(names, inner):
		case slices.Contains(c.own, inner):
			c.used[inner] = true
		default:
			c.bad(name, "has {%s}, which is neither a placeholder nor a setting", inner)
		}
		t = append(t, piece{name: inner})
		text = text[at[1]:]
	}
	if text != "" {
		t = append(t, piece{text: text})
	}
	return t
}

// render fills a template in.
func (t template) render(p place, values map[string]string) string {
	var b strings.Builder
	for _, part := range t {
		b.WriteString(part.text)
		if part.name != "" {
			b.WriteString(p.escape(values[part.name]))
		}
	}
	return b.String()
}

func (t template) has(name string) bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.name == name })
}
