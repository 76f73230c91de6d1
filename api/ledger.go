package api

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"

	"qaqpa/payment"
	"qaqpa/payment/ledger"
)

func (s *Server) getCheckpoint(ctx context.Context, _ *request) (reply[payment.Checkpoint], error) {
	out, err := s.cfg.Payments.Checkpoint(ctx)
	return reply[payment.Checkpoint]{Body: out}, err
}

func (s *Server) getProof(ctx context.Context, r *request) (reply[ledger.Proof], error) {
	out, err := s.cfg.Payments.Proof(ctx, r.param("transfer"))
	return reply[ledger.Proof]{Body: out}, err
}

// webhookKey is a public key that signs webhooks.
type webhookKey struct {
	Algorithm string `json:"algorithm"`
	PublicKey string `json:"public_key"`
	PEM       string `json:"pem"`
}

func (s *Server) listWebhookKeys(context.Context, *request) (reply[items[webhookKey]], error) {
	out := items[webhookKey]{Items: make([]webhookKey, len(s.cfg.WebhookKeys))}
	for i, k := range s.cfg.WebhookKeys {
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			return reply[items[webhookKey]]{}, fmt.Errorf("couldn't encode a webhook key: %w", err)
		}
		out.Items[i] = webhookKey{
			Algorithm: "ed25519",
			PublicKey: "whpk_" + base64.StdEncoding.EncodeToString(k),
			PEM:       string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		}
	}
	return reply[items[webhookKey]]{Body: out}, nil
}
