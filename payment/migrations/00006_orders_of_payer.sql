-- +goose Up
CREATE INDEX orders_payer ON orders (bucket, payer_id, id);
