package payment

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// bankMessageMax is the largest message of a bank, in bytes.
const bankMessageMax = 256 << 10

// actorGateway is the actor of what the workers do.
const actorGateway = "gateway"

// Confirm takes a bank's signed message about an attempt or a refund: attached CMS over a payment-status or refund-status. bankID is the BIC of the
// authenticated caller, or empty when the signature alone tells who speaks. Messages may come twice, late and out of
// order: what was applied before is answered with [AlreadyApplied], and money is posted once. A message that contradicts
// what is stored is kept for a person to decide and refused.
//
// Errors: [ErrBankMessageInvalid], [ErrSignatureInvalid], [ErrVerifierUnavailable], [ErrBankUnknown], [ErrBankMismatch],
// [ErrBankSigner], [ErrAttemptUnknown], [ErrRefundUnknown], [ErrConfirmationAmount], [ErrConfirmationConflict],
// [ErrConfirmationUnsent].
func (s *Service) Confirm(ctx context.Context, bankID string, message []byte) (Confirmation, error) {
	if len(message) == 0 || len(message) > bankMessageMax {
		return Confirmation{}, ErrBankMessageInvalid.with("a message has 1 to 262144 bytes")
	}
	return s.listen(ctx, expectation{bank: bankID, from: fromCallback}, message)
}

// expectation says what a message must be about; empty fields expect nothing.
type expectation struct {
	bank, attempt, refund string
	from                  source
}

// listen takes a signed message: the signature is checked first and here, beside other callers; the content is read then.
// A plain execution goes through a shared commit; everything else, and what that commit leaves over, is judged alone.
func (s *Service) listen(ctx context.Context, want expectation, message []byte) (Confirmation, error) {
	found, err := s.judgeSignature(ctx, message, nil)
	if err != nil {
		return Confirmation{}, err
	}
	if found.Valid && len(found.Signers) == 1 && bank.AboutRefund(found.Content) {
		return s.listenRefund(ctx, want, found, message)
	}
	said, refused := readBankMessage(found, want)
	if refused == nil && said.Outcome == bank.Executed {
		c := &confirmation{
			heard:  heard{status: said, from: want.from, message: message, content: found.Content, verdictID: found.VerdictID},
			signer: found.Signers[0], digest: sha256.Sum256(found.Content), verdict: found.Unkept,
		}
		alone, err := s.laneOf(said.Attempt).do(ctx, c)
		if err != nil {
			return Confirmation{}, err
		}
		if !alone {
			return s.applied(c.heard.status, Confirmation{Result: Applied, Order: c.order}), nil
		}
	}
	if err := s.keepVerdict(ctx, found.Unkept); err != nil {
		return Confirmation{}, err
	}
	if refused != nil {
		return Confirmation{}, refused
	}
	registered, err := s.bank(ctx, said.Bank)
	if err != nil {
		return Confirmation{}, err
	}
	if !speaksFor(found.Signers[0], registered.BIN) {
		return Confirmation{}, ErrBankSigner
	}
	return s.apply(ctx, heard{status: said, from: want.from, message: message, content: found.Content, verdictID: found.VerdictID})
}

// laneOf is the shared commit of an attempt's bucket. An id that names no bucket goes anywhere: nothing is found under it.
func (s *Service) laneOf(attempt string) *committer {
	bucket, _ := bucketOfID(prefixAttempt, attempt)
	return s.confirmations[bucket%lanes]
}

// readBankMessage reads the content of a message whose signature was judged: one signer, and what was expected.
func readBankMessage(found Signature, want expectation) (bank.Status, error) {
	switch {
	case !found.Valid:
		return bank.Status{}, invalidSignature(found)
	case found.Content == nil || len(found.Signers) != 1:
		return bank.Status{}, ErrBankMessageInvalid.with("a message carries its content and one signature")
	}
	status, err := bank.ParseStatus(found.Content)
	switch {
	case err != nil:
		return bank.Status{}, ErrBankMessageInvalid.because(err)
	case want.bank != "" && status.Bank != want.bank:
		return bank.Status{}, ErrBankMismatch.with("the message names another bank")
	case (want.attempt != "" && status.Attempt != want.attempt) || want.refund != "":
		return bank.Status{}, ErrBankMessageInvalid.with("the message is about another attempt")
	case want.from != fromLookup && status.Outcome == bank.Absent:
		// The attack: a bank that answers each order so is sent it again at once, without end.
		return bank.Status{}, ErrBankMessageInvalid.with("absent is an answer to a lookup only")
	}
	return status, nil
}

// speaksFor reports whether a certificate speaks for the organisation with the BIN: its own, or that of its system.
func speaksFor(signer Signer, bin string) bool {
	return signer.BIN == bin && (signer.Kind == kindOrganisation || signer.Kind == kindSystem)
}

