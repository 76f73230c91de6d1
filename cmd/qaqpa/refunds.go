package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"qaqpa/payment"
	"qaqpa/payment/money"
	"qaqpa/payment/refund"
)

// refundsCmd gives back and corrects executed payments. Money moves when a second operator approves; each is known by an API key
// of his own. The running gateway hands approved refunds to the banks.
type refundsCmd struct {
	List     refundsListCmd     `cmd:"" help:"List refunds, corrections and returns, the newest first."`
	Show     refundsShowCmd     `cmd:"" help:"Show one with its events, as JSON."`
	Ask      refundsAskCmd      `cmd:"" help:"Ask for a refund, a correction or the booking of a return, and print its id."`
	Approve  refundsApproveCmd  `cmd:"" help:"Approve what another person asked for."`
	Reject   refundsRejectCmd   `cmd:"" help:"Reject what another person asked for."`
	Withdraw refundsWithdrawCmd `cmd:"" help:"Take back what you asked for."`
}

type refundsListCmd struct {
	databaseSettings `embed:""`
	Agency           string `placeholder:"ID" help:"Only of this agency."`
	State            string `placeholder:"STATE" help:"Only in this state, such as requested."`
	Batch            string `placeholder:"ID" help:"Only of this request."`
}

func (c *refundsListCmd) Run(ctx context.Context, io streams) error {
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tKIND\tSTATE\tTENGE\tORDER\tASKED BY\tDECIDED BY")
		q := payment.RefundQuery{Agency: c.Agency, State: refund.State(c.State), Batch: c.Batch, Limit: 100}
		for {
			page, err := r.Refunds(ctx, q)
			if err != nil {
				return fmt.Errorf("couldn't list refunds: %w", err)
			}
			for _, x := range page.Items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, x.Kind, x.State, x.Decimal(), x.Order, x.AskedBy, x.DecidedBy)
				q.After = x.ID
			}
			if !page.HasMore {
				return w.Flush()
			}
		}
	})
}

type refundsShowCmd struct {
	databaseSettings `embed:""`
	ID               string `arg:"" help:"Id of the refund."`
}

func (c *refundsShowCmd) Run(ctx context.Context, io streams) error {
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		x, events, err := r.Refund(ctx, "", c.ID)
		if err != nil {
			return fmt.Errorf("couldn't find refund %s: %w", c.ID, err)
		}
		out := struct {
			refund.Refund
			Events []refund.Event `json:"events"`
		}{x, events}
		to := json.NewEncoder(io.out)
		to.SetIndent("", "  ")
		return to.Encode(out)
	})
}

// officer is the operator who asks or decides, by his own API key.
type officer struct {
	ceremonySettings `embed:""`
	Privacy          privacySettings `embed:""`
}

