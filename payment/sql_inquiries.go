package payment

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/inquiry"
)

const prefixQuestion = "qst_"

// registerRow is an agency's register beside the last answer about one payer.
type registerRow struct {
	Agency       string     `db:"agency_id"`
	BIN          string     `db:"bin"`
	KK           string     `db:"name_kk"`
	RU           string     `db:"name_ru"`
	EN           string     `db:"name_en"`
	URL          string     `db:"url"`
	WaitMS       int64      `db:"wait_ms"`
	FreshSeconds int64      `db:"fresh_seconds"`
	Failures     int        `db:"failures"`
	RetryAt      *time.Time `db:"retry_at"`
	AskedAt      *time.Time `db:"asked_at"`
	AsOf         *time.Time `db:"as_of"`
	ByReference  bool       `db:"by_reference"`
}

func (r registerRow) wait() time.Duration { return time.Duration(r.WaitMS) * time.Millisecond }

// fresh reports whether the last answer stands in for the next one.
func (r registerRow) fresh(now time.Time) bool {
	return r.AskedAt != nil && now.Sub(*r.AskedAt) < time.Duration(r.FreshSeconds)*time.Second
}

// answer is that of an agency which says nothing now.
func (r registerRow) answer() RegisterAnswer {
	return RegisterAnswer{
		Agency: r.Agency, Names: catalog.Names{KK: r.KK, RU: r.RU, EN: r.EN}, Outcome: RegisterSilent, AsOf: utc(r.AsOf), Numbers: r.ByReference,
	}
}

// SetRegister says how the register of an agency is asked; it counts as never having failed. Errors: [ErrAgencyUnknown], [ErrInvalid]
// naming the field, and those of [Idem].
func (r *Registrar) SetRegister(ctx context.Context, idem Idem, agency string, set inquiry.Settings) (bool, error) {
	if err := set.Check(r.plainHTTP); err != nil {
		return false, invalidSpec(err)
	}
	_, replayed, err := idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (bool, error) {
		var known string
		if err := orMissing(one(ctx, tx, &known, `SELECT id FROM agencies WHERE id = $1`, agency), ErrAgencyUnknown); err != nil {
			return false, err
		}
		if err := exec(ctx, tx, 1, `
			INSERT INTO agency_registers (agency_id, url, wait_ms, fresh_seconds, paused, updated_at, by_reference) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (agency_id) DO UPDATE SET url = excluded.url, wait_ms = excluded.wait_ms, fresh_seconds = excluded.fresh_seconds,
				paused = excluded.paused, by_reference = excluded.by_reference, updated_at = excluded.updated_at, failures = 0, retry_at = NULL, last_problem = ''`,
			agency, set.URL, set.Wait.Milliseconds(), int64(set.Fresh/time.Second), set.Paused, r.now(), set.ByReference); err != nil {
			return false, err
		}
		return true, r.audit(ctx, tx, entry{idem.Caller, "agency.register", agency, set})
	})
	return replayed, err
}

// registersFor reads the registers that may be asked, with their last answer about a payer. agency narrows to one; empty means all.
func (s *Service) registersFor(ctx context.Context, payer, agency string) ([]registerRow, error) {
	var rows []registerRow
	err := all(ctx, s.db, &rows, `
		SELECT r.agency_id, g.bin, g.name_kk, g.name_ru, g.name_en, r.url, r.wait_ms, r.fresh_seconds, r.failures, r.retry_at, r.by_reference, a.asked_at, a.as_of
		FROM agency_registers r JOIN agencies g ON g.id = r.agency_id
		LEFT JOIN register_answers a ON a.bucket = $1 AND a.payer_id = ANY($2) AND a.agency_id = r.agency_id
		WHERE NOT r.paused AND ($3 = '' OR r.agency_id = $3) ORDER BY r.agency_id LIMIT $4`, bucketOf(payer), s.private.forms(payer), agency, registersMax)
	return rows, err
}

