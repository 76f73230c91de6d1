-- +goose Up
-- What banks take for executing payments, and prohibitions of it. Terms that were agreed on are never changed: payments rest on them.
CREATE TABLE commission_terms (
    id           text        NOT NULL,
    bank_bic     text, -- NULL: a prohibition, for all banks
    service_id   text,
    agency_id    text,
    kbk          text        NOT NULL,
    bearer       text        NOT NULL,
    rate         bigint      NOT NULL, -- basis points
    rounding     text        NOT NULL,
    fixed        bigint      NOT NULL, -- tiyn, as the two that follow
    least        bigint      NOT NULL,
    most         bigint      NOT NULL, -- 0: no bound
    given_back   text        NOT NULL,
    valid_from   date        NOT NULL,
    valid_to     date,
    source       text        NOT NULL,
    state        text        NOT NULL,
    asked_by     text        NOT NULL,
    asked_at     timestamptz NOT NULL,
    decided_by   text,
    decided_at   timestamptz,
    CONSTRAINT commission_terms_pkey PRIMARY KEY (id),
    CONSTRAINT commission_terms_bank_fkey FOREIGN KEY (bank_bic) REFERENCES banks (bic),
    CONSTRAINT commission_terms_service_fkey FOREIGN KEY (service_id) REFERENCES services (id),
    CONSTRAINT commission_terms_agency_fkey FOREIGN KEY (agency_id) REFERENCES agencies (id),
    CONSTRAINT commission_terms_bearer_known CHECK (bearer IN ('payer', 'agency', 'nobody')),
    CONSTRAINT commission_terms_prohibition CHECK ((bank_bic IS NULL) = (bearer = 'nobody')),
    CONSTRAINT commission_terms_rate_range CHECK (rate BETWEEN 0 AND 10000),
    CONSTRAINT commission_terms_amounts CHECK (fixed BETWEEN 0 AND 100000000 AND least BETWEEN 0 AND 100000000 AND most BETWEEN 0 AND 100000000),
    CONSTRAINT commission_terms_nobody_pays CHECK (bearer <> 'nobody' OR (rate = 0 AND fixed = 0 AND least = 0 AND most = 0)),
    CONSTRAINT commission_terms_period CHECK (valid_to IS NULL OR valid_from <= valid_to),
    CONSTRAINT commission_terms_state_known CHECK (state IN ('open', 'in_force', 'rejected')),
    CONSTRAINT commission_terms_decided CHECK ((state = 'open') = (decided_by IS NULL AND decided_at IS NULL)),
    CONSTRAINT commission_terms_second_person CHECK (state <> 'in_force' OR decided_by <> asked_by)
);
CREATE INDEX commission_terms_in_force ON commission_terms (bank_bic) WHERE state = 'in_force';
