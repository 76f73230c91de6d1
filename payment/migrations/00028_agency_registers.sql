-- +goose Up
-- Agencies that keep their register of debts themselves are asked while somebody looks.
CREATE TABLE agency_registers (
    agency_id     text        NOT NULL,
    url           text        NOT NULL,
    wait_ms       integer     NOT NULL,
    fresh_seconds integer     NOT NULL,
    paused        boolean     NOT NULL,
    -- failures in a row; after some the register is not asked before retry_at.
    failures      integer     NOT NULL DEFAULT 0,
    retry_at      timestamptz,
    last_problem  text        NOT NULL DEFAULT '',
    updated_at    timestamptz NOT NULL,
    CONSTRAINT agency_registers_pkey PRIMARY KEY (agency_id),
    CONSTRAINT agency_registers_are_an_agencys FOREIGN KEY (agency_id) REFERENCES agencies (id),
    CONSTRAINT agency_registers_wait CHECK (wait_ms BETWEEN 100 AND 10000),
    CONSTRAINT agency_registers_fresh CHECK (fresh_seconds BETWEEN 0 AND 86400)
);

-- The last answer about a payer: it stands in for the next one while it is fresh, and an older one never undoes it.
CREATE TABLE register_answers (
    bucket    integer     NOT NULL,
    payer_id  text        NOT NULL,
    agency_id text        NOT NULL,
    question  text        NOT NULL,
    asked_at  timestamptz NOT NULL,
    as_of     timestamptz NOT NULL,
    verdict   text        NOT NULL,
    CONSTRAINT register_answers_pkey PRIMARY KEY (bucket, payer_id, agency_id)
);

-- When the agency's register last stated the debt: what it states no more is recalled. NULL for debts that were only ever fed.
ALTER TABLE debts ADD COLUMN register_at timestamptz;
