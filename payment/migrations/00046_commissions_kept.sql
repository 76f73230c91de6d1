-- +goose Up
-- The commission of a payment that its agency bears: a bank may keep it back from what it credits.
ALTER TABLE expectations ADD COLUMN charged bigint NOT NULL DEFAULT 0;
ALTER TABLE expectations ADD COLUMN charged_to text NOT NULL DEFAULT '';
ALTER TABLE expectations ADD CONSTRAINT expectations_charged_bounded CHECK (charged = 0 OR (charged > 0 AND kind = 'payment' AND charged_to <> ''));
UPDATE expectations x SET charged = c.charged, charged_to = c.agency_id
    FROM (SELECT j.seq * 256 + j.bucket AS no, sum(i.agency_commission) AS charged, min(i.agency_id) AS agency_id
        FROM order_items i JOIN journal j ON j.bucket = i.bucket AND j.order_id = i.order_id AND j.part = i.part
        WHERE i.agency_commission > 0 GROUP BY j.seq, j.bucket) AS c
    WHERE x.no = c.no AND x.kind = 'payment';
CREATE INDEX expectations_charged ON expectations (bucket, bank_bic, paid_on) WHERE charged > 0;
-- Refunds with which a bank gives such a commission back, or may: it does not keep it back as well.
CREATE INDEX refunds_agency_commission ON refunds (bucket, bank_bic) WHERE agency_commission > 0;

-- What a bank kept back of what a match settles, for the commission that the agency bears. It counts while its match does.
CREATE TABLE recon_kept (
    bucket      integer  NOT NULL,
    statement   bigint   NOT NULL,
    no          integer  NOT NULL,
    part        integer  NOT NULL,
    expectation bigint   NOT NULL,
    turn        smallint NOT NULL,
    agency      text     NOT NULL,
    amount      bigint   NOT NULL, -- tiyn
    CONSTRAINT recon_kept_pkey PRIMARY KEY (bucket, statement, no, part, expectation, turn),
    CONSTRAINT recon_kept_positive CHECK (amount > 0)
);
