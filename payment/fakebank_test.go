package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"qaqpa/payment/bank"
)

// fakeBank is a bank behind BankChannel. Its script says how the next calls go.
type fakeBank struct {
	mu       sync.Mutex
	notary   *notary
	clock    *clock
	payments map[string]*fakePayment
	pays     []string // script for Pay; then "ok"
	lookups  []string // script for Lookup; then "ok"
	calls    int

	refunds       map[string]*fakeRefund
	refundPays    []string // script for Refund; then "ok"
	refundLookups []string // script for LookupRefund; then "ok"
}

// fakeRefund is a refund as the bank has it.
type fakeRefund struct {
	order   bank.RefundOrder
	outcome bank.Outcome
	times   int // how often money went back
}

type fakePayment struct {
	order   bank.Order
	outcome bank.Outcome
	times   int // how often money moved
	asked   int
	at      time.Time // when it was executed
}

func newFakeBank(n *notary, c *clock) *fakeBank {
	return &fakeBank{notary: n, clock: c, payments: map[string]*fakePayment{}, refunds: map[string]*fakeRefund{}}
}

func (f *fakeBank) moved() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sum int64
	for _, p := range f.payments {
		sum += p.order.Tiyn * int64(p.times)
	}
	return sum
}

func next(script *[]string) string {
	if len(*script) == 0 {
		return "ok"
	}
	step := (*script)[0]
	*script = (*script)[1:]
	return step
}

// Pay implements BankChannel.
func (f *fakeBank) Pay(_ context.Context, _ string, message []byte) (bank.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	var e envelope
	var o bank.Order
	if err := json.Unmarshal(message, &e); err != nil {
		return bank.Reply{Status: http.StatusBadRequest}, nil
	}
	if err := json.Unmarshal(e.Content, &o); err != nil {
		return bank.Reply{Status: http.StatusBadRequest}, nil
	}
	step := next(&f.pays)
	if step == "timeoutNotDone" || step == "errorNotDone" {
		return lost(step)
	}
	if step == "absent" {
		return bank.Reply{Status: http.StatusOK, Message: f.seal(bank.Status{Type: bank.StatusType, Bank: testBIC, Attempt: o.Attempt, Outcome: bank.Absent})}, nil
	}
	p, known := f.payments[o.Attempt]
	if !known {
		p = &fakePayment{order: o, outcome: bank.Executed}
		f.payments[o.Attempt] = p
		switch step {
		case "refuse", "refuseLost":
			p.outcome = bank.Refused
		case "pending":
			p.outcome = bank.Pending
		default:
			p.times++
		}
	}
	p.asked++
	return f.answer(step, p)
}

// Lookup implements BankChannel.
func (f *fakeBank) Lookup(_ context.Context, _, attempt string) (bank.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	step := next(&f.lookups)
	if step == "timeoutNotDone" || step == "errorNotDone" {
		return lost(step)
	}
	p, known := f.payments[attempt]
	if !known {
		s := bank.Status{Type: bank.StatusType, Bank: testBIC, Attempt: attempt, Outcome: bank.Absent}
		return bank.Reply{Status: http.StatusNotFound, Message: f.seal(s)}, nil
	}
	if step == "finish" && p.outcome == bank.Pending {
		p.outcome = bank.Executed
		p.times++
	}
	return f.answer(step, p)
}

func lost(step string) (bank.Reply, error) {
	if step == "errorNotDone" || step == "errorButDone" {
		return bank.Reply{Status: http.StatusInternalServerError}, nil
	}
	return bank.Reply{}, fmt.Errorf("%w: %w", bank.ErrNoReply, context.DeadlineExceeded)
}

func (f *fakeBank) answer(step string, p *fakePayment) (bank.Reply, error) {
	s := f.status(p)
	signer := bankSigner(bankBIN)
	message := []byte(nil)
	switch step {
	case "timeoutButDone", "refuseLost":
		return lost("timeout")
	case "errorButDone":
		return lost(step)
	case "wrongAmount":
		s.Tiyn++
	case "wrongCommission":
		s.Commission++
	case "wrongAttempt":
		s.Attempt = "att_" + s.Attempt[4:6] + "00000000000000000000000000000000"
	case "wrongOrder":
		s.Order = "ord_" + s.Order[4:6] + "00000000000000000000000000000000"
	case "wrongBank":
		s.Bank = otherBIC
	case "otherSigner":
		signer = bankSigner(otherBIN)
	case "personSigner":
		signer = Signer{IIN: citizenIIN, BIN: bankBIN, Kind: "person"}
	case "garbage":
		message = []byte("\x30\x82")
	case "badSignature":
		message = f.notary.sign(signer, []byte("{}"), false)
		message = bytes.Replace(message, []byte(`"content":"e30="`), []byte(`"content":"e319"`), 1)
	case "notSigned":
		return bank.Reply{Status: http.StatusOK}, nil
	}
	if message == nil {
		raw, err := json.Marshal(s)
		if err != nil {
			return bank.Reply{}, err
		}
		message = f.notary.sign(signer, raw, false)
	}
	return bank.Reply{Status: http.StatusOK, Message: message}, nil
}

func bankSigner(bin string) Signer {
	return Signer{Name: "Банк", BIN: bin, Kind: "information_system", Roles: []string{"information_system"}}
}

func (f *fakeBank) status(p *fakePayment) bank.Status {
	s := bank.Status{
		Type: bank.StatusType, Bank: testBIC, Attempt: p.order.Attempt, Order: p.order.Order, Outcome: p.outcome,
		Tiyn: p.order.Tiyn, Currency: p.order.Currency,
	}
	switch p.outcome {
	case bank.Executed:
		if p.at.IsZero() { // asked again, the bank tells the same time
			p.at = f.clock.now()
		}
		s.Commission = p.order.Commission
		s.BankReference, s.ExecutedAt = "BR-"+p.order.Attempt[6:20], p.at.Format(time.RFC3339Nano)
	case bank.Refused:
		s.Reason = "insufficient funds"
	case bank.Pending, bank.Absent:
	}
	return s
}

func (f *fakeBank) seal(s bank.Status) []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return f.notary.sign(bankSigner(bankBIN), raw, false)
}

// says is a signed status about an attempt that the bank has, changed as the test wants.
func (f *fakeBank) says(attempt string, change func(*bank.Status)) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status(f.payments[attempt])
	if change != nil {
		change(&s)
	}
	return f.seal(s)
}
