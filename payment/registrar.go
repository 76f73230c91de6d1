package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
)

// RegistrarConfig configures a [Registrar]. All but AllowPrivate and Privacy is obligatory.
type RegistrarConfig struct {
	DB      *sqlx.DB
	Auditor Auditor
	// AllowPrivate admits plain HTTP beside https in the addresses of agencies and banks.
	AllowPrivate bool
	Now          func() time.Time
	// Privacy opens and seals personal data; nil: they are stored as they stand.
	Privacy *Privacy
}

// Registrar keeps agencies and banks. It needs no keys, so that an operator can use it from the command line; a
// [Service] carries one.
type Registrar struct {
	store
	auditor   Auditor
	plainHTTP bool
}

// NewRegistrar checks the configuration and returns a registrar.
func NewRegistrar(cfg RegistrarConfig) (*Registrar, error) {
	if cfg.DB == nil || cfg.Auditor == nil || cfg.Now == nil {
		return nil, errors.New("payment: a required field of RegistrarConfig is missing")
	}
	private, err := newPrivacy(cfg.Privacy)
	if err != nil {
		return nil, err
	}
	r := &Registrar{store: newStore(cfg.DB, cfg.Now), auditor: cfg.Auditor, plainHTTP: cfg.AllowPrivate}
	r.private = private
	return r, nil
}

// RegisterAgency registers an agency, or changes the one with the same BIN; a new address of its webhooks lifts a
// disablement. Errors: [ErrInvalid] naming the field, and those of [Idem].
func (r *Registrar) RegisterAgency(ctx context.Context, idem Idem, spec catalog.AgencySpec) (catalog.Agency, bool, error) {
	if err := spec.Check(r.plainHTTP); err != nil {
		return catalog.Agency{}, false, invalidSpec(err)
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (catalog.Agency, error) {
		id, err := newID(prefixAgency, -1)
		if err != nil {
			return catalog.Agency{}, err
		}
		var row agencyRow
		err = one(ctx, tx, &row, `
			INSERT INTO agencies (id, bin, name_kk, name_ru, name_en, webhook_url, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (bin) DO UPDATE SET name_kk = excluded.name_kk, name_ru = excluded.name_ru, name_en = excluded.name_en,
				webhook_url = excluded.webhook_url,
				webhook_disabled_at = CASE WHEN agencies.webhook_url = excluded.webhook_url THEN agencies.webhook_disabled_at END
			RETURNING `+agencyColumns,
			id, spec.BIN, spec.Names.KK, spec.Names.RU, spec.Names.EN, spec.WebhookURL, r.now())
		if err != nil {
			return catalog.Agency{}, err
		}
		return row.agency(), r.audit(ctx, tx, entry{idem.Caller, "agency.registered", row.ID, spec})
	})
}

// RegisterBank registers a bank, or changes the one with the same BIC. Errors: [ErrInvalid] naming the field, and those
// of [Idem].
func (r *Registrar) RegisterBank(ctx context.Context, idem Idem, spec catalog.BankSpec) (catalog.Bank, bool, error) {
	if err := spec.Check(r.plainHTTP); err != nil {
		return catalog.Bank{}, false, invalidSpec(err)
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (catalog.Bank, error) {
		var row bankRow
		err := one(ctx, tx, &row, `
			INSERT INTO banks (bic, bin, name, url, paused, created_at, files) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (bic) DO UPDATE SET bin = excluded.bin, name = excluded.name, url = excluded.url, paused = excluded.paused, files = excluded.files
			RETURNING `+bankColumns, spec.BIC, spec.BIN, spec.Name, spec.URL, spec.Paused, r.now(), spec.Files)
		if err != nil {
			return catalog.Bank{}, err
		}
		if err := exec(ctx, tx, -1, `INSERT INTO guarantees (bank_bic, committed, version, updated_at) VALUES ($1, 0, 0, $2) ON CONFLICT DO NOTHING`,
			spec.BIC, r.now()); err != nil {
			return catalog.Bank{}, err
		}
		return row.bank(), r.audit(ctx, tx, entry{idem.Caller, "bank.registered", spec.BIC, spec})
	})
}

// Agency returns an agency by id, or [ErrAgencyUnknown].
func (r *Registrar) Agency(ctx context.Context, id string) (catalog.Agency, error) {
	var row agencyRow
	err := orMissing(one(ctx, r.db, &row, `SELECT `+agencyColumns+` FROM agencies WHERE id = $1`, id), ErrAgencyUnknown)
	return row.agency(), err
}

