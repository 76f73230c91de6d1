package payment

import (
	"context"
	"time"

	"github.com/lib/pq"

	"qaqpa/payment/ledger"
)

// postingRow is a stored posting.
type postingRow struct {
	ID        string             `db:"id"`
	Kind      ledger.PostingKind `db:"kind"`
	Subject   string             `db:"subject"`
	Reason    string             `db:"reason"`
	Seq       int64              `db:"journal_seq"`
	CreatedAt time.Time          `db:"created_at"`
}

// postingsOf reads the postings that leaves speak of.
func (j *journalWalk) postingsOf(ctx context.Context, rows []leafRow) (map[string]*postingRow, error) {
	var ids []string
	for _, row := range rows {
		if row.Posting != "" {
			ids = append(ids, row.Posting)
		}
	}
	if len(ids) == 0 {
		return map[string]*postingRow{}, nil
	}
	var found []postingRow
	err := all(ctx, j.tx, &found, `SELECT id, kind, subject, reason, journal_seq, created_at FROM postings WHERE bucket = $1 AND id = ANY($2)`,
		j.number, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*postingRow, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	return byID, nil
}

// comparePosting holds a posting's leaf against the rows that it speaks of.
func (j *journalWalk) comparePosting(row leafRow, p ledger.Posting, stored *postingRow, transfers []transferRow) {
	where := func(format string, args ...any) {
		j.report.problem("bucket %d leaf %d: "+format, append([]any{j.number, row.Seq}, args...)...)
	}
	j.postings++
	if p.Bucket != j.number || p.Seq != row.Seq || p.ID != row.Posting {
		where("the posting is of bucket %d, leaf %d, %s", p.Bucket, p.Seq, p.ID)
	}
	if !row.isOf(p.RecordedAt) {
		where("stored as of another time than it says")
	}
	j.compareTransfers(where, p.Transfers, transfers, func(t transferRow) bool { return t.Posting == p.ID && t.Order == "" })
	switch {
	case stored == nil:
		where("posting %s is missing", p.ID)
	case stored.Kind != p.Kind || stored.Subject != p.Subject || stored.Reason != p.Reason || stored.Seq != p.Seq ||
		stored.CreatedAt.UTC().Format(time.RFC3339Nano) != p.RecordedAt:
		where("posting %s differs", p.ID)
	}
}

// compareTransfers holds the transfers of a leaf against the stored ones, which must belong to the leaf, and adds them up.
func (j *journalWalk) compareTransfers(where func(string, ...any), said []ledger.Transfer, transfers []transferRow, owned func(transferRow) bool) {
	byID := make(map[string]transferRow, len(transfers))
	for _, t := range transfers {
		byID[t.ID] = t
		if err := j.report.Balances.Add(t.transfer()); err != nil {
			where("%v", err)
		}
	}
	j.transfers += int64(len(transfers))
	for _, t := range said {
		if stored, found := byID[t.ID]; !found || stored.transfer() != t || !owned(stored) {
			where("transfer %s is missing or differs", t.ID)
		}
	}
	if len(transfers) != len(said) {
		where("%d transfers for %d in the entry", len(transfers), len(said))
	}
}
