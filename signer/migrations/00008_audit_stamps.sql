-- +goose Up
-- One time stamp over the heads of a seal: the root of a hash tree over them, so that each head alone can be shown with a short proof.
CREATE TABLE audit_stamps (
    seal  text  NOT NULL,
    token bytea NOT NULL,
    CONSTRAINT audit_stamps_pk PRIMARY KEY (seal),
    CONSTRAINT audit_stamps_seal FOREIGN KEY (seal) REFERENCES audit_seals (id)
);
