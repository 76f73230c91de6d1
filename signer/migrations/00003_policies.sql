-- +goose Up
-- A request may bring the policy that its document is judged by. It is kept beside the evidence, so that the verdict can be replayed.
ALTER TABLE evidence DROP CONSTRAINT evidence_kind;
ALTER TABLE evidence ADD CONSTRAINT evidence_kind CHECK (kind IN ('certificate', 'crl', 'ocsp', 'policy'));
