package payment

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// charge decides what the bank takes for a drafted order on a day, and freezes it in the document and the rows.
func charge(terms []commission.Terms, on catalog.Date, o *orderRow, doc *order.Document, items []itemRow) error {
	decided, err := decideFor(terms, o.Bank, on, doc.Items)
	if err != nil {
		return ErrAmountTooLarge.because(err)
	}
	doc.Charge(decided)
	for i := range items {
		items[i].Commission, items[i].AgencyCommission = doc.Items[i].Commission, doc.Items[i].AgencyCommission
	}
	o.Commission, _ = doc.Charged()
	if o.Tiyn+o.Commission > catalog.TiynMax {
		return ErrAmountTooLarge
	}
	return nil
}

func decideFor(terms []commission.Terms, bank string, on catalog.Date, items []order.DocumentItem) (commission.Decision, error) {
	list := make([]commission.Item, len(items))
	for i, item := range items {
		list[i] = commission.Item{Service: item.Service, Agency: item.Agency, KBK: item.KBK, Tiyn: item.Tiyn}
	}
	return commission.Decide(terms, bank, on, list)
}

// commissionHolds refuses a document whose commission is no longer what the bank would take today: terms may have come into force since
// the payer saw it. He pays what he was shown, or is asked again.
func (s *Service) commissionHolds(ctx context.Context, q sqlx.QueryerContext, o *orderRow, doc order.Document) error {
	terms, err := loadTerms(ctx, q, o.Bank)
	if err != nil {
		return err
	}
	now, err := decideFor(terms, o.Bank, catalog.DateOf(s.now()), doc.Items)
	if err != nil {
		return ErrCommissionChanged.because(err)
	}
	var shown []commission.Charge
	if doc.Commission != nil {
		shown = doc.Commission.Charges
	}
	if len(shown) != len(now.Charges) || (len(shown) > 0 && !reflect.DeepEqual(shown, now.Charges)) {
		return ErrCommissionChanged.with(fmt.Sprintf("the bank would take %d tiyn", now.Total()))
	}
	return nil
}

// commissionOf is the posting of an executed order's commission; ok is false where there is none. What the payer pays, the bank has taken
// already; what agencies bear, they owe it.
func commissionOf(o *orderRow, doc order.Document, now time.Time) (p ledger.Posting, ok bool, err error) {
	r := postingRequest{kind: ledger.Commission, bucket: o.Bucket, subject: o.ID, reason: "commission of an executed payment"}
	earned := ledger.BankCommission(o.Bank)
	payer, _ := doc.Charged()
	if payer > 0 {
		r.legs = append(r.legs, ledger.Transfer{Debit: ledger.BankCharged(o.Bank), Credit: earned, Amount: money.FromTiyn(payer)})
	}
	at := map[string]int{}
	for _, item := range doc.Items {
		if item.AgencyCommission == 0 {
			continue
		}
		i, seen := at[item.Agency]
		if !seen {
			i, at[item.Agency] = len(r.legs), len(r.legs)
			r.legs = append(r.legs, ledger.Transfer{Debit: ledger.AgencyCommission(item.Agency, o.Bank), Credit: earned, Amount: money.FromTiyn(0)})
		}
		r.legs[i].Tiyn += item.AgencyCommission
	}
	if len(r.legs) == 0 {
		return ledger.Posting{}, false, nil
	}
	p, err = r.posting(now)
	return p, true, err
}

// chargedBack decides what of the commission is given back with a refund: all of it, when the payment is given back whole and the terms under
// which it was taken say so; otherwise nothing.
func (a *asking) chargedBack(o *orderRow, x *refundRow) error {
	if x.Kind != refund.PayBack {
		return nil
	}
	doc, err := order.ReadStored(o.Document)
	if err != nil {
		return err
	}
	for _, item := range doc.Items {
		charge := doc.ChargeOf(item)
		// A share can be a part that a correction has moved: that is not the payment whole.
		if item.Debt != x.Debt || item.Tiyn != x.Tiyn || charge == nil || charge.GivenBack == commission.Never || (charge.GivenBack == commission.OnFault && !a.req.Fault) {
			continue
		}
		x.Commission, x.AgencyCommission = item.Commission, item.AgencyCommission
	}
	return nil
}
