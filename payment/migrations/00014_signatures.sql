-- +goose Up
-- How many signatures a payer asks for under each of its payments; without a row one is enough.
CREATE TABLE signing_rules (
    bucket     integer     NOT NULL,
    payer_id   text        NOT NULL,
    signatures integer     NOT NULL,
    set_by     text        NOT NULL,
    set_at     timestamptz NOT NULL,
    CONSTRAINT signing_rules_pkey PRIMARY KEY (bucket, payer_id),
    CONSTRAINT signing_rules_few CHECK (signatures BETWEEN 1 AND 2)
);

-- An order may carry two signatures, of different people. What a bank orders for its own client stands here, too.
ALTER TABLE authorisations ADD COLUMN number integer NOT NULL DEFAULT 1;
ALTER TABLE authorisations ADD COLUMN method text NOT NULL DEFAULT 'eds';
ALTER TABLE authorisations ADD CONSTRAINT authorisations_method_known CHECK (method IN ('eds', 'bank', 'code'));
ALTER TABLE authorisations DROP CONSTRAINT authorisations_pkey;
ALTER TABLE authorisations ADD CONSTRAINT authorisations_pkey PRIMARY KEY (bucket, order_id, number);
ALTER TABLE authorisations ADD CONSTRAINT authorisations_signer_key UNIQUE (bucket, order_id, signer);
