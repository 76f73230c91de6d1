-- +goose Up
-- What people have matched, of whatever statement, or with none when it was written off: rules leave it alone.
CREATE INDEX recon_matches_people ON recon_matches (bucket, expectation) WHERE rule = 0 AND undone_at IS NULL;
