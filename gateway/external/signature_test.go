package external_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
	"testing"

	"lafia/gateway/external"
	"lafia/gateway/message"
)

const ping = `{"from":"70000001","text":"a"}`

func mac(h func() hash.Hash, over string) []byte {
	m := hmac.New(h, []byte("key"))
	m.Write([]byte(over))
	return m.Sum(nil)
}

func TestEverySchemeOfSigningIsSettings(t *testing.T) {
	const at = "1767225600" // the suite's now
	for name, c := range map[string]struct {
		settings, headers, want string
	}{
		"sha256 in hex": {"signature_algorithm=hmac-sha256", "X-Signature=" + hex.EncodeToString(mac(sha256.New, ping)), ""},
		"a short name":  {"signature_algorithm=SHA256", "X-Signature=" + hex.EncodeToString(mac(sha256.New, ping)), ""},
		"capitals":      {"signature_algorithm=hmac-sha256", "X-Signature=" + strings.ToUpper(hex.EncodeToString(mac(sha256.New, ping))), ""},
		"sha1 in base64": {"signature_algorithm=hmac-sha1;signature_encoding=base64;signature_header=X-Hub",
			"X-Hub=" + base64.StdEncoding.EncodeToString(mac(sha1.New, ping)), ""},
		"base64 without its padding": {"signature_algorithm=hmac-sha1;signature_encoding=base64", "X-Signature=" + base64.RawStdEncoding.EncodeToString(mac(sha1.New, ping)), ""},
		"sha512 with a prefix":       {"signature_algorithm=hmac-sha512;signature_prefix=sha512=", "X-Signature=sha512=" + hex.EncodeToString(mac(sha512.New, ping)), ""},
		"body and timestamp": {"signature_algorithm=hmac-sha256;signature_over=body+timestamp",
			"X-Signature=" + hex.EncodeToString(mac(sha256.New, ping+at)) + ";X-Timestamp=" + at, ""},
		"timestamp and body, with a dot": {"signature_algorithm=hmac-sha256;signature_over=timestamp+body;signature_separator=.",
			"X-Signature=" + hex.EncodeToString(mac(sha256.New, at+"."+ping)) + ";X-Timestamp=" + at, ""},
		"milliseconds": {"signature_algorithm=hmac-sha256;signature_over=body+timestamp;signature_timestamp=X-At",
			"X-Signature=" + hex.EncodeToString(mac(sha256.New, ping+at+"000")) + ";X-At=" + at + "000", ""},
		"too old": {"signature_algorithm=hmac-sha256;signature_over=body+timestamp;signature_window=60",
			"X-Signature=" + hex.EncodeToString(mac(sha256.New, ping+"1767225000")) + ";X-Timestamp=1767225000", "timestamp is 10 minutes old: is the clock right?"},
		"too new": {"signature_algorithm=hmac-sha256;signature_over=body+timestamp",
			"X-Signature=" + hex.EncodeToString(mac(sha256.New, ping+"1767226200")) + ";X-Timestamp=1767226200", "timestamp is 10 minutes ahead: is the clock right?"},
		"no time at all": {"signature_algorithm=hmac-sha256;signature_over=body+timestamp",
			"X-Signature=" + hex.EncodeToString(mac(sha256.New, ping+"soon")) + ";X-Timestamp=soon", "X-Timestamp is no Unix time"},
		"no timestamp":                   {"signature_algorithm=hmac-sha256;signature_over=body+timestamp", "X-Signature=" + hex.EncodeToString(mac(sha256.New, ping)), "X-Timestamp is missing"},
		"no signature":                   {"signature_algorithm=hmac-sha256", "", "X-Signature is missing"},
		"no prefix":                      {"signature_algorithm=hmac-sha256;signature_prefix=v1=", "X-Signature=00", "X-Signature does not begin with v1="},
		"no hex":                         {"signature_algorithm=hmac-sha256", "X-Signature=zz", "X-Signature cannot be decoded: is the setting signature_encoding right?"},
		"forged":                         {"signature_algorithm=hmac-sha256", "X-Signature=00", "signature does not match"},
		"of another algorithm":           {"signature_algorithm=hmac-sha512", "X-Signature=" + hex.EncodeToString(mac(sha256.New, ping)), "signature does not match"},
		"not asked for, not there":       {"", "", ""},
		"not asked for, there and right": {"", "X-Signature=" + hex.EncodeToString(mac(sha256.New, ping)), ""},
		"not asked for, there and wrong": {"", "X-Signature=00", "signature does not match"},
		"settings that nobody knows":     {"signature_algorithm=md5", "", "the setting signature_algorithm is none of hmac-sha1, hmac-sha256, hmac-sha512"},
		"a window that is none":          {"signature_algorithm=sha1;signature_window=soon", "", "the setting signature_window is no number of seconds, 1 to 86400"},
	} {
		r := request("POST", "sms", "application/json", ping)
		for _, h := range strings.FieldsFunc(c.headers, func(r rune) bool { return r == ';' }) {
			name, value, _ := strings.Cut(h, "=")
			r.Header.Set(name, value)
		}
		a := account(strings.FieldsFunc(c.settings, func(r rune) bool { return r == ';' })...)
		a.Signatures = []message.Secret{message.NewSecret("new"), message.NewSecret("key")}
		p := external.New().Parse(message.KindSMS, r, a, now)
		if p.Refused != c.want || (len(p.Events) == 1) != (c.want == "") {
			t.Errorf("%s: refused %q, want %q", name, p.Refused, c.want)
		}
	}
}

func TestASignatureThatIsAskedForNeedsASecret(t *testing.T) {
	a := account("signature_algorithm=hmac-sha256", "send_url=https://x.example/")
	r := request("POST", "sms", "application/json", ping)
	r.Header.Set("X-Signature", hex.EncodeToString(mac(sha256.New, ping)))
	if p := external.New().Parse(message.KindSMS, r, a, now); !strings.HasPrefix(p.Refused, "signatures is missing") {
		t.Errorf("%+v", p)
	}
	if lines := external.New().CheckSettings(a); len(lines) != 1 || !strings.HasPrefix(lines[0], "signatures is missing") {
		t.Errorf("%q", lines)
	}
	a = account("send_url=https://x.example/")
	a.Signatures = []message.Secret{message.NewSecret("key")}
	if lines := external.New().CheckSettings(a); len(lines) != 1 || !strings.HasPrefix(lines[0], "the setting signature_algorithm is missing") {
		t.Errorf("%q", lines)
	}
}
