package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/order"
)

// simFacts is the simulated bank as it answers queries (R10). What is true changes while the gateway runs; how the next answer is spoilt is
// set by the step that asks.
type simFacts struct {
	*fakeBank
	owner   string          // of citizenAccount
	pledged map[string]bool // property by number
	fault   string
	asked   int
	// truth is what was true when the last answer was given, and old that answer as it was signed.
	truth bank.QueryAnswer
	old   []byte
}

// queryFaults are how an answer may be spoilt. All but "ok" and "wrongAmount" must be no answer at all.
func queryFaults() []string {
	return []string{"ok", "ok", "ok", "ok", "silent", "error", "stranger", "broken", "notSigned", "anotherBank", "anotherQuery", "anotherSubject", "replayed", "garbage", "wrongAmount"}
}

// Query implements QueryChannel.
func (f *simFacts) Query(_ context.Context, _ string, message []byte) (bank.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	var e envelope
	var q bank.Query
	if json.Unmarshal(message, &e) != nil || json.Unmarshal(e.Content, &q) != nil || q.Type != bank.QueryType {
		return bank.Reply{Status: http.StatusBadRequest}, nil
	}
	f.truth = f.fact(q)
	switch f.fault {
	case "silent":
		return bank.Reply{}, bank.ErrNoReply
	case "error":
		return bank.Reply{Status: http.StatusInternalServerError}, nil
	case "replayed":
		if f.old != nil {
			return bank.Reply{Status: http.StatusOK, Message: f.old}, nil
		}
		return bank.Reply{}, bank.ErrNoReply
	case "garbage":
		return bank.Reply{Status: http.StatusOK, Message: []byte("\x30\x82")}, nil
	}
	return bank.Reply{Status: http.StatusOK, Message: f.spoil(f.truth)}, nil
}

// fact is the truth about a query.
func (f *simFacts) fact(q bank.Query) bank.QueryAnswer {
	a := bank.QueryAnswer{Type: bank.AnswerType, ID: q.ID, Bank: q.Bank, Subject: q.Subject, At: f.clock.now().Format(time.RFC3339Nano)}
	switch q.Kind {
	case bank.Ownership:
		a.Belongs = new(q.Person == f.owner)
	case bank.Pledge:
		a.Pledged = new(f.pledged[q.PropertyNumber])
	case bank.PaymentFact:
		a.Payment = &bank.FactPayment{Outcome: bank.Absent}
		p, known := f.payments[q.Attempt]
		if !known {
			break
		}
		if a.Payment.Outcome = p.outcome; p.outcome != bank.Executed {
			break
		}
		s := f.status(p)
		a.Payment = &bank.FactPayment{
			Outcome: s.Outcome, Tiyn: s.Tiyn, Currency: s.Currency, ExecutedAt: s.ExecutedAt, BankReference: s.BankReference, Sender: p.order.Payer.ID,
		}
		if to := p.order.Beneficiary; to != nil {
			a.Payment.Credits = []bank.FactCredit{{BIN: to.BIN, Account: to.Account, Tiyn: s.Tiyn}}
		}
		for _, part := range p.order.Allocations {
			a.Payment.Credits = append(a.Payment.Credits, bank.FactCredit{BIN: part.Beneficiary.BIN, Account: part.Beneficiary.Account, Tiyn: part.Tiyn})
		}
	}
	return a
}

// spoil signs an answer as the fault says.
func (f *simFacts) spoil(a bank.QueryAnswer) []byte {
	signer := bankSigner(bankBIN)
	switch f.fault {
	case "stranger": // the other bank, or nobody's where that is the one that was asked
		signer = bankSigner(otherBIN)
		if a.Bank == otherBIC {
			signer = bankSigner(companyBIN)
		}
	case "anotherBank":
		a.Bank = otherBIC
	case "anotherQuery":
		a.ID = "bqr_" + a.ID[4:6] + "00000000000000000000000000000000"
	case "anotherSubject":
		a.Person = "990140000057"
	case "wrongAmount":
		if a.Payment != nil && a.Payment.Outcome == bank.Executed {
			lie := *a.Payment
			lie.Credits = append([]bank.FactCredit(nil), lie.Credits...)
			lie.Tiyn++
			lie.Credits[0].Tiyn++
			a.Payment = &lie
		}
	}
	raw, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	switch f.fault {
	case "notSigned":
		return raw
	case "broken":
		return bytes.Replace(f.notary.sign(signer, []byte("{}"), false), []byte(`"content":"e30="`), []byte(`"content":"e319"`), 1)
	}
	sealed := f.notary.sign(signer, raw, false)
	if f.fault == "ok" {
		f.old = sealed
	}
	return sealed
}

// asksBanks lets the simulated bank answer queries.
func asksBanks(t *testing.T, facts *simFacts) func(*Config) {
	t.Helper()
	return func(c *Config) {
		fake, ok := c.Banks.(*fakeBank)
		if !ok {
			t.Fatal("no fake bank")
		}
		facts.fakeBank, facts.owner, facts.pledged = fake, citizenIIN, map[string]bool{}
		c.Banks = facts
	}
}

