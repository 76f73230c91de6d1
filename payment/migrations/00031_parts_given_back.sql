-- +goose Up
-- A debt of which every part was given back may be paid at once like one of which nothing was paid.
ALTER TABLE debts DROP CONSTRAINT debts_whole_or_parts;
ALTER TABLE debts ADD CONSTRAINT debts_whole_or_parts CHECK (
    part_paid = part_restored OR state IN ('open', 'recalled') OR (state = 'paid' AND part_paid - part_restored = amount));
