package payment

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
)

// ReconcilerConfig configures a [Reconciler]. All fields but Privacy are obligatory.
type ReconcilerConfig struct {
	// DB and Bulk are as in [Config].
	DB, Bulk *sqlx.DB
	Auditor  Auditor
	Verifier Verifier
	Now      func() time.Time
	// Privacy opens payers' numbers, where they are sealed; nil elsewhere.
	Privacy *Privacy
}

// Reconciler takes in statements without the rest of the gateway: the command line has a database and no token. It may work beside
// gateways over the same database.
type Reconciler struct{ service *Service }

// NewReconciler checks the configuration.
func NewReconciler(cfg ReconcilerConfig) (*Reconciler, error) {
	if cfg.DB == nil || cfg.Bulk == nil || cfg.Auditor == nil || cfg.Verifier == nil || cfg.Now == nil {
		return nil, errors.New("payment: a required field of ReconcilerConfig is missing")
	}
	registrar, err := NewRegistrar(RegistrarConfig{DB: cfg.DB, Auditor: cfg.Auditor, Now: cfg.Now, Privacy: cfg.Privacy})
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(nil)
	if err != nil {
		return nil, err
	}
	return &Reconciler{&Service{
		Registrar: registrar, metrics: m, probeMax: probeMax, log: slog.New(slog.DiscardHandler), wakeCheckpoint: make(chan struct{}, 1),
		cfg: Config{DB: cfg.DB, Bulk: cfg.Bulk, Auditor: cfg.Auditor, Verifier: cfg.Verifier, Now: cfg.Now, Privacy: cfg.Privacy},
	}}, nil
}

// Reconcile is [Service.Reconcile].
func (r *Reconciler) Reconcile(ctx context.Context, f StatementFile) (FileReport, bool, error) {
	return r.service.Reconcile(ctx, f)
}

// WithdrawStatement is [Service.WithdrawStatement].
func (r *Reconciler) WithdrawStatement(ctx context.Context, idem Idem, id string, w StatementWithdrawal) (WithdrawnStatement, bool, error) {
	return r.service.WithdrawStatement(ctx, idem, id, w)
}
