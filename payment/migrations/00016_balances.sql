-- +goose Up
-- Sums of accounts along the journals, so that a balance of any past moment is read from one row for each bucket and a short rest of
-- leaves, and payments keep no running balance. seq counts the leaves that a page or a mark covers, from the first on; latest is the
-- latest time of all of them. What stands here follows from the journal and can be made again.
CREATE TABLE ledger_pages (
    bucket integer     NOT NULL,
    seq    bigint      NOT NULL,
    latest timestamptz NOT NULL,
    CONSTRAINT ledger_pages_pkey PRIMARY KEY (bucket, seq),
    CONSTRAINT ledger_pages_bucket_range CHECK (bucket BETWEEN 0 AND 255)
);
CREATE INDEX ledger_pages_latest ON ledger_pages (bucket, latest, seq);

CREATE TABLE ledger_marks (
    bucket  integer NOT NULL,
    account text    NOT NULL,
    seq     bigint  NOT NULL,
    debit   bigint  NOT NULL,
    credit  bigint  NOT NULL,
    CONSTRAINT ledger_marks_pkey PRIMARY KEY (bucket, account, seq),
    CONSTRAINT ledger_marks_page_fkey FOREIGN KEY (bucket, seq) REFERENCES ledger_pages (bucket, seq),
    CONSTRAINT ledger_marks_not_negative CHECK (debit >= 0 AND credit >= 0)
);

-- The state of all buckets under every 256th checkpoint, so that any older state is found in a few steps.
CREATE TABLE checkpoint_snapshots (
    number bigint NOT NULL,
    heads  bytea  NOT NULL,
    CONSTRAINT checkpoint_snapshots_pkey PRIMARY KEY (number)
);
