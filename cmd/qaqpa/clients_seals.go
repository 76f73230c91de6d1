package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/sealing"

	"github.com/jmoiron/sqlx"
)

// clientsSetSealPolicyCmd says what a client may have sealed by POST /v1/seals.
type clientsSetSealPolicyCmd struct {
	databaseSettings `embed:""`
	sealClient       `embed:""`
	Keys             []string `required:"" help:"Names of the keys that may seal, as serve knows them; the first where a request names none."`
	Formats          []string `required:"" help:"CAdES, XAdES, PAdES, JWS, raw."`
	Levels           []string `required:"" help:"B, T, LT, LTA."`
	PerMinute        int      `name:"per-minute" required:"" help:"Most documents in any 60 seconds, over all instances of the gateway."`
	Digests          bool     `help:"Let documents be sealed by their digest alone."`
	Raise            bool     `help:"Let the levels of existing signatures be raised."`
}

// sealClient names a client as its API keys do.
type sealClient struct {
	Kind    string `enum:"agency,bank,portal,operator" required:"" help:"Kind of client: ${enum}."`
	Subject string `required:"" help:"Id of the agency, BIC of the bank, or name of the portal or operator."`
}

func (c sealClient) name() string { return c.Kind + ":" + c.Subject }

func (c *clientsSetSealPolicyCmd) Run(ctx context.Context, io streams) error {
	p := sealing.Policy{Keys: c.Keys, PerMinute: c.PerMinute, Digests: c.Digests, Raise: c.Raise}
	for _, f := range c.Formats {
		p.Formats = append(p.Formats, sealing.Format(f))
	}
	for _, l := range c.Levels {
		p.Levels = append(p.Levels, sealing.Level(l))
	}
	return withSealPolicies(ctx, c.databaseSettings, func(store signer.SealPolicies) error {
		if err := store.Set(ctx, c.name(), p, operatorActor()); err != nil {
			return fmt.Errorf("couldn't set the seal policy: %w", err)
		}
		fmt.Fprintln(io.out, c.name())
		return nil
	})
}

func withSealPolicies(ctx context.Context, d databaseSettings, use func(signer.SealPolicies) error) error {
	return withAudit(ctx, d, func(db *sqlx.DB, log *audit.Log) error {
		return use(signer.SealPolicies{DB: db, Audit: log, Now: time.Now})
	})
}

type clientsEndSealPolicyCmd struct {
	databaseSettings `embed:""`
	sealClient       `embed:""`
}

func (c *clientsEndSealPolicyCmd) Run(ctx context.Context, io streams) error {
	return withSealPolicies(ctx, c.databaseSettings, func(store signer.SealPolicies) error {
		if err := store.End(ctx, c.name(), operatorActor()); err != nil {
			return fmt.Errorf("couldn't end the seal policy of %s: %w", c.name(), err)
		}
		fmt.Fprintln(io.out, "ended")
		return nil
	})
}

type clientsListSealPoliciesCmd struct {
	databaseSettings `embed:""`
}

func (c *clientsListSealPoliciesCmd) Run(ctx context.Context, io streams) error {
	return withSealPolicies(ctx, c.databaseSettings, func(store signer.SealPolicies) error {
		list, err := store.List(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CLIENT\tKEYS\tFORMATS\tLEVELS\tPER MINUTE\tDIGESTS\tRAISE\tSET BY\tON")
		for _, c := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%v\t%v\t%s\t%s\n", c.Client, strings.Join(c.Policy.Keys, ","), joinNames(c.Policy.Formats),
				joinNames(c.Policy.Levels), c.Policy.PerMinute, c.Policy.Digests, c.Policy.Raise, c.ChangedBy, c.ChangedAt.Format(time.DateOnly))
		}
		return w.Flush()
	})
}

func joinNames[T ~string](names []T) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ",")
}
