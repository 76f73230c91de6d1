-- +goose Up
-- Reconciliation. All rows of a bank lie in the bucket of its BIC: statements are read and matched bank by bank.

-- The row that orders all work on one bank: it is locked while a statement is matched or an exception resolved.
CREATE TABLE recon_banks (
    bucket         integer     NOT NULL,
    bank_bic       text        NOT NULL,
    ladder         text        NOT NULL, -- the matching rules as JSON
    ladder_version integer     NOT NULL,
    cut_off_minute integer     NOT NULL,
    term_days      integer     NOT NULL,
    aged_on        date,                 -- up to which day missing payments were sought
    changed_at     timestamptz NOT NULL,
    CONSTRAINT recon_banks_pkey PRIMARY KEY (bucket, bank_bic),
    CONSTRAINT recon_banks_terms_bounded CHECK (cut_off_minute BETWEEN 0 AND 1440 AND term_days BETWEEN 0 AND 60),
    CONSTRAINT recon_banks_version_positive CHECK (ladder_version > 0)
);

-- Every ladder that was in force: matches name a rule by its place in one.
CREATE TABLE recon_ladders (
    bucket   integer     NOT NULL,
    bank_bic text        NOT NULL,
    version  integer     NOT NULL,
    ladder   text        NOT NULL,
    set_by   text        NOT NULL,
    set_at   timestamptz NOT NULL,
    CONSTRAINT recon_ladders_pkey PRIMARY KEY (bucket, bank_bic, version)
);

CREATE TABLE bank_accounts (
    bucket     integer     NOT NULL,
    account    text        NOT NULL,
    bank_bic   text        NOT NULL,
    signed     boolean     NOT NULL, -- statements must carry the bank's signature
    opened     bigint      NOT NULL DEFAULT 0, -- what was booked as the opening balance of the first statement
    created_at timestamptz NOT NULL,
    CONSTRAINT bank_accounts_pkey PRIMARY KEY (bucket, account),
    CONSTRAINT bank_accounts_bank_fkey FOREIGN KEY (bucket, bank_bic) REFERENCES recon_banks (bucket, bank_bic)
);

-- Days that are not as the week has them.
CREATE TABLE bank_days (
    day    date    NOT NULL,
    works  boolean NOT NULL,
    name   text    NOT NULL,
    source text    NOT NULL,
    CONSTRAINT bank_days_pkey PRIMARY KEY (day)
);
INSERT INTO bank_days (day, works, name, source) VALUES
    ('2026-01-01', false, 'New Year', 'Law on holidays, Art. 3'),
    ('2026-01-02', false, 'New Year', 'Law on holidays, Art. 3'),
    ('2026-01-07', false, 'Orthodox Christmas', 'Law on holidays, Art. 5'),
    ('2026-03-09', false, 'Women''s Day, moved from Sunday', 'Labour Code, Art. 85; to be checked against the calendar of the year'),
    ('2026-03-23', false, 'Nauryz', 'Law on holidays, Art. 3'),
    ('2026-03-24', false, 'Nauryz, moved from Saturday', 'Labour Code, Art. 85; to be checked against the calendar of the year'),
    ('2026-03-25', false, 'Nauryz, moved from Sunday', 'Labour Code, Art. 85; to be checked against the calendar of the year'),
    ('2026-05-01', false, 'Unity Day', 'Law on holidays, Art. 3'),
    ('2026-05-07', false, 'Defender''s Day', 'Law on holidays, Art. 3'),
    ('2026-05-11', false, 'Victory Day, moved from Saturday', 'Labour Code, Art. 85; to be checked against the calendar of the year'),
    ('2026-05-27', false, 'Kurban Ait', 'to be checked against the calendar of the year'),
    ('2026-07-06', false, 'Day of the Capital', 'Law on holidays, Art. 3'),
    ('2026-08-31', false, 'Constitution Day, moved from Sunday', 'Labour Code, Art. 85; to be checked against the calendar of the year'),
    ('2026-10-26', false, 'Republic Day, moved from Sunday', 'Labour Code, Art. 85; to be checked against the calendar of the year'),
    ('2026-12-16', false, 'Independence Day', 'Law on holidays, Art. 3');

