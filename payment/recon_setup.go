package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/money"
	"qaqpa/payment/recon"
	"qaqpa/payment/statement"
)

// BankAccount is an account of ours whose statements are reconciled.
type BankAccount struct {
	Bank string `json:"bank"`
	// Account is the IBAN, without spaces.
	Account string `json:"account"`
	// Signed says that statements are accepted with the bank's signature only.
	Signed bool `json:"signed"`
	// Reading says what is particular about its files; nil for nothing.
	Reading *statement.Reading `json:"reading,omitempty"`
}

// stored is the reading as it is kept: of a table, with the account that it is about.
func (a BankAccount) stored() (string, error) {
	if a.Reading == nil {
		return "", nil
	}
	if err := a.Reading.Check(); err != nil {
		return "", ErrInvalid.with(err.Error()).at("reading")
	}
	kept := *a.Reading
	if kept.Table != nil {
		table := *kept.Table
		table.Account, table.Currency = a.Account, string(money.KZT)
		kept.Table = &table
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("couldn't write the reading: %w", err)
	}
	return string(text), nil
}

// ReconTerms are what was agreed with a bank about statements.
type ReconTerms struct {
	Bank         string `json:"bank"`
	CutOffMinute int    `json:"cut_off_minute"`
	TermDays     int    `json:"term_days"`
	// Rules replace the ladder; nil keeps the one in force.
	Rules recon.Ladder `json:"rules,omitempty"`
	// Forwards says whether the bank sends on to the treasury what it has collected: a sum for each day, budget code and beneficiary, which
	// statements have to show from then on. Nil keeps what is in force.
	Forwards *bool `json:"forwards,omitempty"`
}

// BankDay is a day on which banks work or rest otherwise than the week says.
type BankDay struct {
	Day    string `json:"day"`
	Works  bool   `json:"works"`
	Name   string `json:"name"`
	Source string `json:"source"`
}

// RegisterAccount adds an account at a registered bank, or changes whether its statements have to be signed and how they are read.
func (r *Registrar) RegisterAccount(ctx context.Context, actor string, a BankAccount) error {
	const accountMax = 34 // of an IBAN
	if len(a.Account) == 0 || len(a.Account) > accountMax || !plainText(a.Account) {
		return ErrInvalid.with("an account has 1 to 34 letters and digits").at("account")
	}
	reading, err := a.stored()
	if err != nil {
		return err
	}
	return r.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		var known bool
		if err := one(ctx, tx, &known, `SELECT EXISTS (SELECT 1 FROM banks WHERE bic = $1)`, a.Bank); err != nil {
			return err
		}
		if !known {
			return ErrBankUnknown
		}
		if err := r.seedBank(ctx, tx, a.Bank, actor); err != nil {
			return err
		}
		var other []string
		if err := all(ctx, tx, &other, `SELECT bank_bic FROM bank_accounts WHERE account = $1 AND bank_bic <> $2`, a.Account, a.Bank); err != nil {
			return err
		}
		if len(other) > 0 {
			return ErrInvalid.with("the account is registered at " + other[0]).at("account")
		}
		if err := exec(ctx, tx, 1, `
			INSERT INTO bank_accounts (bucket, account, bank_bic, signed, created_at, reading) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (bucket, account) DO UPDATE SET signed = excluded.signed, reading = excluded.reading`,
			bucketOf(a.Bank), a.Account, a.Bank, a.Signed, r.now(), reading); err != nil {
			return err
		}
		return r.audit(ctx, tx, entry{actor, "account.registered", a.Account, a})
	})
}

