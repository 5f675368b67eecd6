package gatewaytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lafia/gateway/message"
)

// carries tells where a request has its fields.
type carries string

const (
	carriesForm  carries = "form"
	carriesJSON  carries = "json"
	carriesQuery carries = "query"
)

// carrier finds where a request has its fields: in a JSON or form body, else in
// its query, as a GET does and a POST whose body is the bare message (Kannel's
// post-url).
func carrier(r message.Request) carries {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	start := bytes.TrimLeft(bytes.TrimPrefix(r.Body, []byte("\uFEFF")), " \r\n\t")
	switch {
	case len(r.Body) == 0, r.Method == http.MethodGet:
		return carriesQuery
	case start[0] == '{':
		return carriesJSON
	case strings.HasPrefix(kind, "text/"), kind == "application/octet-stream":
		return carriesQuery
	}
	return carriesForm
}

// carried is the text that a request has its fields in.
func carried(r message.Request) string {
	if carrier(r) == carriesQuery {
		return r.URL.RawQuery
	}
	return string(r.Body)
}

// maxQuery is what the gateway reads of a query, with the rest of its headers.
const maxQuery = 15 << 10

// carrying gives r with another text in place of the carried one, signed where
// signatures exist.
func (o Options) carrying(r message.Request, text []byte) message.Request {
	if carrier(r) != carriesQuery {
		return o.changed(r, text)
	}
	r = clone(r)
	r.URL.RawQuery = string(text[:min(len(text), maxQuery)])
	return o.changed(r, r.Body)
}

// tokenIn tells where our own token stands in a query.
func tokenIn(query string) [2]int {
	at := 0
	for pair := range strings.SplitSeq(query, "&") {
		if strings.HasPrefix(pair, "token=") {
			return [2]int{max(0, at-1), at + len(pair) + 1}
		}
		at += len(pair) + 1
	}
	return [2]int{}
}

// withStatus puts a word into a field of what a request carries.
func withStatus(r message.Request, field, word string) ([]byte, error) {
	if carrier(r) == carriesJSON {
		var v any
		if err := json.Unmarshal(r.Body, &v); err != nil {
			return nil, err
		}
		if !replace(v, field, word) {
			return nil, errors.New("no field " + field)
		}
		return json.Marshal(v)
	}
	form, err := url.ParseQuery(carried(r))
	if err != nil {
		return nil, err
	}
	if !form.Has(field) {
		return nil, errors.New("no field " + field)
	}
	form.Set(field, word)
	return []byte(form.Encode()), nil
}

// batch puts the messages of all samples of a kind into one request.
func batch(t *testing.T, a message.Adapter, requests []sample, o Options) {
	t.Helper()
	tried := 0
	for _, s := range requests {
		var whole map[string]any
		if carrier(s.request) != carriesJSON || json.Unmarshal(s.request.Body, &whole) != nil {
			continue
		}
		list, holder := array(whole, o.Batch)
		if len(list) == 0 || a.Parse(s.kind, clone(s.request), o.Account, o.now()).Unreadable != "" {
			continue
		}
		tried++
		read := func(elements ...any) message.Parsed {
			holder[o.Batch] = elements
			body, err := json.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			p := a.Parse(s.kind, o.changed(s.request, body), o.Account, o.now())
			checkParsed(t, s.name, s.kind, p, o)
			return p
		}
		var want, back []string
		for _, e := range list {
			want = append(want, showEvents(read(e)))
		}
		back = slices.Clone(want)
		slices.Reverse(back)
		inReverse := slices.Clone(list)
		slices.Reverse(inReverse)
		if got := showEvents(read(list...)); got != strings.Join(want, "") {
			t.Errorf("%s: together they are\n%sone by one\n%s", s.name, got, strings.Join(want, ""))
		}
		if got := showEvents(read(inReverse...)); got != strings.Join(back, "") {
			t.Errorf("%s: in reverse they are\n%s", s.name, got)
		}
		if got := showEvents(read(append(slices.Clone(list), list...)...)); got != strings.Join(append(slices.Clone(want), want...), "") {
			t.Errorf("%s: twice in one request they are\n%s", s.name, got)
		}
		for _, bad := range []any{nil, map[string]any{}, "x", 7, []any{}} {
			p := read(append([]any{list[0], bad}, list[1:]...)...)
			if got := showEvents(p); got != strings.Join(want, "") || p.Unreadable == "" {
				t.Errorf("%s: with a bad one among them they are\n%swant\n%sand a reason", s.name, show(p), strings.Join(want, ""))
			}
		}
	}
	if tried == 0 {
		t.Errorf("no sample has an array %q", o.Batch)
	}
}

// array finds an array by its name, and the object that holds it.
func array(v any, name string) ([]any, map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if list, ok := v[name].([]any); ok {
			return list, v
		}
		for _, inner := range v {
			if list, holder := array(inner, name); list != nil {
				return list, holder
			}
		}
	case []any:
		for _, inner := range v {
			if list, holder := array(inner, name); list != nil {
				return list, holder
			}
		}
	}
	return nil, nil
}

func replace(v any, field, word string) (found bool) {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if _, text := v[k].(string); text && k == field {
				v[k], found = word, true
			} else {
				found = replace(v[k], field, word) || found
			}
		}
	case []any:
		for i := range v {
			found = replace(v[i], field, word) || found
		}
	}
	return found
}
