package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/debt"
)

// Bounds of a feed.
const (
	// feedChunk is how many lines share a transaction. It must not change: a repetition finds its chunks by their number.
	feedChunk = 1000
	// feedLinesMax is the most lines of one feed.
	feedLinesMax = 1_000_000
)

// Feed is a stream of debts of one agency, under a name that makes it repeatable.
type Feed struct {
	// Caller is who sends it, for the audit log.
	Caller string
	// Agency owns the debts.
	Agency string
	// Name is the agency's own, 1 to 255 printable ASCII characters; the same lines under the same name take effect once.
	Name string
}

// FeedLine is a line as it was read.
type FeedLine struct {
	// Raw is the line as it came, without its end; it is read before the next line is asked for.
	Raw []byte
	// Item is what it states, unless Refused says why it states nothing.
	Item    debt.Item
	Refused *debt.RefusalError
}

// FeedReport says how far a feed has come.
type FeedReport struct {
	Feed string `json:"feed"`
	// Lines that have been decided and stored, from the first on.
	Lines    int `json:"lines"`
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"`
	// Complete is false for a feed that was cut: repeat it under the same name, and it goes on after Lines.
	Complete bool `json:"complete"`
	// LoadedAt is the time of the last lines stored; nil when there are none.
	LoadedAt *time.Time `json:"loaded_at,omitempty"`
}

// FeedDebts takes the lines that next returns, until [io.EOF], a thousand to a transaction. Good lines land, bad ones are
// told by number; they take effect in their order. What a transaction has decided is decided for good: a repetition of
// the same lines finds it, another text in their place is [ErrIdempotencyReuse]. Any other error of next ends the feed;
// whole transactions remain, and the report says how far they go also beside an error. Memory is that of a thousand
// lines, however long the feed.
//
// The second value says that all of it had been stored before. Errors: [ErrInvalid], [ErrAgencyUnknown],
// [ErrIdempotencyReuse], [ErrIdempotencyBusy] while another call feeds under the same name, and what next returned.
func (s *Service) FeedDebts(ctx context.Context, feed Feed, next func() (FeedLine, error)) (FeedReport, bool, error) {
	report := FeedReport{Feed: feed.Name}
	idem := Idem{Caller: feed.Caller, Key: feed.Name}
	if err := idem.check(); err != nil {
		return report, false, err
	}
	flight := "feed\x00" + idem.flight()
	if _, busy := s.inFlight.LoadOrStore(flight, true); busy {
		return report, false, ErrIdempotencyBusy
	}
	defer s.inFlight.Delete(flight)
	if err := s.agencyKnown(ctx, s.db, feed.Agency); err != nil {
		return report, false, err
	}
	replayed := true
	for seq := 0; ; seq++ {
		chunk, err := readChunk(seq, report.Lines, next)
		if err != nil {
			return report, false, err
		}
		row, stored, err := s.storeChunk(ctx, feed, chunk)
		if err != nil {
			return report, false, err
		}
		report.add(row)
		replayed = replayed && stored
		if chunk.last {
			return report, replayed, nil
		}
	}
}

func (r *FeedReport) add(row feedRow) {
	at := row.LoadedAt.UTC()
	r.Lines, r.Accepted, r.Refused = r.Lines+row.Lines, r.Accepted+row.Accepted, r.Refused+row.Refused
	r.Complete, r.LoadedAt = r.Complete || row.Last, &at
}

func (s *Service) agencyKnown(ctx context.Context, q sqlx.QueryerContext, agency string) error {
	var known string
	return orMissing(one(ctx, q, &known, `SELECT id FROM agencies WHERE id = $1`, agency), ErrAgencyUnknown)
}

// feedLines is some lines of a feed before they are stored.
type feedLines struct {
	seq, before int // number of the chunk, and of lines before it
	items       []debt.Item
	refused     []*debt.RefusalError // by item; nil for those to be decided
	digest      [sha256.Size]byte
	last        bool
}

// readChunk collects the next lines. A chunk that an error cuts is thrown away whole: which of its lines the sender
// believes sent is not known, and a repetition must find the same chunks.
func readChunk(seq, before int, next func() (FeedLine, error)) (*feedLines, error) {
	c := &feedLines{seq: seq, before: before}
	h := sha256.New()
	for len(c.items) < feedChunk {
		line, err := next()
		if errors.Is(err, io.EOF) {
			c.last = true
			break
		}
		if err != nil {
			return nil, err
		}
		if before+len(c.items) == feedLinesMax {
			return nil, ErrInvalid.with(fmt.Sprintf("a feed has at most %d lines", feedLinesMax))
		}
		hashLine(h, line.Raw)
		c.items, c.refused = append(c.items, line.Item), append(c.refused, line.Refused)
	}
	if c.last {
		hashLine(h, nil) // an end after these lines, and no lines that were left out
	}
	h.Sum(c.digest[:0])
	return c, nil
}

