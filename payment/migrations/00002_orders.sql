-- +goose Up
CREATE TABLE debts (
    bucket          integer     NOT NULL,
    id              text        NOT NULL,
    agency_id       text        NOT NULL,
    reference       text        NOT NULL,
    payer_id        text        NOT NULL,
    payer_name      text        NOT NULL,
    service_id      text        NOT NULL,
    service_version integer     NOT NULL,
    amount          bigint      NOT NULL,
    currency        text        NOT NULL,
    basis           text        NOT NULL,
    purpose         text        NOT NULL,
    due_on          date,
    state           text        NOT NULL,
    version         integer     NOT NULL,
    order_id        text,
    loaded_at       timestamptz NOT NULL,
    paid_at         timestamptz,
    recall_reason   text        NOT NULL,
    CONSTRAINT debts_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT debts_reference_key UNIQUE (bucket, agency_id, payer_id, reference),
    CONSTRAINT debts_bucket_range CHECK (bucket BETWEEN 0 AND 255),
    CONSTRAINT debts_amount_positive CHECK (amount > 0),
    CONSTRAINT debts_currency_known CHECK (currency = 'KZT'),
    CONSTRAINT debts_state_known CHECK (state IN ('open', 'reserved', 'paid', 'recalled')),
    CONSTRAINT debts_version_positive CHECK (version > 0),
    CONSTRAINT debts_order_while_tied CHECK ((state IN ('reserved', 'paid')) = (order_id IS NOT NULL)),
    CONSTRAINT debts_paid_at_when_paid CHECK ((state = 'paid') = (paid_at IS NOT NULL))
);
CREATE INDEX debts_payer ON debts (bucket, payer_id, id);

CREATE TABLE orders (
    bucket         integer     NOT NULL,
    id             text        NOT NULL,
    payer_id       text        NOT NULL,
    payer_name     text        NOT NULL,
    bank_bic       text        NOT NULL,
    state          text        NOT NULL,
    amount         bigint      NOT NULL,
    currency       text        NOT NULL,
    document       bytea       NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    events         integer     NOT NULL,
    attempt_id     text,
    bank_reference text,
    executed_at    timestamptz,
    reason         text        NOT NULL,
    receipt_id     text,
    receipt_due_at timestamptz,
    CONSTRAINT orders_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT orders_bucket_range CHECK (bucket BETWEEN 0 AND 255),
    CONSTRAINT orders_amount_positive CHECK (amount > 0),
    CONSTRAINT orders_currency_known CHECK (currency = 'KZT'),
    CONSTRAINT orders_state_known CHECK (state IN
        ('created', 'authorised', 'executing', 'unknown', 'executed', 'refused', 'expired', 'cancelled')),
    CONSTRAINT orders_expiry_after_creation CHECK (expires_at > created_at),
    CONSTRAINT orders_attempt_once_authorised CHECK (
        (state IN ('authorised', 'executing', 'unknown', 'executed', 'refused')) = (attempt_id IS NOT NULL)),
    CONSTRAINT orders_executed_complete CHECK (
        (state = 'executed') = (bank_reference IS NOT NULL) AND (state = 'executed') = (executed_at IS NOT NULL)),
    CONSTRAINT orders_receipt_only_executed CHECK (receipt_id IS NULL OR state = 'executed')
);
-- Orders that wait for a receipt, and orders that wait for a signature: small sets that workers look through.
CREATE INDEX orders_without_receipt ON orders (bucket, receipt_due_at) WHERE state = 'executed' AND receipt_id IS NULL;
CREATE INDEX orders_unsigned ON orders (bucket, expires_at) WHERE state = 'created';

