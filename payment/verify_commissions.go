package payment

import (
	"context"
	"strings"

	"qaqpa/payment/ledger"
)

// commissions looks for commissions that are posted and not charged, or the other way round. Each query lists what must not be.
func (w *walk) commissions(ctx context.Context, bucket int) error {
	for _, rule := range []struct{ text, query string }{
		{"the commission of order %s is not that of its items", `
			SELECT o.id FROM orders o LEFT JOIN order_items i ON i.bucket = o.bucket AND i.order_id = o.id
			WHERE o.bucket = $1 GROUP BY o.id, o.commission HAVING coalesce(sum(i.commission), 0) <> o.commission`},
		{"another commission is posted for order %s than it was charged", `
			SELECT o.id FROM orders o JOIN (SELECT order_id, sum(commission) AS payer, sum(agency_commission) AS agency FROM order_items
				WHERE bucket = $1 GROUP BY order_id) i ON i.order_id = o.id
			LEFT JOIN (SELECT p.subject, coalesce(sum(t.amount) FILTER (WHERE t.debit_account LIKE 'bank:%'), 0) AS payer,
					coalesce(sum(t.amount) FILTER (WHERE t.debit_account LIKE 'agency:%'), 0) AS agency
				FROM postings p JOIN transfers t ON t.bucket = p.bucket AND t.posting_id = p.id WHERE p.bucket = $1 AND p.kind = 'commission'
				GROUP BY p.subject) c ON c.subject = o.id
			WHERE o.bucket = $1 AND (o.state = 'executed' AND (coalesce(c.payer, 0) <> i.payer OR coalesce(c.agency, 0) <> i.agency)
				OR o.state <> 'executed' AND c.subject IS NOT NULL)`},
		{"another commission is given back with refund %s than is posted", `
			SELECT r.id FROM refunds r LEFT JOIN (SELECT p.subject, sum(t.amount) AS given FROM postings p
				JOIN transfers t ON t.bucket = p.bucket AND t.posting_id = p.id WHERE p.bucket = $1 AND p.kind = 'commission' GROUP BY p.subject) c
				ON c.subject = r.id || ':commission'
			WHERE r.bucket = $1 AND coalesce(c.given, 0) <> CASE WHEN r.state = 'executed' THEN r.commission + r.agency_commission ELSE 0 END`},
		{"refund %s gives back more commission than was charged", `
			SELECT r.id FROM refunds r JOIN order_items i ON i.bucket = r.bucket AND i.order_id = r.order_id AND i.debt_id = r.debt_id
			WHERE r.bucket = $1 AND (r.commission > i.commission OR r.agency_commission > i.agency_commission)`},
		{"the refunds of debt %s give back more commission together than was charged", `
			SELECT i.debt_id FROM order_items i JOIN refunds r ON r.bucket = i.bucket AND r.order_id = i.order_id AND r.debt_id = i.debt_id AND r.state = 'executed'
			WHERE i.bucket = $1 GROUP BY i.order_id, i.debt_id, i.commission, i.agency_commission
			HAVING sum(r.commission) > i.commission OR sum(r.agency_commission) > i.agency_commission`},
		{"a commission is posted for %s, which is neither a payment nor a refund", `
			SELECT p.subject FROM postings p LEFT JOIN orders o ON o.bucket = p.bucket AND o.id = p.subject
			LEFT JOIN refunds r ON r.bucket = p.bucket AND r.id || ':commission' = p.subject
			LEFT JOIN commission_payments c ON c.bucket = p.bucket AND c.id = p.subject
			WHERE p.bucket = $1 AND p.kind = 'commission' AND o.id IS NULL AND r.id IS NULL AND c.id IS NULL`},
		{"the commission that an agency has paid by %s is not what is posted", `
			SELECT c.id FROM commission_payments c LEFT JOIN postings p ON p.bucket = c.bucket AND p.kind = 'commission' AND p.subject = c.id
			LEFT JOIN transfers t ON t.bucket = p.bucket AND t.posting_id = p.id
			WHERE c.bucket = $1 GROUP BY c.id, c.state, c.made_good, c.amount, c.agency_id, c.bank_bic HAVING CASE WHEN c.state <> 'booked' THEN count(t.id) > 0
				ELSE count(t.id) <> 1 OR min(t.amount) <> c.amount
					OR min(t.debit_account) <> CASE WHEN c.made_good THEN 'agency:' || c.agency_id || ':' || c.bank_bic || ':made-good' ELSE 'bank:' || c.bank_bic || ':charged' END
					OR min(t.credit_account) <> 'agency:' || c.agency_id || ':' || c.bank_bic || CASE WHEN c.made_good THEN ':kept' ELSE ':commission' END END`},
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

// earned sees that what each bank has earned is what it has got and what agencies owe it: no commission is lost or made.
func (w *walk) earned() {
	open := map[string]int64{}
	for account, balance := range w.report.Balances {
		parts := strings.Split(string(account), ":")
		switch {
		case len(parts) == 3 && (account == ledger.BankCommission(parts[1]) || account == ledger.BankCharged(parts[1])):
			open[parts[1]] += balance
		case len(parts) == 4 && account == ledger.AgencyCommission(parts[1], parts[2]):
			open[parts[2]] += balance
		}
	}
	for bic, rest := range open {
		if rest != 0 {
			w.report.problem("commissions of %s are not whole: %d tiyn", bic, rest)
		}
	}
}

// commissionsPaid sees that no agency has paid a bank more than was ever charged to it, by itself and by what the bank kept back, and that
// the ledger has of the latter what the matches say, less what agencies have made good.
func (w *walk) commissionsPaid(ctx context.Context) error {
	var rows []struct {
		Agency  string `db:"agency_id"`
		Bank    string `db:"bank_bic"`
		Paid    int64  `db:"paid"`
		Kept    int64  `db:"kept"`
		Made    int64  `db:"made_good"`
		Charged int64  `db:"charged"`
	}
	err := all(ctx, w.tx, &rows, `
		SELECT c.agency_id, c.bank_bic, sum(c.paid)::bigint AS paid, sum(c.kept)::bigint AS kept, sum(c.made_good)::bigint AS made_good, (
			SELECT coalesce(sum(i.agency_commission), 0) FROM order_items i JOIN orders o ON o.bucket = i.bucket AND o.id = i.order_id
			WHERE i.agency_id = c.agency_id AND i.agency_commission > 0 AND o.bank_bic = c.bank_bic AND o.state = 'executed')::bigint AS charged
		FROM (SELECT agency_id, bank_bic, coalesce(sum(amount) FILTER (WHERE NOT made_good), 0) AS paid, 0 AS kept, coalesce(sum(amount) FILTER (WHERE made_good), 0) AS made_good
				FROM commission_payments WHERE state = 'booked' GROUP BY 1, 2
			UNION ALL SELECT k.agency, x.bank_bic, 0, sum(k.amount), 0 FROM recon_kept k
				JOIN recon_matches m ON m.bucket = k.bucket AND m.statement = k.statement AND m.no = k.no AND m.part = k.part
					AND m.expectation = k.expectation AND m.turn = k.turn AND m.undone_at IS NULL
				JOIN expectations x ON x.bucket = k.bucket AND x.no = k.expectation GROUP BY 1, 2) AS c
		GROUP BY 1, 2 ORDER BY 1, 2`)
	stands := map[ledger.Account]int64{}
	for _, r := range rows {
		stands[ledger.AgencyKept(r.Agency, r.Bank)], stands[ledger.AgencyMadeGood(r.Agency, r.Bank)] = r.Kept-r.Made, r.Made
		if r.Paid+r.Kept > r.Charged {
			w.report.problem("%s has paid %s more commission than it was charged", r.Agency, r.Bank)
		}
	}
	for account := range w.report.Balances {
		parts := strings.Split(string(account), ":")
		if len(parts) == 4 && (account == ledger.AgencyKept(parts[1], parts[2]) || account == ledger.AgencyMadeGood(parts[1], parts[2])) {
			stands[account] += 0 // what stands there without any match or payment is found, too
		}
	}
	for account, tiyn := range stands {
		if balance := w.report.Balances[account]; balance != tiyn {
			w.report.problem("%s stands at %d, by what banks kept back as commission and agencies made good it is %d", account, balance, tiyn)
		}
	}
	return err
}
