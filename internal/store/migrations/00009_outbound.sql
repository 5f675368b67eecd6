-- Sending: what is promised to a message, what stops it, what it costs, and every
-- state that it was in.

-- +goose Up
alter table outbound
	-- The wish that it needs where that is not its class's own: an answer, a follow-up.
	add column purpose  text not null default '' check (purpose in ('', 'answer', 'followup', 'reminder', 'broadcast')),
	add column place    text not null default '',      -- P-code of the commune that it goes to, where known
	add column origin   text not null default '',      -- the channel that it was queued for, once it goes by another
	add column operator text not null default '',      -- of the receiver, as far as the first digits tell
	add column reason   text not null default '',      -- why it is in its state or still waits, without number or text
	-- When it is looked for, should the job that has it in hand be gone. Null: it is final.
	add column due_at   timestamptz;
update outbound set due_at = changed_at where state in ('queued', 'sending');
drop index outbound_unsent;
create index outbound_due on outbound (due_at) where due_at is not null;
create index outbound_queued on outbound (created_at) where state = 'queued';
create index outbound_of_contact on outbound (contact, created_at);
create index outbound_since on outbound (created_at);

alter table attempt
	add column channel  text     not null default '',
	add column operator text     not null default '',
	add column segments smallint not null default 0,
	add column cost     numeric(14, 3) not null default 0; -- FCFA

-- Every transition of a message, whoever makes it: a trigger writes it.
create table outbound_event (
	n           bigint      generated always as identity primary key,
	outbound_id uuid        not null references outbound (id) on delete cascade,
	from_state  text        not null,
	to_state    text        not null,
	at          timestamptz not null,
	reason      text        not null
);
create index outbound_event_of on outbound_event (outbound_id, n);

-- States go forward only. One way leads back: an attempt that surely did not send
-- gives the message back to the queue.
-- +goose StatementBegin
create function outbound_moves() returns trigger language plpgsql as $$
declare
	states constant text[] := array['queued', 'sending', 'ambiguous', 'sent', 'unknown', 'failed', 'expired', 'delivered'];
begin
	if array_position(states, new.state) < array_position(states, old.state) and not (old.state = 'sending' and new.state = 'queued') then
		raise exception 'a message does not go from % to %', old.state, new.state;
	end if;
	if new.state in ('ambiguous', 'unknown', 'failed', 'expired', 'delivered') then
		new.due_at := null;
	end if;
	insert into outbound_event (outbound_id, from_state, to_state, at, reason)
	values (old.id, old.state, new.state, new.changed_at, new.reason);
	return new;
end $$;
-- +goose StatementEnd
create trigger outbound_moves before update of state on outbound
	for each row when (old.state is distinct from new.state) execute function outbound_moves();

-- Communes that no message of the programme goes to: a decision of staff, at once.
create table closed_commune (
	pcode    text        primary key,
	at       timestamptz not null,
	staff_id uuid
);

-- When each channel is free again: what all gateways have taken of its rate.
create table pace (
	channel text        primary key,
	free_at timestamptz not null
);

-- What was sent in a month and what it costs, in FCFA. Counted before the request
-- is made, taken back when it surely was not sent.
create table spend (
	month    date    not null,                         -- its first day
	channel  text    not null,
	operator text    not null,
	segments bigint  not null default 0,
	cost     numeric(14, 3) not null default 0,
	primary key (month, channel, operator)
);

-- What lies in a gateway's spool: a stop may be among it.
alter table node add column spooled integer not null default 0, add column spool_oldest timestamptz;

-- +goose Down
alter table node drop column spooled, drop column spool_oldest;
drop table spend, pace, closed_commune;
drop trigger outbound_moves on outbound;
drop function outbound_moves;
drop table outbound_event;
alter table attempt drop column channel, drop column operator, drop column segments, drop column cost;
drop index outbound_since, outbound_of_contact, outbound_queued, outbound_due;
alter table outbound drop column purpose, drop column place, drop column origin, drop column operator, drop column reason, drop column due_at;
create index outbound_unsent on outbound (created_at) where state = 'queued';
