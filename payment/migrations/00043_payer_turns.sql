-- +goose Up
-- While payers' numbers are brought under another secret, one number has several stored forms. Whoever looks for rows by number and inserts what is missing takes the turn of the bucket first.
CREATE TABLE payer_turns (
    bucket   integer     NOT NULL,
    taken_at timestamptz NOT NULL,
    CONSTRAINT payer_turns_pkey PRIMARY KEY (bucket)
);
