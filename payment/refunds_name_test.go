package payment

import (
	"encoding/json"
	"strings"
	"testing"

	"qaqpa/payment/debt"
	"qaqpa/payment/refund"
)

// An agency that knows a refund feeds a debt of the name which the debt that is owed again would have. The money has left the bank, so its
// word is booked all the same, under another name, which the webhook tells.
func TestRefundIsBookedAlthoughItsNameIsTaken(t *testing.T) {
	b := setup(t)
	o := b.executed(citizenIIN)
	req := wishOf(refund.PayBack, item(o))
	req.Then = refund.Reopened
	x := b.decided("dana", ActApprove, b.wished(req))
	old, err := b.Debt(t.Context(), x.Debt)
	b.must(err)
	taken := successorReference(old.Reference, x.ID)
	out, _, err := b.SubmitDebts(t.Context(), b.idem("taken"), b.agency.ID, []debt.Item{{Reference: taken, Payer: old.Payer, Service: b.licence.ID}})
	if err != nil || out.Accepted != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	b.settle()
	if x = b.refunded(x.ID); x.State != refund.Executed || x.Successor == "" {
		t.Fatalf("the refund is %s: the bank gave money back, and the books do not say so", x.State)
	}
	again, err := b.Debt(t.Context(), x.Successor)
	b.must(err)
	if again.State != debt.Open || again.Reference == taken || !strings.HasPrefix(again.Reference, old.Reference+"/R") {
		t.Errorf("owed again: %+v", again)
	}
	var told refundFact
	b.hook.mu.Lock()
	for _, body := range b.hook.bodies {
		if err := json.Unmarshal(body, &told); err == nil && told.Data.ID == x.ID {
			break
		}
	}
	b.hook.mu.Unlock()
	if told.Data.SuccessorReference != again.Reference {
		t.Errorf("the agency is told of %q, owed is %q", told.Data.SuccessorReference, again.Reference)
	}
	b.agree()
}
