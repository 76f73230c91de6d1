package main

import (
	"context"
	"fmt"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// clientsAddMRPCmd adds the monthly calculation index of a year. The operator is known by an API key of his own; the step is in the audit log.
type clientsAddMRPCmd struct {
	officer `embed:""`
	Year    int    `required:"" help:"Year for which it holds."`
	From    string `placeholder:"YYYY-MM-DD" help:"First day, when it changes within the year."`
	Tenge   string `required:"" placeholder:"AMOUNT" help:"Value in tenge."`
	Source  string `required:"" help:"Act that sets it, such as the law on the budget."`
}

func (c *clientsAddMRPCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	amount, err := money.ParseDecimal(c.Tenge)
	if err != nil {
		return fmt.Errorf("couldn't read --tenge: %w", err)
	}
	m := catalog.MRP{ValidFrom: catalog.Date(fmt.Sprintf("%04d-01-01", c.Year)), ValidTo: catalog.Date(fmt.Sprintf("%04d-12-31", c.Year)), Tiyn: amount.Tiyn, Source: c.Source}
	if c.From != "" {
		m.ValidFrom = catalog.Date(c.From)
	}
	return c.act(ctx, io, log, m, func(r *payment.Registrar, idem payment.Idem) error {
		added, _, err := r.AddMRP(ctx, idem, m)
		if err != nil {
			return fmt.Errorf("couldn't add the МРП: %w", err)
		}
		fmt.Fprintf(io.out, "МРП from %s to %s: %s tenge\n", added.ValidFrom, added.ValidTo, tenge(added.Tiyn))
		return nil
	})
}
