-- +goose Up
-- The correction whose money settled the debt, which nobody has to pay any more; a feed that states it again does not open it.
ALTER TABLE debts ADD COLUMN settled_by text NOT NULL DEFAULT '';
UPDATE debts SET settled_by = substr(recall_reason, length('paid by correction ') + 1) WHERE state = 'recalled' AND recall_reason LIKE 'paid by correction %';
ALTER TABLE debts ADD CONSTRAINT debts_settled_are_recalled CHECK (settled_by = '' OR state = 'recalled');
