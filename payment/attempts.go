package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/bank"
	"qaqpa/payment/flow"
	"qaqpa/payment/order"
)

// attemptsAtOnce bounds the calls to banks that one process has open.
const attemptsAtOnce = 64

// storeGrace is how long the outcome of a call may take to be stored after the service was told to stop.
const storeGrace = 10 * time.Second

// workAttempts starts the next step of attempts that are due, as many as there are free slots, and returns how many. It
// does not wait for them: a bank that hangs holds up nobody else.
func (s *Service) workAttempts(ctx context.Context) (int, error) {
	if s.calls.free() == 0 {
		return 0, nil
	}
	byFile, err := s.banksByFile(ctx)
	if err != nil {
		return 0, err
	}
	buckets, err := s.dueBuckets(ctx, `SELECT DISTINCT bucket FROM attempts
		WHERE due_at <= $1 AND state IN ('prepared', 'sent', 'unknown', 'absent')
			AND file_id IS NULL AND (state <> 'prepared' OR bank_bic <> ALL($2::text[]))`, s.now(), pq.Array(byFile))
	if err != nil {
		return 0, err
	}
	done := 0
	for _, bucket := range buckets {
		free := s.calls.free()
		if free == 0 {
			break
		}
		claimed, err := s.claimAttempts(ctx, bucket, free, byFile, s.lease())
		if err != nil {
			return done, err
		}
		for i := range claimed {
			s.calls.start(func() { s.workAttempt(ctx, &claimed[i]) })
		}
		done += len(claimed)
	}
	return done, nil
}

// lease is longer than a call to a bank with all that is done around it.
func (s *Service) lease() time.Duration { return s.cfg.BankTimeout + storeGrace }

// workAttempt sends an attempt, or looks it up. What goes wrong is logged here and tried again later.
func (s *Service) workAttempt(ctx context.Context, a *attemptRow) {
	var err error
	switch a.State {
	case order.AttemptPrepared, order.AttemptAbsent:
		err = s.send(ctx, a)
	case order.AttemptSent, order.AttemptUnknown:
		err = s.lookup(ctx, a)
	case order.AttemptExecuted, order.AttemptRefused:
		return
	}
	if ctx.Err() != nil {
		err = errors.Join(err, s.release(ctx, `UPDATE attempts SET due_at = $3 WHERE bucket = $1 AND id = $2 AND due_at = $4`, a.Bucket, a.ID, a.DueAt))
	}
	if err != nil {
		s.log.WarnContext(ctx, "attempt goes on later", slog.String("attempt", a.ID), slog.String("state", string(a.State)),
			slog.Int("tries", a.Tries), slog.Any("err", err))
	}
}

// uncut outlives a stop by a grace: for what must be stored, or claimed as a whole, once it was begun.
func uncut(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeGrace)
}

// release ends a lease, if it is still ours, so that a stop does not hold up what was claimed. The statement takes bucket,
// id, the present time, and the end of the lease.
func (s *Service) release(ctx context.Context, statement string, bucket int, id string, lease time.Time) error {
	ctx, cancel := uncut(ctx)
	defer cancel()
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return exec(ctx, tx, -1, statement, bucket, id, s.now(), lease)
	})
}

// send seals the stored message, stores that it is being sent, and only then calls the bank. A crash before the store
// leaves a prepared attempt, after it one that is looked up.
func (s *Service) send(ctx context.Context, a *attemptRow) error {
	target, err := s.bank(ctx, a.Bank)
	if err != nil {
		return err
	}
	sealed, err := s.cfg.Sealer.Seal(ctx, a.Message)
	if err != nil {
		return errors.Join(fmt.Errorf("couldn't seal the payment order: %w", err), s.postpone(ctx, a, troubleSeal))
	}
	ours, err := s.markSent(ctx, a)
	if err != nil || !ours {
		return err
	}
	reply, err := s.cfg.Banks.Pay(ctx, target.URL, sealed)
	// From here the payment may have been executed, whatever came back; the outcome is stored even if we are stopping.
	ctx, cancel := uncut(ctx)
	defer cancel()
	switch {
	case err != nil:
		s.metrics.outcomes.WithLabelValues(a.Bank, "no_reply").Inc()
		return errors.Join(err, s.lose(ctx, a.ID, troubleNoReply+shortCause(err)))
	case !reply.Answered():
		return s.lose(ctx, a.ID, troubleStatus+strconv.Itoa(reply.Status))
	}
	return s.hear(ctx, a, fromReply, reply.Message)
}

// lookup asks the bank what became of an attempt.
func (s *Service) lookup(ctx context.Context, a *attemptRow) error {
	target, err := s.bank(ctx, a.Bank)
	if err != nil {
		return err
	}
	reply, err := s.cfg.Banks.Lookup(ctx, target.URL, a.ID)
	ctx, cancel := uncut(ctx)
	defer cancel()
	switch {
	case err != nil:
		return errors.Join(err, s.lose(ctx, a.ID, troubleNoAnswer+shortCause(err)))
	case !reply.AnsweredLookup():
		return s.lose(ctx, a.ID, troubleAnswerStatus+strconv.Itoa(reply.Status))
	}
	return s.hear(ctx, a, fromLookup, reply.Message)
}

