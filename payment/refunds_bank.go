package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/flow"
	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
	"qaqpa/payment/refund"
)

// RefundChannel is a [BankChannel] that carries refunds, too; [bank.Client] does.
type RefundChannel interface {
	// Refund hands a sealed refund order to the bank.
	Refund(ctx context.Context, bankURL string, message []byte) (bank.Reply, error)
	// LookupRefund asks what became of a refund.
	LookupRefund(ctx context.Context, bankURL, refund string) (bank.Reply, error)
}

// refundsAtOnce bounds the calls about refunds that one process has open.
const refundsAtOnce = 8

// workRefunds starts the next step of refunds that are due, as many as there are free slots, and returns how many.
func (s *Service) workRefunds(ctx context.Context) (int, error) {
	channel, able := s.cfg.Banks.(RefundChannel)
	if !able || s.refundCalls.free() == 0 {
		return 0, nil
	}
	buckets, err := s.dueBuckets(ctx, `SELECT DISTINCT bucket FROM refunds
		WHERE due_at <= $1 AND state IN ('approved', 'sent', 'unknown', 'absent')`, s.now())
	if err != nil {
		return 0, err
	}
	done := 0
	for _, bucket := range buckets {
		free := s.refundCalls.free()
		if free == 0 {
			break
		}
		claimed, err := s.claimRefunds(ctx, bucket, free)
		if err != nil {
			return done, err
		}
		for i := range claimed {
			s.refundCalls.start(func() { s.workRefund(ctx, channel, &claimed[i]) })
		}
		done += len(claimed)
	}
	return done, nil
}

// claimRefunds takes refunds of one bucket that are due, and makes them due again after the lease.
func (s *Service) claimRefunds(ctx context.Context, bucket, limit int) ([]refundRow, error) {
	var rows []refundRow
	now := s.now()
	ctx, cancel := uncut(ctx)
	defer cancel()
	err := all(ctx, s.db, &rows, `
		WITH due AS (
			SELECT id FROM refunds WHERE bucket = $1 AND due_at <= $2 AND state IN ('approved', 'sent', 'unknown', 'absent')
			ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		UPDATE refunds r SET due_at = $4, tries = r.tries + 1 FROM due WHERE r.bucket = $1 AND r.id = due.id
		RETURNING `+refundColumns, bucket, now, limit, now.Add(s.lease()))
	return rows, err
}

// workRefund sends a refund, or looks it up. What goes wrong is logged here and tried again later.
func (s *Service) workRefund(ctx context.Context, channel RefundChannel, x *refundRow) {
	var err error
	switch x.State {
	case refund.Approved, refund.Absent:
		err = s.sendRefund(ctx, channel, x)
	case refund.Sent, refund.Unknown:
		err = s.askRefund(ctx, channel, x)
	case refund.Requested, refund.Executed, refund.Refused, refund.Booked, refund.Rejected, refund.Withdrawn:
		return
	}
	if ctx.Err() != nil {
		err = errors.Join(err, s.release(ctx, `UPDATE refunds SET due_at = $3 WHERE bucket = $1 AND id = $2 AND due_at = $4`, x.Bucket, x.ID, x.DueAt))
	}
	if err != nil {
		s.log.WarnContext(ctx, "refund goes on later", slog.String("refund", x.ID), slog.String("state", string(x.State)),
			slog.Int("tries", x.Tries), slog.Any("err", err))
	}
}

// sendRefund seals the stored instruction, stores that it is being sent, and only then calls the bank. A crash before the store
// leaves an approved refund, after it one that is looked up.
func (s *Service) sendRefund(ctx context.Context, channel RefundChannel, x *refundRow) error {
	target, err := s.bank(ctx, x.Bank)
	if err != nil {
		return err
	}
	sealed, err := s.cfg.Sealer.Seal(ctx, x.Message)
	if err != nil {
		return fmt.Errorf("couldn't seal the refund order: %w", err) // due again after the lease
	}
	ours, err := s.markRefundSent(ctx, x)
	if err != nil || !ours {
		return err
	}
	reply, err := channel.Refund(ctx, target.URL, sealed)
	// From here the payer may have the money, whatever came back; the outcome is stored even if we are stopping.
	ctx, cancel := uncut(ctx)
	defer cancel()
	switch {
	case err != nil:
		return errors.Join(err, s.loseRefund(ctx, x.ID, troubleNoReply+shortCause(err)))
	case !reply.Answered():
		return s.loseRefund(ctx, x.ID, troubleStatus+strconv.Itoa(reply.Status))
	}
	return s.hearRefund(ctx, x, fromReply, reply.Message)
}

