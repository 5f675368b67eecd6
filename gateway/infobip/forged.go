package infobip

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"lafia/gateway/message"
)

// forged tells why a request is not Infobip's, and nothing when it is, or when
// nothing was agreed on with Infobip beyond the token in the URL. What can be
// agreed on (with the account team; assumed) is a user and password, or a header
// of one's own: the settings webhook_user or webhook_header name it, and the
// channel's signatures are the passwords or values, two at a time.
//
// Each of them is compared by its SHA-256, all of them always, so that the time
// tells neither how much was right nor which.
func forged(r message.Request, a message.Account) string {
	user, header := a.Settings["webhook_user"], a.Settings["webhook_header"]
	var given, what string
	switch {
	case user != "":
		what = "user or password"
		scheme, code, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(code))
		if !strings.EqualFold(scheme, "basic") || err != nil {
			return "Authorization is missing or not Basic"
		}
		given = string(plain)
	case header != "":
		what = "value of " + message.Word(header)
		if given = r.Header.Get(header); given == "" {
			return "the header " + message.Word(header) + " is missing"
		}
	default:
		return ""
	}
	sum := sha256.Sum256([]byte(given))
	right := 0
	for _, s := range a.Signatures {
		if s.IsZero() {
			continue
		}
		want := s.Reveal()
		if user != "" {
			want = user + ":" + want
		}
		expected := sha256.Sum256([]byte(want))
		right |= subtle.ConstantTimeCompare(sum[:], expected[:])
	}
	if right == 0 {
		return "the " + what + " is not one of the channel's signatures"
	}
	return ""
}
