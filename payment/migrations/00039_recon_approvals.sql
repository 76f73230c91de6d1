-- +goose Up
-- What two people have decided is listed by its time; notes are many, approvals among them few.
CREATE INDEX recon_notes_approvals ON recon_notes (bucket, at) WHERE event = 'approve';
