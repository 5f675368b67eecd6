-- Erasing a contact looks for her handled messages too.

-- +goose Up
create index inbound_of_contact on inbound (contact, n);

-- +goose Down
drop index inbound_of_contact;
