package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"

	"qaqpa/payment"
	"qaqpa/payment/ledger"
	"qaqpa/payment/receipt"
)

type ledgerCmd struct {
	Verify     ledgerVerifyCmd     `cmd:"" help:"Walk the whole ledger and compare it with the checkpoints that the token signed."`
	Balances   ledgerBalancesCmd   `cmd:"" help:"Show what stands, or stood at a moment, on the accounts."`
	CheckProof ledgerCheckProofCmd `cmd:"" help:"Check a proof of inclusion or of consistency (JSON) with the public key alone."`
}

// checkpointKeys are the keys under which checkpoints are believed. They come from the operator, never from the database that is checked.
type checkpointKeys struct {
	PublicKeys []string `name:"checkpoint-public-key" type:"existingfile" required:"" placeholder:"FILE" help:"Public key of the checkpoints (PEM), as 'keys generate' printed it. Several after a rotation."`
	IssuerBIN  string   `name:"issuer-bin" env:"QAQPA_ISSUER_BIN" required:"" placeholder:"DIGITS" help:"BIN of the operator, which names the journal."`
}

type ledgerVerifyCmd struct {
	databaseSettings `embed:""`
	checkpointKeys   `embed:""`
	Privacy          privacySettings `embed:""`
	JSON             bool            `name:"json" help:"Print the report as JSON."`
}

// Run ends with exit code 4 when something does not fit.
func (c *ledgerVerifyCmd) Run(ctx context.Context, io streams) (err error) {
	keys, err := c.verifiers()
	if err != nil {
		return err
	}
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var rep payment.LedgerReport
	if err := c.Privacy.with(ctx, func(p *payment.Privacy) (err error) {
		rep, err = payment.VerifyLedger(ctx, db, p, keys)
		return err
	}); err != nil {
		return fmt.Errorf("couldn't read the ledger: %w", err)
	}
	if c.JSON {
		if err := json.NewEncoder(io.out).Encode(rep); err != nil {
			return fmt.Errorf("couldn't print the report: %w", err)
		}
	} else {
		printLedgerReport(io, rep)
	}
	if len(rep.Problems) > 0 {
		return exitError{exitFailed}
	}
	return nil
}

func printLedgerReport(io streams, rep payment.LedgerReport) {
	fmt.Fprintf(io.out, "ledger: %d leaves, %d matches, %d problems\n", rep.Leaves, rep.Matches, len(rep.Problems))
	for _, p := range rep.Problems {
		fmt.Fprintln(io.out, " ", p)
	}
}

// verifiers reads the keys.
func (c *checkpointKeys) verifiers() (note.Verifiers, error) {
	origin := payment.JournalOrigin(receipt.Issuer{BIN: c.IssuerBIN})
	var list []note.Verifier
	for _, path := range c.PublicKeys {
		b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("couldn't read the checkpoint key: %w", err)
		}
		block, _ := pem.Decode(b)
		if block == nil {
			return nil, fmt.Errorf("%s holds no PEM", path)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("couldn't parse the checkpoint key in %s: %w", path, err)
		}
		v, err := ledger.NewVerifier(origin, public)
		if err != nil {
			return nil, fmt.Errorf("couldn't use the checkpoint key in %s: %w", path, err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}
