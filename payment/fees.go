package payment

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// FeeRequest asks to pay a fee that no agency has fed: a state duty, say, before the claim is filed.
type FeeRequest struct {
	// Service is the id of a service that may be paid without a debt.
	Service string     `json:"service"`
	Payer   debt.Payer `json:"payer"`
	// Bank is the BIC of the bank that shall execute it.
	Bank string `json:"bank"`
	// Claim in tiyn, for a tariff that is a percent of it; absent otherwise.
	Claim int64 `json:"claim,omitempty"`
	// Purpose tells the agency what the fee is for, up to 200 characters.
	Purpose string `json:"purpose,omitempty"`
	// Shown is what the payer saw, in tiyn; the order is refused when it has become another sum. Absent: whatever is due.
	Shown int64 `json:"shown,omitempty"`
}

// FeeForm is the form of a fee, filled in with what is known (R41).
type FeeForm struct {
	Service string        `json:"service"`
	Names   catalog.Names `json:"names"`
	Payer   debt.Payer    `json:"payer"`
	// Bank is the one through which the payer paid last; empty when he never did.
	Bank string `json:"bank,omitempty"`
	// NeedsClaim: the fee is a percent of a claim, and Quote is told once the claim is.
	NeedsClaim bool `json:"needs_claim,omitempty"`
	// Basis has rate and bounds, also before a claim is known.
	Basis catalog.Basis `json:"basis"`
	// Quote is what the fee comes to today.
	Quote *catalog.Quote `json:"quote,omitempty"`
}

// FeeForm fills in the form of a fee for a payer: his name as agencies last stated it, the bank through which he paid last, and what
// is due today, for a claim in tiyn where the tariff needs one. Errors: [ErrServiceUnknown], [ErrPayerIDInvalid], [ErrFeeNeedsDebt],
// [ErrNoTariff], [ErrInvalid].
func (s *Service) FeeForm(ctx context.Context, service, payer string, claim int64) (FeeForm, error) {
	if !catalog.ValidPayerID(payer) {
		return FeeForm{}, ErrPayerIDInvalid.at("payer")
	}
	v, quote, err := s.feeOf(ctx, s.db, service, claim)
	form := FeeForm{Service: v.ID, Names: v.Names, Payer: debt.Payer{ID: payer}, Basis: quote.Basis}
	switch {
	case errors.Is(err, catalog.ErrClaim):
		form.NeedsClaim = true
	case err != nil:
		return FeeForm{}, feeError(err)
	default:
		form.NeedsClaim, form.Quote = quote.Basis.Kind == catalog.Percent, &quote
	}
	return form, s.fill(ctx, &form)
}

// feeOf reckons the fee of a service as it is today. The basis stands in the quote also where a claim is missing.
func (s *store) feeOf(ctx context.Context, q sqlx.QueryerContext, service string, claim int64) (catalog.Service, catalog.Quote, error) {
	found, err := loadServices(ctx, q, `s.id = $1`, service)
	if err != nil {
		return catalog.Service{}, catalog.Quote{}, err
	}
	if len(found) == 0 {
		return catalog.Service{}, catalog.Quote{}, ErrServiceUnknown
	}
	if !found[0].WithoutDebt {
		return found[0], catalog.Quote{}, ErrFeeNeedsDebt
	}
	mrp, err := loadMRP(ctx, q)
	if err != nil {
		return found[0], catalog.Quote{}, err
	}
	quote, err := found[0].Price(catalog.Ask{On: catalog.DateOf(s.now()), Claim: claim}, mrp)
	return found[0], quote, err
}

// feeError turns what the catalogue says into a refusal.
func feeError(err error) error {
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return err
	case errors.Is(err, catalog.ErrNoTariff):
		return ErrNoTariff.with(err.Error())
	case errors.Is(err, catalog.ErrStated):
		return ErrFeeNeedsDebt
	case errors.Is(err, catalog.ErrClaim):
		return ErrInvalid.with("the fee is a percent of a claim: give its amount in tiyn").at("claim")
	}
	return invalidSpec(err)
}

