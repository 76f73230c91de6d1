package payment

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"qaqpa/payment/receipt"
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

// An order that an agreement authorised has a copy, too: what authorised it is our record, on which there is no verdict to be read.
func TestCourtCopyOfMandate(t *testing.T) {
	b := setup(t)
	m := b.agreed(citizenIIN, 50_00, 100_00)
	o, err := b.byMandate(m, b.penalty(citizenIIN, 40_00))
	b.must(err)
	b.attempts()
	b.settle()
	r, err := b.Receipt(t.Context(), o.ID)
	b.must(err)
	c, err := b.CourtCopy(t.Context(), CourtAsk{Receipt: r.ID, Actor: "operator:1", By: "operator 1", Reason: "claim 2-1017", Language: receipt.Bilingual})
	b.must(err)
	if !bytes.Contains(c.PDF, []byte(`"method":"mandate"`)) || !bytes.Contains(c.PDF, []byte(m.ID)) {
		t.Error("the copy does not name the agreement")
	}
}
