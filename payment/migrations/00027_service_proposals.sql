-- +goose Up
-- What one person of an agency wants changed about a service, until another one agrees: money moves by these.
CREATE TABLE service_proposals (
    id           text        NOT NULL,
    agency_id    text        NOT NULL,
    code         text        NOT NULL,
    base_version integer     NOT NULL, -- 0 for a new service
    spec         text        NOT NULL, -- JSON
    state        text        NOT NULL,
    asked_by     text        NOT NULL,
    asked_name   text        NOT NULL,
    asked_at     timestamptz NOT NULL,
    decided_by   text,
    decided_name text,
    decided_at   timestamptz,
    CONSTRAINT service_proposals_pkey PRIMARY KEY (id),
    CONSTRAINT service_proposals_are_an_agencys FOREIGN KEY (agency_id) REFERENCES agencies (id),
    CONSTRAINT service_proposals_state_known CHECK (state IN ('open', 'published', 'rejected')),
    CONSTRAINT service_proposals_decided CHECK ((state = 'open') = (decided_by IS NULL AND decided_at IS NULL)),
    CONSTRAINT service_proposals_second_person CHECK (state <> 'published' OR decided_by <> asked_by)
);
CREATE INDEX service_proposals_of ON service_proposals (agency_id, asked_at);
-- One change of a service is decided before the next is asked for.
CREATE UNIQUE INDEX service_proposals_open ON service_proposals (agency_id, code) WHERE state = 'open';
