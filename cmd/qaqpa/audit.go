package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/signer"
	"qaqpa/signer/audit"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Walk the audit log: gaps, changed entries, seals that do not hold or no longer fit."`
}

type auditVerifyCmd struct {
	databaseSettings `embed:""`
	Trust            trustSettings `embed:""`
	JSON             bool          `name:"json" help:"Print the report as JSON."`
}

// Run ends with exit code 4 when the log is not whole.
func (c *auditVerifyCmd) Run(ctx context.Context, io streams) error {
	store, err := c.Trust.store()
	if err != nil {
		return err
	}
	return withAudit(ctx, c.databaseSettings, func(db *sqlx.DB, log *audit.Log) error {
		service, err := signer.New(signer.Config{DB: db, Audit: log, Trust: store, Revocation: signer.RevocationOffline, Now: time.Now})
		if err != nil {
			return fmt.Errorf("couldn't set up the check of seals: %w", err)
		}
		rep, err := service.VerifyAudit(ctx)
		if err != nil {
			return fmt.Errorf("couldn't read the audit log: %w", err)
		}
		return c.print(io, rep)
	})
}

func (c *auditVerifyCmd) print(io streams, rep audit.Report) error {
	if c.JSON {
		if err := json.NewEncoder(io.out).Encode(rep); err != nil {
			return fmt.Errorf("couldn't print the report: %w", err)
		}
	} else {
		fmt.Fprintf(io.out, "audit log: %d entries, %d seals, %d time stamps, %d faults\n", rep.Entries, rep.Seals, rep.Stamps, len(rep.Faults))
		for _, f := range rep.Faults {
			fmt.Fprintf(io.out, "  chain %d entry %d: %s\n", f.Chain, f.Seq, f.What)
		}
	}
	if !rep.Whole() {
		return exitError{exitFailed}
	}
	return nil
}
