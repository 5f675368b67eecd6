package infobip

import (
	"strings"

	"lafia/gateway/message"
)

// CheckSettings tells what is wrong or missing in [channel.account].
func (*Adapter) CheckSettings(a message.Account) (mend []string) {
	s := a.Settings
	if authorizationOf(s) == "" {
		mend = append(mend, "api_key is missing: make one at portal.infobip.com, with the right to send SMS (or set username and password)")
	}
	if s["base_url"] == "" {
		mend = append(mend, "base_url is missing: set it to your account's own, as https://xxxxx.api.infobip.com")
	}
	for _, name := range []string{"base_url", "report_url"} {
		if v := s[name]; v != "" && !message.IsEndpoint(v) {
			mend = append(mend, name+" is no http or https address: write it whole")
		} else if strings.HasPrefix(v, "http:") && !strings.Contains(v, "//127.0.0.1") && !strings.Contains(v, "//localhost") {
			mend = append(mend, name+" is not https: keys and numbers would be readable on the way")
		}
	}
	if v := s["api_version"]; v != "" && v != "2" && v != "3" {
		mend = append(mend, "api_version is neither 2 nor 3: leave it out for 2")
	}
	checked := s["webhook_user"] != "" || s["webhook_header"] != ""
	switch {
	case s["webhook_user"] != "" && s["webhook_header"] != "":
		mend = append(mend, "webhook_user and webhook_header are both set and only the user is checked: leave one out")
	case checked && len(a.Signatures) == 0:
		mend = append(mend, "webhook_user or webhook_header is set and signatures is empty, so that everything is refused: put the password or value into signatures")
	case !checked && len(a.Signatures) > 0:
		mend = append(mend, "signatures is set and nothing says where Infobip sends them: set webhook_user or webhook_header")
	}
	return mend
}

// Advice tells what must be set at Infobip.
func (*Adapter) Advice() []string {
	return []string{
		"Infobip: forward inbound SMS of your number to the channel's …/sms address, renderer MO_JSON_2",
		"Infobip: send delivery reports as JSON to the channel's …/status address, or set report_url",
		"Infobip: have the account team give the USSD application the base address …/ussd (they append /session/ID/start, response and end), and send you today's contract",
		"Infobip: agree on a user and password or a header for all three, and set webhook_user or webhook_header: without it the token in the address is the only check",
	}
}
