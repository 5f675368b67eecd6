package androidsms

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"lafia/gateway/message"
)

// registered are the events that a channel lives on. sms:data-received and MMS
// are left out: they are no feedback, and a picture is larger than what a
// webhook takes.
var registered = []string{"sms:received", "sms:sent", "sms:delivered", "sms:failed", "system:ping"}

// Registrations are the requests that have the phone's events sent here: one
// for each event, all to the sms address. address is that of the
// channel's webhooks.
//
// Each has an id made from its address and event, since a registration whose id
// is there already replaces it (server: handlers/webhooks): to register again
// changes nothing. The token is no part of it, so that a new token replaces the
// old one.
func (*Adapter) Registrations(a message.Account, address, token string) []message.HTTPRequest {
	s, err := settings(a)
	if err != nil {
		return nil // CheckSettings says what is wrong
	}
	hook := strings.TrimRight(address, "/") + "/sms"
	var all []message.HTTPRequest
	for _, event := range registered {
		sum := sha256.Sum256([]byte(hook + " " + event))
		all = append(all, s.post("/webhooks", struct {
			ID    string `json:"id"`
			URL   string `json:"url"`
			Event string `json:"event"`
		}{hex.EncodeToString(sum[:16]), hook + "?token=" + url.QueryEscape(token), event}))
	}
	return all
}

// Silence is how long a phone that lives may be silent: four of the 15 minutes
// that Advice asks for, since a phone dozes and its network comes and goes.
func (*Adapter) Silence() time.Duration { return time.Hour }

// CheckSettings gives one line for each thing to mend.
func (*Adapter) CheckSettings(a message.Account) []string {
	var lines []string
	s, err := settings(a)
	if err != nil {
		lines = append(lines, err.Error()+": the app's home screen shows address, user name and password")
	} else if u, err := url.Parse(s.endpoint); err == nil && u.Scheme == "http" && !nearby(u.Hostname()) {
		lines = append(lines, "the setting endpoint is http on a network that is not ours: the password can be read on the way; use https")
	}
	for name := range a.Settings {
		if !slices.Contains([]string{"endpoint", "username", "password", "sim"}, name) {
			lines = append(lines, "nothing reads the setting "+message.Word(name)+": take it out, or mend its name")
		}
	}
	slices.Sort(lines)
	if len(a.Signatures) == 0 {
		lines = append(lines, `signatures is missing, so whoever knows the token can post: copy the key in the app, Settings, Webhooks, Signing Key, to signatures = ["file:…"]`)
	}
	return lines
}

// nearby reports whether a host is on this machine or network.
func nearby(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".lan")
}

// Advice gives one line for each setting of the phone that Lafia relies on.
func (*Adapter) Advice() []string {
	return []string{
		"the webhooks are registered at the app: lafia channel register",
		"Settings, Ping: switch it on, with an interval of 15 minutes or less; a silent phone is noticed by nothing else",
		"Google Messages, RCS chats: off; what comes as RCS never reaches the app",
		"Android, battery: the app is not restricted, and starts with the phone",
		"Android, date and time: set by the network; a clock that is 5 minutes wrong has every message refused",
		"on a network without Internet: Settings, Webhooks, Require Internet connection off",
		"Android lets an app send about 30 SMS in 30 minutes: keep rate_per_second at 0.016, or raise the phone's limit (README.md)",
	}
}
