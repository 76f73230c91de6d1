package payment

import (
	"context"
	"crypto/sha256"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/payment/pgarray"
)

// confirmation is a bank's word that a payment was executed, on its way through a shared commit. Everything else that a
// bank may say, and every word that meets an unexpected state, takes the path of [Service.apply].
type confirmation struct {
	heard   heard
	signer  Signer
	digest  [sha256.Size]byte
	verdict any
	// order is set by the commit.
	order string
}

func (c *confirmation) keys() []string { return []string{c.heard.status.Attempt} }

func (c *confirmation) begin() { c.order = "" }

// paidPair is an attempt with its order and the registered BIN of its bank.
type paidPair struct {
	A   attemptRow `db:"a"`
	O   orderRow   `db:"o"`
	BIN string     `db:"bin"`
}

// readPaid reads attempts with their orders, without locks.
func (s *store) readPaid(ctx context.Context, tx *sqlx.Tx, ids []string) (map[string]*paidPair, error) {
	buckets, known := make([]int64, 0, len(ids)), make([]string, 0, len(ids))
	for _, id := range ids {
		if bucket, ok := bucketOfID(prefixAttempt, id); ok {
			buckets, known = append(buckets, int64(bucket)), append(known, id)
		}
	}
	var rows []paidPair
	err := all(ctx, tx, &rows, `
		SELECT a.bucket AS "a.bucket", a.id AS "a.id", a.order_id AS "a.order_id", a.bank_bic AS "a.bank_bic", a.state AS "a.state",
			a.amount AS "a.amount", a.currency AS "a.currency", a.sends AS "a.sends", a.tries AS "a.tries", a.created_at AS "a.created_at",
			o.bucket AS "o.bucket", o.id AS "o.id", o.payer_id AS "o.payer_id", o.bank_bic AS "o.bank_bic", o.state AS "o.state",
			o.amount AS "o.amount", o.currency AS "o.currency", o.document AS "o.document", o.events AS "o.events",
			o.attempt_id AS "o.attempt_id", o.reason AS "o.reason", o.commission AS "o.commission", b.bin
		FROM unnest($1::integer[], $2::text[]) AS k (bucket, id)
		JOIN attempts a ON a.bucket = k.bucket AND a.id = k.id
		JOIN orders o ON o.bucket = a.bucket AND o.id = a.order_id
		JOIN banks b ON b.bic = a.bank_bic`, pgarray.Int4s(buckets), pgarray.Texts(known))
	if err != nil {
		return nil, err
	}
	pairs := make(map[string]*paidPair, len(rows))
	for i := range rows {
		if err := s.private.order(ctx, &rows[i].O); err != nil {
			return nil, err
		}
		pairs[rows[i].A.ID] = &rows[i]
	}
	return pairs, nil
}

// commitConfirmations is the shared commit of confirmations.
func (s *Service) commitConfirmations(ctx context.Context, tx *sqlx.Tx, jobs []*job) (func(), error) {
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = confirmationOf(j).heard.status.Attempt
	}
	pairs, err := s.readPaid(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	w := &writes{at: s.now(), private: s.private}
	var verdicts []any
	for _, j := range jobs {
		c := confirmationOf(j)
		if err := s.confirmPlain(w, c, pairs[c.heard.status.Attempt]); err != nil {
			j.alone = true // whatever is odd about it is judged, kept and answered there
			continue
		}
		if c.verdict != nil {
			verdicts = append(verdicts, c.verdict)
		}
	}
	if len(w.entries) == 0 {
		return nil, nil
	}
	kept, err := s.keepVerdicts(ctx, tx, w, verdicts)
	if err != nil {
		return nil, err
	}
	return kept, w.flush(ctx, tx, s.cfg.Auditor)
}

func confirmationOf(j *job) *confirmation {
	c, _ := j.work.(*confirmation)
	return c
}

