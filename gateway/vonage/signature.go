package vonage

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// tokenName is the parameter of our own address. Whether Vonage signs it too is
// not documented: both readings are tried.
const tokenName = "token"

// window is how far timestamp may be from our clock, as Vonage's own Java SDK
// has it (RequestSigning.MAX_ALLOWABLE_TIME_DELTA). Whether a call that is
// repeated, for up to 24 h, carries a fresh one is not documented: the setting
// timestamp_window widens it.
const window = 5 * time.Minute

// algorithm makes a signature over the canonical form. MD5 hash, the default of
// an account, appends the secret; the others are HMACs.
type algorithm func(secret, canonical string) []byte

// algorithms by the names that Vonage's SDKs have for them, without dashes.
var algorithms = map[string]algorithm{
	"md5hash":    func(secret, s string) []byte { sum := md5.Sum([]byte(s + secret)); return sum[:] },
	"md5hmac":    mac(md5.New),
	"sha1hmac":   mac(sha1.New),
	"sha256hmac": mac(sha256.New),
	"sha512hmac": mac(sha512.New),
}

func mac(h func() hash.Hash) algorithm {
	return func(secret, s string) []byte {
		m := hmac.New(h, []byte(secret))
		m.Write([]byte(s))
		return m.Sum(nil)
	}
}

// algorithmNamed finds an algorithm by the setting signature_algorithm, which is
// never taken from a request.
func algorithmNamed(name string) (algorithm, bool) {
	name = strings.ToLower(name)
	for _, c := range []string{"-", "_", " ", "."} {
		name = strings.ReplaceAll(name, c, "")
	}
	if rest, ok := strings.CutPrefix(name, "hmac"); ok {
		name = rest + "hmac"
	}
	switch name {
	case "":
		name = "md5hash"
	case "md5", "sha1", "sha256", "sha512":
		name += "hmac"
	}
	a, ok := algorithms[name]
	return a, ok
}

// verify tells why a request is not authentic; "" means that it is.
//
// An account of Vonage signs only when it is told to. A channel that has neither
// a secret nor an algorithm is one that doesn't: its token is the check, and
// what carries a signature is refused, for want of a secret.
func verify(form message.Form, a message.Account, now time.Time) string {
	given, name := form["sig"], a.Settings["signature_algorithm"]
	secrets := slices.DeleteFunc(slices.Clone(a.Signatures), message.Secret.IsZero)
	sign, known := algorithmNamed(name)
	sum, err := hex.DecodeString(strings.TrimSpace(given))
	switch {
	case len(a.Signatures) == 0 && name == "" && given == "":
		return ""
	case len(secrets) == 0:
		return "sig cannot be checked: the channel has no signature secret"
	case !known:
		return "the setting signature_algorithm is not one of md5hash, md5, sha1, sha256, sha512"
	case given == "":
		return "sig is missing: signing is not switched on for this Vonage account"
	case err != nil:
		return "sig is not hexadecimal"
	}
	found := false
	for _, s := range canonical(form) {
		for _, secret := range secrets {
			found = hmac.Equal(sum, sign(secret.Reveal(), s)) || found
		}
	}
	if !found {
		return "sig is wrong: the secret, the algorithm or the request is another one"
	}
	return fresh(form, a.Settings["timestamp_window"], now)
}

// canonical is what is signed (vonage-node-sdk verifySignature): the parameters
// but sig, sorted by name, each as &name=value with "&" and "=" inside made "_",
// in names too, as the Java SDK does: else one field could pose as two. SDKs
// differ in whether blank values count (the Java one leaves them out), and the
// token may count or not, so there are up to four forms; in each, every value
// that is read is signed.
func canonical(form message.Form) []string {
	names := slices.Sorted(maps.Keys(form))
	clean := strings.NewReplacer("&", "_", "=", "_")
	var all []string
	for _, token := range []bool{false, true} {
		for _, blank := range []bool{true, false} {
			var s strings.Builder
			for _, name := range names {
				value := form[name]
				if name == "sig" || name == tokenName && !token || strings.TrimSpace(value) == "" && !blank {
					continue
				}
				s.WriteString("&" + clean.Replace(name) + "=" + clean.Replace(value))
			}
			if !slices.Contains(all, s.String()) {
				all = append(all, s.String())
			}
		}
	}
	return all
}

// fresh tells why a signed request is too old, or from the future.
func fresh(form message.Form, setting string, now time.Time) string {
	allowed := window
	if setting != "" {
		d, err := time.ParseDuration(setting)
		if err != nil || d <= 0 {
			return "the setting timestamp_window is no duration, such as 5m or 25h"
		}
		allowed = d
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(form["timestamp"]), 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return "timestamp is missing or no Unix time"
	}
	age := now.Sub(time.Unix(seconds, 0))
	switch {
	case age > allowed:
		return "timestamp is more than " + allowed.String() + " old: replayed, late, or our clock is wrong"
	case age < -window:
		return "timestamp is more than " + window.String() + " ahead of our clock"
	}
	return ""
}
