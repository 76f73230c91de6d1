package signer

import (
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/audit"
	"qaqpa/signer/engine"
	"qaqpa/signer/fetch"
	"qaqpa/signer/pack"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/signer/trust"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
)

// Errors of the service. They come wrapped; compare with errors.Is.
var (
	// ErrRequest: the request cannot be used, such as an empty document or a missing actor.
	ErrRequest = errors.New("unusable request")
	// ErrTooLarge: the document exceeds Config.DocumentBytesMax.
	ErrTooLarge = errors.New("document too large")
	// ErrNoSealKey: the service has no key to seal with.
	ErrNoSealKey = errors.New("no seal key")
	// ErrSealCertificate: the seal's certificate is out of date, revoked, untrusted, unfit for signing, or not that of the key.
	ErrSealCertificate = errors.New("seal certificate unusable")
	// ErrSigningCertificate: the certificate of a key that shall sign is out of date, revoked, untrusted, unfit for signing, or
	// not that of the key.
	ErrSigningCertificate = errors.New("signing certificate unusable")
	// ErrTimeStamp: no time stamp could be had, or the one that came does not hold.
	ErrTimeStamp = errors.New("no usable time stamp")
	// ErrEvidence: there is no proof that the signing certificate is not revoked, which was to go into the document.
	ErrEvidence = errors.New("no revocation evidence")
	// ErrVerdictNotFound: no verdict has this id.
	ErrVerdictNotFound = errors.New("no such verdict")
	// ErrReplay: a stored verdict cannot be made again, because the document is another or trust has changed since.
	ErrReplay = errors.New("verdict cannot be replayed")
	// ErrNoDatabase: the service was made without one.
	ErrNoDatabase = errors.New("no database")
)

// Revocation says how the state of certificates enters a verdict.
type Revocation string

// Modes of revocation checking.
const (
	// RevocationRequired: each certificate below the anchor must be shown not to be revoked, else the verdict is
	// indeterminate. The default.
	RevocationRequired Revocation = "required"
	// RevocationOffline: as RevocationRequired, but only what the document and the request carry is used and nothing is
	// fetched.
	RevocationOffline Revocation = "offline"
	// RevocationOff: the state is not looked at. Verdicts say so in a remark.
	RevocationOff Revocation = "off"
)

// Config of a Service.
type Config struct {
	// DB keeps verdicts, evidence and the audit trail; nil: nothing can be stored or sealed.
	DB *sqlx.DB
	// Trust is whom to believe; obligatory.
	Trust *trust.Store
	// Fetch brings evidence; nil: only what documents carry is used.
	Fetch *fetch.Client
	// Lists has lists of revoked certificates at hand, which are asked when OCSP gave nothing; nil: they are fetched when needed.
	Lists *revoked.Store
	// Audit writes the trail; obligatory with DB.
	Audit *audit.Log
	// SealKey signs; nil: Seal returns ErrNoSealKey. A key with SignContext gets the caller's context.
	SealKey crypto.Signer
	// SealChain is the certificate of SealKey, then those above it as far as they shall go into a seal; obligatory with
	// SealKey.
	SealChain []*pkix.Certificate
	// SealKeys are further keys that seal, by names that policies of clients give (see package sealing); the names of nobody's
	// policy serve nobody. SealKey has the name SealName.
	SealKeys map[string]SigningKey
	// SealName is what policies call SealKey. Default "seal".
	SealName string
	// Revocation mode; empty: RevocationRequired.
	Revocation Revocation
	// Policy names the rules: "kz-2026" (the default) or "standard"; see package engine.
	Policy string
	// DocumentBytesMax bounds Document, Detached and the sum of Evidence, each. Default 64 MiB.
	DocumentBytesMax int
	// GatherTimeout bounds the time that one validation spends on fetching evidence. Default 20 s.
	GatherTimeout time.Duration
	// OCSPReuse is how long an OCSP answer may serve further validations, at most until its nextUpdate. Default 1 minute;
	// negative: each validation asks anew.
	OCSPReuse time.Duration
	// SealCheck is how long a check of the seal's own certificate holds. Default 1 minute.
	SealCheck time.Duration
	// TSA is the address of the time-stamping authority (RFC 3161 over HTTP); empty: no document gets a time stamp. It is
	// called through Fetch and its rules.
	TSA string
	// TSAPolicy is the dotted OID asked for when a request names none; empty lets the authority choose. That of the
	// national authority for GOST-2015 is 1.2.398.3.3.2.6.4.
	TSAPolicy string
	// Now is the clock; obligatory.
	Now func() time.Time
	// Log takes what needs an operator's eye; nil: nothing is logged.
	Log *slog.Logger
	// Registerer takes the metrics; nil: none.
	Registerer prometheus.Registerer
}

