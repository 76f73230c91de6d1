package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment"
	"qaqpa/signer/audit"
)

// reconcileWithdrawCmd takes a booked statement back. Each operator is known by an API key of his own.
type reconcileWithdrawCmd struct {
	officer   `embed:""`
	Statement string `arg:"" help:"Id of the statement, such as stm_…"`
	Comment   string `help:"Why; the proposal and a rejection need it."`
	Approve   bool   `xor:"step" help:"Agree to what another operator has proposed."`
	Reject    bool   `xor:"step" help:"Do not agree to it, or take your own proposal back."`
}

func (c *reconcileWithdrawCmd) Run(ctx context.Context, io streams, log *logSettings) (err error) {
	ceremony, err := c.open(ctx, io, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ceremony.close()) }()
	step := payment.StatementWithdrawal{Action: payment.ActPropose, Comment: c.Comment}
	switch {
	case c.Approve:
		step.Action = payment.ActApprove
	case c.Reject:
		step.Action = payment.ActReject
	}
	idem, err := idemOf(map[string]any{"statement": c.Statement, "step": step})
	if err != nil {
		return err
	}
	idem.Caller = ceremony.operator
	return withAudit(ctx, c.Database, func(db *sqlx.DB, log *audit.Log) error {
		service, err := payment.NewReconciler(payment.ReconcilerConfig{DB: db, Bulk: db, Auditor: auditor{log}, Verifier: noFiles{}, Now: time.Now})
		if err != nil {
			return err
		}
		out, _, err := service.WithdrawStatement(ctx, idem, c.Statement, step)
		if err != nil {
			return fmt.Errorf("couldn't %s the withdrawal of %s: %w", step.Action, c.Statement, err)
		}
		fmt.Fprintf(io.out, "%s %s\n", out.ID, out.State)
		switch {
		case out.State != "booked":
			fmt.Fprintf(io.err, "%d payments are expected again; its file may be taken in anew\n", out.Reopened)
		case out.ProposedBy != "":
			fmt.Fprintf(io.err, "another operator approves: qaqpa reconcile withdraw --approve %s\n", out.ID)
		}
		return nil
	})
}

// noFiles stands where no file is taken in, so that nothing is to be validated.
type noFiles struct{}

// Verify implements payment.Verifier.
func (noFiles) Verify(context.Context, []byte, []byte) (payment.Signature, error) {
	return payment.Signature{}, errors.New("nothing is validated here")
}