// mayAsk reports whether a register that has failed may be tried: of all processes one tries, the others leave it in peace meanwhile.
func (s *Service) mayAsk(ctx context.Context, r registerRow) (may bool, err error) {
	if r.RetryAt == nil {
		return true, nil
	}
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		var claimed []string
		err := all(ctx, tx, &claimed, `UPDATE agency_registers SET retry_at = $3 WHERE agency_id = $1 AND retry_at = $2 RETURNING agency_id`,
			r.Agency, *r.RetryAt, s.now().Add(inquiry.Pause(r.Failures)))
		may = len(claimed) > 0
		return err
	})
	return may, err
}

// Actions of the audit log: to whom a person's number was told, when and for whom (R42), and what became of it.
const (
	actionAsked    = "debts.asked"
	actionAnswered = "debts.answered"
)

// noteAsked writes down that an agency is told a payer's number, before it is: a gateway that dies behind the question must not have told
// anybody of a person without a trace.
func (s *Service) noteAsked(ctx context.Context, q question, r registerRow) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return s.audit(ctx, tx, entry{q.actor, actionAsked, q.payer, q.said(r)})
	})
}

// noteSilence counts a failure of the agency's, and writes down that no usable answer came.
func (s *Service) noteSilence(ctx context.Context, q question, r registerRow, problem string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		detail := q.said(r)
		detail["problem"] = problem
		said := entry{q.actor, actionAnswered, q.payer, detail}
		if problem == registerUndecided { // that was ours
			return s.audit(ctx, tx, said)
		}
		var failures int
		if err := one(ctx, tx, &failures, `UPDATE agency_registers SET failures = failures + 1, last_problem = $2 WHERE agency_id = $1 RETURNING failures`,
			r.Agency, problem); err != nil {
			return err
		}
		if pause := inquiry.Pause(failures); pause > 0 {
			if err := exec(ctx, tx, 1, `UPDATE agency_registers SET retry_at = $2 WHERE agency_id = $1`, r.Agency, s.now().Add(pause)); err != nil {
				return err
			}
		}
		return s.audit(ctx, tx, said)
	})
}

