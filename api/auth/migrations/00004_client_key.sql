-- +goose Up
-- A client that signs its requests has a public key here, and no secret that anybody could use.
ALTER TABLE api_key ADD COLUMN public_key bytea; -- SubjectPublicKeyInfo
ALTER TABLE api_key ADD COLUMN per_minute integer CONSTRAINT api_key_quota_positive CHECK (per_minute > 0);

-- Each signature is good for one request: its nonce stays until the signature is too old by itself.
CREATE TABLE request_nonce (
    key_id     text        NOT NULL,
    nonce      text        NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT request_nonce_pkey PRIMARY KEY (key_id, nonce)
);
CREATE INDEX request_nonce_expiry ON request_nonce (expires_at);