// applied counts what a bank said and wakes who goes on with it.
func (s *Service) applied(said bank.Status, out Confirmation) Confirmation {
	s.metrics.outcomes.WithLabelValues(said.Bank, string(said.Outcome)).Inc()
	if out.Result == Applied {
		s.kick(s.wakeCheckpoint)
		s.kick(s.wakeAttempts)
	}
	return out
}

// Kinds of certificates that may speak for a bank.
const (
	kindOrganisation = "organisation"
	kindSystem       = "information_system"
)

// disposition says what became of a message.
type disposition string

const (
	dispositionApplied  disposition = "applied"
	dispositionRepeated disposition = "repeated"
	dispositionNoted    disposition = "noted"
	dispositionConflict disposition = "conflict"
)

// apply does what a verified message says, in one transaction. A conflict is stored, with its event, and then returned
// as an error.
func (s *Service) apply(ctx context.Context, h heard) (Confirmation, error) {
	var out Confirmation
	var refused error
	var done disposition
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		out, refused, done = Confirmation{}, nil, ""
		a, o, err := s.lockAttempt(ctx, tx, h.status.Attempt)
		if err != nil {
			return err
		}
		if a.Bank != h.status.Bank {
			return ErrBankMismatch.with("the attempt belongs to another bank")
		}
		out.Order = o.ID
		if a.Initiator == initiatorBank && h.status.Outcome == bank.Absent {
			// The bank began this payment and signs that it has none: it gave it up, and must not execute it any more.
			h.status.Outcome, h.status.Reason = bank.Refused, "the bank gave the payment up"
		}
		digest := sha256.Sum256(h.content)
		before, err := storedDisposition(ctx, tx, a, digest[:])
		if err != nil {
			return err
		}
		done, refused = s.judge(a, o, h.status)
		kept, err := s.reconsider(ctx, tx, a, h.status, refused)
		if err != nil {
			return err
		}
		if kept != "" {
			done, refused = kept, nil
		}
		if before != "" && refused != nil {
			return nil //nolint:nilerr // the same words again, still refused: noted once, and returned below
		}
		if before != "" && done != dispositionApplied {
			return s.progress(ctx, tx, a, h.status)
		}
		return s.carryOut(ctx, tx, carried{a: a, o: o, h: h, digest: digest[:], done: done, refused: refused})
	})
	if err != nil {
		return Confirmation{}, err
	}
	out.Result = AlreadyApplied
	if done == dispositionApplied {
		out.Result = Applied
	}
	out = s.applied(h.status, out)
	if refused != nil {
		return Confirmation{}, refused
	}
	return out, nil
}

