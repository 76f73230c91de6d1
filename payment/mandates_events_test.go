package payment

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qaqpa/payment/mandate"
)

// The steps of an agreement are read page by page from either end; pages join without a gap, and every one is on exactly one of them.
func TestMandateEventsInPages(t *testing.T) {
	b := setup(t)
	m := b.agreed(citizenIIN, 1000_00, 1500_00)
	for range 5 {
		_, err := b.byMandate(m, b.penalty(citizenIIN, 1_00))
		b.must(err)
	}
	for _, newest := range []bool{false, true} {
		for limit := 1; limit <= 8; limit++ {
			var numbers []int
			q := MandateEventQuery{Newest: newest, Limit: limit}
			for {
				page, err := b.MandateEvents(t.Context(), m.ID, q)
				b.must(err)
				for _, e := range page.Items {
					numbers = append(numbers, e.Number)
				}
				if !page.HasMore {
					break
				}
				if len(page.Items) != limit {
					t.Fatalf("a page of %d, and there is more", len(page.Items))
				}
				q.After = numbers[len(numbers)-1]
			}
			if newest {
				slices.Reverse(numbers)
			}
			if fmt.Sprint(numbers) != "[1 2 3 4 5 6 7]" {
				t.Errorf("%v in pages of %d, newest first: %v", numbers, limit, newest)
			}
		}
	}
	for _, q := range []MandateEventQuery{{After: -1}, {Limit: -1}, {Limit: 101}} {
		_, err := b.MandateEvents(t.Context(), m.ID, q)
		wants(t, err, ErrInvalid)
	}
	_, err := b.MandateEvents(t.Context(), "mnd_00"+strings.Repeat("0", 32), MandateEventQuery{})
	wants(t, err, ErrMandateUnknown)
}

// One payment under an agreement goes to two beneficiaries: the notice names the first and counts the other.
func TestMandateNoticeCountsBeneficiaries(t *testing.T) {
	b, p := withCodes(t)
	court, claim := b.court()
	m, _, err := b.CreateMandate(t.Context(), b.idem("mandate"), mandate.Request{
		Payer: citizenIIN, Bank: testBIC, Services: []string{b.fine.ID, claim.ID}, PaymentMax: 1000_00, MonthMax: 1500_00, Until: "2026-12-31", Language: "ru",
	})
	b.must(err)
	m, _, err = b.SignMandate(t.Context(), b.idem("sign"), m.ID, b.signedMandate(m, citizen(citizenIIN)))
	b.must(err)
	fine := b.penalty(citizenIIN, 1_00)
	o, err := b.byMandate(m, fine, b.penalty(citizenIIN, 2_00), b.owes(court.ID, claim, "CLAIM-1", 3_00))
	b.must(err)
	_, err = b.workNotices(t.Context())
	b.must(err)
	last := p.texts[len(p.texts)-1]
	for _, text := range p.texts {
		if strings.Contains(text, "платёж") {
			last = text
		}
	}
	if !strings.Contains(last, "6.00") || !strings.Contains(last, b.fine.Beneficiary.Name+" и ещё 1.") {
		t.Errorf("notice %q of %s", last, o.ID)
	}
}

// Whoever makes and drops drafts of agreements in somebody's name neither writes to his phone nor hides the agreement that he has given.
func TestMandateDraftsBotherNobody(t *testing.T) {
	b, p := withCodes(t)
	m := b.agreed(citizenIIN, 1000_00, 1500_00)
	_, err := b.workNotices(t.Context())
	b.must(err)
	texts := len(p.texts)
	for i := range mandatesShown + 1 {
		draft := b.proposed(citizenIIN, 1000_00, 1500_00)
		if i > 0 {
			continue
		}
		_, _, err := b.RevokeMandate(t.Context(), b.idem("drop"), draft.ID)
		b.must(err)
	}
	if _, err := b.workNotices(t.Context()); err != nil || len(p.texts) != texts {
		t.Errorf("the payer was told of drafts: %q, %v", p.texts[texts:], err)
	}
	list, err := b.Mandates(t.Context(), citizenIIN)
	if err != nil || len(list) != mandatesShown || list[0].ID != m.ID {
		t.Fatalf("%d listed, the first is %+v, %v", len(list), list[0], err)
	}
	_, _, err = b.RevokeMandate(t.Context(), b.idem("revoke"), m.ID)
	b.must(err)
	if _, err := b.workNotices(t.Context()); err != nil || len(p.texts) != texts+1 {
		t.Errorf("the payer was not told that his agreement ended: %v", err)
	}
	list, err = b.Mandates(t.Context(), citizenIIN)
	if err != nil || len(list) != mandatesShown || list[0].ID == m.ID {
		t.Errorf("an agreement that has ended stands first: %v", err)
	}
}
