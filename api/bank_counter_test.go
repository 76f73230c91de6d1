package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"qaqpa/payment/order"
	"qaqpa/testenv/bank"
)

// A client pays at the bank's own terminal: the bank asks, begins, debits and says so, all over HTTP and signed for real.
func TestBankCounter(t *testing.T) {
	w := start(t)
	id := w.owe("AD-9", w.citizen.IIN())
	counter := w.bank.Counter(w.url, w.bankKey)
	owed, err := counter.Check(t.Context(), "q-1", w.citizen.IIN())
	if err != nil || len(owed) != 1 || owed[0].Debt != id {
		t.Fatalf("owed %+v, %v", owed, err)
	}
	attempt, err := counter.Begin(t.Context(), "p-1", w.citizen.IIN(), "terminal", owed)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := counter.Begin(t.Context(), "p-1", w.citizen.IIN(), "terminal", owed); err != nil || again != attempt {
		t.Fatalf("again: %s, %v", again, err)
	}
	if err := counter.Finish(t.Context(), attempt, "", false); err != nil {
		t.Fatal(err)
	}
	o := w.executed(w.orderOf(id))
	if o.Attempt != attempt || o.State != order.Executed || len(w.bank.Movements()) != 1 {
		t.Errorf("order %+v", o)
	}

	// Another bank's key does not serve with this bank's signature, nor a key of no bank.
	for key, want := range map[string]int{w.otherBankKey: http.StatusForbidden, w.portalKey: http.StatusForbidden, "": http.StatusUnauthorized} {
		_, err := w.bank.Counter(w.url, key).Check(t.Context(), "q-2", w.citizen.IIN())
		if refused := (&bank.RefusedError{}); !errors.As(err, &refused) || refused.Status != want {
			t.Errorf("got %v, want %d", err, want)
		}
	}
	_, err = counter.Begin(t.Context(), "p-2", w.citizen.IIN(), "app", owed)
	if refused := (&bank.RefusedError{}); !errors.As(err, &refused) || refused.Status != http.StatusConflict || !strings.Contains(refused.Body, "debt_already_paid") {
		t.Errorf("paid twice: %v", err)
	}
}

// orderOf is the order that holds a debt.
func (w *whole) orderOf(debtID string) string {
	w.t.Helper()
	d, err := w.cfg.Payments.Debt(w.t.Context(), debtID)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Order
}
