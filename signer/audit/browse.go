package audit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// Query chooses entries for Recent. Empty fields choose all.
type Query struct {
	// Subject is the whole id of what it was done to. Actor and Action are whole, too; Action may end in ".*", and an Actor without a
	// slash is found with every person who acted under that name.
	Subject, Actor, Action string
	// Limit is the most entries that come back, 1 to 200.
	Limit int
}

const (
	columnsOf   = `e.chain, e.seq, e.prev_hash, e.hash, e.at, e.actor, e.action, e.subject, e.detail`
	browseLimit = 200
)

// Recent lists entries, the newest first. Of one subject it finds all; otherwise it looks at the last Limit entries of each chain, which
// the primary key serves however long the log is, so that with Actor or Action it finds what is recent and no more.
func Recent(ctx context.Context, db *sqlx.DB, q Query) ([]Record, error) {
	limit := min(max(q.Limit, 1), browseLimit)
	var rows []row
	var err error
	if q.Subject != "" {
		err = db.SelectContext(ctx, &rows, `SELECT `+columnsOf+` FROM audit_entries e WHERE e.chain = $1 AND e.subject = $2
			AND ($3 = '' OR e.actor = $3 OR split_part(e.actor, '/', 1) = $3) AND ($4 = '' OR e.action LIKE $4) ORDER BY e.seq DESC LIMIT $5`,
			Bucket(q.Subject), q.Subject, q.Actor, pattern(q.Action), limit)
	} else {
		err = db.SelectContext(ctx, &rows, `SELECT `+columnsOf+` FROM audit_chains c CROSS JOIN LATERAL
			(SELECT * FROM audit_entries t WHERE t.chain = c.chain ORDER BY t.seq DESC LIMIT $3) e
			WHERE ($1 = '' OR e.actor = $1 OR split_part(e.actor, '/', 1) = $1) AND ($2 = '' OR e.action LIKE $2) ORDER BY e.at DESC, e.chain, e.seq DESC LIMIT $3`,
			q.Actor, pattern(q.Action), limit)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't list audit entries: %w", err)
	}
	out := make([]Record, len(rows))
	for i := range rows {
		out[i] = rows[i].record()
	}
	return out, nil
}

// pattern is for LIKE; what means something to it is taken as it stands.
func pattern(action string) string {
	family, all := strings.CutSuffix(action, ".*")
	quoted := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(family)
	if all {
		return quoted + ".%"
	}
	return quoted
}

// ErrNoEntry says that the log has no such entry.
var ErrNoEntry = errors.New("no such audit entry")

// proofMax bounds how far a chain is followed from an entry to a seal.
const proofMax = 20_000

// Proof says what holds an entry in its place.
type Proof struct {
	Record
	// Problem says what does not fit, in English; empty: entry and chain are whole as far as they were followed. Fault is its kind.
	Problem string
	Fault   Misfit
	// Through is the last entry of the chain that was checked: each after the proven one carries the hash of the one before.
	Through int64
	// Seal is the first seal over a later state of the chain, with the time that it claims; empty while none covers the entry.
	Seal   string
	SealAt time.Time
}

// Misfit is what does not fit about a proof. The values are stable.
type Misfit string

// The kinds of misfits.
const (
	MisfitEntry Misfit = "entry" // the entry was changed
	MisfitSeal  Misfit = "seal"  // the seal does not hold
	MisfitChain Misfit = "chain" // a later entry does not follow
	MisfitGone  Misfit = "gone"  // a sealed entry is no longer there
	MisfitOther Misfit = "other" // another entry stands where the sealed one was
)

func (p *Proof) fail(f Misfit, problem string) { p.Fault, p.Problem = f, problem }

