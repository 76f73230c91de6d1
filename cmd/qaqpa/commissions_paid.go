package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// clientsAddCommissionPaymentCmd records that an agency has paid commissions, to its bank or to make good what that has kept back. The operator is known by an API key of his own; the
// step is in the audit log.
type clientsAddCommissionPaymentCmd struct {
	officer   `embed:""`
	Agency    string `required:"" placeholder:"ID" help:"The agency that has paid."`
	Bank      string `required:"" placeholder:"BIC" help:"The bank that has got it, or had kept it back."`
	MadeGood  bool   `help:"The agency has paid its beneficiaries what the bank had kept back, and not the bank."`
	Amount    string `required:"" placeholder:"AMOUNT" help:"What was paid, in tenge."`
	PaidOn    string `required:"" placeholder:"YYYY-MM-DD" help:"Day of the payment order."`
	Reference string `required:"" help:"Number of the payment order."`
}

func (c *clientsAddCommissionPaymentCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	amount, err := money.ParseDecimal(c.Amount)
	if err != nil {
		return fmt.Errorf("couldn't read --amount: %w", err)
	}
	paid := payment.CommissionPaid{Agency: c.Agency, Bank: c.Bank, MadeGood: c.MadeGood, Tiyn: amount.Tiyn, PaidOn: catalog.Date(c.PaidOn), Reference: c.Reference}
	return c.act(ctx, io, log, paid, func(r *payment.Registrar, idem payment.Idem) error {
		p, _, err := r.RecordCommissionPaid(ctx, idem, paid)
		if err != nil {
			return fmt.Errorf("couldn't record the payment: %w", err)
		}
		fmt.Fprintln(io.out, p.ID)
		owes := "owes"
		if p.MadeGood {
			owes = "has to make good"
		}
		fmt.Fprintf(io.err, "the agency %s %s; another operator books the payment: qaqpa clients decide-commission-payment %s\n", owes, tenge(p.Owed), p.ID)
		return nil
	})
}

type clientsDecideCommissionPaymentCmd struct {
	officer `embed:""`
	ID      string `arg:"" help:"Id of the recorded payment."`
	Reject  bool   `help:"Reject it; whoever recorded it may, too."`
}

func (c *clientsDecideCommissionPaymentCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return c.act(ctx, io, log, map[string]any{"payment": c.ID, "reject": c.Reject}, func(r *payment.Registrar, idem payment.Idem) error {
		p, _, err := r.DecideCommissionPaid(ctx, idem, c.ID, !c.Reject)
		if err != nil {
			return fmt.Errorf("couldn't decide on %s: %w", c.ID, err)
		}
		fmt.Fprintln(io.out, p.ID, p.State)
		return nil
	})
}

type clientsListCommissionPaymentsCmd struct {
	databaseSettings `embed:""`
	Bank             string `placeholder:"BIC" help:"Only those to, or because of, this bank."`
}

func (c *clientsListCommissionPaymentsCmd) Run(ctx context.Context, io streams) error {
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		list, err := r.CommissionPayments(ctx, c.Bank)
		if err != nil {
			return fmt.Errorf("couldn't list the payments: %w", err)
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSTATE\tAGENCY\tBANK\tGOT BY\tAMOUNT\tPAID ON\tREFERENCE\tRECORDED BY\tDECIDED BY")
		for _, p := range list {
			got := "bank"
			if p.MadeGood {
				got = "beneficiaries"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.State, p.Agency, p.Bank, got, tenge(p.Tiyn), p.PaidOn, p.Reference, p.AskedBy, p.DecidedBy)
		}
		return w.Flush()
	})
}
