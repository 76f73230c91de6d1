package payment

import (
	"crypto"
	"errors"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"qaqpa/payment/receipt"
)

// Config configures the domain. Fields without a stated default are obligatory.
type Config struct {
	// DB is the database; see [Connect]. Migrations have been applied, see [Migrate].
	DB *sqlx.DB
	// Sealer seals receipts and messages to banks.
	Sealer Sealer
	// Auditor takes the audit entries.
	Auditor Auditor
	// Verifier validates signatures of payers and banks.
	Verifier Verifier
	// CheckpointSigner signs checkpoints of the journal: ECDSA P-256 or Ed25519.
	CheckpointSigner crypto.Signer
	// WebhookSigner signs webhooks: Ed25519.
	WebhookSigner crypto.Signer
	// Issuer is the operator as receipts name it.
	Issuer receipt.Issuer
	// Banks carries messages to banks; nil means HTTP with AllowPrivate as below.
	Banks BankChannel
	// AllowPrivate lets agencies' webhooks and banks live at loopback and private addresses and speak plain HTTP.
	AllowPrivate bool
	// OrderTTL is how long an order waits for its signature; 0 means 15 minutes.
	OrderTTL time.Duration
	// Poll is how often workers look for work that nobody announced; 0 means 500 ms.
	Poll time.Duration
	// CheckpointEvery is the pause between checkpoints while the journal grows; 0 means 1 s.
	CheckpointEvery time.Duration
	// BankTimeout bounds a call to a bank; 0 means 10 s.
	BankTimeout time.Duration
	// LookupBackoffMin and LookupBackoffMax bound the pause between questions about an unknown outcome; 0 means 1 s
	// and 5 minutes.
	LookupBackoffMin, LookupBackoffMax time.Duration
	// WebhookTimeout bounds a delivery; 0 means 15 s.
	WebhookTimeout time.Duration
	// WebhookBackoff lists the pauses after failed deliveries; nil means 5 s … 24 h over days. After the last pause
	// the delivery is dead.
	WebhookBackoff []time.Duration
	// Now is the clock.
	Now func() time.Time
	// Log takes one line per job; nil discards.
	Log *slog.Logger
	// Registerer takes the metrics; nil means none.
	Registerer prometheus.Registerer
}

// Service is the payment domain. Make it with [New].
type Service struct {
	cfg Config
	db  *sqlx.DB
	log *slog.Logger
}

// New checks the configuration and returns the service. It starts nothing; see [Service.Run].
func New(cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Sealer == nil || cfg.Auditor == nil || cfg.Verifier == nil || cfg.CheckpointSigner == nil ||
		cfg.WebhookSigner == nil || cfg.Now == nil {
		return nil, errors.New("payment: a required field of Config is missing")
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg, db: cfg.DB, log: log}, nil
}