// askRefund asks the bank what became of a refund.
func (s *Service) askRefund(ctx context.Context, channel RefundChannel, x *refundRow) error {
	target, err := s.bank(ctx, x.Bank)
	if err != nil {
		return err
	}
	reply, err := channel.LookupRefund(ctx, target.URL, x.ID)
	ctx, cancel := uncut(ctx)
	defer cancel()
	switch {
	case err != nil:
		return errors.Join(err, s.loseRefund(ctx, x.ID, troubleNoAnswer+shortCause(err)))
	case !reply.AnsweredLookup():
		return s.loseRefund(ctx, x.ID, troubleAnswerStatus+strconv.Itoa(reply.Status))
	}
	return s.hearRefund(ctx, x, fromLookup, reply.Message)
}

// hearRefund takes what the bank answered. A message that cannot be believed leaves the outcome unknown.
func (s *Service) hearRefund(ctx context.Context, x *refundRow, from source, message []byte) error {
	_, err := s.listen(ctx, expectation{bank: x.Bank, refund: x.ID, from: from}, message)
	if err != nil {
		return errors.Join(err, s.loseRefund(ctx, x.ID, troubleMessage+codeOf(err)))
	}
	return nil
}

// markRefundSent stores that the refund is being sent. It is ours to send only if nothing happened to it since the claim.
func (s *Service) markRefundSent(ctx context.Context, x *refundRow) (ours bool, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		ours = false
		now, err := findRefund(ctx, tx, x.ID, "FOR UPDATE")
		if err != nil || now.State != x.State || now.Sends != x.Sends {
			return err
		}
		event := refund.Send
		if now.State == refund.Absent {
			event = refund.Resend
		}
		at := s.now()
		if err := now.step(event, at, actorGateway, ""); err != nil {
			return err
		}
		now.Sends++
		now.Tries, now.DueAt, now.LastProblem = 0, at.Add(s.lease()), ""
		if err := saveRefund(ctx, tx, now); err != nil {
			return err
		}
		ours = true
		return s.audit(ctx, tx, entry{actorGateway, "refund.sent", x.ID, map[string]any{"order": x.Order, "bank": x.Bank, "sends": now.Sends}})
	})
	return ours, err
}

// loseRefund notes that the bank's answer is missing or unusable, and when to ask again. It never decides anything.
func (s *Service) loseRefund(ctx context.Context, id, why string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		x, err := findRefund(ctx, tx, id, "FOR UPDATE")
		if err != nil {
			return err
		}
		at := s.now()
		if x.State != refund.Sent && x.State != refund.Unknown {
			return nil
		}
		if x.State == refund.Sent { // asked again, still no answer: no new event
			if err := x.step(refund.Lose, at, actorGateway, why); err != nil {
				return err
			}
			x.Tries = 1
		}
		x.LastProblem, x.DueAt = why, at.Add(s.lookupPause(x.Tries))
		return saveRefund(ctx, tx, x)
	})
}

// listenRefund takes a message about a refund whose signature was judged.
func (s *Service) listenRefund(ctx context.Context, want expectation, found Signature, message []byte) (Confirmation, error) {
	if err := s.keepVerdict(ctx, found.Unkept); err != nil {
		return Confirmation{}, err
	}
	said, err := bank.ParseRefundStatus(found.Content)
	switch {
	case err != nil:
		return Confirmation{}, ErrBankMessageInvalid.because(err)
	case want.bank != "" && said.Bank != want.bank:
		return Confirmation{}, ErrBankMismatch.with("the message names another bank")
	case want.attempt != "" || (want.refund != "" && said.Refund != want.refund):
		return Confirmation{}, ErrBankMessageInvalid.with("the message is about another payment")
	case want.from != fromLookup && said.Outcome == bank.Absent: // or it would be sent again at once, without end
		return Confirmation{}, ErrBankMessageInvalid.with("absent is an answer to a lookup only")
	}
	registered, err := s.bank(ctx, said.Bank)
	if err != nil {
		return Confirmation{}, err
	}
	if !speaksFor(found.Signers[0], registered.BIN) {
		return Confirmation{}, ErrBankSigner
	}
	return s.applyRefund(ctx, refundWord{said: said, from: want.from, message: message, digest: sha256.Sum256(found.Content), verdict: found.VerdictID})
}

// refundWord is a bank's word about a refund.
type refundWord struct {
	said    bank.RefundStatus
	from    source
	message []byte
	digest  [sha256.Size]byte
	verdict string
	// done and refused are how it was judged.
	done    disposition
	refused error
}

