// Package agency is a stand-in of a state agency: it receives the gateway's webhooks, checks their
// Ed25519 signature and verifies the receipt inside with the openssl program alone.
package agency

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

var errUnbuilt = errors.New("not built yet")

// Config of an agency.
type Config struct {
	WebhookKey ed25519.PublicKey
	AnchorsPEM []byte // for openssl -CAfile
	StateFile  string
	Now        func() time.Time
}

// Delivery is one received webhook.
type Delivery struct {
	ID             string          `json:"id"`
	Type           string          `json:"type"`
	ReceivedAt     time.Time       `json:"received_at"`
	Body           json.RawMessage `json:"body"`
	SignatureValid bool            `json:"signature_valid"`
	ReceiptValid   bool            `json:"receipt_valid"`
	Receipt        json.RawMessage `json:"receipt"`
	Command        string          `json:"command"`
	Output         string          `json:"output"`
	Deliveries     int             `json:"deliveries"` // how often this id came
}

// Agency is the stand-in.
type Agency struct{ cfg Config }

// New makes an agency.
func New(cfg Config) (*Agency, error) { return &Agency{cfg: cfg}, errUnbuilt }

// Handler serves POST /webhooks, GET /webhooks, POST /faults.
func (a *Agency) Handler() http.Handler { return nil }

// Start listens on addr until ctx ends; returns the base URL.
func (a *Agency) Start(ctx context.Context, addr string) (string, error) { return "", errUnbuilt }

// Close stops and waits.
func (a *Agency) Close() error { return nil }

// Received lists the webhooks.
func (a *Agency) Received() []Delivery { return nil }

// VerifyReceipt runs openssl cms -verify over an attached CMS (DER).
func (a *Agency) VerifyReceipt(ctx context.Context, cms []byte) (content []byte, output string, err error) {
	return nil, "", errUnbuilt
}
