-- +goose Up
-- Behind a slash stands which person acted under an operator's name; two people have two names.
ALTER TABLE key_requests ADD CONSTRAINT key_requests_two_names CHECK (approved_by IS NULL OR split_part(approved_by, '/', 1) <> split_part(asked_by, '/', 1));
