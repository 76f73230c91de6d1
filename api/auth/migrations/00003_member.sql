-- +goose Up
-- Who of an organisation's people may do what in its name. Ended by revoked_at, never deleted.
CREATE TABLE member (
    id         text        NOT NULL,
    kind       text        NOT NULL,
    subject    text        NOT NULL,
    bin        text        NOT NULL, -- of the certificate that the person has to come with
    iin        text        NOT NULL,
    role       text        NOT NULL,
    granted_by text        NOT NULL,
    granted_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT member_pkey PRIMARY KEY (id),
    CONSTRAINT member_kind_known CHECK (kind IN ('agency', 'bank', 'operator')),
    CONSTRAINT member_role_known CHECK (role IN ('viewer', 'editor', 'support')),
    CONSTRAINT member_named CHECK (subject <> '' AND bin <> '' AND iin <> '')
);
CREATE UNIQUE INDEX member_in_force ON member (iin, kind, subject) WHERE revoked_at IS NULL;

-- Each look of an official at a person's data, with its reason (R42, R44); the person can read it.
CREATE TABLE personal_look (
    iin          text        NOT NULL,
    id           text        NOT NULL,
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,
    name         text        NOT NULL,
    organisation text        NOT NULL,
    reason       text        NOT NULL,
    CONSTRAINT personal_look_pkey PRIMARY KEY (iin, id),
    CONSTRAINT personal_look_reason_present CHECK (reason <> '')
);
