package payment

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// initiation is a bank's order to pay debts for its client, changed as the test wants.
func (b *bundle) initiation(request string, change func(*bank.Initiation), debts ...debt.Debt) []byte {
	b.t.Helper()
	i := bank.Initiation{
		Type: bank.InitiationType, Bank: testBIC, Request: request, Payer: debts[0].Payer.ID, Channel: "app", Amount: money.FromTiyn(0),
		At: b.clock.now().Format(time.RFC3339Nano),
	}
	for _, d := range debts {
		shown := d.Amount
		if d.Payable > 0 {
			shown = money.FromTiyn(d.Payable)
		}
		i.Debts = append(i.Debts, bank.InitiatedDebt{Debt: d.ID, Version: d.Version, Amount: shown})
		i.Tiyn += shown.Tiyn
	}
	if change != nil {
		change(&i)
	}
	return b.notary.sign(bankSigner(bankBIN), mustJSON(b.t, i), false)
}

// began sends an initiation and lets the bank hold what the gateway sealed.
func (b *bundle) began(message []byte) (bank.Order, error) {
	b.t.Helper()
	sealed, err := b.PayForBank(b.t.Context(), testBIC, message)
	if err != nil {
		return bank.Order{}, err
	}
	return b.holds(sealed), nil
}

// holds lets the bank keep what the gateway sealed.
func (b *bundle) holds(sealed []byte) bank.Order {
	b.t.Helper()
	var o bank.Order
	b.must(json.Unmarshal(opened(b.t, sealed), &o))
	b.bank.mu.Lock()
	defer b.bank.mu.Unlock()
	if b.bank.payments[o.Attempt] == nil {
		b.bank.payments[o.Attempt] = &fakePayment{order: o, outcome: bank.Pending}
	}
	return o
}

// ends lets the bank execute or refuse what it holds.
func (f *fakeBank) ends(attempt string, outcome bank.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.payments[attempt]
	if p.outcome = outcome; outcome == bank.Executed {
		p.times++
	}
}

func (b *bundle) check1(change func(*bank.Check)) ([]bank.Offered, error) {
	b.t.Helper()
	c := bank.Check{Type: bank.CheckType, Bank: testBIC, Request: "q", Payer: citizenIIN, At: b.clock.now().Format(time.RFC3339Nano)}
	if change != nil {
		change(&c)
	}
	sealed, err := b.CheckForBank(b.t.Context(), testBIC, b.notary.sign(bankSigner(bankBIN), mustJSON(b.t, c), false))
	if err != nil {
		return nil, err
	}
	var e envelope
	var o bank.Offer
	b.must(json.Unmarshal(sealed, &e))
	b.must(json.Unmarshal(e.Content, &o))
	return o.Debts, nil
}

// The bank's own client: asked, paid, confirmed; a repetition at each step changes nothing.
func TestBankPaysForItsClient(t *testing.T) {
	b := setup(t)
	court, claim := b.court()
	fee, claimed := b.fee(citizenIIN), b.owes(court.ID, claim, "CLAIM-1", 777700)
	offered, err := b.check1(nil)
	if err != nil || len(offered) != 2 || offered[0].Agency.RU == "" {
		t.Fatalf("offered %+v, %v", offered, err)
	}
	if one, err := b.check1(func(c *bank.Check) { c.Payer, c.Debt = "", claimed.ID }); err != nil || len(one) != 1 || one[0].Debt != claimed.ID {
		t.Errorf("by number: %+v, %v", one, err)
	}
	o, err := b.began(b.initiation("r-1", nil, fee, claimed))
	if err != nil || o.Tiyn != fee.Tiyn+claimed.Tiyn || len(o.Allocations) != 2 || o.Request != "r-1" || o.ExpiresAt == "" {
		t.Fatalf("order %+v, %v", o, err)
	}
	b.clock.advance(time.Minute)
	again, err := b.began(b.initiation("r-1", nil, fee, claimed)) // signed anew
	if err != nil || again.Attempt != o.Attempt {
		t.Errorf("again: %+v, %v", again, err)
	}
	if offered, err := b.check1(nil); err != nil || len(offered) != 0 {
		t.Errorf("offered while it is being paid: %+v, %v", offered, err)
	}
	b.check()
	b.attempts() // nothing to send: the bank has it
	if b.bank.calls != 0 {
		t.Errorf("the bank was called %d times", b.bank.calls)
	}
	b.bank.ends(o.Attempt, bank.Executed)
	for _, want := range []string{Applied, AlreadyApplied} {
		if out, err := b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, nil)); err != nil || out.Result != want {
			t.Errorf("confirmation %+v, %v", out, err)
		}
	}
	b.settle()
	if report := b.check(); report.Transfers != 2 || report.Receipts != 2 {
		t.Errorf("report %+v", report)
	}
	b.agree()
	var told int
	b.must(b.db.Get(&told, `SELECT count(*) FROM diary WHERE action = 'debts.checked' AND subject = $1`, citizenIIN))
	if told != 3 {
		t.Errorf("%d questions in the audit log", told)
	}
}

