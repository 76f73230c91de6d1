package payment

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
)

// RegistrarConfig configures a [Registrar]. All but AllowPrivate is obligatory.
type RegistrarConfig struct {
	DB      *sqlx.DB
	Auditor Auditor
	// AllowPrivate admits plain HTTP beside https in the addresses of agencies and banks.
	AllowPrivate bool
	Now          func() time.Time
}

// Registrar keeps agencies and banks. It needs no keys, so that an operator can use it from the command line; a
// [Service] carries one.
type Registrar struct {
	cfg RegistrarConfig
}

// NewRegistrar checks the configuration and returns a registrar.
func NewRegistrar(cfg RegistrarConfig) (*Registrar, error) {
	if cfg.DB == nil || cfg.Auditor == nil || cfg.Now == nil {
		return nil, errors.New("payment: a required field of RegistrarConfig is missing")
	}
	return &Registrar{cfg: cfg}, nil
}

// RegisterAgency registers an agency or changes the one with the same BIN.
func (r *Registrar) RegisterAgency(ctx context.Context, idem Idem, spec catalog.AgencySpec) (catalog.Agency, bool, error) {
	return catalog.Agency{}, false, errUnbuilt
}

// RegisterBank registers a bank or changes the one with the same BIC.
func (r *Registrar) RegisterBank(ctx context.Context, idem Idem, spec catalog.BankSpec) (catalog.Bank, bool, error) {
	return catalog.Bank{}, false, errUnbuilt
}
