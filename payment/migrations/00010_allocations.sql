-- +goose Up
-- An order may pay several agencies and beneficiaries: each allocation is one instruction at the bank, one leaf of the journal and
-- one receipt. part counts from 1; 0 says that the order has one allocation alone, and then there is no row here.
CREATE TABLE order_allocations (
    bucket    integer NOT NULL,
    order_id  text    NOT NULL,
    part      integer NOT NULL,
    agency_id text    NOT NULL,
    reference text    NOT NULL, -- by which the bank's statement names it
    amount    bigint  NOT NULL,
    currency  text    NOT NULL,
    CONSTRAINT order_allocations_pkey PRIMARY KEY (bucket, order_id, part),
    CONSTRAINT order_allocations_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id),
    CONSTRAINT order_allocations_reference_key UNIQUE (bucket, reference),
    CONSTRAINT order_allocations_part_positive CHECK (part > 0),
    CONSTRAINT order_allocations_amount_positive CHECK (amount > 0),
    CONSTRAINT order_allocations_currency_known CHECK (currency = 'KZT')
);

ALTER TABLE order_items ADD COLUMN part integer NOT NULL DEFAULT 0;
ALTER TABLE order_items ADD CONSTRAINT order_items_part_not_negative CHECK (part >= 0);

ALTER TABLE journal ADD COLUMN part integer NOT NULL DEFAULT 0;
ALTER TABLE journal DROP CONSTRAINT journal_order_key;
ALTER TABLE journal ADD CONSTRAINT journal_order_key UNIQUE (bucket, order_id, part);

ALTER TABLE receipts ADD COLUMN part integer NOT NULL DEFAULT 0;
ALTER TABLE receipts DROP CONSTRAINT receipts_order_key;
ALTER TABLE receipts ADD CONSTRAINT receipts_order_key UNIQUE (bucket, order_id, part);
