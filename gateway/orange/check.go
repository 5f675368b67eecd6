package orange

import (
	"strings"

	"lafia/gateway/message"
)

// maxSenderName is the longest name that GSM networks carry (3GPP TS 23.040
// 9.1.2.5: 11 characters of 7 bits).
const maxSenderName = 11

// CheckSettings tells what is wrong or missing in [channel.account].
func (*Adapter) CheckSettings(a message.Account) (mend []string) {
	s := a.Settings
	for _, name := range []string{"client_id", "client_secret"} {
		if s[name] == "" {
			mend = append(mend, name+" is missing: it is on the page of your application at developer.orange.com")
		}
	}
	if _, ok := senderAddress(s["sender_address"]); !ok {
		mend = append(mend, "sender_address is missing or no number: set it to the country's number on Orange's portal, as tel:+2230000")
	}
	if len([]rune(s["sender_name"])) > maxSenderName {
		mend = append(mend, "sender_name has more than 11 characters: phones show none longer")
	}
	for _, name := range []string{"endpoint", "token_endpoint"} {
		if v := s[name]; v != "" && !message.IsEndpoint(v) {
			mend = append(mend, name+" is no http or https address: leave it out, or write it whole")
		} else if strings.HasPrefix(v, "http:") && !strings.Contains(v, "//127.0.0.1") && !strings.Contains(v, "//localhost") {
			mend = append(mend, name+" is not https: the secret or token would be readable on the way")
		}
	}
	return mend
}

// Advice tells what must be set at Orange.
func (*Adapter) Advice() []string {
	return []string{
		"Orange: ask the local team for \"SMS response\" with the channel's …/sms address, else no SMS arrives",
		"Orange: ask the local team for \"Real time SMS DR\" with the channel's …/status address, else no receipt arrives",
		"Orange: have the sender name approved before it stands in sender_name",
		"Orange: a bundle ends by use and by date; have its end reported to whoever buys the next one",
	}
}