-- What a statement should show. no is seq * 256 + bucket of the journal's leaf for payments, negative for what resolutions
-- expect. amount is signed: money that should come is positive. Never changed.
CREATE TABLE expectations (
    bucket         integer     NOT NULL,
    no             bigint      NOT NULL,
    amount         bigint      NOT NULL,
    paid_on        date        NOT NULL,
    due_on         date        NOT NULL,
    bank_bic       text        NOT NULL,
    kind           text        NOT NULL,
    source         text        NOT NULL, -- the attempt, or the exception
    reference      text        NOT NULL,
    uip            text        NOT NULL,
    bank_reference text        NOT NULL,
    batch          text        NOT NULL,
    payer          text        NOT NULL,
    kbk            text        NOT NULL,
    created_at     timestamptz NOT NULL,
    CONSTRAINT expectations_pkey PRIMARY KEY (bucket, no),
    CONSTRAINT expectations_bucket_range CHECK (bucket BETWEEN 0 AND 255),
    CONSTRAINT expectations_kind_known CHECK (kind IN ('payment', 'refund', 'owed')),
    CONSTRAINT expectations_direction CHECK (CASE kind WHEN 'refund' THEN amount < 0 ELSE amount > 0 END),
    CONSTRAINT expectations_order CHECK (due_on >= paid_on)
);
CREATE INDEX expectations_paid ON expectations (bucket, bank_bic, paid_on);
CREATE INDEX expectations_due ON expectations (bucket, bank_bic, due_on);
CREATE INDEX expectations_reference ON expectations (bucket, reference);
CREATE INDEX expectations_uip ON expectations (bucket, uip) WHERE uip <> '';
CREATE INDEX expectations_bank_reference ON expectations (bucket, bank_reference) WHERE bank_reference <> '';

-- How far each journal was read for expectations.
CREATE TABLE recon_cursors (
    bucket integer NOT NULL,
    next   bigint  NOT NULL,
    CONSTRAINT recon_cursors_pkey PRIMARY KEY (bucket)
);
INSERT INTO recon_cursors (bucket, next) SELECT bucket, 0 FROM generate_series(0, 255) AS t (bucket);

-- Files by their digest, in the bucket of the digest: the same file again gets the stored result.
CREATE TABLE statement_files (
    bucket      integer     NOT NULL,
    sha256      bytea       NOT NULL,
    name        text        NOT NULL,
    source      text        NOT NULL,
    size_bytes  bigint      NOT NULL,
    signer      text        NOT NULL,
    verdict_id  text        NOT NULL,
    received_by text        NOT NULL,
    received_at timestamptz NOT NULL,
    result      bytea       NOT NULL,
    CONSTRAINT statement_files_pkey PRIMARY KEY (bucket, sha256),
    CONSTRAINT statement_files_digest_length CHECK (length(sha256) = 32),
    CONSTRAINT statement_files_source_known CHECK (source IN ('api', 'folder', 'cli'))
);

CREATE TABLE statements (
    bucket      integer     NOT NULL,
    id          bigint      NOT NULL,
    bank_bic    text        NOT NULL,
    account     text        NOT NULL,
    format      text        NOT NULL,
    name        text        NOT NULL,
    number      bigint      NOT NULL, -- 0 when the bank does not number
    year        integer     NOT NULL,
    page        integer     NOT NULL,
    opened_on   date        NOT NULL,
    closed_on   date        NOT NULL,
    opening     bigint      NOT NULL,
    closing     bigint      NOT NULL,
    credit      bigint      NOT NULL,
    debit       bigint      NOT NULL,
    lines       bigint      NOT NULL,
    state       text        NOT NULL,
    ladder      integer     NOT NULL,
    sha256      bytea       NOT NULL,
    file_index  integer     NOT NULL,
    replaced_by bigint,
    created_at  timestamptz NOT NULL,
    CONSTRAINT statements_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT statements_file_key UNIQUE (bucket, sha256, file_index),
    CONSTRAINT statements_state_known CHECK (state IN ('booked', 'noted', 'replaced')),
    CONSTRAINT statements_balance CHECK (state = 'noted' OR opening + credit - debit = closing),
    CONSTRAINT statements_period_ordered CHECK (closed_on >= opened_on)
);
CREATE UNIQUE INDEX statements_number_once ON statements (bucket, account, year, number, page) WHERE state = 'booked' AND number > 0;
CREATE INDEX statements_account ON statements (bucket, account, closed_on);

-- Movements of statements. No foreign key: a million rows come in one COPY before the statement's own row is known.
CREATE TABLE statement_lines (
    bucket         integer NOT NULL,
    no             integer NOT NULL,
    statement      bigint  NOT NULL,
    amount         bigint  NOT NULL,
    part           integer NOT NULL,
    booked_on      date    NOT NULL,
    count          integer NOT NULL,
    reverses       boolean NOT NULL,
    reference      text    NOT NULL,
    uip            text    NOT NULL,
    bank_reference text    NOT NULL,
    batch          text    NOT NULL,
    payer          text    NOT NULL,
    kbk            text    NOT NULL,
    purpose        text    NOT NULL,
    foreign_amount text    NOT NULL,
    CONSTRAINT statement_lines_pkey PRIMARY KEY (bucket, statement, no, part)
);

