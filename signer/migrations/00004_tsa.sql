-- +goose Up
-- Each start of a time-stamping authority takes the next number, which begins all its serial numbers. Times before the lease may have
-- been stated by it, so that an authority whose time stamps are ordered begins after the newest lease.
CREATE TABLE tsa_instances (
    number     bigint      NOT NULL CONSTRAINT tsa_instances_positive CHECK (number > 0),
    started_at timestamptz NOT NULL,
    lease      timestamptz NOT NULL,
    superseded boolean     NOT NULL,
    CONSTRAINT tsa_instances_pk PRIMARY KEY (number)
);
