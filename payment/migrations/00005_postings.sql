-- +goose Up
-- A posting moves money otherwise than by a bank's execution: settlement, correction, refund, write-off. Of one kind there
-- is one for a subject. Like transfers it is never changed.
CREATE TABLE postings (
    bucket      integer     NOT NULL,
    id          text        NOT NULL,
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    reason      text        NOT NULL,
    journal_seq bigint      NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT postings_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT postings_subject_key UNIQUE (bucket, kind, subject),
    CONSTRAINT postings_bucket_range CHECK (bucket BETWEEN 0 AND 255),
    CONSTRAINT postings_kind_known CHECK (kind IN
        ('settlement', 'surplus', 'shortage', 'write-off', 'correction', 'refund', 'commission', 'guarantee')),
    CONSTRAINT postings_subject_stated CHECK (length(subject) BETWEEN 1 AND 128)
);

-- A leaf and a transfer belong to an order or to a posting.
ALTER TABLE journal ALTER COLUMN order_id DROP NOT NULL;
ALTER TABLE journal ADD COLUMN posting_id text;
ALTER TABLE journal ADD CONSTRAINT journal_origin CHECK ((order_id IS NULL) <> (posting_id IS NULL));
ALTER TABLE journal ADD CONSTRAINT journal_posting_fkey FOREIGN KEY (bucket, posting_id) REFERENCES postings (bucket, id);
CREATE UNIQUE INDEX journal_posting_key ON journal (bucket, posting_id) WHERE posting_id IS NOT NULL;

ALTER TABLE transfers ALTER COLUMN order_id DROP NOT NULL;
ALTER TABLE transfers ALTER COLUMN debt_id DROP NOT NULL;
ALTER TABLE transfers ADD COLUMN posting_id text;
ALTER TABLE transfers DROP CONSTRAINT transfers_kind_known;
ALTER TABLE transfers ADD CONSTRAINT transfers_kind_known CHECK (kind IN ('payment', 'posting'));
ALTER TABLE transfers ADD CONSTRAINT transfers_origin CHECK (
    (kind = 'payment' AND order_id IS NOT NULL AND debt_id IS NOT NULL AND posting_id IS NULL) OR
    (kind = 'posting' AND order_id IS NULL AND posting_id IS NOT NULL));
ALTER TABLE transfers ADD CONSTRAINT transfers_posting_fkey FOREIGN KEY (bucket, posting_id) REFERENCES postings (bucket, id);
CREATE INDEX transfers_posting ON transfers (bucket, posting_id) WHERE posting_id IS NOT NULL;
