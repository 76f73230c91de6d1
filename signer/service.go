package signer

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"qaqpa/signer/audit"
	"qaqpa/signer/fetch"
	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
)

// Errors of the service. They come wrapped; compare with errors.Is.
var (
	// ErrRequest: the request cannot be used, such as an empty document or a missing actor.
	ErrRequest = errors.New("unusable request")
	// ErrTooLarge: the document exceeds Config.DocumentBytesMax.
	ErrTooLarge = errors.New("document too large")
	// ErrNoSealKey: the service has no key to seal with.
	ErrNoSealKey = errors.New("no seal key")
	// ErrSealCertificate: the seal's certificate is out of date, unfit for signing, or not that of the key.
	ErrSealCertificate = errors.New("seal certificate unusable")
	// ErrVerdictNotFound: no verdict has this id.
	ErrVerdictNotFound = errors.New("no such verdict")
)

// Revocation says how the state of certificates enters a verdict.
type Revocation string

// Modes of revocation checking.
const (
	// RevocationRequired: each certificate below the anchor must be shown not to be revoked, else the verdict is
	// indeterminate. The default.
	RevocationRequired Revocation = "required"
	// RevocationOffline: as RevocationRequired, but only what the document carries is used and nothing is fetched.
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
	// Audit writes the trail; obligatory with DB.
	Audit *audit.Log
	// SealKey signs; nil: Seal returns ErrNoSealKey.
	SealKey crypto.Signer
	// SealChain is the certificate of SealKey, then those above it as far as they shall go into a seal; obligatory with
	// SealKey.
	SealChain []*pkix.Certificate
	// Revocation mode; empty: RevocationRequired.
	Revocation Revocation
	// DocumentBytesMax bounds Document and Detached each. Default 64 MiB.
	DocumentBytesMax int
	// Now is the clock; obligatory.
	Now func() time.Time
	// Log takes what needs an operator's eye; nil: nothing is logged.
	Log *slog.Logger
	// Registerer takes the metrics; nil: none.
	Registerer prometheus.Registerer
}

// Service validates and seals. Safe for concurrent use.
type Service struct{ cfg Config }

// New checks the configuration and makes a Service.
func New(cfg Config) (*Service, error) {
	switch {
	case cfg.Now == nil:
		return nil, errors.New("signer: Config.Now is missing")
	case cfg.Trust == nil:
		return nil, errors.New("signer: Config.Trust is missing")
	case cfg.DB != nil && cfg.Audit == nil:
		return nil, errors.New("signer: Config.Audit is missing")
	}
	return &Service{cfg: cfg}, nil
}

// Verdict returns a stored verdict as it was given. ErrVerdictNotFound when there is none.
func (s *Service) Verdict(ctx context.Context, id string) (Verdict, error) {
	return s.loadVerdict(ctx, id)
}
