package payment

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qaqpa/payment/bank"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
	"qaqpa/payment/refund"
)

// refundsWork lets the refunds that are due go one step, and waits.
func (b *bundle) refundsWork() {
	b.t.Helper()
	_, err := b.workRefunds(b.t.Context())
	b.must(err)
	b.refundCalls.wait()
}

// by is a fresh key of a person.
func (b *bundle) by(person string) Idem {
	i := b.idem(person)
	i.Caller = person
	return i
}

// executed makes an executed order of a new fee.
func (b *bundle) executed(payer string) order.Order {
	b.t.Helper()
	o := b.authorised(payer)
	b.settle()
	if state := b.state(o.ID); state != order.Executed {
		b.t.Fatalf("the order is %s", state)
	}
	return o
}

func wishOf(kind refund.Kind, items ...refund.Item) refund.Request {
	return refund.Request{Kind: kind, Reason: "paid-twice", Comment: "Қате төленген", Items: items}
}

// wished asks for a refund of one item, as the first person.
func (b *bundle) wished(req refund.Request) refund.Refund {
	b.t.Helper()
	out, _, err := b.RequestRefunds(b.t.Context(), b.by("aru"), b.agency.ID, req)
	b.must(err)
	return *out.Results[0].Refund
}

// decided takes a step with a refund.
func (b *bundle) decided(person, action string, x refund.Refund) refund.Refund {
	b.t.Helper()
	out, _, err := b.DecideRefund(b.t.Context(), b.by(person), "", x.ID, RefundDecision{Action: action, Version: x.Version, Comment: "so"})
	b.must(err)
	return *out.Results[0].Refund
}

func (b *bundle) refunded(id string) refund.Refund {
	b.t.Helper()
	x, _, err := b.Refund(b.t.Context(), "", id)
	b.must(err)
	return x
}

func item(o order.Order) refund.Item { return refund.Item{Order: o.ID, Debt: o.Items[0].Debt} }

func TestRefundFromRequestToNotice(t *testing.T) {
	b := setup(t)
	o := b.executed(citizenIIN)
	part := item(o)
	part.Tiyn, part.Left = new(int64(100_00)), new(int64(licenceTiyn))
	x := b.wished(wishOf(refund.PayBack, part))
	if x.State != refund.Requested || x.Tiyn != 100_00 || x.Then != refund.Closed || x.Agency != b.agency.ID || x.Bank != testBIC {
		t.Fatalf("asked: %+v", x)
	}
	due := ledger.BeneficiaryDue(b.agency.ID, "108125")
	if got := b.check().Balances[due]; got != -licenceTiyn {
		t.Errorf("a request moved money: %d", got)
	}
	x = b.decided("dana", ActApprove, x)
	if r := b.check(); x.State != refund.Approved || r.Balances[ledger.BankHeld(testBIC)] != -100_00 || r.Balances[due] != -licenceTiyn+100_00 {
		t.Errorf("approved: %+v with %v", x, r.Balances)
	}
	b.settle()
	x = b.refunded(x.ID)
	r := b.check()
	if x.State != refund.Executed || x.BankReference == "" || r.Balances[ledger.BankHeld(testBIC)] != 0 || r.Balances[ledger.BankRefunds(testBIC)] != -100_00 {
		t.Errorf("executed: %+v with %v", x, r.Balances)
	}
	b.agree()
	fact, err := b.PaymentFact(t.Context(), b.agency.ID, o.Items[0].Debt)
	b.must(err)
	receipt, err := b.Receipt(t.Context(), o.ID)
	b.must(err)
	if !fact.Paid || fact.Refunded != 100_00 || receipt.Refunded != 100_00 {
		t.Errorf("fact %+v, receipt %d", fact, receipt.Refunded)
	}
	var told refundFact
	b.hook.mu.Lock()
	for _, body := range b.hook.bodies {
		if err := json.Unmarshal(body, &told); err == nil && told.Data.ID == x.ID {
			break
		}
	}
	b.hook.mu.Unlock()
	if told.Type != "refund.executed" || told.Data.ID != x.ID || told.Data.Reference == "" {
		t.Errorf("webhook %+v", told)
	}
	var expected struct {
		Kind string `db:"kind"`
		Tiyn int64  `db:"amount"`
	}
	b.must(b.db.Get(&expected, `SELECT kind, amount FROM expectations WHERE source = $1`, x.ID))
	if expected.Kind != expectRefund || expected.Tiyn != -100_00 {
		t.Errorf("expectation %+v", expected)
	}
	_, events, err := b.Refund(t.Context(), b.agency.ID, x.ID)
	b.must(err)
	var path string
	for _, e := range events {
		path += " " + e.Event
	}
	if path != " ask approve send confirm" {
		t.Errorf("events:%s", path)
	}
	if page, err := b.Refunds(t.Context(), RefundQuery{Agency: b.agency.ID, State: refund.Executed}); err != nil || len(page.Items) != 1 {
		t.Errorf("list %+v, %v", page, err)
	}
}

