package payment

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/bank/adaptertest"
	"qaqpa/payment/order"
)

const citizenAccount = "KZ24070105KSN0000000" // any with right check digits

// queried is a fake bank that answers queries.
type queried struct {
	*fakeBank
	spoilt adaptertest.Spoilt
	amount int64 // added to that of the next payment
	asked  int
}

// Query implements QueryChannel.
func (f *queried) Query(_ context.Context, _ string, message []byte) (bank.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	var e envelope
	var q bank.Query
	if json.Unmarshal(message, &e) != nil || json.Unmarshal(e.Content, &q) != nil || q.Type != bank.QueryType {
		return bank.Reply{Status: http.StatusBadRequest}, nil
	}
	if f.spoilt == adaptertest.Silent {
		return bank.Reply{}, bank.ErrNoReply
	}
	a := bank.QueryAnswer{Type: bank.AnswerType, ID: q.ID, Bank: q.Bank, Subject: q.Subject, At: f.clock.now().Format(time.RFC3339Nano)}
	switch q.Kind {
	case bank.Ownership:
		yes := q.Person == citizenIIN
		a.Belongs = &yes
	case bank.Pledge:
		yes := q.PropertyNumber == "pledged"
		a.Pledged = &yes
	case bank.PaymentFact:
		s := f.status(f.payments[q.Attempt])
		o := f.payments[q.Attempt].order
		a.Payment = &bank.FactPayment{
			Outcome: s.Outcome, Tiyn: s.Tiyn + f.amount, Currency: s.Currency, ExecutedAt: s.ExecutedAt, BankReference: s.BankReference, Sender: o.Payer.ID,
			Credits: []bank.FactCredit{{BIN: o.Beneficiary.BIN, Account: o.Beneficiary.Account, Tiyn: s.Tiyn + f.amount}},
		}
		f.amount = 0
	}
	signer := bankSigner(bankBIN)
	switch f.spoilt { //nolint:exhaustive // the others spoil nothing of the content
	case adaptertest.Stranger:
		signer = bankSigner(otherBIN)
	case adaptertest.AnotherBank:
		a.Bank = otherBIC
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return bank.Reply{}, err
	}
	sealed := f.notary.sign(signer, raw, false)
	switch f.spoilt { //nolint:exhaustive // the others spoil nothing of the signature
	case adaptertest.Broken:
		sealed[len(sealed)-6] ^= 1
	case adaptertest.Unsigned:
		sealed = raw
	}
	return bank.Reply{Status: http.StatusOK, Message: sealed}, nil
}

// queryWorld is a gateway beside a bank that answers queries.
type queryWorld struct {
	*bundle
	channel *queried
	paid    string
}

func startQueries(t *testing.T) *queryWorld {
	t.Helper()
	w := &queryWorld{channel: &queried{}}
	w.bundle = setup(t, func(c *Config) {
		fake, ok := c.Banks.(*fakeBank)
		if !ok {
			t.Fatal("no fake bank")
		}
		w.channel.fakeBank = fake
		c.Banks = w.channel
	})
	w.paid = w.authorised(citizenIIN).ID
	w.settle()
	return w
}

func (w *queryWorld) Misstate() { w.channel.amount = 1 }

