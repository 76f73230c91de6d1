package audit

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Fault is one thing wrong with the log.
type Fault struct {
	Chain int    `json:"chain"`
	Seq   int64  `json:"seq"`
	What  string `json:"what"`
}

// Report is the result of Verify.
type Report struct {
	// Entries and Seals count what was checked.
	Entries int64 `json:"entries"`
	Seals   int   `json:"seals"`
	// Stamps counts the time stamps of seals; whoever can judge such adds it (see signer.Service.VerifyAudit).
	Stamps int `json:"stamps"`
	// Faults are in order of chain and seq; at most 100 are listed. None: the log is whole.
	Faults []Fault `json:"faults"`
}

// Whole tells whether nothing was found wrong.
func (r Report) Whole() bool { return len(r.Faults) == 0 }

const faultsMax = 100

func (r *Report) fault(chain int, seq int64, format string, args ...any) {
	if len(r.Faults) < faultsMax {
		r.Faults = append(r.Faults, Fault{Chain: chain, Seq: seq, What: fmt.Sprintf(format, args...)})
	}
}

// OpenSeal checks the signature of a sealed document and returns the document.
type OpenSeal func(sealed []byte) (document []byte, err error)

// Verify reads the whole log in one snapshot and tells what does not fit: a gap, a changed entry, a head that is not the
// end of its chain, a seal whose heads are no longer there. With open, the signature of each seal is checked too; nil
// leaves that out. Faults are a result; an error means that the log could not be read. Writers are not blocked.
func Verify(ctx context.Context, db *sqlx.DB, open OpenSeal) (Report, error) {
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return Report{}, fmt.Errorf("couldn't begin reading the audit log: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // read only: nothing is lost
	rep := Report{Faults: []Fault{}}
	var heads []head
	if err := tx.SelectContext(ctx, &heads, `SELECT chain, seq, hash FROM audit_chains ORDER BY chain`); err != nil {
		return Report{}, fmt.Errorf("couldn't read the audit heads: %w", err)
	}
	marks, err := sealedHeads(ctx, tx, &rep, open)
	if err != nil {
		return Report{}, err
	}
	if len(heads) != Chains {
		rep.fault(0, 0, "%d chains have a head, %d are due", len(heads), Chains)
	}
	if err := walk(ctx, tx, &rep, heads, marks); err != nil {
		return Report{}, err
	}
	return rep, nil
}

// mark is the hash that a seal claims for an entry.
type mark struct {
	chain int
	seq   int64
}

type row struct {
	Chain    int       `db:"chain"`
	Seq      int64     `db:"seq"`
	PrevHash []byte    `db:"prev_hash"`
	Hash     []byte    `db:"hash"`
	At       time.Time `db:"at"`
	Actor    string    `db:"actor"`
	Action   string    `db:"action"`
	Subject  string    `db:"subject"`
	Detail   []byte    `db:"detail"`
}

func (r *row) record() Record {
	rec := Record{
		Entry: Entry{Actor: r.Actor, Action: r.Action, Subject: r.Subject, Detail: r.Detail},
		Chain: r.Chain, Seq: r.Seq, At: r.At.UTC(),
	}
	copy(rec.PrevHash[:], r.PrevHash)
	copy(rec.Hash[:], r.Hash)
	return rec
}

// walk streams all entries in order and compares each with the end of its chain so far.
func walk(ctx context.Context, tx *sqlx.Tx, rep *Report, heads []head, marks map[mark][]byte) error {
	rows, err := tx.QueryxContext(ctx,
		`SELECT chain, seq, prev_hash, hash, at, actor, action, subject, detail FROM audit_entries ORDER BY chain, seq`)
	if err != nil {
		return fmt.Errorf("couldn't read the audit entries: %w", err)
	}
	defer rows.Close() // rows.Err is checked
	var ends [Chains]head
	for rows.Next() {
		var r row
		if err := rows.StructScan(&r); err != nil {
			return fmt.Errorf("couldn't read an audit entry: %w", err)
		}
		rep.Entries++
		if r.Chain < 0 || r.Chain >= Chains {
			rep.fault(r.Chain, r.Seq, "there is no such chain")
			continue
		}
		rep.checkRecord(r.record(), &ends[r.Chain], marks)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("couldn't read the audit entries: %w", err)
	}
	for _, h := range heads {
		if end := ends[h.Chain]; end.Seq != h.Seq || !bytes.Equal(pad(end.Hash), h.Hash) {
			rep.fault(h.Chain, h.Seq, "the head says entry %d is the last, the chain ends with %d or another hash", h.Seq, end.Seq)
		}
	}
	for m := range marks {
		rep.fault(m.chain, m.seq, "sealed, but no longer there")
	}
	return nil
}

func (r *Report) checkRecord(rec Record, end *head, marks map[mark][]byte) {
	switch {
	case rec.Seq != end.Seq+1:
		r.fault(rec.Chain, rec.Seq, "follows entry %d: entries are missing", end.Seq)
	case !bytes.Equal(rec.PrevHash[:], pad(end.Hash)):
		r.fault(rec.Chain, rec.Seq, "does not follow the hash of the entry before")
	}
	if rec.Hash != rec.hash() {
		r.fault(rec.Chain, rec.Seq, "was changed: its hash is not that of its fields")
	}
	if Bucket(rec.Subject) != rec.Chain {
		r.fault(rec.Chain, rec.Seq, "does not belong to this chain")
	}
	if want, ok := marks[mark{rec.Chain, rec.Seq}]; ok {
		delete(marks, mark{rec.Chain, rec.Seq})
		if !bytes.Equal(want, rec.Hash[:]) {
			r.fault(rec.Chain, rec.Seq, "is not the entry that was sealed")
		}
	}
	end.Seq, end.Hash = rec.Seq, rec.Hash[:]
}

// pad gives the hash before the first entry.
func pad(hash []byte) []byte {
	if hash == nil {
		return make([]byte, 32)
	}
	return hash
}
