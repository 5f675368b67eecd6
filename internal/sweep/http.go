package sweep

import "net/http"

// RoundTripper is what outbox.HTTP.Wrap takes: it sees each request to an
// aggregator.
func (c *Counter) RoundTripper(next http.RoundTripper) http.RoundTripper {
	return roundTripper{c, next}
}

type roundTripper struct {
	c    *Counter
	next http.RoundTripper
}

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	f := t.c.at(HTTP, r.Method)
	if f == fail {
		return nil, errGone("dial")
	}
	res, err := t.next.RoundTrip(r)
	if f == lose || t.c.gone(HTTP) {
		if err == nil {
			_ = res.Body.Close()
		}
		return nil, errGone("read")
	}
	return res, err
}
