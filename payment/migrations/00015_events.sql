-- +goose Up
-- What happened for an agency, numbered without gaps once it can be told: the second way beside webhooks (R8). Rows that wait for
-- their receipt have no body and are in none of these indexes, so that payments do not pay for them.
ALTER TABLE outbox ADD COLUMN event_seq bigint;
CREATE INDEX outbox_unnumbered ON outbox (created_at, id) WHERE event_seq IS NULL AND payload IS NOT NULL;
CREATE INDEX outbox_events ON outbox (agency_id, event_seq) WHERE event_seq IS NOT NULL;

CREATE TABLE agency_event_heads (
    agency_id text   NOT NULL,
    size      bigint NOT NULL,
    CONSTRAINT agency_event_heads_pkey PRIMARY KEY (agency_id),
    CONSTRAINT agency_event_heads_size_not_negative CHECK (size >= 0)
);

-- Versions of the secrets by which webhooks carry an HMAC; the secrets themselves are made by the token and stand nowhere.
CREATE TABLE webhook_secrets (
    agency_id  text        NOT NULL,
    version    integer     NOT NULL,
    created_at timestamptz NOT NULL,
    retires_at timestamptz,
    CONSTRAINT webhook_secrets_pkey PRIMARY KEY (agency_id, version),
    CONSTRAINT webhook_secrets_version_positive CHECK (version > 0)
);
