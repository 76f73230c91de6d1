package payment

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"qaqpa/payment/bank"
)

// gaveBack is the money that went back to payers.
func (f *fakeBank) gaveBack() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sum int64
	for _, r := range f.refunds {
		sum += r.order.Tiyn * int64(r.times)
	}
	return sum
}

// Refund implements RefundChannel.
func (f *fakeBank) Refund(_ context.Context, _ string, message []byte) (bank.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var e envelope
	var o bank.RefundOrder
	if json.Unmarshal(message, &e) != nil || json.Unmarshal(e.Content, &o) != nil || o.Type != bank.RefundOrderType {
		return bank.Reply{Status: http.StatusBadRequest}, nil
	}
	step := next(&f.refundPays)
	if step == "timeoutNotDone" || step == "errorNotDone" {
		return lost(step)
	}
	r, known := f.refunds[o.Refund]
	if !known {
		paid := f.payments[o.Attempt]
		r = &fakeRefund{order: o, outcome: bank.Executed}
		f.refunds[o.Refund] = r
		switch {
		case paid == nil || paid.outcome != bank.Executed || step == "refuse" || step == "refuseLost":
			r.outcome = bank.Refused
		case step == "pending":
			r.outcome = bank.Pending
		default:
			r.times++
		}
	}
	return f.answerRefund(step, r)
}

// LookupRefund implements RefundChannel.
func (f *fakeBank) LookupRefund(_ context.Context, _, refund string) (bank.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	step := next(&f.refundLookups)
	if step == "timeoutNotDone" || step == "errorNotDone" {
		return lost(step)
	}
	r, known := f.refunds[refund]
	if !known {
		return bank.Reply{Status: http.StatusNotFound, Message: f.sealRefund(bankSigner(bankBIN), bank.RefundStatus{
			Type: bank.RefundStatusType, Bank: testBIC, Refund: refund, Outcome: bank.Absent,
		})}, nil
	}
	if step == "finish" && r.outcome == bank.Pending {
		r.outcome = bank.Executed
		r.times++
	}
	return f.answerRefund(step, r)
}

func (f *fakeBank) answerRefund(step string, r *fakeRefund) (bank.Reply, error) {
	s, signer := f.refundStatus(r), bankSigner(bankBIN)
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
		s.Refund = s.Refund[:6] + strings.Repeat("0", 32)
	case "wrongOrder":
		s.Order = s.Order[:6] + strings.Repeat("0", 32)
	case "wrongBank":
		s.Bank = otherBIC
	case "otherSigner":
		signer = bankSigner(otherBIN)
	case "garbage":
		return bank.Reply{Status: http.StatusOK, Message: []byte("\x30\x82")}, nil
	case "notSigned":
		return bank.Reply{Status: http.StatusOK}, nil
	}
	return bank.Reply{Status: http.StatusOK, Message: f.sealRefund(signer, s)}, nil
}

func (f *fakeBank) refundStatus(r *fakeRefund) bank.RefundStatus {
	s := bank.RefundStatus{
		Type: bank.RefundStatusType, Bank: testBIC, Refund: r.order.Refund, Order: r.order.Order, Outcome: r.outcome,
		Tiyn: r.order.Tiyn, Currency: r.order.Currency,
	}
	switch r.outcome {
	case bank.Executed:
		s.Commission = r.order.Commission
		s.BankReference, s.ExecutedAt = "RF-"+r.order.Refund[6:20], f.clock.now().Format(time.RFC3339Nano)
	case bank.Refused:
		s.Reason = "account closed"
	case bank.Pending, bank.Absent:
	}
	return s
}

func (f *fakeBank) sealRefund(signer Signer, s bank.RefundStatus) []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return f.notary.sign(signer, raw, false)
}

// saysRefund is a signed status about a refund that the bank has, changed as the test wants.
func (f *fakeBank) saysRefund(id string, change func(*bank.RefundStatus)) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.refundStatus(f.refunds[id])
	if change != nil {
		change(&s)
	}
	return f.sealRefund(bankSigner(bankBIN), s)
}