func (w *queryWorld) Ask(fact adaptertest.Fact, spoilt adaptertest.Spoilt) adaptertest.Told {
	w.t.Helper()
	req := BankQueryRequest{Bank: testBIC, Person: citizenIIN, Reason: "a claim before a court"}
	switch fact {
	case adaptertest.OwnAccount:
		req.Kind, req.Account = bank.Ownership, citizenAccount
	case adaptertest.ForeignAccount:
		req.Kind, req.Account, req.Person = bank.Ownership, citizenAccount, neighborIIN
	case adaptertest.Pledged, adaptertest.Free:
		req.Kind, req.PropertyKind, req.PropertyNumber = bank.Pledge, bank.Immovable, "free"
		if fact == adaptertest.Pledged {
			req.PropertyNumber = "pledged"
		}
	case adaptertest.Paid:
		req = BankQueryRequest{Kind: bank.PaymentFact, Order: w.paid, Reason: "a claim before a court"}
	}
	w.channel.spoilt = spoilt
	idem := w.idem("query")
	q, _, err := w.AskBank(w.t.Context(), idem, req)
	w.must(err)
	again, replayed, err := w.AskBank(w.t.Context(), idem, req)
	if err != nil || !replayed || again.ID != q.ID {
		w.t.Errorf("repeated: %+v %v", again, err)
	}
	stored, err := w.BankQuery(w.t.Context(), q.ID)
	w.must(err)
	if stored.State != q.State || stored.Problem != q.Problem || stored.Reason != req.Reason || (stored.AnsweredAt == nil) || stored.Subject != q.Subject {
		w.t.Errorf("stored %+v, answered %+v", stored, q)
	}
	told := adaptertest.Told{Answered: stored.State == QueryAnswered, Problem: stored.Problem, Agrees: stored.Agrees}
	switch {
	case stored.Payment != nil:
		yes := stored.Payment.Outcome == bank.Executed
		told.Yes = &yes
	case stored.Belongs != nil:
		told.Yes = stored.Belongs
	default:
		told.Yes = stored.Pledged
	}
	return told
}

func TestBankQueries(t *testing.T) {
	adaptertest.RunQueries(t, func(t *testing.T) adaptertest.Inquirer { t.Helper(); return startQueries(t) })
}

// What is no question is refused before anybody is asked; what is asked is on record first, whatever becomes of it.
func TestBankQueryRefuses(t *testing.T) {
	w := startQueries(t)
	open := w.ordered(citizenIIN, w.fee(citizenIIN))
	for name, c := range map[string]struct {
		req  BankQueryRequest
		want *Error
	}{
		"no reason":      {BankQueryRequest{Kind: bank.PaymentFact, Order: w.paid}, ErrInvalid},
		"no order":       {BankQueryRequest{Kind: bank.PaymentFact, Reason: "why so"}, ErrInvalid},
		"unknown order":  {BankQueryRequest{Kind: bank.PaymentFact, Order: "ord_1", Reason: "why so"}, ErrOrderUnknown},
		"never begun":    {BankQueryRequest{Kind: bank.PaymentFact, Order: open.ID, Reason: "why so"}, ErrAttemptUnknown},
		"another bank":   {BankQueryRequest{Kind: bank.PaymentFact, Order: w.paid, Bank: otherBIC, Reason: "why so"}, ErrInvalid},
		"another payer":  {BankQueryRequest{Kind: bank.PaymentFact, Order: w.paid, Person: neighborIIN, Reason: "why so"}, ErrInvalid},
		"both":           {BankQueryRequest{Kind: bank.PaymentFact, Order: w.paid, Account: citizenAccount, Reason: "why so"}, ErrInvalid},
		"unknown kind":   {BankQueryRequest{Kind: "balance", Bank: testBIC, Person: citizenIIN, Account: citizenAccount, Reason: "why so"}, ErrInvalid},
		"account":        {BankQueryRequest{Kind: bank.Ownership, Bank: testBIC, Person: citizenIIN, Account: "KZ1", Reason: "why so"}, ErrInvalid},
		"person":         {BankQueryRequest{Kind: bank.Ownership, Bank: testBIC, Person: "1", Account: citizenAccount, Reason: "why so"}, ErrPayerIDInvalid},
		"unknown bank":   {BankQueryRequest{Kind: bank.Ownership, Bank: "XXXXKZKX", Person: citizenIIN, Account: citizenAccount, Reason: "why so"}, ErrBankUnknown},
		"order of other": {BankQueryRequest{Kind: bank.Ownership, Bank: testBIC, Person: citizenIIN, Account: citizenAccount, Order: w.paid, Reason: "why so"}, ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := w.AskBank(t.Context(), w.idem(name), c.req)
			wants(t, err, c.want)
		})
	}
	if w.channel.asked != 0 {
		t.Errorf("asked %d times", w.channel.asked)
	}
	w.notary.fail("verify", 1)
	ask := BankQueryRequest{Kind: bank.Ownership, Bank: testBIC, Person: citizenIIN, Account: citizenAccount, Reason: "why so"}
	_, _, err := w.AskBank(t.Context(), w.idem("down"), ask)
	wants(t, err, ErrVerifierUnavailable)
	var noted int
	w.must(w.db.Get(&noted, `SELECT count(*) FROM bank_queries q JOIN diary d ON d.action = 'bank.asked' AND d.subject = $1 WHERE q.state = 'asked' AND q.reason = 'why so'`, citizenIIN))
	if noted != 1 {
		t.Errorf("%d questions on record", noted)
	}
	_, err = w.BankQuery(t.Context(), "bqr_1")
	wants(t, err, ErrQueryUnknown)
	if state := w.state(w.paid); state != order.Executed {
		t.Errorf("the order is %s", state)
	}
	w.agree()
}