// A debt whose payment was given back is owed again as a debt of its own, and can be paid.
func TestRefundedDebtIsOwedAgain(t *testing.T) {
	b := setup(t)
	o := b.executed(citizenIIN)
	req := wishOf(refund.PayBack, item(o))
	req.Then = refund.Reopened
	x := b.decided("dana", ActApprove, b.wished(req))
	b.settle()
	x = b.refunded(x.ID)
	again, err := b.Debt(t.Context(), x.Successor)
	b.must(err)
	old, err := b.Debt(t.Context(), x.Debt)
	b.must(err)
	if again.State != debt.Open || again.Amount != x.Amount || again.Payer != old.Payer || old.State != debt.Paid || again.Reference == old.Reference {
		t.Errorf("old %+v, new %+v", old, again)
	}
	second := b.ordered(citizenIIN, again)
	_, _, err = b.Authorise(t.Context(), b.idem("s"), second.ID, b.signed(second, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	if s := b.state(second.ID); s != order.Executed {
		t.Errorf("the debt that is owed again ended as %s", s)
	}
	b.agree()
}

// However the bank's answers are lost, money goes back once; what it refuses stays where it was.
func TestRefundAtTheBank(t *testing.T) {
	for _, c := range []struct {
		pays, lookups []string
		want          refund.State
		moved         int
	}{
		{[]string{"timeoutButDone"}, nil, refund.Executed, 1},
		{[]string{"timeoutNotDone"}, nil, refund.Executed, 1},
		{[]string{"errorNotDone", "errorNotDone"}, []string{"timeoutNotDone"}, refund.Executed, 1},
		{[]string{"errorButDone"}, []string{"garbage", "otherSigner", "wrongAmount"}, refund.Executed, 1},
		{[]string{"pending"}, []string{"ok", "finish"}, refund.Executed, 1},
		{[]string{"refuse"}, nil, refund.Refused, 0},
		{[]string{"refuseLost"}, nil, refund.Refused, 0},
		{[]string{"wrongBank"}, nil, refund.Executed, 1},
		{[]string{"wrongOrder"}, nil, refund.Executed, 1},
		{[]string{"wrongAttempt"}, nil, refund.Executed, 1},
		{[]string{"notSigned"}, nil, refund.Executed, 1},
	} {
		t.Run(fmt.Sprint(c.pays, c.lookups), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			o := b.executed(citizenIIN)
			x := b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(o))))
			b.bank.refundPays, b.bank.refundLookups = c.pays, c.lookups
			b.settle()
			if got := b.refunded(x.ID); got.State != c.want {
				t.Errorf("ended as %s, want %s", got.State, c.want)
			}
			if times := b.bank.refunds[x.ID].times; times != c.moved {
				t.Errorf("money went back %d times", times)
			}
			b.agree()
			if c.want == refund.Refused {
				b.wished(wishOf(refund.PayBack, item(o))) // it is left again
			}
		})
	}
}

