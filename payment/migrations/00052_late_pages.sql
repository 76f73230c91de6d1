-- +goose Up
-- A clock that was ahead makes leaves behind its own look older than they are in the order of the journal. Of pages that have such leaves, far
-- behind the latest time before them, it is known how far they go back.
ALTER TABLE ledger_pages ADD COLUMN behind timestamptz;
UPDATE ledger_pages p SET behind = j.earliest
    FROM (SELECT bucket, (seq / 128 + 1) * 128 AS seq, min(created_at) AS earliest FROM journal GROUP BY 1, 2) AS j, ledger_pages b
    WHERE j.bucket = p.bucket AND j.seq = p.seq AND b.bucket = p.bucket AND b.seq = p.seq - 128 AND j.earliest < b.latest - interval '1 minute';
CREATE INDEX ledger_pages_behind ON ledger_pages (bucket, seq) WHERE behind IS NOT NULL;
