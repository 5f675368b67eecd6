-- What people agree to, what they ask for, and what a correction corrects.

-- +goose Up

-- What a contact last said about each purpose, under which words. Nothing said:
-- answers are not asked about yet, and no news is sent.
create table wish (
    contact  bytea       not null check (length(contact) = 32),
    purpose  text        not null check (purpose in ('answer', 'followup', 'reminder', 'broadcast')),
    given    boolean     not null,
    at       timestamptz not null,
    medium   text        not null,
    words    text        not null default '',           -- hash of the book and language that asked
    primary key (contact, purpose)
);

-- Every wish that was ever said, for the person's own file.
create table wish_event (
    n        bigint      generated always as identity primary key,
    contact  bytea       not null check (length(contact) = 32),
    purpose  text        not null,
    given    boolean     not null,
    at       timestamptz not null,
    medium   text        not null,
    words    text        not null default ''
);
create index wish_event_of on wish_event (contact, n);

-- Who asked to be erased, and when it is due. Done: only the mark is left, so that
-- what a backup brings back can be erased again.
create table erasure (
    contact  bytea       primary key check (length(contact) = 32),
    asked_at timestamptz not null,
    due_at   timestamptz not null,
    done_at  timestamptz
);
create index erasure_due on erasure (due_at) where done_at is null;

-- Answers of staff, to be read on her phone with her reference.
create table answer (
    n             bigint      generated always as identity primary key,
    submission_id uuid        not null references submission (id),
    at            timestamptz not null,
    staff_id      uuid,
    sealed        bytea       not null,
    read_at       timestamptz
);
create index answer_of on answer (submission_id, n);

-- What is to be asked again, once, when its day comes.
create table followup (
    submission_id uuid        primary key references submission (id),
    contact       bytea       not null check (length(contact) = 32),
    channel       text        not null,
    due_at        timestamptz not null,
    sent_at       timestamptz,
    said          text        not null default '' check (said in ('', 'better', 'same', 'worse')),
    said_at       timestamptz
);
create index followup_due on followup (due_at) where sent_at is null;
create index followup_of on followup (contact) where sent_at is not null and said = '';

-- The report that this one corrects: the first of its group and month.
alter table submission add column corrects uuid;
create index submission_report on submission (grp, (answers ->> 'month'), n) where kind = 'progress';

-- The place that she named last, offered first the next time.
alter table contact add column last_place text not null default '';

-- A value that only the right key gives, so that a gateway with other keys does not start.
create table key_check (
    name  text  primary key,
    value bytea not null
);

-- +goose Down
drop table key_check, followup, answer, erasure, wish_event, wish;
alter table contact drop column last_place;
drop index submission_report;
alter table submission drop column corrects;
