package payment

import (
	"context"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/pgarray"
	"qaqpa/payment/sealed"
)

// splitCaller parts a caller of idempotency keys into what stands before a person's number and the number: "citizen:" and the IIN. Callers without
// twelve digits behind their last colon are nobody's number.
func splitCaller(caller string) (kind, number string) {
	const digits = 12
	at := strings.LastIndexByte(caller, ':') + 1
	if at == 0 || len(caller)-at != digits || strings.Trim(caller[at:], "0123456789") != "" {
		return caller, ""
	}
	return caller[:at], caller[at:]
}

// caller is how a caller is stored now: a person's number in it is sealed as elsewhere.
func (p *privacy) caller(caller string) string {
	kind, number := splitCaller(caller)
	return kind + p.payer(number)
}

// callerForms are all ways in which a caller may be stored, the present one first.
func (p *privacy) callerForms(caller string) pq.StringArray {
	kind, number := splitCaller(caller)
	if number == "" {
		return pq.StringArray{caller}
	}
	forms := p.forms(number)
	for i := range forms {
		forms[i] = kind + forms[i]
	}
	return forms
}

// clearCaller reads a stored caller.
func (p *privacy) clearCaller(stored string) (string, error) {
	at := strings.LastIndexByte(stored, ':') + 1
	if at == 0 || !sealed.IsForm(stored[at:]) {
		return stored, nil
	}
	number, err := p.number(stored[at:])
	return stored[:at] + number, err
}

// turning reports whether numbers are being brought under another secret: then one number has several stored forms, and a unique key over the stored form alone admits a row for each.
func (p *privacy) turning() bool { return p != nil && len(p.payers) > 1 }

// takeTurns makes those wait who are about to look for rows of numbers in the same buckets and to insert what they miss, while numbers have several forms; the rows that were
// inserted before are seen then. Where there is one form the unique key does it, and nobody waits. Every gateway has to know a secret before any of them uses it.
func (s *store) takeTurns(ctx context.Context, tx *sqlx.Tx, buckets ...int64) error {
	if !s.private.turning() {
		return nil
	}
	buckets = slices.Compact(slices.Sorted(slices.Values(buckets)))
	return exec(ctx, tx, -1, `INSERT INTO payer_turns (bucket, taken_at) SELECT bucket, $2 FROM unnest($1::integer[]) AS t (bucket) ORDER BY bucket
		ON CONFLICT (bucket) DO UPDATE SET taken_at = excluded.taken_at`, pgarray.Int4s(buckets), s.now())
}
