package payment

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/inquiry"
	"qaqpa/payment/order"
)

// fakeRegister is an agency's own register of debts.
type fakeRegister struct {
	mu     sync.Mutex
	notary *notary
	clock  *clock
	signer Signer
	debts  []inquiry.Owing
	// change alters an answer before it is signed; raw replaces the signed answer; hold, when set, delays it until closed.
	change func(*inquiry.Answer)
	raw    func([]byte) []byte
	hold   chan struct{}
	status int
	asked  int
	// numbered are debts by their number, with who owes them.
	numbered map[string]inquiry.Owing
	numbers  []string // that it was asked for
}

func (f *fakeRegister) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked++
	hold := f.hold
	f.mu.Unlock()
	message, _ := io.ReadAll(r.Body)
	var q inquiry.Question
	var e envelope
	if json.Unmarshal(message, &e) != nil || json.Unmarshal(e.Content, &q) != nil || e.Signer.BIN != operatorBIN {
		http.Error(w, "not the gateway's", http.StatusUnauthorized)
		return
	}
	f.mu.Lock()
	a := inquiry.Answer{Type: inquiry.AnswerType, ID: q.ID, Agency: q.Agency, Payer: q.Payer, AsOf: f.clock.now().Format(time.RFC3339Nano), Debts: append([]inquiry.Owing{}, f.debts...)}
	if q.Reference != "" {
		a.Reference, a.Debts = q.Reference, []inquiry.Owing{}
		if d, known := f.numbered[q.Reference]; known {
			a.Debts = []inquiry.Owing{d}
		}
		f.numbers = append(f.numbers, q.Reference+q.Payer)
	}
	if f.change != nil {
		f.change(&a)
	}
	raw, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	sealed := f.notary.sign(f.signer, raw, false)
	if f.raw != nil {
		sealed = f.raw(sealed)
	}
	status := f.status
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", inquiry.ContentType)
	if status != 0 {
		w.WriteHeader(status)
	}
	w.Write(sealed) //nolint:errcheck // the gateway is gone
}

func (f *fakeRegister) set(change func(*fakeRegister)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeRegister) keep(debts ...inquiry.Owing) { f.set(func(f *fakeRegister) { f.debts = debts }) }

func (f *fakeRegister) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// registered gives the bundle's agency a register of its own.
func (b *bundle) registered(fresh time.Duration) *fakeRegister {
	return b.registeredFor(b.agency, agencyBIN, fresh, 5*time.Second)
}

func (b *bundle) registeredFor(agency catalog.Agency, bin string, fresh, wait time.Duration) *fakeRegister {
	b.t.Helper()
	f := &fakeRegister{notary: b.notary, clock: b.clock, signer: Signer{BIN: bin, Kind: kindSystem}}
	server := httptest.NewServer(f)
	b.t.Cleanup(server.Close)
	_, err := b.SetRegister(b.t.Context(), b.idem("register"), agency.ID, inquiry.Settings{URL: server.URL, Wait: wait, Fresh: fresh})
	b.must(err)
	b.t.Cleanup(b.inquiries.wait)
	return f
}

func (b *bundle) owing(reference string, tiyn int64) inquiry.Owing {
	return inquiry.Owing{Reference: reference, Service: b.fine.ID, Tiyn: &tiyn}
}

func (b *bundle) look(payer string) DebtPage {
	b.t.Helper()
	page, err := b.LookUp(b.t.Context(), "test", DebtQuery{Payer: payer})
	b.must(err)
	return page
}

// said is the only answer of a look.
func (b *bundle) said(page DebtPage, outcome RegisterOutcome, problem string) RegisterAnswer {
	b.t.Helper()
	if len(page.Registers) != 1 || page.Registers[0].Outcome != outcome || page.Registers[0].Problem != problem {
		b.t.Fatalf("registers %+v, want %s %s", page.Registers, outcome, problem)
	}
	return page.Registers[0]
}

