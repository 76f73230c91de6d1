-- +goose Up
-- The public key of the TLS certificate to which a key is bound: it serves on connections that have proved it, and on no others.
ALTER TABLE api_key ADD COLUMN client_spki_sha256 bytea CONSTRAINT api_key_client_spki_length CHECK (length(client_spki_sha256) = 32);