// Callbacks may come twice, late, and lie.
func TestRefundCallbacks(t *testing.T) {
	b := setup(t)
	o := b.executed(citizenIIN)
	x := b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(o))))
	_, err := b.Confirm(t.Context(), testBIC, b.bank.sealRefund(bankSigner(bankBIN), bank.RefundStatus{
		Type: bank.RefundStatusType, Bank: testBIC, Refund: x.ID, Order: o.ID, Outcome: bank.Executed, Tiyn: x.Tiyn, Currency: money.KZT,
		BankReference: "R", ExecutedAt: b.clock.now().Format(time.RFC3339Nano),
	}))
	wants(t, err, ErrConfirmationUnsent)
	b.bank.refundPays = []string{"timeoutButDone"}
	b.refundsWork()
	for _, c := range []struct {
		change func(*bank.RefundStatus)
		want   *Error
	}{
		{func(s *bank.RefundStatus) { s.Tiyn++ }, ErrConfirmationAmount},
		{func(s *bank.RefundStatus) { s.Order = "ord_other" }, ErrConfirmationConflict},
		{func(s *bank.RefundStatus) { s.Bank = otherBIC }, ErrBankMismatch},
		{func(s *bank.RefundStatus) { s.Refund = "rfd_00" }, ErrRefundUnknown},
		{func(s *bank.RefundStatus) { s.Outcome = bank.Absent }, ErrBankMessageInvalid},
		{func(s *bank.RefundStatus) { s.Type = "refund-status " }, ErrBankMessageInvalid},
		{func(s *bank.RefundStatus) { s.ExecutedAt = "2030-01-01T00:00:00Z" }, ErrConfirmationConflict},
		{func(s *bank.RefundStatus) { s.Currency = "USD" }, ErrBankMessageInvalid},
	} {
		_, err := b.Confirm(t.Context(), testBIC, b.bank.saysRefund(x.ID, c.change))
		wants(t, err, c.want)
	}
	if got := b.refunded(x.ID); got.State != refund.Unknown {
		t.Fatalf("lies moved it to %s", got.State)
	}
	message := b.bank.saysRefund(x.ID, nil)
	for i, want := range []string{Applied, AlreadyApplied} {
		out, err := b.Confirm(t.Context(), testBIC, message)
		if err != nil || out.Result != want || out.Refund != x.ID {
			t.Errorf("%d: %+v, %v", i, out, err)
		}
	}
	b.clock.advance(20 * 24 * time.Hour) // late by days
	_, err = b.Confirm(t.Context(), testBIC, b.bank.saysRefund(x.ID, func(s *bank.RefundStatus) {
		*s = bank.RefundStatus{Type: s.Type, Bank: s.Bank, Refund: s.Refund, Outcome: bank.Refused, Reason: "no"}
	}))
	wants(t, err, ErrConfirmationConflict)
	b.agree()
}

// Four eyes, versions, and who may do what.
func TestRefundPeople(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	x := b.wished(wishOf(refund.PayBack, item(b.executed(citizenIIN))))
	decide := func(person, agency, id string, d RefundDecision) error {
		_, _, err := b.DecideRefund(ctx, b.by(person), agency, id, d)
		return err
	}
	yes := RefundDecision{Action: ActApprove, Version: x.Version}
	wants(t, decide("aru", "", x.ID, yes), ErrFourEyes)
	wants(t, decide("aru", "", x.ID, RefundDecision{Action: ActReject, Version: x.Version, Comment: "no"}), ErrFourEyes)
	wants(t, decide("dana", "", x.ID, RefundDecision{Action: ActWithdraw, Version: x.Version}), ErrRefundAsker)
	wants(t, decide("dana", "", x.ID, RefundDecision{Action: ActApprove, Version: 7}), ErrRefundStale)
	wants(t, decide("dana", "", x.ID, RefundDecision{Action: "burn", Version: 1}), ErrInvalid)
	wants(t, decide("dana", "", x.ID, RefundDecision{Action: ActReject, Version: x.Version}), ErrInvalid)
	wants(t, decide("dana", "agc_other", x.ID, yes), ErrRefundUnknown)
	wants(t, decide("dana", "", "rfd_00", yes), ErrRefundUnknown)
	wants(t, decide("dana", "", "rfb_00", RefundDecision{Action: ActApprove}), ErrRefundUnknown)
	b.must(decide("dana", b.agency.ID, x.ID, yes))
	wants(t, decide("erlan", "", x.ID, RefundDecision{Action: ActReject, Version: x.Version + 1, Comment: "late"}), ErrRefundState)
	wants(t, decide("aru", "", x.ID, RefundDecision{Action: ActWithdraw, Version: x.Version + 1}), ErrRefundState)
	// The database holds it, too, whatever the code does.
	if _, err := b.db.ExecContext(t.Context(), `UPDATE refunds SET decided_by = asked_by`); err == nil {
		t.Error("one person alone is two in the database")
	}
	if _, err := b.db.ExecContext(t.Context(), `UPDATE refund_shares SET taken = amount + 1`); err == nil {
		t.Error("more than was paid can be taken in the database")
	}
	for _, action := range []string{ActReject, ActWithdraw} {
		y := b.wished(wishOf(refund.PayBack, item(b.executed(neighborIIN))))
		y = b.decided(map[string]string{ActReject: "dana", ActWithdraw: "aru"}[action], action, y)
		again := b.wished(wishOf(refund.PayBack, refund.Item{Order: y.Order, Debt: y.Debt, Left: new(int64(licenceTiyn))}))
		if again.Tiyn != licenceTiyn {
			t.Errorf("after %s %d is left", action, again.Tiyn)
		}
	}
	b.settle()
	b.agree()
}

