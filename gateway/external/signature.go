package external

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// signature is how requests are signed: an HMAC in a header, over the body and
// perhaps a timestamp in another header.
type signature struct {
	required  bool   // a request without one is refused
	broken    string // what is wrong with the settings: then all is refused
	hash      func() hash.Hash
	header    string
	base64    bool
	prefix    string
	stamped   bool // the timestamp is signed with the body
	before    bool // and stands before it
	separator string
	stamp     string // its header
	window    time.Duration
}

func (c *compiler) signature() {
	s := signature{
		header: c.value("signature_header"), prefix: c.value("signature_prefix"),
		separator: c.value("signature_separator"), stamp: c.value("signature_timestamp"), hash: sha256.New,
	}
	algorithm := strings.ToLower(c.value("signature_algorithm"))
	s.required = algorithm != ""
	switch strings.TrimPrefix(algorithm, "hmac-") {
	case "", "sha256":
	case "sha1":
		s.hash = sha1.New
	case "sha512":
		s.hash = sha512.New
	default:
		c.bad("signature_algorithm", "is none of hmac-sha1, hmac-sha256, hmac-sha512")
	}
	s.base64 = c.choice("signature_encoding", "hex", "base64") == "base64"
	over := c.choice("signature_over", "body", "body+timestamp", "timestamp+body")
	s.stamped, s.before = over != "body", over == "timestamp+body"
	if s.header == "" {
		c.bad("signature_header", "is empty: write the name of the header")
	}
	if s.stamped && s.stamp == "" {
		c.bad("signature_timestamp", "is empty: write the name of the header")
	}
	seconds, err := strconv.Atoi(c.value("signature_window"))
	if err != nil || seconds < 1 || seconds > 86400 {
		c.bad("signature_window", "is no number of seconds, 1 to 86400")
	}
	s.window = time.Duration(seconds) * time.Second
	s.broken = c.out.problem("signature")
	c.out.signature = s
}

// refusal tells why a request is not authentic, and nothing when it is. Without
// signature_algorithm a signature is optional: one that is there must be right,
// if the channel has a secret to judge it by.
func (s signature) refusal(r message.Request, secrets []message.Secret, now time.Time) string {
	given := r.Header.Get(s.header)
	switch {
	case s.broken != "":
		return s.broken
	case !s.required && (given == "" || len(secrets) == 0):
		return ""
	case len(secrets) == 0:
		return "signatures is missing: this channel has no secret to judge a signature by"
	case given == "":
		return message.Word(s.header) + " is missing"
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(given), s.prefix)
	if !ok {
		return message.Word(s.header) + " does not begin with " + message.Word(s.prefix)
	}
	code, err := hex.DecodeString(text)
	if s.base64 {
		code, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	}
	if err != nil {
		return message.Word(s.header) + " cannot be decoded: is the setting signature_encoding right?"
	}
	stamp := r.Header.Get(s.stamp)
	if s.stamped && stamp == "" {
		return message.Word(s.stamp) + " is missing"
	}
	right := false
	for _, secret := range secrets {
		if secret.IsZero() {
			continue
		}
		mac := hmac.New(s.hash, []byte(secret.Reveal()))
		mac.Write(s.signed(r.Body, stamp))
		right = hmac.Equal(mac.Sum(nil), code) || right
	}
	switch {
	case !right:
		return "signature does not match"
	case s.stamped:
		return s.late(stamp, now)
	}
	return ""
}

// signed is what the signature is over.
func (s signature) signed(body []byte, stamp string) []byte {
	switch {
	case !s.stamped:
		return body
	case s.before:
		return append([]byte(stamp+s.separator), body...)
	}
	return append(bytes.Clone(body), s.separator+stamp...)
}

// late judges a timestamp in Unix seconds or, where it has 12 digits or more,
// milliseconds.
func (s signature) late(stamp string, now time.Time) string {
	n, err := strconv.ParseInt(strings.TrimSpace(stamp), 10, 64)
	if err != nil {
		return message.Word(s.stamp) + " is no Unix time"
	}
	at := time.Unix(n, 0)
	if n >= 1e11 {
		at = time.UnixMilli(n)
	}
	switch age := now.Sub(at); {
	case age > s.window:
		return fmt.Sprintf("timestamp is %d minutes old: is the clock right?", min(age/time.Minute, 9999999))
	case age < -s.window:
		return fmt.Sprintf("timestamp is %d minutes ahead: is the clock right?", min(-age/time.Minute, 9999999))
	}
	return ""
}