func references(page DebtPage) string {
	var list []string
	for _, d := range page.Items {
		list = append(list, fmt.Sprintf("%s=%d", d.Reference, d.Tiyn))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// What a register states is owed, amended, paid and gone as what is fed; a debt that is paid never comes back.
func TestRegisterDebtsArePayable(t *testing.T) {
	b := setup(t)
	f := b.registered(0)
	fed := b.fee(citizenIIN)
	f.keep(b.owing("A", 500_00), b.owing("B", 700_00))
	page := b.look(citizenIIN)
	if answer := b.said(page, RegisterAnswered, ""); answer.AsOf == nil || !answer.AsOf.Equal(b.clock.now()) {
		t.Errorf("as of %v", answer.AsOf)
	}
	if got, want := references(page), fmt.Sprintf("A=50000 B=70000 %s=%d", fed.Reference, fed.Tiyn); got != want {
		t.Fatalf("owed %s, want %s", got, want)
	}
	first := page.Items
	f.keep(b.owing("A", 500_00), b.owing("C", 100_00))
	page = b.look(citizenIIN)
	if got, want := references(page), fmt.Sprintf("A=50000 C=10000 %s=%d", fed.Reference, fed.Tiyn); got != want {
		t.Fatalf("owed %s, want %s: what was fed stays, what the register states no more goes", got, want)
	}
	var a, gone debt.Debt
	for _, d := range first {
		switch d.Reference {
		case "A":
			a = d
		case "B":
			gone = d
		}
	}
	if d, err := b.Debt(t.Context(), gone.ID); err != nil || d.State != debt.Recalled || d.RecallReason == "" {
		t.Errorf("gone: %+v %v", d, err)
	}
	if d, err := b.Debt(t.Context(), a.ID); err != nil || d.Version != 1 {
		t.Errorf("stated again: version %d %v", d.Version, err)
	}
	o := b.ordered(citizenIIN, a)
	_, _, err := b.Authorise(t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	f.keep() // an agency that forgets a debt under the payer's hands
	b.look(citizenIIN)
	b.settle()
	if state := b.state(o.ID); state != order.Executed {
		t.Fatalf("the order is %s", state)
	}
	f.keep(b.owing("A", 900_00)) // and one that has not noticed the payment
	if got := references(b.look(citizenIIN)); strings.Contains(got, "A=") {
		t.Errorf("a paid debt is owed again: %s", got)
	}
	b.agree()
}

// Every answer that is not this agency's word about this payer now is refused, changes nothing, and the agency is named.
func TestRegisterRefuses(t *testing.T) {
	b := setup(t)
	f := b.registered(0)
	f.keep(b.owing("A", 500_00))
	b.look(citizenIIN)
	before := references(b.look(citizenIIN))
	for name, c := range map[string]struct {
		spoil func(*fakeRegister)
		want  string
	}{
		"another question": {func(f *fakeRegister) { f.change = func(a *inquiry.Answer) { a.ID = "qst_other" } }, registerInvalid},
		"another payer":    {func(f *fakeRegister) { f.change = func(a *inquiry.Answer) { a.Payer = neighborIIN } }, registerInvalid},
		"another agency":   {func(f *fakeRegister) { f.change = func(a *inquiry.Answer) { a.Agency = otherBIN } }, registerInvalid},
		"no debts at all":  {func(f *fakeRegister) { f.change = func(a *inquiry.Answer) { a.Debts = nil } }, registerInvalid},
		"stated twice": {func(f *fakeRegister) {
			f.change = func(a *inquiry.Answer) { a.Debts = append(a.Debts, b.owing("B", 1), b.owing("B", 2)) }
		}, registerInvalid},
		"two days old": {func(f *fakeRegister) {
			f.change = func(a *inquiry.Answer) { a.AsOf = b.clock.now().AddDate(0, 0, -2).Format(time.RFC3339) }
		}, registerOld},
		"of tomorrow": {func(f *fakeRegister) {
			f.change = func(a *inquiry.Answer) { a.AsOf = b.clock.now().AddDate(0, 0, 1).Format(time.RFC3339) }
		}, registerOld},
		"another system": {func(f *fakeRegister) { f.signer = Signer{BIN: otherBIN, Kind: kindSystem} }, registerSigner},
		"a person of it": {func(f *fakeRegister) { f.signer = Signer{BIN: agencyBIN, IIN: citizenIIN, Kind: "employee"} }, registerSigner},
		"broken signature": {func(f *fakeRegister) {
			f.raw = func(m []byte) []byte { return []byte(strings.Replace(string(m), "content", "kontent", 1)) }
		}, registerUnsigned},
		"too large": {func(f *fakeRegister) { f.raw = func([]byte) []byte { return make([]byte, inquiry.AnswerBytesMax+1) } }, registerNoAnswer},
		"status":    {func(f *fakeRegister) { f.status = http.StatusBadGateway }, registerNoAnswer},
		"redirect":  {func(f *fakeRegister) { f.status = http.StatusFound }, registerNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			good := f.signer
			f.set(func(f *fakeRegister) { f.debts = nil; c.spoil(f) })
			page := b.look(citizenIIN)
			if answer := b.said(page, RegisterSilent, c.want); answer.AsOf == nil {
				t.Error("what it said before is not shown")
			}
			if got := references(page); got != before {
				t.Errorf("owed %s, was %s", got, before)
			}
			f.set(func(f *fakeRegister) { f.change, f.raw, f.status, f.signer = nil, nil, 0, good })
			f.keep(b.owing("A", 500_00))
			b.clock.advance(10 * time.Minute) // whatever pause there is
			b.said(b.look(citizenIIN), RegisterAnswered, "")
		})
	}
}

// A register that fails is left in peace, tried by one look, and asked again when it answers.
func TestRegisterBreaker(t *testing.T) {
	b := setup(t)
	f := b.registered(0)
	f.set(func(f *fakeRegister) { f.status = http.StatusInternalServerError })
	for range 3 {
		b.said(b.look(citizenIIN), RegisterSilent, registerNoAnswer)
	}
	for range 3 {
		b.said(b.look(citizenIIN), RegisterSilent, registerNotAsked)
	}
	if n := f.count(); n != 3 {
		t.Fatalf("asked %d times", n)
	}
	b.clock.advance(6 * time.Second)
	b.said(b.look(citizenIIN), RegisterSilent, registerNoAnswer) // the trial
	b.said(b.look(citizenIIN), RegisterSilent, registerNotAsked)
	f.set(func(f *fakeRegister) { f.status = 0 })
	b.clock.advance(11 * time.Second)
	b.said(b.look(citizenIIN), RegisterAnswered, "")
	b.said(b.look(citizenIIN), RegisterAnswered, "")
	b.notary.fail("verify", 1) // our own fault is none of the agency's
	b.said(b.look(citizenIIN), RegisterSilent, registerUndecided)
	var failures int
	b.must(b.db.Get(&failures, `SELECT failures FROM agency_registers`))
	if failures != 0 {
		t.Errorf("%d failures", failures)
	}
}

// One silent agency does not hold up what others answer, and looks at the same payer share a question; an answer serves while it is fresh.
func TestRegistersAreAskedTogether(t *testing.T) {
	b := setup(t)
	f := b.registered(time.Minute)
	court, _, err := b.RegisterAgency(t.Context(), b.idem("court"), catalog.AgencySpec{BIN: companyBIN, Names: catalog.Names{KK: "Сот", RU: "Суд", EN: "Court"}})
	b.must(err)
	silent := b.registeredFor(court, companyBIN, 0, inquiry.WaitMin)
	silent.set(func(f *fakeRegister) { f.hold = make(chan struct{}) })
	f.keep(b.owing("A", 500_00))
	f.set(func(f *fakeRegister) { f.hold = make(chan struct{}) })
	pages := make(chan DebtPage, 4)
	for range cap(pages) {
		go func() { page, _ := b.LookUp(t.Context(), "test", DebtQuery{Payer: citizenIIN}); pages <- page }()
	}
	for f.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(f.hold)
	for range cap(pages) {
		page := <-pages
		outcomes := map[string]RegisterOutcome{}
		for _, r := range page.Registers {
			outcomes[r.Agency] = r.Outcome
		}
		if outcomes[b.agency.ID] == RegisterSilent || outcomes[court.ID] != RegisterSilent || references(page) != "A=50000" {
			t.Errorf("%v, owed %s", outcomes, references(page))
		}
	}
	if n := f.count(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	b.clock.advance(61 * time.Second)
	b.look(citizenIIN)
	if n := f.count(); n != 2 {
		t.Errorf("asked %d times after the answer was stale", n)
	}
	var told int
	b.must(b.db.Get(&told, `SELECT count(*) FROM diary WHERE action = 'debts.asked' AND subject = $1`, citizenIIN))
	if told < 3 {
		t.Errorf("%d notes of whom the number was told", told)
	}
}

// An answer that was long on its way does not undo what the agency has said since.
func TestRegisterAnswerOvertaken(t *testing.T) {
	b := setup(t)
	f := b.registered(0)
	f.keep(b.owing("A", 500_00))
	d := b.look(citizenIIN).Items[0]
	hold := make(chan struct{})
	f.set(func(f *fakeRegister) { f.hold = hold })
	asked := f.count()
	done := make(chan DebtPage)
	go func() { page, _ := b.LookUp(t.Context(), "test", DebtQuery{Payer: citizenIIN}); done <- page }()
	for f.count() == asked {
		time.Sleep(time.Millisecond)
	}
	b.clock.advance(time.Second)
	_, _, err := b.RecallDebt(t.Context(), b.idem("recall"), b.agency.ID, d.ID, "stated by mistake")
	b.must(err)
	close(hold)
	if page := <-done; len(page.Items) != 0 {
		t.Errorf("the recall was undone: %s", references(page))
	}
	// Data that are older than what was said before count as little, whenever they come.
	f.set(func(f *fakeRegister) {
		f.change = func(a *inquiry.Answer) { a.AsOf = b.clock.now().Add(-time.Hour).Format(time.RFC3339) }
	})
	if page := b.look(citizenIIN); len(page.Items) != 0 {
		t.Errorf("old data undid the recall: %s", references(page))
	}
	// Whom the person's number was told to is on record all the same.
	var told int
	b.must(b.db.Get(&told, `SELECT count(*) FROM diary WHERE action = 'debts.asked' AND subject = $1`, citizenIIN))
	if told != f.count() {
		t.Errorf("%d notes of %d questions", told, f.count())
	}
}

// A register that answers from last night's copy does not undo what the agency has said by its program this morning.
func TestOldCopyUndoesNoNewerWord(t *testing.T) {
	b := setup(t)
	f := b.registered(0)
	copied := b.clock.now().Add(-4 * time.Hour)
	f.set(func(f *fakeRegister) {
		f.change = func(a *inquiry.Answer) { a.AsOf = copied.Format(time.RFC3339Nano) }
	})
	f.keep(b.owing("A", 500_00), b.owing("B", 500_00))
	page := b.look(citizenIIN)
	b.clock.advance(time.Hour)
	for _, d := range page.Items {
		if d.Reference == "A" {
			_, _, err := b.RecallDebt(t.Context(), b.idem("recall"), b.agency.ID, d.ID, "paid at the desk")
			b.must(err)
			continue
		}
		less := int64(100_00)
		_, _, err := b.SubmitDebts(t.Context(), b.idem("less"), b.agency.ID, []debt.Item{{Reference: "B", Payer: debt.Payer{ID: citizenIIN}, Service: b.fine.ID, Tiyn: &less}})
		b.must(err)
	}
	b.clock.advance(time.Hour)
	for range 2 {
		if got := references(b.look(citizenIIN)); got != "B=10000" {
			t.Errorf("owed %s", got)
		}
	}
	copied = b.clock.now() // the next copy knows of both
	f.keep(b.owing("B", 90_00))
	b.clock.advance(time.Hour)
	if got := references(b.look(citizenIIN)); got != "B=9000" {
		t.Errorf("owed %s by the next copy", got)
	}
	copied = copied.Add(time.Minute) // by which the register undoes what it has said itself
	f.keep(b.owing("B", 80_00))
	if got := references(b.look(citizenIIN)); got != "B=8000" {
		t.Errorf("owed %s by the copy after it", got)
	}
}

// The same of a debt that was found by its number.
func TestOldCopyUndoesNoNewerWordOnANumber(t *testing.T) {
	b := setup(t)
	f := b.numbered(b.owedBy(citizenIIN, "N-100", 500_00))
	copied := b.clock.now().Add(-4 * time.Hour)
	f.set(func(f *fakeRegister) {
		f.change = func(a *inquiry.Answer) { a.AsOf = copied.Format(time.RFC3339Nano) }
	})
	d := b.find(citizenIIN, "N-100").Items[0]
	b.clock.advance(time.Hour)
	_, _, err := b.RecallDebt(t.Context(), b.idem("recall"), b.agency.ID, d.ID, "paid at the desk")
	b.must(err)
	b.clock.advance(time.Hour)
	if got := references(b.find(citizenIIN, "N-100")); got != "" {
		t.Errorf("owed %s", got)
	}
}

// Whatever a register states from look to look, with payments and feeds between: what is owed is what it stated last and what was fed, and
// nothing is paid twice.
func TestRegisterWalk(t *testing.T) {
	b := setup(t)
	f := b.registered(0)
	payers := 0
	rapid.Check(t, func(t *rapid.T) {
		const walks = 25 // each asks the database dozens of times
		if payers++; payers > walks {
			return
		}
		payer := madeIIN(payers)
		paid := map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(t, "looks") {
			stated := map[string]int64{}
			var list []inquiry.Owing
			for i := range 4 {
				if tiyn := rapid.Int64Range(0, 3).Draw(t, "amount"); tiyn > 0 {
					reference := fmt.Sprintf("W-%d", i)
					stated[reference] = tiyn * 100
					list = append(list, b.owing(reference, tiyn*100))
				}
			}
			f.keep(list...)
			b.clock.advance(time.Second)
			page := b.look(payer)
			owed := map[string]int64{}
			for _, d := range page.Items {
				owed[d.Reference] = d.Tiyn
			}
			for reference, tiyn := range stated {
				if want := tiyn; paid[reference] == (owed[reference] != 0) || (!paid[reference] && owed[reference] != want) {
					t.Fatalf("%s: owed %d, stated %d, paid %t", reference, owed[reference], tiyn, paid[reference])
				}
				delete(owed, reference)
			}
			if len(owed) != 0 {
				t.Fatalf("owed beyond what is stated: %v", owed)
			}
			if len(page.Items) > 0 && rapid.Bool().Draw(t, "pays") {
				d := page.Items[0]
				o := b.ordered(payer, d)
				if _, _, err := b.Authorise(b.t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(payer))); err != nil {
					t.Fatal(err)
				}
				b.attempts()
				paid[d.Reference] = true
			}
		}
	})
	b.settle()
	b.agree()
}

// madeIIN makes the n-th number that has a right check digit.
func madeIIN(n int) string {
	for digit := range 10 {
		if number := fmt.Sprintf("9001013%04d%d", n, digit); catalog.ValidPayerID(number) {
			return number
		}
	}
	return madeIIN(n + 5000)
}