// shortCause names a failed call without addresses.
func shortCause(err error) string {
	if timeout := interface{ Timeout() bool }(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return "time-out"
	}
	return "connection failed"
}

// hear takes what the bank answered. A message that cannot be believed leaves the outcome unknown.
func (s *Service) hear(ctx context.Context, a *attemptRow, from source, message []byte) error {
	_, err := s.listen(ctx, expectation{bank: a.Bank, attempt: a.ID, from: from}, message)
	if err != nil {
		return errors.Join(err, s.lose(ctx, a.ID, troubleMessage+codeOf(err)))
	}
	return nil
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return string(e.Code)
	}
	return "could not be processed"
}

// bank reads a bank of the register.
func (s *Service) bank(ctx context.Context, bic string) (bankRow, error) {
	var row bankRow
	err := orMissing(one(ctx, s.db, &row, `SELECT `+bankColumns+` FROM banks WHERE bic = $1`, bic), ErrBankUnknown)
	return row, err
}

// markSent stores that the attempt is being sent. It is ours to send only if nothing happened to it since the claim.
func (s *Service) markSent(ctx context.Context, a *attemptRow) (ours bool, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		ours = false
		now, o, err := s.lockAttempt(ctx, tx, a.ID)
		if err != nil || now.State != a.State || now.Sends != a.Sends {
			return err
		}
		event := order.Send
		if now.State == order.AttemptAbsent {
			event = order.Resend
		}
		if err := now.step(s.attemptTable, event); err != nil {
			return err
		}
		at := s.now()
		now.Sends++
		now.Tries, now.DueAt, now.UpdatedAt, now.LastProblem = 0, at.Add(s.lease()), at, ""
		if err := o.step(s.orderTable, event, at, ""); err != nil {
			return err
		}
		if err := saveAttempt(ctx, tx, now); err != nil {
			return err
		}
		if err := saveOrder(ctx, tx, o); err != nil {
			return err
		}
		ours = true
		return audit(ctx, tx, s.cfg.Auditor, entry{actorGateway, "attempt.sent", a.ID, map[string]any{"order": o.ID, "bank": o.Bank, "sends": now.Sends}})
	})
	return ours, err
}

// lose notes that the bank's answer is missing or unusable, and when to ask again. It never decides anything: an attempt
// whose outcome came in another way meanwhile is left alone.
func (s *Service) lose(ctx context.Context, id, why string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		a, o, err := s.lockAttempt(ctx, tx, id)
		if err != nil {
			return err
		}
		at := s.now()
		switch a.State {
		case order.AttemptSent:
			if err := a.step(s.attemptTable, order.Lose); err != nil {
				return err
			}
			a.Tries = 1
			if o.State == order.Executing {
				if err := o.step(s.orderTable, order.Lose, at, why); err != nil {
					return err
				}
			}
		case order.AttemptUnknown: // asked again, still no answer: no new event, the history would fill with them
		case order.AttemptPrepared, order.AttemptAbsent, order.AttemptExecuted, order.AttemptRefused:
			return nil
		}
		a.LastProblem, a.UpdatedAt, a.DueAt = why, at, at.Add(s.lookupPause(a.Tries))
		if err := saveAttempt(ctx, tx, a); err != nil {
			return err
		}
		return saveOrder(ctx, tx, o)
	})
}

// postpone puts off an attempt that could not be sent yet.
func (s *Service) postpone(ctx context.Context, a *attemptRow, why string) error {
	ctx, cancel := uncut(ctx)
	defer cancel()
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return exec(ctx, tx, -1, `UPDATE attempts SET due_at = $3, last_problem = $4 WHERE bucket = $1 AND id = $2 AND state = $5`,
			a.Bucket, a.ID, s.now().Add(s.lookupPause(a.Tries)), why, a.State)
	})
}

// lookupPause doubles from the least to the most, and spreads by a quarter.
func (s *Service) lookupPause(tries int) time.Duration {
	const doublingsMax = 30
	pause := s.cfg.LookupBackoffMin << min(max(tries-1, 0), doublingsMax)
	if pause <= 0 || pause > s.cfg.LookupBackoffMax {
		pause = s.cfg.LookupBackoffMax
	}
	return pause + rand.N(pause/4+1) //nolint:gosec // G404: jitter is no secret
}

// source says how a bank's message came.
type source string

const (
	fromReply    source = "reply"
	fromLookup   source = "lookup"
	fromCallback source = "callback"
	// fromFile is a report about a file, told of one of its payments.
	fromFile source = "file"
	// fromFolder is a report that the bank left in its folder.
	fromFolder source = "folder"
	// fromStatement is a line of a statement that two people took for the bank's word.
	fromStatement source = "statement"
)

// heard is a bank's message whose signature held.
type heard struct {
	status    bank.Status
	from      source
	message   []byte
	content   []byte
	verdictID string
	// by is who took it for the bank's word; empty where the bank itself said it.
	by string
}

// events by what the bank says.
func eventOf(outcome bank.Outcome) flow.Event {
	switch outcome {
	case bank.Executed:
		return order.Confirm
	case bank.Refused:
		return order.Refuse
	case bank.Absent:
		return order.Deny
	case bank.Pending:
	}
	return ""
}
