//go:build !release

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"qaqpa/testenv/pki"
)

// courtCopyByAgreement pays a debt under an agreement for repeated payments, and has an operator make a court's copy of the receipt at the command line. It returns the copy's file.
func courtCopyByAgreement(t *testing.T, s *story, dir string) string {
	t.Helper()
	fine := func(r reply, err error, want int, into any) {
		t.Helper()
		if err == nil {
			err = r.into(want, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	debt, err := s.load(t.Context(), "AD-2026-000002")
	if err != nil {
		t.Fatal(err)
	}
	var agreed struct{ ID string }
	r, err := s.portal.post(t.Context(), "/v1/mandates", map[string]any{
		"payer": s.people.citizen.IIN(), "bank": bankBIC, "services": []string{s.service}, "payment_max": 10_000_00, "month_max": 20_000_00,
		"until": time.Now().AddDate(0, 1, 0).Format(time.DateOnly),
	})
	fine(r, err, http.StatusCreated, &agreed)
	document, err := s.portal.get(t.Context(), "/v1/mandates/"+agreed.ID+"/document")
	fine(document, err, http.StatusOK, nil)
	cms, err := s.people.citizen.SignCMS(document.body, pki.CMSOptions{Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err = s.portal.send(t.Context(), request{http.MethodPost, "/v1/mandates/" + agreed.ID + "/signature", "application/pkcs7-signature", cms, uuid.NewString()})
	fine(r, err, http.StatusOK, nil)
	o, err := s.order(t.Context(), debt)
	if err != nil {
		t.Fatal(err)
	}
	r, err = s.portal.post(t.Context(), "/v1/orders/"+o.ID+"/mandate-authorisation", map[string]string{"mandate": agreed.ID})
	fine(r, err, http.StatusAccepted, nil)
	if o, err = s.await(t.Context(), o.ID, "executed"); err != nil {
		t.Fatal(err)
	}
	var receipt struct{ ID string }
	if err := s.until(t.Context(), func(c client) (bool, error) {
		r, err := c.get(t.Context(), "/v1/receipts/"+o.ID)
		if err != nil || r.status != http.StatusOK {
			return false, err
		}
		return true, r.into(http.StatusOK, &receipt)
	}); err != nil {
		t.Fatal(err)
	}
	key, err := s.qaqpa(t.Context(), "clients", "add-key", "--kind=operator", "--subject=clerk")
	if err != nil {
		t.Fatal(err)
	}
	file, made := filepath.Join(dir, "clerk"), filepath.Join(dir, "agreed-court.pdf")
	if err := os.WriteFile(file, []byte(strings.TrimSpace(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := []string{"receipt", "court-copy", receipt.ID, "--operator-key-file=" + file, "--output=" + made}
	for _, bad := range [][]string{append(ask[:5:5], "--reason=why"), {"receipt", "court-copy", o.ID, ask[3], ask[4], "--reason=claim 2-1017"}, ask} {
		if out, err := s.qaqpa(t.Context(), bad...); err == nil {
			t.Errorf("%q made a copy: %s", bad[2:], out)
		}
	}
	ask = append(ask, "--reason=claim 2-1017")
	out, err := s.qaqpa(t.Context(), ask...)
	if err != nil || !strings.HasPrefix(out, made+"\tccp_") {
		t.Fatal(out, err)
	}
	if out, err := s.qaqpa(t.Context(), ask...); err == nil {
		t.Errorf("a copy was overwritten: %s", out)
	}
	return made
}