// confirmPlain adds what an execution changes, if attempt and order are as they are when nothing went wrong. It leaves w
// alone otherwise.
func (s *Service) confirmPlain(w *writes, c *confirmation, pair *paidPair) error {
	said := c.heard.status
	switch {
	case pair == nil:
		return ErrAttemptUnknown
	case said.Outcome != bank.Executed || pair.A.Bank != said.Bank || !speaksFor(c.signer, pair.BIN):
		return ErrBankSigner
	}
	a, o := pair.A, pair.O
	if done, err := s.judge(&a, &o, said); err != nil || done != dispositionApplied {
		return ErrConfirmationConflict
	}
	change := attemptChange{attemptRow: &a, stateBefore: a.State, sendsBefore: a.Sends}
	if err := a.step(s.attemptTable, order.Confirm); err != nil {
		return err
	}
	a.DueAt, a.Tries, a.LastProblem = w.at, 0, ""
	reference, at := said.BankReference, said.At()
	before := o.Events
	o.BankReference, o.ExecutedAt, o.ReceiptDueAt = &reference, &at, &w.at
	if err := o.step(s.orderTable, order.Confirm, w.at, string(c.heard.from)); err != nil {
		return err
	}
	return s.addExecution(w, c, change, orderChange{orderRow: &o, eventsBefore: before})
}

// addExecution adds states, message, journal entry, webhooks and audit entry of one execution.
func (s *Service) addExecution(w *writes, c *confirmation, a attemptChange, o orderChange) error {
	doc, err := order.ReadStored(o.Document)
	if err != nil {
		return err
	}
	if doc.InParts() { // what is left of a debt is read under its lock
		return errAllocations
	}
	entries, err := entriesOf(a.attemptRow, o.orderRow, doc, w.at, nil)
	if err != nil {
		return err
	}
	taken, charged, err := commissionOf(o.orderRow, doc, w.at)
	if err != nil {
		return err
	}
	entry, err := c.auditEntry(a.attemptRow, o.orderRow)
	if err != nil {
		return err
	}
	outbox := make([]webhookRow, len(doc.Items))
	for i, item := range doc.Items {
		id, err := newID(prefixMessage, o.Bucket)
		if err != nil {
			return err
		}
		outbox[i] = webhookRow{bucket: o.Bucket, id: id, agency: item.Agency, order: o.ID, debt: item.Debt}
	}
	for _, item := range doc.Items {
		w.debts = append(w.debts, debtChange{
			bucket: o.Bucket, id: item.Debt, from: debt.Reserved, to: debt.Paid, order: o.ID, tied: o.ID, paidAt: o.ExecutedAt,
		})
	}
	if charged {
		w.postings = append(w.postings, taken)
	}
	w.attempts, w.orders, w.outbox = append(w.attempts, a), append(w.orders, o), append(w.outbox, outbox...)
	w.entries = append(w.entries, entries...)
	w.messages = append(w.messages, messageRow{
		bucket: a.Bucket, digest: c.digest[:], attempt: a.ID, heard: c.heard, disposition: dispositionApplied,
	})
	w.audit = append(w.audit, entry)
	c.order = o.ID
	return nil
}

func (c *confirmation) auditEntry(a *attemptRow, o *orderRow) (AuditEntry, error) {
	said := c.heard.status
	return entry{actorBank(said.Bank), "bank." + string(said.Outcome), a.ID, confirmedDetail{
		Amount: said.Tiyn, Disposition: dispositionApplied, Order: o.ID, Reference: said.BankReference, Source: c.heard.from,
		Verdict: c.heard.verdictID,
	}}.encode()
}

// confirmedDetail is what the audit entry of a bank's message says, in the order of names.
type confirmedDetail struct {
	Amount      int64       `json:"amount"`
	Disposition disposition `json:"disposition"`
	Order       string      `json:"order"`
	Reference   string      `json:"reference"`
	Source      source      `json:"source"`
	Verdict     string      `json:"verdict"`
}
