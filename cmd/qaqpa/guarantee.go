package main

import (
	"context"
	"fmt"

	"qaqpa/payment"
	"qaqpa/payment/money"
)

// clientsGuaranteeCmd sets the guarantee of a bank.
type clientsGuaranteeCmd struct {
	databaseSettings `embed:""`
	BIC              string `name:"bic" required:"" help:"BIC of the bank."`
	Tenge            string `required:"" placeholder:"AMOUNT" help:"Most that the bank may owe, such as 5000000 or 5000000.00; 0 takes the limit away."`
}

func (c *clientsGuaranteeCmd) Run(ctx context.Context, io streams) error {
	limit, err := money.ParseDecimal(c.Tenge)
	if err != nil {
		return fmt.Errorf("couldn't read --tenge: %w", err)
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		idem, err := idemOf(limit)
		if err != nil {
			return err
		}
		e, _, err := r.SetGuarantee(ctx, idem, c.BIC, limit)
		if err != nil {
			return fmt.Errorf("couldn't set the guarantee: %w", err)
		}
		if e.Guarantee == nil {
			fmt.Fprintf(io.out, "%s has no limit\n", e.Bank)
			return nil
		}
		fmt.Fprintf(io.out, "%s may owe %s tenge; %s are committed, %s are free\n", e.Bank, money.FromTiyn(*e.Guarantee).Decimal(),
			money.FromTiyn(e.Committed).Decimal(), money.FromTiyn(e.Free).Decimal())
		return nil
	})
}
