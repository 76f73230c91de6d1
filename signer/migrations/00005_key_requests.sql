-- +goose Up
-- What two operators agree on before it is done to a key. Who asks is the first of them.
CREATE TABLE key_requests (
    id          text        NOT NULL,
    kind        text        NOT NULL CONSTRAINT key_requests_kind CHECK (kind IN ('destroy', 'retire', 'rotate')),
    token       text        NOT NULL,
    key_label   text        NOT NULL,
    key_id      text        NOT NULL CONSTRAINT key_requests_key_id CHECK (key_id <> ''),
    asked_by    text        NOT NULL CONSTRAINT key_requests_asked_by CHECK (asked_by <> ''),
    asked_at    timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    done_at     timestamptz,
    CONSTRAINT key_requests_pk PRIMARY KEY (id),
    CONSTRAINT key_requests_two_people CHECK (approved_by IS NULL OR approved_by <> asked_by),
    CONSTRAINT key_requests_done_approved CHECK (done_at IS NULL OR approved_by IS NOT NULL)
);
