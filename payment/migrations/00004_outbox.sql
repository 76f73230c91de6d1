-- +goose Up
-- Written with the transfer; waits for the receipt, then for the agency. due_at also serves as lease.
CREATE TABLE outbox (
    bucket      integer     NOT NULL,
    id          text        NOT NULL,
    agency_id   text        NOT NULL,
    order_id    text        NOT NULL,
    debt_id     text        NOT NULL,
    state       text        NOT NULL,
    payload     bytea,
    failures    integer     NOT NULL,
    due_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT outbox_item_key UNIQUE (bucket, order_id, debt_id),
    CONSTRAINT outbox_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id),
    CONSTRAINT outbox_state_known CHECK (state IN ('waiting', 'pending', 'delivered', 'dead', 'unwanted')),
    CONSTRAINT outbox_payload_when_due CHECK ((state = 'waiting') = (payload IS NULL)),
    CONSTRAINT outbox_finished_complete CHECK ((state IN ('delivered', 'dead', 'unwanted')) = (finished_at IS NOT NULL))
);
CREATE INDEX outbox_due ON outbox (bucket, due_at) WHERE state = 'pending';

CREATE TABLE deliveries (
    bucket      integer     NOT NULL,
    outbox_id   text        NOT NULL,
    number      integer     NOT NULL,
    at          timestamptz NOT NULL,
    status      integer     NOT NULL,
    problem     text        NOT NULL,
    duration_ms bigint      NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (bucket, outbox_id, number),
    CONSTRAINT deliveries_outbox_fkey FOREIGN KEY (bucket, outbox_id) REFERENCES outbox (bucket, id)
);