// fill adds what earlier payments and debts tell of a payer.
func (s *Service) fill(ctx context.Context, form *FeeForm) error {
	var orders []orderRow
	bucket, forms := bucketOf(form.Payer.ID), s.private.forms(form.Payer.ID)
	if err := all(ctx, s.db, &orders, `SELECT id, payer_id, payer_name, bank_bic FROM orders o
		WHERE bucket = $1 AND payer_id = ANY($2) ORDER BY id DESC LIMIT 1`, bucket, forms); err != nil {
		return err
	}
	for i := range orders {
		if err := s.private.order(ctx, &orders[i]); err != nil {
			return err
		}
		form.Payer.Name, form.Bank = orders[i].PayerName, orders[i].Bank
	}
	var debts []debtRow
	if err := all(ctx, s.db, &debts, `SELECT `+debtColumns+` FROM debts d WHERE d.bucket = $1 AND d.payer_id = ANY($2) AND d.payer_name <> ''
		AND d.origin = 'agency' ORDER BY d.loaded_at DESC LIMIT 1`, bucket, forms); err != nil || len(debts) == 0 {
		return err
	}
	d, err := s.debt(ctx, debts[0])
	form.Payer.Name = d.Payer.Name
	return err
}

// CreateFeeOrder makes an order for a fee that the payer states himself: the service's tariff of today says what is due, and the
// gateway keeps the fee as a debt of its own that this order alone can pay. The agency is told of it as of any payment, with a
// reference that the gateway gives. Discounts hold as for debts that arose today. Errors: [ErrServiceUnknown], [ErrFeeNeedsDebt],
// [ErrPayerIDInvalid], [ErrNoTariff], [ErrAmountChanged], [ErrInvalid], [ErrBankUnknown], [ErrBankPaused],
// [ErrGuaranteeExhausted], and those of [Idem].
func (s *Service) CreateFeeOrder(ctx context.Context, idem Idem, req FeeRequest) (order.Order, bool, error) {
	if err := checkFee(req); err != nil {
		return order.Order{}, false, err
	}
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (order.Order, error) {
		d, err := s.feeDebt(ctx, tx, req)
		if err != nil {
			return order.Order{}, err
		}
		if err := s.insertDebts(ctx, tx, []debt.Debt{d}, d.LoadedAt); err != nil {
			return order.Order{}, err
		}
		if err := exec(ctx, tx, 1, `UPDATE debts SET origin = 'payer' WHERE bucket = $1 AND id = $2`, bucketOf(d.Payer.ID), d.ID); err != nil {
			return order.Order{}, err
		}
		made, err := s.createOf(ctx, tx, idem, order.Request{Payer: d.Payer.ID, Debts: []string{d.ID}, Bank: req.Bank}, []debt.Debt{d})
		if err == nil && req.Shown != 0 && req.Shown != made.Tiyn {
			err = ErrAmountChanged.with(fmt.Sprintf("%d tiyn are due", made.Tiyn))
		}
		return made, err
	})
}

func checkFee(req FeeRequest) error {
	const nameMax, purposeMax = 200, 200
	switch {
	case !catalog.ValidPayerID(req.Payer.ID):
		return ErrPayerIDInvalid.at("payer.id")
	case !catalog.ValidBIC(req.Bank):
		return ErrBankUnknown.at("bank")
	case req.Claim < 0 || req.Claim > catalog.ClaimMax:
		return ErrInvalid.with("is not an amount of at most 10^15 tenge").at("claim")
	case req.Shown < 0:
		return ErrAmountInvalid.at("shown")
	}
	for _, one := range []struct {
		field, text string
		most        int
	}{{"payer.name", req.Payer.Name, nameMax}, {"purpose", req.Purpose, purposeMax}} {
		if err := catalog.CheckText(one.field, one.text, 0, one.most); err != nil {
			return invalidSpec(err)
		}
	}
	return nil
}

// feeDebt is the fee as it is kept.
func (s *Service) feeDebt(ctx context.Context, tx *sqlx.Tx, req FeeRequest) (debt.Debt, error) {
	v, quote, err := s.feeOf(ctx, tx, req.Service, req.Claim)
	if err != nil {
		return debt.Debt{}, feeError(err)
	}
	now := s.now()
	d := debt.Debt{
		Agency: v.Agency, Payer: req.Payer, Service: v.ID, ServiceVersion: v.Version, Amount: money.FromTiyn(quote.Tiyn), Basis: quote.Basis,
		Purpose: req.Purpose, AroseOn: quote.On, LoadedAt: now, State: debt.Open, Version: 1,
	}
	if d.Reference, err = feeReference(); err != nil {
		return debt.Debt{}, err
	}
	d.ID, err = newID(prefixDebt, bucketOf(d.Payer.ID))
	return d, err
}

// feeReference draws the reference under which agency and payer know the fee: 80 random bits in capital letters and digits.
func feeReference() (string, error) {
	var raw [10]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", fmt.Errorf("couldn't draw a reference: %w", err)
	}
	text := base32.StdEncoding.EncodeToString(raw[:])
	return strings.Join([]string{"Q", text[:8], text[8:]}, "-"), nil
}
