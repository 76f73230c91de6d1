package payment

import (
	"strings"
	"testing"

	"qaqpa/payment/recon"
)

// Whatever is changed about statements, matches and exceptions behind the gateway's back is found.
func TestVerifyReconciliationFindsTampering(t *testing.T) {
	b := setup(t)
	b.account()
	b.forwards()
	ref, tiyn := b.paid(citizenIIN)
	half, _ := b.paid(citizenIIN)
	late, _ := b.paid(neighborIIN)
	first := sheet{number: 1, day: b.today(), opening: 9, lines: []line{
		{tiyn: tiyn, ref: ref},
		{tiyn: 40, ref: half},
		{tiyn: tiyn - 40, ref: half},
		{tiyn: 30, ref: "X"},
		{tiyn: 50, ref: "Y"},
		{tiyn: -tiyn, ref: "Z"},
		{tiyn: tiyn, ref: ref},
		{tiyn: 700, ref: "", currency: "USD"},
	}}
	b.reconcile(first.camt())
	surplus := b.listed(ExceptionQuery{Kind: recon.Surplus})
	b.resolved(surplus[0], ExceptionAction{Way: recon.Park})
	for _, e := range append(b.listed(ExceptionQuery{}), surplus[1:]...) {
		if e.State == recon.Open {
			_, _ = b.act("operator:a", e, ExceptionAction{Action: ActAssign})
		}
	}
	_, _, err := b.ClosePeriod(t.Context(), b.idem("close"), monthAccount, b.today())
	b.must(err)
	next := sheet{number: 2, day: "2026-03-04", opening: first.sum() + 5, lines: []line{{tiyn: tiyn, ref: late}}}
	b.reconcile(next.camt())
	b.settle()
	if report := b.check(); report.Matches != 4 {
		t.Fatalf("%d matches were held against their rules", report.Matches)
	}
	for name, c := range map[string]struct{ change, want string }{
		"line's amount":             {`UPDATE statement_lines SET amount = amount + 1 WHERE no = 1`, "not the sum of its lines"},
		"two lines' amounts":        {`UPDATE statement_lines SET amount = amount + CASE no WHEN 4 THEN 1 ELSE -1 END WHERE no IN (4, 5)`, "matched nor listed"},
		"line removed":              {`DELETE FROM statement_lines WHERE no = 4`, "not the sum of its lines"},
		"line's reference":          {`UPDATE statement_lines SET reference = 'other' WHERE no = 1`, "as rule reference says"},
		"line's KBK":                {`UPDATE statement_lines SET kbk = '999999' WHERE no = 1`, "as rule reference says"},
		"instalment's reference":    {`UPDATE statement_lines SET reference = '' WHERE no = 2`, "as rule instalments says"},
		"payment's reference":       {`UPDATE expectations SET reference = 'other'`, "as rule"},
		"payment's amount":          {`UPDATE expectations SET amount = amount + 1`, "otherwise than the journal"},
		"payment made up":           {`INSERT INTO expectations SELECT bucket, no + 25600, amount, paid_on, due_on, bank_bic, kind, source, reference, uip, bank_reference, batch, payer, kbk, created_at FROM expectations WHERE kind = 'payment'`, "payments are expected of"},
		"payment forgotten":         {`DELETE FROM expectations WHERE kind = 'payment'`, "payments are expected of"},
		"match removed":             {`DELETE FROM recon_matches WHERE no = 1`, "neither matched nor listed"},
		"match undone":              {`UPDATE recon_matches SET undone_at = now() WHERE no = 1`, "owes"},
		"match of another rule":     {`UPDATE recon_matches SET rule = 2 WHERE no = 1`, "as rule uip says"},
		"match of no rule":          {`UPDATE recon_matches SET rule = 99 WHERE no = 1`, "which do not stand"},
		"match of no ladder":        {`UPDATE recon_matches SET ladder = 99`, "which do not stand"},
		"match as a person's":       {`UPDATE recon_matches SET rule = 0, statement = 0, no = 0 WHERE no = 2`, "of no line"},
		"match with another amount": {`UPDATE recon_matches SET paid = paid - 1 WHERE no = 1`, "neither matched nor listed"},
		"match of more":             {`UPDATE recon_matches SET owed = owed + 1 WHERE no = 1`, "settled by more"},
		"exception removed":         {`DELETE FROM recon_exceptions WHERE no = 5`, "do not make the closing balance"},
		"exception's amount":        {`UPDATE recon_exceptions SET amount = amount + 1 WHERE no = 5`, "do not make the closing balance"},
		"exception resolved":        {`UPDATE recon_exceptions SET state = 'resolved', resolution = '{}' WHERE no = 5`, "moved another amount"},
		"exception void":            {`UPDATE recon_exceptions SET state = 'void' WHERE no = 5`, "neither matched nor listed"},
		"exception opened again":    {`UPDATE recon_exceptions SET state = 'open' WHERE no = 4`, "do not make the closing balance"},
		"gap void":                  {`UPDATE recon_exceptions SET state = 'void' WHERE kind = 'gap'`, "no gap is listed"},
		"resolution's posting":      {`UPDATE recon_exceptions SET posting_id = 'pst_x' WHERE posting_id <> ''`, "moved another amount"},
		"approved alone":            {`UPDATE recon_notes SET actor = 'operator:a' WHERE event = 'approve'`, "approved by who proposed"},
		"statement's balance":       {`UPDATE statements SET closing = closing + 1, opening = opening + 1 WHERE number = 2`, "do not make the closing balance"},
		"statement withdrawn":       {`UPDATE statements SET state = 'withdrawn', withdraw_by = 'x' WHERE number = 1`, "not booked"},
		"dues":                      {`UPDATE forward_dues SET expected = expected - 1`, "is to be sent on"},
		"what is to be sent on":     {`UPDATE expectations SET amount = amount - 1 WHERE kind = 'forward'`, "is to be sent on"},
		"register of a period":      {`UPDATE recon_periods SET register = convert_to(replace(convert_from(register, 'UTF8'), '"closing":', '"closing":1'), 'UTF8')`, "the register of period"},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := b.db.BeginTxx(t.Context(), nil)
			b.must(err)
			defer tx.Rollback() //nolint:errcheck // the tampering of one case must not meet the next
			_, err = tx.ExecContext(t.Context(), `SET LOCAL session_replication_role = replica; `+c.change)
			b.must(err)
			report, err := verifyIn(t.Context(), tx, b.private, b.noteKeys)
			b.must(err)
			if all := strings.Join(report.Problems, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("not found by %q:\n%s", c.want, all)
			}
		})
	}
}