func TestRefundRefuses(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	o := b.executed(citizenIIN)
	unpaid := b.authorised(neighborIIN)
	other := b.fee(neighborIIN)
	with := func(change func(*refund.Item)) refund.Item {
		i := item(o)
		change(&i)
		return i
	}
	for name, c := range map[string]struct {
		agency string
		req    refund.Request
		want   *Error
	}{
		"zero":              {b.agency.ID, wishOf(refund.PayBack, with(func(i *refund.Item) { i.Tiyn = new(int64(0)) })), ErrInvalid},
		"negative":          {b.agency.ID, wishOf(refund.PayBack, with(func(i *refund.Item) { i.Tiyn = new(int64(-1)) })), ErrInvalid},
		"overflowing":       {b.agency.ID, wishOf(refund.PayBack, with(func(i *refund.Item) { i.Tiyn = new(int64(1 << 62)) })), ErrInvalid},
		"more than paid":    {b.agency.ID, wishOf(refund.PayBack, with(func(i *refund.Item) { i.Tiyn = new(int64(licenceTiyn + 1)) })), ErrRefundTooMuch},
		"another left":      {b.agency.ID, wishOf(refund.PayBack, with(func(i *refund.Item) { i.Left = new(int64(1)) })), ErrRefundChanged},
		"not executed":      {b.agency.ID, wishOf(refund.PayBack, item(unpaid)), ErrRefundOfUnpaid},
		"no such order":     {b.agency.ID, wishOf(refund.PayBack, refund.Item{Order: "ord_x", Debt: "dbt_x"}), ErrOrderUnknown},
		"no such debt":      {b.agency.ID, wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: other.ID}), ErrRefundItem},
		"no such transfer":  {b.agency.ID, wishOf(refund.PayBack, with(func(i *refund.Item) { i.Transfer = "trf_00" })), ErrRefundItem},
		"another agency":    {"agc_other", wishOf(refund.PayBack, item(o)), ErrOrderUnknown},
		"no items":          {b.agency.ID, wishOf(refund.PayBack), ErrInvalid},
		"twice":             {b.agency.ID, wishOf(refund.PayBack, item(o), item(o)), ErrInvalid},
		"kind":              {b.agency.ID, wishOf("gift", item(o)), ErrInvalid},
		"no service":        {b.agency.ID, wishOf(refund.WrongKBK, item(o)), ErrInvalid},
		"unknown service":   {b.agency.ID, wishOf(refund.WrongKBK, with(func(i *refund.Item) { i.Service = "svc_x" })), ErrServiceUnknown},
		"same budget code":  {b.agency.ID, wishOf(refund.WrongKBK, with(func(i *refund.Item) { i.Service = b.fine.ID })), ErrRefundItem},
		"target unknown":    {b.agency.ID, wishOf(refund.WrongPayer, with(func(i *refund.Item) { i.Target = "dbt_x" })), ErrDebtUnknown},
		"target reserved":   {b.agency.ID, wishOf(refund.WrongPayer, with(func(i *refund.Item) { i.Target = unpaid.Items[0].Debt })), ErrDebtBeingPaid},
		"target is greater": {b.agency.ID, wishOf(refund.WrongPayer, with(func(i *refund.Item) { i.Target, i.Tiyn = other.ID, new(int64(1)) })), ErrRefundItem},
	} {
		_, _, err := b.RequestRefunds(ctx, b.by("aru"), c.agency, c.req)
		t.Run(name, func(t *testing.T) { wants(t, err, c.want) })
	}
	var n int
	b.must(b.db.Get(&n, `SELECT count(*) FROM refunds`))
	if n != 0 {
		t.Errorf("refusals left %d refunds", n)
	}
}

