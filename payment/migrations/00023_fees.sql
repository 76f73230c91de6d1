-- +goose Up
-- Fees that payers reckon for themselves: the agency lets a service be paid without a debt of its own, and the gateway keeps the
-- fee as a debt that belongs to one order.
ALTER TABLE service_versions ADD COLUMN without_debt boolean NOT NULL DEFAULT false;
ALTER TABLE debts ADD COLUMN origin text NOT NULL DEFAULT 'agency';
ALTER TABLE debts ADD CONSTRAINT debts_origin_known CHECK (origin IN ('agency', 'payer'));