CREATE TABLE order_items (
    bucket          integer NOT NULL,
    order_id        text    NOT NULL,
    debt_id         text    NOT NULL,
    debt_version    integer NOT NULL,
    service_id      text    NOT NULL,
    service_version integer NOT NULL,
    agency_id       text    NOT NULL,
    amount          bigint  NOT NULL,
    currency        text    NOT NULL,
    CONSTRAINT order_items_pkey PRIMARY KEY (bucket, order_id, debt_id),
    CONSTRAINT order_items_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id),
    CONSTRAINT order_items_debt_fkey FOREIGN KEY (bucket, debt_id) REFERENCES debts (bucket, id),
    CONSTRAINT order_items_amount_positive CHECK (amount > 0),
    CONSTRAINT order_items_currency_known CHECK (currency = 'KZT')
);

CREATE TABLE order_events (
    bucket     integer     NOT NULL,
    order_id   text        NOT NULL,
    seq        integer     NOT NULL,
    at         timestamptz NOT NULL,
    event      text        NOT NULL,
    from_state text        NOT NULL,
    to_state   text        NOT NULL,
    detail     text        NOT NULL,
    CONSTRAINT order_events_pkey PRIMARY KEY (bucket, order_id, seq),
    CONSTRAINT order_events_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id)
);

-- The payer's signature as it came: the evidence behind the payment.
CREATE TABLE authorisations (
    bucket             integer     NOT NULL,
    order_id           text        NOT NULL,
    signature          bytea       NOT NULL,
    verdict_id         text        NOT NULL,
    signer             text        NOT NULL,
    certificate_sha256 text        NOT NULL,
    at                 timestamptz NOT NULL,
    CONSTRAINT authorisations_pkey PRIMARY KEY (bucket, order_id),
    CONSTRAINT authorisations_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id)
);

CREATE TABLE attempts (
    bucket       integer     NOT NULL,
    id           text        NOT NULL,
    order_id     text        NOT NULL,
    bank_bic     text        NOT NULL,
    state        text        NOT NULL,
    amount       bigint      NOT NULL,
    currency     text        NOT NULL,
    message      bytea       NOT NULL,
    sends        integer     NOT NULL,
    tries        integer     NOT NULL,
    due_at       timestamptz NOT NULL,
    last_problem text        NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT attempts_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT attempts_order_key UNIQUE (bucket, order_id),
    CONSTRAINT attempts_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id),
    CONSTRAINT attempts_amount_positive CHECK (amount > 0),
    CONSTRAINT attempts_currency_known CHECK (currency = 'KZT'),
    CONSTRAINT attempts_state_known CHECK (state IN ('prepared', 'sent', 'unknown', 'absent', 'executed', 'refused')),
    CONSTRAINT attempts_sent_counted CHECK ((state = 'prepared') = (sends = 0))
);
CREATE INDEX attempts_due ON attempts (bucket, due_at) WHERE state IN ('prepared', 'sent', 'unknown', 'absent');

-- Every message of a bank whose signature held, by the digest of its content.
CREATE TABLE bank_messages (
    bucket      integer     NOT NULL,
    digest      bytea       NOT NULL,
    attempt_id  text        NOT NULL,
    bank_bic    text        NOT NULL,
    source      text        NOT NULL,
    outcome     text        NOT NULL,
    disposition text        NOT NULL,
    message     bytea       NOT NULL,
    verdict_id  text        NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT bank_messages_pkey PRIMARY KEY (bucket, attempt_id, digest),
    CONSTRAINT bank_messages_attempt_fkey FOREIGN KEY (bucket, attempt_id) REFERENCES attempts (bucket, id),
    CONSTRAINT bank_messages_source_known CHECK (source IN ('reply', 'lookup', 'callback')),
    CONSTRAINT bank_messages_disposition_known CHECK (disposition IN ('applied', 'repeated', 'noted', 'conflict'))
);

-- The bucket is that of caller and key, so that a key is seen whatever it was sent with.
CREATE TABLE idempotency (
    bucket       integer     NOT NULL,
    caller       text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,
    failed       boolean     NOT NULL,
    response     bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (bucket, caller, key),
    CONSTRAINT idempotency_hash_length CHECK (length(request_hash) = 32)
);
