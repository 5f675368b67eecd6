package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ChannelAlive notes when a channel's far end said that it is there.
func (s *Store) ChannelAlive(ctx context.Context, channel string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
insert into channel_alive as a (channel, at) values ($1, $2)
on conflict (channel) do update set at = greatest(a.at, $2)`, channel, at)
	if err != nil {
		return fmt.Errorf("noting that a channel is alive: %w", err)
	}
	return nil
}

// ChannelsAlive gives when each channel's far end last said that it is there.
// Channels whose far end never said so are not in it.
func (s *Store) ChannelsAlive(ctx context.Context) (map[string]time.Time, error) {
	rows, err := s.pool.Query(ctx, `select channel, at from channel_alive`)
	if err != nil {
		return nil, fmt.Errorf("reading when channels were alive: %w", err)
	}
	out := map[string]time.Time{}
	var (
		name string
		at   time.Time
	)
	if _, err := pgx.ForEachRow(rows, []any{&name, &at}, func() error { out[name] = at; return nil }); err != nil {
		return nil, fmt.Errorf("reading when channels were alive: %w", err)
	}
	return out, nil
}

// Health is what staff see of a channel.
type Health struct {
	Channel    string
	LastAt     time.Time // when anything was last heard of it
	Received   int       // SMS and finished USSD runs
	Unreadable int
	Waiting    int // messages that wait to be sent
	Failed     int
	Altered    int // messages whose id came before with something else
	Unhandled  int // received messages that wait to be handled, since whenever
}

// ChannelHealth counts what every channel did since a moment. A sign of life
// counts for LastAt however old it is: a silent phone is to be seen.
func (s *Store) ChannelHealth(ctx context.Context, since time.Time) ([]Health, error) {
	rows, err := s.pool.Query(ctx, `
select channel, coalesce(max(at), 'epoch'), sum(r)::int, sum(u)::int, sum(w)::int, sum(f)::int, sum(a)::int, sum(h)::int from (
	select channel, received_at at, 1 r, 0 u, 0 w, 0 f, altered::int a, 0 h from inbound where received_at > $1
	union all select channel, null, 0, 0, 0, 0, 0, 1 from inbound where handled_at is null
	union all select channel, received_at, 1, 0, 0, 0, 0, 0 from submission where received_at > $1 and medium = 'ussd' and not synthetic
	union all select channel, received_at, 0, 1, 0, 0, 0, 0 from unreadable where received_at > $1
	union all select channel, null, 0, 0, (state in ('queued', 'sending'))::int, (state in ('failed', 'expired', 'ambiguous'))::int, 0, 0
		from outbound where created_at > $1
	union all select channel, at, 0, 0, 0, 0, 0, 0 from channel_alive
) t group by channel order by channel`, since)
	if err != nil {
		return nil, fmt.Errorf("counting channels: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Health])
	if err != nil {
		return nil, fmt.Errorf("counting channels: %w", err)
	}
	return out, nil
}

// GatewayBeat gives when a gateway that was not stopped last gave a sign of life;
// zero: there is none.
func (s *Store) GatewayBeat(ctx context.Context) (time.Time, error) {
	var at *time.Time
	if err := s.pool.QueryRow(ctx, `select max(beat_at) from node where stopped_at is null`).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("looking for a running gateway: %w", err)
	}
	if at == nil {
		return time.Time{}, nil
	}
	return *at, nil
}

// TakeBack takes back a message that waits to be sent, and reports whether it did
// wait.
func (s *Store) TakeBack(ctx context.Context, id string, now time.Time) (bool, error) {
	tag, err := s.pool.Exec(ctx, `update outbound set state = 'failed', changed_at = $2 where id = $1 and state = 'queued'`, id, now)
	if err != nil {
		return false, fmt.Errorf("taking a message back: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
