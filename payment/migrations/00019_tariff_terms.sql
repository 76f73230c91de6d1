-- +goose Up
-- Tariffs that are a percent of a claim, with floor and cap, and discount windows. terms is JSON; NULL is none.
ALTER TABLE tariffs ADD COLUMN terms text;
ALTER TABLE tariffs DROP CONSTRAINT tariffs_kind_complete;
ALTER TABLE tariffs ADD CONSTRAINT tariffs_kind_complete CHECK (
    (kind = 'fixed' AND amount > 0 AND rate IS NULL AND rounding IS NULL) OR
    (kind IN ('mrp', 'percent') AND amount IS NULL AND rate IS NOT NULL AND rounding IS NOT NULL) OR
    (kind = 'stated' AND amount IS NULL AND rate IS NULL AND rounding IS NULL));
