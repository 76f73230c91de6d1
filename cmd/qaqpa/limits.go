package main

import (
	"context"
	"fmt"

	"qaqpa/payment"
	"qaqpa/payment/money"
)

// clientsLimitsCmd sets what may go through a bank.
type clientsLimitsCmd struct {
	databaseSettings `embed:""`
	BIC              string `name:"bic" required:"" help:"BIC of the bank."`
	Payment          string `required:"" placeholder:"AMOUNT" help:"Largest payment in tenge, such as 5000000; 0 for no limit."`
	Day              string `required:"" placeholder:"AMOUNT" help:"Most of one banking day in tenge; 0 for no limit."`
}

func (c *clientsLimitsCmd) Run(ctx context.Context, io streams) error {
	var limits payment.BankLimits
	for text, into := range map[*string]*money.Amount{&c.Payment: &limits.Payment, &c.Day: &limits.Day} {
		var err error
		if *into, err = money.ParseDecimal(*text); err != nil {
			return fmt.Errorf("couldn't read %q: %w", *text, err)
		}
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		idem, err := idemOf(limits)
		if err != nil {
			return err
		}
		e, _, err := r.SetBankLimits(ctx, idem, c.BIC, limits)
		if err != nil {
			return fmt.Errorf("couldn't set the limits: %w", err)
		}
		say := func(limit *int64) string {
			if limit == nil {
				return "any sum"
			}
			return money.FromTiyn(*limit).Decimal() + " tenge"
		}
		fmt.Fprintf(io.out, "%s: %s in a payment, %s in a day; %s went through today\n", e.Bank, say(e.PaymentMax), say(e.DayMax), money.FromTiyn(e.DayUsed).Decimal())
		return nil
	})
}
