package payment

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
)

// The whole story: fee, order, signature, bank, ledger, checkpoint, receipt, webhook.
func TestPayAFee(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	d := b.fee(citizenIIN)
	if d.Decimal() != "5406.00" || d.Basis.Rate != "1.25" || d.Basis.MRP != 432500 || d.State != debt.Open {
		t.Fatalf("debt %+v", d)
	}
	page, err := b.Debts(ctx, DebtQuery{Payer: citizenIIN})
	if err != nil || len(page.Items) != 1 || page.LoadedAt == nil || !page.LoadedAt.Equal(b.clock.now()) {
		t.Fatalf("lookup: %+v %v", page, err)
	}
	o := b.ordered(citizenIIN, d)
	if _, err := b.Receipt(ctx, o.ID); !errors.Is(err, ErrReceiptUnknown) {
		t.Errorf("receipt of an unpaid order: %v", err)
	}
	out, replayed, err := b.Authorise(ctx, b.idem("sign"), o.ID, b.signed(o, citizen(citizenIIN)))
	if err != nil || replayed || out.State != order.Authorised || out.Attempt == "" || out.VerdictID != "vrd_good" || out.Signer != citizenIIN {
		t.Fatalf("authorise: %+v %v", out, err)
	}
	b.attempts()
	if _, err := b.Receipt(ctx, o.ID); !errors.Is(err, ErrReceiptPending) {
		t.Errorf("receipt before the checkpoint: %v", err)
	}
	if _, err := b.Checkpoint(ctx); !errors.Is(err, ErrCheckpointUnknown) {
		t.Errorf("checkpoint before the first: %v", err)
	}
	b.settle()

	done, err := b.Order(ctx, o.ID)
	if err != nil || done.State != order.Executed || done.BankReference == "" || done.Receipt == "" {
		t.Fatalf("order %+v %v", done, err)
	}
	events, err := b.OrderEvents(ctx, o.ID)
	b.must(err)
	var names []string
	for _, e := range events {
		names = append(names, e.Event)
	}
	if diff := cmp.Diff([]string{"create", "authorise", "send", "confirm", "issue-receipt"}, names); diff != "" {
		t.Errorf("events: %s", diff)
	}
	checkReceipt(t, b, done)
	checkFact(t, b, d, done)
	report := b.check()
	if report.Leaves != 1 || report.Transfers != 1 || report.Receipts != 1 || report.Checkpoints != 1 || report.Unsigned != 0 {
		t.Errorf("report %+v", report)
	}
	b.agree()
	var audited int
	b.must(b.db.Get(&audited, `SELECT count(*) FROM diary WHERE action IN ('order.created', 'order.authorised', 'attempt.sent', 'bank.executed', 'receipt.issued', 'journal.checkpoint')`))
	if audited != 6 {
		t.Errorf("%d audit entries of 6", audited)
	}
}

func checkReceipt(t *testing.T, b *bundle, o order.Order) {
	t.Helper()
	ctx := t.Context()
	r, err := b.Receipt(ctx, o.Receipt)
	b.must(err)
	core, checkpoint, err := receipt.Verify(r.Core, b.noteKeys)
	if err != nil || core.Order != o.ID || core.Payer.ID != citizenIIN || core.Amount != o.Amount || checkpoint.Number != 1 {
		t.Fatalf("receipt: %+v %v", core, err)
	}
	byOrder, err := b.Receipt(ctx, o.ID)
	b.must(err)
	byCode, err := b.ReceiptByCode(ctx, strings.ToLower(r.Code))
	b.must(err)
	if byOrder.ID != r.ID || byCode.ID != r.ID {
		t.Errorf("receipts %s, %s, %s", r.ID, byOrder.ID, byCode.ID)
	}
	seal, err := b.ReceiptCMS(ctx, r.ID)
	b.must(err)
	found, err := b.notary.Verify(ctx, seal, nil)
	if err != nil || !found.Valid || string(found.Content) != string(r.Core) {
		t.Errorf("the seal does not hold the core: %v", err)
	}
	pdf, pdfSeal, err := b.ReceiptPDF(ctx, r.ID)
	b.must(err)
	if found, err := b.notary.Verify(ctx, pdfSeal, pdf); err != nil || !found.Valid || !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("the seal of the page: %v", err)
	}
	checkPages(t, b, r)
	proof, err := b.Proof(ctx, core.Items[0].Transfer)
	b.must(err)
	if entry, _, err := proof.Verify(b.noteKeys); err != nil || entry.Order != o.ID {
		t.Errorf("proof: %v", err)
	}
	if len(b.hook.bodies) != 1 {
		t.Fatalf("%d webhooks", len(b.hook.bodies))
	}
	for _, body := range b.hook.bodies {
		var w webhook
		b.must(json.Unmarshal(body, &w))
		cms, err := base64.StdEncoding.DecodeString(w.Data.ReceiptCMS)
		if err != nil || string(cms) != string(seal) || w.Type != "payment.executed" || w.Data.Order != o.ID || w.Data.Amount != o.Tiyn {
			t.Errorf("webhook %+v %v", w, err)
		}
	}
	deliveries, err := b.Deliveries(ctx, o.ID)
	if err != nil || len(deliveries) != 1 || deliveries[0].State != "delivered" || deliveries[0].Status != 200 {
		t.Errorf("deliveries %+v %v", deliveries, err)
	}
}

