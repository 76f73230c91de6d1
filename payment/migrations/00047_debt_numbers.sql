-- +goose Up
-- Registers that can be asked for one debt by its number, and the data of which day stated it so: an answer about a payer says nothing of it.
ALTER TABLE agency_registers ADD COLUMN by_reference boolean NOT NULL DEFAULT false;
ALTER TABLE debts ADD COLUMN reference_as_of timestamptz;
