-- +goose Up
-- Discounts and instalments. The sums of a debt count what is paid and held in instalments alone: a debt that is paid at once says so
-- by its state, as before.
ALTER TABLE service_versions ADD COLUMN instalment_min bigint NOT NULL DEFAULT 0;
ALTER TABLE service_versions ADD CONSTRAINT service_versions_instalment_not_negative CHECK (instalment_min >= 0);

ALTER TABLE debts ADD COLUMN arose_on date;
ALTER TABLE debts ADD COLUMN part_paid bigint NOT NULL DEFAULT 0;
ALTER TABLE debts ADD COLUMN part_held bigint NOT NULL DEFAULT 0;
ALTER TABLE debts ADD COLUMN part_restored bigint NOT NULL DEFAULT 0; -- of what was paid, given back and owed again
ALTER TABLE debts ADD CONSTRAINT debts_parts_not_negative CHECK (part_held >= 0 AND part_restored >= 0 AND part_restored <= part_paid);
-- Whoever races for the rest of a debt meets this at the latest.
ALTER TABLE debts ADD CONSTRAINT debts_never_overpaid CHECK (part_paid - part_restored + part_held <= amount);
ALTER TABLE debts ADD CONSTRAINT debts_parts_held_open CHECK (part_held = 0 OR state = 'open');
-- A debt is reserved and paid either as a whole, or in parts to the last tiyn.
ALTER TABLE debts ADD CONSTRAINT debts_whole_or_parts CHECK (
    part_paid = 0 OR state IN ('open', 'recalled') OR (state = 'paid' AND part_paid - part_restored = amount));

ALTER TABLE order_items ADD COLUMN instalment boolean NOT NULL DEFAULT false;
ALTER TABLE order_items ADD COLUMN discount bigint NOT NULL DEFAULT 0;
ALTER TABLE order_items ADD CONSTRAINT order_items_discount_whole CHECK (discount = 0 OR (discount > 0 AND NOT instalment));

-- A debt is paid once, whatever the orders; or in parts, whose sum the debt bounds.
ALTER TABLE transfers ADD COLUMN instalment boolean NOT NULL DEFAULT false;
DROP INDEX transfers_debt_paid_once;
CREATE UNIQUE INDEX transfers_debt_paid_once ON transfers (bucket, debt_id) WHERE kind = 'payment' AND NOT instalment;
CREATE INDEX transfers_instalments ON transfers (bucket, debt_id) WHERE kind = 'payment' AND instalment;
-- Orders on their way that hold parts of a debt.
CREATE INDEX order_items_instalments ON order_items (bucket, debt_id) WHERE instalment;
