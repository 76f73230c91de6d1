package payment

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/note"

	"qaqpa/payment/bank"
	"qaqpa/payment/bank/pain"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/flow"
	"qaqpa/payment/ledger"
	"qaqpa/payment/notify"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
)

// Config configures the domain. Fields without a stated default are obligatory.
type Config struct {
	// DB is the database; see [Connect]. Migrations have been applied, see [Migrate].
	DB *sqlx.DB
	// Bulk is a pool for statements of banks, whose time-outs allow minutes; see [ConnectBulk]. nil means DB.
	Bulk *sqlx.DB
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
	// WebhookSecrets makes the secrets of agencies that verify webhooks by HMAC; nil: there are none.
	WebhookSecrets WebhookSecrets
	// Issuer is the operator as receipts name it. Its BIN also names the journal; see [JournalOrigin].
	Issuer receipt.Issuer
	// Messenger carries one-time codes to phones; nil means that nothing can be paid by code.
	Messenger Messenger
	// Privacy seals personal data at rest; nil: they are stored as they stand.
	Privacy *Privacy
	// Banks carries messages to banks; nil means HTTP.
	Banks BankChannel
	// Files carries files to banks that take them; nil means HTTP and folders.
	Files FileChannel
	// FilePaymentsMax is how many payments a file has at most, up to [pain.PaymentsMax]; 0 means 200. FileEvery is how long the first
	// payment of a file waits for others; 0 means 30 s.
	FilePaymentsMax int
	FileEvery       time.Duration
	// BreakerAfter is after how many unanswered payments no new ones go through a bank; 0 means 20.
	BreakerAfter int
	// AllowPrivate lets agencies' webhooks live at loopback and private addresses, and agencies and banks speak plain
	// HTTP.
	AllowPrivate bool
	// OrderTTL is how long an order waits for its signature; 0 means 15 minutes.
	OrderTTL time.Duration
	// Poll is how often workers look for work that nobody announced; 0 means 500 ms.
	Poll time.Duration
	// CheckpointEvery is the least pause between checkpoints while the journal grows; 0 means 1 s.
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
	*Registrar
	cfg     Config
	log     *slog.Logger
	metrics *metrics

	orderTable   flow.Table[order.State]
	attemptTable flow.Table[order.AttemptState]
	debtTable    flow.Table[debt.State]

	noteSigner note.Signer
	noteKeys   note.Verifiers
	webhooks   *notify.Client

	// keeper is the Verifier, where it can leave storing to us.
	keeper VerdictKeeper
	// confirmations are the shared commits of what banks say, one for each lane of buckets.
	confirmations [lanes]*committer
	// creations is the shared commit of new orders.
	creations *committer

	// probeMax is how many open payments of a bank are held in memory while its statement is read.
	probeMax int
	// calls are open calls to banks, posts open deliveries.
	calls, posts *pool
	// refundCalls are those about refunds: a bank that hangs over them holds up no payment.
	refundCalls *pool
	// fileCalls are those about files.
	fileCalls *pool
	// inquiries are questions to agencies' registers that are open.
	inquiries *inquiries
	// The workers sleep on these; a send never blocks.
	wakeAttempts, wakeCheckpoint, wakeReceipts, wakeWebhooks chan struct{}
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, fallback time.Duration) {
		if *d == 0 {
			*d = fallback
		}
	}
	set(&c.OrderTTL, 15*time.Minute)
	set(&c.Poll, 500*time.Millisecond)
	set(&c.CheckpointEvery, time.Second)
	set(&c.BankTimeout, 10*time.Second)
	set(&c.LookupBackoffMin, time.Second)
	set(&c.LookupBackoffMax, 5*time.Minute)
	set(&c.WebhookTimeout, 15*time.Second)
	if c.WebhookBackoff == nil {
		c.WebhookBackoff = notify.DefaultBackoff()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Bulk == nil {
		c.Bulk = c.DB
	}
	set(&c.FileEvery, 30*time.Second)
	if c.BreakerAfter == 0 {
		c.BreakerAfter = 20
	}
	if c.FilePaymentsMax == 0 {
		c.FilePaymentsMax = 200
	}
	if c.Files == nil {
		c.Files = bank.NewFiles(bank.FilesConfig{Timeout: c.BankTimeout, Now: c.Now})
	}
	if c.Banks == nil {
		c.Banks = bank.New(bank.Config{Timeout: c.BankTimeout})
	}
	return c
}