// askSome asks the bank for a fact, which may have changed just now, with the answer spoilt or something broken, and holds the answer
// against what was true when it was given.
func (s *simulation) askSome() error {
	f := s.facts
	req := BankQueryRequest{Bank: testBIC, Person: pick(s, []string{citizenIIN, neighborIIN}), Reason: "a claim before a court"}
	switch s.draw.IntN(4) {
	case 0:
		req.Kind, req.Account = bank.Ownership, citizenAccount
	case 1:
		req.Kind, req.PropertyKind, req.PropertyNumber = bank.Pledge, bank.Immovable, strconv.Itoa(s.draw.IntN(3))
	default:
		if len(s.orders) == 0 {
			return nil
		}
		req = BankQueryRequest{Kind: bank.PaymentFact, Order: pick(s, s.orders).ID, Reason: "a claim before a court"}
	}
	f.mu.Lock()
	if s.draw.IntN(3) == 0 {
		f.owner = pick(s, []string{citizenIIN, neighborIIN, companyBIN})
		number := strconv.Itoa(s.draw.IntN(3))
		f.pledged[number] = !f.pledged[number]
	}
	f.fault = pick(s, queryFaults())
	before := f.asked
	f.mu.Unlock()
	broken := s.draw.IntN(6)
	switch broken {
	case 0:
		s.diary.failNext(1)
	case 1:
		s.notary.fail("seal", 1)
	case 2:
		s.notary.fail("verify", 1)
	}
	idem := s.idem("query")
	q, _, err := s.AskBank(s.t.Context(), idem, req)
	s.notary.fail("seal", 0)
	s.notary.fail("verify", 0)
	if asked := f.asked - before; (broken == 0 || broken == 1) && asked != 0 {
		s.t.Errorf("the bank was asked %d times for what was not noted or not sealed", asked)
	}
	s.diary.failNext(0)
	if err != nil {
		return err
	}
	s.answered(q, req)
	again, replayed, err := s.AskBank(s.t.Context(), idem, req)
	if err != nil || !replayed || !reflect.DeepEqual(again, q) || f.asked != before+1 {
		s.t.Errorf("repeated: %+v, asked %d times, %v", again, f.asked-before, err)
	}
	return nil
}

// answered holds a query that came back to the truth.
func (s *simulation) answered(q BankQuery, req BankQueryRequest) {
	s.t.Helper()
	f := s.facts
	usable := q.Bank == testBIC && (f.fault == "ok" || f.fault == "wrongAmount") // this bank does not sign for another
	if (q.State == QueryAnswered) != usable || (q.Problem == "") != usable {
		s.t.Errorf("an answer that is %s leaves %+v", f.fault, q)
	}
	if !usable {
		if q.Belongs != nil || q.Pledged != nil || q.Payment != nil || q.Agrees != nil {
			s.t.Errorf("no answer, and yet %+v", q)
		}
		return
	}
	if f.fault == "wrongAmount" && req.Kind == bank.PaymentFact && f.truth.Payment.Outcome == bank.Executed {
		if s.state(req.Order) == order.Executed && (q.Agrees == nil || *q.Agrees) {
			s.t.Errorf("a lie about %s agrees: %+v", req.Order, q)
		}
		return
	}
	if !reflect.DeepEqual(q.Belongs, f.truth.Belongs) || !reflect.DeepEqual(q.Pledged, f.truth.Pledged) || !reflect.DeepEqual(q.Payment, f.truth.Payment) {
		s.t.Errorf("told %+v, true is %+v", q, f.truth)
	}
	if req.Kind != bank.PaymentFact {
		return
	}
	executed := s.state(req.Order) == order.Executed
	switch {
	case q.Agrees != nil && !*q.Agrees:
		s.t.Errorf("the truth about %s, %s here, contradicts: %+v", req.Order, s.state(req.Order), q.Payment)
	case executed && q.Agrees == nil:
		s.t.Errorf("%s is executed on both sides, and nothing is said of it", req.Order)
	}
}

// recorded sees that every question that came to the bank, and no other, is on record with its end.
func (s *simulation) recorded() {
	s.t.Helper()
	if s.facts == nil { // this world has a bank that answers no queries
		return
	}
	var rows struct {
		Queries int `db:"queries"`
		Asked   int `db:"asked"`
		Open    int `db:"open"`
	}
	s.must(s.db.Get(&rows, `SELECT (SELECT count(*) FROM bank_queries) AS queries, (SELECT count(*) FROM diary WHERE action = 'bank.asked') AS asked,
		(SELECT count(*) FROM bank_queries WHERE (state = 'answered') <> (said <> '' AND answered_at IS NOT NULL)) AS open`))
	if rows.Queries != rows.Asked || rows.Asked < s.facts.asked || rows.Open != 0 {
		s.t.Errorf("the bank was asked %d times, on record are %+v", s.facts.asked, rows)
	}
}