// claimAnswer takes the row of the answer, so that answers about a payer take turns, and returns of when the stored one is if that is
// newer: asked later, or of later data.
func (s *Service) claimAnswer(ctx context.Context, tx *sqlx.Tx, q question, r registerRow, found answered) (*time.Time, error) {
	var rows []struct {
		AskedAt time.Time `db:"asked_at"`
		AsOf    time.Time `db:"as_of"`
	}
	bucket, forms := bucketOf(q.payer), s.private.forms(q.payer)
	if err := all(ctx, tx, &rows, `SELECT asked_at, as_of FROM register_answers
		WHERE bucket = $1 AND payer_id = ANY($2) AND agency_id = $3 FOR UPDATE`, bucket, forms, r.Agency); err != nil {
		return nil, err
	}
	if q.Reference != "" {
		if len(rows) > 0 && (rows[0].AskedAt.After(q.at) || rows[0].AsOf.After(found.AsOf)) {
			return utc(&rows[0].AsOf), nil
		}
		return s.newerOfNumber(ctx, tx, q, r, found)
	}
	if len(rows) == 0 {
		result, err := tx.ExecContext(ctx, `INSERT INTO register_answers (bucket, payer_id, agency_id, question, asked_at, as_of, verdict)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, bucket, s.private.payer(q.payer), r.Agency, q.ID, q.at, found.AsOf, found.verdict)
		if err != nil {
			return nil, err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return nil, errAgain // another question was the first one
		}
		return nil, nil //nolint:nilnil // nothing is newer
	}
	if rows[0].AskedAt.After(q.at) || rows[0].AsOf.After(found.AsOf) {
		return utc(&rows[0].AsOf), nil
	}
	return nil, exec(ctx, tx, 1, `UPDATE register_answers SET question = $4, asked_at = $5, as_of = $6, verdict = $7, payer_id = $8
		WHERE bucket = $1 AND payer_id = ANY($2) AND agency_id = $3`, bucket, forms, r.Agency, q.ID, q.at, found.AsOf, found.verdict, s.private.payer(q.payer))
}

// withGone adds recalls of the debts that the register stated before and states no more. Of debts that it has never stated, such as fed
// ones, its silence says nothing. An answer about a number recalls no other than the debt of that number.
func (s *Service) withGone(ctx context.Context, tx *sqlx.Tx, q question, agency string, stated []debt.Item) ([]debt.Item, error) {
	items := append([]debt.Item(nil), stated...)
	references := make([]string, len(stated))
	for i, item := range stated {
		references[i] = item.Reference
	}
	var gone []string
	if err := all(ctx, tx, &gone, `SELECT reference FROM debts WHERE bucket = $1 AND payer_id = ANY($2) AND agency_id = $3 AND state = 'open'
		AND origin = 'agency' AND reference <> ALL($4)
		AND CASE WHEN $5 = '' THEN register_at IS NOT NULL ELSE reference = $5 AND (register_at IS NOT NULL OR reference_as_of IS NOT NULL) END ORDER BY reference`,
		bucketOf(q.payer), s.private.forms(q.payer), agency, pq.Array(references), q.Reference); err != nil {
		return nil, err
	}
	for _, reference := range gone {
		items = append(items, debt.Item{Reference: reference, Payer: debt.Payer{ID: q.payer}, Action: debt.RecallIt, Reason: recalledByRegister})
	}
	return items, nil
}

// markStated notes that the register has stated these debts. They were locked before.
func (s *Service) markStated(ctx context.Context, tx *sqlx.Tx, q question, asOf time.Time, stated []debt.Item) error {
	references := make([]string, len(stated))
	for i, item := range stated {
		references[i] = item.Reference
	}
	column, at := "register_at", s.now()
	if q.Reference != "" { // what was found by its number is not known to be among what the register states of its payer
		column, at = "reference_as_of", asOf
	}
	return exec(ctx, tx, -1, `UPDATE debts SET `+column+` = $5 WHERE bucket = $1 AND payer_id = ANY($2) AND agency_id = $3 AND state = 'open'
		AND reference = ANY($4) AND origin = 'agency'`, bucketOf(q.payer), s.private.forms(q.payer), q.of, pq.Array(references), at)
}

// ids are the stored debts of a batch.
func (b *batch) ids() (bucket int, ids []string) {
	for key, d := range b.stored {
		bucket, ids = bucketOf(key.payer), append(ids, d.ID)
	}
	return bucket, ids
}

// listen finds the locked debts of which the agency has said more, by its program or a feed, since the data of an answer. A register that
// answers from a copy repeats what it knew last night: its own earlier answers are no newer word.
func (b *batch) listen(ctx context.Context, tx *sqlx.Tx) error {
	bucket, ids := b.ids()
	if b.askedAt.IsZero() || len(ids) == 0 {
		return nil
	}
	var spoken []string
	err := all(ctx, tx, &spoken, `SELECT id FROM debts WHERE bucket = $1 AND id = ANY($2) AND loaded_at > $3 AND loaded_at > coalesce(register_said_at, 'epoch')`,
		bucket, pq.Array(ids), b.asOf)
	b.spoken = make(map[string]bool, len(spoken))
	for _, id := range spoken {
		b.spoken[id] = true
	}
	return err
}

// markSaid notes that the register spoke last of the debts that an answer has made, confirmed, amended or recalled.
func (b *batch) markSaid(ctx context.Context, tx *sqlx.Tx) error {
	bucket, ids := b.ids()
	for _, r := range b.results {
		if r.Outcome == debt.Created {
			bucket, ids = bucketOf(b.items[r.Index].Payer.ID), append(ids, r.Debt)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return exec(ctx, tx, -1, `UPDATE debts SET register_said_at = loaded_at WHERE bucket = $1 AND id = ANY($2) AND loaded_at = $3`, bucket, pq.Array(ids), b.loadedAt)
}