// However it ends at the bank, it ends once and rightly, and only by the bank's signed word.
func TestBankInitiatedOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		after   func(b *bundle, attempt string)
		lookups []string
		want    order.State
		debt    debt.State
	}{
		"the confirmation is lost":      {func(b *bundle, a string) { b.bank.ends(a, bank.Executed) }, nil, order.Executed, debt.Paid},
		"the bank gives it up":          {func(b *bundle, a string) { b.bank.ends(a, bank.Refused) }, nil, order.Refused, debt.Open},
		"the bank does not know it":     {func(b *bundle, a string) { delete(b.bank.payments, a) }, nil, order.Refused, debt.Open},
		"the client still thinks":       {func(*bundle, string) {}, []string{"ok", "ok", "finish"}, order.Executed, debt.Paid},
		"no answer, then executed":      {func(b *bundle, a string) { b.bank.ends(a, bank.Executed) }, []string{"timeoutNotDone", "errorNotDone"}, order.Executed, debt.Paid},
		"never an answer":               {func(*bundle, string) {}, longSilence(), order.Unknown, debt.Reserved},
		"another amount, then the true": {func(b *bundle, a string) { b.bank.ends(a, bank.Executed) }, []string{"wrongAmount"}, order.Executed, debt.Paid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			d := b.fee(citizenIIN)
			o, err := b.began(b.initiation("r", nil, d))
			b.must(err)
			b.bank.lookups = c.lookups
			c.after(b, o.Attempt)
			b.clock.advance(20 * time.Minute) // past the time of the order
			b.settle()
			if got := b.state(o.Order); got != c.want {
				t.Errorf("order is %s, want %s", got, c.want)
			}
			if now, err := b.Debt(t.Context(), d.ID); err != nil || now.State != c.debt {
				t.Errorf("debt is %s (%v)", now.State, err)
			}
			b.agree()
		})
	}
}

func longSilence() []string {
	list := make([]string, 60)
	for i := range list {
		list[i] = "timeoutNotDone"
	}
	return list
}

// A bank that gave a payment up and executes it all the same contradicts itself: a person decides, nothing is posted.
func TestBankExecutesWhatItGaveUp(t *testing.T) {
	b := setup(t)
	o, err := b.began(b.initiation("r", nil, b.fee(citizenIIN)))
	b.must(err)
	b.bank.ends(o.Attempt, bank.Refused)
	_, err = b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, nil))
	b.must(err)
	b.bank.ends(o.Attempt, bank.Executed)
	_, err = b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, nil))
	wants(t, err, ErrConfirmationConflict)
	if report := b.check(); report.Transfers != 0 {
		t.Errorf("report %+v", report)
	}
}

// The bank's client and the payer on the portal want the same debt at the same moment: one pays.
func TestBankAndPortalRace(t *testing.T) {
	b := setup(t)
	for i := range 6 {
		d := b.fee(citizenIIN)
		o := b.ordered(citizenIIN, d)
		signature, message := b.signed(o, citizen(citizenIIN)), b.initiation("r"+string(rune('0'+i)), nil, d)
		var wait sync.WaitGroup
		var atPortal, atBank error
		var begun bank.Order
		wait.Go(func() { _, _, atPortal = b.Authorise(t.Context(), b.idem("s"), o.ID, signature) })
		wait.Go(func() { begun, atBank = b.began(message) })
		wait.Wait()
		if (atPortal == nil) == (atBank == nil) {
			t.Fatalf("portal: %v, bank: %v", atPortal, atBank)
		}
		if atBank == nil {
			wants(t, atPortal, ErrDebtBeingPaid)
			b.bank.ends(begun.Attempt, bank.Executed)
			_, err := b.Confirm(t.Context(), testBIC, b.bank.says(begun.Attempt, nil))
			b.must(err)
		} else {
			wants(t, atBank, ErrDebtBeingPaid)
		}
		b.settle()
	}
	if report := b.check(); report.Transfers != 6 {
		t.Errorf("%d payments", report.Transfers)
	}
	b.agree()
}

