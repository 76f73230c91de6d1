package payment

import (
	"context"
	"fmt"
	"strings"

	"qaqpa/payment/recon"
)

// lookUp finds what a field of the lines that are left names, however old it is and whether matched or not, unless that was done
// before. Payments among it that lie before the horizon and are open join the others; it returns how many they are.
func (m *matcher) lookUp(ctx context.Context, f recon.Field) (found int64, err error) {
	if !f.Identifies() || m.named[f] {
		return 0, nil
	}
	m.named[f] = true
	c := column(f)
	if err := m.steps(ctx,
		step{`SET LOCAL enable_nestloop = on`, nil},
		// By index, line by line: the lines are few beside the payments of all years.
		step{`INSERT INTO rest_named
			SELECT l.line, x.no, x.amount, x.paid_on FROM rest_lines l CROSS JOIN LATERAL (
				SELECT * FROM expectations x WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.` + c + ` = l.` + c + ` AND x.` + c + ` <> '' OFFSET 0) AS x
			WHERE l.related = 0 AND l.` + c + ` <> '' AND NOT EXISTS (SELECT 1 FROM rest_named n WHERE n.line = l.line)`, []any{m.head.Bucket, m.head.Bank}},
		step{`ANALYZE rest_named`, nil},
	); err != nil {
		return 0, fmt.Errorf("couldn't look up references: %w", err)
	}
	result, err := m.tx.ExecContext(ctx, `
		INSERT INTO rest_expected
		SELECT x.no, x.amount, x.paid_on, `+strings.Join(comparedColumns, ", ")+`, false, x.kind = 'forward', x.charged, x.charged_to
		FROM expectations x JOIN (SELECT DISTINCT expectation FROM rest_named WHERE paid_on < $3) AS f ON f.expectation = x.no
		WHERE x.bucket = $1 AND x.bank_bic = $2 AND NOT EXISTS (SELECT 1 FROM rest_expected e WHERE e.no = x.no)
			AND NOT EXISTS (SELECT 1 FROM rest_made p WHERE p.expectation = x.no)
			AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = x.no AND m.whole AND m.undone_at IS NULL)
			AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = x.no AND NOT m.whole AND m.undone_at IS NULL)`,
		m.head.Bucket, m.head.Bank, m.horizon())
	if err != nil {
		return 0, fmt.Errorf("couldn't look up references: %w", err)
	}
	if found, err = result.RowsAffected(); err != nil {
		return 0, err
	}
	if found > 0 && m.keeps {
		if err := m.givenBack(ctx); err != nil {
			return 0, err
		}
	}
	return found, m.exec(ctx, `SET LOCAL enable_nestloop = off`)
}

// diagnose says of lines with a known reference why they were not matched: the payment is matched already, the amount is another, or
// the money goes the other way. Expectations that such a line names are kept from rules without a reference.
func (m *matcher) diagnose(ctx context.Context) error {
	for _, f := range []recon.Field{recon.ByReference, recon.ByUIP, recon.ByBankReference} {
		if _, err := m.lookUp(ctx, f); err != nil {
			return err
		}
	}
	if err := m.exec(ctx, `
		UPDATE rest_lines l SET kind = CASE l.kind WHEN '' THEN d.kind ELSE l.kind END, related = d.expectation FROM (
			SELECT DISTINCT ON (n.line) n.line, n.expectation,
				CASE WHEN sign(l.amount) <> sign(n.owed) THEN 'reversal' WHEN x.no IS NULL THEN 'doubled'
					WHEN abs(l.amount) > abs(n.owed) THEN 'over' WHEN abs(l.amount) < abs(n.owed) THEN 'under' ELSE 'ambiguous' END AS kind
			FROM rest_named n JOIN rest_lines l ON l.line = n.line AND l.related = 0 LEFT JOIN rest_expected x ON x.no = n.expectation
			ORDER BY n.line, n.expectation) AS d
		WHERE d.line = l.line`); err != nil {
		return fmt.Errorf("couldn't say why lines are left: %w", err)
	}
	if err := m.exec(ctx, `UPDATE rest_expected x SET named = true FROM rest_lines l WHERE l.related = x.no AND l.kind <> 'ambiguous'`); err != nil {
		return fmt.Errorf("couldn't keep named payments apart: %w", err)
	}
	return nil
}
