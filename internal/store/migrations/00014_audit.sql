-- The audit: who did what with people's words and numbers, as a chain
-- (internal/audit). Rows are written by internal/store/audit.go alone, each in the
-- transaction of its act; nothing changes them.

-- +goose Up
create table audit (
    seq      bigint      primary key,                   -- from 1, without a gap
    at       timestamptz not null,
    actor    text        not null,                      -- an account's id, guest, or cli:NAME
    act      text        not null,
    object   text        not null default '',           -- id of a message, an account or a gateway; no number, no word
    count    integer     not null default 0,
    reason   bytea,                                     -- sealed, of commands alone: what is typed about a message is a note of its history
    details  bytea,                                     -- keyed fingerprint
    mac      bytea       not null
);

-- Where the chain ends: the one row that every writer goes through.
create table audit_head (
    one      boolean     primary key default true check (one),
    start    bytea       not null,                      -- tells which first key the chain began with
    seq      bigint      not null,
    mac      bytea       not null,
    sealed   bytea       not null                       -- the key of the next entry, under a key that is not in the database
);

-- +goose StatementBegin
create function audit_stays() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is only added to';
end $$;
-- +goose StatementEnd
create trigger audit_stays before update or delete on audit for each row execute function audit_stays();
create trigger audit_is_not_emptied before truncate on audit for each statement execute function audit_stays();
create trigger audit_head_goes_on before update on audit_head for each row
    when (new.seq <> old.seq + 1 or new.start <> old.start) execute function audit_stays();
create trigger audit_head_stays before delete on audit_head for each row execute function audit_stays();
create trigger audit_head_is_not_emptied before truncate on audit_head for each statement execute function audit_stays();

-- +goose Down
drop table audit, audit_head;
drop function audit_stays;
