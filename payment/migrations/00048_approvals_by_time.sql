-- +goose Up
-- What two people have decided is listed by its time.
CREATE INDEX recon_notes_approved ON recon_notes (bucket, at, statement, no, part, missing, version) WHERE event = 'approve';