// Service validates and seals. Safe for concurrent use.
type Service struct {
	cfg     Config
	trust   *engine.Trust
	policy  engine.Policy
	memo    *path.Memo
	log     *slog.Logger
	metrics *metrics
	known   *knownEvidence
	pack    *pack.Packer
	hints   *hints
	certs   *engine.Known
	chains  *engine.Chains
	sealing sealState
	// sealKeys by name; that of Config.SealKey is also the one of the empty name. Immutable.
	sealKeys map[string]*sealKey
}

// memoEntries is how many verified signatures of certificates and revocation data are remembered, at 64 octets each.
const memoEntries = 1 << 16

// certificatesKnown is how many certificates are remembered, at some 10 kB each.
const certificatesKnown = 4096

// New checks the configuration and makes a Service.
func New(cfg Config) (*Service, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("couldn't make the signer: %w", err)
	}
	policy, err := engine.PolicyNamed(cfg.Policy)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the signer: %w", err)
	}
	if cfg.Revocation == RevocationOff {
		policy.Revocation, policy.ListedRevocation = path.Off, path.Off
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	h, err := newHints()
	if err != nil {
		return nil, fmt.Errorf("couldn't make the signer: %w", err)
	}
	chains, err := engine.NewChains(certificatesKnown)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the signer: %w", err)
	}
	certs, err := engine.NewKnown(certificatesKnown)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the signer: %w", err)
	}
	packer, err := pack.New()
	if err != nil {
		return nil, fmt.Errorf("couldn't make the signer: %w", err)
	}
	return &Service{
		cfg: cfg, trust: engine.NewTrust(cfg.Trust), policy: policy, memo: path.NewMemo(memoEntries),
		log: cfg.Log, metrics: m, known: newKnownEvidence(), pack: packer, hints: h, certs: certs, chains: chains, sealKeys: cfg.keys(),
	}, nil
}

func (cfg *Config) complete() error {
	switch {
	case cfg.Now == nil:
		return errors.New("Config.Now is missing")
	case cfg.Trust == nil:
		return errors.New("Config.Trust is missing")
	case cfg.DB != nil && cfg.Audit == nil:
		return errors.New("Config.Audit is missing")
	case (cfg.SealKey != nil || len(cfg.SealKeys) > 0) && (cfg.SealKey == nil || len(cfg.SealChain) == 0 || cfg.DB == nil):
		return errors.New("Config.SealChain or Config.DB is missing: nothing is sealed without a certificate and an audit entry")
	}
	switch cfg.Revocation {
	case "":
		cfg.Revocation = RevocationRequired
	case RevocationRequired, RevocationOffline, RevocationOff:
	default:
		return fmt.Errorf("there is no revocation mode %q", cfg.Revocation)
	}
	setDefault(&cfg.SealName, "seal")
	for name, k := range cfg.SealKeys {
		if name == "" || name == cfg.SealName || k.Key == nil || len(k.Chain) == 0 {
			return fmt.Errorf("Config.SealKeys: %q has no name of its own, no key or no certificate", name)
		}
	}
	setDefault(&cfg.DocumentBytesMax, 64<<20)
	setDefault(&cfg.GatherTimeout, 20*time.Second)
	setDefault(&cfg.OCSPReuse, time.Minute)
	setDefault(&cfg.SealCheck, time.Minute)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// keys are those that seal.
func (cfg *Config) keys() map[string]*sealKey {
	if cfg.SealKey == nil {
		return nil
	}
	first := &sealKey{SigningKey: SigningKey{Key: cfg.SealKey, Chain: cfg.SealChain}}
	out := map[string]*sealKey{"": first, cfg.SealName: first}
	for name, k := range cfg.SealKeys {
		out[name] = &sealKey{SigningKey: k}
	}
	return out
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// setting is under which circumstances a document is judged.
func (s *Service) setting(at, now time.Time) engine.Setting {
	return engine.Setting{
		At: at, Now: now, Trust: s.trust, Policy: s.policy, Algorithms: algo.DefaultReliability(), Memo: s.memo, Known: s.certs, Chains: s.chains,
	}
}