// act runs one step in the name of the operator.
func (o officer) act(ctx context.Context, io streams, log *logSettings, body any, step func(*payment.Registrar, payment.Idem) error) (err error) {
	c, err := o.open(ctx, io, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	idem, err := idemOf(body)
	if err != nil {
		return err
	}
	idem.Caller = c.operator
	return o.Privacy.with(ctx, func(p *payment.Privacy) error {
		return withPrivateRegistrar(ctx, o.Database, false, p, func(r *payment.Registrar) error { return step(r, idem) })
	})
}

type refundsAskCmd struct {
	officer  `embed:""`
	Kind     string `enum:"refund,wrong-kbk,wrong-payer,returned" default:"refund" help:"What is done: ${enum}."`
	Order    string `required:"" placeholder:"ID" help:"The executed order."`
	Debt     string `required:"" placeholder:"ID" help:"The debt that it paid."`
	Transfer string `placeholder:"ID" help:"Names money that a correction has moved."`
	Tenge    string `placeholder:"AMOUNT" help:"How much; all that is left without it."`
	Reason   string `enum:"paid-twice,wrong-amount,wrong-payer,wrong-kbk,service-not-rendered,court-decision,treasury-return,other" required:"" help:"Why: ${enum}."`
	Comment  string `required:"" help:"For the person who approves."`
	Reopen   bool   `help:"The payer owes it again."`
	Fault    bool   `help:"The error was the gateway's or the bank's: its commission is given back, too, where the terms say so."`
	Service  string `placeholder:"ID" help:"Where the money belongs, for a wrong budget code."`
	Target   string `placeholder:"ID" help:"The open debt for which it was meant, for a wrong payer."`
}

func (c *refundsAskCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	item := refund.Item{Order: c.Order, Debt: c.Debt, Transfer: c.Transfer, Service: c.Service, Target: c.Target}
	if c.Tenge != "" {
		amount, err := money.ParseDecimal(c.Tenge)
		if err != nil {
			return fmt.Errorf("couldn't read --tenge: %w", err)
		}
		item.Tiyn = &amount.Tiyn
	}
	req := refund.Request{Kind: refund.Kind(c.Kind), Reason: refund.Reason(c.Reason), Comment: c.Comment, Fault: c.Fault, Items: []refund.Item{item}}
	if c.Reopen {
		req.Then = refund.Reopened
	}
	return c.act(ctx, io, log, req, func(r *payment.Registrar, idem payment.Idem) error {
		out, _, err := r.RequestRefunds(ctx, idem, "", req)
		if err != nil {
			return fmt.Errorf("couldn't ask: %w", err)
		}
		x := out.Results[0].Refund
		fmt.Fprintln(io.out, x.ID)
		fmt.Fprintf(io.err, "%s of %s tenge; another operator approves: qaqpa refunds approve %s\n", x.Kind, x.Decimal(), x.ID)
		return nil
	})
}

type refundsApproveCmd struct {
	officer `embed:""`
	ID      string `arg:"" help:"Id of the refund, or of a batch for all of it."`
}

func (c *refundsApproveCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return c.decide(ctx, io, log, c.ID, payment.RefundDecision{Action: payment.ActApprove})
}

type refundsRejectCmd struct {
	officer `embed:""`
	ID      string `arg:"" help:"Id of the refund, or of a batch for all of it."`
	Comment string `required:"" help:"Why."`
}

func (c *refundsRejectCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return c.decide(ctx, io, log, c.ID, payment.RefundDecision{Action: payment.ActReject, Comment: c.Comment})
}

type refundsWithdrawCmd struct {
	officer `embed:""`
	ID      string `arg:"" help:"Id of the refund, or of a batch for all of it."`
}

func (c *refundsWithdrawCmd) Run(ctx context.Context, io streams, log *logSettings) error {
	return c.decide(ctx, io, log, c.ID, payment.RefundDecision{Action: payment.ActWithdraw})
}

// decide shows what is decided, decides, and prints what came of it. Exit code 4, when something of a batch could not be decided so.
func (o officer) decide(ctx context.Context, io streams, log *logSettings, id string, d payment.RefundDecision) error {
	return o.act(ctx, io, log, map[string]any{"id": id, "decision": d}, func(r *payment.Registrar, idem payment.Idem) error {
		if x, _, err := r.Refund(ctx, "", id); err == nil {
			d.Version = x.Version
		}
		out, _, err := r.DecideRefund(ctx, idem, "", id, d)
		if err != nil {
			return fmt.Errorf("couldn't %s %s: %w", d.Action, id, err)
		}
		failed := false
		for _, one := range out.Results {
			fmt.Fprintf(io.out, "%s %s %s %s tenge", one.Refund.ID, one.Refund.Kind, one.Refund.State, one.Refund.Decimal())
			if one.Code != "" {
				failed = true
				fmt.Fprintf(io.out, ": %s %s", one.Code, one.Detail)
			}
			fmt.Fprintln(io.out)
		}
		if failed {
			return exitError{exitFailed}
		}
		return nil
	})
}