func checkFact(t *testing.T, b *bundle, d debt.Debt, o order.Order) {
	t.Helper()
	fact, err := b.PaymentFact(t.Context(), b.agency.ID, d.ID)
	b.must(err)
	if !fact.Paid || fact.Amount != d.Amount || fact.BankReference != o.BankReference || fact.Receipt != o.Receipt || fact.Payer.ID != citizenIIN {
		t.Errorf("fact %+v", fact)
	}
	_, err = b.PaymentFact(t.Context(), "agc_other", d.ID)
	wants(t, err, ErrDebtOfAgency)
}

// One order pays two debts: two transfers, two webhooks, one receipt.
func TestPayTwoDebtsAtOnce(t *testing.T) {
	b := setup(t)
	o := b.ordered(citizenIIN, b.fee(citizenIIN), b.fee(citizenIIN))
	_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	report := b.check()
	if report.Leaves != 1 || report.Transfers != 2 || report.Receipts != 1 || len(b.hook.bodies) != 2 {
		t.Errorf("report %+v, %d webhooks", report, len(b.hook.bodies))
	}
	b.agree()
}

// What happens at the bank, step by step, and how it must end. "…ButDone" means that the money moved although we saw an
// error; the ledger must have it exactly once. "…NotDone" means that nothing moved.
func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		pays, lookups []string
		want          order.State
		moved         bool
	}{
		"executed":                         {nil, nil, order.Executed, true},
		"refused":                          {[]string{"refuse"}, nil, order.Refused, false},
		"time-out ButDone":                 {[]string{"timeoutButDone"}, nil, order.Executed, true},
		"time-out NotDone":                 {[]string{"timeoutNotDone"}, nil, order.Executed, true}, // sent again, then done
		"time-out NotDone, then refused":   {[]string{"timeoutNotDone", "refuse"}, nil, order.Refused, false},
		"error 500 ButDone":                {[]string{"errorButDone"}, nil, order.Executed, true},
		"error 500 NotDone":                {[]string{"errorNotDone"}, nil, order.Executed, true},
		"refusal lost":                     {[]string{"refuseLost"}, nil, order.Refused, false},
		"bank down for long, ButDone":      {[]string{"timeoutButDone"}, []string{"timeoutNotDone", "errorNotDone", "timeoutNotDone"}, order.Executed, true},
		"twice lost, NotDone then ButDone": {[]string{"timeoutNotDone", "timeoutButDone"}, nil, order.Executed, true},
		"pending, then executed":           {[]string{"pending"}, []string{"ok", "finish"}, order.Executed, true},
		"wrong amount, then the right one": {[]string{"wrongAmount"}, []string{"wrongAmount", "ok"}, order.Executed, true},
		"about another attempt":            {[]string{"wrongAttempt"}, nil, order.Executed, true},
		"about another order":              {[]string{"wrongOrder"}, nil, order.Executed, true},
		"names another bank":               {[]string{"wrongBank"}, nil, order.Executed, true},
		"signed by another bank":           {[]string{"otherSigner"}, []string{"otherSigner"}, order.Executed, true},
		"signed by a person":               {[]string{"personSigner"}, nil, order.Executed, true},
		"garbage":                          {[]string{"garbage"}, []string{"garbage"}, order.Executed, true},
		"bad signature":                    {[]string{"badSignature"}, []string{"badSignature"}, order.Executed, true},
		"not signed":                       {[]string{"notSigned"}, []string{"notSigned"}, order.Executed, true},
		"never an answer, ButDone":         {[]string{"timeoutButDone"}, strings.Split(strings.Repeat("timeoutNotDone ", 40), " "), order.Unknown, true},
		"wrong amount for ever":            {[]string{"wrongAmount"}, strings.Split(strings.Repeat("wrongAmount ", 40), " "), order.Unknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			o := b.authorised(citizenIIN)
			b.bank.pays, b.bank.lookups = c.pays, c.lookups
			b.settle()
			if got := b.state(o.ID); got != c.want {
				t.Errorf("order is %s, want %s", got, c.want)
			}
			p := b.bank.payments[o.Attempt]
			if (p != nil && p.times == 1) != c.moved {
				t.Errorf("the bank moved %+v", p)
			}
			d, err := b.Debt(t.Context(), o.Items[0].Debt)
			b.must(err)
			want := map[order.State]debt.State{order.Executed: debt.Paid, order.Refused: debt.Open, order.Unknown: debt.Reserved}[c.want]
			if d.State != want {
				t.Errorf("debt is %s, want %s", d.State, want)
			}
			b.check()
		})
	}
}

