-- +goose Up
-- The person's name, as the certificate or the account said when he last signed in; empty until then.
ALTER TABLE member ADD COLUMN name text NOT NULL DEFAULT '';
UPDATE member m SET name = a.name FROM operator_account a WHERE a.member = m.id;
