package session

import (
	"context"
	"encoding/hex"
	"fmt"
)

// Forget deletes all sessions of a contact and what is cached of her. It looks through
// every key, so it is for what is rare.
func (s *Store) Forget(ctx context.Context, contact [32]byte) error {
	var found []string
	keys := s.rdb.Scan(ctx, 0, "*{"+hex.EncodeToString(contact[:])+"}*", 1000).Iterator()
	for keys.Next(ctx) {
		found = append(found, keys.Val())
	}
	err := keys.Err()
	if err == nil && len(found) > 0 {
		err = s.rdb.Del(ctx, found...).Err() // they share a hash tag
	}
	if err != nil {
		return fmt.Errorf("dropping the sessions of a contact: %w", err)
	}
	return nil
}
