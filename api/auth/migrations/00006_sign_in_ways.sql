-- +goose Up
-- How the person of a session has shown who he is, and the address to which a session of the operator's people is bound.
ALTER TABLE session ADD COLUMN way text NOT NULL DEFAULT 'eds' CONSTRAINT session_way_known CHECK (way IN ('eds', 'code', 'password'));
ALTER TABLE session ADD COLUMN bound_to text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN idle_seconds integer NOT NULL DEFAULT 1200 CONSTRAINT session_idle_positive CHECK (idle_seconds > 0);

ALTER TABLE session ADD COLUMN account text NOT NULL DEFAULT ''; -- login, where the way is password

-- The operator's people who sign in by password and a second factor. password also seals the seed of the second factor.
CREATE TABLE operator_account (
    login         text        NOT NULL,
    name          text        NOT NULL,
    member        text        NOT NULL,
    state         text        NOT NULL,
    invite_sha256 bytea,
    invite_until  timestamptz,
    password      text        NOT NULL,
    totp_step     bigint      NOT NULL, -- the last one that was taken
    failures      integer     NOT NULL, -- since the last sign-in
    paused_until  timestamptz,
    created_at    timestamptz NOT NULL,
    CONSTRAINT operator_account_pkey PRIMARY KEY (login),
    CONSTRAINT operator_account_is_a_members FOREIGN KEY (member) REFERENCES member (id),
    CONSTRAINT operator_account_state_known CHECK (state IN ('invited', 'active', 'ended')),
    CONSTRAINT operator_account_active_has_password CHECK (state <> 'active' OR password <> ''),
    CONSTRAINT operator_account_invited_has_invitation CHECK (state <> 'invited' OR (invite_sha256 IS NOT NULL AND invite_until IS NOT NULL))
);

-- Their passkeys (WebAuthn), which may take the place of the code.
CREATE TABLE operator_passkey (
    login      text        NOT NULL,
    id         bytea       NOT NULL,
    name       text        NOT NULL,
    credential text        NOT NULL, -- JSON
    added_at   timestamptz NOT NULL,
    CONSTRAINT operator_passkey_pkey PRIMARY KEY (id),
    CONSTRAINT operator_passkey_is_an_accounts FOREIGN KEY (login) REFERENCES operator_account (login)
);
CREATE INDEX operator_passkey_of ON operator_passkey (login);

-- A question to a passkey that waits for its answer. token is in the browser's cookie.
CREATE TABLE passkey_question (
    token_sha256 bytea       NOT NULL,
    login        text        NOT NULL,
    purpose      text        NOT NULL,
    question     text        NOT NULL, -- JSON
    expires_at   timestamptz NOT NULL,
    CONSTRAINT passkey_question_pkey PRIMARY KEY (token_sha256),
    CONSTRAINT passkey_question_purpose_known CHECK (purpose IN ('sign-in', 'add'))
);
CREATE INDEX passkey_question_expiry ON passkey_question (expires_at);

-- What a phone with eGov Mobile was asked to sign by a QR code.
CREATE TABLE qr_ticket (
    token_sha256 bytea       NOT NULL,
    purpose      text        NOT NULL,
    subject      text        NOT NULL, -- the order, or the hash of the challenge's token in hex
    owner        text        NOT NULL, -- who opened it; empty for sign-in
    state        text        NOT NULL,
    refusal      text        NOT NULL, -- code of the problem
    person       text        NOT NULL, -- JSON of who signed, for sign-in
    expires_at   timestamptz NOT NULL,
    CONSTRAINT qr_ticket_pkey PRIMARY KEY (token_sha256),
    CONSTRAINT qr_ticket_purpose_known CHECK (purpose IN ('sign-in', 'order')),
    CONSTRAINT qr_ticket_state_known CHECK (state IN ('waiting', 'fetched', 'signed', 'refused'))
);
CREATE INDEX qr_ticket_expiry ON qr_ticket (expires_at);
