-- +goose Up
-- Keys for stored data can be wrapped for a backup, and restored, by two operators.
ALTER TABLE key_requests DROP CONSTRAINT key_requests_kind;
ALTER TABLE key_requests ADD CONSTRAINT key_requests_kind CHECK (kind IN ('destroy', 'retire', 'rotate', 'wrap-backup', 'restore-backup'));
