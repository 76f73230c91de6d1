package payment

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/payment/debt"
	"qaqpa/payment/inquiry"
	"qaqpa/payment/order"
)

// numbered gives the bundle's agency a register that finds debts by their numbers, and of nobody knows what he owes.
func (b *bundle) numbered(debts ...inquiry.Owing) *fakeRegister {
	b.t.Helper()
	f := b.registered(0)
	b.byNumber(0)
	f.number(debts...)
	return f
}

func (b *bundle) byNumber(fresh time.Duration) {
	b.t.Helper()
	var url string
	b.must(b.db.Get(&url, `SELECT url FROM agency_registers WHERE agency_id = $1`, b.agency.ID))
	_, err := b.SetRegister(b.t.Context(), b.idem("register"), b.agency.ID, inquiry.Settings{URL: url, Wait: 5 * time.Second, Fresh: fresh, ByReference: true})
	b.must(err)
}

func (f *fakeRegister) number(debts ...inquiry.Owing) {
	f.set(func(f *fakeRegister) {
		f.numbered = map[string]inquiry.Owing{}
		for _, d := range debts {
			f.numbered[d.Reference] = d
		}
	})
}

func (f *fakeRegister) askedFor() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.numbers, " ")
}

func (b *bundle) owedBy(payer, reference string, tiyn int64) inquiry.Owing {
	o := b.owing(reference, tiyn)
	o.Payer = payer
	return o
}

func (b *bundle) find(payer, number string) DebtPage {
	b.t.Helper()
	page, err := b.LookUpNumber(b.t.Context(), "test", DebtQuery{Payer: payer, Reference: number})
	b.must(err)
	return page
}

