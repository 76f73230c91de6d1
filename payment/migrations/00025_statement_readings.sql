-- +goose Up
-- What is particular about the files of an account (charset, places of national codes, columns of tables), as JSON; empty for nothing.
ALTER TABLE bank_accounts ADD COLUMN reading text NOT NULL DEFAULT '';
