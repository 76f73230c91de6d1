package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/order"
)

// errReservation says that an order was to be executed whose debts are not reserved by it: an invariant is broken.
var errReservation = errors.New("debts of the order are not reserved by it")

// errAllocations says that the stored parts of an order are not those of its document: an invariant is broken.
var errAllocations = errors.New("parts of the order are not those of its document")

// moveReserved locks the debts of an order, which it must have reserved, and moves them. It returns what stays owed of those that
// are paid in parts.
func (s *Service) moveReserved(ctx context.Context, tx *sqlx.Tx, items []itemRow, m debtMove) (map[string]int64, error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Debt
	}
	debts, err := s.lockOwnDebts(ctx, tx, m.order.Bucket, ids)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		d := debts[item.Debt]
		if !item.Instalment && (d.State != debt.Reserved || d.Order != m.order.ID) {
			return nil, fmt.Errorf("%w: %s of %s is %s", errReservation, item.Debt, m.order.ID, d.State)
		}
	}
	return s.moveItems(ctx, tx, items, debts, m)
}

// post records an execution: debts paid, transfers, journal leaf, outbox. From its commit on the operation is guaranteed
// (R6).
func (s *Service) post(ctx context.Context, tx *sqlx.Tx, a *attemptRow, o *orderRow, now time.Time) error {
	items, err := itemsOf(ctx, tx, o.Bucket, o.ID)
	if err != nil {
		return err
	}
	rests, err := s.moveReserved(ctx, tx, items, debtMove{order: o, event: debt.Pay, paidAt: o.ExecutedAt})
	if err != nil {
		return err
	}
	if err := saveOrder(ctx, tx, o); err != nil {
		return err
	}
	doc, err := order.DecodeDocument(o.Document)
	if err != nil {
		return fmt.Errorf("couldn't read the document of %s: %w", o.ID, err)
	}
	entries, err := entriesOf(a, o, doc, now, rests)
	if err != nil {
		return err
	}
	if err := s.enqueue(ctx, tx, o, items, now); err != nil {
		return err
	}
	w, err := openJournal(ctx, tx, now, o.Bucket)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := w.execution(entry); err != nil {
			return err
		}
	}
	if taken, ok, err := commissionOf(o, doc, now); err != nil {
		return err
	} else if ok {
		if err := w.posting(taken); err != nil {
			return err
		}
	}
	return w.write(ctx, tx)
}

// entriesOf are the journal entries of an executed order, one for each allocation. rests is what stays owed of debts paid in parts.
func entriesOf(a *attemptRow, o *orderRow, doc order.Document, now time.Time, rests map[string]int64) ([]ledger.Entry, error) {
	digest := sha256.Sum256(o.Document)
	allocations := order.Allocate(doc.Items)
	entries := make([]ledger.Entry, len(allocations))
	for i, part := range allocations {
		transfers, err := transfersOf(o, part.Items)
		if err != nil {
			return nil, err
		}
		entries[i] = ledger.Entry{
			Type: ledger.EntryType, Version: ledger.EntryVersion, Bucket: o.Bucket, Order: o.ID, Attempt: a.ID,
			DocumentSHA256: hex.EncodeToString(digest[:]), PayerSHA256: ledger.PayerCommitment(doc.Nonce, o.PayerID),
			Bank: o.Bank, BankReference: *o.BankReference, ExecutedAt: o.ExecutedAt.Format(time.RFC3339Nano),
			RecordedAt: now.Format(time.RFC3339Nano), Amount: part.Amount, Transfers: transfers, Part: part.Part, Terms: termsOf(part.Items, rests),
		}
		if part.Part > 0 {
			entries[i].Parts = len(allocations)
		}
	}
	return entries, nil
}

// termsOf tells of the items that are not whole debts.
func termsOf(items []order.DocumentItem, rests map[string]int64) []ledger.Term {
	var terms []ledger.Term
	for _, item := range items {
		switch {
		case item.Discount != nil:
			d := item.Discount
			terms = append(terms, ledger.Term{Debt: item.Debt, Full: item.Full, Discount: &ledger.Discount{
				Tiyn: d.Tiyn, Percent: string(d.Percent), Until: string(d.Until),
			}})
		case item.Instalment:
			terms = append(terms, ledger.Term{Debt: item.Debt, Full: item.Full, Rest: rests[item.Debt]})
		}
	}
	return terms
}

// transfersOf makes one transfer per debt: the bank owes it, the beneficiary is due it.
func transfersOf(o *orderRow, items []order.DocumentItem) ([]ledger.Transfer, error) {
	transfers := make([]ledger.Transfer, len(items))
	for i, item := range items {
		id, err := newID(prefixTransfer, o.Bucket)
		if err != nil {
			return nil, err
		}
		transfers[i] = ledger.Transfer{
			ID: id, Debt: item.Debt, Debit: ledger.BankDue(o.Bank), Credit: ledger.BeneficiaryDue(item.Agency, item.KBK), Amount: item.Amount,
		}
		if err := transfers[i].Check(); err != nil {
			return nil, err
		}
	}
	return transfers, nil
}

// enqueue writes the webhooks of an execution, one per debt; they wait for the receipt.
func (s *Service) enqueue(ctx context.Context, tx *sqlx.Tx, o *orderRow, items []itemRow, now time.Time) error {
	n := len(items)
	ids, agencies, debts := make([]string, n), make([]string, n), make([]string, n)
	for i, item := range items {
		var err error
		if ids[i], err = newID(prefixMessage, o.Bucket); err != nil {
			return err
		}
		agencies[i], debts[i] = item.Agency, item.Debt
	}
	return exec(ctx, tx, int64(n), `
		INSERT INTO outbox (bucket, id, agency_id, order_id, debt_id, state, failures, due_at, created_at)
		SELECT $1, id, agency_id, $2, debt_id, 'waiting', 0, $3, $3 FROM unnest($4::text[], $5::text[], $6::text[]) AS t (id, agency_id, debt_id)`,
		o.Bucket, o.ID, now, pq.Array(ids), pq.Array(agencies), pq.Array(debts))
}
