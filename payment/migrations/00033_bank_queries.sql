-- +goose Up
-- Questions to banks about accounts, pledges and payments (R10): who asked what about whom and why, and the bank's signed answer.
CREATE TABLE bank_queries (
    bucket      integer     NOT NULL,
    id          text        NOT NULL,
    bank_bic    text        NOT NULL,
    kind        text        NOT NULL,
    person_id   text        NOT NULL,
    order_id    text        NOT NULL,
    question    bytea       NOT NULL,
    actor       text        NOT NULL,
    reason      text        NOT NULL,
    asked_at    timestamptz NOT NULL,
    state       text        NOT NULL,
    problem     text        NOT NULL DEFAULT '',
    answer      bytea       NOT NULL DEFAULT '', -- the message as it was signed
    said        bytea       NOT NULL DEFAULT '', -- its content
    verdict_id  text        NOT NULL DEFAULT '',
    agrees      boolean,
    answered_at timestamptz,
    CONSTRAINT bank_queries_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT bank_queries_kind_known CHECK (kind IN ('account-ownership', 'pledge', 'payment-fact')),
    CONSTRAINT bank_queries_state_known CHECK (state IN ('asked', 'answered', 'unanswered')),
    CONSTRAINT bank_queries_answered CHECK ((state = 'answered') = (length(answer) > 0))
);
CREATE INDEX bank_queries_of_person ON bank_queries (bucket, person_id, id);
