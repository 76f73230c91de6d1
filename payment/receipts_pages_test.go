package payment

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"qaqpa/payment/commission"
	"qaqpa/payment/mandate"
	"qaqpa/payment/money"
	"qaqpa/payment/receipt"
	"qaqpa/payment/recon"
)

// checkPages: a translation is made once and kept, a court's copy each time anew; both are refused where they are not to be made.
func checkPages(t *testing.T, b *bundle, r Receipt) {
	t.Helper()
	ctx := t.Context()
	pdf, seal, err := b.ReceiptPage(ctx, r.ID, receipt.English)
	b.must(err)
	again, sealAgain, err := b.ReceiptPage(ctx, r.ID, receipt.English)
	b.must(err)
	if !bytes.Equal(pdf, again) || !bytes.Equal(seal, sealAgain) {
		t.Error("the translation was made twice")
	}
	if found, err := b.notary.Verify(ctx, seal, pdf); err != nil || !found.Valid {
		t.Errorf("the seal of the translation: %v", err)
	}
	if own, err := b.HasPage(ctx, r, digestOfPage(pdf)); err != nil || !own {
		t.Errorf("the translation is not known as a page: %v", err)
	}
	if own, err := b.HasPage(ctx, r, digestOfPage(append(pdf, ' '))); err != nil || own {
		t.Errorf("another file is known as a page: %v", err)
	}
	if original, _, err := b.ReceiptPage(ctx, r.ID, receipt.Bilingual); err != nil || digestOfPage(original) != r.PDFSHA256 {
		t.Errorf("the page itself is another: %v", err)
	}
	if _, _, err := b.ReceiptPage(ctx, prefixReceipt+strings.Repeat("0", 34), receipt.English); !errors.Is(err, ErrReceiptUnknown) {
		t.Errorf("no receipt, and a page of it: %v", err)
	}
	ask := CourtAsk{Receipt: r.ID, Actor: "operator:1", By: "operator 1", Reason: "claim 2-1017", Language: receipt.Bilingual}
	one, err := b.CourtCopy(ctx, ask)
	b.must(err)
	other, err := b.CourtCopy(ctx, ask)
	b.must(err)
	if one.ID == other.ID || digestOfPage(one.PDF) != one.PDFSHA256 {
		t.Errorf("copies %s and %s", one.ID, other.ID)
	}
	var noted int
	b.must(b.db.Get(&noted, `SELECT count(*) FROM diary WHERE action = 'receipt.court_copy' AND subject = $1 AND actor = 'operator:1'`, r.ID))
	if noted != 2 {
		t.Errorf("%d of 2 copies are noted", noted)
	}
	for name, change := range map[string]func(a *CourtAsk){
		"no reason":    func(a *CourtAsk) { a.Reason = "  why  " },
		"control":      func(a *CourtAsk) { a.Reason = "a claim\x00of today" },
		"no UTF-8":     func(a *CourtAsk) { a.Reason = "a claim\xff\xfe" },
		"too long":     func(a *CourtAsk) { a.Reason = strings.Repeat("ұ", 201) },
		"language":     func(a *CourtAsk) { a.Language = "de" },
		"an order":     func(a *CourtAsk) { a.Receipt = r.Order },
		"unknown":      func(a *CourtAsk) { a.Receipt = prefixReceipt + strings.Repeat("0", 34) },
		"another kind": func(a *CourtAsk) { a.Receipt = "" },
	} {
		bad := ask
		change(&bad)
		if _, err := b.CourtCopy(ctx, bad); err == nil {
			t.Errorf("%s: a copy was made", name)
		}
	}
	// A party to a part of the order learns nothing of the rest.
	ask.Part = true
	part, err := b.CourtCopy(ctx, ask)
	b.must(err)
	if bytes.Contains(part.PDF, []byte(`"document":`)) || !bytes.Contains(part.PDF, []byte(`"withheld":true`)) {
		t.Error("the document is in a copy for a part")
	}
	b.notary.fail("seal", 1)
	if _, err := b.CourtCopy(ctx, ask); !errors.Is(err, errDown) {
		t.Errorf("without a seal: %v", err)
	}
}

