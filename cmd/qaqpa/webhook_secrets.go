package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qaqpa/hsm"
	"qaqpa/payment"
	"qaqpa/payment/notify"
)

// webhookSecrets makes the secrets of webhooks by an HMAC key of the token, which is asked once for each agency and version.
type webhookSecrets struct {
	key  *hsm.IndexKey
	made sync.Map // by agency and version
}

// webhookSecretsOf opens the key; without a label there are no secrets.
func webhookSecretsOf(ctx context.Context, fleet *hsm.Fleet, label string) (payment.WebhookSecrets, error) {
	if label == "" {
		return nil, nil //nolint:nilnil // no secrets is an answer
	}
	ref, err := hsm.ParseRef(label)
	if err != nil {
		return nil, err
	}
	key, err := fleet.IndexKey(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("couldn't find the key of webhook secrets %q: %w", label, err)
	}
	return &webhookSecrets{key: key}, nil
}

// WebhookSecret implements payment.WebhookSecrets.
func (w *webhookSecrets) WebhookSecret(ctx context.Context, agency string, version int) ([]byte, error) {
	name := agency + " " + strconv.Itoa(version)
	if made, ok := w.made.Load(name); ok {
		if secret, ok := made.([]byte); ok {
			return secret, nil
		}
	}
	secret, err := w.key.Index(ctx, "webhook secret", name)
	if err != nil {
		return nil, fmt.Errorf("couldn't make a webhook secret: %w", err)
	}
	w.made.Store(name, secret)
	return secret, nil
}

type clientsSecretCmd struct {
	databaseSettings `embed:""`
	Token            tokenSettings `embed:""`
	Key              string        `name:"webhook-secret-key" env:"QAQPA_WEBHOOK_SECRET_KEY" required:"" placeholder:"LABEL" help:"Label of the hmac-sha256 key of the token, as the gateway has it."`
	Agency           string        `arg:"" help:"Id of the agency."`
	Overlap          time.Duration `default:"24h" help:"How long the secret before it is used beside the new one."`
}

func (c *clientsSecretCmd) Run(ctx context.Context, io streams) (err error) {
	fleet, err := c.Token.fleet(ctx, io, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.Close()) }()
	secrets, err := webhookSecretsOf(ctx, fleet, c.Key)
	if err != nil {
		return err
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		idem, err := idemOf(c.Agency)
		if err != nil {
			return err
		}
		version, _, err := r.RotateWebhookSecret(ctx, idem, c.Agency, c.Overlap)
		if err != nil {
			return fmt.Errorf("couldn't give a new secret: %w", err)
		}
		secret, err := secrets.WebhookSecret(ctx, c.Agency, version)
		if err != nil {
			return err
		}
		fmt.Fprintln(io.out, notify.SecretText(secret))
		return nil
	})
}
