-- +goose Up
-- One payment under an agreement may have several beneficiaries. The notice to the payer names the first and counts the others.
ALTER TABLE mandate_events ADD COLUMN others integer NOT NULL DEFAULT 0;
ALTER TABLE mandate_events ADD CONSTRAINT mandate_events_others_counted CHECK (others >= 0);
