package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"qaqpa/api/auth"
)

// clientsGrantCmd lets a person act for an organisation on the pages of the console.
type clientsGrantCmd struct {
	databaseSettings `embed:""`
	Kind             string `enum:"agency,bank,operator" required:"" help:"For what the person acts: ${enum}."`
	Subject          string `required:"" help:"Id of the agency, BIC of the bank, or name of the operator."`
	BIN              string `name:"bin" required:"" placeholder:"DIGITS" help:"BIN of the organisation whose certificate the person signs in with."`
	IIN              string `name:"iin" required:"" placeholder:"DIGITS" help:"IIN of the person."`
	Role             string `enum:"viewer,editor,support" default:"viewer" help:"What the person may do: ${enum}. Support is the operator's contact centre."`
}

func (c *clientsGrantCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		m, err := store.Grant(ctx, auth.Member{Kind: auth.Kind(c.Kind), Subject: c.Subject, BIN: c.BIN, IIN: c.IIN, Role: auth.Role(c.Role)}, operatorActor())
		if err != nil {
			return fmt.Errorf("couldn't give the right: %w", err)
		}
		fmt.Fprintln(io.out, m.ID)
		return nil
	})
}

type clientsRevokeGrantCmd struct {
	databaseSettings `embed:""`
	ID               string `arg:"" help:"Id of the right, as grant printed it."`
}

func (c *clientsRevokeGrantCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		if err := store.RevokeMember(ctx, c.ID, operatorActor()); err != nil {
			return fmt.Errorf("couldn't end right %s: %w", c.ID, err)
		}
		fmt.Fprintln(io.out, "ended")
		return nil
	})
}

type clientsListGrantsCmd struct {
	databaseSettings `embed:""`
}

func (c *clientsListGrantsCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		members, err := store.Members(ctx)
		if err != nil {
			return fmt.Errorf("couldn't list the rights of people: %w", err)
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tKIND\tSUBJECT\tBIN\tIIN\tROLE\tGIVEN BY\tON")
		for _, m := range members {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Kind, m.Subject, m.BIN, m.IIN, m.Role, m.GrantedBy, m.GrantedAt.Format(time.DateOnly))
		}
		return w.Flush()
	})
}
