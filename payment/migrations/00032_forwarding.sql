-- +goose Up
-- What was settled when its period was closed is archived; only what still stands between ledger and statements is in the queue.
ALTER TABLE recon_exceptions DROP CONSTRAINT recon_exceptions_state_known;
ALTER TABLE recon_exceptions ADD CONSTRAINT recon_exceptions_state_known CHECK (state IN ('open', 'assigned', 'proposed', 'asked', 'resolved', 'void', 'archived'));
DROP INDEX recon_exceptions_queue;
CREATE INDEX recon_exceptions_queue ON recon_exceptions (bucket, bank_bic, opened_on, statement, no, part, missing)
    WHERE state NOT IN ('resolved', 'void', 'archived');

-- Money that a bank sends on from our account to the beneficiaries' treasury is expected, too: a sum for each day, budget code and
-- beneficiary. Only of banks with which that was agreed.
ALTER TABLE recon_banks ADD COLUMN forwards boolean NOT NULL DEFAULT false;
ALTER TABLE expectations DROP CONSTRAINT expectations_kind_known;
ALTER TABLE expectations ADD CONSTRAINT expectations_kind_known CHECK (kind IN ('payment', 'refund', 'owed', 'forward'));
ALTER TABLE expectations DROP CONSTRAINT expectations_direction;
ALTER TABLE expectations ADD CONSTRAINT expectations_direction CHECK (CASE WHEN kind IN ('refund', 'forward') THEN amount < 0 ELSE amount > 0 END);
-- What of a day's payments is due to be sent on, as payments are expected, and what of it statements have to show already.
CREATE TABLE forward_dues (
    bucket      integer NOT NULL,
    bank_bic    text    NOT NULL,
    paid_on     date    NOT NULL,
    kbk         text    NOT NULL,
    beneficiary text    NOT NULL, -- BIN
    amount      bigint  NOT NULL,
    expected    bigint  NOT NULL DEFAULT 0,
    CONSTRAINT forward_dues_pkey PRIMARY KEY (bucket, bank_bic, paid_on, kbk, beneficiary),
    CONSTRAINT forward_dues_bounded CHECK (expected BETWEEN 0 AND amount)
);
CREATE INDEX forward_dues_open ON forward_dues (bucket, bank_bic, paid_on) WHERE expected < amount;
CREATE INDEX expectations_forward ON expectations (bucket, bank_bic, paid_on) WHERE kind = 'forward';
