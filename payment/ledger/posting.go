package ledger

import (
	"bytes"
	"fmt"
	"slices"

	"qaqpa/payment/canon"
	"qaqpa/payment/money"
)

// PostingKind says why money was moved other than by a bank's execution of an order.
type PostingKind string

// Kinds of postings.
const (
	// Settlement: the treasury has the money; the bank no longer owes it and the beneficiary is no longer due it.
	Settlement PostingKind = "settlement"
	// Surplus and Shortage: a statement shows more or less than was expected.
	Surplus  PostingKind = "surplus"
	Shortage PostingKind = "shortage"
	// WriteOff: a difference that nobody will make good.
	WriteOff PostingKind = "write-off"
	// Correction: money stands at the wrong account, such as under a wrong KBK.
	Correction PostingKind = "correction"
	// Refund: the payer gets money back through his bank.
	Refund PostingKind = "refund"
	// Commission: what a service costs.
	Commission PostingKind = "commission"
	// Guarantee: a bank's deposit is raised or lowered.
	Guarantee PostingKind = "guarantee"
)

// PostingKinds lists all kinds.
func PostingKinds() []PostingKind {
	return []PostingKind{Settlement, Surplus, Shortage, WriteOff, Correction, Refund, Commission, Guarantee}
}

// PostingType and PostingVersion mark the layout of a posting.
const (
	PostingType    = "posting"
	PostingVersion = 1
)

// Limits of a posting.
const (
	// LegsMax is the most transfers of one posting.
	LegsMax = 1000
	// subjectBytesMax and reasonBytesMax bound the texts.
	subjectBytesMax = 128
	reasonBytesMax  = 300
)

// Posting is one leaf of the journal that is no execution of an order. It carries no personal data.
type Posting struct {
	Type    string `json:"type"`
	Version int    `json:"version"`
	Bucket  int    `json:"bucket"`
	// Seq is the number of the leaf in its bucket, from 0.
	Seq int64 `json:"seq"`
	// ID is "pst_", two hex digits of the bucket, 32 hex digits.
	ID   string      `json:"id"`
	Kind PostingKind `json:"kind"`
	// Subject is what the posting is made for, such as a match, an exception or a refund. Of one kind there is one
	// posting for one subject.
	Subject    string     `json:"subject"`
	Reason     string     `json:"reason"`
	RecordedAt string     `json:"recorded_at"`
	Transfers  []Transfer `json:"transfers"`
}

// Check holds a posting to its rules: a known kind, bounded texts, sound transfers in one currency, each id once.
func (p Posting) Check() error {
	if p.Type != PostingType || p.Version != PostingVersion || p.Bucket < 0 || p.Bucket >= Buckets || p.Seq < 0 {
		return fmt.Errorf("%w: type %q version %d bucket %d seq %d", ErrJournal, p.Type, p.Version, p.Bucket, p.Seq)
	}
	if !slices.Contains(PostingKinds(), p.Kind) {
		return fmt.Errorf("%w: kind %q", ErrJournal, string(p.Kind))
	}
	if p.ID == "" || p.Subject == "" || p.RecordedAt == "" || len(p.Subject) > subjectBytesMax || len(p.Reason) > reasonBytesMax {
		return fmt.Errorf("%w: a field is empty or too long", ErrJournal)
	}
	if n := len(p.Transfers); n == 0 || n > LegsMax {
		return fmt.Errorf("%w: %d transfers", ErrJournal, n)
	}
	total := money.FromTiyn(0)
	seen := make(map[string]bool, len(p.Transfers))
	for _, t := range p.Transfers {
		if err := t.sound(); err != nil {
			return err
		}
		if seen[t.ID] {
			return fmt.Errorf("%w: transfer %s twice", ErrJournal, t.ID)
		}
		seen[t.ID] = true
		var err error
		if total, err = total.Plus(t.Amount); err != nil { // also refuses a second currency
			return fmt.Errorf("%w: %w", ErrJournal, err)
		}
	}
	return nil
}

// Encode renders the posting as the bytes of its leaf.
func (p Posting) Encode() ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return canon.Marshal(p)
}

// DecodePosting reads a leaf, which must be canonical and state every field. Errors wrap [ErrJournal] or [ErrTransfer].
func DecodePosting(leaf []byte) (Posting, error) {
	var p Posting
	if err := canon.DecodeExact(leaf, &p); err != nil {
		return Posting{}, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return p, p.Check()
}

// IsPosting tells a posting's leaf from an execution's by its type; nothing else of the leaf is checked. In canonical
// JSON no other member can hold these bytes: a quote inside of a text is escaped.
func IsPosting(leaf []byte) bool {
	return bytes.Contains(leaf, []byte(`"type":"`+PostingType+`"`))
}
