-- People of the programme's team, and their sessions in the console.

-- +goose Up
create table staff (
    id            uuid        primary key,
    username      text        not null unique,
    name          text        not null,
    role          text        not null check (role in ('viewer', 'officer', 'peace', 'protection', 'coordinator', 'translator', 'administrator')),
    regions       text[]      not null default '{}',   -- adm1 codes; empty: every region
    password_hash text        not null,                -- argon2id, PHC string
    -- Protection focal points: the confidential private key, wrapped by a key from the password.
    confidential  bytea,
    language      text        not null default 'fr',
    active        boolean     not null default true,
    synthetic     boolean     not null default false,
    created_at    timestamptz not null
);

create table staff_session (
    token_hash  bytea       primary key,               -- SHA-256 of the cookie's 256-bit token
    staff_id    uuid        not null references staff (id) on delete cascade,
    csrf        bytea       not null,
    created_at  timestamptz not null,
    seen_at     timestamptz not null,
    expires_at  timestamptz not null
);
create index staff_session_of on staff_session (staff_id);

-- +goose Down
drop table staff_session, staff;
