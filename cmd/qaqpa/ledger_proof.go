package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/ledger"
)

type ledgerBalancesCmd struct {
	databaseSettings `embed:""`
	Accounts         []string `arg:"" optional:"" name:"account" help:"Accounts, such as bank:TSESKZKA:due; all without any."`
	At               string   `placeholder:"TIME" help:"A moment of the past (RFC 3339); now without it."`
}

func (c *ledgerBalancesCmd) Run(ctx context.Context, io streams) error {
	at := time.Now()
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339Nano, c.At); err != nil {
			return fmt.Errorf("couldn't read --at: %w", err)
		}
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		var list []payment.Balance
		for _, name := range c.Accounts {
			b, err := r.BalanceAt(ctx, ledger.Account(name), at)
			if err != nil {
				return fmt.Errorf("couldn't read the balance of %s: %w", name, err)
			}
			list = append(list, b)
		}
		if len(c.Accounts) == 0 {
			var err error
			if list, err = r.Balances(ctx, at); err != nil {
				return fmt.Errorf("couldn't read the balances: %w", err)
			}
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "DEBIT\tCREDIT\tBALANCE\t ACCOUNT")
		var sum int64
		for _, b := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t %s\n", tenge(b.Debit), tenge(b.Credit), tenge(b.Amount), b.Account)
			sum += b.Amount
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("couldn't print the balances: %w", err)
		}
		if len(c.Accounts) == 0 && sum != 0 {
			fmt.Fprintf(io.err, "the balances sum to %s instead of zero\n", tenge(sum))
			return exitError{exitFailed}
		}
		return nil
	})
}

type ledgerCheckProofCmd struct {
	checkpointKeys `embed:""`
	Path           string `arg:"" type:"existingfile" name:"file" help:"What /v1/transfers/{id}/proof or /v1/checkpoints/{number}/consistency answered."`
}

// proofBytesMax bounds a proof: 256 buckets with paths of at most 64 hashes.
const proofBytesMax = 4 << 20

// Run ends with exit code 4 when the proof does not hold.
func (c *ledgerCheckProofCmd) Run(io streams) error {
	keys, err := c.verifiers()
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(c.Path)
	if err != nil {
		return fmt.Errorf("couldn't read the proof: %w", err)
	}
	if len(raw) > proofBytesMax {
		return errors.New("the file is larger than any proof")
	}
	var kind struct {
		Old *string `json:"old"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return fmt.Errorf("couldn't read the proof: %w", err)
	}
	if kind.Old != nil {
		var p ledger.Consistency
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("couldn't read the proof: %w", err)
		}
		before, after, err := p.Verify(keys)
		if err != nil {
			return failed(io, err)
		}
		fmt.Fprintf(io.out, "holds: the %d leaves of checkpoint %d are the first of the %d of checkpoint %d\n", before.Total, before.Number, after.Total, after.Number)
		return nil
	}
	var p ledger.Proof
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("couldn't read the proof: %w", err)
	}
	var what string
	var under ledger.Checkpoint
	if ledger.IsPosting([]byte(p.Leaf)) {
		posting, at, err := p.VerifyPosting(keys)
		if err != nil {
			return failed(io, err)
		}
		what, under = string(posting.Kind)+" "+posting.ID, at
	} else {
		entry, at, err := p.Verify(keys)
		if err != nil {
			return failed(io, err)
		}
		what, under = "payment "+entry.Order, at
	}
	fmt.Fprintf(io.out, "holds: %s stands under checkpoint %d of %s\n", what, under.Number, under.At.Format(time.RFC3339))
	return nil
}

func failed(io streams, err error) error {
	fmt.Fprintln(io.err, "the proof does not hold:", err)
	return exitError{exitFailed}
}
