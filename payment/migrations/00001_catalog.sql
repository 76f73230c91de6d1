-- +goose Up
CREATE TABLE agencies (
    id                  text        NOT NULL,
    bin                 text        NOT NULL,
    name_kk             text        NOT NULL,
    name_ru             text        NOT NULL,
    name_en             text        NOT NULL,
    webhook_url         text        NOT NULL,
    webhook_disabled_at timestamptz,
    created_at          timestamptz NOT NULL,
    CONSTRAINT agencies_pkey PRIMARY KEY (id),
    CONSTRAINT agencies_bin_key UNIQUE (bin),
    CONSTRAINT agencies_bin_form CHECK (length(bin) = 12)
);

CREATE TABLE banks (
    bic        text        NOT NULL,
    bin        text        NOT NULL,
    name       text        NOT NULL,
    url        text        NOT NULL,
    paused     boolean     NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT banks_pkey PRIMARY KEY (bic),
    CONSTRAINT banks_bic_form CHECK (length(bic) = 8),
    CONSTRAINT banks_bin_form CHECK (length(bin) = 12)
);

CREATE TABLE services (
    id              text        NOT NULL,
    agency_id       text        NOT NULL,
    code            text        NOT NULL,
    current_version integer     NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT services_pkey PRIMARY KEY (id),
    CONSTRAINT services_agency_code_key UNIQUE (agency_id, code),
    CONSTRAINT services_agency_fkey FOREIGN KEY (agency_id) REFERENCES agencies (id),
    CONSTRAINT services_version_positive CHECK (current_version > 0)
);

-- A publication is never changed: debts and receipts refer to it.
CREATE TABLE service_versions (
    service_id          text        NOT NULL,
    version             integer     NOT NULL,
    name_kk             text        NOT NULL,
    name_ru             text        NOT NULL,
    name_en             text        NOT NULL,
    kind                text        NOT NULL,
    automation          text        NOT NULL,
    kbk                 text        NOT NULL,
    knp                 text        NOT NULL,
    kbe                 text        NOT NULL,
    beneficiary_name    text        NOT NULL,
    beneficiary_bin     text        NOT NULL,
    beneficiary_account text        NOT NULL,
    beneficiary_bic     text        NOT NULL,
    published_at        timestamptz NOT NULL,
    CONSTRAINT service_versions_pkey PRIMARY KEY (service_id, version),
    CONSTRAINT service_versions_service_fkey FOREIGN KEY (service_id) REFERENCES services (id),
    CONSTRAINT service_versions_kind_known CHECK (kind IN ('informational', 'interactive', 'transactional', 'composite')),
    CONSTRAINT service_versions_automation_known CHECK (automation IN ('full', 'partial')),
    CONSTRAINT service_versions_codes_form CHECK (length(kbk) = 6 AND length(knp) = 3 AND length(kbe) = 2)
);

CREATE TABLE tariffs (
    service_id text    NOT NULL,
    version    integer NOT NULL,
    valid_from date    NOT NULL,
    valid_to   date,
    kind       text    NOT NULL,
    amount     bigint,
    rate       text,
    rounding   text,
    CONSTRAINT tariffs_pkey PRIMARY KEY (service_id, version, valid_from),
    CONSTRAINT tariffs_version_fkey FOREIGN KEY (service_id, version) REFERENCES service_versions (service_id, version),
    CONSTRAINT tariffs_period_ordered CHECK (valid_to IS NULL OR valid_to >= valid_from),
    CONSTRAINT tariffs_kind_complete CHECK (
        (kind = 'fixed' AND amount > 0 AND rate IS NULL AND rounding IS NULL) OR
        (kind = 'mrp' AND amount IS NULL AND rate IS NOT NULL AND rounding IS NOT NULL) OR
        (kind = 'stated' AND amount IS NULL AND rate IS NULL AND rounding IS NULL))
);

-- МРП, the monthly calculation index: law as data. A new year is a new row.
CREATE TABLE mrp (
    valid_from date   NOT NULL,
    valid_to   date,
    amount     bigint NOT NULL,
    source     text   NOT NULL,
    CONSTRAINT mrp_pkey PRIMARY KEY (valid_from),
    CONSTRAINT mrp_amount_positive CHECK (amount > 0),
    CONSTRAINT mrp_period_ordered CHECK (valid_to IS NULL OR valid_to >= valid_from)
);

INSERT INTO mrp (valid_from, valid_to, amount, source) VALUES
    ('2021-01-01', '2021-12-31', 291700, 'informburo.kz'),
    ('2022-01-01', '2022-12-31', 306300, 'informburo.kz'),
    ('2023-01-01', '2023-12-31', 345000, 'akm.sud.kz (apostille 0.5 MRP = 1725)'),
    ('2024-01-01', '2024-12-31', 369200, 'to be checked against the budget law of 2024-2026'),
    ('2025-01-01', '2025-12-31', 393200, 'lada.kz 2025-12-09'),
    ('2026-01-01', '2026-12-31', 432500, 'lada.kz 2025-12-09 (budget law of 2026-2028)');
