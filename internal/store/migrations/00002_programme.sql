-- The programme: where it works, its projects, its groups and their leaders.

-- +goose Up
create table place (
    pcode     text     primary key,
    level     smallint not null,                       -- 1 region, 2 cercle, 3 commune
    name      text     not null,
    parent    text     not null default '',
    gazetteer text     not null                        -- codes were renumbered: never join across versions
);

create table project (
    code      text     primary key,                    -- LAF1: printed
    dial      text     not null unique,                -- digits that choose it on a phone, the last one a check digit
    name      text     not null,
    kind      text     not null,
    place     text     not null,
    region    text     not null,
    phase     smallint not null,
    synthetic boolean  not null default false
);

create table grp (
    code      text    primary key,
    name      text    not null,
    project   text    not null default '',
    place     text    not null,
    region    text    not null,
    synthetic boolean not null default false
);

create table leader (
    contact     bytea   not null check (length(contact) = 32),
    grp         text    not null references grp (code),
    pin_hash    bytea   not null,
    failures    integer not null default 0,
    failed_hop  bytea,                                 -- the hop that failed last: a repeat is not a second try
    synthetic   boolean not null default false,
    primary key (contact, grp)
);

-- +goose Down
drop table leader, grp, project, place;
