package payment

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
)

// otherReference tells a second word about an execution, under another reference, from other contradictions.
const otherReference = "the payment was confirmed under another reference"

// proof is what is kept of a line that proves a payment, in place of a message of the bank: canonical JSON.
type proof struct {
	Type      string `json:"type"`
	Statement string `json:"statement"`
	// Line is its number and part in the statement, and Exception what was decided.
	Line      string `json:"line"`
	Exception string `json:"exception"`
	// ProposedBy and ApprovedBy are two people.
	ProposedBy string      `json:"proposed_by"`
	ApprovedBy string      `json:"approved_by"`
	Said       bank.Status `json:"said"`
}

const proofType = "statement-proof"

// shownBy names the line in a stored proof.
func shownBy(raw []byte) (string, error) {
	var p proof
	if err := canon.Decode(raw, &p); err != nil {
		return "", fmt.Errorf("couldn't read a stored proof: %w", err)
	}
	return p.Statement + ":" + p.Line, nil
}

// shownPayment is the payment that a line names.
type shownPayment struct {
	a    *attemptRow
	o    *orderRow
	line *recon.Line
	// reference is that of the order's part which the line pays; empty for all of it.
	reference string
}

// shown finds and locks the payment whose execution the line of an exception proves: sent to this bank, not decided, and every part of it stands with
// its amount among the bank's unexplained lines. Errors: [ErrResolutionMisfit].
func (x *acting) shown(ctx context.Context) (shownPayment, error) {
	none := shownPayment{}
	if x.row.Kind != recon.Surplus || x.row.Tiyn <= 0 {
		return none, misfit(recon.WhyNotReceived, "")
	}
	line, err := lineOf(ctx, x.tx, x.row.exceptionKey)
	if err != nil {
		return none, err
	}
	if line == nil || !recon.Ours([]byte(line.Reference)) {
		return none, misfit(recon.WhyUnnamed, "")
	}
	attempt, part, err := x.named(ctx, line.Reference)
	if err != nil {
		return none, err
	}
	a, o, err := x.lockAttempt(ctx, x.tx, attempt)
	switch {
	case errors.Is(err, ErrAttemptUnknown):
		return none, misfit(recon.WhyUnnamed, "")
	case err != nil:
		return none, err
	case a.Bank != x.row.Bank:
		return none, misfit(recon.WhyBank, "")
	case a.State == order.AttemptExecuted:
		return none, misfit(recon.WhyExecuted, "")
	case a.State == order.AttemptRefused:
		return none, misfit(recon.WhyRefused, "")
	case a.State == order.AttemptPrepared:
		return none, misfit(recon.WhyUnsent, "")
	}
	if part != "" {
		return shownPayment{a: a, o: o, line: line, reference: part}, x.wholeShown(ctx, o)
	}
	if line.Tiyn != a.Tiyn || a.Currency != money.KZT {
		return none, misfit(recon.WhyLineAmount, "")
	}
	return shownPayment{a: a, o: o, line: line}, nil
}

// named finds the attempt by its own reference or by that of a part of its order, which is returned, too.
func (x *acting) named(ctx context.Context, reference string) (attempt, part string, err error) {
	attempt = prefixAttempt + reference
	bucket, ok := bucketOfID(prefixAttempt, attempt)
	if !ok {
		return "", "", misfit(recon.WhyUnnamed, "")
	}
	var found []struct {
		Attempt   string `db:"attempt_id"`
		Reference string `db:"reference"`
	}
	if err := all(ctx, x.tx, &found, `SELECT coalesce(o.attempt_id, '') AS attempt_id, l.reference FROM order_allocations l
		JOIN orders o ON o.bucket = l.bucket AND o.id = l.order_id WHERE l.bucket = $1 AND l.reference = $2`, bucket, reference); err != nil {
		return "", "", err
	}
	if len(found) == 1 {
		return found[0].Attempt, found[0].Reference, nil
	}
	return attempt, "", nil
}

// wholeShown refuses an order of which a part is not shown: the bank executes all parts or none, so that one line alone proves a fault and no payment.
func (x *acting) wholeShown(ctx context.Context, o *orderRow) error {
	var lacking []string
	if err := all(ctx, x.tx, &lacking, `
		SELECT p.reference FROM order_allocations p WHERE p.bucket = $1 AND p.order_id = $2 AND NOT EXISTS (
			SELECT 1 FROM recon_exceptions e JOIN statement_lines l ON l.bucket = e.bucket AND l.statement = e.statement AND l.no = e.no AND l.part = e.part
			WHERE e.bucket = $3 AND e.bank_bic = $4 AND e.kind = 'surplus' AND (e.state NOT IN `+settledStates+` OR (e.statement = $5 AND e.no = $6 AND e.part = $7))
				AND l.reference = p.reference AND l.amount = p.amount)`,
		o.Bucket, o.ID, x.row.Bucket, x.row.Bank, x.row.Statement, x.row.No, x.row.Part); err != nil {
		return err
	}
	if len(lacking) > 0 {
		return misfit(recon.WhyParts, strconv.Itoa(len(lacking)))
	}
	return nil
}

