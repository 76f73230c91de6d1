-- +goose Up
-- What a bank was asked, by time, for its own people.
CREATE INDEX bank_queries_of_bank ON bank_queries (bucket, bank_bic, id);

-- The questions that people ask of banks are few among the notes.
CREATE INDEX recon_notes_asked ON recon_notes (bucket, at) WHERE event = 'ask';