// Prove follows the chain from an entry to the first seal over it, else to its end, and checks each hash and the seal. What does not fit is
// a result; an error means that the log could not be read, or ErrNoEntry.
func Prove(ctx context.Context, db *sqlx.DB, at Head, open OpenSeal) (Proof, error) {
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return Proof{}, fmt.Errorf("couldn't begin reading the audit log: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // read only: nothing is lost
	var first row
	err = tx.GetContext(ctx, &first, `SELECT `+columnsOf+` FROM audit_entries e WHERE e.chain = $1 AND e.seq = $2`, at.Chain, at.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		return Proof{}, ErrNoEntry
	}
	if err != nil {
		return Proof{}, fmt.Errorf("couldn't read an audit entry: %w", err)
	}
	p := Proof{Record: first.record(), Through: at.Seq}
	if p.hash() != p.Hash {
		p.fail(MisfitEntry, "the entry was changed: its hash is not that of its fields")
		return p, nil
	}
	sealed, err := p.findSeal(ctx, tx, open)
	if err != nil || p.Problem != "" {
		return p, err
	}
	return p, p.follow(ctx, tx, sealed)
}

// findSeal finds the first seal over the entry or a later one of its chain. Seals made long after have seen the same chain.
func (p *Proof) findSeal(ctx context.Context, tx *sqlx.Tx, open OpenSeal) (Head, error) {
	const sealsTried = 16 // a seal made in the moment of the entry may not cover it yet; the next one does
	var seals []struct {
		ID       string    `db:"id"`
		At       time.Time `db:"at"`
		Document []byte    `db:"document"`
		Sealed   []byte    `db:"sealed"`
	}
	err := tx.SelectContext(ctx, &seals, `SELECT id, at, document, sealed FROM audit_seals WHERE at >= $1 ORDER BY id LIMIT $2`, p.At, sealsTried)
	if err != nil {
		return Head{}, fmt.Errorf("couldn't read the audit seals: %w", err)
	}
	for _, s := range seals {
		var doc Heads
		if json.Unmarshal(s.Document, &doc) != nil {
			continue
		}
		for _, h := range doc.Heads {
			if h.Chain != p.Chain || h.Seq < p.Seq {
				continue
			}
			if what := addMarks(map[mark][]byte{}, s.Document, s.Sealed, open); what != "" {
				p.fail(MisfitSeal, "seal "+s.ID+" "+what)
			}
			p.Seal, p.SealAt = s.ID, s.At.UTC()
			return h, nil
		}
	}
	return Head{}, nil
}

// follow checks the entries behind the proven one, to the sealed one if there is one.
func (p *Proof) follow(ctx context.Context, tx *sqlx.Tx, sealed Head) error {
	most := int64(proofMax)
	if sealed.Seq > 0 {
		most = min(most, sealed.Seq-p.Seq)
	}
	rows, err := tx.QueryxContext(ctx, `SELECT `+columnsOf+` FROM audit_entries e WHERE e.chain = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3`, p.Chain, p.Seq, most)
	if err != nil {
		return fmt.Errorf("couldn't read the audit entries: %w", err)
	}
	defer rows.Close() // rows.Err is checked
	last := p.Record
	for rows.Next() {
		var r row
		if err := rows.StructScan(&r); err != nil {
			return fmt.Errorf("couldn't read an audit entry: %w", err)
		}
		rec := r.record()
		if rec.Seq != last.Seq+1 || rec.PrevHash != last.Hash || rec.hash() != rec.Hash {
			p.fail(MisfitChain, fmt.Sprintf("entry %d of chain %d does not follow", rec.Seq, rec.Chain))
			return nil
		}
		last, p.Through = rec, rec.Seq
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("couldn't read the audit entries: %w", err)
	}
	switch hash, _ := hex.DecodeString(sealed.Hash); {
	case sealed.Seq == 0:
	case last.Seq != sealed.Seq && p.Through-p.Seq < proofMax:
		p.fail(MisfitGone, fmt.Sprintf("entry %d of chain %d is sealed, but no longer there", sealed.Seq, p.Chain))
	case last.Seq == sealed.Seq && !bytes.Equal(hash, last.Hash[:]):
		p.fail(MisfitOther, fmt.Sprintf("entry %d of chain %d is not the one that was sealed", sealed.Seq, p.Chain))
	}
	return nil
}
