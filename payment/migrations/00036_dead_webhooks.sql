-- +goose Up
CREATE INDEX outbox_dead ON outbox (bucket, agency_id) WHERE state = 'dead';
