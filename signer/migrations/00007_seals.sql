-- +goose Up
-- What each client may have sealed: a policy as JSON (package sealing). Who is not here may have nothing sealed.
CREATE TABLE seal_policies (
    client     text        NOT NULL CONSTRAINT seal_policies_client CHECK (client <> ''),
    policy     bytea       NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text        NOT NULL CONSTRAINT seal_policies_changed_by CHECK (changed_by <> ''),
    CONSTRAINT seal_policies_pk PRIMARY KEY (client)
);

-- How many documents each client had sealed in the last minute, for all instances together.
CREATE TABLE seal_windows (
    client text  NOT NULL,
    counts bytea NOT NULL,
    CONSTRAINT seal_windows_pk PRIMARY KEY (client)
);

-- Seals for repetitions of their request, each document by its place in it. They are kept for a day. The bucket is that of client and key.
CREATE TABLE seals_made (
    bucket       integer     NOT NULL CONSTRAINT seals_made_bucket CHECK (bucket BETWEEN 0 AND 255),
    client       text        NOT NULL,
    key          text        NOT NULL,
    item         integer     NOT NULL,
    request_hash bytea       NOT NULL CONSTRAINT seals_made_hash CHECK (length(request_hash) = 32),
    created_at   timestamptz NOT NULL,
    made         bytea       NOT NULL,
    CONSTRAINT seals_made_pk PRIMARY KEY (bucket, client, key, item)
);

CREATE INDEX seals_made_by_age ON seals_made (bucket, created_at);