// prove makes the payment executed by the line, in the transaction of the decision, and returns the expectations that the line settles. Other parts of the
// order are settled by their own lines, at the next statement or by hand.
func (x *acting) prove(ctx context.Context) ([]string, error) {
	found, err := x.shown(ctx)
	if err != nil {
		return nil, err
	}
	h, err := x.wordOf(ctx, found)
	if err != nil {
		return nil, err
	}
	done, refused := x.judge(found.a, found.o, h.status)
	if refused != nil || done != dispositionApplied {
		return nil, misfit(recon.WhyDay, "").because(refused)
	}
	digest := sha256.Sum256(h.content)
	if err := x.carryOut(ctx, x.tx, carried{a: found.a, o: found.o, h: h, digest: digest[:], done: done}); err != nil {
		return nil, err
	}
	if err := x.endFileOf(ctx, found.a); err != nil {
		return nil, err
	}
	for {
		more, err := x.expectPageOf(ctx, x.tx, found.a.Bucket)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	var nos []int64
	if err := all(ctx, x.tx, &nos, `SELECT no FROM expectations WHERE bucket = $1 AND bank_bic = $2 AND kind = 'payment' AND source = $3
		AND ($4 = '' OR reference = $4) ORDER BY no`, x.row.Bucket, x.row.Bank, found.a.ID, found.reference); err != nil {
		return nil, err
	}
	if len(nos) == 0 {
		return nil, fmt.Errorf("nothing is expected of %s, which was executed", found.a.ID)
	}
	ids := make([]string, len(nos))
	for i, no := range nos {
		ids[i] = expectationID(x.row.Bucket, no)
	}
	return ids, nil
}

// wordOf puts the line into the form of a bank's word. A line knows a day: the payment counts as executed at its beginning, or when it was authorised, if that
// was later on the day.
func (x *acting) wordOf(ctx context.Context, found shownPayment) (heard, error) {
	l, a := found.line, found.a
	at := time.Date(l.Booked.Year(), l.Booked.Month(), l.Booked.Day(), 0, 0, 0, 0, catalog.Almaty()).UTC()
	if at.Before(a.CreatedAt) && catalog.DateOf(a.CreatedAt) == catalog.Date(l.Booked.Format(time.DateOnly)) {
		at = a.CreatedAt.UTC()
	}
	statement, no := statementPublicID(x.row.Bucket, x.row.Statement), fmt.Sprintf("%d.%d", x.row.No, x.row.Part)
	reference := strings.TrimSpace(l.BankReference)
	if reference == "" {
		reference = statement + ":" + no
	}
	p := proof{
		Type: proofType, Statement: statement, Line: no, Exception: x.row.String(), ProposedBy: x.row.ProposedBy, ApprovedBy: x.actor,
		Said: bank.Status{
			Type: bank.StatusType, Bank: a.Bank, Attempt: a.ID, Order: a.Order, Outcome: bank.Executed, Tiyn: a.Tiyn, Currency: a.Currency,
			BankReference: reference, ExecutedAt: at.Format(time.RFC3339Nano),
			Commission: found.o.Commission, // no line of our account shows it: what was instructed counts
		},
	}
	content, err := canon.Marshal(p)
	if err != nil {
		return heard{}, fmt.Errorf("couldn't write a proof: %w", err)
	}
	var verdict []string
	if err := all(ctx, x.tx, &verdict, `SELECT f.verdict_id FROM statements s JOIN statement_files f ON f.sha256 = s.sha256 WHERE s.bucket = $1 AND s.id = $2`,
		x.row.Bucket, x.row.Statement); err != nil {
		return heard{}, err
	}
	return heard{status: p.Said, from: fromStatement, message: content, content: content, verdictID: strings.Join(verdict, " "), by: x.actor}, nil
}

// endFileOf closes the file of a payment when it was the last one open in it: nobody need ask for its report any more. When that comes it is still taken.
func (x *acting) endFileOf(ctx context.Context, a *attemptRow) error {
	return exec(ctx, x.tx, -1, `
		UPDATE bank_files f SET state = 'done', last_problem = '', updated_at = $4
		WHERE f.bucket = $3 AND f.id = (SELECT file_id FROM attempts WHERE bucket = $1 AND id = $2) AND f.state <> 'done' AND f.sealed IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM attempts t WHERE t.bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND t.id = ANY(f.attempts)
				AND t.state NOT IN ('executed', 'refused'))`,
		a.Bucket, a.ID, bucketOf(a.Bank), x.now)
}

// reconsider looks at a word under another reference than the payment has. By message that is a second execution of one payment, and a person has to look. But the
// payment whose report was lost was proven by a statement, and statements carry the reference of the account, reports that of the payment: both stand for the same
// money. The bank's own reference is kept beside the statement's then, and changes nothing; a third one contradicts. It returns nothing where the judgement stands.
func (s *Service) reconsider(ctx context.Context, tx *sqlx.Tx, a *attemptRow, said bank.Status, refused error) (disposition, error) {
	var e *Error
	if !errors.As(refused, &e) || e.Detail != otherReference {
		return "", nil // the refusal stands, with whoever judged
	}
	var told []string
	if err := all(ctx, tx, &told, `
		SELECT a.told_reference FROM attempts a JOIN bank_messages m ON m.bucket = a.bucket AND m.attempt_id = a.id AND m.source = $3 AND m.disposition = 'applied'
		WHERE a.bucket = $1 AND a.id = $2 AND (a.told_reference <> '' OR NOT EXISTS (
			SELECT 1 FROM bank_messages r WHERE r.bucket = $1 AND r.attempt_id = $2 AND r.outcome = 'executed' AND r.disposition = 'repeated'))`,
		a.Bucket, a.ID, fromStatement); err != nil {
		return "", err
	}
	switch {
	case len(told) == 0 || (told[0] != "" && told[0] != said.BankReference):
		return "", nil
	case told[0] == said.BankReference:
		return dispositionRepeated, nil
	}
	return dispositionNoted, exec(ctx, tx, 1, `UPDATE attempts SET told_reference = $3 WHERE bucket = $1 AND id = $2`, a.Bucket, a.ID, said.BankReference)
}
