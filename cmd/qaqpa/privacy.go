package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"qaqpa/hsm"
	"qaqpa/payment"
	"qaqpa/signer/audit"
)

// privacyLabels name the keys of the token by which personal data are sealed at rest.
type privacyLabels struct {
	DataKeys  []string `name:"data-key" env:"QAQPA_DATA_KEY" placeholder:"LABEL" help:"Labels of the aes-256 keys that seal personal data in the database: the first one from now on, the others open what they have sealed. None: they are stored as they stand."`
	PayerKeys []string `name:"payer-key" env:"QAQPA_PAYER_KEY" placeholder:"LABEL" help:"Labels of the hmac-sha256 keys that make the form in which the database holds payers' numbers, the present one first."`
}

// privacyOf opens the keys; without labels there is nothing to open. The secrets of payers' numbers are made by the token and kept in
// memory: asked for each row it would be the slowest part of a payment.
func privacyOf(ctx context.Context, fleet *hsm.Fleet, l privacyLabels) (*payment.Privacy, error) {
	if len(l.DataKeys) == 0 && len(l.PayerKeys) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if len(l.DataKeys) == 0 || len(l.PayerKeys) == 0 {
		return nil, errors.New("--data-key and --payer-key go together")
	}
	var p payment.Privacy
	for _, label := range l.DataKeys {
		ref, err := hsm.ParseRef(label)
		if err != nil {
			return nil, err
		}
		key, err := fleet.DataKey(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("couldn't find the key of personal data %q: %w", label, err)
		}
		p.Vaults = append(p.Vaults, payment.NamedVault{Name: label, Vault: key})
	}
	for _, label := range l.PayerKeys {
		ref, err := hsm.ParseRef(label)
		if err != nil {
			return nil, err
		}
		key, err := fleet.IndexKey(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("couldn't find the key of payers' numbers %q: %w", label, err)
		}
		secret, err := key.Index(ctx, "payer numbers", "v1")
		if err != nil {
			return nil, fmt.Errorf("couldn't make the secret of payers' numbers: %w", err)
		}
		p.PayerSecrets = append(p.PayerSecrets, secret)
	}
	return &p, nil
}

// privacySettings are for commands that read personal data and need the token for nothing else.
type privacySettings struct {
	Labels privacyLabels `embed:""`
	Token  tokenSettings `embed:""`
}

// with opens the keys for the time of use.
func (s privacySettings) with(ctx context.Context, use func(*payment.Privacy) error) (err error) {
	if len(s.Labels.DataKeys) == 0 && len(s.Labels.PayerKeys) == 0 {
		return use(nil)
	}
	fleet, err := s.Token.fleet(ctx, standardStreams(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.Close()) }()
	p, err := privacyOf(ctx, fleet, s.Labels)
	if err != nil {
		return err
	}
	return use(p)
}

type dataCmd struct {
	Seal dataSealCmd `cmd:"" help:"Seal personal data that were stored before their keys were there, or under earlier keys. May be stopped and run again, beside working gateways."`
}

type dataSealCmd struct {
	databaseSettings `embed:""`
	Privacy          privacySettings `embed:""`
}

// Run prints a line for each column. The audit log tells who went over the data.
func (c *dataSealCmd) Run(ctx context.Context, io streams) error {
	return c.Privacy.with(ctx, func(p *payment.Privacy) error {
		if p == nil {
			return errors.New("no keys: give --data-key and --payer-key")
		}
		return withAudit(ctx, c.databaseSettings, func(db *sqlx.DB, log *audit.Log) error {
			var rows int64
			err := payment.SealStored(ctx, db, p, func(done payment.SealedRows) {
				rows += done.Rows
				fmt.Fprintf(io.out, "%s\t%d\n", done.Column, done.Rows)
			})
			return errors.Join(err, c.note(ctx, db, log, rows))
		})
	})
}

// note writes down that personal data were gone over, also when only a part of them was.
func (c *dataSealCmd) note(ctx context.Context, db *sqlx.DB, log *audit.Log, rows int64) error {
	ctx = context.WithoutCancel(ctx)
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin the audit entry: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	detail := fmt.Appendf(nil, `{"values":%d}`, rows)
	if err := (auditor{log}).Append(ctx, tx, operatorActor(), "data.sealed", c.Privacy.Labels.DataKeys[0], detail); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit the audit entry: %w", err)
	}
	return nil
}
