-- +goose Up
CREATE TABLE sign_in_challenge (
    token_sha256 bytea       NOT NULL, -- of the token that the browser holds
    document     bytea       NOT NULL, -- the bytes to be signed
    expires_at   timestamptz NOT NULL,
    CONSTRAINT sign_in_challenge_pkey PRIMARY KEY (token_sha256),
    CONSTRAINT sign_in_challenge_token_is_a_hash CHECK (octet_length(token_sha256) = 32)
);
CREATE INDEX sign_in_challenge_expiry ON sign_in_challenge (expires_at);

CREATE TABLE session (
    token_sha256 bytea       NOT NULL,
    id           text        NOT NULL,
    iin          text        NOT NULL,
    bin          text        NOT NULL,
    name         text        NOT NULL,
    organisation text        NOT NULL,
    kind         text        NOT NULL,
    roles        text        NOT NULL, -- separated by spaces
    certificate  text        NOT NULL, -- SHA-256 in hex
    created_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (token_sha256),
    CONSTRAINT session_token_is_a_hash CHECK (octet_length(token_sha256) = 32),
    CONSTRAINT session_person_present CHECK (iin <> ''),
    CONSTRAINT session_expires_later CHECK (expires_at > created_at)
);
CREATE INDEX session_expiry ON session (expires_at);
