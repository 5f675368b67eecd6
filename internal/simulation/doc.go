// Package simulation runs conversations over a record, sessions and a spool that
// live in memory and that delay, fail, forget and crash as a seed says
// (reliability.md 3, "Deterministic simulation"). One seed is one run: its trace
// is the same each time.
//
// The parts in memory keep to the very rules of PostgreSQL, Redis and the journal:
// storetest.RecordSuite and sessionsuite.Run hold both kinds to one list of
// behaviours.
package simulation
