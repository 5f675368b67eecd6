-- What came out of spools, so that it can be held against what went into them.

-- +goose Up

-- A record of a spool, by its gateway and its number there, committed with what it
-- says.
create table drained (
    node uuid   not null,
    n    bigint not null,
    primary key (node, n)
);
alter table node add column spool jsonb;               -- its count, as the gateway tells it

-- +goose Down
alter table node drop column spool;
drop table drained;
