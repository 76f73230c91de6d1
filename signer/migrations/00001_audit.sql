-- +goose Up
-- The audit trail: 256 hash chains, each with an ordinary row as head. A writer locks the head, so entries of one
-- chain are in order, and writers of different chains do not wait for each other.
CREATE TABLE audit_chains (
    chain integer NOT NULL CONSTRAINT audit_chains_range CHECK (chain BETWEEN 0 AND 255),
    seq   bigint  NOT NULL CONSTRAINT audit_chains_seq CHECK (seq >= 0),
    hash  bytea   NOT NULL CONSTRAINT audit_chains_hash CHECK (length(hash) = 32),
    CONSTRAINT audit_chains_pk PRIMARY KEY (chain)
);

INSERT INTO audit_chains (chain, seq, hash)
SELECT n, 0, decode('0000000000000000000000000000000000000000000000000000000000000000', 'hex')
FROM generate_series(0, 255) AS n;

CREATE TABLE audit_entries (
    chain     integer     NOT NULL CONSTRAINT audit_entries_range CHECK (chain BETWEEN 0 AND 255),
    seq       bigint      NOT NULL CONSTRAINT audit_entries_seq CHECK (seq > 0),
    prev_hash bytea       NOT NULL CONSTRAINT audit_entries_prev CHECK (length(prev_hash) = 32),
    hash      bytea       NOT NULL CONSTRAINT audit_entries_hash CHECK (length(hash) = 32),
    at        timestamptz NOT NULL,
    actor     text        NOT NULL CONSTRAINT audit_entries_actor CHECK (actor <> ''),
    action    text        NOT NULL CONSTRAINT audit_entries_action CHECK (action <> ''),
    subject   text        NOT NULL CONSTRAINT audit_entries_subject CHECK (subject <> ''),
    detail    bytea       NOT NULL,
    CONSTRAINT audit_entries_pk PRIMARY KEY (chain, seq)
);

CREATE INDEX audit_entries_by_subject ON audit_entries (chain, subject, seq);

-- Heads of all chains at one moment, sealed by the key: what was cut off or rewritten below them shows.
CREATE TABLE audit_seals (
    id       text        NOT NULL,
    at       timestamptz NOT NULL,
    document bytea       NOT NULL,
    sealed   bytea       NOT NULL,
    CONSTRAINT audit_seals_pk PRIMARY KEY (id)
);
