-- +goose Up
-- Banks that take payment orders as ISO 20022 files: where they take them; empty, they take messages.
ALTER TABLE banks ADD COLUMN files text NOT NULL DEFAULT '';
-- The file in which a payment went to its bank. It stays with it, so that a bank which changes its way is asked in the old one.
ALTER TABLE attempts ADD COLUMN file_id text;
ALTER TABLE attempts ADD CONSTRAINT attempts_in_file_sent CHECK (
    file_id IS NULL OR (initiator = 'gateway' AND state IN ('sent', 'unknown', 'executed', 'refused')));

CREATE TABLE bank_files (
    bucket       integer     NOT NULL,
    id           text        NOT NULL,
    bank_bic     text        NOT NULL,
    state        text        NOT NULL,
    content      bytea       NOT NULL,
    sealed       bytea,
    attempts     text[]      NOT NULL,
    amount       bigint      NOT NULL,
    tries        integer     NOT NULL,
    due_at       timestamptz NOT NULL,
    last_problem text        NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT bank_files_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT bank_files_bucket_range CHECK (bucket BETWEEN 0 AND 255),
    CONSTRAINT bank_files_state_known CHECK (state IN ('made', 'put', 'done')),
    CONSTRAINT bank_files_sealed_before_put CHECK (state = 'made' OR sealed IS NOT NULL),
    CONSTRAINT bank_files_amount_positive CHECK (amount > 0)
);
CREATE INDEX bank_files_due ON bank_files (bucket, due_at) WHERE state <> 'done';

-- What banks said about files, as they signed it.
CREATE TABLE bank_file_reports (
    bucket      integer     NOT NULL,
    file_id     text        NOT NULL,
    digest      bytea       NOT NULL,
    source      text        NOT NULL,
    message     bytea       NOT NULL,
    verdict_id  text        NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT bank_file_reports_pkey PRIMARY KEY (bucket, file_id, digest),
    CONSTRAINT bank_file_reports_file_fkey FOREIGN KEY (bucket, file_id) REFERENCES bank_files (bucket, id),
    CONSTRAINT bank_file_reports_source_known CHECK (source IN ('lookup', 'callback', 'folder'))
);

ALTER TABLE bank_messages DROP CONSTRAINT bank_messages_source_known;
ALTER TABLE bank_messages ADD CONSTRAINT bank_messages_source_known CHECK (source IN ('reply', 'lookup', 'callback', 'file'));
