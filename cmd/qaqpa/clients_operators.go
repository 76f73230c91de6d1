package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"qaqpa/api/auth"
)

// clientsInviteOperatorCmd makes an account for one of the operator's people who has a right already, see clients grant. Inviting again
// takes password, second factor, passkeys and sessions away: it is for lost phones as well.
type clientsInviteOperatorCmd struct {
	databaseSettings `embed:""`
	Login            string `required:"" help:"What the person enters: 3 to 32 letters, digits, . _ or -."`
	Name             string `required:"" help:"Name of the person as pages show it."`
	Right            string `required:"" placeholder:"ID" help:"Id of the person's right at the operator, as grant printed it."`
}

func (c *clientsInviteOperatorCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		code, err := store.Invite(ctx, auth.Account{Login: c.Login, Name: c.Name, Member: c.Right}, operatorActor())
		if err != nil {
			return fmt.Errorf("couldn't invite %s: %w", c.Login, err)
		}
		fmt.Fprintf(io.out, "%s\n", code)
		fmt.Fprintln(io.err, "enter it within a day at /operators/enrol; it is shown once")
		return nil
	})
}

type clientsEndOperatorCmd struct {
	databaseSettings `embed:""`
	Login            string `arg:"" help:"Login of the account."`
}

func (c *clientsEndOperatorCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		if err := store.EndAccount(ctx, c.Login, operatorActor()); err != nil {
			return fmt.Errorf("couldn't end the account %s: %w", c.Login, err)
		}
		fmt.Fprintln(io.out, "ended")
		return nil
	})
}

type clientsListOperatorsCmd struct {
	databaseSettings `embed:""`
}

func (c *clientsListOperatorsCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		accounts, err := store.Accounts(ctx)
		if err != nil {
			return fmt.Errorf("couldn't list the accounts: %w", err)
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "LOGIN\tNAME\tRIGHT\tIIN\tSTATE\tFAILURES\tON")
		for _, a := range accounts {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", a.Login, a.Name, a.Member, a.IIN, a.State, a.Failures, a.CreatedAt.Format(time.DateOnly))
		}
		return w.Flush()
	})
}
