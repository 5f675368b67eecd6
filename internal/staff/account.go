package staff

import (
	"log/slog"
	"regexp"
	"time"
)

// Account is one person of the programme's team.
type Account struct {
	ID           string // UUID
	Username     string
	Name         string
	Role         Role
	Regions      []string // adm1 codes; empty: every region
	PasswordHash Hash
	Confidential []byte // the wrapped confidential private key; focal points only
	Language     string // of the console: fr or en
	Active       bool
	Synthetic    bool
	CreatedAt    time.Time
}

// Scope is what this account may read.
func (a Account) Scope() Scope { return ScopeOf(a.Role, a.Regions).By(a.ID) }

// LogValue keeps names, hashes and wrapped keys out of logs: an id is enough to
// find who it was.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", a.ID), slog.String("role", string(a.Role)))
}

// Hash is a password's PHC string. It does not print.
type Hash string

// String gives a mask.
func (Hash) String() string { return "[hash]" }

// GoString gives a mask.
func (Hash) GoString() string { return "[hash]" }

// usernames are plain so that they can be told aloud and typed on any keyboard.
var usernames = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,39}$`)

// ValidUsername reports whether a name can be that of an account: 2 to 40 lower
// case letters, digits, dots, dashes and underscores, a letter first.
func ValidUsername(s string) bool { return usernames.MatchString(s) }

// ParseRole reads a role as commands write it.
func ParseRole(s string) (Role, bool) {
	for _, r := range Roles {
		if string(r) == s {
			return r, true
		}
	}
	return "", false
}