func TestBankInitiationRefuses(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	d, foreign := b.fee(citizenIIN), b.fee(neighborIIN)
	n := 0
	for name, c := range map[string]struct {
		change func(*bank.Initiation)
		want   *Error
	}{
		"older than a client waits":  {func(i *bank.Initiation) { i.At = b.clock.now().Add(-11 * time.Minute).Format(time.RFC3339Nano) }, ErrBankMessageStale},
		"of the future":              {func(i *bank.Initiation) { i.At = b.clock.now().Add(11 * time.Minute).Format(time.RFC3339Nano) }, ErrBankMessageStale},
		"names another bank":         {func(i *bank.Initiation) { i.Bank = otherBIC }, ErrBankMismatch},
		"amount shown was another":   {func(i *bank.Initiation) { i.Debts[0].Tiyn--; i.Tiyn-- }, ErrAmountChanged},
		"version shown was another":  {func(i *bank.Initiation) { i.Debts[0].Version++ }, ErrDebtChanged},
		"debts do not add up":        {func(i *bank.Initiation) { i.Tiyn++ }, ErrBankMessageInvalid},
		"no channel":                 {func(i *bank.Initiation) { i.Channel = "" }, ErrBankMessageInvalid},
		"another payer":              {func(i *bank.Initiation) { i.Payer = neighborIIN }, ErrDebtOfOther},
		"somebody else's debt":       {func(i *bank.Initiation) { i.Debts[0].Debt = foreign.ID }, ErrDebtOfOther},
		"a payer that cannot be one": {func(i *bank.Initiation) { i.Payer = "900101300018" }, ErrPayerIDInvalid},
	} {
		n++
		_, err := b.began(b.initiation(fmt.Sprintf("x-%d", n), c.change, d))
		if wants(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
	for name, signer := range map[string]Signer{"another bank": bankSigner(otherBIN), "a person of the bank": {IIN: citizenIIN, BIN: bankBIN, Kind: "person"}} {
		message := b.initiation("y", nil, d)
		var e envelope
		b.must(json.Unmarshal(message, &e))
		_, err := b.PayForBank(ctx, testBIC, b.notary.sign(signer, e.Content, false))
		if wants(t, err, ErrBankSigner); t.Failed() {
			t.Fatal(name)
		}
	}
	_, err := b.PayForBank(ctx, testBIC, []byte("hello"))
	wants(t, err, ErrSignatureInvalid)
	_, err = b.PayForBank(ctx, testBIC, nil)
	wants(t, err, ErrBankMessageInvalid)
	_, err = b.check1(func(c *bank.Check) { c.At = "yesterday" })
	wants(t, err, ErrBankMessageInvalid)
	_, err = b.check1(func(c *bank.Check) { c.At = b.clock.now().Add(-time.Hour).Format(time.RFC3339) })
	wants(t, err, ErrBankMessageStale)

	first := b.initiation("z", nil, d)
	_, err = b.began(first)
	b.must(err)
	_, err = b.began(b.initiation("z", nil, b.fee(citizenIIN))) // another payment under the same name
	wants(t, err, ErrIdempotencyReuse)
	b.clock.advance(time.Hour)
	_, err = b.began(first) // replayed: nothing is told
	wants(t, err, ErrBankMessageStale)
	_, _, err = b.RegisterBank(ctx, b.idem("p"), catalog.BankSpec{BIC: testBIC, BIN: bankBIN, Name: "Банк", URL: "http://bank.invalid", Paused: true})
	b.must(err)
	_, err = b.began(b.initiation("w", nil, b.fee(citizenIIN)))
	wants(t, err, ErrBankPaused)
	b.check()
}

// A bank that has given a payment up and asks for it again under the same name is not told to execute it.
func TestBankAsksAgainForWhatItGaveUp(t *testing.T) {
	b := setup(t)
	d := b.fee(citizenIIN)
	o, err := b.began(b.initiation("r", nil, d))
	b.must(err)
	b.bank.mu.Lock()
	delete(b.bank.payments, o.Attempt)
	b.bank.mu.Unlock()
	b.clock.advance(20 * time.Minute)
	b.settle()
	if got := b.state(o.Order); got != "refused" {
		t.Fatal(got)
	}
	sealed, err := b.PayForBank(t.Context(), testBIC, b.initiation("r", nil, d))
	if wants(t, err, ErrOrderFinished); sealed != nil {
		t.Errorf("the bank is told to execute a payment that is refused: %s", sealed)
	}
}
