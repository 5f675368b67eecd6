-- What staff add to a submission: its exact type, its reasons, and answers whose
-- SMS can be followed.

-- +goose Up

-- Each row says all the codes of one kind; the latest row of a kind stands.
create table classification (
    n             bigint      generated always as identity primary key,
    submission_id uuid        not null references submission (id),
    kind          text        not null check (kind in ('type', 'reason')),
    codes         text[]      not null,                 -- empty: taken back
    staff_id      uuid,
    at            timestamptz not null
);
create index classification_of on classification (submission_id, kind, n desc);

alter table answer
    add column id          uuid unique,                 -- derived from the form that it came with: a form sent twice is one answer
    add column sms         text not null default '' check (sms in ('', 'notice', 'words')),
    add column outbound_id uuid;                        -- the SMS that tells of it

-- Whether a report was corrected is asked of every line of the log.
create index submission_corrects on submission (corrects, n) where corrects is not null;

-- +goose Down
drop index submission_corrects;
alter table answer drop column id, drop column sms, drop column outbound_id;
drop table classification;