// applyRefund does what a verified message says, in one transaction. A conflict is stored, with its event, and then returned as
// an error.
func (s *Service) applyRefund(ctx context.Context, w refundWord) (Confirmation, error) {
	var out Confirmation
	var refused error
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		out, refused = Confirmation{Result: AlreadyApplied}, nil
		x, err := findRefund(ctx, tx, w.said.Refund, "FOR UPDATE")
		if err != nil {
			return err
		}
		if x.Bank != w.said.Bank {
			return ErrBankMismatch.with("the refund belongs to another bank")
		}
		out.Order, out.Refund = x.Order, x.ID
		if w.done, w.refused = judgeRefund(x, w.said, s.now()); w.done == dispositionApplied {
			out.Result = Applied
		}
		refused = w.refused
		return s.carryOutRefund(ctx, tx, x, w)
	})
	if err != nil {
		return Confirmation{}, err
	}
	s.metrics.outcomes.WithLabelValues(w.said.Bank, "refund_"+string(w.said.Outcome)).Inc()
	if refused != nil {
		return Confirmation{}, refused
	}
	if out.Result == Applied {
		s.kick(s.wakeCheckpoint)
		s.kick(s.wakeWebhooks)
	}
	return out, nil
}

// judgeRefund compares a message with what is stored, as judge does for payments.
func judgeRefund(x *refundRow, said bank.RefundStatus, now time.Time) (disposition, error) {
	begun := x.Sends > 0
	switch {
	case said.Order != "" && said.Order != x.Order:
		return dispositionConflict, ErrConfirmationConflict.with("the message names another order")
	case !begun:
		return dispositionConflict, ErrConfirmationUnsent
	}
	switch said.Outcome {
	case bank.Executed:
		switch {
		case said.Amount() != x.Amount:
			return dispositionConflict, ErrConfirmationAmount
		case said.Commission != x.Commission:
			return dispositionConflict, ErrConfirmationAmount.with("the commission that was given back is not the one of the refund")
		case x.State == refund.Refused:
			return dispositionConflict, ErrConfirmationConflict.with("the refund was confirmed as refused")
		case x.State == refund.Executed && deref(x.BankReference) != said.BankReference:
			return dispositionConflict, ErrConfirmationConflict.with("the refund was confirmed under another reference")
		case x.State == refund.Executed:
			return dispositionRepeated, nil
		case said.At().After(now.Add(24 * time.Hour)):
			return dispositionConflict, ErrConfirmationConflict.with("executed_at is more than a day ahead")
		case x.DecidedAt != nil && said.At().Before(x.DecidedAt.Add(-24*time.Hour)):
			return dispositionConflict, ErrConfirmationConflict.with("executed_at is more than a day before the refund was approved")
		}
		return dispositionApplied, nil
	case bank.Refused:
		if x.State == refund.Executed {
			return dispositionConflict, ErrConfirmationConflict.with("the refund was confirmed as executed")
		}
		if x.State == refund.Refused {
			return dispositionRepeated, nil
		}
		return dispositionApplied, nil
	case bank.Absent:
		if x.State == refund.Sent || x.State == refund.Unknown {
			return dispositionApplied, nil
		}
	case bank.Pending:
	}
	return dispositionNoted, nil
}

