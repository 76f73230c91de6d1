-- +goose Up
-- What was paid to an agency, by time: for its people, and for those agencies that fetch instead of being told (R8).
CREATE INDEX outbox_agency ON outbox (bucket, agency_id, created_at);
