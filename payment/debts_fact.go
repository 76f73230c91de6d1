package payment

import (
	"context"
	"fmt"
	"time"

	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// PaymentFact tells an agency what became of one of its debts: amount, date, sender and beneficiary (R10), and of a debt that is
// paid in parts each part. Errors: [ErrDebtUnknown], [ErrDebtOfAgency].
func (s *Service) PaymentFact(ctx context.Context, agency, debtID string) (PaymentFact, error) {
	d, err := s.Debt(ctx, debtID)
	if err != nil {
		return PaymentFact{}, err
	}
	if d.Agency != agency {
		return PaymentFact{}, ErrDebtOfAgency
	}
	key := serviceKey{d.Service, d.ServiceVersion}
	services, err := loadServiceVersions(ctx, s.db, []serviceKey{key})
	if err != nil {
		return PaymentFact{}, err
	}
	fact := PaymentFact{
		Debt: d.ID, Reference: d.Reference, Agency: d.Agency, Paid: d.State == debt.Paid, State: d.State, Amount: d.Amount,
		Payer: d.Payer, Beneficiary: services[key].Beneficiary, Order: d.Order,
	}
	bucket := bucketOf(d.Payer.ID)
	var payments []executedPayment
	if err := all(ctx, s.db, &payments, `
		SELECT t.id, t.order_id, o.bank_bic, o.bank_reference, o.executed_at, coalesce(r.id, '') AS receipt_id, t.amount, t.currency, i.discount, t.instalment
		FROM transfers t JOIN orders o ON o.bucket = t.bucket AND o.id = t.order_id
		JOIN order_items i ON i.bucket = t.bucket AND i.order_id = t.order_id AND i.debt_id = t.debt_id
		LEFT JOIN receipts r ON r.bucket = i.bucket AND r.order_id = i.order_id AND r.part = i.part
		WHERE t.bucket = $1 AND t.debt_id = $2 AND t.kind = 'payment' ORDER BY t.journal_seq`, bucket, d.ID); err != nil {
		return PaymentFact{}, fmt.Errorf("couldn't find the payments of %s: %w", d.ID, err)
	}
	if len(payments) == 0 {
		return fact, nil
	}
	fact.Refunded, err = s.refundedOf(ctx, bucket, d.ID)
	last := payments[len(payments)-1]
	if last.Instalment {
		fact.Left = d.Tiyn - d.Paid
		for _, p := range payments {
			fact.Instalments = append(fact.Instalments, PaidPart{
				Order: p.Order, Transfer: p.Transfer, Bank: p.Bank, BankReference: p.BankReference, ExecutedAt: utc(p.ExecutedAt), Receipt: p.Receipt, Amount: p.Amount,
			})
		}
	} else {
		fact.Amount, fact.Discount = last.Amount, last.Discount
	}
	if !fact.Paid {
		return fact, err
	}
	fact.Transfer, fact.Bank, fact.BankReference = last.Transfer, last.Bank, last.BankReference
	fact.ExecutedAt, fact.Receipt = utc(last.ExecutedAt), last.Receipt
	return fact, err
}

// executedPayment is a transfer that paid a debt or a part of it.
type executedPayment struct {
	Transfer      string     `db:"id"`
	Order         string     `db:"order_id"`
	Bank          string     `db:"bank_bic"`
	BankReference string     `db:"bank_reference"`
	ExecutedAt    *time.Time `db:"executed_at"`
	Receipt       string     `db:"receipt_id"`
	Discount      int64      `db:"discount"`
	Instalment    bool       `db:"instalment"`
	money.Amount
}