// carryOutRefund writes what was judged. The same words again, still refused, were noted before.
func (s *Service) carryOutRefund(ctx context.Context, tx *sqlx.Tx, x *refundRow, w refundWord) error {
	now, said := s.now(), w.said
	result, err := tx.ExecContext(ctx, `
		INSERT INTO refund_messages (bucket, refund_id, digest, bank_bic, source, outcome, disposition, message, verdict_id, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		x.Bucket, x.ID, w.digest[:], said.Bank, w.from, said.Outcome, w.done, w.message, w.verdict, now)
	if err != nil {
		return fmt.Errorf("couldn't store the bank's message: %w", err)
	}
	fresh, err := result.RowsAffected()
	if err != nil {
		return err
	}
	action := "bank.refund_" + string(said.Outcome)
	switch {
	case w.done == dispositionApplied:
		if err := s.takeRefund(ctx, tx, x, w, now); err != nil {
			return err
		}
	case w.done == dispositionConflict && fresh == 1:
		action = "bank.contradiction"
		x.note(refund.Contradict, x.State, now, actorBank(said.Bank), codeOf(w.refused))
		s.metrics.contradictions.WithLabelValues(said.Bank).Inc()
		if err := saveRefund(ctx, tx, x); err != nil {
			return err
		}
	case said.Outcome == bank.Pending && (x.State == refund.Sent || x.State == refund.Unknown):
		x.Tries = max(x.Tries, 1)
		x.DueAt, x.LastProblem = now.Add(s.lookupPause(x.Tries)), "pending at the bank"
		if err := saveRefund(ctx, tx, x); err != nil {
			return err
		}
	}
	if fresh == 0 && w.done != dispositionApplied {
		return nil
	}
	return s.audit(ctx, tx, entry{actorBank(said.Bank), action, x.ID, map[string]any{
		"order": x.Order, "disposition": w.done, "source": w.from, "amount": said.Tiyn, "reference": said.BankReference, "verdict": w.verdict,
	}})
}

func refundEventOf(outcome bank.Outcome) flow.Event {
	return map[bank.Outcome]flow.Event{bank.Executed: refund.Confirm, bank.Refused: refund.Refuse, bank.Absent: refund.Deny}[outcome]
}

// takeRefund moves the refund and posts how the hold ends: paid out, or released to what the beneficiary is due.
func (s *Service) takeRefund(ctx context.Context, tx *sqlx.Tx, x *refundRow, w refundWord, now time.Time) error {
	if err := x.step(refundEventOf(w.said.Outcome), now, actorBank(x.Bank), string(w.from)); err != nil {
		return err
	}
	x.DueAt, x.Tries, x.LastProblem = now, 0, ""
	if w.said.Outcome == bank.Absent {
		return saveRefund(ctx, tx, x)
	}
	shares, err := lockShares(ctx, tx, `s.transfer_id = $2`, x.Bucket, x.Transfer)
	if err != nil || len(shares) != 1 {
		return errors.Join(fmt.Errorf("couldn't find the share of %s", x.ID), err)
	}
	phase, leg := refund.Release, refund.ReleaseLeg(shares[0].Account, x.Bank, x.Debt, x.Tiyn)
	if w.said.Outcome == bank.Executed {
		phase, leg = refund.Post, refund.PostLeg(x.Bank, x.Debt, x.Tiyn)
		reference, at := w.said.BankReference, w.said.At()
		x.BankReference, x.ExecutedAt = &reference, &at
		if x.Successor, err = s.reopen(ctx, tx, x, now); err != nil {
			return err
		}
		if err := s.expectRefund(ctx, tx, x, shares[0].Account, now); err != nil {
			return err
		}
	} else {
		x.BankReason = clip(w.said.Reason)
		if err := saveShare(ctx, tx, &shares[0], shares[0].share().Give(x.Kind, x.Tiyn)); err != nil {
			return err
		}
	}
	requests := []postingRequest{{
		kind: ledger.Refund, bucket: x.Bucket, subject: phase.Of(x.ID), reason: string(x.Kind) + ": " + string(x.Reason), legs: []ledger.Transfer{leg},
	}}
	if legs := refund.ChargeLegs(x.Bank, x.Agency, x.Commission, x.AgencyCommission); phase == refund.Post && len(legs) > 0 {
		requests = append(requests, postingRequest{
			kind: ledger.Commission, bucket: x.Bucket, subject: refund.Charge.Of(x.ID), reason: "commission given back with a refund", legs: legs,
		})
	}
	ids, err := s.postAll(ctx, tx, requests)
	if err != nil {
		return err
	}
	x.Posting = &ids[0]
	if err := s.tell(ctx, tx, x); err != nil {
		return err
	}
	return saveRefund(ctx, tx, x)
}

// expectRefund lets reconciliation expect what the bank takes from our account for the refund: an outgoing line, which books
// against what the bank has to get for refunds.
func (s *Service) expectRefund(ctx context.Context, tx *sqlx.Tx, x *refundRow, due ledger.Account, now time.Time) error {
	days, err := calendar(ctx, tx)
	if err != nil {
		return err
	}
	terms, err := allTerms(ctx, tx)
	if err != nil {
		return err
	}
	t, found := terms[x.Bank]
	if !found {
		t = recon.DefaultTerms()
	}
	o, err := s.readOrder(ctx, tx, x.Order)
	if err != nil {
		return err
	}
	number, err := refundNumber(x.ID)
	if err != nil {
		return err
	}
	_, kbk, _ := due.Agency()
	paid := days.PaymentDay(*x.ExecutedAt, t)
	return insertExpectations(ctx, tx, []expectedRow{{
		Bucket: bucketOf(x.Bank), No: number, Tiyn: -x.Tiyn, PaidOn: paid, DueOn: days.DueDay(paid, t), Bank: x.Bank, Kind: expectRefund,
		Source: x.ID, Reference: strings.TrimPrefix(x.ID, prefixRefund), BankReference: deref(x.BankReference), Payer: o.PayerID, KBK: kbk,
	}}, now)
}

// refundNumber numbers the expectation of a refund: below zero, apart from those of payments, from 62 bits of its id that are random.
func refundNumber(id string) (int64, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(id, prefixRefund))
	const length, randomBits = 17, 1<<62 - 1
	if err != nil || len(raw) != length {
		return 0, fmt.Errorf("couldn't number the refund %s: %w", id, errors.Join(ErrRefundUnknown, err))
	}
	return -1 - int64(binary.BigEndian.Uint64(raw[length-8:])&randomBits), nil
}
