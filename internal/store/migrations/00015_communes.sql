-- Who closed a commune, as the audit names who acts: a command too, which is no
-- account of staff.

-- +goose Up
alter table closed_commune drop column staff_id, add column actor text not null default '';

-- +goose Down
alter table closed_commune drop column actor, add column staff_id uuid;
