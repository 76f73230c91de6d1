package payment

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
)

// ClerkConfig configures a [Clerk]. All but Privacy is obligatory.
type ClerkConfig struct {
	DB *sqlx.DB
	// Sealer seals the copies, Verifier tells what stored verdicts rest on, see [VerdictReader].
	Sealer   Sealer
	Verifier Verifier
	Auditor  Auditor
	Now      func() time.Time
	// Privacy opens personal data; nil: they are stored as they stand.
	Privacy *Privacy
}

// Clerk makes copies of receipts at the command line. It moves no money and needs no key but that of the seal.
type Clerk struct{ service *Service }

// NewClerk checks the configuration and returns a clerk.
func NewClerk(cfg ClerkConfig) (*Clerk, error) {
	if cfg.Sealer == nil || cfg.Verifier == nil {
		return nil, errors.New("payment: a required field of ClerkConfig is missing")
	}
	registrar, err := NewRegistrar(RegistrarConfig{DB: cfg.DB, Auditor: cfg.Auditor, Now: cfg.Now, Privacy: cfg.Privacy})
	if err != nil {
		return nil, err
	}
	return &Clerk{&Service{
		Registrar: registrar, cfg: Config{DB: cfg.DB, Sealer: cfg.Sealer, Verifier: cfg.Verifier, Auditor: cfg.Auditor, Now: cfg.Now, Privacy: cfg.Privacy},
	}}, nil
}

// Receipt is [Service.Receipt].
func (c *Clerk) Receipt(ctx context.Context, id string) (Receipt, error) {
	return c.service.Receipt(ctx, id)
}

// CourtCopy is [Service.CourtCopy].
func (c *Clerk) CourtCopy(ctx context.Context, ask CourtAsk) (CourtCopy, error) {
	return c.service.CourtCopy(ctx, ask)
}
