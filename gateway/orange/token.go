package orange

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"lafia/gateway/message"
)

// tokenEndpoint gives tokens that last an hour. v2 gave some of 90 days and is
// read the same way (developer.orange.com/apis/sms/getting-started, sms-bf).
const tokenEndpoint = "https://api.orange.com/oauth/v3/token"

// defaultLife is how long a token lasts whose answer does not say: the hour of v3.
// maxLife is the longest that Orange has ever given, 7776000 seconds.
const (
	defaultLife = time.Hour
	maxLife     = 90 * 24 * time.Hour
)

// TokenRequest builds the request of the client credentials grant.
func (*Adapter) TokenRequest(a message.Account) (message.HTTPRequest, error) {
	id, secret := a.Settings["client_id"], a.Settings["client_secret"]
	endpoint := a.Settings["token_endpoint"]
	switch {
	case id == "":
		return message.HTTPRequest{}, errors.New("the setting client_id is missing")
	case secret == "":
		return message.HTTPRequest{}, errors.New("the setting client_secret is missing")
	case endpoint == "":
		endpoint = tokenEndpoint
	case !message.IsEndpoint(endpoint):
		return message.HTTPRequest{}, errors.New("the setting token_endpoint is no http or https address")
	}
	return message.HTTPRequest{
		Method: http.MethodPost,
		URL:    endpoint,
		Header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))},
			"Content-Type":  {"application/x-www-form-urlencoded"},
		},
		Body: []byte("grant_type=client_credentials"),
	}, nil
}

// ReadToken reads the answer. expires_in is a string in Orange's documentation
// and a number in RFC 6749: both are read.
func (*Adapter) ReadToken(status int, body []byte) (message.Secret, time.Duration, error) {
	var answer struct {
		TokenType   text `json:"token_type"`
		AccessToken text `json:"access_token"`
		ExpiresIn   text `json:"expires_in"`
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusBadRequest:
		return message.Secret{}, 0, errors.New("Orange gives no token: client_id or client_secret is wrong (HTTP " + strconv.Itoa(status) + ")")
	case status < 200 || status > 299:
		return message.Secret{}, 0, errors.New("Orange gives no token (HTTP " + strconv.Itoa(status) + ")")
	case json.Unmarshal(utf8Of(body), &answer) != nil:
		return message.Secret{}, 0, errors.New("the answer to the request for a token is no JSON")
	}
	token := strings.TrimSpace(answer.AccessToken.value)
	switch {
	case token == "" || strings.ContainsFunc(token, unicode.IsControl):
		return message.Secret{}, 0, errors.New("the answer to the request for a token has no access_token")
	case answer.TokenType.given && !strings.EqualFold(answer.TokenType.value, "bearer"):
		return message.Secret{}, 0, errors.New("the token is of another type than Bearer")
	}
	life := defaultLife
	if n, err := strconv.ParseFloat(strings.TrimSpace(answer.ExpiresIn.value), 64); err == nil && n > 0 && n <= maxLife.Seconds() {
		life = time.Duration(n) * time.Second
	}
	return message.NewSecret(token), life, nil
}
