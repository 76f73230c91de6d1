-- +goose Up
-- Pages of receipts in further languages, made at the first request and never changed. The receipt itself stays what it was.
CREATE TABLE receipt_pages (
    bucket     integer     NOT NULL,
    receipt_id text        NOT NULL,
    language   text        NOT NULL,
    pdf        bytea       NOT NULL,
    pdf_seal   bytea       NOT NULL,
    pdf_sha256 text        NOT NULL,
    made_at    timestamptz NOT NULL,
    CONSTRAINT receipt_pages_pkey PRIMARY KEY (bucket, receipt_id, language),
    CONSTRAINT receipt_pages_receipt_fkey FOREIGN KEY (bucket, receipt_id) REFERENCES receipts (bucket, id),
    CONSTRAINT receipt_pages_language_known CHECK (language = 'en')
);
