-- +goose Up
-- What became of the lines of a feed, a row for each transaction: it commits with what it tells of. A feed is complete when its
-- row marked last is there.
CREATE TABLE debt_feed_chunks (
    bucket    integer     NOT NULL,
    agency_id text        NOT NULL,
    feed      text        NOT NULL,
    seq       integer     NOT NULL,
    lines     integer     NOT NULL,
    accepted  integer     NOT NULL,
    refused   integer     NOT NULL,
    last      boolean     NOT NULL,
    digest    bytea       NOT NULL, -- SHA-256 over the lines as they came, each with its length before it
    results   bytea       NOT NULL, -- a JSON document per line, gzip
    loaded_at timestamptz NOT NULL,
    CONSTRAINT debt_feed_chunks_pkey PRIMARY KEY (bucket, agency_id, feed, seq),
    CONSTRAINT debt_feed_chunks_bucket_range CHECK (bucket BETWEEN 0 AND 255),
    CONSTRAINT debt_feed_chunks_seq_not_negative CHECK (seq >= 0),
    CONSTRAINT debt_feed_chunks_each_line_decided CHECK (lines = accepted + refused),
    CONSTRAINT debt_feed_chunks_digest_length CHECK (length(digest) = 32)
);