// Many ask at once for parts of one payment: what they get together is never more than was paid.
func TestRefundRace(t *testing.T) {
	b := setup(t)
	o := b.executed(citizenIIN)
	const people, part = 12, licenceTiyn / 5
	var wait sync.WaitGroup
	var mu sync.Mutex
	var got int64
	for range people {
		wait.Go(func() {
			i := item(o)
			i.Tiyn = new(int64(part))
			out, _, err := b.RequestRefunds(t.Context(), b.by("aru"), b.agency.ID, wishOf(refund.PayBack, i))
			if err != nil {
				wants(t, err, ErrRefundTooMuch)
				return
			}
			x := *out.Results[0].Refund
			_, _, err = b.DecideRefund(t.Context(), b.by("dana"), "", x.ID, RefundDecision{Action: ActApprove, Version: x.Version})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			got += x.Tiyn
			mu.Unlock()
		})
	}
	wait.Wait()
	if got != 5*part {
		t.Errorf("%d tiyn were granted of %d", got, licenceTiyn)
	}
	b.settle()
	b.agree()
}

// A bulk takes what is good, tells the rest by number, and is approved as a whole.
func TestRefundBulk(t *testing.T) {
	b := setup(t)
	one, two, three := b.executed(citizenIIN), b.executed(neighborIIN), b.executed(citizenIIN)
	bad := item(two)
	bad.Tiyn = new(int64(licenceTiyn + 1))
	idem := b.by("aru")
	req := wishOf(refund.PayBack, item(one), bad, item(three))
	out, _, err := b.RequestRefunds(t.Context(), idem, b.agency.ID, req)
	b.must(err)
	if out.Results[0].Refund == nil || out.Results[2].Refund == nil || out.Results[1].Code != ErrRefundTooMuch.Code || out.Results[1].Index != 1 {
		t.Fatalf("bulk %+v", out)
	}
	again, repeated, err := b.RequestRefunds(t.Context(), idem, b.agency.ID, req)
	if err != nil || !repeated || again.ID != out.ID {
		t.Errorf("the repetition made %+v, %v", again, err)
	}
	b.decided("aru", ActWithdraw, *out.Results[2].Refund)
	done, _, err := b.DecideRefund(t.Context(), b.by("dana"), "", out.ID, RefundDecision{Action: ActApprove})
	b.must(err)
	approved, told := 0, 0
	for _, r := range done.Results {
		if r.Code == "" && r.Refund.State == refund.Approved {
			approved++
		}
		if r.Code == ErrRefundState.Code {
			told++
		}
	}
	if approved != 1 || told != 1 {
		t.Errorf("decided %+v", done)
	}
	b.settle()
	b.agree()
}

// Wrong budget code: the money stands under the right one, and can be given back from there.
func TestCorrectionOfKBK(t *testing.T) {
	b := setup(t)
	spec := licenceSpec()
	spec.Code, spec.KBK = "other", "108126"
	right, _, err := b.PublishService(t.Context(), b.idem("p"), b.agency.ID, spec)
	b.must(err)
	o := b.executed(citizenIIN)
	i := item(o)
	i.Service = right.ID
	x := b.decided("dana", ActApprove, b.wished(wishOf(refund.WrongKBK, i)))
	r := b.check()
	from, to := ledger.BeneficiaryDue(b.agency.ID, "108125"), ledger.BeneficiaryDue(b.agency.ID, "108126")
	if x.State != refund.Booked || r.Balances[from] != 0 || r.Balances[to] != -licenceTiyn {
		t.Errorf("booked %+v with %v", x, r.Balances)
	}
	_, _, err = b.RequestRefunds(t.Context(), b.by("aru"), "", wishOf(refund.PayBack, item(o)))
	wants(t, err, ErrRefundTooMuch) // nothing stands under the old code
	var moved string
	b.must(b.db.Get(&moved, `SELECT id FROM transfers WHERE posting_id = $1`, x.Posting))
	b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: o.Items[0].Debt, Transfer: moved})))
	b.settle()
	if r := b.check(); r.Balances[to] != 0 || r.Balances[ledger.BankRefunds(testBIC)] != -licenceTiyn {
		t.Errorf("given back: %v", r.Balances)
	}
	b.agree()
}

