package payment

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// settlement of an amount that a bank owes for an agency's licences.
func (b *bundle) settlement(subject string, tiyn int64) postingRequest {
	return postingRequest{
		kind: ledger.Settlement, bucket: bucketOf(testBIC), subject: subject, reason: "statement line",
		legs: []ledger.Transfer{{Debit: ledger.BeneficiaryDue(b.agency.ID, "108125"), Credit: ledger.BankDue(testBIC), Amount: money.FromTiyn(tiyn)}},
	}
}

func (b *bundle) postNow(requests ...postingRequest) ([]string, error) {
	b.t.Helper()
	var ids []string
	err := b.inTx(b.t.Context(), func(ctx context.Context, tx *sqlx.Tx) error {
		var err error
		ids, err = b.postAll(ctx, tx, requests)
		return err
	})
	return ids, err
}

// Postings stand in the same journal as executions, under the same checkpoints, and are walked with them.
func TestPostings(t *testing.T) {
	b := setup(t)
	b.authorised(citizenIIN)
	b.authorised(neighborIIN)
	b.settle()
	ids, err := b.postNow(b.settlement("match-1", 540600), b.settlement("match-2", 1))
	b.must(err)
	if len(ids) != 2 || !strings.HasPrefix(ids[0], "pst_") {
		t.Errorf("ids %v", ids)
	}
	b.settle()
	report := b.check()
	if report.Leaves != 4 || report.Transfers != 4 || report.Unsigned != 0 {
		t.Errorf("report %+v", report)
	}
	if owed := report.Balances[ledger.BankDue(testBIC)]; owed != 540600-1 {
		t.Errorf("the bank owes %d after the settlement", owed)
	}
	var transfer string
	b.must(b.db.Get(&transfer, `SELECT id FROM transfers WHERE posting_id = $1`, ids[0]))
	proof, err := b.Proof(t.Context(), transfer)
	b.must(err)
	posting, _, err := proof.VerifyPosting(b.noteKeys)
	if err != nil || posting.ID != ids[0] || posting.Subject != "match-1" {
		t.Errorf("proof of %+v: %v", posting, err)
	}
	if _, _, err := proof.Verify(b.noteKeys); err == nil {
		t.Error("a posting passes for an execution")
	}
}

// A subject is posted once under one kind; the transaction that tries again leaves nothing.
func TestPostingsOnce(t *testing.T) {
	b := setup(t)
	_, err := b.postNow(b.settlement("match-1", 100))
	b.must(err)
	if _, err := b.postNow(b.settlement("match-2", 100), b.settlement("match-1", 100)); !errors.Is(err, errPosted) {
		t.Errorf("posted twice: %v", err)
	}
	other := b.settlement("match-1", 100)
	other.kind = ledger.Correction
	_, err = b.postNow(other)
	b.must(err)
	if report := b.check(); report.Leaves != 2 {
		t.Errorf("%d leaves", report.Leaves)
	}
}

// What breaks a rule of the ledger is not posted.
func TestPostingsRefused(t *testing.T) {
	b := setup(t)
	for name, spoil := range map[string]func(*postingRequest){
		"zero":      func(r *postingRequest) { r.legs[0].Tiyn = 0 },
		"to itself": func(r *postingRequest) { r.legs[0].Credit = r.legs[0].Debit },
		"account":   func(r *postingRequest) { r.legs[0].Credit = "bank:TSE:SKZ:due" },
		"currency":  func(r *postingRequest) { r.legs[0].Currency = "USD" },
		"no legs":   func(r *postingRequest) { r.legs = nil },
		"kind":      func(r *postingRequest) { r.kind = "gift" },
		"subject":   func(r *postingRequest) { r.subject = "" },
		"long":      func(r *postingRequest) { r.reason = strings.Repeat("x", 301) },
	} {
		t.Run(name, func(t *testing.T) {
			r := b.settlement("match", 100)
			spoil(&r)
			if _, err := b.postNow(r); !errors.Is(err, ledger.ErrTransfer) && !errors.Is(err, ledger.ErrJournal) {
				t.Errorf("accepted, or wrong error: %v", err)
			}
		})
	}
	if report := b.check(); report.Leaves != 0 {
		t.Errorf("%d leaves", report.Leaves)
	}
}

// Whoever changes a posting below the gateway is found out.
func TestVerifyFindsChangedPostings(t *testing.T) {
	for name, change := range map[string]struct{ statement, want string }{
		"subject":  {`UPDATE postings SET subject = 'another'`, "differs"},
		"amount":   {`UPDATE transfers SET amount = amount + 1`, "missing or differs"},
		"leaf":     {`UPDATE journal SET posting_id = NULL, order_id = 'ord_x'`, ""},
		"unlisted": {`INSERT INTO postings SELECT bucket, 'pst_x', kind, 'more', reason, 5, created_at FROM postings`, "postings for 1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			_, err := b.postNow(b.settlement("match-1", 100))
			b.must(err)
			if _, err := b.db.ExecContext(t.Context(), change.statement); err != nil {
				if change.want == "" {
					return // the database itself refuses
				}
				t.Fatal(err)
			}
			report, err := b.VerifyLedger(t.Context())
			b.must(err)
			if !strings.Contains(strings.Join(report.Problems, "\n"), change.want) || report.Holds() {
				t.Errorf("problems %q", report.Problems)
			}
		})
	}
}
