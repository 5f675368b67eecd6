-- Messages to send that nothing has been tried with: few at any time, found by the sweep.

-- +goose Up
create index outbound_unsent on outbound (created_at) where state = 'queued';

-- +goose Down
drop index outbound_unsent;
