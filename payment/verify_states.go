package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"qaqpa/payment/ledger"
	"qaqpa/payment/receipt"
)

// states looks for rows whose states do not fit together. Each query lists what must not be.
func (w *walk) states(ctx context.Context, bucket int) error {
	for _, rule := range []struct{ text, query string }{
		{"debt %s is reserved by no order that is being paid", `
			SELECT d.id FROM debts d
			LEFT JOIN order_items i ON i.bucket = d.bucket AND i.order_id = d.order_id AND i.debt_id = d.id
			LEFT JOIN orders o ON o.bucket = i.bucket AND o.id = i.order_id AND o.state IN ('authorised', 'executing', 'unknown')
			WHERE d.bucket = $1 AND d.state = 'reserved' AND o.id IS NULL`},
		{"order %s is being paid without having reserved its debts", `
			SELECT DISTINCT o.id FROM orders o
			JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id
			JOIN debts d ON d.bucket = i.bucket AND d.id = i.debt_id
			WHERE o.bucket = $1 AND o.state IN ('authorised', 'executing', 'unknown')
				AND NOT i.instalment AND (d.state <> 'reserved' OR d.order_id <> o.id OR d.amount <> i.amount + i.discount)`},
		{"what is held of debt %s is not what orders on their way pay of it", `
			SELECT coalesce(d.id, t.debt_id) FROM (SELECT id, part_held FROM debts WHERE bucket = $1 AND part_held > 0) d
			FULL JOIN (SELECT i.debt_id, sum(i.amount) AS held FROM orders o JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id
				WHERE o.bucket = $1 AND o.state IN ('authorised', 'executing', 'unknown') AND i.instalment GROUP BY 1) t ON t.debt_id = d.id
			WHERE t.held IS DISTINCT FROM d.part_held`},
		{"what is paid of debt %s is not the sum of its instalments", `
			SELECT coalesce(d.id, t.debt_id) FROM (SELECT id, part_paid FROM debts WHERE bucket = $1 AND part_paid > 0) d
			FULL JOIN (SELECT debt_id, sum(amount) AS paid FROM transfers WHERE bucket = $1 AND kind = 'payment' AND instalment GROUP BY 1) t ON t.debt_id = d.id
			WHERE t.paid IS DISTINCT FROM d.part_paid`},
		{"what is owed again of debt %s is not what was given back of it", `
			SELECT coalesce(d.id, t.debt_id) FROM (SELECT id, part_restored FROM debts WHERE bucket = $1 AND part_restored > 0) d
			FULL JOIN (SELECT debt_id, sum(amount) AS restored FROM refunds WHERE bucket = $1 AND successor = debt_id GROUP BY 1) t ON t.debt_id = d.id
			WHERE t.restored IS DISTINCT FROM d.part_restored`},
		{"order %s and its attempt are in states that do not fit", `
			SELECT o.id FROM orders o LEFT JOIN attempts a ON a.bucket = o.bucket AND a.id = o.attempt_id
			WHERE o.bucket = $1 AND o.attempt_id IS NOT NULL AND (a.id IS NULL OR a.order_id <> o.id OR a.amount <> o.amount
				OR a.bank_bic <> o.bank_bic OR (o.state, a.state) NOT IN (('authorised', 'prepared'), ('executing', 'sent'),
				('unknown', 'unknown'), ('unknown', 'absent'), ('executed', 'executed'), ('refused', 'refused')))`},
		{"attempt %s belongs to no order", `
			SELECT a.id FROM attempts a LEFT JOIN orders o ON o.bucket = a.bucket AND o.id = a.order_id AND o.attempt_id = a.id
			WHERE a.bucket = $1 AND o.id IS NULL`},
		{"order %s was paid without a stored signature", `
			SELECT o.id FROM orders o LEFT JOIN authorisations s ON s.bucket = o.bucket AND s.order_id = o.id
			WHERE o.bucket = $1 AND o.attempt_id IS NOT NULL AND s.order_id IS NULL`},
		{"order %s is executed without a stored message of the bank", `
			SELECT o.id FROM orders o LEFT JOIN bank_messages m ON m.bucket = o.bucket AND m.attempt_id = o.attempt_id AND m.outcome = 'executed'
			WHERE o.bucket = $1 AND o.state = 'executed' AND m.attempt_id IS NULL`},
		{"items of order %s do not add up", `
			SELECT o.id FROM orders o JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id
			WHERE o.bucket = $1 GROUP BY o.id, o.amount HAVING sum(i.amount) <> o.amount`},
		{"events of order %s do not lead to its state", `
			SELECT o.id FROM orders o LEFT JOIN order_events e ON e.bucket = o.bucket AND e.order_id = o.id AND e.seq = o.events
			WHERE o.bucket = $1 AND (e.seq IS NULL OR e.to_state <> o.state)`},
		{"order %s has a receipt that does not exist", `
			SELECT o.id FROM orders o LEFT JOIN receipts r ON r.bucket = o.bucket AND r.id = o.receipt_id AND r.order_id = o.id
			WHERE o.bucket = $1 AND o.receipt_id IS NOT NULL AND r.id IS NULL`},
		{"receipt %s belongs to no order", `
			SELECT r.id FROM receipts r LEFT JOIN orders o ON o.bucket = r.bucket AND o.id = r.order_id AND (o.receipt_id = r.id OR r.part > 1)
			WHERE r.bucket = $1 AND o.id IS NULL`},
		{"order %s has not a receipt for each of its parts", `
			SELECT o.id FROM orders o WHERE o.bucket = $1 AND o.receipt_id IS NOT NULL
				AND EXISTS (SELECT 1 FROM order_items i WHERE i.bucket = o.bucket AND i.order_id = o.id
					AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.bucket = i.bucket AND r.order_id = i.order_id AND r.part = i.part))`},
		{"parts of order %s are not those of its items", `
			SELECT DISTINCT coalesce(t.order_id, l.order_id) FROM
				(SELECT i.bucket, i.order_id, i.part, sum(i.amount) AS amount, min(i.agency_id) AS agency, max(i.agency_id) AS other
				FROM order_items i WHERE i.bucket = $1 AND i.part > 0 GROUP BY 1, 2, 3) t
			FULL JOIN (SELECT * FROM order_allocations WHERE bucket = $1) l ON l.order_id = t.order_id AND l.part = t.part
			WHERE t.amount IS DISTINCT FROM l.amount OR t.agency <> l.agency_id OR t.other <> l.agency_id`},
	} {
		var bad []string
		if err := all(ctx, w.tx, &bad, rule.query+` LIMIT 100`, bucket); err != nil {
			return err
		}
		for _, id := range bad {
			w.report.problem("bucket %d: "+rule.text, bucket, id)
		}
	}
	return nil
}

