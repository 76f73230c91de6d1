-- +goose Up
-- Agreements for repeated payments: signed once, and then orders within their limits need no signature of their own.
CREATE TABLE mandates (
    bucket             integer     NOT NULL,
    id                 text        NOT NULL,
    payer_id           text        NOT NULL,
    bank_bic           text        NOT NULL,
    document           bytea       NOT NULL,
    language           text        NOT NULL,
    state              text        NOT NULL,
    valid_until        date        NOT NULL,
    created_at         timestamptz NOT NULL,
    sign_by            timestamptz NOT NULL,
    signed_at          timestamptz,
    signature          bytea       NOT NULL DEFAULT '',
    signer             text        NOT NULL DEFAULT '',
    verdict_id         text        NOT NULL DEFAULT '',
    certificate_sha256 text        NOT NULL DEFAULT '',
    revoked_at         timestamptz,
    revoked_by         text        NOT NULL DEFAULT '',
    CONSTRAINT mandates_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT mandates_state_known CHECK (state IN ('unsigned', 'active', 'revoked')),
    CONSTRAINT mandates_active_are_signed CHECK (state <> 'active' OR (signed_at IS NOT NULL AND length(signature) > 0)),
    CONSTRAINT mandates_revoked CHECK ((state = 'revoked') = (revoked_at IS NOT NULL))
);
CREATE INDEX mandates_of_payer ON mandates (bucket, payer_id, id);

-- What was authorised under an agreement: an order once. An order that the bank refused counts no more.
CREATE TABLE mandate_uses (
    bucket     integer     NOT NULL,
    order_id   text        NOT NULL,
    mandate_id text        NOT NULL,
    amount     bigint      NOT NULL,
    month      date        NOT NULL,
    at         timestamptz NOT NULL,
    CONSTRAINT mandate_uses_pkey PRIMARY KEY (bucket, order_id),
    CONSTRAINT mandate_uses_of_mandate FOREIGN KEY (bucket, mandate_id) REFERENCES mandates (bucket, id),
    CONSTRAINT mandate_uses_of_order FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id),
    CONSTRAINT mandate_uses_positive CHECK (amount > 0)
);
CREATE INDEX mandate_uses_of_month ON mandate_uses (bucket, mandate_id, month);

-- Every step of an agreement, and whether the payer's phone was told of it: wanted, sent, none (there is no phone), failed.
CREATE TABLE mandate_events (
    bucket     integer     NOT NULL,
    mandate_id text        NOT NULL,
    number     integer     NOT NULL,
    event      text        NOT NULL,
    at         timestamptz NOT NULL,
    order_id   text        NOT NULL DEFAULT '',
    amount     bigint      NOT NULL DEFAULT 0,
    whom       text        NOT NULL DEFAULT '',
    actor      text        NOT NULL,
    notice     text        NOT NULL,
    tries      integer     NOT NULL DEFAULT 0,
    next_at    timestamptz,
    CONSTRAINT mandate_events_pkey PRIMARY KEY (bucket, mandate_id, number),
    CONSTRAINT mandate_events_of_mandate FOREIGN KEY (bucket, mandate_id) REFERENCES mandates (bucket, id),
    CONSTRAINT mandate_events_known CHECK (event IN ('created', 'signed', 'used', 'revoked')),
    CONSTRAINT mandate_events_notice_known CHECK (notice IN ('', 'wanted', 'sent', 'none', 'failed'))
);
CREATE INDEX mandate_events_wanted ON mandate_events (bucket, next_at) WHERE notice = 'wanted';

ALTER TABLE authorisations DROP CONSTRAINT authorisations_method_known;
ALTER TABLE authorisations ADD CONSTRAINT authorisations_method_known CHECK (method IN ('eds', 'bank', 'code', 'mandate'));
