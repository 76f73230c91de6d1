-- +goose Up
-- Who makes a code takes the turn of its bucket first, so that codes which are asked for at once are counted one after the other.
CREATE TABLE code_turns (
    bucket   integer     NOT NULL,
    taken_at timestamptz NOT NULL,
    CONSTRAINT code_turns_pkey PRIMARY KEY (bucket)
);
