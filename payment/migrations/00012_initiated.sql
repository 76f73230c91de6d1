-- +goose Up
-- Who began the payment at the bank. One that the bank began for its own client is never sent by us, and is given up when the bank
-- signs that it does not know it.
ALTER TABLE attempts ADD COLUMN initiator text NOT NULL DEFAULT 'gateway';
ALTER TABLE attempts ADD CONSTRAINT attempts_initiator_known CHECK (
    initiator = 'gateway' OR (initiator = 'bank' AND state IN ('sent', 'unknown', 'executed', 'refused')));
