-- +goose Up
-- Money that one transfer brought to a beneficiary, and what was done with it since. Made when it is first touched.
CREATE TABLE refund_shares (
    bucket      integer NOT NULL,
    transfer_id text    NOT NULL,
    order_id    text    NOT NULL,
    debt_id     text    NOT NULL,
    account     text    NOT NULL, -- what the beneficiary is due
    bank_bic    text    NOT NULL,
    amount      bigint  NOT NULL,
    taken       bigint  NOT NULL,
    returned    bigint  NOT NULL,
    CONSTRAINT refund_shares_pkey PRIMARY KEY (bucket, transfer_id),
    CONSTRAINT refund_shares_transfer_fkey FOREIGN KEY (bucket, transfer_id) REFERENCES transfers (bucket, id),
    CONSTRAINT refund_shares_amount_positive CHECK (amount > 0),
    CONSTRAINT refund_shares_never_more CHECK (taken BETWEEN 0 AND amount AND returned BETWEEN 0 AND amount)
);
CREATE INDEX refund_shares_order ON refund_shares (bucket, order_id);

-- Refunds, corrections and returns. Of two people one asks and the other decides.
CREATE TABLE refunds (
    bucket         integer     NOT NULL,
    id             text        NOT NULL,
    batch_id       text        NOT NULL,
    version        integer     NOT NULL,
    kind           text        NOT NULL,
    state          text        NOT NULL,
    order_id       text        NOT NULL,
    debt_id        text        NOT NULL,
    transfer_id    text        NOT NULL,
    agency_id      text        NOT NULL,
    bank_bic       text        NOT NULL,
    amount         bigint      NOT NULL,
    currency       text        NOT NULL,
    reason         text        NOT NULL,
    comment        text        NOT NULL,
    aftermath      text        NOT NULL,
    service_id     text        NOT NULL,
    target_debt    text        NOT NULL,
    asked_by       text        NOT NULL,
    asked_at       timestamptz NOT NULL,
    decided_by     text,
    decided_at     timestamptz,
    message        bytea,
    sends          integer     NOT NULL,
    tries          integer     NOT NULL,
    due_at         timestamptz NOT NULL,
    last_problem   text        NOT NULL,
    bank_reference text,
    executed_at    timestamptz,
    bank_reason    text        NOT NULL,
    successor      text        NOT NULL,
    posting_id     text,
    CONSTRAINT refunds_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT refunds_share_fkey FOREIGN KEY (bucket, transfer_id) REFERENCES refund_shares (bucket, transfer_id),
    CONSTRAINT refunds_amount_positive CHECK (amount > 0),
    CONSTRAINT refunds_currency_known CHECK (currency = 'KZT'),
    CONSTRAINT refunds_kind_known CHECK (kind IN ('refund', 'wrong-kbk', 'wrong-payer', 'returned')),
    CONSTRAINT refunds_state_known CHECK (state IN ('requested', 'approved', 'sent', 'unknown', 'absent', 'executed', 'refused',
        'booked', 'rejected', 'withdrawn')),
    CONSTRAINT refunds_two_people CHECK (decided_by <> asked_by),
    CONSTRAINT refunds_decided_to_move CHECK (state IN ('requested', 'withdrawn') OR (decided_by IS NOT NULL AND decided_at IS NOT NULL)),
    CONSTRAINT refunds_posted_to_move CHECK ((posting_id IS NULL) = (state IN ('requested', 'rejected', 'withdrawn'))),
    CONSTRAINT refunds_instruction CHECK ((message IS NULL) = (kind <> 'refund' OR state IN ('requested', 'rejected', 'withdrawn'))),
    CONSTRAINT refunds_executed_complete CHECK (
        (state = 'executed') = (bank_reference IS NOT NULL) AND (state = 'executed') = (executed_at IS NOT NULL))
);
CREATE INDEX refunds_due ON refunds (bucket, due_at) WHERE state IN ('approved', 'sent', 'unknown', 'absent');
CREATE INDEX refunds_of_order ON refunds (bucket, order_id);
CREATE INDEX refunds_agency ON refunds (agency_id, asked_at);
CREATE INDEX refunds_batch ON refunds (batch_id);

CREATE TABLE refund_events (
    bucket     integer     NOT NULL,
    refund_id  text        NOT NULL,
    seq        integer     NOT NULL,
    at         timestamptz NOT NULL,
    event      text        NOT NULL,
    from_state text        NOT NULL,
    to_state   text        NOT NULL,
    actor      text        NOT NULL,
    detail     text        NOT NULL,
    CONSTRAINT refund_events_pkey PRIMARY KEY (bucket, refund_id, seq),
    CONSTRAINT refund_events_refund_fkey FOREIGN KEY (bucket, refund_id) REFERENCES refunds (bucket, id)
);

-- Every message of a bank about a refund whose signature held, by the digest of its content.
CREATE TABLE refund_messages (
    bucket      integer     NOT NULL,
    refund_id   text        NOT NULL,
    digest      bytea       NOT NULL,
    bank_bic    text        NOT NULL,
    source      text        NOT NULL,
    outcome     text        NOT NULL,
    disposition text        NOT NULL,
    message     bytea       NOT NULL,
    verdict_id  text        NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT refund_messages_pkey PRIMARY KEY (bucket, refund_id, digest),
    CONSTRAINT refund_messages_refund_fkey FOREIGN KEY (bucket, refund_id) REFERENCES refunds (bucket, id),
    CONSTRAINT refund_messages_source_known CHECK (source IN ('reply', 'lookup', 'callback')),
    CONSTRAINT refund_messages_disposition_known CHECK (disposition IN ('applied', 'repeated', 'noted', 'conflict'))
);

-- Webhooks about refunds stand beside that of the payment; subject names the refund.
ALTER TABLE outbox ADD COLUMN subject text NOT NULL DEFAULT '';
ALTER TABLE outbox DROP CONSTRAINT outbox_item_key;
CREATE UNIQUE INDEX outbox_item_once ON outbox (bucket, order_id, debt_id, subject);
