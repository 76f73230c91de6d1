-- +goose Up
-- A payment whose report was lost may be proven by a line of a statement. The bank's own reference, when it comes late, is kept beside the statement's.
ALTER TABLE bank_messages DROP CONSTRAINT bank_messages_source_known;
ALTER TABLE bank_messages ADD CONSTRAINT bank_messages_source_known CHECK (source IN ('reply', 'lookup', 'callback', 'file', 'statement'));
ALTER TABLE attempts ADD COLUMN told_reference text NOT NULL DEFAULT '';
