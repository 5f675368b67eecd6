// Package staff holds who may see and do what: roles, regions, scopes, and the
// table of roles by endpoint.
package staff

import "lafia/internal/programme"

// Role is what a staff member is in the programme.
type Role string

// The roles of the console.
const (
	Viewer        Role = "viewer"        // reads L1 without words
	Officer       Role = "officer"       // L1 of her regions: reads words, moves statuses
	Peace         Role = "peace"         // L1 and L2 of her regions
	Protection    Role = "protection"    // L3, and nothing else
	Coordinator   Role = "coordinator"   // L1 and L2 everywhere
	Translator    Role = "translator"    // words of the menus, no submission
	Administrator Role = "administrator" // accounts and health; L1 and L2 everywhere
)

// Roles lists every role.
var Roles = []Role{Viewer, Officer, Peace, Protection, Coordinator, Translator, Administrator}

// Scope is what one reader may see. Every reader in store takes one, and puts
// it in the WHERE clause: what is outside does not exist.
type Scope struct {
	Levels  []programme.Level // empty: nothing
	Regions []string          // adm1 codes; empty: every region. What has no region is everyone's. L3 has no region
	Words   bool              // whether texts and notes may be opened
	Reader  string            // who reads, for the audit: an account's id, or who runs a command
}

// By gives the scope to a reader.
func (s Scope) By(reader string) Scope { s.Reader = reader; return s }

// ScopeOf gives the scope of a role in her regions.
func ScopeOf(r Role, regions []string) Scope {
	l1 := []programme.Level{programme.L1}
	both := []programme.Level{programme.L1, programme.L2}
	switch r {
	case Viewer:
		return Scope{Levels: l1, Regions: regions}
	case Officer:
		return Scope{Levels: l1, Regions: regions, Words: true}
	case Peace:
		return Scope{Levels: both, Regions: regions, Words: true}
	case Protection:
		// No row of submission has this level: L3 lives in a table of its own.
		return Scope{Levels: []programme.Level{programme.L3}, Words: true}
	case Coordinator, Administrator:
		return Scope{Levels: both, Words: true}
	}
	return Scope{}
}
