package payment

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// withKept joins to matches m what their bank kept back.
const withKept = `LEFT JOIN recon_kept k ON k.bucket = $1 AND k.statement = m.statement AND k.no = m.no AND k.part = m.part AND k.expectation = m.expectation AND k.turn = m.turn`

// credited is what a line is compared with: an expectation's amount, or what is left of it when the bank keeps back the commission.
func credited(prefix string, r recon.Rule) string {
	if r.KeptBack {
		return "(" + prefix + "amount - " + prefix + "charged)"
	}
	return prefix + "amount"
}

// someCharged is the condition that of several payments one at least has a commission that could have been kept back.
func someCharged(r recon.Rule, sum string) string {
	if r.KeptBack {
		return " AND " + sum + " > 0"
	}
	return ""
}

// charges sees whether agencies bear commissions of this bank at all. Who has none pays no more than this look into an index for it.
func (m *matcher) charges(ctx context.Context) error {
	if !slices.ContainsFunc(m.ladder, func(r recon.Rule) bool { return r.KeptBack }) {
		return nil
	}
	if err := one(ctx, m.tx, &m.keeps, `SELECT EXISTS (SELECT 1 FROM expectations WHERE bucket = $1 AND bank_bic = $2 AND charged > 0)`,
		m.head.Bucket, m.head.Bank); err != nil || !m.keeps {
		return err
	}
	if err := m.exec(ctx, `CREATE TEMP TABLE rest_kept (statement bigint, no integer, part integer, expectation bigint, agency text, amount bigint) ON COMMIT DROP`); err != nil {
		return err
	}
	return m.givenBack(ctx)
}

// looped runs what finds its rows by index, line by line; see [matcher.settings].
func (m *matcher) looped(ctx context.Context, do func() error) error {
	if err := m.exec(ctx, `SET LOCAL enable_nestloop = on`); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return m.exec(ctx, `SET LOCAL enable_nestloop = off`)
}

// payingBack selects the numbers of expectations whose commission a refund gives back to the agency, or is to. The attack: a bank says that it
// gives a commission back, which the agency then owes no more, and keeps it back from the credit as well. $2 is the bank.
const payingBack = `SELECT j.seq * 256 + j.bucket AS no FROM generate_series(0, 255) AS b (bucket)
	CROSS JOIN LATERAL (SELECT bucket, order_id, debt_id FROM refunds r WHERE r.bucket = b.bucket AND r.bank_bic = $2 AND r.agency_commission > 0
		AND r.state NOT IN ('rejected', 'withdrawn', 'refused') OFFSET 0) AS r
	CROSS JOIN LATERAL (SELECT part FROM order_items i WHERE i.bucket = r.bucket AND i.order_id = r.order_id AND i.debt_id = r.debt_id OFFSET 0) AS i
	CROSS JOIN LATERAL (SELECT bucket, seq FROM journal j WHERE j.bucket = r.bucket AND j.order_id = r.order_id AND j.part = i.part OFFSET 0) AS j`

// givenBack takes the commissions that refunds give back out of what may have been kept back.
func (m *matcher) givenBack(ctx context.Context) error {
	return m.looped(ctx, func() error {
		return m.exec(ctx, `UPDATE rest_expected x SET charged = 0, charged_to = '' FROM (`+payingBack+`) AS r WHERE x.charged > 0 AND x.no = r.no AND $1::integer IS NOT NULL`,
			m.head.Bucket, m.head.Bank)
	})
}

// keep lets the pairs of a rule stand whose commissions the agencies still owe the bank, the first lines first.
// The attack: a bank is paid its commission by the agency, on its bill, and keeps it back from the credit as well.
func (m *matcher) keep(ctx context.Context) error {
	const wanted = `SELECT x.charged_to AS agency, sum(x.charged)::bigint AS amount FROM rest_pairs p JOIN rest_expected x ON x.no = p.expectation
		WHERE p.fit AND x.charged > 0 GROUP BY 1 ORDER BY 1`
	var sums []recon.Kept
	if err := all(ctx, m.tx, &sums, wanted); err != nil || len(sums) == 0 {
		return err
	}
	if err := m.owe(ctx, sums); err != nil {
		return err
	}
	over := false
	for _, s := range sums {
		if s.Tiyn <= m.owing[s.Agency] {
			continue
		}
		over = true
		if err := m.exec(ctx, `
			WITH kept AS (SELECT p.line, sum(x.charged) AS amount FROM rest_pairs p JOIN rest_expected x ON x.no = p.expectation
				WHERE p.fit AND x.charged_to = $1 GROUP BY p.line),
			late AS (SELECT line FROM (SELECT line, sum(amount) OVER (ORDER BY line) AS so_far FROM kept) AS t WHERE so_far > $2)
			UPDATE rest_pairs p SET fit = false FROM late WHERE late.line = p.line`, s.Agency, m.owing[s.Agency]); err != nil {
			return err
		}
	}
	if over {
		sums = nil
		if err := all(ctx, m.tx, &sums, wanted); err != nil {
			return err
		}
	}
	for _, s := range sums {
		m.owing[s.Agency] -= s.Tiyn
	}
	return m.exec(ctx, `INSERT INTO rest_kept SELECT l.statement, l.no, l.part, x.no, x.charged_to, x.charged
		FROM rest_pairs p JOIN rest_expected x ON x.no = p.expectation JOIN rest_lines l ON l.line = p.line WHERE p.fit AND x.charged > 0`)
}