func storedDisposition(ctx context.Context, tx *sqlx.Tx, a *attemptRow, digest []byte) (disposition, error) {
	var found []disposition
	err := all(ctx, tx, &found, `SELECT disposition FROM bank_messages WHERE bucket = $1 AND attempt_id = $2 AND digest = $3`,
		a.Bucket, a.ID, digest)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// judge compares a message with what is stored. It decides nothing by itself but what the tables allow.
func (s *Service) judge(a *attemptRow, o *orderRow, said bank.Status) (disposition, error) {
	if said.Order != "" && said.Order != a.Order {
		return dispositionConflict, ErrConfirmationConflict.with("the message names another order than the attempt belongs to")
	}
	switch said.Outcome {
	case bank.Executed:
		return s.judgeExecuted(a, o, said)
	case bank.Refused:
		switch a.State {
		case order.AttemptExecuted:
			return dispositionConflict, ErrConfirmationConflict.with("the payment was confirmed as executed")
		case order.AttemptRefused:
			return dispositionRepeated, nil
		case order.AttemptPrepared:
			return dispositionConflict, ErrConfirmationUnsent
		case order.AttemptSent, order.AttemptUnknown, order.AttemptAbsent:
		}
		return dispositionApplied, nil
	case bank.Absent:
		if a.State == order.AttemptSent || a.State == order.AttemptUnknown {
			return dispositionApplied, nil
		}
		return dispositionNoted, nil // the answer was overtaken by another message
	case bank.Pending:
	}
	if a.State == order.AttemptPrepared {
		return dispositionConflict, ErrConfirmationUnsent
	}
	return dispositionNoted, nil
}

func (s *Service) judgeExecuted(a *attemptRow, o *orderRow, said bank.Status) (disposition, error) {
	const day = 24 * time.Hour // clocks differ, and some banks know days alone
	switch {
	case said.Amount() != a.Amount:
		return dispositionConflict, ErrConfirmationAmount
	case said.Commission != o.Commission:
		// The attack: a bank takes more from the payer than he has signed.
		return dispositionConflict, ErrConfirmationAmount.with("the commission is not the one of the order")
	case a.State == order.AttemptPrepared:
		return dispositionConflict, ErrConfirmationUnsent
	case a.State == order.AttemptRefused:
		return dispositionConflict, ErrConfirmationConflict.with("the payment was confirmed as refused")
	case a.State == order.AttemptExecuted && deref(o.BankReference) != said.BankReference:
		return dispositionConflict, ErrConfirmationConflict.with(otherReference)
	case a.State == order.AttemptExecuted:
		return dispositionRepeated, nil
	case said.At().After(s.now().Add(day)):
		return dispositionConflict, ErrConfirmationConflict.with("executed_at is more than a day ahead")
	case said.At().Before(a.CreatedAt.Add(-day)):
		// The attack: a payment that was authorised late is confirmed as executed long before, and then the receipt says that a fine was paid in
		// its time, and the payment belongs to days whose registers and periods are closed.
		return dispositionConflict, ErrConfirmationConflict.with("executed_at is more than a day before the payment was authorised")
	}
	return dispositionApplied, nil
}

// carried is everything that one message changes.
type carried struct {
	a       *attemptRow
	o       *orderRow
	h       heard
	digest  []byte
	done    disposition
	refused error
}

// carryOut writes what was judged: the message itself, the states, and for an execution the ledger.
func (s *Service) carryOut(ctx context.Context, tx *sqlx.Tx, c carried) error {
	now := s.now()
	said := c.h.status
	if err := exec(ctx, tx, -1, `
		INSERT INTO bank_messages (bucket, digest, attempt_id, bank_bic, source, outcome, disposition, message, verdict_id, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		c.a.Bucket, c.digest, c.a.ID, said.Bank, c.h.from, said.Outcome, c.done, c.h.message, c.h.verdictID, now); err != nil {
		return err
	}
	action := "bank." + string(said.Outcome)
	switch c.done {
	case dispositionApplied:
		if err := s.take(ctx, tx, c, now); err != nil {
			return err
		}
	case dispositionConflict:
		action = "bank.contradiction"
		c.o.note(order.Contradict, c.o.State, now, codeOf(c.refused))
		s.metrics.contradictions.WithLabelValues(said.Bank).Inc()
		if err := saveOrder(ctx, tx, c.o); err != nil {
			return err
		}
	case dispositionRepeated, dispositionNoted:
		if err := s.progress(ctx, tx, c.a, said); err != nil {
			return err
		}
	}
	actor := c.h.by
	if actor == "" {
		actor = actorBank(said.Bank)
	}
	return audit(ctx, tx, s.cfg.Auditor, entry{actor, action, c.a.ID, map[string]any{
		"order": c.o.ID, "disposition": c.done, "source": c.h.from, "amount": said.Tiyn, "reference": said.BankReference, "verdict": c.h.verdictID,
	}})
}

func actorBank(bic string) string { return "bank:" + bic }

// progress notes that the bank has the attempt in hand, so that it is asked again later and not taken for lost.
func (s *Service) progress(ctx context.Context, tx *sqlx.Tx, a *attemptRow, said bank.Status) error {
	if said.Outcome != bank.Pending || (a.State != order.AttemptSent && a.State != order.AttemptUnknown) {
		return nil
	}
	now := s.now()
	a.Tries = max(a.Tries, 1)
	a.DueAt, a.UpdatedAt, a.LastProblem = now.Add(s.lookupPause(a.Tries)), now, pendingAtBank
	return saveAttempt(ctx, tx, a)
}

// take moves attempt, order and debts, and posts an execution.
func (s *Service) take(ctx context.Context, tx *sqlx.Tx, c carried, now time.Time) error {
	a, o, said := c.a, c.o, c.h.status
	if err := a.step(s.attemptTable, eventOf(said.Outcome)); err != nil {
		return err
	}
	a.UpdatedAt, a.DueAt, a.Tries, a.LastProblem = now, now, 0, ""
	if err := saveAttempt(ctx, tx, a); err != nil {
		return err
	}
	switch said.Outcome {
	case bank.Executed:
		reference, at := said.BankReference, said.At()
		o.BankReference, o.ExecutedAt, o.ReceiptDueAt = &reference, &at, &now
		if err := o.step(s.orderTable, order.Confirm, now, string(c.h.from)); err != nil {
			return err
		}
		return s.post(ctx, tx, a, o, now)
	case bank.Refused:
		o.Reason = clip(said.Reason)
		if err := o.step(s.orderTable, order.Refuse, now, string(c.h.from)); err != nil {
			return err
		}
		items, err := itemsOf(ctx, tx, o.Bucket, o.ID)
		if err != nil {
			return err
		}
		if _, err := s.moveReserved(ctx, tx, items, debtMove{order: o, event: debt.Release}); err != nil {
			return err
		}
		if err := s.expose(ctx, tx, o.Bank, -o.Tiyn, a.CreatedAt); err != nil {
			return err
		}
	case bank.Absent:
		if o.State == order.Executing {
			if err := o.step(s.orderTable, order.Lose, now, "the bank does not know the attempt"); err != nil {
				return err
			}
		}
	case bank.Pending:
		return fmt.Errorf("couldn't apply %q to attempt %s", said.Outcome, a.ID)
	}
	return saveOrder(ctx, tx, o)
}
