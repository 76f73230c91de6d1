-- +goose Up
-- bucket stands first in every index; lists over all buckets ask each of them.
DROP INDEX refunds_agency;
DROP INDEX refunds_batch;
CREATE INDEX refunds_agency ON refunds (bucket, agency_id, asked_at);
CREATE INDEX refunds_batch ON refunds (bucket, batch_id);