// owe finds what agencies owe the bank, and holds who would book their payments up until this transaction ends. All are locked at once,
// in one order; but payments of long ago that lines name by another field than the rules before have compared, and their agencies, come later.
func (m *matcher) owe(ctx context.Context, sums []recon.Kept) error {
	unknown := func(agency string) bool { _, known := m.owing[agency]; return !known }
	if !slices.ContainsFunc(sums, func(k recon.Kept) bool { return unknown(k.Agency) }) {
		return nil
	}
	var agencies []string
	if err := all(ctx, m.tx, &agencies, `SELECT DISTINCT charged_to FROM rest_expected WHERE charged > 0`); err != nil {
		return err
	}
	return m.looped(ctx, func() error {
		owing, err := owedCommissions(ctx, m.tx, m.head.Bank, slices.DeleteFunc(agencies, func(a string) bool { return !unknown(a) }))
		for agency, tiyn := range owing {
			m.owing[agency] = tiyn + m.returned[agency]
		}
		return err
	})
}

// storeKept stores what matches keep back, in the turn that their matches get; see [matcher.store].
func (m *matcher) storeKept(ctx context.Context) error {
	if !m.keeps {
		return nil
	}
	return m.exec(ctx, `
		INSERT INTO recon_kept (bucket, statement, no, part, expectation, turn, agency, amount)
		SELECT $1, k.statement, k.no, k.part, k.expectation, (
			SELECT count(*) FROM recon_matches m WHERE m.bucket = $1 AND m.statement = k.statement AND m.no = k.no AND m.part = k.part AND m.expectation = k.expectation),
			k.agency, k.amount FROM rest_kept k ORDER BY k.statement, k.no, k.part, k.expectation`, m.head.Bucket)
}

// keptSum is what was kept back of one statement's lines, by agency.
type keptSum struct {
	Statement int64 `db:"statement"`
	recon.Kept
}

// keptBy sums up what matches of the ladder keep back.
func (m *matcher) keptBy(ctx context.Context) (kept []keptSum, err error) {
	if !m.keeps {
		return nil, nil
	}
	err = all(ctx, m.tx, &kept, `SELECT statement, agency, sum(amount)::bigint AS amount FROM rest_kept GROUP BY 1, 2 ORDER BY 1, 2`)
	return kept, err
}

// keptOfStatement is what the bank keeps back by the live matches of rules of a statement.
func keptOfStatement(ctx context.Context, tx *sqlx.Tx, bucket int, id int64) (kept []recon.Kept, err error) {
	err = all(ctx, tx, &kept, `SELECT k.agency, sum(k.amount)::bigint AS amount FROM recon_matches m `+withKept+`
		WHERE m.bucket = $1 AND m.statement = $2 AND m.rule > 0 AND m.undone_at IS NULL AND k.amount IS NOT NULL GROUP BY 1 ORDER BY 1`, bucket, id)
	return kept, err
}

// returnedTo is what agencies owe a bank by what the statements are going to post when the file ends.
func returnedTo(bank string, statements []*booking) map[string]int64 {
	sums := map[string]int64{}
	add := func(a ledger.Account, tiyn int64) {
		if agency, bic, ok := a.AgencyOwing(); ok && bic == bank {
			sums[agency] += tiyn
		}
	}
	for _, s := range statements {
		for _, p := range s.postings {
			for _, leg := range p.legs {
				add(leg.Debit, leg.Tiyn)
				add(leg.Credit, -leg.Tiyn)
			}
		}
	}
	return sums
}

// keptOf finds what of linked payments agencies bear as commissions and owe the bank still.
func (x *acting) keptOf(ctx context.Context, links []linking, it *recon.Item) error {
	var gone []int64
	if err := all(ctx, x.tx, &gone, `SELECT no FROM (`+payingBack+`) AS r WHERE $1::integer IS NOT NULL`, x.row.Bucket, x.row.Bank); err != nil {
		return err
	}
	sums := map[string]int64{}
	for i, l := range links {
		if l.Charged == 0 || !l.whole || slices.Contains(gone, l.No) {
			continue
		}
		links[i].kept = l.Charged
		sums[l.ChargedTo] += l.Charged
	}
	agencies := make([]string, 0, len(sums))
	for agency := range sums {
		agencies = append(agencies, agency)
	}
	slices.Sort(agencies)
	owing, err := owedCommissions(ctx, x.tx, x.row.Bank, agencies)
	if err != nil {
		return err
	}
	for _, agency := range agencies {
		if sums[agency] > owing[agency] {
			return misfit(recon.WhyNoCommission, agency)
		}
		it.Kept = append(it.Kept, recon.Kept{Agency: agency, Tiyn: sums[agency]})
	}
	return nil
}

// insertKept stores what a person's match keeps back, in the turn of the match, which is stored.
func (x *acting) insertKept(ctx context.Context, l linking) error {
	if l.kept == 0 {
		return nil
	}
	if err := exec(ctx, x.tx, 1, `
		INSERT INTO recon_kept (bucket, statement, no, part, expectation, turn, agency, amount)
		SELECT $1, $2, $3, $4, $5, count(*) - 1, $6, $7 FROM recon_matches WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND expectation = $5`,
		x.row.Bucket, x.row.Statement, x.row.No, x.row.Part, l.No, l.ChargedTo, l.kept); err != nil {
		return fmt.Errorf("couldn't store what was kept back: %w", err)
	}
	return nil
}
