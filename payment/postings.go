package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
)

// postingRequest is a posting to be made.
type postingRequest struct {
	kind ledger.PostingKind
	// bucket is that of the owner of the rows that the posting belongs to.
	bucket int
	// subject is what the posting is made for: of one kind there is one posting for one subject.
	subject string
	// reason is a short text without personal data.
	reason string
	// legs are the transfers; their ids are made here. A leg's debt, if stated, lies in the same bucket.
	legs []ledger.Transfer
}

// postAll appends postings to the journal within the transaction, in a few round trips however many they are, and
// returns their ids in the same order. The journals of their buckets stay locked until the transaction ends, so it is
// called as late as possible and once per transaction; the audit entry follows it. errPosted, when one of the subjects
// has a posting of its kind already: then the transaction must be rolled back.
func (s *store) postAll(ctx context.Context, tx *sqlx.Tx, requests []postingRequest) ([]string, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	now := s.now()
	buckets, ids := make([]int, len(requests)), make([]string, len(requests))
	for i, r := range requests {
		buckets[i] = r.bucket
	}
	if err := s.exposePostings(ctx, tx, requests); err != nil {
		return nil, err
	}
	w, err := openJournal(ctx, tx, now, buckets...)
	if err != nil {
		return nil, err
	}
	for i, r := range requests {
		p, err := r.posting(now)
		if err != nil {
			return nil, err
		}
		if err := w.posting(p); err != nil {
			return nil, err
		}
		ids[i] = p.ID
	}
	return ids, w.write(ctx, tx)
}

func (r postingRequest) posting(now time.Time) (ledger.Posting, error) {
	id, err := newID(prefixPosting, r.bucket)
	if err != nil {
		return ledger.Posting{}, err
	}
	p := ledger.Posting{
		Type: ledger.PostingType, Version: ledger.PostingVersion, Bucket: r.bucket, ID: id, Kind: r.kind, Subject: r.subject,
		Reason: r.reason, RecordedAt: now.Format(time.RFC3339Nano), Transfers: make([]ledger.Transfer, len(r.legs)),
	}
	for i, leg := range r.legs {
		if leg.ID, err = newID(prefixTransfer, r.bucket); err != nil {
			return ledger.Posting{}, err
		}
		p.Transfers[i] = leg
	}
	if err := p.Check(); err != nil {
		return ledger.Posting{}, fmt.Errorf("couldn't post %s for %s: %w", r.kind, r.subject, err)
	}
	return p, nil
}
