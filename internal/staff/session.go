package staff

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// How long a session lives. The threat model asks for 15 minutes of idleness
// (reliability.md T18); 60 are given because a page here can take minutes on a
// slow link, and a note half written must not be thrown away. What weighs most,
// L3, asks for the password at every opening, so an unlocked laptop opens none
// of it. After 12 hours a new login is needed whatever happened.
const (
	IdleMost  = 60 * time.Minute
	TotalMost = 12 * time.Hour
	// TouchEvery is how stale a session's last-seen time may be: not every page
	// read needs a write.
	TouchEvery = time.Minute
)

// tokenSize is 256 bits: session tokens cannot be guessed (ASVS 7.2.3).
const tokenSize = 32

// Session is one login of one account. Its token is only in the browser's
// cookie; what is stored is its SHA-256, so a copied database opens nothing.
type Session struct {
	TokenHash []byte
	StaffID   string
	CSRF      []byte
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// NewSession starts a session and gives the token for the cookie.
func NewSession(staffID string, now time.Time, random func(n int) []byte) (Session, string) {
	token := random(tokenSize)
	sum := sha256.Sum256(token)
	return Session{
		TokenHash: sum[:],
		StaffID:   staffID,
		CSRF:      random(tokenSize),
		CreatedAt: now,
		SeenAt:    now,
		ExpiresAt: now.Add(TotalMost),
	}, base64.RawURLEncoding.EncodeToString(token)
}

// TokenHash gives what is stored of a cookie's token; false for what no token of
// ours looks like.
func TokenHash(token string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != tokenSize {
		return nil, false
	}
	sum := sha256.Sum256(b)
	return sum[:], true
}

// Alive reports whether the session still holds.
func (s Session) Alive(now time.Time) bool {
	return now.Before(s.ExpiresAt) && now.Sub(s.SeenAt) < IdleMost
}

// Stale reports whether the last-seen time should be written.
func (s Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt) >= TouchEvery }

// FormToken is what every form of this session carries.
func (s Session) FormToken() string { return hex.EncodeToString(s.CSRF) }

// FormTokenMatches compares a form's token in constant time.
func (s Session) FormTokenMatches(token string) bool {
	return len(s.CSRF) == tokenSize && subtle.ConstantTimeCompare([]byte(s.FormToken()), []byte(token)) == 1
}