// Wrong payer: the other's debt is settled, the payer's own is owed again.
func TestCorrectionOfPayer(t *testing.T) {
	b := setup(t)
	o, meant := b.executed(citizenIIN), b.fee(neighborIIN)
	i := item(o)
	i.Target = meant.ID
	x := b.decided("dana", ActApprove, b.wished(wishOf(refund.WrongPayer, i)))
	settled, err := b.Debt(t.Context(), meant.ID)
	b.must(err)
	again, err := b.Debt(t.Context(), x.Successor)
	b.must(err)
	if settled.State != debt.Recalled || again.State != debt.Open || again.Payer.ID != citizenIIN || x.State != refund.Booked {
		t.Errorf("settled %+v, again %+v", settled, again)
	}
	// The agency's feed of the next night still has it: nobody is to pay it twice.
	fed, _, err := b.SubmitDebts(t.Context(), b.idem("next night"), b.agency.ID, []debt.Item{{Reference: meant.Reference, Payer: meant.Payer, Service: meant.Service}})
	b.must(err)
	if r := fed.Results[0]; r.Outcome != debt.Refused || r.Code != debt.CodePaid {
		t.Errorf("the settled debt was fed again: %+v", r)
	}
	if r := b.check(); r.Balances[ledger.OperatorCorrections] != 0 || r.Balances[ledger.BeneficiaryDue(b.agency.ID, "108125")] != -licenceTiyn {
		t.Errorf("balances %v", r.Balances)
	}
	b.settle()
	b.agree()
}

// A return needs money that a statement has shown and nobody has explained.
func TestReturnFromTheTreasury(t *testing.T) {
	b := setup(t)
	o := b.executed(citizenIIN)
	x := b.wished(wishOf(refund.Returned, item(o)))
	_, _, err := b.DecideRefund(t.Context(), b.by("dana"), "", x.ID, RefundDecision{Action: ActApprove, Version: x.Version})
	wants(t, err, ErrNothingReturned)
	b.suspend(licenceTiyn)
	b.decided("dana", ActApprove, x)
	r := b.check()
	if r.Balances[ledger.BankSuspense(testBIC)] != 0 || r.Balances[ledger.BeneficiaryDue(b.agency.ID, "108125")] != -2*licenceTiyn {
		t.Errorf("balances %v", r.Balances)
	}
	_, _, err = b.RequestRefunds(t.Context(), b.by("aru"), "", wishOf(refund.Returned, item(o)))
	wants(t, err, ErrRefundTooMuch) // it came back once
	b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(o))))
	b.settle()
	b.agree()
}

// suspend lets a statement have shown money that nobody has explained.
func (b *bundle) suspend(amount int64) {
	b.t.Helper()
	tx, err := b.db.BeginTxx(b.t.Context(), nil)
	b.must(err)
	_, err = b.postAll(b.t.Context(), tx, []postingRequest{{
		kind: ledger.Surplus, bucket: bucketOf(testBIC), subject: "line " + b.idem("x").Key, legs: []ledger.Transfer{{
			Debit: ledger.BankCash(testBIC, "KZ1"), Credit: ledger.BankSuspense(testBIC), Amount: money.FromTiyn(amount),
		}},
	}})
	b.must(err)
	b.must(tx.Commit())
}

