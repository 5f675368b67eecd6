package locale

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n/template"
)

// pattern is a message cut at its placeholders: texts[0] holes[0] texts[1] …
// Placeholders are all that a translator's file may do: no conditions, no
// functions. So a message can neither fail nor print "<no value>".
type pattern struct {
	texts []string
	holes []string
}

var placeholder = regexp.MustCompile(`\{\{\s*\.([A-Za-z][A-Za-z0-9_]*)\s*\}\}`)

func newPattern(source string) (*pattern, error) {
	p := &pattern{}
	end := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(source, -1) {
		p.texts = append(p.texts, source[end:at[0]])
		p.holes = append(p.holes, source[at[2]:at[3]])
		end = at[1]
	}
	p.texts = append(p.texts, source[end:])
	for _, text := range p.texts {
		if strings.Contains(text, "{{") || strings.Contains(text, "}}") {
			return nil, fmt.Errorf("%q: braces are only for placeholders, written {{.name}}", source)
		}
	}
	return p, nil
}

// names lists the placeholders, each once, in order.
func (p *pattern) names() []string {
	names := slices.Clone(p.holes)
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *pattern) fill(args map[string]string) string {
	size := 0
	for _, text := range p.texts {
		size += len(text)
	}
	for _, hole := range p.holes {
		size += len(args[hole])
	}
	var b strings.Builder
	b.Grow(size)
	for i, hole := range p.holes {
		b.WriteString(p.texts[i])
		b.WriteString(args[hole])
	}
	b.WriteString(p.texts[len(p.holes)])
	return b.String()
}

// patterns is the template language that go-i18n is given for our files.
type patterns struct{}

// Parse implements template.Parser.
func (patterns) Parse(source, _, _ string) (template.ParsedTemplate, error) {
	return newPattern(source)
}

// Cacheable implements template.Parser.
func (patterns) Cacheable() bool { return true }

// resolved, handed over as the data of a message, takes the pattern that
// go-i18n found in place of a text: so what never changes is looked up once.
type resolved struct{ pattern *pattern }

// Execute implements template.ParsedTemplate.
func (p *pattern) Execute(data any) (string, error) {
	switch data := data.(type) {
	case *resolved:
		data.pattern = p
		return "", nil
	case map[string]string:
		return p.fill(data), nil
	}
	return p.fill(nil), nil
}
