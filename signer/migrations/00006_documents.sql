-- +goose Up
-- A caller may ask to keep what is judged, so that the verdict can be made again with nothing but the database.
ALTER TABLE evidence DROP CONSTRAINT evidence_kind;
ALTER TABLE evidence ADD CONSTRAINT evidence_kind
    CHECK (kind IN ('certificate', 'crl', 'ocsp', 'policy', 'document', 'original', 'original_digests'));