func (c Config) check() error {
	if c.DB == nil || c.Sealer == nil || c.Auditor == nil || c.Verifier == nil || c.CheckpointSigner == nil || c.WebhookSigner == nil || c.Now == nil {
		return errors.New("payment: a required field of Config is missing")
	}
	if _, ok := c.WebhookSigner.Public().(ed25519.PublicKey); !ok {
		return notify.ErrKey
	}
	if !catalog.ValidPayerID(c.Issuer.BIN) || c.Issuer.URL == "" {
		return errors.New("payment: Config.Issuer needs a BIN with a right check digit and a public address")
	}
	if err := c.Issuer.Name.Check("issuer.name"); err != nil {
		return err
	}
	for _, d := range []time.Duration{c.OrderTTL, c.Poll, c.CheckpointEvery, c.BankTimeout, c.LookupBackoffMin, c.LookupBackoffMax, c.WebhookTimeout, c.FileEvery} {
		if d < 0 {
			return errors.New("payment: a duration of Config is negative")
		}
	}
	if c.FilePaymentsMax < 0 || c.FilePaymentsMax > pain.PaymentsMax || c.BreakerAfter < 0 {
		return fmt.Errorf("payment: Config.FilePaymentsMax is not 1 to %d, or BreakerAfter negative", pain.PaymentsMax)
	}
	return nil
}

// JournalOrigin is the name of an operator's journal, and of the key that signs its checkpoints.
func JournalOrigin(issuer receipt.Issuer) string { return "qaqpa/" + issuer.BIN + "/journal" }

// New checks the configuration and returns the service. It starts nothing; see [Service.Run].
func New(cfg Config) (*Service, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	registrar, err := NewRegistrar(RegistrarConfig{DB: cfg.DB, Auditor: cfg.Auditor, AllowPrivate: cfg.AllowPrivate, Now: cfg.Now, Privacy: cfg.Privacy})
	if err != nil {
		return nil, err
	}
	s := &Service{
		probeMax:  probeMax,
		Registrar: registrar, cfg: cfg, log: cfg.Log,
		webhooks:     notify.New(notify.Config{Timeout: cfg.WebhookTimeout, AllowPrivate: cfg.AllowPrivate}),
		wakeAttempts: make(chan struct{}, 1), wakeCheckpoint: make(chan struct{}, 1),
		wakeReceipts: make(chan struct{}, 1), wakeWebhooks: make(chan struct{}, 1),
	}
	s.calls = newPool(attemptsAtOnce, func() { s.kick(s.wakeAttempts) })
	s.refundCalls = newPool(refundsAtOnce, func() {})
	s.fileCalls = newPool(filesAtOnce, func() {})
	s.inquiries = newInquiries()
	s.posts = newPool(webhooksAtOnce, func() { s.kick(s.wakeWebhooks) })
	if s.metrics, err = newMetrics(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("couldn't register metrics: %w", err)
	}
	s.retried = s.metrics.retries.Inc
	s.keeper, _ = cfg.Verifier.(VerdictKeeper) // nil when the Verifier stores verdicts itself
	s.creations = &committer{store: &s.store, run: s.commitCreations}
	for lane := range s.confirmations {
		s.confirmations[lane] = &committer{store: &s.store, run: s.commitConfirmations}
	}
	if s.orderTable, err = order.Transitions(); err != nil {
		return nil, err
	}
	if s.attemptTable, err = order.AttemptTransitions(); err != nil {
		return nil, err
	}
	if s.debtTable, err = debt.Transitions(); err != nil {
		return nil, err
	}
	origin := JournalOrigin(cfg.Issuer)
	if s.noteSigner, err = ledger.NewSigner(origin, cfg.CheckpointSigner, rand.Reader); err != nil {
		return nil, fmt.Errorf("couldn't use the key of checkpoints: %w", err)
	}
	verifier, err := ledger.NewVerifier(origin, cfg.CheckpointSigner.Public())
	if err != nil {
		return nil, fmt.Errorf("couldn't use the key of checkpoints: %w", err)
	}
	s.noteKeys = note.VerifierList(verifier)
	return s, nil
}

// CheckpointKey is the verifier key of the journal's checkpoints as text, NAME+HASH+KEY, the form that auditors keep and
// ledger.ParseVerifier reads.
func (s *Service) CheckpointKey() (string, error) {
	return ledger.VerifierKey(JournalOrigin(s.cfg.Issuer), s.cfg.CheckpointSigner.Public())
}

// kick wakes a worker.
func (s *Service) kick(worker chan struct{}) {
	select {
	case worker <- struct{}{}:
	default:
	}
}
