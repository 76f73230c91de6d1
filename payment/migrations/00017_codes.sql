-- +goose Up
-- Which payments may be authorised by a one-time code: law as data. Without a row in force none may.
CREATE TABLE otp_policies (
    valid_from date   NOT NULL,
    valid_to   date,
    amount_max bigint NOT NULL,
    day_max    bigint NOT NULL,
    source     text   NOT NULL,
    CONSTRAINT otp_policies_pkey PRIMARY KEY (valid_from),
    CONSTRAINT otp_policies_positive CHECK (amount_max > 0 AND day_max >= amount_max),
    CONSTRAINT otp_policies_period_ordered CHECK (valid_to IS NULL OR valid_to >= valid_from)
);

-- The phone of a person, once he has shown that it is his.
CREATE TABLE phones (
    bucket       integer     NOT NULL,
    payer_id     text        NOT NULL,
    phone        text        NOT NULL,
    confirmed_at timestamptz NOT NULL,
    CONSTRAINT phones_pkey PRIMARY KEY (bucket, payer_id)
);

-- Codes that were sent. digest is all that is kept of one.
CREATE TABLE otp_challenges (
    bucket     integer     NOT NULL,
    id         text        NOT NULL,
    payer_id   text        NOT NULL,
    purpose    text        NOT NULL,
    subject    text        NOT NULL,
    phone      text        NOT NULL,
    salt       bytea       NOT NULL,
    digest     bytea       NOT NULL,
    tries      integer     NOT NULL,
    state      text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT otp_challenges_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT otp_challenges_purpose_known CHECK (purpose IN ('pay', 'phone')),
    CONSTRAINT otp_challenges_state_known CHECK (state IN ('open', 'used', 'dead')),
    CONSTRAINT otp_challenges_tries_bounded CHECK (tries BETWEEN 0 AND 5)
);
CREATE INDEX otp_challenges_payer ON otp_challenges (bucket, payer_id, created_at);