// Banks lists the banks by BIC.
func (r *Registrar) Banks(ctx context.Context) ([]catalog.Bank, error) {
	var rows []bankRow
	if err := all(ctx, r.db, &rows, `SELECT `+bankColumns+` FROM banks ORDER BY bic`); err != nil {
		return nil, err
	}
	banks := make([]catalog.Bank, len(rows))
	for i, row := range rows {
		banks[i] = row.bank()
	}
	return banks, nil
}

// audit writes an audit entry whose detail is JSON.
func (r *Registrar) audit(ctx context.Context, tx *sqlx.Tx, e entry) error {
	return audit(ctx, tx, r.auditor, e)
}

// entry of the audit log.
type entry struct {
	actor, action, subject string
	detail                 any
}

// encode renders the entry as the auditor takes it.
func (e entry) encode() (AuditEntry, error) {
	detail, err := json.Marshal(e.detail)
	if err != nil {
		return AuditEntry{}, fmt.Errorf("couldn't encode an audit entry: %w", err)
	}
	return AuditEntry{Actor: e.actor, Action: e.action, Subject: e.subject, Detail: detail}, nil
}

// audit appends to the log within the transaction, as the last thing before its end: the log's head stays locked.
func audit(ctx context.Context, tx *sqlx.Tx, auditor Auditor, e entry) error {
	made, err := e.encode()
	if err != nil {
		return err
	}
	if err := auditor.Append(ctx, tx, made.Actor, made.Action, made.Subject, made.Detail); err != nil {
		return fmt.Errorf("couldn't write the audit entry %s: %w", e.action, err)
	}
	return nil
}

// auditAll is audit for many entries.
func auditAll(ctx context.Context, tx *sqlx.Tx, auditor Auditor, entries []AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	if many, ok := auditor.(AuditorOfMany); ok {
		if err := many.AppendAll(ctx, tx, entries); err != nil {
			return fmt.Errorf("couldn't write %d audit entries: %w", len(entries), err)
		}
		return nil
	}
	for _, e := range entries {
		if err := auditor.Append(ctx, tx, e.Actor, e.Action, e.Subject, e.Detail); err != nil {
			return fmt.Errorf("couldn't write the audit entry %s: %w", e.Action, err)
		}
	}
	return nil
}

// invalidSpec turns a refusal of package catalog into ours.
func invalidSpec(err error) error {
	if f, ok := errors.AsType[*catalog.FieldError](err); ok {
		return ErrInvalid.with(f.Rule).at(f.Field)
	}
	return ErrInvalid.because(err)
}

const (
	agencyColumns = `id, bin, name_kk, name_ru, name_en, webhook_url, webhook_disabled_at, created_at`
	bankColumns   = `bic, bin, name, url, paused, created_at, files, silent_since`
)

type agencyRow struct {
	ID         string     `db:"id"`
	BIN        string     `db:"bin"`
	KK         string     `db:"name_kk"`
	RU         string     `db:"name_ru"`
	EN         string     `db:"name_en"`
	WebhookURL string     `db:"webhook_url"`
	DisabledAt *time.Time `db:"webhook_disabled_at"`
	CreatedAt  time.Time  `db:"created_at"`
}

func (r agencyRow) agency() catalog.Agency {
	return catalog.Agency{
		ID: r.ID, BIN: r.BIN, Names: catalog.Names{KK: r.KK, RU: r.RU, EN: r.EN}, WebhookURL: r.WebhookURL,
		WebhookDisabledAt: utc(r.DisabledAt), CreatedAt: r.CreatedAt.UTC(),
	}
}

type bankRow struct {
	BIC   string `db:"bic"`
	BIN   string `db:"bin"`
	Name  string `db:"name"`
	URL   string `db:"url"`
	Files string `db:"files"`
	// SilentSince is set while the bank does not answer.
	SilentSince *time.Time `db:"silent_since"`
	Paused      bool       `db:"paused"`
	CreatedAt   time.Time  `db:"created_at"`
}

func (r bankRow) bank() catalog.Bank {
	return catalog.Bank{BIC: r.BIC, BIN: r.BIN, Name: r.Name, URL: r.URL, Files: r.Files, Paused: r.Paused, SilentSince: utc(r.SilentSince), CreatedAt: r.CreatedAt.UTC()}
}

// utc brings an optional time to UTC.
func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	t := at.UTC()
	return &t
}
