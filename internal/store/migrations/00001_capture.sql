-- What people say, and what it takes to take it in exactly once.
-- A column that can appear in a database error (a key, a checked value) holds
-- no number and no text: contacts are pseudonyms, words are sealed.

-- +goose Up

-- Contacts: what Lafia remembers of a phone, by pseudonym (HMAC of the number).
create table contact (
    id         bytea       primary key check (length(id) = 32),
    language   text        not null default '',
    seen_at    timestamptz not null,
    -- What was last finished by USSD, so that a lost last screen can be made good.
    last_run   uuid,
    created_at timestamptz not null
);

-- Numbers, sealed. A number is here only while a conversation needs it, or for
-- as long as its owner agreed to be answered.
create table number (
    contact    bytea       primary key check (length(contact) = 32),
    sealed     bytea       not null,
    consent    boolean     not null default false,
    keep_until timestamptz not null
);

-- Identities of everything that must happen once: finished runs, the hops that
-- finished them, messages. Unpartitioned, since uniqueness is global
-- (reliability.md fact 5). A replay writes seen, so that a commit that met an
-- unreplicated row waits for it (fact 4).
create table identity (
    key          bytea       primary key check (length(key) = 32),
    run_id       uuid        not null,
    content_hmac bytea       not null,
    first_seen   timestamptz not null,
    seen         integer     not null default 1
);

create table submission (
    n           bigint      generated always as identity unique,
    id          uuid        primary key,
    kind        text        not null check (kind in ('feedback', 'tension', 'progress', 'open')),
    level       text        not null check (level in ('L1', 'L2')),
    status      text        not null default 'new' check (status in ('new', 'acknowledged', 'in_progress', 'answered', 'closed')),
    reference   char(8)     not null,
    contact     bytea       not null check (length(contact) = 32),
    channel     text        not null,
    medium      text        not null check (medium in ('ussd', 'sms')),
    language    text        not null,
    project     text        not null default '',
    place       text        not null default '',
    region      text        not null default '',
    grp         text        not null default '',
    answers     jsonb       not null default '{}',
    sealed      bytea,                                 -- the words, under an office key
    confirmed   boolean     not null default true,     -- false: a leader's report by SMS
    partial     boolean     not null default false,
    altered     boolean     not null default false,    -- same id came with other content
    synthetic   boolean     not null default false,
    sent_at     timestamptz,
    received_at timestamptz not null
);
create index submission_newest on submission (n desc);
create index submission_region on submission (region, n desc);
create index submission_of_contact on submission (contact, reference);

-- What staff did with a submission. Notes are sealed: they quote people.
create table submission_event (
    n             bigint      generated always as identity primary key,
    submission_id uuid        not null references submission (id),
    at            timestamptz not null,
    staff_id      uuid,
    from_status   text        not null,
    to_status     text        not null,
    sealed_note   bytea
);
create index submission_event_of on submission_event (submission_id, n);

-- L3: sealed to the confidential key pair, in no list, count, search or export.
-- Nothing here tells what is inside: bodies are padded to one size.
create table confidential (
    n           bigint      generated always as identity unique,
    id          uuid        primary key,
    contact     bytea       not null check (length(contact) = 32),
    reference   char(8)     not null,
    sealed      bytea       not null,
    received_at timestamptz not null
);
create index confidential_of_contact on confidential (contact, reference);

-- SMS as they came. Sealed under the day's inbox key until handled.
create table inbound (
    n           bigint      generated always as identity unique,
    id          uuid        primary key,
    contact     bytea       not null check (length(contact) = 32),
    channel     text        not null,
    sealed      bytea       not null,
    answerable  boolean     not null,                  -- a full number: short codes and names never get a reply
    sent_at     timestamptz,
    received_at timestamptz not null,
    handled_at  timestamptz
);
create index inbound_waiting on inbound (contact, n) where handled_at is null;

create table outbound (
    n           bigint      generated always as identity unique,
    id          uuid        primary key,
    inbound_id  uuid        unique,                    -- one reply a message
    contact     bytea       not null check (length(contact) = 32),
    channel     text        not null,
    class       text        not null check (class in ('reply', 'receipt', 'reminder', 'broadcast', 'alert')),
    sealed      bytea       not null,
    state       text        not null default 'queued' check (state in ('queued', 'sending', 'sent', 'delivered', 'failed', 'expired', 'unknown', 'ambiguous')),
    external_id bytea,                                 -- HMAC of the aggregator's id
    created_at  timestamptz not null,
    changed_at  timestamptz not null
);
create unique index outbound_external on outbound (external_id) where external_id is not null;

-- The guard of sending: an attempt is committed before the request is made.
create table attempt (
    n           bigint      generated always as identity primary key,
    outbound_id uuid        not null references outbound (id),
    started_at  timestamptz not null,
    verdict     text        not null default 'started' check (verdict in ('started', 'sent', 'rejected', 'retry', 'ambiguous')),
    ended_at    timestamptz
);
create index attempt_of on attempt (outbound_id, n);

-- Receipts that no message of ours matches yet: they may come before the send returned.
create table receipt (
    n           bigint      generated always as identity primary key,
    external_id bytea       not null,
    state       text        not null,
    received_at timestamptz not null
);
create index receipt_of on receipt (external_id);

-- Drafts: where a caller is, sealed, written behind within 2 s. A commit
-- empties the row and keeps its version, so that no late write revives it.
create table draft (
    contact    bytea       not null check (length(contact) = 32),
    channel    text        not null,
    medium     text        not null,
    version    bigint      not null,
    run_id     uuid,
    sealed     bytea,
    changed_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (contact, channel, medium)
);
create index draft_expiry on draft (expires_at);

-- Flow books by the hash of their content: a session ends on the book it began with.
create table book (
    hash      text        primary key,
    content   jsonb       not null,
    served_at timestamptz not null
);

-- One key a day for texts whose level isn't known yet, wrapped by an office
-- key. Destroyed after 30 days.
create table inbox_key (
    day     date  primary key,
    wrapped bytea not null
);

-- Authentic requests that could not be read, raw and sealed, kept 30 days.
create table unreadable (
    n           bigint      generated always as identity primary key,
    channel     text        not null,
    kind        text        not null,
    reason      text        not null,
    sealed      bytea       not null,
    received_at timestamptz not null
);

-- Gateways that run or ran: tells whether sessions may have been lost (design.md, decision 3).
create table node (
    id         uuid        primary key,
    started_at timestamptz not null,
    beat_at    timestamptz not null,
    stopped_at timestamptz
);

-- +goose Down
drop table node, unreadable, inbox_key, book, draft, receipt, attempt, outbound, inbound,
    confidential, submission_event, submission, identity, number, contact;
