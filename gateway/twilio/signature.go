package twilio

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" // what Twilio signs with; HMAC-SHA1 is not broken
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lafia/gateway/message"
)

// forged tells why a request is not Twilio's, and nothing when it is.
//
// X-Twilio-Signature is base64(HMAC-SHA1(auth token, S)), where S is the URL as
// Twilio called it and, for a form, every parameter of the body, sorted, name and
// value after each other. For any other body the URL has bodySHA256 instead.
// Where a webhook rule has a shared key, another header says so and the hash may
// be SHA-256 (twilio.com/docs/usage/webhooks/webhook-shared-keys). The keys are
// the channel's signatures: auth tokens, or secrets of shared keys.
//
// Every spelling of the URL is tried with every key, always all of them, and each
// compared in constant time.
func forged(r message.Request, a message.Account) string {
	given := r.Header.Get("X-Twilio-Signature")
	newHash, known := algorithm(r.Header.Get("X-Twilio-Webhooks-Signature-Settings"))
	switch {
	case given == "":
		return "X-Twilio-Signature is missing"
	case !known:
		return "X-Twilio-Webhooks-Signature-Settings names an algorithm that is neither HMAC_SHA1 nor HMAC_SHA256"
	}
	var parameters []byte
	bodyIsRight := 1
	switch {
	case r.Method == http.MethodGet: // all is in the URL
	case isForm(r):
		parameters = sorted(r.Body)
	default:
		sum := sha256.Sum256(r.Body)
		claimed := r.URL.Query().Get("bodySHA256")
		bodyIsRight = subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(claimed))
	}
	keys, right := 0, 0
	for _, key := range a.Signatures {
		if key.IsZero() {
			continue
		}
		keys++
		for _, spelling := range spellings(r.URL, a.Settings["public_url"]) {
			mac := hmac.New(newHash, []byte(key.Reveal()))
			mac.Write([]byte(spelling))
			mac.Write(parameters)
			want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
			right |= subtle.ConstantTimeCompare([]byte(want), []byte(given))
		}
	}
	switch {
	case keys == 0:
		return "the channel has no signatures: put Twilio's auth token there"
	case right == 0:
		return "X-Twilio-Signature is wrong: another auth token, or Twilio called another address than " + place(r.URL, a.Settings["public_url"])
	case bodyIsRight == 0:
		return "bodySHA256 is not that of the body"
	}
	return ""
}

// isForm reports whether a body is a form; one without a type is taken for one.
func isForm(r message.Request) bool {
	kind := message.MediaType(r.Header.Get("Content-Type"))
	return kind == "" || kind == formType
}

const formType = "application/x-www-form-urlencoded"

// algorithm reads "key=ID,algorithm=HMAC_SHA256". Without the header it is
// HMAC-SHA1.
func algorithm(settings string) (func() hash.Hash, bool) {
	if settings == "" {
		return sha1.New, true
	}
	for pair := range strings.SplitSeq(settings, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if !strings.EqualFold(name, "algorithm") {
			continue
		}
		switch strings.ToUpper(value) {
		case "HMAC_SHA1":
			return sha1.New, true
		case "HMAC_SHA256":
			return sha256.New, true
		}
	}
	return nil, false
}

// sorted gives the parameters of a form as they are signed: sorted by name, byte
// by byte, each name followed by its value, both decoded. Where a name comes
// twice, Twilio's own libraries write it before each of its values, sorted, equal
// ones once.
func sorted(body []byte) []byte {
	type parameter struct{ name, value string }
	var all []parameter
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		all = append(all, parameter{decode(name), decode(value)})
	}
	slices.SortFunc(all, func(a, b parameter) int {
		if n := strings.Compare(a.name, b.name); n != 0 {
			return n
		}
		return strings.Compare(a.value, b.value)
	})
	var b bytes.Buffer
	for _, p := range slices.Compact(all) {
		b.WriteString(p.name)
		b.WriteString(p.value)
	}
	return b.Bytes()
}

func decode(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s // it cannot be signed so
}

// spellings gives the URL in every way that Twilio may have signed it: under
// public_url, or as it came, which behind a proxy with TLS is http where Twilio
// said https; with the port and without (the library: "sig generation on back-end
// is inconsistent"); and with two parameters of the query in either order, which
// Twilio has been seen to change (twilio-php issue 790). Which of them a forger
// picks does not help her without a key.
func spellings(u *url.URL, public string) []string {
	var bases []string
	rest := u.EscapedPath()
	if p, err := url.Parse(public); public != "" && err == nil && p.Host != "" {
		p.RawQuery, p.Fragment = "", ""
		rest = strings.TrimSuffix(p.EscapedPath(), "/") + rest
		bases = authorities(p.Scheme, p)
	} else {
		bases = authorities(u.Scheme, u)
		if u.Scheme == "http" {
			bases = append(bases, authorities("https", u)...)
		}
	}
	queries := []string{""}
	if u.RawQuery != "" || u.ForceQuery {
		queries[0] = "?" + u.RawQuery
		if pairs := strings.Split(u.RawQuery, "&"); len(pairs) == 2 {
			queries = append(queries, "?"+pairs[1]+"&"+pairs[0])
		}
	}
	var all []string
	for _, base := range bases {
		for _, query := range queries {
			all = append(all, base+rest+query)
		}
	}
	return all
}

// authorities gives scheme://user@host with the port as it is, without one, and
// with the usual one where it has none.
func authorities(scheme string, u *url.URL) []string {
	before := scheme + "://"
	if u.User != nil {
		before += u.User.String() + "@"
	}
	host, _, err := net.SplitHostPort(u.Host)
	if err == nil { // it has a port
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return []string{before + u.Host, before + host}
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return []string{before + u.Host, before + u.Host + port}
}

// place is the address without its query, for a reason: what an operator compares
// with the console of Twilio.
func place(u *url.URL, public string) string {
	if public != "" {
		return "public_url and " + message.Word(u.Path)
	}
	return message.Word(u.Scheme + "://" + u.Host + u.Path)
}
