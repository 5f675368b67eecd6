-- Which office keys each gateway holds, so that none is sealed under that another
-- gateway lacks, and under which it seals.

-- +goose Up
alter table node
    add column keys    bytea[]  not null default '{}', -- check values, as in key_check; none of a gateway of before
    add column sealing smallint not null default 0;

-- +goose Down
alter table node drop column keys, drop column sealing;
