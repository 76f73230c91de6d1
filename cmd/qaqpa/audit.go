package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"qaqpa/signer/audit"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Walk the audit log: gaps, changed entries, seals that no longer fit."`
}

type auditVerifyCmd struct {
	databaseSettings `embed:""`
	JSON             bool `name:"json" help:"Print the report as JSON."`
}

// Run ends with exit code 4 when the log is not whole.
func (c *auditVerifyCmd) Run(ctx context.Context, io streams) (err error) {
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rep, err := audit.Verify(ctx, db, nil)
	if err != nil {
		return fmt.Errorf("couldn't read the audit log: %w", err)
	}
	if c.JSON {
		if err := json.NewEncoder(io.out).Encode(rep); err != nil {
			return fmt.Errorf("couldn't print the report: %w", err)
		}
	} else {
		fmt.Fprintf(io.out, "audit log: %d entries, %d seals, %d faults\n", rep.Entries, rep.Seals, len(rep.Faults))
		for _, f := range rep.Faults {
			fmt.Fprintf(io.out, "  chain %d entry %d: %s\n", f.Chain, f.Seq, f.What)
		}
	}
	if !rep.Whole() {
		return exitError{exitFailed}
	}
	return nil
}
