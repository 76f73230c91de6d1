-- +goose Up
-- What a bank may owe at most, and, where there is such a limit, what it owes or may come to owe by payments on their way.
-- A bank's execution changes nothing here: what was on its way is owed then. So the row is written when an order is
-- authorised or refused and when money is settled, and not when payments are confirmed.
CREATE TABLE guarantees (
    bank_bic   text        NOT NULL,
    amount     bigint,
    committed  bigint      NOT NULL,
    version    integer     NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT guarantees_pkey PRIMARY KEY (bank_bic),
    CONSTRAINT guarantees_bank_fkey FOREIGN KEY (bank_bic) REFERENCES banks (bic),
    CONSTRAINT guarantees_amount_positive CHECK (amount > 0),
    CONSTRAINT guarantees_version_not_negative CHECK (version >= 0)
);

INSERT INTO guarantees (bank_bic, amount, committed, version, updated_at)
SELECT bic, NULL, 0, 0, created_at FROM banks;
