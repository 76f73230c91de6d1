package main

import (
	"context"
	"fmt"

	"qaqpa/payment"
)

type clientsSignaturesCmd struct {
	databaseSettings `embed:""`
	Privacy          privacySettings `embed:""`
	BIN              string          `name:"bin" required:"" placeholder:"DIGITS" help:"BIN of the company, 12 digits."`
	Count            int             `required:"" help:"1, or 2 for two different people with authority."`
}

func (c *clientsSignaturesCmd) Run(ctx context.Context, io streams) error {
	return c.Privacy.with(ctx, func(p *payment.Privacy) error {
		return withPrivateRegistrar(ctx, c.databaseSettings, false, p, func(r *payment.Registrar) error {
			idem, err := idemOf([]any{c.BIN, c.Count})
			if err != nil {
				return err
			}
			count, _, err := r.SetSignatures(ctx, idem, c.BIN, c.Count)
			if err != nil {
				return fmt.Errorf("couldn't set the signatures: %w", err)
			}
			fmt.Fprintf(io.out, "%s: %d\n", c.BIN, count)
			return nil
		})
	})
}