func hashLine(h hash.Hash, line []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(line)))
	h.Write(n[:])
	h.Write(line)
}

// storeChunk applies a chunk, or finds that it was applied. A crash before the commit leaves nothing of it.
func (s *Service) storeChunk(ctx context.Context, feed Feed, c *feedLines) (row feedRow, stored bool, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		at := s.now()
		fresh, err := claimChunk(ctx, tx, feed, c, at)
		if err != nil {
			return err
		}
		if stored = !fresh; stored {
			row, err = findChunk(ctx, tx, feed, c.seq)
			if err == nil && !bytes.Equal(row.Digest, c.digest[:]) {
				err = ErrIdempotencyReuse.with(fmt.Sprintf("the lines from %d on are not those of the first sending", c.before+1))
			}
			return err
		}
		results, err := c.apply(ctx, tx, &s.store, feed.Agency, at)
		if err != nil {
			return err
		}
		row = feedRow{Lines: len(c.items), Last: c.last, LoadedAt: at}
		for _, r := range results {
			if r.Outcome == debt.Refused {
				row.Refused++
			} else {
				row.Accepted++
			}
		}
		if row.Results, err = packResults(results); err != nil {
			return err
		}
		if err := finishChunk(ctx, tx, feed, c.seq, row); err != nil || row.Lines == 0 {
			return err
		}
		return s.audit(ctx, tx, entry{feed.Caller, "debts.fed", feed.Agency, map[string]any{
			"feed": feed.Name, "from": c.before + 1, "through": c.before + row.Lines, "accepted": row.Accepted, "refused": row.Refused,
		}})
	})
	return row, stored, err
}

// apply decides the lines that could be read, in runs that touch no debt twice.
func (c *feedLines) apply(ctx context.Context, tx *sqlx.Tx, keeper *store, agency string, at time.Time) ([]debt.Result, error) {
	results := make([]debt.Result, len(c.items))
	var items []debt.Item
	var places []int
	for i, refused := range c.refused {
		results[i] = debt.Result{Index: c.before + i, Reference: c.items[i].Reference}
		if refused == nil {
			items, places = append(items, c.items[i]), append(places, i)
			continue
		}
		refused.Tell(&results[i])
	}
	done := 0
	for _, run := range runsOf(items) {
		b := batch{keeper: keeper, agency: agency, items: run, results: make([]debt.Result, len(run)), loadedAt: at}
		if err := b.take(ctx, tx); err != nil {
			return nil, err
		}
		for i, r := range b.results {
			r.Index = c.before + places[done+i]
			results[places[done+i]] = r
		}
		done += len(run)
	}
	return results, nil
}

// FeedProgress says how far a feed of an agency has come. Errors: [ErrFeedUnknown].
func (s *Service) FeedProgress(ctx context.Context, agency, name string) (FeedReport, error) {
	report := FeedReport{Feed: name}
	rows, err := listChunks(ctx, s.db, agency, name)
	if err != nil {
		return report, err
	}
	if len(rows) == 0 {
		return report, ErrFeedUnknown
	}
	for _, row := range rows {
		report.add(row)
	}
	return report, nil
}

// FeedResults hands out what became of each line of a feed, in order, a JSON document per line; see [FeedResult]. It
// reads one chunk at a time. Errors: [ErrFeedUnknown], and those of write.
func (s *Service) FeedResults(ctx context.Context, agency, name string, write func(results []byte) error) error {
	return s.FeedResultsFrom(ctx, agency, name, 1, write)
}

// FeedResultsFrom is FeedResults from the chunk on that has a line; lines before it in the same chunk come, too.
func (s *Service) FeedResultsFrom(ctx context.Context, agency, name string, line int, write func(results []byte) error) error {
	rows, err := listChunks(ctx, s.db, agency, name)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return ErrFeedUnknown
	}
	for seq := max(line-1, 0) / feedChunk; seq < len(rows); seq++ {
		row, err := findChunk(ctx, s.db, Feed{Agency: agency, Name: name}, seq)
		if err != nil {
			return err
		}
		text, err := unpackResults(row.Results)
		if err != nil {
			return err
		}
		if err := write(text); err != nil {
			return err
		}
	}
	return nil
}
