-- +goose Up
-- When the register of its agency last spoke of a debt: what the agency has said of it otherwise, and later, is not undone by older data.
ALTER TABLE debts ADD COLUMN register_said_at timestamptz;
