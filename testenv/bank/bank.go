package bank

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/loopback"
	"qaqpa/testenv/pki"
)

// Config of a bank.
type Config struct {
	// BIC of the bank; orders for another one are refused with 400.
	BIC, Name string
	// Signer signs replies and callbacks: an information system with the bank's BIN.
	Signer *pki.Identity
	// OtherSigner signs when the fault other_signer hits: another bank's system. Needed for that alone.
	OtherSigner *pki.Identity
	// GatewayCertificate (DER) is the one whose seals are accepted; see [Bank.SetGateway].
	GatewayCertificate []byte
	// CallbackURL is the gateway's POST /v1/bank-confirmations; empty: no callbacks.
	CallbackURL string
	// CallbackAlways also calls back for payments that were answered at once.
	CallbackAlways bool
	// StateFile (JSON) keeps everything over restarts; empty: memory only.
	StateFile string
	// DefaultBalance in tiyn of an account that nobody opened; zero: 1,000,000,000.
	// Negative: such a payer is refused with no_account.
	DefaultBalance int64
	// Now is the clock; zero: time.Now.
	Now func() time.Time
	// Client calls the gateway back; zero: ten seconds' timeout.
	Client *http.Client
	// RetryAfter is the first pause between tries of a callback, doubled each time up to a hundred
	// times of it; zero: 200 ms.
	RetryAfter time.Duration
	Log        *slog.Logger // zero: nothing is logged
}

// Bank is the stand-in. It is safe for concurrent use.
type Bank struct {
	cfg    Config
	faults *fault.Set
	desk   *Desk
	wake   chan struct{} // a callback or a settlement has become due earlier

	mu       sync.Mutex
	gateway  []*x509.Certificate
	callback string
	state    *state
	owners   map[string]string // account → person
	pledges  map[string]bool   // person/kind/number

	server *loopback.Server
	stop   context.CancelFunc
	done   chan struct{}
}

// New makes a bank, with the state of its file if there is one.
func New(cfg Config) (*Bank, error) {
	if cfg.BIC == "" || cfg.Signer == nil {
		return nil, errors.New("a bank needs BIC and signer")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if cfg.DefaultBalance == 0 {
		cfg.DefaultBalance = 1_000_000_000
	}
	if cfg.RetryAfter == 0 {
		cfg.RetryAfter = 200 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s, err := loadState(cfg.StateFile)
	if err != nil {
		return nil, err
	}
	b := &Bank{cfg: cfg, faults: fault.NewSet(faultKinds()), state: s, wake: make(chan struct{}, 1), desk: &Desk{BIC: cfg.BIC, Now: cfg.Now}, owners: map[string]string{}, pledges: map[string]bool{}}
	if cfg.GatewayCertificate != nil {
		if err := b.SetGateway(cfg.CallbackURL, cfg.GatewayCertificate); err != nil {
			return nil, err
		}
	}
	b.callback = cfg.CallbackURL
	return b, nil
}

// SetGateway replaces the callback address and the certificates (DER) whose seals are accepted; two
// of them bridge a change of keys.
func (b *Bank) SetGateway(callbackURL string, certificates ...[]byte) error {
	var list []*x509.Certificate
	for _, der := range certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("couldn't read the gateway's certificate: %w", err)
		}
		list = append(list, c)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gateway, b.callback = list, callbackURL
	return nil
}

// AddFault arms a knob.
func (b *Bank) AddFault(f fault.Fault) error {
	if f.Kind == FaultOtherSigner && b.cfg.OtherSigner == nil {
		return errors.New("the bank has no other signer")
	}
	return b.faults.Add(f)
}

// ClearFaults disarms all.
func (b *Bank) ClearFaults() { b.faults.Clear() }

// Start listens on addr ("127.0.0.1:0" picks a port) and runs until ctx ends or Close. It returns
// the base URL.
func (b *Bank) Start(ctx context.Context, addr string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	server, err := loopback.Start(ctx, addr, b.Handler())
	if err != nil {
		cancel()
		return "", err
	}
	b.server, b.stop, b.done = server, cancel, make(chan struct{})
	go func() {
		defer close(b.done)
		b.Run(ctx)
	}()
	return server.URL, nil
}

// Close stops a started bank and waits until nothing of it runs.
func (b *Bank) Close() error {
	if b.server == nil {
		return nil
	}
	b.stop()
	<-b.done
	return b.server.Close()
}
