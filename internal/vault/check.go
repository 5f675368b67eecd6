package vault

// Checks gives a value for each key that only that key gives, by the key's name:
// kept beside the data, they tell whether these are the keys that wrote it. A
// value says nothing of its key.
func (r *Ring) Checks() map[string][]byte {
	out := map[string][]byte{"capture": r.captureCheck}
	for n, k := range r.office.set.Load().keys {
		out[OfficeName(n)] = k.check
	}
	return out
}

// checkOf derives the value of a key.
func checkOf(key []byte) ([]byte, error) { return derive(key, "check") }
