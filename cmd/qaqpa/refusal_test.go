//go:build !release

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// problem reads the code of a problem and refuses any other answer.
func problem(t *testing.T, r reply) string {
	t.Helper()
	var p struct {
		Code, Title, Detail string
	}
	if err := json.Unmarshal(r.body, &p); err != nil || p.Code == "" || p.Title == "" {
		t.Fatalf("%d is no problem: %s", r.status, r.body)
	}
	return p.Code
}

// TestAuthorisationIsRefused hands in signatures that must not move money; after each the order still waits, and the right
// signature is taken in the end.
func TestAuthorisationIsRefused(t *testing.T) {
	w := newTestWorld(t)
	s := newStory(w)
	debt, err := s.publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	order, err := s.order(t.Context(), debt)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.portal.get(t.Context(), "/v1/orders/"+order.ID+"/document")
	if err != nil {
		t.Fatal(err)
	}
	document := r.body
	citizen := w.people.citizen.Profile
	defective := func(change func(*pki.Profile)) *pki.Identity {
		p := citizen
		p.Name = ""
		change(&p)
		id, err := w.pki.Issue(p)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	revoked := defective(func(*pki.Profile) {})
	if err := w.pki.Revoke(revoked, pki.KeyCompromise, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		who     *pki.Identity
		content []byte
		code    string
	}{
		"somebody else":       {w.people.neighbour, document, "signer_is_not_payer"},
		"another document":    {w.people.citizen, append([]byte(" "), document...), "signature_invalid"},
		"revoked certificate": {revoked, document, "signature_invalid"},
		"expired certificate": {defective(func(p *pki.Profile) {
			p.NotBefore, p.NotAfter = time.Now().AddDate(-2, 0, 0), time.Now().AddDate(-1, 0, 0)
		}), document, "signature_invalid"},
		"look-alike authority": {defective(func(p *pki.Profile) { p.Impostor = true }), document, "signature_invalid"},
		"damaged certificate":  {defective(func(p *pki.Profile) { p.CorruptSignature = true }), document, "signature_invalid"},
		"key for signing in":   {defective(func(p *pki.Profile) { p.Use = pki.Auth }), document, "signature_invalid"},
		"employee of himself": {defective(func(p *pki.Profile) {
			p.Kind, p.Role, p.Organisation, p.BIN = pki.Employee, pki.Head, "ЖШС «Өрлеу»", pki.BIN(1)
		}), document, "signer_without_authority"},
	} {
		t.Run(name, func(t *testing.T) {
			cms, err := c.who.SignCMS(c.content, pki.CMSOptions{Detached: true})
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.portal.send(t.Context(), request{http.MethodPost, "/v1/orders/" + order.ID + "/authorisation", "application/pkcs7-signature", cms, uuid.NewString()})
			if err != nil {
				t.Fatal(err)
			}
			if got := problem(t, r); got != c.code {
				t.Errorf("%d %s, want %s: %s", r.status, got, c.code, r.body)
			}
			if o, err := s.await(t.Context(), order.ID, "created"); err != nil || o.State != "created" {
				t.Errorf("the order is %q (%v)", o.State, err)
			}
		})
	}
	if err := s.sign(t.Context(), order.ID, w.people.citizen); err != nil {
		t.Fatal(err)
	}
	if _, err := s.await(t.Context(), order.ID, "executed"); err != nil {
		t.Fatal(err)
	}
	checkBooks(t, w, []string{order.ID})
}

// TestConfirmationsAreRefusedOrRepeated sends what a confused or hostile bank sends.
func TestConfirmationsAreRefusedOrRepeated(t *testing.T) {
	w := newTestWorld(t)
	s := newStory(w)
	if _, err := s.publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := orderOf(t, s, "CONFIRM-1")
	if err := w.bank.AddFault(fault.Fault{Kind: "pending_forever", Count: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.sign(t.Context(), id, w.people.citizen); err != nil {
		t.Fatal(err)
	}
	order, err := s.await(t.Context(), id, "executing")
	if err != nil {
		t.Fatal(err)
	}
	message := func(change func(map[string]any)) []byte {
		m := map[string]any{
			"type": "payment-status", "bank": bankBIC, "attempt": order.Attempt, "order": id, "outcome": "executed", "amount": order.Amount,
			"currency": "KZT", "bank_reference": "REF-1", "executed_at": time.Now().UTC().Format(time.RFC3339), "reason": "",
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	send := func(signer *pki.Identity, body []byte) reply {
		t.Helper()
		cms, err := signer.SignCMS(body, pki.CMSOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.anyone.send(t.Context(), request{method: http.MethodPost, path: "/v1/bank-confirmations", contentType: "application/pkcs7-mime", body: cms})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, c := range map[string]struct {
		signer *pki.Identity
		body   []byte
		code   string
	}{
		"another bank signs":  {w.people.otherBank, message(func(map[string]any) {}), "bank_message_signed_by_another"},
		"a citizen signs":     {w.people.citizen, message(func(map[string]any) {}), "bank_message_signed_by_another"},
		"another amount":      {w.people.bank, message(func(m map[string]any) { m["amount"] = order.Amount - 1 }), "confirmation_amount_differs"},
		"another order":       {w.people.bank, message(func(m map[string]any) { m["order"] = "ord_00" + fmt.Sprintf("%032x", 1) }), "confirmation_contradicts"},
		"unknown attempt":     {w.people.bank, message(func(m map[string]any) { m["attempt"] = "att_00" + fmt.Sprintf("%032x", 1) }), "attempt_unknown"},
		"unknown outcome":     {w.people.bank, message(func(m map[string]any) { m["outcome"] = "perhaps" }), "bank_message_invalid"},
		"an unknown field":    {w.people.bank, message(func(m map[string]any) { m["bonus"] = 1 }), "bank_message_invalid"},
		"no JSON":             {w.people.bank, []byte("executed"), "bank_message_invalid"},
		"fractions of a tiyn": {w.people.bank, message(func(m map[string]any) { m["amount"] = 540600.5 }), "bank_message_invalid"},
		"another currency":    {w.people.bank, message(func(m map[string]any) { m["currency"] = "USD" }), "bank_message_invalid"},
		"a key twice":         {w.people.bank, append([]byte(`{"outcome":"refused",`), message(func(map[string]any) {})[1:]...), "bank_message_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			r := send(c.signer, c.body)
			if got := problem(t, r); got != c.code {
				t.Errorf("%d %s, want %s: %s", r.status, got, c.code, r.body)
			}
		})
	}
	good := message(func(map[string]any) {})
	for i, want := range []string{"applied", "already-applied", "already-applied"} {
		var answer struct{ Result string }
		if err := send(w.people.bank, good).into(http.StatusOK, &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Result != want {
			t.Errorf("time %d: %s, want %s", i+1, answer.Result, want)
		}
	}
	// Out of order: the bank says "pending" after it said "executed".
	var late struct{ Result string }
	if err := send(w.people.bank, message(func(m map[string]any) { m["outcome"] = "pending" })).into(http.StatusOK, &late); err != nil {
		t.Error(err)
	}
	if got := problem(t, send(w.people.bank, message(func(m map[string]any) { m["outcome"], m["reason"] = "refused", "no money" }))); got != "confirmation_contradicts" {
		t.Errorf("a contradiction is answered by %s", got)
	}
	checkBooks(t, w, []string{id})
}
