package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/sync/errgroup"

	"qaqpa/payment/bank"
	"qaqpa/payment/bank/pain"
	"qaqpa/payment/canon"
	"qaqpa/payment/order"
)

// ReportMessageMax is the size of the largest signed report about a file, in bytes.
const ReportMessageMax = pain.ReportMax + 256<<10

// reportsApart is how many payments of a report are booked at the same time.
const reportsApart = 8

// FileResult is what a report about a file changed.
type FileResult struct {
	// File is the MsgId of the file, Report that of the report.
	File   string `json:"file"`
	Report string `json:"report"`
	// Executed, Refused and Pending count what the report says of its payments, Silent those of which it says nothing.
	Executed int `json:"executed"`
	Refused  int `json:"refused"`
	Pending  int `json:"pending"`
	Silent   int `json:"silent"`
	// Open counts the payments of the file whose end is still not known.
	Open int `json:"open"`
	// Problems are what contradicts what is stored, or itself; a person decides about them.
	Problems []FileProblem `json:"problems"`
}

// FileProblem is a payment of which the report was not taken.
type FileProblem struct {
	Attempt string `json:"attempt"`
	Code    Code   `json:"code"`
	Detail  string `json:"detail,omitempty"`
}

// TakeReport takes a bank's signed report about a file of payments: pain.002 in an attached CMS, or with an XML signature in it over all of it. bankID is the BIC of the authenticated
// caller. Reports may come twice, late and out of order, and tell some of the payments only. Each payment is judged by itself, as if
// the bank had sent a message about it alone: money is posted once, and what contradicts is kept for a person and told.
//
// Errors: [ErrBankMessageInvalid], [ErrSignatureInvalid], [ErrVerifierUnavailable], [ErrBankUnknown], [ErrBankMismatch], [ErrBankSigner],
// [ErrSignatureContent], [ErrFileUnknown].
func (s *Service) TakeReport(ctx context.Context, bankID string, message []byte) (FileResult, error) {
	return s.takeReport(ctx, reportOf{bank: bankID, from: fromCallback}, message)
}

// reportOf says what a report must be about; an empty file expects any.
type reportOf struct {
	bank, file string
	from       source
}

func (s *Service) takeReport(ctx context.Context, want reportOf, message []byte) (FileResult, error) {
	if len(message) == 0 || len(message) > ReportMessageMax {
		return FileResult{}, ErrBankMessageInvalid.with(fmt.Sprintf("a report has 1 to %d bytes", ReportMessageMax))
	}
	found, err := s.judgeSignature(ctx, message, nil)
	if err != nil {
		return FileResult{}, err
	}
	if err := s.keepVerdict(ctx, found.Unkept); err != nil {
		return FileResult{}, err
	}
	switch {
	case !found.Valid:
		return FileResult{}, invalidSignature(found)
	case len(found.Signers) != 1:
		return FileResult{}, ErrBankMessageInvalid.with("a report carries one signature")
	case found.Content == nil && !found.Whole: // signature wrapping: a genuine signature over one part, and the report in another
		return FileResult{}, ErrSignatureContent.with("the signature does not cover the whole report")
	case found.Content == nil:
		// An XML signature inside of the report: what stands in the signature itself is not read, as it is of another namespace.
		found.Content = message
	}
	report, err := pain.ParseReport(found.Content)
	if err != nil {
		return FileResult{}, ErrBankMessageInvalid.because(err).with(err.Error())
	}
	file, err := s.file(ctx, report.Original)
	if err != nil {
		return FileResult{}, err
	}
	registered, err := s.bank(ctx, file.Bank)
	switch {
	case err != nil:
		return FileResult{}, err
	case want.bank != file.Bank:
		return FileResult{}, ErrBankMismatch.with("the file went to another bank")
	case want.file != "" && want.file != file.ID:
		return FileResult{}, ErrBankMessageInvalid.with("the report is about another file")
	case !speaksFor(found.Signers[0], registered.BIN):
		return FileResult{}, ErrBankSigner
	}
	t := &reporting{Service: s, file: file, report: report, message: message, digest: sha256.Sum256(found.Content), verdictID: found.VerdictID}
	t.out = FileResult{File: file.ID, Report: report.MsgID, Problems: []FileProblem{}}
	err = t.run(ctx, want.from)
	return t.out, err
}

// reporting is one report on its way through.
type reporting struct {
	*Service
	file      fileRow
	report    pain.Report
	message   []byte
	digest    [sha256.Size]byte
	verdictID string
	mu        sync.Mutex
	out       FileResult
}

