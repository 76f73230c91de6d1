package payment

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"qaqpa/payment/debt"
)

// FeedResult is what became of one line of a feed.
type FeedResult struct {
	// Line counts from 1.
	Line       int          `json:"line"`
	Reference  string       `json:"reference,omitempty"`
	Outcome    debt.Outcome `json:"outcome"`
	Debt       string       `json:"debt,omitempty"`
	Superseded string       `json:"superseded,omitempty"`
	Code       string       `json:"code,omitempty"`
	Field      string       `json:"field,omitempty"`
	Detail     string       `json:"detail,omitempty"`
	Reason     debt.Reason  `json:"reason,omitempty"`
	Facts      debt.Facts   `json:"facts,omitzero"`
}

// feedRow is a stored chunk of a feed.
type feedRow struct {
	Lines    int       `db:"lines"`
	Accepted int       `db:"accepted"`
	Refused  int       `db:"refused"`
	Last     bool      `db:"last"`
	Digest   []byte    `db:"digest"`
	Results  []byte    `db:"results"`
	LoadedAt time.Time `db:"loaded_at"`
}

func (f Feed) bucket() int { return bucketOf(f.Agency + ":" + f.Name) }

// claimChunk takes a chunk's number, or says that it is taken. What another process works on is waited for.
func claimChunk(ctx context.Context, tx *sqlx.Tx, f Feed, c *feedLines, at time.Time) (fresh bool, err error) {
	result, err := tx.ExecContext(ctx, `
		INSERT INTO debt_feed_chunks (bucket, agency_id, feed, seq, lines, accepted, refused, last, digest, results, loaded_at)
		VALUES ($1, $2, $3, $4, 0, 0, 0, $5, $6, '', $7) ON CONFLICT DO NOTHING`,
		f.bucket(), f.Agency, f.Name, c.seq, c.last, c.digest[:], at)
	if pq.As(err, pqerror.LockNotAvailable) != nil {
		return false, ErrIdempotencyBusy
	}
	if err != nil {
		return false, fmt.Errorf("couldn't claim lines of a feed: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func finishChunk(ctx context.Context, tx *sqlx.Tx, f Feed, seq int, row feedRow) error {
	return exec(ctx, tx, 1, `UPDATE debt_feed_chunks SET lines = $5, accepted = $6, refused = $7, results = $8
		WHERE bucket = $1 AND agency_id = $2 AND feed = $3 AND seq = $4`,
		f.bucket(), f.Agency, f.Name, seq, row.Lines, row.Accepted, row.Refused, row.Results)
}

func findChunk(ctx context.Context, q sqlx.QueryerContext, f Feed, seq int) (feedRow, error) {
	var row feedRow
	err := one(ctx, q, &row, `SELECT lines, accepted, refused, last, digest, results, loaded_at FROM debt_feed_chunks
		WHERE bucket = $1 AND agency_id = $2 AND feed = $3 AND seq = $4`, f.bucket(), f.Agency, f.Name, seq)
	return row, err
}

// listChunks reads the chunks of a feed without their results.
func listChunks(ctx context.Context, q sqlx.QueryerContext, agency, name string) ([]feedRow, error) {
	var rows []feedRow
	f := Feed{Agency: agency, Name: name}
	err := all(ctx, q, &rows, `SELECT lines, accepted, refused, last, loaded_at FROM debt_feed_chunks
		WHERE bucket = $1 AND agency_id = $2 AND feed = $3 ORDER BY seq`, f.bucket(), agency, name)
	return rows, err
}

func packResults(results []debt.Result) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("couldn't pack the results of a feed: %w", err)
	}
	lines := json.NewEncoder(z)
	for _, r := range results {
		line := FeedResult{
			Line: r.Index + 1, Reference: r.Reference, Outcome: r.Outcome, Debt: r.Debt, Superseded: r.Superseded,
			Code: r.Code, Field: r.Field, Detail: r.Detail, Reason: r.Reason, Facts: r.Facts,
		}
		if err := lines.Encode(line); err != nil {
			return nil, fmt.Errorf("couldn't pack the results of a feed: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("couldn't pack the results of a feed: %w", err)
	}
	return out.Bytes(), nil
}

func unpackResults(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("couldn't unpack the results of a feed: %w", err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("couldn't unpack the results of a feed: %w", err)
	}
	return text, nil
}
