package androidsms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lafia/gateway/message"
)

// window is how far a timestamp may be from now, on either side: what
// docs/features/webhooks.md advises. The app signs at each attempt, so a repeat
// after hours has a fresh timestamp (PayloadSingingPlugin).
const window = 5 * time.Minute

// refusal tells why a request is not authentic, and nothing when it is, or when
// the channel has no signatures.
//
// X-Signature is the hex of HMAC-SHA256(key, body + X-Timestamp), with nothing
// between the body and the digits of the timestamp (PayloadSingingPlugin). The
// signature comes before the clock, so that "is the phone's clock right?" is
// asked of our own phone alone.
func refusal(r message.Request, secrets []message.Secret, now time.Time) string {
	if len(secrets) == 0 {
		return ""
	}
	given, stamp := r.Header.Get("X-Signature"), r.Header.Get("X-Timestamp")
	switch {
	case given == "":
		return "X-Signature is missing: this is not the app, or a proxy took it away"
	case stamp == "":
		return "X-Timestamp is missing: this is not the app, or a proxy took it away"
	}
	signature, err := hex.DecodeString(strings.TrimSpace(given))
	if err != nil {
		return "X-Signature is no hex"
	}
	right := false
	for _, s := range secrets {
		if s.IsZero() {
			continue
		}
		mac := hmac.New(sha256.New, []byte(s.Reveal()))
		mac.Write(r.Body)
		mac.Write([]byte(stamp))
		right = hmac.Equal(mac.Sum(nil), signature) || right
	}
	if !right {
		return "signature does not match: is the app's signing key this channel's?"
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "X-Timestamp is no number of seconds"
	}
	switch age := now.Sub(time.Unix(seconds, 0)); {
	case age > window:
		return "timestamp is " + span(age) + " old: is the phone's clock right?"
	case age < -window:
		return "timestamp is " + span(-age) + " ahead: is the phone's clock right?"
	}
	return ""
}

// span is a duration as people say it.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