// run keeps the report, then judges each payment, then the file. When the process dies in between, the report comes again: from the
// folder, from a look-up, or from the bank, which got no answer.
func (t *reporting) run(ctx context.Context, from source) error {
	isNew, err := t.keep(ctx, from)
	if err != nil {
		return err
	}
	attempts, err := t.attemptsOf(ctx, &t.file)
	if err != nil {
		return err
	}
	if t.report.Absent() && !ended(attempts) {
		return t.again(ctx)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(min(reportsApart, 1+len(attempts)/16)) // a short report is not worth the connections
	for i := range attempts {
		group.Go(func() error { return t.payment(groupCtx, &attempts[i], isNew) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return t.end(ctx)
}

// ended reports whether the bank has said of any payment how it ended: then it had the file.
func ended(attempts []attemptRow) bool {
	for i := range attempts {
		if state := attempts[i].State; state == order.AttemptExecuted || state == order.AttemptRefused {
			return true
		}
	}
	return false
}

// keep stores the report as it was signed, and tells whether it is a new one.
func (t *reporting) keep(ctx context.Context, from source) (isNew bool, err error) {
	err = t.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO bank_file_reports (bucket, file_id, digest, source, message, verdict_id, received_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, t.file.Bucket, t.file.ID, t.digest[:], from, t.message, t.verdictID, t.now())
		if err != nil {
			return fmt.Errorf("couldn't keep a report: %w", err)
		}
		n, err := result.RowsAffected()
		if isNew = n == 1; err != nil || !isNew {
			return err
		}
		return audit(ctx, tx, t.cfg.Auditor, entry{actorBank(t.file.Bank), "file.reported", t.file.ID, map[string]any{
			"report": t.report.MsgID, "sha256": hex.EncodeToString(t.digest[:]), "source": from, "verdict": t.verdictID,
		}})
	})
	return isNew, err
}

// payment judges what the report says of one payment.
func (t *reporting) payment(ctx context.Context, a *attemptRow, isNew bool) error {
	instructed, err := paymentOf(a)
	if err != nil {
		return err
	}
	word := t.report.Word(instructed)
	t.count(word.Outcome)
	if word.Outcome == "" {
		return nil
	}
	if word.Doubt != "" {
		t.problem(a.ID, ErrConfirmationConflict.Code, word.Doubt)
		if !isNew {
			return nil
		}
		return t.contradict(ctx, a.ID, word.Doubt)
	}
	said := bank.Status{
		Type: bank.StatusType, Bank: t.file.Bank, Attempt: a.ID, Order: a.Order, Outcome: word.Outcome, Tiyn: word.Tiyn, Currency: word.Currency, Reason: word.Reason,
	}
	if word.Outcome == bank.Executed {
		// A report has no place for what the bank took for itself: what was instructed counts.
		said.Commission = instructed.Commission
		said.BankReference, said.ExecutedAt = word.Reference, word.At.Format(time.RFC3339Nano)
	}
	source := hex.EncodeToString(t.digest[:])
	if word.Outcome == bank.Pending {
		source = "" // each report about a slow payment has a name and time of its own: that it is still pending is noted once
	}
	content, err := canon.Marshal(struct {
		File   string      `json:"file"`
		Report string      `json:"report_sha256,omitempty"`
		Said   bank.Status `json:"said"`
	}{t.file.ID, source, said})
	if err != nil {
		return fmt.Errorf("couldn't note what a report says: %w", err)
	}
	// What is kept with the payment names the report; the report itself, with the signature, is kept once, with the file.
	_, err = t.apply(ctx, heard{status: said, from: fromFile, message: content, content: content, verdictID: t.verdictID})
	var refused *Error
	if errors.As(err, &refused) && refused.Kind != KindUnavailable {
		t.problem(a.ID, refused.Code, refused.Detail)
		return nil
	}
	return err
}

func (t *reporting) count(outcome bank.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch outcome {
	case bank.Executed:
		t.out.Executed++
	case bank.Refused:
		t.out.Refused++
	case bank.Pending, bank.Absent:
		t.out.Pending++
	default:
		t.out.Silent++
	}
}

func (t *reporting) problem(attempt string, code Code, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out.Problems = append(t.out.Problems, FileProblem{Attempt: attempt, Code: code, Detail: detail})
}

// contradict notes in the order that the bank's word could not be taken.
func (t *reporting) contradict(ctx context.Context, attempt, why string) error {
	t.metrics.contradictions.WithLabelValues(t.file.Bank).Inc()
	return t.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		a, o, err := t.lockAttempt(ctx, tx, attempt)
		if err != nil {
			return err
		}
		o.note(order.Contradict, o.State, t.now(), why)
		if err := saveOrder(ctx, tx, o); err != nil {
			return err
		}
		return audit(ctx, tx, t.cfg.Auditor, entry{actorBank(t.file.Bank), "bank.contradiction", a.ID, map[string]any{"file": t.file.ID, "problem": why}})
	})
}

// again lets the file be handed over once more under its name, since the bank signs that it never had it.
func (t *reporting) again(ctx context.Context) error {
	t.out.Open, t.out.Silent = len(t.file.Attempts), len(t.file.Attempts)
	return t.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		at := t.now()
		return exec(ctx, tx, -1, `UPDATE bank_files SET state = 'made', due_at = $3, last_problem = $4, updated_at = $5 WHERE bucket = $1 AND id = $2 AND state = 'put'`,
			t.file.Bucket, t.file.ID, at.Add(t.lookupPause(max(t.file.Tries, 1))), "the bank signs that it does not have the file", at)
	})
}

// end closes a file all of whose payments have ended.
func (t *reporting) end(ctx context.Context) error {
	attempts, err := t.attemptsOf(ctx, &t.file)
	if err != nil {
		return err
	}
	for i := range attempts {
		if state := attempts[i].State; state != order.AttemptExecuted && state != order.AttemptRefused {
			t.out.Open++
		}
	}
	if t.out.Open > 0 {
		return nil
	}
	return t.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		// A report can overtake the note that the file was handed over; it was.
		return exec(ctx, tx, -1, `UPDATE bank_files SET state = 'done', last_problem = '', updated_at = $3 WHERE bucket = $1 AND id = $2 AND sealed IS NOT NULL`,
			t.file.Bucket, t.file.ID, t.now())
	})
}
