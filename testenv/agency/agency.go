package agency

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/loopback"
	"qaqpa/testenv/pki"
)

// Config of an agency.
type Config struct {
	// WebhookKey of the gateway.
	WebhookKey ed25519.PublicKey
	// AnchorsPEM is what openssl trusts: roots, and the national CAs unless receipts carry them.
	AnchorsPEM []byte
	// GatewayBIN, 12 digits, must stand in the certificate of the receipt's signer (OU=BIN…): any
	// other certificate of the same authority could sign otherwise. Empty: not checked.
	GatewayBIN string
	// Signer signs what the agency's own register answers: an information system with its BIN. OtherSigner signs when the fault
	// other_signer hits. Without them there is no register.
	Signer, OtherSigner *pki.Identity
	// StateFile (JSON) keeps what was received over restarts; receipts are kept in the folder
	// StateFile.d. Empty: a temporary folder that Close removes.
	StateFile string
	// Tolerance of the webhook's timestamp; zero: five minutes.
	Tolerance time.Duration
	// Now is the clock; zero: time.Now.
	Now func() time.Time
	// OpenSSL is the program; zero: openssl, from the path.
	OpenSSL string
}

// Delivery is one webhook, by its id.
type Delivery struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	ReceivedAt time.Time       `json:"received_at"` // first
	Deliveries int             `json:"deliveries"`  // how often this id came
	Body       json.RawMessage `json:"body"`
	// SignatureValid: the webhook's own signature held. Others are counted by Refused, not kept.
	SignatureValid bool `json:"signature_valid"`
	// ReceiptValid: openssl verified the receipt.
	ReceiptValid bool `json:"receipt_valid"`
	// Receipt is the content that openssl found signed; nil if it refused.
	Receipt json.RawMessage `json:"receipt,omitempty"`
	// Command can be repeated by hand; Output is what openssl said.
	Command string `json:"command"`
	Output  string `json:"output"`
	// Problems is empty when everything holds.
	Problems []string `json:"problems"`
}

// Valid says whether everything about the delivery held: signature, receipt, and that both tell the
// same story.
func (d Delivery) Valid() bool { return len(d.Problems) == 0 }

// Agency is the stand-in. It is safe for concurrent use.
type Agency struct {
	cfg    Config
	dir    string // receipts and anchors
	state  string // file of deliveries
	faults *fault.Set
	server *loopback.Server

	verifying sync.Mutex // one receipt at a time: a repeated id has the same files

	mu         sync.Mutex
	deliveries []Delivery
	register   []Owing
	asked      int           // questions to the register
	refused    int           // webhooks with a wrong signature
	changed    chan struct{} // closed and replaced at each delivery
}

// New makes an agency, with what its state file holds.
func New(cfg Config) (*Agency, error) {
	if len(cfg.WebhookKey) != ed25519.PublicKeySize || len(cfg.AnchorsPEM) == 0 {
		return nil, errors.New("an agency needs the gateway's webhook key and trust anchors")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.OpenSSL == "" {
		cfg.OpenSSL = "openssl"
	}
	if cfg.Tolerance == 0 {
		cfg.Tolerance = 5 * time.Minute
	}
	a := &Agency{cfg: cfg, faults: fault.NewSet(faultKinds()), changed: make(chan struct{})}
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("couldn't open the agency's folder: %w", err)
	}
	return a, nil
}

// open prepares the folder and reads what is in it.
func (a *Agency) open() error {
	if a.cfg.StateFile != "" {
		a.dir, a.state = a.cfg.StateFile+".d", a.cfg.StateFile
		if err := os.MkdirAll(a.dir, 0o700); err != nil {
			return err
		}
	} else {
		var err error
		if a.dir, err = os.MkdirTemp("", "qaqpa-agency-"); err != nil {
			return err
		}
		a.state = a.path("deliveries.json")
	}
	if err := os.WriteFile(a.path("anchors.pem"), a.cfg.AnchorsPEM, 0o600); err != nil {
		return err
	}
	raw, err := os.ReadFile(a.state)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, &a.deliveries)
}

func (a *Agency) path(name string) string { return filepath.Join(a.dir, name) }

// save writes the deliveries; a.mu is held.
func (a *Agency) save() error {
	raw, err := json.MarshalIndent(a.deliveries, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(a.state+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(a.state+".new", a.state)
}

// Start listens on addr ("127.0.0.1:0" picks a port) until ctx ends or Close. It returns the base
// URL; webhooks go to URL/webhooks.
func (a *Agency) Start(ctx context.Context, addr string) (string, error) {
	server, err := loopback.Start(ctx, addr, a.Handler())
	if err != nil {
		return "", err
	}
	a.server = server
	return server.URL, nil
}

// Close stops a started agency, waits for its requests and removes a temporary folder.
func (a *Agency) Close() error {
	var err error
	if a.server != nil {
		err = a.server.Close()
	}
	if a.cfg.StateFile == "" {
		err = errors.Join(err, os.RemoveAll(a.dir))
	}
	return err
}

// AddFault arms a knob.
func (a *Agency) AddFault(f fault.Fault) error { return a.faults.Add(f) }

// ClearFaults disarms all.
func (a *Agency) ClearFaults() { a.faults.Clear() }

// Received lists the webhooks whose own signature held, in the order of their first arrival.
func (a *Agency) Received() []Delivery {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.deliveries)
}

// Refused counts the webhooks whose own signature was wrong.
func (a *Agency) Refused() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused
}

// Wait returns the first delivery that fits, as soon as there is one; ctx's error if it ends before.
func (a *Agency) Wait(ctx context.Context, fits func(Delivery) bool) (Delivery, error) {
	for {
		a.mu.Lock()
		i := slices.IndexFunc(a.deliveries, fits)
		changed := a.changed
		var d Delivery
		if i >= 0 {
			d = a.deliveries[i]
		}
		a.mu.Unlock()
		if i >= 0 {
			return d, nil
		}
		select {
		case <-ctx.Done():
			return Delivery{}, ctx.Err()
		case <-changed:
		}
	}
}

// keep stores a delivery, or counts it if its id is known; it returns what is stored.
func (a *Agency) keep(d Delivery) (Delivery, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.deliveries, func(x Delivery) bool { return x.ID == d.ID })
	if i >= 0 {
		d.ReceivedAt, d.Deliveries = a.deliveries[i].ReceivedAt, a.deliveries[i].Deliveries+1
		a.deliveries[i] = d
	} else {
		d.Deliveries = 1
		a.deliveries = append(a.deliveries, d)
	}
	close(a.changed)
	a.changed = make(chan struct{})
	return d, a.save()
}