// A bank that has executed what its lost answer did not tell contradicts nothing: the gateway does not know yet.
func TestBankQueryOvertakesConfirmation(t *testing.T) {
	w := startQueries(t)
	w.channel.pays = []string{"timeoutButDone"}
	o := w.authorised(neighborIIN)
	w.attempts()
	if state := w.state(o.ID); state == order.Executed {
		t.Fatal("the answer was not lost")
	}
	q, _, err := w.AskBank(t.Context(), w.idem("early"), BankQueryRequest{Kind: bank.PaymentFact, Order: o.ID, Reason: "a claim before a court"})
	if err != nil || q.Payment == nil || q.Agrees != nil {
		t.Errorf("%+v %v", q, err)
	}
	w.settle()
	q, _, err = w.AskBank(t.Context(), w.idem("late"), BankQueryRequest{Kind: bank.PaymentFact, Order: o.ID, Reason: "a claim before a court"})
	if err != nil || q.Agrees == nil || !*q.Agrees {
		t.Errorf("%+v %v", q, err)
	}
}

// What a bank was asked is listed for its own people, page by page, by its outcome; another bank's list has nothing of it.
func TestBankQueriesAreListed(t *testing.T) {
	w := startQueries(t)
	for _, spoilt := range []adaptertest.Spoilt{adaptertest.Whole, adaptertest.Silent, adaptertest.Whole} {
		w.Ask(adaptertest.OwnAccount, spoilt)
	}
	var ids []string
	q := BankQueryFilter{Bank: testBIC, Limit: 1}
	for {
		page, err := w.BankQueries(t.Context(), q)
		w.must(err)
		for _, x := range page.Items {
			if x.Person != citizenIIN || x.Account != citizenAccount || (x.State == QueryAnswered) != (x.Belongs != nil) {
				t.Errorf("%+v", x)
			}
			ids, q.After = append(ids, x.ID), x.ID
		}
		if !page.HasMore {
			break
		}
	}
	if len(ids) != 3 || ids[0][6:] < ids[1][6:] || ids[1][6:] < ids[2][6:] {
		t.Errorf("listed %q", ids)
	}
	for name, c := range map[string]struct {
		q BankQueryFilter
		n int
	}{
		"answered": {BankQueryFilter{Bank: testBIC, State: QueryAnswered}, 2}, "unanswered": {BankQueryFilter{Bank: testBIC, State: QueryUnanswered}, 1},
		"asked": {BankQueryFilter{Bank: testBIC, State: QueryAsked}, 0}, "another bank": {BankQueryFilter{Bank: otherBIC}, 0},
	} {
		if page, err := w.BankQueries(t.Context(), c.q); err != nil || len(page.Items) != c.n {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
	for name, q := range map[string]BankQueryFilter{"state": {Bank: testBIC, State: "x"}, "after": {Bank: testBIC, After: "bqr_1"}, "limit": {Bank: testBIC, Limit: 101}} {
		_, err := w.BankQueries(t.Context(), q)
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