// After a refusal the debt may be paid by another order.
func TestPayAfterRefusal(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	b.bank.pays = []string{"refuse"}
	b.settle()
	refused, err := b.Order(t.Context(), o.ID)
	if err != nil || refused.State != order.Refused || refused.Reason != "insufficient funds" {
		t.Fatalf("order %+v %v", refused, err)
	}
	d, err := b.Debt(t.Context(), o.Items[0].Debt)
	b.must(err)
	again := b.ordered(citizenIIN, d)
	_, _, err = b.Authorise(t.Context(), b.idem("s"), again.ID, b.signed(again, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	if got := b.state(again.ID); got != order.Executed {
		t.Errorf("second order is %s", got)
	}
	b.agree()
}

// The seal cannot be made for a while (token away): nothing is sent, nothing is lost.
func TestSealAway(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	b.notary.fail("seal", 3)
	b.attempts()
	if got := b.state(o.ID); got != order.Authorised || b.bank.calls != 0 {
		t.Errorf("order is %s after %d calls", got, b.bank.calls)
	}
	b.settle()
	if got := b.state(o.ID); got != order.Executed {
		t.Errorf("order is %s", got)
	}
	b.agree()
}

// The receipts' seal is away after the payment: the payment stands, the receipt and the webhook come later.
func TestSealAwayForReceipts(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	b.attempts()
	_, err := b.makeCheckpoint(t.Context())
	b.must(err)
	b.notary.fail("seal", 2)
	_, err = b.workReceipts(t.Context())
	b.must(err)
	if got, _ := b.Order(t.Context(), o.ID); got.Receipt != "" || got.State != order.Executed {
		t.Errorf("order %+v", got)
	}
	b.settle()
	if got, _ := b.Order(t.Context(), o.ID); got.Receipt == "" || len(b.hook.bodies) != 1 {
		t.Errorf("order %+v, %d webhooks", got, len(b.hook.bodies))
	}
	b.agree()
}

// The verifier is away when the bank's answer comes: unknown, then looked up.
func TestVerifierAway(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	b.notary.fail("verify", 2)
	b.attempts()
	if got := b.state(o.ID); got != order.Unknown {
		t.Errorf("order is %s", got)
	}
	b.settle()
	if got := b.state(o.ID); got != order.Executed {
		t.Errorf("order is %s", got)
	}
	b.agree()
}

// The transaction that applies the bank's word fails at its last statement (the audit entry): nothing of it remains, and
// the word is asked for again.
func TestApplyFailsNotApplied(t *testing.T) {
	b := setup(t)
	o := b.authorised(citizenIIN)
	b.bank.pays = []string{"timeoutButDone"}
	b.attempts()
	b.clock.advance(time.Minute)
	b.diary.failNext(1)
	b.attempts()
	if got := b.state(o.ID); got != order.Unknown {
		t.Errorf("order is %s", got)
	}
	if r := b.check(); r.Leaves != 0 || r.Transfers != 0 {
		t.Errorf("something of a failed transaction remained: %+v", r)
	}
	b.settle()
	if got := b.state(o.ID); got != order.Executed {
		t.Errorf("order is %s", got)
	}
	b.agree()
}

// The process dies after the attempt was marked as sent and before, or after, the bank heard of it: another process finds
// it when its lease is over, asks the bank, and sends only what the bank denies.
func TestDeathAroundTheCall(t *testing.T) {
	for name, heard := range map[string]bool{"ButApplied": true, "NotApplied": false} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			o := b.authorised(citizenIIN)
			claimed, err := b.claimAttempts(t.Context(), bucketOf(citizenIIN), 1, nil, b.lease())
			if err != nil || len(claimed) != 1 {
				t.Fatalf("claimed %d: %v", len(claimed), err)
			}
			if ours, err := b.markSent(t.Context(), &claimed[0]); err != nil || !ours {
				t.Fatalf("not ours: %v", err)
			}
			if heard {
				sealed, err := b.notary.Seal(t.Context(), claimed[0].Message)
				b.must(err)
				_, err = b.bank.Pay(t.Context(), "", sealed)
				b.must(err)
			}
			b.attempts() // the lease holds: nobody asks yet
			if got := b.state(o.ID); got != order.Executing {
				t.Errorf("order is %s within the lease", got)
			}
			b.settle()
			if got := b.state(o.ID); got != order.Executed || b.bank.payments[o.Attempt].times != 1 {
				t.Errorf("order is %s, bank %+v", got, b.bank.payments[o.Attempt])
			}
			b.agree()
		})
	}
}
