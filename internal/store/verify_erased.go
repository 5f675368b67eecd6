package store

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// VerifiedSealed is one sealed column of one row, with what it is bound to.
type VerifiedSealed struct {
	Table   string
	Contact []byte // nil: the row names none
	Bound   string
	Key     string // "office", "session" for a draft, "inbox" for a message in the day's key
	Sealed  []byte
}

// sealedElsewhere are those whose words the checker does not read elsewhere. A message
// begins with the day that its key is of.
const sealedElsewhere = `
select 'answer', s.contact, convert_to('answer/' || s.id::text, 'UTF8'), 'office', a.sealed from answer a join submission s on s.id = a.submission_id
union all select 'submission_event', s.contact, convert_to('note/' || s.id::text, 'UTF8'), 'office', e.sealed_note
	from submission_event e join submission s on s.id = e.submission_id where e.sealed_note is not null
union all select 'number', contact, convert_to('number/', 'UTF8') || contact, 'office', sealed from number
union all select 'inbound', contact, '', 'inbox', sealed from inbound where length(sealed) > 10
union all select 'inbound', contact, '', 'inbox', unnest(parts) from inbound where parts is not null
union all select 'part', s.contact, '', 'inbox', p.sealed from part p join part_set s on s.id = p.set_id where length(p.sealed) > 10
union all select 'unreadable', null, convert_to('unreadable/' || channel, 'UTF8'), 'office', sealed from unreadable
union all select 'draft', contact, convert_to('session/', 'UTF8') || contact || convert_to('/' || channel || '/' || medium, 'UTF8'), 'session', sealed from draft where sealed is not null`

// VerifySealed hands over every sealed column but those of submissions and messages to
// send, which are listed with their rows.
func (s *Store) VerifySealed(ctx context.Context, read func(VerifiedSealed)) error {
	rows, err := s.pool.Query(ctx, sealedElsewhere)
	if err != nil {
		return fmt.Errorf("reading for the checker: %w", err)
	}
	var v VerifiedSealed
	var bound []byte
	if _, err := pgx.ForEachRow(rows, []any{&v.Table, &v.Contact, &bound, &v.Key, &v.Sealed}, func() error {
		read(VerifiedSealed{v.Table, bytes.Clone(v.Contact), string(bound), v.Key, bytes.Clone(v.Sealed)})
		return nil
	}); err != nil {
		return fmt.Errorf("reading for the checker: %w", err)
	}
	return nil
}
