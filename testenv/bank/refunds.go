package bank

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// Operations on refunds that faults can be on. They take the faults of payments and of look-ups that hide, delay or refuse.
const (
	OnRefunds      = "refunds"
	OnRefundLookup = "refund_lookup"
)

// refundOrder is the gateway's refund-order.
type refundOrder struct {
	Type          string `json:"type"`
	Refund        string `json:"refund"`
	Order         string `json:"order"`
	Attempt       string `json:"attempt"`
	BankReference string `json:"bank_reference"`
	Bank          string `json:"bank"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	// Commission goes back beside the amount, out of the bank's own money.
	Commission int64 `json:"commission,omitempty"`
}

// returned is one refund as the bank has it.
type returned struct {
	Order      refundOrder `json:"order"`
	Outcome    string      `json:"outcome"`
	Reason     string      `json:"reason,omitempty"`
	Reference  string      `json:"reference,omitempty"`
	ExecutedAt *time.Time  `json:"executed_at,omitempty"`
}

// RefundStatus is the bank's refund-status message.
type RefundStatus struct {
	Type       string     `json:"type"`
	Bank       string     `json:"bank"`
	Refund     string     `json:"refund"`
	Order      string     `json:"order,omitempty"`
	Outcome    string     `json:"outcome"`
	Amount     int64      `json:"amount,omitempty"`
	Currency   string     `json:"currency,omitempty"`
	Reference  string     `json:"bank_reference,omitempty"`
	ExecutedAt *time.Time `json:"executed_at,omitempty"`
	Commission int64      `json:"commission,omitempty"`
	Reason     string     `json:"reason,omitempty"`
}

func (b *Bank) postRefund(w http.ResponseWriter, r *http.Request) {
	content, f, ok := b.opened(w, r, OnRefunds, maxOrder)
	if !ok {
		return
	}
	var o refundOrder
	if err := json.Unmarshal(content, &o); err != nil || o.Type != "refund-order" || o.Bank != b.cfg.BIC || o.Refund == "" || o.Amount <= 0 || o.Currency != "KZT" {
		http.Error(w, "not a refund order for this bank", http.StatusBadRequest)
		return
	}
	x, err := b.giveBack(o, f)
	if errors.Is(err, errOther) {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if b.stopsAfter(w, r, f) {
		return
	}
	b.answerRefund(w, http.StatusOK, b.refundStatus(x), f)
}

// giveBack executes a refund unless it is known: never more than what is left of the payment. It is the only place where money
// goes back.
func (b *Bank) giveBack(o refundOrder, f fault.Fault) (returned, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x := b.state.Refunds[o.Refund]; x != nil {
		if x.Order != o {
			return returned{}, errOther
		}
		return *x, nil
	}
	var before int64
	for x := range maps.Values(b.state.Refunds) {
		if x.Order.Attempt == o.Attempt && x.Outcome == Executed {
			before += x.Order.Amount
		}
	}
	x := &returned{Order: o, Outcome: Refused}
	p := b.state.Payments[o.Attempt]
	switch {
	case f.Kind == FaultRefuse:
		x.Reason = decide(f).refuse
	case p == nil || p.Outcome != Executed || p.Reference != o.BankReference:
		x.Reason = "payment_unknown"
	case before+o.Amount > p.Order.Amount || o.Commission < 0 || o.Commission > p.Order.Commission:
		x.Reason = "more_than_paid"
	default:
		at := b.now()
		x.Outcome, x.ExecutedAt = Executed, &at
		x.Reference = fmt.Sprintf("%s-R%s-%06d", b.cfg.BIC, at.Format("060102"), len(b.state.Refunds)+1)
		b.state.Balances[p.Order.Payer.ID] += o.Amount + o.Commission
	}
	if b.state.Refunds == nil {
		b.state.Refunds = map[string]*returned{}
	}
	b.state.Refunds[o.Refund] = x
	return *x, b.save()
}

func (b *Bank) lookupRefund(w http.ResponseWriter, r *http.Request) {
	f, _ := b.faults.Take(OnRefundLookup)
	if b.stopsBefore(w, r, f) {
		return
	}
	id := r.PathValue("refund")
	b.mu.Lock()
	known := b.state.Refunds[id]
	b.mu.Unlock()
	if known == nil {
		b.answerRefund(w, http.StatusNotFound, RefundStatus{Type: "refund-status", Bank: b.cfg.BIC, Refund: id, Outcome: Absent}, f)
		return
	}
	b.answerRefund(w, http.StatusOK, b.refundStatus(*known), f)
}

func (b *Bank) refundStatus(x returned) RefundStatus {
	s := RefundStatus{
		Type: "refund-status", Bank: b.cfg.BIC, Refund: x.Order.Refund, Order: x.Order.Order, Outcome: x.Outcome, Amount: x.Order.Amount,
		Currency: x.Order.Currency, Reference: x.Reference, ExecutedAt: x.ExecutedAt, Reason: x.Reason,
	}
	if x.Outcome == Executed {
		s.Commission = x.Order.Commission
	}
	return s
}

// answerRefund sends a status as signed message, spoiled as the fault says.
func (b *Bank) answerRefund(w http.ResponseWriter, code int, s RefundStatus, f fault.Fault) {
	if f.Kind == FaultWrongAmount {
		s.Amount++
	}
	raw, err := json.Marshal(s)
	if err == nil {
		raw, err = b.cfg.Signer.SignCMS(raw, pki.CMSOptions{CorruptSignature: f.Kind == FaultBadSignature})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/pkcs7-mime")
	w.WriteHeader(code)
	w.Write(raw) //nolint:errcheck // the client is gone
}

// Refunds lists the executed ones, by id: what went back, in tiyn.
func (b *Bank) Refunds() map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]int64{}
	for _, id := range slices.Sorted(maps.Keys(b.state.Refunds)) {
		if x := b.state.Refunds[id]; x.Outcome == Executed {
			out[id] = x.Order.Amount
		}
	}
	return out
}
