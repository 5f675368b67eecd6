-- What staff decide about sending: messages of which nobody knows whether they
-- went, and announcements to many.

-- +goose Up

-- A message in doubt is decided on once: another one goes in its place, or it is
-- left. Both are final, whoever asks a second time.
create table doubt (
    outbound_id   uuid        primary key references outbound (id) on delete cascade,
    submission_id uuid        not null references submission (id),
    again_id      uuid        unique,                  -- the message that goes in its place; null: it is left
    staff_id      uuid,
    at            timestamptz not null
);
create index doubt_of on doubt (submission_id);
create index outbound_ambiguous on outbound (changed_at) where state = 'ambiguous';
create index answer_outbound on answer (outbound_id) where outbound_id is not null;

create table broadcast (
    n          bigint      generated always as identity unique,
    id         uuid        primary key,                -- derived from the form that it came with
    content    bytea       not null check (length(content) = 32), -- HMAC of the words and whom they are for
    sealed     bytea       not null,                   -- the words, by language
    project    text        not null default '',
    place      text        not null default '',
    region     text        not null default '',        -- of the project or commune; empty: more than one
    recipients integer     not null,
    staff_id   uuid,
    at         timestamptz not null,
    stopped_at timestamptz
);
create index broadcast_content on broadcast (content, at);
alter table outbound add column broadcast_id uuid references broadcast (id);
create index outbound_broadcast on outbound (broadcast_id) where broadcast_id is not null;

-- +goose Down
drop index outbound_broadcast;
alter table outbound drop column broadcast_id;
drop table broadcast;
drop index answer_outbound, outbound_ambiguous;
drop table doubt;
