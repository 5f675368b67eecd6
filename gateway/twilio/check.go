package twilio

import (
	"net/url"
	"strings"

	"lafia/gateway/message"
)

// CheckSettings tells what is wrong or missing in [channel.account].
func (*Adapter) CheckSettings(a message.Account) (mend []string) {
	s := a.Settings
	if !strings.HasPrefix(s["account_sid"], "AC") {
		mend = append(mend, "account_sid is missing or no account's: it begins with AC and is on the first page of Twilio's console")
	}
	switch {
	case s["api_key_sid"] != "" && s["api_key_secret"] == "":
		mend = append(mend, "api_key_secret is missing: Twilio shows it once, when the key is made")
	case s["api_key_sid"] == "" && s["auth_token"] == "":
		mend = append(mend, "auth_token is missing: it is on the first page of Twilio's console (or set api_key_sid and api_key_secret)")
	}
	if len(a.Signatures) == 0 {
		mend = append(mend, "signatures is empty, so that everything is refused: put the account's auth token there, and the secondary one while they change")
	}
	if v := s["public_url"]; v != "" {
		if u, err := url.Parse(v); err != nil || !message.IsEndpoint(v) || u.RawQuery != "" || u.Fragment != "" {
			mend = append(mend, "public_url is no address without a query: write what stands before /webhooks in Twilio's console, as https://lafia.example.org")
		}
	}
	switch v := s["status_callback"]; {
	case v == "":
		mend = append(mend, "status_callback is missing, so that no delivery report comes: set it to the channel's …/status address with its token")
	case !message.IsEndpoint(v):
		mend = append(mend, "status_callback is no http or https address: write it whole, with its token")
	case strings.Count(v, "&") > 0:
		mend = append(mend, "status_callback has more than one parameter: leave the token alone, since Twilio may change their order and the signature with it")
	}
	if v := s["endpoint"]; v != "" && !message.IsEndpoint(v) {
		mend = append(mend, "endpoint is no http or https address: leave it out, or write it whole")
	}
	return mend
}

// Advice tells what must be set at Twilio. It gives up after 15 s in all, and the
// message then exists in its log alone (webhooks-connection-overrides).
func (*Adapter) Advice() []string {
	return []string{
		"Twilio: set \"A message comes in\" of the number or messaging service to the channel's …/sms address, HTTP POST, with #rc=5&rp=all behind it (retries; neither sent nor signed)",
		"Twilio: set \"Primary handler fails\" to the same address on another machine: after 15 s in all Twilio tries that one, and then nothing",
		"Twilio: keep the token the only parameter of an address: Twilio may change the order of several, and the signature with it",
		"Twilio: after an outage longer than 15 s, look through the message log (or GET /Messages.json?To=…&DateSent>=…) for what did not arrive",
		"Twilio: it answers STOP and START itself, in English, unless Advanced Opt-Out is changed; it then refuses our messages with 21610",
	}
}
