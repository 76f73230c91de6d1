package main

import (
	"context"
	"fmt"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/otp"
)

type clientsCodePolicyCmd struct {
	databaseSettings `embed:""`
	From             string `required:"" placeholder:"DATE" help:"First day of the policy, such as 2026-12-01."`
	AmountMax        string `placeholder:"TENGE" help:"Largest payment by code. Without it codes end with that day."`
	DayMax           string `placeholder:"TENGE" help:"Largest sum of one person and day."`
	Source           string `required:"" help:"The rule of law on which it stands."`
}

func (c *clientsCodePolicyCmd) Run(ctx context.Context, io streams) error {
	var policy otp.Policy
	for text, to := range map[string]*int64{c.AmountMax: &policy.AmountMax, c.DayMax: &policy.DayMax} {
		if text == "" {
			continue
		}
		amount, err := money.ParseDecimal(text)
		if err != nil {
			return fmt.Errorf("couldn't read an amount: %w", err)
		}
		*to = amount.Tiyn
	}
	if policy.DayMax == 0 {
		policy.DayMax = policy.AmountMax
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		idem, err := idemOf(c.From + c.Source)
		if err != nil {
			return err
		}
		if _, err := r.SetCodePolicy(ctx, idem, catalog.Date(c.From), policy, c.Source); err != nil {
			return fmt.Errorf("couldn't set the policy: %w", err)
		}
		fmt.Fprintf(io.out, "%s: %d, %d\n", c.From, policy.AmountMax, policy.DayMax)
		return nil
	})
}
