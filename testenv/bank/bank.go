package bank

import (
	"context"
	"errors"
	"net/http"
	"time"

	"qaqpa/testenv/pki"
)

var errUnbuilt = errors.New("not built yet")

// Config of a bank.
type Config struct {
	BIC, Name, BIN     string
	Signer             *pki.Identity // signs replies
	OtherSigner        *pki.Identity // signs when the fault OtherSigner is on
	GatewayCertificate []byte        // DER; only its seals are accepted
	CallbackURL        string        // gateway's POST /v1/bank-confirmations
	StateFile          string        // JSON; empty: memory only
	DefaultBalance     int64         // tiyn; a new payer's account
	CallbackAlways     bool
	Now                func() time.Time
}

// Fault is one knob.
type Fault struct {
	Kind  string `json:"kind"`
	On    string `json:"on,omitempty"` // payments (default), lookup, callback
	Count int    `json:"count"`        // next N requests; negative: until cleared
}

// Movement is money that moved.
type Movement struct {
	Attempt, Order, Payer, Account, Reference string
	Amount                                    int64
	At                                        time.Time
}

// Bank is the stand-in.
type Bank struct{ cfg Config }

// New makes a bank.
func New(cfg Config) (*Bank, error) { return &Bank{cfg: cfg}, errUnbuilt }

// Handler serves the bank's protocol.
func (b *Bank) Handler() http.Handler { return nil }

// Start listens on addr ("127.0.0.1:0") until ctx ends; returns the base URL.
func (b *Bank) Start(ctx context.Context, addr string) (string, error) { return "", errUnbuilt }

// Close stops and waits.
func (b *Bank) Close() error { return nil }

// AddFault arms a knob.
func (b *Bank) AddFault(f Fault) error { return errUnbuilt }

// ClearFaults disarms all.
func (b *Bank) ClearFaults() {}

// Movements lists every movement of money, in order.
func (b *Bank) Movements() []Movement { return nil }
