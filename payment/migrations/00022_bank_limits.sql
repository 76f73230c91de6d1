-- +goose Up
-- What the operator lets go through a bank beside its guarantee: a single payment, and all of a banking day.
ALTER TABLE guarantees ADD COLUMN payment_max bigint;
ALTER TABLE guarantees ADD COLUMN day_max bigint;
ALTER TABLE guarantees ADD COLUMN day text NOT NULL DEFAULT '';
ALTER TABLE guarantees ADD COLUMN day_used bigint NOT NULL DEFAULT 0;
ALTER TABLE guarantees ADD CONSTRAINT guarantees_payment_max_positive CHECK (payment_max > 0);
ALTER TABLE guarantees ADD CONSTRAINT guarantees_day_max_positive CHECK (day_max > 0);
ALTER TABLE guarantees ADD CONSTRAINT guarantees_day_used_not_negative CHECK (day_used >= 0);
-- Since when a bank does not answer: the gateway then takes no new payments through it, until it answers.
ALTER TABLE banks ADD COLUMN silent_since timestamptz;
