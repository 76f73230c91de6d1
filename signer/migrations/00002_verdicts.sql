-- +goose Up
-- Verdicts as they were given. The bucket is the first byte of the document's SHA-256 and readable from the id.
CREATE TABLE verdicts (
    bucket          integer     NOT NULL CONSTRAINT verdicts_bucket CHECK (bucket BETWEEN 0 AND 255),
    id              text        NOT NULL,
    at              timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    actor           text        NOT NULL CONSTRAINT verdicts_actor CHECK (actor <> ''),
    document_sha256 bytea       NOT NULL CONSTRAINT verdicts_document CHECK (length(document_sha256) = 32),
    indication      text        NOT NULL CONSTRAINT verdicts_indication
        CHECK (indication IN ('TOTAL-PASSED', 'TOTAL-FAILED', 'INDETERMINATE')),
    sub_indication  text        NOT NULL,
    verdict         bytea       NOT NULL,
    CONSTRAINT verdicts_pk PRIMARY KEY (bucket, id)
);

CREATE INDEX verdicts_by_document ON verdicts (bucket, document_sha256, created_at);

-- Bodies of evidence, each kept once. The bucket is the first byte of the digest.
CREATE TABLE evidence (
    bucket     integer     NOT NULL CONSTRAINT evidence_bucket CHECK (bucket BETWEEN 0 AND 255),
    sha256     bytea       NOT NULL CONSTRAINT evidence_sha256 CHECK (length(sha256) = 32),
    kind       text        NOT NULL CONSTRAINT evidence_kind CHECK (kind IN ('certificate', 'crl', 'ocsp')),
    created_at timestamptz NOT NULL,
    body       bytea       NOT NULL,
    CONSTRAINT evidence_pk PRIMARY KEY (bucket, sha256)
);
