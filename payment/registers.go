package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/recon"
	"qaqpa/payment/register"
)

// registerMax bounds how many payments are read for registers at once: some ten times the busiest day of one bank.
const registerMax = 500_000

// BankPayments asks for executed payments of a bank.
type BankPayments struct {
	Bank string
	// From and To are banking days, both included.
	From, To catalog.Date
	// KBK and Beneficiary (its BIN) narrow, empty ones do not.
	KBK, Beneficiary string
	// Agency limits it to payments for its services; empty means all.
	Agency string
	// Account is the bank's account from which it orders the sums on. Formats that are orders need it.
	Account string
}

// BankPayment is an executed payment and whether a statement has shown it.
type BankPayment struct {
	register.Payment
	Settled bool
}

// paidRow is a paid debt.
type paidRow struct {
	Attempt    string     `db:"attempt"`
	PaidOn     time.Time  `db:"paid_on"`
	BankRef    string     `db:"bank_reference"`
	Bank       string     `db:"bank_bic"`
	BankBIN    string     `db:"bank_bin"`
	BankName   string     `db:"bank_name"`
	PayerID    string     `db:"payer_id"`
	PayerName  string     `db:"payer_name"`
	Reference  string     `db:"reference"`
	Purpose    string     `db:"purpose"`
	Service    string     `db:"service"`
	KBK        string     `db:"kbk"`
	KNP        string     `db:"knp"`
	KBE        string     `db:"kbe"`
	Name       string     `db:"beneficiary_name"`
	BIN        string     `db:"beneficiary_bin"`
	Account    string     `db:"beneficiary_account"`
	BIC        string     `db:"beneficiary_bic"`
	Settled    bool       `db:"settled"`
	ExecutedAt *time.Time `db:"executed_at"`
	Order      string     `db:"order_id"`
	money.Amount
	// Commission and AgencyCommission are the item's shares.
	Commission       int64 `db:"commission"`
	AgencyCommission int64 `db:"agency_commission"`
}

// paid opens what a paid debt's row holds of its payer.
func (p *privacy) paid(ctx context.Context, r *paidRow) (err error) {
	if r.PayerID, err = p.number(r.PayerID); err != nil {
		return err
	}
	r.PayerName, err = p.openText(ctx, r.PayerName, place("orders", "payer_name", r.Order))
	return err
}

// paidItems joins an order o of the bank b with its debts and their services.
const paidItems = `
	JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id
	LEFT JOIN order_allocations l ON l.bucket = i.bucket AND l.order_id = i.order_id AND l.part = i.part
	JOIN debts d ON d.bucket = i.bucket AND d.id = i.debt_id
	JOIN service_versions v ON v.service_id = i.service_id AND v.version = i.service_version`

const paidColumns = `coalesce(l.reference, o.attempt_id) AS attempt, o.bank_reference, o.bank_bic, b.bin AS bank_bin, b.name AS bank_name, o.payer_id, o.payer_name, o.executed_at,
	d.reference, d.purpose, v.name_ru AS service, v.kbk, v.knp, v.kbe, v.beneficiary_name, v.beneficiary_bin, v.beneficiary_account, v.beneficiary_bic, i.amount, i.currency, o.id AS order_id, i.commission, i.agency_commission`

// PaymentsOfBank lists what a bank has confirmed, by banking day as reconciliation counts it, one for each debt that was paid. It sees
// what the workers have brought to the expectations of reconciliation, seconds behind. Errors: register.ErrInvalid for more than 500,000
// payments, and those of the database.
func PaymentsOfBank(ctx context.Context, db *sqlx.DB, secrets *Privacy, q BankPayments) ([]BankPayment, error) {
	private, err := newPrivacy(secrets)
	if err != nil {
		return nil, err
	}
	var rows []paidRow
	err = all(ctx, db, &rows, `
		SELECT `+paidColumns+`, e.paid_on,
			EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = e.bucket AND m.expectation = e.no AND m.undone_at IS NULL) AS settled
		FROM expectations e
		JOIN attempts a ON a.bucket = (e.no & $7)::integer AND a.id = e.source
		JOIN orders o ON o.bucket = a.bucket AND o.id = a.order_id
		JOIN journal j ON j.bucket = a.bucket AND j.seq = e.no / ($7 + 1)
		JOIN banks b ON b.bic = o.bank_bic`+paidItems+`
		WHERE i.part = j.part AND e.bucket = $1 AND e.bank_bic = $2 AND e.kind = 'payment' AND e.paid_on BETWEEN $3::date AND $4::date
			AND ($5 = '' OR v.kbk = $5) AND ($6 = '' OR v.beneficiary_bin = $6)
			AND ($9 = '' OR i.service_id IN (SELECT id FROM services WHERE agency_id = $9))
		ORDER BY e.paid_on, e.no, i.debt_id LIMIT $8`,
		bucketOf(q.Bank), q.Bank, string(q.From), string(q.To), q.KBK, q.Beneficiary, ledger.Buckets-1, registerMax+1, q.Agency)
	if err != nil {
		return nil, err
	}
	if len(rows) > registerMax {
		return nil, fmt.Errorf("couldn't list more than %d payments: narrow the days: %w", registerMax, register.ErrInvalid)
	}
	out := make([]BankPayment, len(rows))
	for i := range rows {
		if err := private.paid(ctx, &rows[i]); err != nil {
			return nil, err
		}
		out[i] = BankPayment{Payment: rows[i].payment(q.Account), Settled: rows[i].Settled}
	}
	return out, nil
}