// copyOfPDF is the copy in a PDF that the notary of the tests has sealed.
func copyOfPDF(t *testing.T, pdf []byte) receipt.Copy {
	t.Helper()
	at := bytes.LastIndex(pdf, []byte("% {\"court\""))
	if at < 0 {
		t.Fatal("there is no copy in the PDF")
	}
	raw, _, _ := bytes.Cut(pdf[at+2:], []byte("\n% "))
	c, err := receipt.DecodeCopy(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The copy of a payment that an agreement authorised brings the agreement: what the payer signed, his signature, the verdict on it, and our record that binds both. A clerk at the
// command line makes the same one.
func TestCourtCopyOfMandate(t *testing.T) {
	b := setup(t)
	m := b.agreed(citizenIIN, 50_00, 100_00)
	o, err := b.byMandate(m, b.penalty(citizenIIN, 40_00))
	b.must(err)
	b.attempts()
	b.settle()
	r, err := b.Receipt(t.Context(), o.ID)
	b.must(err)
	ask := CourtAsk{Receipt: r.ID, Actor: "operator:1", By: "operator 1", Reason: "claim 2-1017", Language: receipt.Bilingual}
	clerk, err := NewClerk(ClerkConfig{DB: b.db, Sealer: b.notary, Verifier: b.notary, Auditor: b.diary, Now: b.clock.now, Privacy: b.cfg.Privacy})
	b.must(err)
	for name, make := range map[string]func(context.Context, CourtAsk) (CourtCopy, error){"service": b.CourtCopy, "clerk": clerk.CourtCopy} {
		made, err := make(t.Context(), ask)
		b.must(err)
		c := copyOfPDF(t, made.PDF)
		if len(c.Court.Authorisations) != 1 || c.Court.Authorisations[0].Agreement == nil {
			t.Fatalf("%s: authorisations %+v", name, c.Court.Authorisations)
		}
		a := c.Court.Authorisations[0]
		document, err := b.MandateDocument(t.Context(), m.ID)
		b.must(err)
		signature, err := a.Agreement.Signed()
		b.must(err)
		if a.Agreement.Document != string(document) || a.Agreement.Indication != "TOTAL-PASSED" || a.Agreement.ID != m.ID || a.Agreement.Signer != citizenIIN {
			t.Errorf("%s: agreement %+v", name, a.Agreement)
		}
		if found, err := b.notary.Verify(t.Context(), signature, document); err != nil || !found.Valid {
			t.Errorf("%s: the payer's signature under the agreement: %v", name, err)
		}
		if err := c.Agreed(a); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		misfits(t, c)
	}
	ask.Part = true
	made, err := b.CourtCopy(t.Context(), ask)
	b.must(err)
	if a := copyOfPDF(t, made.PDF).Court.Authorisations[0].Agreement; a.Document != "" || a.Message != "" || a.Indication != "TOTAL-PASSED" {
		t.Errorf("withheld, and there: %+v", a)
	}
}

// misfits: copies whose agreement is another's do not hold, and one that does not cover the payment is told.
func misfits(t *testing.T, c receipt.Copy) {
	t.Helper()
	for name, spoil := range map[string]func(a *receipt.Authorisation){
		"another agreement's document": func(a *receipt.Authorisation) { a.Agreement.Document += " " },
		"another agreement":            func(a *receipt.Authorisation) { a.Agreement.ID = "mnd_0" },
		"no document":                  func(a *receipt.Authorisation) { a.Agreement.Document = "" },
		"no record":                    func(a *receipt.Authorisation) { a.Record = "" },
		"another order's record":       func(a *receipt.Authorisation) { a.Record = strings.Replace(a.Record, c.Receipt.Order, "ord_0", 1) },
		"another verdict":              func(a *receipt.Authorisation) { a.Agreement.Verdict = "vrd_other" },
		"another way":                  func(a *receipt.Authorisation) { a.Method = "code" },
		"another signature":            func(a *receipt.Authorisation) { a.Agreement.Message = "AAAA" },
	} {
		a := c.Court.Authorisations[0]
		agreement := *a.Agreement
		a.Agreement = &agreement
		spoil(&a)
		court := *c.Court
		court.Authorisations = []receipt.Authorisation{a}
		spoiled := c
		spoiled.Court = &court
		if _, err := spoiled.Encode(); !errors.Is(err, receipt.ErrCopy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(c *receipt.Copy, a *receipt.Authorisation){
		"signed afterwards":    func(_ *receipt.Copy, a *receipt.Authorisation) { a.At = "2020-01-01T00:00:00Z" },
		"after its last day":   func(_ *receipt.Copy, a *receipt.Authorisation) { a.At = "2027-01-01T00:00:00Z" },
		"another bank":         func(c *receipt.Copy, _ *receipt.Authorisation) { c.Receipt.Bank.BIC = otherBIC },
		"another payer":        func(c *receipt.Copy, _ *receipt.Authorisation) { c.Receipt.Payer.ID = neighborIIN },
		"a smaller limit":      func(_ *receipt.Copy, a *receipt.Authorisation) { limited(t, a.Agreement, 39_99) },
		"another agreement":    func(_ *receipt.Copy, a *receipt.Authorisation) { a.Agreement.ID = "mnd_0" },
		"no time":              func(_ *receipt.Copy, a *receipt.Authorisation) { a.Agreement.At = "" },
		"without an agreement": func(_ *receipt.Copy, a *receipt.Authorisation) { a.Agreement = nil },
	} {
		other, a := c, c.Court.Authorisations[0]
		agreement := *a.Agreement
		a.Agreement = &agreement
		spoil(&other, &a)
		if err := other.Agreed(a); !errors.Is(err, receipt.ErrNotAgreed) {
			t.Errorf("%s covers the payment: %v", name, err)
		}
	}
}

// Limits of an agreement are of what leaves the account: a copy whose payment fits only without the bank's commission does not hold.
func TestCourtCopyOfMandateWithCommission(t *testing.T) {
	b := setup(t)
	b.inForce(commission.Spec{Bank: testBIC, Bearer: commission.Payer, Fixed: 10_00, ValidFrom: "2026-01-01", Source: "x"})
	m := b.agreed(citizenIIN, 50_00, 100_00)
	o, err := b.byMandate(m, b.penalty(citizenIIN, 40_00))
	b.must(err)
	b.attempts()
	b.settle()
	r, err := b.Receipt(t.Context(), o.ID)
	b.must(err)
	made, err := b.CourtCopy(t.Context(), CourtAsk{Receipt: r.ID, Actor: "operator:1", By: "operator 1", Reason: "claim 2-1017", Language: receipt.Bilingual})
	b.must(err)
	c := copyOfPDF(t, made.PDF)
	a := c.Court.Authorisations[0]
	b.must(c.Agreed(a))
	limited(t, a.Agreement, 49_99)
	if err := c.Agreed(a); !errors.Is(err, receipt.ErrNotAgreed) {
		t.Errorf("the payment without its commission is what the agreement covers: %v", err)
	}
}

// limited writes another limit of a payment into the document of an agreement.
func limited(t *testing.T, a *receipt.Agreement, tiyn int64) {
	t.Helper()
	doc, err := mandate.Decode([]byte(a.Document))
	if err != nil {
		t.Fatal(err)
	}
	doc.PaymentMax, doc.Payment = tiyn, money.FromTiyn(tiyn).Decimal()
	raw, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	a.Document = string(raw)
}

// A payment that a statement proved names the line in place of a message of the bank.
func TestCourtCopyOfProof(t *testing.T) {
	b, o, _ := lostReport(t)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: o.Tiyn, ref: o.Attempt[len(prefixAttempt):], bank: "ACC-77"}}}.camt())
	b.resolved(b.theOnly(recon.Surplus), ExceptionAction{Way: recon.Prove})
	b.settle()
	r, err := b.Receipt(t.Context(), o.ID)
	b.must(err)
	made, err := b.CourtCopy(t.Context(), CourtAsk{Receipt: r.ID, Actor: "operator:1", By: "operator 1", Reason: "claim 2-1017", Language: receipt.Bilingual})
	b.must(err)
	if c := copyOfPDF(t, made.PDF).Court.Confirmation; c == nil || c.Message != "" || !strings.HasPrefix(c.Verdict, "stm_") {
		t.Errorf("confirmation %+v", c)
	}
}
