-- +goose Up
-- A statement that was taken in by mistake is withdrawn: one person asks for it, another agrees. Its file may then be taken in again.
ALTER TABLE statements ADD COLUMN withdraw_by text NOT NULL DEFAULT '';
ALTER TABLE statements ADD COLUMN withdraw_why text NOT NULL DEFAULT '';
ALTER TABLE statements DROP CONSTRAINT statements_state_known;
ALTER TABLE statements ADD CONSTRAINT statements_state_known CHECK (state IN ('booked', 'noted', 'replaced', 'withdrawn'));
ALTER TABLE statements ADD CONSTRAINT statements_withdrawal_asked CHECK (state <> 'withdrawn' OR withdraw_by <> '');
ALTER TABLE statements DROP CONSTRAINT statements_file_key;
CREATE UNIQUE INDEX statements_file_once ON statements (bucket, sha256, file_index) WHERE state <> 'withdrawn';

-- The calendar of 2026 as the Ministry of Labour published it. With the Constitution that was adopted on 15 March 2026 the holiday of
-- 30 August ended, and with it the day off of 31 August; Constitution Day is 15 March from 2027. What an operator has set stands.
DELETE FROM bank_days WHERE day = '2026-08-31' AND source LIKE '%to be checked%';
UPDATE bank_days SET source = 'Ministry of Labour: calendar of working time 2026; Labour Code, Art. 85' WHERE source LIKE 'Labour Code, Art. 85; to be checked%';
UPDATE bank_days SET source = 'Ministry of Labour: calendar of working time 2026; Law on holidays, Art. 5' WHERE source LIKE 'to be checked%';
