-- +goose Up
-- An agreement for repeated payments is signed by a phone, too.
ALTER TABLE qr_ticket DROP CONSTRAINT qr_ticket_purpose_known, ADD CONSTRAINT qr_ticket_purpose_known CHECK (purpose IN ('sign-in', 'order', 'mandate'));