// guarantees compares each bank's guarantee with its deposit in the ledger, and what is counted against it with the orders on their way and
// the ledger.
func (w *walk) guarantees(ctx context.Context) error {
	var rows []struct {
		Bank      string `db:"bank_bic"`
		Amount    *int64 `db:"amount"`
		Committed int64  `db:"committed"`
		OnTheWay  int64  `db:"on_the_way"`
	}
	err := all(ctx, w.tx, &rows, `SELECT g.bank_bic, g.amount, g.committed, (SELECT coalesce(sum(o.amount), 0)::bigint FROM orders o
			WHERE o.bank_bic = g.bank_bic AND o.state IN ('authorised', 'executing', 'unknown')) AS on_the_way
		FROM guarantees g ORDER BY g.bank_bic`)
	for _, r := range rows {
		if deposit := w.report.Balances[ledger.BankGuarantee(r.Bank)]; deposit != tiynOf(r.Amount) {
			w.report.problem("guarantee of %s: it is %d tiyn, and %d are deposited in the ledger", r.Bank, tiynOf(r.Amount), deposit)
		}
		if r.Amount == nil { // then nothing is counted
			continue
		}
		if owed := w.report.Balances[ledger.BankDue(r.Bank)]; r.Committed != owed+r.OnTheWay {
			w.report.problem("guarantee of %s: %d tiyn are counted for %d owed and %d on the way", r.Bank, r.Committed, owed, r.OnTheWay)
		}
	}
	return err
}

// receipts verifies each receipt as a stranger would.
func (w *walk) receipts(ctx context.Context, bucket int) error {
	for last := ""; ; {
		var rows []struct {
			ID     string `db:"id"`
			Code   string `db:"code"`
			Order  string `db:"order_id"`
			Core   []byte `db:"core"`
			PDF    []byte `db:"pdf"`
			Digest string `db:"pdf_sha256"`
		}
		const page = 50 // pages of receipts are large
		err := all(ctx, w.tx, &rows, `SELECT id, code, order_id, core, pdf, pdf_sha256 FROM receipts WHERE bucket = $1 AND id > $2 ORDER BY id LIMIT $3`,
			bucket, last, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := w.openReceipt(ctx, r.ID, &r.Core, &r.PDF); errors.Is(err, ErrSealed) {
				return err
			} else if err != nil {
				w.report.problem("receipt %s: %v", r.ID, err)
				continue
			}
			core, _, err := receipt.Verify(r.Core, w.keys)
			if err != nil {
				w.report.problem("receipt %s: %v", r.ID, err)
				continue
			}
			digest := sha256.Sum256(r.PDF)
			if core.ID != r.ID || core.Code != r.Code || core.Order != r.Order || !receipt.BeginsWithPage(r.PDF, core) || hex.EncodeToString(digest[:]) != r.Digest {
				w.report.problem("receipt %s: differs from its row or its page", r.ID)
			}
			w.report.Receipts++
		}
		if len(rows) < page {
			return nil
		}
		last = rows[len(rows)-1].ID
	}
}

func (w *walk) openReceipt(ctx context.Context, id string, core, pdf *[]byte) (err error) {
	if *core, err = w.private.open(ctx, *core, place("receipts", "core", id)); err != nil {
		return err
	}
	*pdf, err = w.private.open(ctx, *pdf, place("receipts", "pdf", id))
	return err
}
