-- +goose Up
-- That an agency has paid its bank the commissions which it bears: one operator records it, another one agrees, and then it is in the books. Nothing of it changes afterwards.
CREATE TABLE commission_payments (
    bucket     integer     NOT NULL, -- the bank's
    id         text        NOT NULL,
    agency_id  text        NOT NULL,
    bank_bic   text        NOT NULL,
    amount     bigint      NOT NULL, -- tiyn
    paid_on    date        NOT NULL,
    reference  text        NOT NULL, -- of the payment order by which the agency paid
    state      text        NOT NULL,
    asked_by   text        NOT NULL,
    asked_at   timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    CONSTRAINT commission_payments_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT commission_payments_amount_range CHECK (amount > 0 AND amount <= 100000000000000),
    CONSTRAINT commission_payments_state_known CHECK (state IN ('open', 'booked', 'rejected')),
    CONSTRAINT commission_payments_decided CHECK ((state = 'open') = (decided_by IS NULL AND decided_at IS NULL)),
    CONSTRAINT commission_payments_second_person CHECK (state <> 'booked' OR decided_by <> asked_by)
);
-- One payment order of an agency is recorded once, however often people ask for it.
CREATE UNIQUE INDEX commission_payments_once ON commission_payments (bucket, bank_bic, agency_id, paid_on, reference) WHERE state <> 'rejected';