-- One leg of a match. rule is the place in the ladder of that version from 1, or 0 for a person's decision. whole says that the
-- leg carries the whole expectation. Only undoing changes a row.
CREATE TABLE recon_matches (
    bucket      integer  NOT NULL,
    no          integer  NOT NULL,
    statement   bigint   NOT NULL,
    expectation bigint   NOT NULL,
    paid        bigint   NOT NULL,
    owed        bigint   NOT NULL,
    part        integer  NOT NULL,
    turn        smallint NOT NULL,
    rule        smallint NOT NULL,
    ladder      smallint NOT NULL,
    whole       boolean  NOT NULL,
    undone_at   timestamptz,
    CONSTRAINT recon_matches_pkey PRIMARY KEY (bucket, statement, no, part, expectation, turn)
);
CREATE UNIQUE INDEX recon_matches_once ON recon_matches (bucket, expectation) WHERE whole AND undone_at IS NULL;
CREATE INDEX recon_matches_parts ON recon_matches (bucket, expectation) WHERE NOT whole AND undone_at IS NULL;

-- What does not fit. missing is the expectation of a missing payment, else 0; no and part are 0 for a whole statement.
CREATE TABLE recon_exceptions (
    bucket      integer     NOT NULL,
    statement   bigint      NOT NULL,
    no          integer     NOT NULL,
    part        integer     NOT NULL,
    missing     bigint      NOT NULL,
    bank_bic    text        NOT NULL,
    account     text        NOT NULL,
    kind        text        NOT NULL,
    state       text        NOT NULL,
    amount      bigint      NOT NULL,
    related     bigint,
    rule        smallint    NOT NULL,
    owner       text        NOT NULL,
    opened_on   date        NOT NULL,
    version     integer     NOT NULL,
    proposal    text        NOT NULL,
    proposed_by text        NOT NULL,
    resolution  text        NOT NULL,
    posting_id  text        NOT NULL,
    answer_by   date,
    changed_at  timestamptz NOT NULL,
    CONSTRAINT recon_exceptions_pkey PRIMARY KEY (bucket, statement, no, part, missing),
    CONSTRAINT recon_exceptions_kind_known CHECK (kind IN ('surplus', 'missing', 'ambiguous', 'doubled', 'over', 'under', 'data',
        'reversal', 'withdrawal', 'foreign-currency', 'gap')),
    CONSTRAINT recon_exceptions_state_known CHECK (state IN ('open', 'assigned', 'proposed', 'asked', 'resolved', 'void')),
    CONSTRAINT recon_exceptions_owner_when_taken CHECK (state NOT IN ('assigned', 'proposed') OR owner <> ''),
    CONSTRAINT recon_exceptions_proposal_whole CHECK ((state = 'proposed') <= (proposal <> '' AND proposed_by <> ''))
);
CREATE INDEX recon_exceptions_queue ON recon_exceptions (bucket, bank_bic, opened_on, statement, no, part, missing)
    WHERE state NOT IN ('resolved', 'void');
CREATE INDEX recon_exceptions_related ON recon_exceptions (bucket, related) WHERE related IS NOT NULL;

-- What happened to an exception, with comments and files.
CREATE TABLE recon_notes (
    bucket    integer     NOT NULL,
    statement bigint      NOT NULL,
    no        integer     NOT NULL,
    part      integer     NOT NULL,
    missing   bigint      NOT NULL,
    version   integer     NOT NULL,
    event     text        NOT NULL,
    actor     text        NOT NULL,
    comment   text        NOT NULL,
    file_name text        NOT NULL,
    file      bytea,
    at        timestamptz NOT NULL,
    CONSTRAINT recon_notes_pkey PRIMARY KEY (bucket, statement, no, part, missing, version),
    CONSTRAINT recon_notes_file_named CHECK ((file IS NULL) = (file_name = ''))
);

-- Closed periods with their sealed register. Nothing is booked into a closed period.
CREATE TABLE recon_periods (
    bucket    integer     NOT NULL,
    account   text        NOT NULL,
    through   date        NOT NULL,
    bank_bic  text        NOT NULL,
    register  bytea       NOT NULL,
    seal      bytea       NOT NULL,
    closed_by text        NOT NULL,
    closed_at timestamptz NOT NULL,
    CONSTRAINT recon_periods_pkey PRIMARY KEY (bucket, account, through)
);
