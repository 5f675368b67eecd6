-- What tells messages apart that look alike, and what came late.

-- +goose Up

-- When a message was sent, as its channel said: an aggregator's id that comes
-- again with another moment is another message's (ids restart when a phone is
-- swapped).
alter table identity add column said_at timestamptz;

alter table inbound
	add column altered boolean not null default false, -- its id came before, with other content or another moment
	add column late    boolean not null default false, -- it was sent long before it came
	add column said_at timestamptz;                    -- sent_at, where it can be believed: what she sent first is handled first

alter table part add column altered boolean not null default false;

-- +goose Down
alter table part drop column altered;
alter table inbound drop column altered, drop column late, drop column said_at;
alter table identity drop column said_at;
