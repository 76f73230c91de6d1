// Package dual holds what two operators have to agree on before it is done, such as the destruction of a key.
//
// One operator asks, another one approves, and then it can be done once, within a day. Who asked counts as the first approval and
// cannot be the second; the database says so, too. What was asked names the key by its id, so that nothing else can be done in
// its place. Each step is in the audit log, in the transaction that makes it.
package dual

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"qaqpa/signer/audit"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Errors that a caller branches on.
var (
	// ErrNotFound: no such request, or its time is over.
	ErrNotFound = errors.New("no such request, or its time is over")
	// ErrSamePerson: who asked approves, or who approved does so again.
	ErrSamePerson = errors.New("the second approval must come from another operator")
	// ErrNotApproved: the second approval is missing.
	ErrNotApproved = errors.New("the request is not approved by a second operator")
	// ErrOther: the request is for something else.
	ErrOther = errors.New("the request is for something else")
	// ErrDone: it was done already.
	ErrDone = errors.New("the request was used already")
)

// Life is how long a request may be approved and used.
const Life = 24 * time.Hour

// Action is what is asked.
type Action struct {
	Kind  string `db:"kind" json:"kind"`     // destroy, retire, rotate, wrap-backup, restore-backup
	Token string `db:"token" json:"token"`   // label
	Key   string `db:"key_label" json:"key"` // label
	KeyID string `db:"key_id" json:"key_id"` // CKA_ID in hexadecimal, or what else names it and nothing else
}

// Request is an action that was asked for.
type Request struct {
	Action
	ID         string     `db:"id"`
	Asked      string     `db:"asked_by"`
	AskedAt    time.Time  `db:"asked_at"`
	Approved   *string    `db:"approved_by"`
	ApprovedAt *time.Time `db:"approved_at"`
	DoneAt     *time.Time `db:"done_at"`
}

// Book holds requests. It has no state of its own.
type Book struct {
	db  *sqlx.DB
	log *audit.Log
	now func() time.Time
}

// New makes a Book; the schema is that of signer/migrations.
func New(db *sqlx.DB, log *audit.Log, now func() time.Time) *Book { return &Book{db, log, now} }

// Ask writes a request down and returns its id.
func (b *Book) Ask(ctx context.Context, a Action, operator string) (string, error) {
	if a.Kind == "" || a.Token == "" || a.Key == "" || a.KeyID == "" || operator == "" {
		return "", fmt.Errorf("%w: kind, token, key, id and operator are needed", ErrOther)
	}
	u, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("couldn't make an id: %w", err)
	}
	id := "kr_" + u.String()
	return id, b.step(ctx, "key.request.asked", operator, id, func(tx *sqlx.Tx) (Action, error) {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO key_requests (id, kind, token, key_label, key_id, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, a.Kind, a.Token, a.Key, a.KeyID, operator, b.now().UTC())
		return a, err
	})
}

// Approve gives the second approval.
//
// Errors: ErrNotFound, ErrSamePerson, ErrDone.
func (b *Book) Approve(ctx context.Context, id, operator string) error {
	return b.step(ctx, "key.request.approved", operator, id, func(tx *sqlx.Tx) (Action, error) {
		r, err := b.lock(ctx, tx, id)
		switch {
		case err != nil:
			return Action{}, err
		case name(r.Asked) == name(operator) || r.Approved != nil:
			return Action{}, ErrSamePerson
		}
		_, err = tx.ExecContext(ctx, `UPDATE key_requests SET approved_by = $2, approved_at = $3 WHERE id = $1`, id, operator, b.now().UTC())
		return r.Action, err
	})
}

// Use marks a request as done, just before it is: a crash in between leaves it undone and used up, and it has to be asked again.
// The request must be approved and for exactly this action.
//
// Errors: ErrNotFound, ErrNotApproved, ErrOther, ErrDone.
func (b *Book) Use(ctx context.Context, id string, a Action, operator string) error {
	return b.step(ctx, "key.request.used", operator, id, func(tx *sqlx.Tx) (Action, error) {
		r, err := b.lock(ctx, tx, id)
		switch {
		case err != nil:
			return Action{}, err
		case r.Action != a:
			return Action{}, fmt.Errorf("%w: to %s key %q (%s) of token %q", ErrOther, r.Kind, r.Key, r.KeyID, r.Token)
		case r.Approved == nil:
			return Action{}, ErrNotApproved
		}
		_, err = tx.ExecContext(ctx, `UPDATE key_requests SET done_at = $2 WHERE id = $1`, id, b.now().UTC())
		return a, err
	})
}

// Open lists the requests that can still be approved or used, oldest first.
func (b *Book) Open(ctx context.Context) ([]Request, error) {
	var out []Request
	err := b.db.SelectContext(ctx, &out, `SELECT * FROM key_requests WHERE done_at IS NULL AND asked_at > $1 ORDER BY asked_at`, b.now().UTC().Add(-Life))
	if err != nil {
		return nil, fmt.Errorf("couldn't list the requests: %w", err)
	}
	return out, nil
}

// pastMax is the most requests that Past lists.
const pastMax = 200

// Past lists the requests that were done or whose time is over, the last one first; limit is 1 to 200.
func (b *Book) Past(ctx context.Context, limit int) ([]Request, error) {
	var out []Request
	err := b.db.SelectContext(ctx, &out, `SELECT * FROM key_requests WHERE done_at IS NOT NULL OR asked_at <= $1 ORDER BY asked_at DESC, id DESC LIMIT $2`,
		b.now().UTC().Add(-Life), min(max(limit, 1), pastMax))
	if err != nil {
		return nil, fmt.Errorf("couldn't list the past requests: %w", err)
	}
	return out, nil
}

// name is under which name an operator acts, without the person behind it: who holds one name twice is no second operator.
func name(operator string) string {
	name, _, _ := strings.Cut(operator, "/")
	return name
}

func (b *Book) lock(ctx context.Context, tx *sqlx.Tx, id string) (Request, error) {
	var rows []Request
	if err := tx.SelectContext(ctx, &rows, `SELECT * FROM key_requests WHERE id = $1 AND asked_at > $2 FOR UPDATE`, id, b.now().UTC().Add(-Life)); err != nil {
		return Request{}, err
	}
	if len(rows) == 0 {
		return Request{}, ErrNotFound
	}
	if rows[0].DoneAt != nil {
		return Request{}, ErrDone
	}
	return rows[0], nil
}

// step does one thing with its audit entry.
func (b *Book) step(ctx context.Context, what, operator, id string, do func(*sqlx.Tx) (Action, error)) error {
	tx, err := b.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	a, err := do(tx)
	var pe *pq.Error
	if errors.As(err, &pe) && (pe.Constraint == "key_requests_two_people" || pe.Constraint == "key_requests_two_names") {
		err = ErrSamePerson
	}
	if err != nil {
		return fmt.Errorf("request %s: %w", id, err)
	}
	detail, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("couldn't write down the audit entry: %w", err)
	}
	if err := b.log.Append(ctx, tx, operator, what, id, detail); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit: %w", err)
	}
	return nil
}