// seedBank gives a bank the default rules and terms, if it has none.
func (r *Registrar) seedBank(ctx context.Context, tx *sqlx.Tx, bank, actor string) error {
	ladder, err := json.Marshal(recon.DefaultLadder())
	if err != nil {
		return fmt.Errorf("couldn't write the rules: %w", err)
	}
	terms := recon.DefaultTerms()
	result, err := tx.ExecContext(ctx, `
		INSERT INTO recon_banks (bucket, bank_bic, ladder, ladder_version, cut_off_minute, term_days, changed_at)
		VALUES ($1, $2, $3, 1, $4, $5, $6) ON CONFLICT DO NOTHING`,
		bucketOf(bank), bank, string(ladder), terms.CutOffMinute, terms.Days, r.now())
	if err != nil {
		return fmt.Errorf("couldn't set up reconciliation with %s: %w", bank, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return keepLadder(ctx, tx, ladderVersion{bank, 1, string(ladder), actor, r.now()})
}

type ladderVersion struct {
	bank    string
	version int
	ladder  string
	actor   string
	at      time.Time
}

func keepLadder(ctx context.Context, tx *sqlx.Tx, v ladderVersion) error {
	return exec(ctx, tx, 1, `INSERT INTO recon_ladders (bucket, bank_bic, version, ladder, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		bucketOf(v.bank), v.bank, v.version, v.ladder, v.actor, v.at)
}

// SetReconTerms changes cut-off, term and rules of a bank. Payments that are expected already keep their days.
func (r *Registrar) SetReconTerms(ctx context.Context, actor string, t ReconTerms) error {
	if t.Rules != nil {
		if err := t.Rules.Check(); err != nil {
			return ErrInvalid.with(err.Error()).at("rules")
		}
	}
	if t.CutOffMinute < 0 || t.CutOffMinute > 24*60 || t.TermDays < 0 || t.TermDays > 60 {
		return ErrInvalid.with("cut-off within the day, term within 60 days").at("cut_off_minute")
	}
	return r.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		head, err := lockHead(ctx, tx, bucketOf(t.Bank), t.Bank)
		if err != nil {
			return err
		}
		if t.Rules != nil {
			ladder, err := json.Marshal(t.Rules)
			if err != nil {
				return fmt.Errorf("couldn't write the rules: %w", err)
			}
			head.Ladder, head.LadderVersion = string(ladder), head.LadderVersion+1
			if err := keepLadder(ctx, tx, ladderVersion{t.Bank, head.LadderVersion, head.Ladder, actor, r.now()}); err != nil {
				return err
			}
		}
		if t.Forwards != nil {
			head.Forwards = *t.Forwards
		}
		if err := exec(ctx, tx, 1, `
			UPDATE recon_banks SET ladder = $3, ladder_version = $4, cut_off_minute = $5, term_days = $6, changed_at = $7, forwards = $8
			WHERE bucket = $1 AND bank_bic = $2`,
			head.Bucket, head.Bank, head.Ladder, head.LadderVersion, t.CutOffMinute, t.TermDays, r.now(), head.Forwards); err != nil {
			return err
		}
		return r.audit(ctx, tx, entry{actor, "recon.terms-set", t.Bank, t})
	})
}

// SetBankDays adds days to the calendar of banks, or changes them.
func (r *Registrar) SetBankDays(ctx context.Context, actor string, days []BankDay) error {
	n := len(days)
	const daysMax = 1000
	if n == 0 || n > daysMax {
		return ErrInvalid.with("1 to 1,000 days at a time").at("days")
	}
	dates, names, sources, works := make([]string, n), make([]string, n), make([]string, n), make([]bool, n)
	seen := map[string]bool{}
	for i, d := range days {
		if _, err := time.Parse(time.DateOnly, d.Day); err != nil || d.Name == "" || seen[d.Day] {
			return ErrInvalid.with("a day needs a date of its own, YYYY-MM-DD, and a name").at(fmt.Sprintf("days[%d]", i))
		}
		seen[d.Day] = true
		dates[i], names[i], sources[i], works[i] = d.Day, d.Name, d.Source, d.Works
	}
	return r.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := exec(ctx, tx, int64(n), `
			INSERT INTO bank_days (day, works, name, source)
			SELECT day, works, name, source FROM unnest($1::date[], $2::boolean[], $3::text[], $4::text[]) AS t (day, works, name, source)
			ON CONFLICT (day) DO UPDATE SET works = excluded.works, name = excluded.name, source = excluded.source`,
			pq.Array(dates), pq.Array(works), pq.Array(names), pq.Array(sources)); err != nil {
			return err
		}
		return r.audit(ctx, tx, entry{actor, "recon.days-set", "calendar", days})
	})
}

// lockHead locks the row of a bank until the transaction ends, or returns [ErrBankUnknown].
func lockHead(ctx context.Context, tx *sqlx.Tx, bucket int, bank string) (headRow, error) {
	var head headRow
	err := one(ctx, tx, &head, `SELECT `+headColumns+` FROM recon_banks WHERE bucket = $1 AND bank_bic = $2 FOR UPDATE`, bucket, bank)
	return head, orMissing(err, ErrBankUnknown)
}

// calendar reads the banking calendar.
func calendar(ctx context.Context, q sqlx.QueryerContext) (recon.Calendar, error) {
	var rows []struct {
		Day   time.Time `db:"day"`
		Works bool      `db:"works"`
	}
	if err := all(ctx, q, &rows, `SELECT day, works FROM bank_days`); err != nil {
		return recon.Calendar{}, err
	}
	c := recon.Calendar{Closed: map[recon.Day]bool{}, Open: map[recon.Day]bool{}}
	for _, row := range rows {
		day := row.Day.UTC()
		if row.Works {
			c.Open[day] = true
		} else {
			c.Closed[day] = true
		}
	}
	return c, nil
}

// plainText reports whether a text has letters and digits only.
func plainText(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
