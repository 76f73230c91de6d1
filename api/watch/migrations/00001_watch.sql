-- +goose Up
-- What went wrong, and when. seen_at is the last time that a process saw it; closed_at is set once nobody does.
CREATE TABLE incidents (
    id        text        NOT NULL,
    kind      text        NOT NULL,
    subject   text        NOT NULL,
    detail    text        NOT NULL,
    grave     boolean     NOT NULL,
    opened_at timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT incidents_pkey PRIMARY KEY (id),
    CONSTRAINT incidents_named CHECK (kind <> '' AND subject <> ''),
    CONSTRAINT incidents_times_ordered CHECK (seen_at >= opened_at AND (closed_at IS NULL OR closed_at >= opened_at))
);
CREATE UNIQUE INDEX incidents_open_once ON incidents (kind, subject) WHERE closed_at IS NULL;
CREATE INDEX incidents_opened ON incidents (opened_at);
CREATE INDEX incidents_of ON incidents (kind, subject, opened_at);

-- What people did about an incident, and what they say of it. Never changed.
CREATE TABLE incident_notes (
    incident text        NOT NULL,
    no       integer     NOT NULL,
    kind     text        NOT NULL,
    text     text        NOT NULL,
    actor    text        NOT NULL,
    at       timestamptz NOT NULL,
    CONSTRAINT incident_notes_pkey PRIMARY KEY (incident, no),
    CONSTRAINT incident_notes_incident_fkey FOREIGN KEY (incident) REFERENCES incidents (id),
    CONSTRAINT incident_notes_kind_known CHECK (kind IN ('measure', 'comment')),
    CONSTRAINT incident_notes_said CHECK (text <> '' AND actor <> '')
);

-- What was last seen of things whose change is an incident, such as the timeline of the database.
CREATE TABLE watch_marks (
    name  text NOT NULL,
    value text NOT NULL,
    CONSTRAINT watch_marks_pkey PRIMARY KEY (name)
);

-- How long requests of a class took in a minute at one process: how many fell into each bucket of the scale.
CREATE TABLE latency_minutes (
    minute  timestamptz NOT NULL,
    class   text        NOT NULL,
    process text        NOT NULL,
    counts  bigint[]    NOT NULL,
    CONSTRAINT latency_minutes_pkey PRIMARY KEY (minute, class, process)
);