// Whatever people do with one payment, in whatever order, the ledger holds and nobody gets more than was paid.
func TestRefundProperties(t *testing.T) {
	b := setup(t)
	rapid.Check(t, func(rt *rapid.T) {
		o := b.authorised(citizenIIN)
		b.attempts()
		var open []refund.Refund
		var granted int64
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			if len(open) == 0 || rapid.Bool().Draw(rt, "ask") {
				i := item(o)
				i.Tiyn = new(rapid.Int64Range(1, licenceTiyn).Draw(rt, "amount"))
				out, _, err := b.RequestRefunds(t.Context(), b.by("aru"), b.agency.ID, wishOf(refund.PayBack, i))
				if (err == nil) != (granted+*i.Tiyn <= licenceTiyn) {
					rt.Fatalf("asked for %d with %d granted: %v", *i.Tiyn, granted, err)
				}
				if err == nil {
					granted += *i.Tiyn
					open = append(open, *out.Results[0].Refund)
				}
				continue
			}
			x := open[0]
			open = open[1:]
			action := rapid.SampledFrom([]string{ActApprove, ActReject, ActWithdraw}).Draw(rt, "action")
			person := map[bool]string{true: "aru", false: "dana"}[action == ActWithdraw]
			b.decided(person, action, x)
			if action != ActApprove {
				granted -= x.Tiyn
				continue
			}
			if rapid.Bool().Draw(rt, "refused") {
				b.bank.refundPays = []string{"refuse"}
				granted -= x.Tiyn
			}
			b.refundsWork()
		}
		b.refundsWork()
	})
	b.settle()
	b.agree()
}

// What the bank takes from the account for a refund is an outgoing line of its statement, which is matched by the refund's reference; one
// that the bank has not told about is listed.
func TestRefundIsMatchedInAStatement(t *testing.T) {
	for name, made := range map[string]func(x refund.Refund) line{
		"by the refund's id":       func(x refund.Refund) line { return line{tiyn: -x.Tiyn, ref: x.ID} },
		"by the bank's reference":  func(x refund.Refund) line { return line{tiyn: -x.Tiyn, bank: x.BankReference} },
		"by the id without prefix": func(x refund.Refund) line { return line{tiyn: -x.Tiyn, ref: strings.TrimPrefix(x.ID, prefixRefund)} },
	} {
		b := setup(t)
		b.account()
		x := b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(b.executed(citizenIIN)))))
		b.settle()
		x = b.refunded(x.ID)
		if x.State != refund.Executed || b.balance("bank:"+testBIC+":refunds") != -x.Tiyn {
			t.Fatalf("%s: refund %+v", name, x)
		}
		stray := made(x)
		stray.ref, stray.bank, stray.tiyn = "", "", -1
		report := b.reconcile(sheet{number: 1, day: b.today(), opening: x.Tiyn + 1, lines: []line{made(x), stray}}.camt())
		if s := report.Statements[0]; s.Matched != 1 || s.Rules[0].Amount != -x.Tiyn || s.LedgerBalance+s.Listed != 0 {
			t.Errorf("%s: report %+v", name, s)
		}
		if got := b.balance("bank:" + testBIC + ":refunds"); got != 0 {
			t.Errorf("%s: the bank still has %d to get", name, got)
		}
		if diff := cmp.Diff(map[recon.Kind]int64{recon.Withdrawal: 1}, b.openKinds()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		b.check()
	}
}

// A refund that no statement shows within its term is missing: somebody has not got his money.
func TestRefundMissingInStatements(t *testing.T) {
	b := setup(t)
	b.account()
	x := b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(b.executed(citizenIIN)))))
	b.settle()
	b.clock.at = b.clock.at.AddDate(0, 0, 20)
	b.must(b.expect(t.Context()))
	b.must(b.ageAll(t.Context()))
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Missing: 2}, b.openKinds()); diff != "" { // the payment, too
		t.Error(diff)
	}
	report := b.reconcile(sheet{number: 1, day: b.today(), opening: x.Tiyn, lines: []line{{tiyn: -x.Tiyn, ref: x.ID}}}.camt())
	if s := report.Statements[0]; s.Matched != 1 {
		t.Errorf("report %+v", s)
	}
	if diff := cmp.Diff(map[recon.Kind]int64{recon.Missing: 1}, b.openKinds()); diff != "" {
		t.Error(diff)
	}
}
