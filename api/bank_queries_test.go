package api

import (
	"net/http"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/bank"
	"qaqpa/payment/bank/adaptertest"
	"qaqpa/signer"
	stand "qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/postgres"
)

const someAccount = "KZ24070105KSN0000000"

// askingOver asks the stand-in bank over HTTP, with real signatures both ways.
type askingOver struct {
	*whole
	paid string
}

func (w *askingOver) Misstate() { w.arm(stand.FaultWrongAmount) }

func (w *askingOver) arm(kind string) {
	w.t.Helper()
	if err := w.bank.AddFault(fault.Fault{Kind: kind, On: stand.OnQueries}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *askingOver) Ask(fact adaptertest.Fact, spoilt adaptertest.Spoilt) adaptertest.Told {
	w.t.Helper()
	kinds := map[adaptertest.Spoilt]string{
		adaptertest.Silent: stand.FaultDropNotDone, adaptertest.Stranger: stand.FaultOtherSigner, adaptertest.Broken: stand.FaultBadSignature,
		adaptertest.Unsigned: stand.FaultNotSigned, adaptertest.AnotherBank: stand.FaultWrongBank,
	}
	if spoilt != adaptertest.Whole {
		w.arm(kinds[spoilt])
	}
	req := payment.BankQueryRequest{Bank: ownBIC, Person: w.citizen.IIN(), Reason: "a claim before a court"}
	switch fact {
	case adaptertest.OwnAccount, adaptertest.ForeignAccount:
		req.Kind, req.Account = bank.Ownership, someAccount
		if fact == adaptertest.ForeignAccount {
			req.Person = w.neighbour.IIN()
		}
	case adaptertest.Pledged, adaptertest.Free:
		req.Kind, req.PropertyKind, req.PropertyNumber = bank.Pledge, bank.Movable, "free"
		if fact == adaptertest.Pledged {
			req.PropertyNumber = "pledged"
		}
	case adaptertest.Paid:
		req = payment.BankQueryRequest{Kind: bank.PaymentFact, Order: w.paid, Reason: req.Reason}
	}
	q := in[payment.BankQuery](w.t, w.send(w.agencyKey, "/v1/bank-queries", req), http.StatusCreated)
	if stored := in[payment.BankQuery](w.t, w.get(w.operatorKey, "/v1/bank-queries/"+q.ID), 200); stored.State != q.State {
		w.t.Errorf("stored %+v", stored)
	}
	w.get(w.otherAgencyKey, "/v1/bank-queries/"+q.ID).want(w.t, 404, "bank_query_unknown")
	told := adaptertest.Told{Answered: q.State == payment.QueryAnswered, Problem: q.Problem, Agrees: q.Agrees, Yes: q.Belongs}
	switch {
	case q.Payment != nil:
		yes := q.Payment.Outcome == bank.Executed
		told.Yes = &yes
	case q.Pledged != nil:
		told.Yes = q.Pledged
	}
	return told
}

// The stand-in bank conforms over HTTP; strangers may not ask about others' payments.
func TestBankQueriesOverHTTP(t *testing.T) {
	w := &askingOver{whole: startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate), true)}
	w.bank.Own(someAccount, w.citizen.IIN())
	w.bank.Pledge(w.citizen.IIN(), bank.Movable, "pledged")
	_, o := w.pay("Q-1")
	w.paid = o.ID
	fact := payment.BankQueryRequest{Kind: bank.PaymentFact, Order: w.paid, Reason: "why so"}
	w.send(w.otherAgencyKey, "/v1/bank-queries", fact).want(t, 404, "order_unknown")
	w.send(w.bankKey, "/v1/bank-queries", fact).want(t, 403, "scope_missing")
	w.send(w.agencyKey, "/v1/bank-queries", map[string]string{"kind": "payment-fact", "order": w.paid, "reason": "w"}).want(t, 422, "invalid_request")
	adaptertest.RunQueries(t, func(*testing.T) adaptertest.Inquirer { return w })
	w.readers(w.citizen.IIN(), "API: GET /v1/bank-queries/", "operator")
}
