package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/money"
)

// clientsAddCommissionCmd proposes terms of commission. The operator is known by an API key of his own; the step is in the audit log.
type clientsAddCommissionCmd struct {
	officer   `embed:""`
	Bank      string `placeholder:"BIC" help:"The bank; not for a prohibition, which holds for all."`
	Service   string `placeholder:"ID" help:"Only payments for this service."`
	Agency    string `placeholder:"ID" help:"Only payments to this agency."`
	KBK       string `name:"kbk" placeholder:"DIGITS" help:"Only budget codes that begin so."`
	Bearer    string `enum:"payer,agency,nobody" required:"" help:"Who bears it: ${enum}. nobody forbids a commission."`
	Rate      int64  `placeholder:"BASIS-POINTS" help:"Part of what is paid; 100 is 1 %."`
	Rounding  string `placeholder:"NAME" help:"half-up-tenge, down-tenge, up-tenge or half-up-tiyn; goes with a rate."`
	Fixed     string `default:"0" placeholder:"AMOUNT" help:"Added to it, in tenge."`
	Min       string `default:"0" placeholder:"AMOUNT" help:"The least for one payment, in tenge."`
	Max       string `default:"0" placeholder:"AMOUNT" help:"The most for one payment, in tenge; 0 is no bound."`
	GivenBack string `enum:"fault,never,always," default:"" help:"When the bank gives it back with the payment: ${enum}; without it, on a fault of the gateway or the bank."`
	From      string `required:"" placeholder:"YYYY-MM-DD" help:"First day."`
	To        string `placeholder:"YYYY-MM-DD" help:"Last day; without it, until further notice."`
	Source    string `required:"" help:"Contract, or the act that forbids."`
}

func (c *clientsAddCommissionCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	spec := commission.Spec{
		Bank: c.Bank, Service: c.Service, Agency: c.Agency, KBK: c.KBK, Bearer: commission.Bearer(c.Bearer), Rate: c.Rate, Rounding: money.Rounding(c.Rounding),
		GivenBack: commission.GivenBack(c.GivenBack), ValidFrom: catalog.Date(c.From), ValidTo: catalog.Date(c.To), Source: c.Source,
	}
	for _, part := range []struct {
		flag, text string
		to         *int64
	}{{"fixed", c.Fixed, &spec.Fixed}, {"min", c.Min, &spec.Min}, {"max", c.Max, &spec.Max}} {
		amount, err := money.ParseDecimal(part.text)
		if err != nil {
			return fmt.Errorf("couldn't read --%s: %w", part.flag, err)
		}
		*part.to = amount.Tiyn
	}
	return c.act(ctx, io, log, spec, func(r *payment.Registrar, idem payment.Idem) error {
		t, _, err := r.ProposeCommission(ctx, idem, spec)
		if err != nil {
			return fmt.Errorf("couldn't propose the terms: %w", err)
		}
		fmt.Fprintln(io.out, t.ID)
		fmt.Fprintf(io.err, "another operator puts them into force: qaqpa clients decide-commission %s\n", t.ID)
		return nil
	})
}

type clientsDecideCommissionCmd struct {
	officer `embed:""`
	ID      string `arg:"" help:"Id of the terms."`
	Reject  bool   `help:"Reject them; whoever proposed them may, too."`
}

func (c *clientsDecideCommissionCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return c.act(ctx, io, log, map[string]any{"id": c.ID, "reject": c.Reject}, func(r *payment.Registrar, idem payment.Idem) error {
		t, _, err := r.DecideCommission(ctx, idem, c.ID, !c.Reject)
		if err != nil {
			return fmt.Errorf("couldn't decide on %s: %w", c.ID, err)
		}
		fmt.Fprintln(io.out, t.ID, t.State)
		return nil
	})
}

type clientsListCommissionsCmd struct {
	databaseSettings `embed:""`
	Bank             string `placeholder:"BIC" help:"Only those that hold for this bank."`
}

func (c *clientsListCommissionsCmd) Run(ctx context.Context, io streams) error {
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		list, err := r.Commissions(ctx, c.Bank)
		if err != nil {
			return fmt.Errorf("couldn't list the terms: %w", err)
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSTATE\tBANK\tSCOPE\tBEARER\tRATE %\tFIXED\tMIN\tMAX\tROUNDING\tGIVEN BACK\tFROM\tTO\tSOURCE")
		for _, t := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.State, t.Bank, t.Service+t.Agency+t.KBK, t.Bearer,
				commission.Percent(t.Rate), tenge(t.Fixed), tenge(t.Min), tenge(t.Max), t.Rounding, t.GivenBack, t.ValidFrom, t.ValidTo, t.Source)
		}
		return w.Flush()
	})
}
