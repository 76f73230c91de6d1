-- +goose Up
CREATE TABLE api_key (
    id            text        NOT NULL,
    kind          text        NOT NULL,
    subject       text        NOT NULL,
    name          text        NOT NULL,
    scopes        text        NOT NULL, -- separated by spaces
    secret_sha256 bytea       NOT NULL, -- of the 52 characters of the secret; the secret itself is nowhere
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    CONSTRAINT api_key_pkey PRIMARY KEY (id),
    CONSTRAINT api_key_kind_known CHECK (kind IN ('agency', 'bank', 'portal', 'operator')),
    CONSTRAINT api_key_subject_present CHECK (subject <> ''),
    CONSTRAINT api_key_scopes_present CHECK (scopes <> ''),
    CONSTRAINT api_key_secret_is_a_hash CHECK (octet_length(secret_sha256) = 32),
    CONSTRAINT api_key_expires_later CHECK (expires_at > created_at)
);
