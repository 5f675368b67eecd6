package message_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lafia/gateway/message"
)

func TestFieldsKeepTheFirstReason(t *testing.T) {
	f := message.Fields{Form: message.Form{"a": " x ", "long": strings.Repeat("x", message.MaxField+1), "n": "( )", "c": "3", "d": "-1", "e": "x"}}
	if f.Needed("a") != "x" || f.Count("c") != 3 || f.Count("d") != 0 || f.Count("e") != 0 || f.Count("none") != 0 || f.Reason != "" {
		t.Errorf("read with %q", f.Reason)
	}
	for name, want := range map[string]string{"none": "none is missing", "long": "long is longer than 200 bytes", "n": "n is no number"} {
		g := f
		g.Number(name)
		g.Needed("other")
		if g.Reason != want || g.Parsed(message.Event{}).Unreadable != want {
			t.Errorf("%s: %q, want %q", name, g.Reason, want)
		}
	}
}

func TestAFormIsInTheQueryOfAGetAndInTheBodyOfAPost(t *testing.T) {
	for _, c := range []struct{ method, kind, encoding, want string }{
		{"GET", "", "", ""},
		{"POST", "", "", ""},
		{"POST", "Application/X-WWW-Form-Urlencoded ; charset=", "identity", ""},
		{"PUT", "", "", "the method is PUT, not GET or POST"},
		{"POST", "application/json", "", "Content-Type is application/json, not application/x-www-form-urlencoded"},
		{"POST", "", "gzip", "the body is encoded: Content-Encoding is gzip"},
	} {
		r := message.Request{Method: c.method, URL: &url.URL{RawQuery: "a=GET"}, Header: http.Header{"Content-Type": {c.kind}, "Content-Encoding": {c.encoding}}, Body: []byte("a=POST")}
		f, reason := message.ReadForm(r, "GET", "POST")
		if reason != c.want || reason == "" && f["a"] != c.method {
			t.Errorf("%s %s: %v %q, want %q", c.method, c.kind, f, reason, c.want)
		}
	}
}

func TestAWordIsOneLineWithoutANumber(t *testing.T) {
	for in, want := range map[string]string{
		"bad\r\nnumber +22370000001.": "bad  number +#.", "code 12345": "code 12345", strings.Repeat("é", 100): strings.Repeat("é", 80), "": "",
	} {
		if got := message.Word(in); got != want {
			t.Errorf("%q gives %q, not %q", in, got, want)
		}
	}
}

func TestTheTransportDecidesUnlessItIsASuccess(t *testing.T) {
	down := errors.New("down")
	for _, c := range []struct {
		status int
		err    error
		wrote  bool
		want   message.Verdict
	}{
		{0, down, false, message.Retry}, {0, down, true, message.Ambiguous}, {302, nil, true, message.Retry}, {400, nil, true, message.Rejected},
		{401, nil, true, message.Retry}, {403, nil, true, message.Retry}, {404, nil, true, message.Rejected}, {429, nil, true, message.Retry},
		{500, nil, true, message.Ambiguous}, {100, nil, true, message.Ambiguous}, {200, nil, true, ""}, {299, nil, true, ""},
	} {
		o, decided := message.TransportOutcome(c.status, c.err, c.wrote)
		if o.Verdict != c.want || decided != (c.want != "") {
			t.Errorf("%d %v %v: %+v, want %s", c.status, c.err, c.wrote, o, c.want)
		}
	}
	for address, want := range map[string]bool{"https://a.example/x": true, "http://127.0.0.1:1": true, "ftp://a": false, "a.example": false, "": false, "http://": false, ":": false} {
		if message.IsEndpoint(address) != want {
			t.Errorf("%q is an endpoint: %v", address, !want)
		}
	}
}