// A debt of which the payer knows the number alone is found, listed among what he owes, paid, and gone when its register knows it no more. An
// answer about him, of whom the register knows nothing, takes it away no more than one about another number.
func TestDebtIsFoundByItsNumber(t *testing.T) {
	b := setup(t)
	f := b.numbered(b.owedBy(citizenIIN, "N-100", 500_00), b.owedBy(citizenIIN, "N-200", 700_00))
	fed := b.fee(citizenIIN)
	if got := references(b.find(citizenIIN, "N-100")); got != "N-100=50000" {
		t.Fatalf("found %s", got)
	}
	if f.askedFor() != "N-100" {
		t.Errorf("it was asked %q, and is to be told of nobody", f.askedFor())
	}
	b.find(citizenIIN, "N-200")
	b.find(citizenIIN, "N-300")
	all := fmt.Sprintf("%s=%d N-100=50000 N-200=70000", fed.Reference, fed.Tiyn)
	if got := references(b.look(citizenIIN)); !sameWords(got, all) {
		t.Errorf("owed %s, want %s", got, all)
	}
	f.number(b.owedBy(citizenIIN, "N-100", 600_00))
	b.clock.advance(time.Minute)
	if got := references(b.find(citizenIIN, "N-200")); got != "" {
		t.Errorf("settled at its register, still owed: %s", got)
	}
	if got := references(b.find(citizenIIN, "N-100")); got != "N-100=60000" {
		t.Errorf("amended: %s", got)
	}
	if got := references(b.find(citizenIIN, fed.Reference)); !strings.HasPrefix(got, fed.Reference) {
		t.Errorf("what was only fed is recalled by a register that does not know it: %s", got)
	}
	page := b.find(citizenIIN, "N-100")
	o := b.ordered(citizenIIN, page.Items[0])
	_, _, err := b.Authorise(t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	f.number()
	b.find(citizenIIN, "N-100") // forgotten under the payer's hands
	b.settle()
	if state := b.state(o.ID); state != order.Executed {
		t.Fatalf("the order is %s", state)
	}
	f.number(b.owedBy(citizenIIN, "N-100", 600_00))
	if got := references(b.find(citizenIIN, "N-100")); got != "" {
		t.Errorf("a paid debt is owed again: %s", got)
	}
	b.agree()
}

func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// What another one owes is neither shown nor stored, and told from an unknown number by nothing.
func TestNumberOfSomebodyElse(t *testing.T) {
	b := setup(t)
	f := b.numbered(b.owedBy(citizenIIN, "N-100", 500_00))
	others, unknown := b.find(neighborIIN, "N-100"), b.find(neighborIIN, "N-999")
	if fmt.Sprint(others.Items, others.LoadedAt, b.said(others, RegisterAnswered, "").AsOf) != fmt.Sprint(unknown.Items, unknown.LoadedAt, b.said(unknown, RegisterAnswered, "").AsOf) {
		t.Errorf("%+v and %+v", others, unknown)
	}
	var stored int
	b.must(b.db.Get(&stored, `SELECT count(*) FROM debts`))
	if stored != 0 {
		t.Errorf("%d debts of somebody else were stored", stored)
	}
	// A debt that turns out to be another's is the first one's no more.
	b.find(citizenIIN, "N-100")
	f.number(b.owedBy(neighborIIN, "N-100", 500_00))
	if got := references(b.find(citizenIIN, "N-100")); got != "" {
		t.Errorf("still owed: %s", got)
	}
	if got := references(b.find(neighborIIN, "N-100")); got != "N-100=50000" {
		t.Errorf("the neighbour owes %s", got)
	}
}

// What is no number, and registers that were not said to take numbers, are not asked; numbers are asked about within limits, and answers stand
// in for the next as long as the agency allows.
func TestNumbersAreAskedWithinLimits(t *testing.T) {
	b := setup(t)
	f := b.registered(time.Minute)
	if page := b.find(citizenIIN, "N-100"); page.Registers != nil || f.count() != 0 {
		t.Errorf("a register that takes no numbers was asked: %+v", page)
	}
	b.byNumber(time.Minute)
	for _, text := range []string{"", "1", "айыппұл", "N-1\n00", strings.Repeat("1", 65)} {
		if page := b.find(citizenIIN, text); page.Registers != nil || f.count() != 0 {
			t.Errorf("%q was asked about", text)
		}
	}
	b.said(b.find(citizenIIN, "N-100"), RegisterAnswered, "")
	b.said(b.find(citizenIIN, "N-100"), RegisterCached, "")
	for i := range numbersAtOnce - 1 {
		b.said(b.find(citizenIIN, fmt.Sprint("N-2", i)), RegisterAnswered, "")
	}
	b.said(b.find(citizenIIN, "N-300"), RegisterSilent, registerNotAsked)
	b.said(b.find(citizenIIN, "N-100"), RegisterCached, "")
	b.said(b.find(neighborIIN, "N-300"), RegisterAnswered, "")
	b.clock.advance(numbersPause)
	b.said(b.find(citizenIIN, "N-300"), RegisterAnswered, "")
	b.said(b.find(citizenIIN, "N-400"), RegisterSilent, registerNotAsked)
	_, err := b.LookUpNumber(t.Context(), "test", DebtQuery{Payer: "1", Reference: "N-100"})
	wants(t, err, ErrPayerIDInvalid)
}

// Every answer that is not this agency's word about this number now changes nothing; one of older data undoes no newer one.
func TestNumberRefuses(t *testing.T) {
	b := setup(t)
	f := b.numbered(b.owedBy(citizenIIN, "N-100", 500_00))
	b.find(citizenIIN, "N-100")
	for name, c := range map[string]struct {
		spoil func(*inquiry.Answer)
		want  string
	}{
		"another number":   {func(a *inquiry.Answer) { a.Reference = "N-101" }, registerInvalid},
		"a payer":          {func(a *inquiry.Answer) { a.Payer = citizenIIN }, registerInvalid},
		"another question": {func(a *inquiry.Answer) { a.ID = "qst_x" }, registerInvalid},
		"nobody's":         {func(a *inquiry.Answer) { a.Debts = []inquiry.Owing{b.owing("N-100", 1)} }, registerInvalid},
		"two": {func(a *inquiry.Answer) {
			a.Debts = []inquiry.Owing{b.owedBy(citizenIIN, "N-100", 1), b.owedBy(neighborIIN, "N-100", 1)}
		}, registerInvalid},
		"another debt": {func(a *inquiry.Answer) { a.Debts = []inquiry.Owing{b.owedBy(citizenIIN, "N-101", 1)} }, registerInvalid},
		"days old":     {func(a *inquiry.Answer) { a.AsOf = b.clock.now().AddDate(0, 0, -2).Format(time.RFC3339Nano) }, registerOld},
	} {
		b.clock.advance(10 * time.Minute) // past the pause of a register that fails
		f.set(func(f *fakeRegister) { f.change = c.spoil })
		page := b.find(citizenIIN, "N-100")
		if len(page.Registers) != 1 || page.Registers[0].Problem != c.want || references(page) != "N-100=50000" {
			t.Errorf("%s: %+v", name, page)
		}
	}
	b.clock.advance(time.Hour)
	f.set(func(f *fakeRegister) {
		f.change = func(a *inquiry.Answer) {
			a.AsOf, a.Debts = b.clock.now().Add(-20*time.Hour).Format(time.RFC3339Nano), []inquiry.Owing{}
		}
	})
	if got := references(b.find(citizenIIN, "N-100")); got != "N-100=50000" {
		t.Errorf("older data undid newer: %s", got)
	}
	f.set(func(f *fakeRegister) { f.change = nil })
	d := b.find(citizenIIN, "N-100").Items[0]
	if d.State != debt.Open {
		t.Errorf("it is %s", d.State)
	}
}

// An answer about a number that came too late to count is no answer: the number is asked about again.
func TestOvertakenNumberIsAskedAgain(t *testing.T) {
	b := setup(t)
	f := b.numbered(b.owedBy(citizenIIN, "N-100", 500_00))
	b.byNumber(time.Hour)
	hold := make(chan struct{})
	f.set(func(f *fakeRegister) { f.hold = hold })
	done := make(chan DebtPage)
	go func() {
		page, _ := b.LookUpNumber(t.Context(), "test", DebtQuery{Payer: citizenIIN, Reference: "N-100"})
		done <- page
	}()
	for f.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	f.set(func(f *fakeRegister) { f.hold = nil })
	b.clock.advance(time.Second)
	b.look(citizenIIN) // his other tab
	close(hold)
	if page := <-done; len(page.Items) > 0 {
		return
	}
	b.clock.advance(time.Minute)
	if got := references(b.find(citizenIIN, "N-100")); !strings.Contains(got, "N-100") {
		t.Errorf("owed %q, asked for %s", got, f.askedFor())
	}
}

// That a number was asked about, for whom and what came of it, is on record.
func TestNumberIsOnRecord(t *testing.T) {
	b := setup(t)
	b.numbered()
	b.find(citizenIIN, "N-100")
	var details []string
	b.must(b.db.Select(&details, `SELECT convert_from(detail, 'UTF8') FROM diary WHERE action IN ('debts.asked', 'debts.answered') ORDER BY action`))
	if len(details) != 2 || !strings.Contains(details[0], `"reference":"N-100"`) || !strings.Contains(details[1], `"reference":"N-100"`) {
		t.Errorf("%v", details)
	}
}
