-- What tells that a backup was put in the place of the record, and what was done then.

-- +goose Up

-- A count that rises at each sign of life of a gateway, which remembers it outside the
-- database: one that is lower than what a gateway remembers is an older record's.
create table life (
    one  boolean primary key default true check (one),
    beat bigint  not null default 0
);
insert into life default values;

-- A restore that was noticed. Nothing is sent until a person has confirmed it.
create table restore (
    n            bigint      generated always as identity primary key,
    noticed_at   timestamptz not null,
    node         uuid        not null,                  -- the gateway that noticed
    backup_at    timestamptz not null,                  -- the latest sign of life in it: about when it was taken
    known        bigint      not null,                  -- the count that was remembered; 0: by nobody
    known_at     timestamptz not null,                  -- until when the record of before was seen
    outbound     bigint      not null,                  -- number of the latest message to send then: it may have gone out since the backup
    inbound      bigint      not null,                  -- and of the latest that came in: it may have been answered
    confirmed_at timestamptz,
    actor        text        not null default ''
);
create unique index restore_open on restore ((true)) where confirmed_at is null;

-- Asked for by staff: a leader is no leader any more.
alter table erasure add column whole boolean not null default false;
create index part_set_of_contact on part_set (contact);

-- +goose Down
drop index part_set_of_contact;
alter table erasure drop column whole;
drop table restore, life;
