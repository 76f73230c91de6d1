-- +goose Up
-- A transfer is one row, balanced by construction, and is never changed or deleted.
CREATE TABLE transfers (
    bucket         integer     NOT NULL,
    id             text        NOT NULL,
    kind           text        NOT NULL,
    order_id       text        NOT NULL,
    debt_id        text        NOT NULL,
    debit_account  text        NOT NULL,
    credit_account text        NOT NULL,
    amount         bigint      NOT NULL,
    currency       text        NOT NULL,
    journal_seq    bigint      NOT NULL,
    created_at     timestamptz NOT NULL,
    CONSTRAINT transfers_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT transfers_item_key UNIQUE (bucket, order_id, debt_id, kind),
    CONSTRAINT transfers_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id),
    CONSTRAINT transfers_debt_fkey FOREIGN KEY (bucket, debt_id) REFERENCES debts (bucket, id),
    CONSTRAINT transfers_kind_known CHECK (kind = 'payment'),
    CONSTRAINT transfers_amount_positive CHECK (amount > 0),
    CONSTRAINT transfers_currency_known CHECK (currency = 'KZT'),
    CONSTRAINT transfers_accounts_differ CHECK (debit_account <> credit_account)
);
-- A debt is paid once, whatever the orders.
CREATE UNIQUE INDEX transfers_debt_paid_once ON transfers (bucket, debt_id) WHERE kind = 'payment';

CREATE TABLE journal (
    bucket     integer     NOT NULL,
    seq        bigint      NOT NULL,
    order_id   text        NOT NULL,
    leaf       bytea       NOT NULL,
    chain      bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT journal_pkey PRIMARY KEY (bucket, seq),
    CONSTRAINT journal_order_key UNIQUE (bucket, order_id),
    CONSTRAINT journal_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id),
    CONSTRAINT journal_seq_not_negative CHECK (seq >= 0),
    CONSTRAINT journal_chain_length CHECK (length(chain) = 32)
);

-- One row per bucket, made by Migrate. Its lock orders the leaves.
CREATE TABLE journal_heads (
    bucket integer NOT NULL,
    size   bigint  NOT NULL,
    chain  bytea   NOT NULL,
    CONSTRAINT journal_heads_pkey PRIMARY KEY (bucket),
    CONSTRAINT journal_heads_bucket_range CHECK (bucket BETWEEN 0 AND 255),
    CONSTRAINT journal_heads_size_not_negative CHECK (size >= 0),
    CONSTRAINT journal_heads_chain_length CHECK (length(chain) = 32)
);

-- Hashes of the buckets' trees in tlog's numbering, written by the checkpoint worker.
CREATE TABLE journal_nodes (
    bucket integer NOT NULL,
    idx    bigint  NOT NULL,
    hash   bytea   NOT NULL,
    CONSTRAINT journal_nodes_pkey PRIMARY KEY (bucket, idx),
    CONSTRAINT journal_nodes_hash_length CHECK (length(hash) = 32)
);

-- changed lists bucket (1 byte), size (8) and root (32) of the buckets that grew since the checkpoint before.
CREATE TABLE checkpoints (
    number  bigint      NOT NULL,
    size    bigint      NOT NULL,
    note    text        NOT NULL,
    changed bytea       NOT NULL,
    at      timestamptz NOT NULL,
    CONSTRAINT checkpoints_pkey PRIMARY KEY (number),
    CONSTRAINT checkpoints_number_positive CHECK (number > 0),
    CONSTRAINT checkpoints_changed_whole CHECK (length(changed) % 41 = 0)
);

-- The one row of the state after the newest checkpoint.
CREATE TABLE checkpoint_head (
    id     integer NOT NULL,
    number bigint  NOT NULL,
    heads  bytea   NOT NULL,
    CONSTRAINT checkpoint_head_pkey PRIMARY KEY (id),
    CONSTRAINT checkpoint_head_single CHECK (id = 1)
);

CREATE TABLE receipts (
    bucket     integer     NOT NULL,
    id         text        NOT NULL,
    code       text        NOT NULL,
    order_id   text        NOT NULL,
    core       bytea       NOT NULL,
    core_seal  bytea       NOT NULL,
    pdf        bytea       NOT NULL,
    pdf_seal   bytea       NOT NULL,
    pdf_sha256 text        NOT NULL,
    issued_at  timestamptz NOT NULL,
    CONSTRAINT receipts_pkey PRIMARY KEY (bucket, id),
    CONSTRAINT receipts_code_key UNIQUE (bucket, code),
    CONSTRAINT receipts_order_key UNIQUE (bucket, order_id),
    CONSTRAINT receipts_order_fkey FOREIGN KEY (bucket, order_id) REFERENCES orders (bucket, id)
);
