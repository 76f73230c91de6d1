-- +goose Up
-- An agency also makes good to its beneficiaries what its bank has kept back of their money: the same record, booked elsewhere.
ALTER TABLE commission_payments ADD COLUMN made_good boolean NOT NULL DEFAULT false;
