package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"qaqpa/payment"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

type ledgerCmd struct {
	Verify ledgerVerifyCmd `cmd:"" help:"Walk the whole ledger and compare it with the checkpoints that the token signed."`
}

type ledgerVerifyCmd struct {
	databaseSettings `embed:""`
	CheckpointKey    []string `name:"checkpoint-verifier" type:"existingfile" required:"" placeholder:"FILE" help:"File with the verifier key of checkpoints (NAME+HASH+KEY, as /v1/checkpoints/latest and 'serve' print it). Several after a rotation."`
	JSON             bool     `name:"json" help:"Print the report as JSON."`
}

// Run ends with exit code 4 when something does not fit.
func (c *ledgerVerifyCmd) Run(ctx context.Context, io streams) (err error) {
	keys, err := readVerifiers(c.CheckpointKey)
	if err != nil {
		return err
	}
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rep, err := payment.VerifyLedger(ctx, db, keys)
	if err != nil {
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
	fmt.Fprintf(io.out, "ledger: %d leaves, %d problems\n", rep.Leaves, len(rep.Problems))
	for _, p := range rep.Problems {
		fmt.Fprintln(io.out, " ", p)
	}
}

// readVerifiers reads the keys under which checkpoints are believed.
func readVerifiers(paths []string) (note.Verifiers, error) {
	var list []note.Verifier
	for _, path := range paths {
		b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("couldn't read the checkpoint key: %w", err)
		}
		v, err := note.NewVerifier(strings.TrimSpace(string(b)))
		if err != nil {
			return nil, fmt.Errorf("couldn't parse the checkpoint key in %s: %w", path, err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}
