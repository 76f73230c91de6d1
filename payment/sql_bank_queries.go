package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/canon"
)

type queryRow struct {
	Bucket     int            `db:"bucket"`
	ID         string         `db:"id"`
	Bank       string         `db:"bank_bic"`
	Kind       bank.QueryKind `db:"kind"`
	Person     string         `db:"person_id"`
	Order      string         `db:"order_id"`
	Question   []byte         `db:"question"`
	Actor      string         `db:"actor"`
	Reason     string         `db:"reason"`
	AskedAt    time.Time      `db:"asked_at"`
	State      BankQueryState `db:"state"`
	Problem    string         `db:"problem"`
	Said       []byte         `db:"said"`
	Verdict    string         `db:"verdict_id"`
	Agrees     *bool          `db:"agrees"`
	AnsweredAt *time.Time     `db:"answered_at"`
}

const queryColumns = `bucket, id, bank_bic, kind, person_id, order_id, question, actor, reason, asked_at, state, problem, said, verdict_id, agrees, answered_at`

// view is the query as it is shown.
func (r queryRow) view() (BankQuery, error) {
	var asked bank.Query
	if err := canon.Decode(r.Question, &asked); err != nil {
		return BankQuery{}, fmt.Errorf("%w: %w", errStoredAnswer, err)
	}
	out := BankQuery{
		ID: r.ID, State: r.State, Bank: r.Bank, Subject: asked.Subject, Order: r.Order, Reason: r.Reason, Actor: r.Actor, AskedAt: r.AskedAt.UTC(),
		Problem: r.Problem, Agrees: r.Agrees, AnsweredAt: utc(r.AnsweredAt), Verdict: r.Verdict,
	}
	if len(r.Said) == 0 {
		return out, nil
	}
	said, err := bank.ParseAnswer(r.Said, asked)
	if err != nil {
		return BankQuery{}, fmt.Errorf("%w: %w", errStoredAnswer, err)
	}
	out.Belongs, out.Pledged, out.Payment = said.Belongs, said.Pledged, said.Payment
	return out, nil
}

// noteQuery stores that a query is asked, before it leaves.
func (s *Service) noteQuery(ctx context.Context, r queryRow) error {
	question, err := s.private.seal(ctx, r.Question, place("bank_queries", "question", r.ID))
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := exec(ctx, tx, 1, `INSERT INTO bank_queries (bucket, id, bank_bic, kind, person_id, order_id, question, actor, reason, asked_at, state)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			r.Bucket, r.ID, r.Bank, r.Kind, s.private.payer(r.Person), r.Order, question, r.Actor, r.Reason, r.AskedAt, r.State); err != nil {
			return err
		}
		return s.audit(ctx, tx, entry{r.Actor, "bank.asked", r.Person, map[string]any{"query": r.ID, "bank": r.Bank, "kind": r.Kind, "order": r.Order, "reason": r.Reason}})
	})
}

// storeAnswerOfBank ends a query.
func (s *Service) storeAnswerOfBank(ctx context.Context, tx *sqlx.Tx, r *queryRow, heard heardAnswer) error {
	now := s.now()
	r.Problem, r.Verdict, r.Agrees, r.AnsweredAt, r.State = heard.problem, heard.verdict, heard.agrees, &now, QueryUnanswered
	if heard.problem == "" {
		r.State = QueryAnswered
		var err error
		if r.Said, err = canon.Marshal(heard.answer); err != nil {
			return err
		}
	}
	said, err := s.private.seal(ctx, r.Said, place("bank_queries", "said", r.ID))
	if err != nil {
		return err
	}
	answer, err := s.private.seal(ctx, heard.message, place("bank_queries", "answer", r.ID))
	if err != nil {
		return err
	}
	if answer == nil {
		answer, said = []byte{}, []byte{}
	}
	return exec(ctx, tx, 1, `UPDATE bank_queries SET state = $3, problem = $4, answer = $5, said = $6, verdict_id = $7, agrees = $8, answered_at = $9
		WHERE bucket = $1 AND id = $2 AND state = 'asked'`, r.Bucket, r.ID, r.State, r.Problem, answer, said, r.Verdict, r.Agrees, now)
}

// readQuery reads and opens a query.
func (s *Service) readQuery(ctx context.Context, id string) (queryRow, error) {
	bucket, ok := bucketOfID(prefixQuery, id)
	if !ok {
		return queryRow{}, ErrQueryUnknown
	}
	var r queryRow
	err := orMissing(one(ctx, s.db, &r, `SELECT `+queryColumns+` FROM bank_queries WHERE bucket = $1 AND id = $2`, bucket, id), ErrQueryUnknown)
	if err != nil {
		return r, err
	}
	return r, s.openQuery(ctx, &r)
}

// openQuery opens what is stored sealed.
func (s *Service) openQuery(ctx context.Context, r *queryRow) (err error) {
	if r.Person, err = s.private.number(r.Person); err != nil {
		return err
	}
	if r.Question, err = s.private.open(ctx, r.Question, place("bank_queries", "question", r.ID)); err != nil {
		return err
	}
	r.Said, err = s.private.open(ctx, r.Said, place("bank_queries", "said", r.ID))
	return err
}

// queryRefusals are the refusals of queries to banks.
func queryRefusals() []*Error { return []*Error{ErrBankNoQueries, ErrQueryUnknown} }
