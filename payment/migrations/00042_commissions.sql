-- +goose Up
-- What a payer pays the bank on top of an order's amount, and what agencies owe the bank for it; the signed document says how it came about.
ALTER TABLE orders ADD COLUMN commission bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD CONSTRAINT orders_commission_not_negative CHECK (commission >= 0);
ALTER TABLE order_items ADD COLUMN commission bigint NOT NULL DEFAULT 0;
ALTER TABLE order_items ADD COLUMN agency_commission bigint NOT NULL DEFAULT 0;
ALTER TABLE order_items ADD CONSTRAINT order_items_commission_not_negative CHECK (commission >= 0 AND agency_commission >= 0);
-- What the bank gives back of it with a refund: to the payer, and to the agency.
ALTER TABLE refunds ADD COLUMN commission bigint NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD COLUMN agency_commission bigint NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD CONSTRAINT refunds_commission_not_negative CHECK (commission >= 0 AND agency_commission >= 0);
