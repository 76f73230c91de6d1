-- +goose Up
-- Codes with which people sign in. A row without a phone is for who has none here, so that nobody learns who has one.
ALTER TABLE otp_challenges DROP CONSTRAINT otp_challenges_purpose_known;
ALTER TABLE otp_challenges ADD CONSTRAINT otp_challenges_purpose_known CHECK (purpose IN ('pay', 'phone', 'sign-in'));
