-- A request that could not be read is kept once by its id, whether it comes at once
-- or out of a spool.

-- +goose Up
-- A gateway of before, while it is still running, gives none.
alter table unreadable add column id uuid not null unique default gen_random_uuid();

-- +goose Down
alter table unreadable drop column id;
