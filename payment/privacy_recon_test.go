package payment

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"qaqpa/payment/recon"
	"qaqpa/payment/sealed"
)

// Payers' numbers are sealed in the tables of payments, and statements still find payments by them: by a rule, and as a suggestion.
func TestSealedPayersAreMatched(t *testing.T) {
	b := setup(t, private(t))
	b.account()
	_, tiyn := b.paid(citizenIIN)
	_, other := b.paid(neighborIIN)
	var stored []string
	b.must(b.db.Select(&stored, `SELECT payer_id FROM orders`))
	if len(stored) != 2 || !sealed.IsForm(stored[0]) || !sealed.IsForm(stored[1]) {
		t.Fatalf("stored as %q", stored)
	}
	body := sheet{number: 1, day: b.today(), lines: []line{{tiyn: tiyn, payer: citizenIIN, kbk: "108125"}, {tiyn: other - 1, payer: neighborIIN}}}.camt()
	blind, err := NewReconciler(ReconcilerConfig{DB: b.cfg.DB, Bulk: b.cfg.Bulk, Auditor: b.cfg.Auditor, Verifier: b.cfg.Verifier, Now: b.cfg.Now})
	b.must(err)
	// Without the keys payments would be expected of forms that no bank ever names, and be missing for ever: nothing is taken in.
	b.must(b.forgetExpectations())
	if _, _, err := blind.Reconcile(t.Context(), StatementFile{Body: bytes.NewReader(body), Source: SourceCLI, Actor: "operator:x"}); !errors.Is(err, ErrSealed) {
		t.Errorf("without keys: %v", err)
	}
	report := b.reconcile(body).Statements[0]
	if report.Matched != 1 || report.Rules[0].Rule != "payer-kbk-same-day" {
		t.Errorf("report %+v", report)
	}
	d, err := b.Exception(t.Context(), b.theOnly(recon.Surplus).ID)
	if err != nil || len(d.Suggestions) == 0 || !slices.Contains(d.Suggestions[0].Reasons, "payer") {
		t.Errorf("suggestions %+v %v", d.Suggestions, err)
	}
}

// forgetExpectations sets the reader of the journals back to its beginning.
func (b *bundle) forgetExpectations() error {
	_, err := b.db.ExecContext(b.t.Context(), `DELETE FROM expectations`)
	if err == nil {
		_, err = b.db.ExecContext(b.t.Context(), `UPDATE recon_cursors SET next = 0`)
	}
	return err
}
