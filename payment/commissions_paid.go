package payment

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

const prefixCommissionPayment = "cmp_"

// States of a [CommissionPayment].
const (
	commissionPaidOpen     = "open"
	commissionPaidBooked   = "booked"
	commissionPaidRejected = "rejected"
)

// CommissionPaid says that an agency has paid commissions which it bears, outside of the gateway: to its bank, which billed them, or to its
// beneficiaries, out of whose money the bank had kept them back.
type CommissionPaid struct {
	Agency string `json:"agency"`
	Bank   string `json:"bank"`
	// MadeGood says that the beneficiaries have got the amount, and not the bank.
	MadeGood bool `json:"made_good,omitempty"`
	// Tiyn that were paid.
	Tiyn int64 `json:"amount"`
	// PaidOn is the day of the payment order, not after today, and Reference its number, 1 to 35 characters.
	PaidOn    catalog.Date `json:"paid_on"`
	Reference string       `json:"reference"`
}

// CommissionPayment is such a payment as one operator has recorded it, and what another one said to that.
type CommissionPayment struct {
	ID string `json:"id"`
	CommissionPaid
	// State is open, booked or rejected.
	State     string     `json:"state"`
	AskedBy   string     `json:"asked_by"`
	AskedAt   time.Time  `json:"asked_at"`
	DecidedBy string     `json:"decided_by,omitempty"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
	// Owed is what the agency owes the bank beside it, or has to make good, in tiyn; only told to who records and decides.
	Owed int64 `json:"owed,omitempty"`
}

type commissionPaidRow struct {
	Bucket    int          `db:"bucket"`
	ID        string       `db:"id"`
	Agency    string       `db:"agency_id"`
	Bank      string       `db:"bank_bic"`
	MadeGood  bool         `db:"made_good"`
	Tiyn      int64        `db:"amount"`
	PaidOn    catalog.Date `db:"paid_on"`
	Reference string       `db:"reference"`
	State     string       `db:"state"`
	AskedBy   string       `db:"asked_by"`
	AskedAt   time.Time    `db:"asked_at"`
	DecidedBy string       `db:"decided_by"`
	DecidedAt *time.Time   `db:"decided_at"`
}

const commissionPaidColumns = `bucket, id, agency_id, bank_bic, made_good, amount, to_char(paid_on, 'YYYY-MM-DD') AS paid_on, reference, state, asked_by, asked_at,
	coalesce(decided_by, '') AS decided_by, decided_at`

func (r commissionPaidRow) whole(owed int64) CommissionPayment {
	return CommissionPayment{
		ID: r.ID, CommissionPaid: CommissionPaid{Agency: r.Agency, Bank: r.Bank, MadeGood: r.MadeGood, Tiyn: r.Tiyn, PaidOn: r.PaidOn, Reference: r.Reference},
		State: r.State, AskedBy: r.AskedBy, AskedAt: r.AskedAt.UTC(), DecidedBy: r.DecidedBy, DecidedAt: utc(r.DecidedAt), Owed: owed,
	}
}

func (p CommissionPaid) check(today catalog.Date) error {
	const referenceMax = 35 // of a payment order
	switch {
	case p.Tiyn <= 0 || p.Tiyn > catalog.TiynMax:
		return ErrInvalid.with("is a positive amount in tiyn").at("amount")
	case !p.PaidOn.Valid() || p.PaidOn > today:
		return ErrInvalid.with("is a day, YYYY-MM-DD, and not a coming one").at("paid_on")
	}
	if err := catalog.CheckText("reference", p.Reference, 1, referenceMax); err != nil {
		return invalidSpec(err)
	}
	return nil
}

// Owing is the account of what the agency owes, which the payment lowers.
func (p CommissionPaid) Owing() ledger.Account {
	if p.MadeGood {
		return ledger.AgencyKept(p.Agency, p.Bank)
	}
	return ledger.AgencyCommission(p.Agency, p.Bank)
}

// transfer moves what was paid from what the agency owes to what the bank, or its beneficiaries, have got.
func (p CommissionPaid) transfer() ledger.Transfer {
	got := ledger.BankCharged(p.Bank)
	if p.MadeGood {
		got = ledger.AgencyMadeGood(p.Agency, p.Bank)
	}
	return ledger.Transfer{Debit: got, Credit: p.Owing(), Amount: money.FromTiyn(p.Tiyn)}
}

// RecordCommissionPaid records that an agency has paid commissions, in the name of the operator who is idem's caller. It moves
// nothing until another operator agrees; see [Registrar.DecideCommissionPaid]. Errors: [ErrInvalid] naming the field, [ErrBankUnknown],
// [ErrAgencyUnknown], [ErrCommissionPaidTooMuch] when the agency owes less or has less to make good, [ErrCommissionPaidTwice] for a payment order that is recorded
// already, and those of [Idem].
func (r *Registrar) RecordCommissionPaid(ctx context.Context, idem Idem, paid CommissionPaid) (CommissionPayment, bool, error) {
	if err := paid.check(catalog.DateOf(r.now())); err != nil {
		return CommissionPayment{}, false, err
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (CommissionPayment, error) {
		var known string
		if err := orMissing(one(ctx, tx, &known, `SELECT bic FROM banks WHERE bic = $1`, paid.Bank), ErrBankUnknown.at("bank")); err != nil {
			return CommissionPayment{}, err
		}
		owed, err := commissionsOwed(ctx, tx, paid)
		if err != nil {
			return CommissionPayment{}, err
		}
		bucket := bucketOf(paid.Bank)
		id, err := newID(prefixCommissionPayment, bucket)
		if err != nil {
			return CommissionPayment{}, err
		}
		var rows []commissionPaidRow
		if err := all(ctx, tx, &rows, `
			INSERT INTO commission_payments (bucket, id, agency_id, bank_bic, made_good, amount, paid_on, reference, state, asked_by, asked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7::date, $8, 'open', $9, $10) ON CONFLICT DO NOTHING RETURNING `+commissionPaidColumns,
			bucket, id, paid.Agency, paid.Bank, paid.MadeGood, paid.Tiyn, paid.PaidOn, paid.Reference, idem.Caller, r.now()); err != nil {
			return CommissionPayment{}, err
		}
		if len(rows) == 0 {
			return CommissionPayment{}, ErrCommissionPaidTwice
		}
		return rows[0].whole(owed), r.audit(ctx, tx, entry{idem.Caller, "commission.payment_recorded", id, paid})
	})
}

// DecideCommissionPaid books a recorded payment, or rejects it, in the name of the operator who is idem's caller; booked not by the one who
// recorded it. Booked, the bank, or the beneficiaries, count as having got the amount, and the agency owes it no more. Errors: [ErrCommissionPaymentUnknown],
// [ErrCommissionDecided], [ErrFourEyes], [ErrCommissionPaidTooMuch] when the agency owes less by now, and those of [Idem].
func (r *Registrar) DecideCommissionPaid(ctx context.Context, idem Idem, id string, agree bool) (CommissionPayment, bool, error) {
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (CommissionPayment, error) {
		bucket, ok := bucketOfID(prefixCommissionPayment, id)
		if !ok {
			return CommissionPayment{}, ErrCommissionPaymentUnknown
		}
		var row commissionPaidRow
		if err := orMissing(one(ctx, tx, &row, `SELECT `+commissionPaidColumns+` FROM commission_payments WHERE bucket = $1 AND id = $2 FOR UPDATE`,
			bucket, id), ErrCommissionPaymentUnknown); err != nil {
			return CommissionPayment{}, err
		}
		switch {
		case row.State != commissionPaidOpen:
			return CommissionPayment{}, ErrCommissionDecided
		case agree && sameActor(row.AskedBy, idem.Caller):
			return CommissionPayment{}, ErrFourEyes
		}
		at := r.now()
		row.State, row.DecidedBy, row.DecidedAt = commissionPaidRejected, idem.Caller, &at
		var owed int64
		var err error
		if agree {
			row.State = commissionPaidBooked
			owed, err = commissionsOwed(ctx, tx, row.whole(0).CommissionPaid)
			owed -= row.Tiyn
		}
		if err != nil {
			return CommissionPayment{}, err
		}
		if err := exec(ctx, tx, 1, `UPDATE commission_payments SET state = $3, decided_by = $4, decided_at = $5 WHERE bucket = $1 AND id = $2 AND state = 'open'`,
			bucket, id, row.State, row.DecidedBy, at); err != nil {
			return CommissionPayment{}, err
		}
		if err := r.postCommissionPaid(ctx, tx, row); err != nil {
			return CommissionPayment{}, err
		}
		return row.whole(owed), r.audit(ctx, tx, entry{idem.Caller, "commission.payment_" + row.State, id, row.whole(0).CommissionPaid})
	})
}

// postCommissionPaid posts a payment that is booked.
func (r *Registrar) postCommissionPaid(ctx context.Context, tx *sqlx.Tx, row commissionPaidRow) error {
	if row.State != commissionPaidBooked {
		return nil
	}
	reason := "commissions that an agency has paid to its bank"
	if row.MadeGood {
		reason = "commissions kept back that an agency has made good"
	}
	_, err := r.postAll(ctx, tx, []postingRequest{{
		kind: ledger.Commission, bucket: row.Bucket, subject: row.ID, reason: reason, legs: []ledger.Transfer{row.whole(0).transfer()},
	}})
	if errors.Is(err, errPosted) {
		return ErrCommissionDecided
	}
	return err
}

// commissionsOwed is what an agency owes beside what it has paid. Of two who book payments of one agency at once the second waits for the first
// and sees what is left: together they would book more than was owed.
func commissionsOwed(ctx context.Context, tx *sqlx.Tx, paid CommissionPaid) (owed int64, err error) {
	known, err := lockAgencies(ctx, tx, []string{paid.Agency})
	if err != nil {
		return 0, err
	}
	if len(known) == 0 {
		return 0, ErrAgencyUnknown.at("agency")
	}
	if owed, err = postedNow(ctx, tx, paid.Owing()); err != nil {
		return 0, err
	}
	if paid.Tiyn > owed {
		return 0, ErrCommissionPaidTooMuch.with("the agency owes " + money.FromTiyn(max(owed, 0)).Decimal())
	}
	return owed, nil
}

// owedCommissions is what agencies owe a bank, of all buckets: from sums beside the journal, not from the transfers of all years. The agencies
// are locked.
func owedCommissions(ctx context.Context, tx *sqlx.Tx, bank string, agencies []string) (map[string]int64, error) {
	locked, err := lockAgencies(ctx, tx, agencies)
	if err != nil {
		return nil, err
	}
	owing := make(map[string]int64, len(locked))
	for _, agency := range locked {
		if owing[agency], err = postedNow(ctx, tx, ledger.AgencyCommission(agency, bank)); err != nil {
			return nil, err
		}
	}
	return owing, nil
}

// lockAgencies locks those agencies that are known, in the order of their names: who books what settles their commissions takes turns with
// others who do.
func lockAgencies(ctx context.Context, tx *sqlx.Tx, agencies []string) (locked []string, err error) {
	return locked, all(ctx, tx, &locked, `SELECT id FROM agencies WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`, pq.Array(agencies))
}

// CommissionPayments lists what agencies have paid, to or because of a bank, or all; open ones first, then those that were recorded last, at most 1,000.
func (r *Registrar) CommissionPayments(ctx context.Context, bank string) ([]CommissionPayment, error) {
	var rows []commissionPaidRow
	err := all(ctx, r.db, &rows, `SELECT `+commissionPaidColumns+` FROM commission_payments WHERE $1 = '' OR bank_bic = $1
		ORDER BY state <> 'open', asked_at DESC, id DESC LIMIT 1000`, bank)
	list := make([]CommissionPayment, len(rows))
	for i, row := range rows {
		list[i] = row.whole(0)
	}
	return list, err
}
