-- A draft is rewritten with each keypress or two: room on its page keeps the new
-- row there, and no index names what changes each time. The unique index on n
-- serves "newest first" as well as a second one would.

-- +goose Up
drop index draft_expiry;
drop index submission_newest;
alter table draft set (fillfactor = 50);

-- +goose Down
alter table draft reset (fillfactor);
create index submission_newest on submission (n desc);
create index draft_expiry on draft (expires_at);