// payment makes the form of registers: the bank orders the sum, the citizen is for whom it is paid (UltmtDbtr), by whose number the tax
// office posts it.
func (r *paidRow) payment(account string) register.Payment {
	purpose := r.Purpose
	if purpose == "" {
		purpose = r.Service
	}
	day := catalog.Date(r.PaidOn.Format(time.DateOnly))
	if r.PaidOn.IsZero() && r.ExecutedAt != nil {
		day = catalog.DateOf(*r.ExecutedAt)
	}
	return register.Payment{
		ID: string(recon.Reference([]byte(r.Attempt))), BankRef: r.BankRef, Day: day, Amount: r.Amount,
		Payer:       register.Party{Name: register.Name(r.BankName), ID: r.BankBIN, Organisation: true, Account: account, BIC: r.Bank, Code: bankCode},
		For:         &register.Party{Name: register.Name(r.PayerName), ID: r.PayerID},
		Beneficiary: register.Party{Name: register.Name(r.Name), ID: r.BIN, Organisation: true, Account: r.Account, BIC: r.BIC, Code: r.KBE},
		KBK:         r.KBK, KNP: r.KNP, UIP: r.Reference, Purpose: purpose,
		Commission: r.Commission, AgencyCommission: r.AgencyCommission,
	}
}

// bankCode is the КОд of a second-level bank: resident, sector 4.
const bankCode = "14"

// MakeRegister lists a part that has bank and day, what was taken back apart, named as reconciliation names the batch that the bank may book for it.
func MakeRegister(part register.Part, sender string, at time.Time) (*register.Register, error) {
	k := part.Key
	on, err := time.Parse(time.DateOnly, string(k.Day))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the day of a register: %w", err)
	}
	r := &register.Register{ID: recon.Batch(k.Bank, on, k.KBK), Number: 1, Day: k.Day, Bank: k.Bank, Sender: sender, CreatedAt: at}
	for _, p := range part.Payments {
		if p.Back == "" {
			r.Payments = append(r.Payments, p)
		} else {
			r.Refunds = append(r.Refunds, p)
		}
	}
	return r, nil
}

// DisclosureRequest is what an agency or a court asks about payments of a person or organisation (R10).
type DisclosureRequest struct {
	// Number and Requester name the request, Ground the rule on which it stands.
	Number, Requester, Ground string
	// Payer is the IIN or BIN, From and To the days of execution in Almaty, both included.
	Payer    string
	From, To catalog.Date
	// Agency limits it to payments for services of this agency; empty means all.
	Agency string
	// Actor is who answers, for the audit log.
	Actor string
	// Privacy opens what is sealed of persons; nil where nothing is.
	Privacy *Privacy
}

// Disclose answers a request, and writes into the audit log who was told about whom, in one transaction: no answer leaves without its
// entry. An answer may be empty. Errors: register.ErrInvalid where number, requester or ground are missing, and those of the database.
func Disclose(ctx context.Context, db *sqlx.DB, audit Auditor, r DisclosureRequest, now func() time.Time) (*register.Disclosure, error) {
	if r.Number == "" || r.Requester == "" || r.Ground == "" || !catalog.ValidPayerID(r.Payer) || !r.From.Valid() || !r.To.Valid() {
		return nil, fmt.Errorf("couldn't take a request without number, requester, ground, payer and days: %w", register.ErrInvalid)
	}
	s := newStore(db, now)
	private, err := newPrivacy(r.Privacy)
	if err != nil {
		return nil, err
	}
	var answer *register.Disclosure
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		var rows []paidRow
		err := all(ctx, tx, &rows, `
			SELECT `+paidColumns+`, '0001-01-01'::date AS paid_on, false AS settled
			FROM orders o JOIN banks b ON b.bic = o.bank_bic`+paidItems+`
			WHERE o.bucket = $1 AND o.payer_id = ANY($2) AND o.state = 'executed' AND o.executed_at >= $3 AND o.executed_at < $4
				AND ($6 = '' OR i.service_id IN (SELECT id FROM services WHERE agency_id = $6))
			ORDER BY o.executed_at, o.id, i.debt_id LIMIT $5`,
			bucketOf(r.Payer), private.forms(r.Payer), dayStart(r.From), dayStart(r.To).AddDate(0, 0, 1), registerMax+1, r.Agency)
		if err != nil {
			return err
		}
		if len(rows) > registerMax {
			return fmt.Errorf("couldn't tell of more than %d payments: narrow the days: %w", registerMax, register.ErrInvalid)
		}
		payments := make([]register.Payment, len(rows))
		for i := range rows {
			if err := private.paid(ctx, &rows[i]); err != nil {
				return err
			}
			payments[i] = rows[i].payment("")
			// The sender is the person: the bank is named beside.
			payments[i].Payer.Name, payments[i].Payer.ID = rows[i].PayerName, rows[i].PayerID
		}
		if answer, err = register.Disclose(r.Number, r.Requester, r.Ground, payments, s.now()); err != nil {
			return err
		}
		detail, err := json.Marshal(map[string]any{"requester": r.Requester, "ground": r.Ground, "from": r.From, "to": r.To, "payments": answer.Count})
		if err != nil {
			return fmt.Errorf("couldn't write an audit entry: %w", err)
		}
		return audit.Append(ctx, tx, r.Actor, "payments.disclosed", r.Number, detail)
	})
	return answer, err
}

// dayStart is when a day begins in Almaty.
func dayStart(d catalog.Date) time.Time {
	at, _ := time.ParseInLocation(time.DateOnly, string(d), catalog.Almaty()) // the caller has checked the day
	return at
}
