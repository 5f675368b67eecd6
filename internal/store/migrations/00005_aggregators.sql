-- What more aggregators bring: long messages in parts, receipts for each part
-- and by our own id, missed calls, and far ends that say that they are there.

-- +goose Up

-- When a channel's far end last said by itself that it is there.
create table channel_alive (
    channel text        primary key,
    at      timestamptz not null
);

-- Long messages whose parts come one by one. A set takes the parts of one
-- message; a reference that is used again opens another set.
create table part_set (
    id         uuid        primary key,                -- that of the part that came first: the message's, once it is joined
    key        bytea       not null check (length(key) = 32), -- HMAC of channel, contact and the sender's reference
    contact    bytea       not null check (length(contact) = 32),
    channel    text        not null,
    total      smallint    not null check (total between 2 and 255), -- one octet: 3GPP TS 23.040 9.2.3.24.1
    answerable boolean     not null,
    opened_at  timestamptz not null,
    closed_at  timestamptz                             -- joined, or handled as it was
);
create index part_set_of on part_set (key, opened_at);
create index part_set_open on part_set (opened_at) where closed_at is null;

-- Parts, sealed under the day's inbox key as messages are, emptied when joined.
-- The row stays a while to know a repeat by.
create table part (
    set_id       uuid        not null references part_set (id) on delete cascade,
    idx          smallint    not null check (idx between 1 and 255),
    content_hmac bytea       not null,
    sealed       bytea       not null,
    sent_at      timestamptz,
    received_at  timestamptz not null,
    primary key (set_id, idx)
);

-- A joined message's words stay in the parts that they came in until they are
-- handled; a null stands for a part that never came.
alter table inbound add column parts bytea[];
alter table inbound add column partial boolean not null default false;

alter table outbound drop constraint outbound_class_check;
alter table outbound add constraint outbound_class_check check (class in ('reply', 'receipt', 'reminder', 'broadcast', 'alert', 'test'));
-- How many parts the message went out in: what the aggregator said, else what
-- the text makes. 0: not sent yet.
alter table outbound add column parts smallint not null default 0;

-- Why an attempt ended as it did: the aggregator's word, without number or text.
alter table attempt add column reason text not null default '';

-- The state of each part of a message that receipts come for part by part. The
-- part is an HMAC of its number or of its id.
create table outbound_part (
    outbound_id uuid  not null references outbound (id),
    part        bytea not null check (length(part) = 32),
    state       text  not null,
    primary key (outbound_id, part)
);
alter table receipt add column part bytea;
alter table receipt add column parts smallint not null default 0;

-- +goose Down
alter table receipt drop column part, drop column parts;
drop table outbound_part;
alter table attempt drop column reason;
alter table outbound drop column parts;
update outbound set class = 'alert' where class = 'test';
alter table outbound drop constraint outbound_class_check;
alter table outbound add constraint outbound_class_check check (class in ('reply', 'receipt', 'reminder', 'broadcast', 'alert'));
alter table inbound drop column parts, drop column partial;
drop table part, part_set, channel_alive;
