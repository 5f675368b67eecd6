package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"strings"

	"lafia/gateway/message"
)

// refusal says why a request was refused. It is a metric's label and is never
// told to whoever asked: every refusal is the same 401 with an empty body.
type refusal string

const (
	refusedChannel   refusal = "unknown_channel"
	refusedKind      refusal = "unknown_kind"
	refusedToken     refusal = "token"
	refusedNetwork   refusal = "network"
	refusedSignature refusal = "signature"
)

// tokenSum is a token's SHA-256. Tokens are compared by their sums, so that a
// comparison takes the same time whatever their lengths are.
type tokenSum [sha256.Size]byte

// channel is a Channel and the sums of its tokens.
type channel struct {
	Channel
	// tokens has two entries at least, random ones where the channel has fewer
	// live tokens, so that each channel's check does the same work.
	tokens []tokenSum
}

func newChannel(c Channel) *channel {
	ch := &channel{Channel: c}
	for _, token := range c.Tokens {
		if !token.IsZero() {
			ch.tokens = append(ch.tokens, sha256.Sum256([]byte(token.Reveal())))
		}
	}
	for len(ch.tokens) < 2 {
		var sum tokenSum
		_, _ = rand.Read(sum[:]) // never fails (crypto/rand)
		ch.tokens = append(ch.tokens, sum)
	}
	return ch
}

// knows reports whether token is one of the channel's live ones, in a time that
// depends on neither.
func (c *channel) knows(token string) bool {
	sum := sha256.Sum256([]byte(token))
	found := 0
	for i := range c.tokens {
		found |= subtle.ConstantTimeCompare(sum[:], c.tokens[i][:])
	}
	return found == 1 && token != ""
}

// allows reports whether the channel takes posts from addr.
func (c *channel) allows(addr netip.Addr) bool {
	return len(c.Networks) == 0 || within(c.Networks, addr)
}

// token is what a request shows to be let in: the header where it is there,
// else the query (design.md 4).
func token(r message.Request) string {
	if t := r.Header.Get("Lafia-Token"); t != "" {
		return t
	}
	return r.URL.Query().Get("token")
}

// clientAddr is the address that a request came from. X-Forwarded-For is read
// from its right end, where our own proxies write, and only as far as trusted
// addresses go: what stands left of the first untrusted one is hearsay. (Fiber's
// c.IP() takes the leftmost, which anyone can write.)
func clientAddr(peer netip.Addr, forwarded []string, trusted []netip.Prefix) netip.Addr {
	addr := peer.Unmap().WithZone("")
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && within(trusted, addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap().WithZone("")
	}
	return addr
}

func within(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
