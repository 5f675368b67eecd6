-- How many wait for a first reading is asked on every page of the log.

-- +goose Up
create index submission_new on submission (region, level) where status = 'new';

-- +goose Down
drop index submission_new;
