package payment

import (
	"errors"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

func TestAuthoriseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		sign func(*bundle, order.Order) []byte
		want *Error
	}{
		"somebody else": {func(b *bundle, o order.Order) []byte { return b.signed(o, citizen(neighborIIN)) }, ErrSignerNotPayer},
		"by employer's key": {func(b *bundle, o order.Order) []byte {
			return b.signed(o, Signer{IIN: citizenIIN, BIN: companyBIN, Kind: "organisation", Roles: []string{"head"}})
		}, ErrSignerNoAuthority},
		"an information system": {func(b *bundle, o order.Order) []byte { return b.signed(o, bankSigner(citizenIIN)) }, ErrSignerNoAuthority},
		"over another order": {func(b *bundle, o order.Order) []byte {
			return b.signed(b.ordered(citizenIIN, b.fee(citizenIIN)), citizen(citizenIIN))
		}, ErrSignatureInvalid},
		"attached to another document": {func(b *bundle, o order.Order) []byte {
			return b.notary.sign(citizen(citizenIIN), []byte(`{"type":"payment-authorisation"}`), false)
		}, ErrSignatureContent},
		"changed after signing": {func(b *bundle, o order.Order) []byte {
			raw := b.signed(o, citizen(neighborIIN))
			return []byte(replaceOnce(string(raw), neighborIIN, citizenIIN))
		}, ErrSignatureInvalid},
		"no CMS": {func(*bundle, order.Order) []byte { return []byte("hello") }, ErrSignatureInvalid},
		"empty":  {func(*bundle, order.Order) []byte { return nil }, ErrInvalid},
		"huge":   {func(*bundle, order.Order) []byte { return make([]byte, signatureMax+1) }, ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			o := b.ordered(citizenIIN, b.fee(citizenIIN))
			_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, c.sign(b, o))
			wants(t, err, c.want)
			if got := b.state(o.ID); got != order.Created {
				t.Errorf("order is %s", got)
			}
			d, err := b.Debt(t.Context(), o.Items[0].Debt)
			if err != nil || d.State != debt.Open {
				t.Errorf("debt is %s (%v)", d.State, err)
			}
			// The right signature still goes through.
			_, _, err = b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
			b.must(err)
			b.check()
		})
	}
}

func replaceOnce(text, old, fresh string) string {
	for i := 0; i+len(old) <= len(text); i++ {
		if text[i:i+len(old)] == old {
			return text[:i] + fresh + text[i+len(old):]
		}
	}
	return text
}

func TestAuthoriseAttachedSignature(t *testing.T) {
	b := setup(t)
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	document, err := b.OrderDocument(t.Context(), o.ID)
	b.must(err)
	_, _, err = b.Authorise(t.Context(), b.idem("s"), o.ID, b.notary.sign(citizen(citizenIIN), document, false))
	b.must(err)
}

// A company pays by its head, right of signature or financial signature, and by nobody else (R26, R28).
func TestAuthoriseForCompany(t *testing.T) {
	b := setup(t)
	for role, want := range map[string]*Error{
		"head": nil, "right_of_signature": nil, "right_of_financial_signature": nil, "employee": ErrSignerNoAuthority, "human_resources": ErrSignerNoAuthority,
	} {
		o := b.ordered(companyBIN, b.fee(companyBIN))
		signer := Signer{IIN: citizenIIN, BIN: companyBIN, Kind: "organisation", Roles: []string{"legal_entity", role}}
		_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, signer))
		if (want == nil) != (err == nil) || (want != nil && !errors.Is(err, want)) {
			t.Errorf("%s: got %v", role, err)
		}
	}
	b.settle()
	if r := b.check(); r.Leaves != 3 {
		t.Errorf("%d payments", r.Leaves)
	}
}

// The verifier cannot decide now: nothing is kept, and the same key works later.
func TestAuthoriseVerifierUnavailable(t *testing.T) {
	b := setup(t)
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	idem := b.idem("s")
	b.notary.fail("verify", 1)
	_, _, err := b.Authorise(t.Context(), idem, o.ID, b.signed(o, citizen(citizenIIN)))
	wants(t, err, ErrVerifierUnavailable)
	_, replayed, err := b.Authorise(t.Context(), idem, o.ID, b.signed(o, citizen(citizenIIN)))
	if err != nil || replayed {
		t.Errorf("second try: %v", err)
	}
}

// What the agency did to the debt between the order and the signature.
func TestDebtChangedUnderTheHands(t *testing.T) {
	amend := func(b *bundle, d debt.Debt, amount int64) error {
		_, _, err := b.SubmitDebts(b.t.Context(), b.idem("x"), b.agency.ID, []debt.Item{
			{Reference: d.Reference, Payer: d.Payer, Service: b.fine.ID, Tiyn: &amount},
		})
		return err
	}
	for name, c := range map[string]struct {
		change func(*bundle, debt.Debt) error
		want   *Error
	}{
		"amended": {func(b *bundle, d debt.Debt) error { return amend(b, d, 100) }, ErrDebtChanged},
		"recalled": {func(b *bundle, d debt.Debt) error {
			_, _, err := b.RecallDebt(b.t.Context(), b.idem("r"), b.agency.ID, d.ID, "error")
			return err
		}, ErrDebtRecalled},
		"recalled and stated again": {func(b *bundle, d debt.Debt) error {
			if _, _, err := b.RecallDebt(b.t.Context(), b.idem("r"), b.agency.ID, d.ID, "error"); err != nil {
				return err
			}
			return amend(b, d, 100)
		}, ErrDebtChanged},
		"being paid by another order": {func(b *bundle, d debt.Debt) error {
			o := b.ordered(citizenIIN, d)
			_, _, err := b.Authorise(b.t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
			return err
		}, ErrDebtBeingPaid},
		"paid by another order": {func(b *bundle, d debt.Debt) error {
			o := b.ordered(citizenIIN, d)
			_, _, err := b.Authorise(b.t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
			b.attempts()
			return err
		}, ErrDebtPaid},
		"order expired": {func(b *bundle, _ debt.Debt) error { b.clock.advance(15 * time.Minute); return nil }, ErrOrderExpired},
		"order expired and swept": {func(b *bundle, _ debt.Debt) error {
			b.clock.advance(16 * time.Minute)
			_, err := b.expireOrders(b.t.Context(), 10)
			return err
		}, ErrOrderExpired},
		"bank paused": {func(b *bundle, _ debt.Debt) error {
			_, _, err := b.RegisterBank(b.t.Context(), b.idem("p"), catalog.BankSpec{BIC: testBIC, BIN: bankBIN, Name: "Банк", URL: "http://bank.invalid", Paused: true})
			return err
		}, ErrBankPaused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			d := b.fee(citizenIIN)
			o := b.ordered(citizenIIN, d)
			b.must(c.change(b, d))
			_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
			wants(t, err, c.want)
			b.settle()
			b.agree()
		})
	}
}

// The agency cannot touch a debt that is being paid, and after it was paid neither.
func TestDebtHeldWhilePaid(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	b.bank.pays = []string{"timeoutButDone"}
	o := b.authorised(citizenIIN)
	d, err := b.Debt(ctx, o.Items[0].Debt)
	b.must(err)
	try := func(recall *Error, code string) {
		t.Helper()
		_, _, err := b.RecallDebt(ctx, b.idem("r"), b.agency.ID, d.ID, "error")
		wants(t, err, recall)
		amount := int64(100)
		out, _, err := b.SubmitDebts(ctx, b.idem("x"), b.agency.ID, []debt.Item{{Reference: d.Reference, Payer: d.Payer, Service: b.fine.ID, Tiyn: &amount}})
		b.must(err)
		if r := out.Results[0]; r.Outcome != debt.Refused || r.Code != code || r.Debt != d.ID {
			t.Errorf("amended: %+v", r)
		}
	}
	try(ErrDebtBeingPaid, debt.CodeBeingPaid)
	b.attempts()
	try(ErrDebtBeingPaid, debt.CodeBeingPaid)
	b.settle()
	try(ErrDebtPaid, debt.CodePaid)
	b.agree()
}

// Many orders for one debt are signed at the same moment: one is paid.
func TestRaceForOneDebt(t *testing.T) {
	b := setup(t)
	d := b.fee(citizenIIN)
	const racers = 8
	var orders []order.Order
	for range racers {
		orders = append(orders, b.ordered(citizenIIN, d))
	}
	errs := make([]error, racers)
	var wait sync.WaitGroup
	for i, o := range orders {
		idem, signature := b.idem("s"), b.signed(o, citizen(citizenIIN))
		wait.Go(func() { _, _, errs[i] = b.Authorise(t.Context(), idem, o.ID, signature) })
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wants(t, err, ErrDebtBeingPaid)
		}
	}
	if won != 1 {
		t.Errorf("%d orders won", won)
	}
	b.settle()
	if r := b.check(); r.Transfers != 1 {
		t.Errorf("%d transfers", r.Transfers)
	}
	b.agree()
}

func TestCreateOrderRefuses(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	d, foreign := b.fee(citizenIIN), b.fee(neighborIIN)
	recalled, reserved := b.fee(citizenIIN), b.fee(citizenIIN)
	_, _, err := b.RecallDebt(ctx, b.idem("r"), b.agency.ID, recalled.ID, "error")
	b.must(err)
	held := b.ordered(citizenIIN, reserved)
	_, _, err = b.Authorise(ctx, b.idem("s"), held.ID, b.signed(held, citizen(citizenIIN)))
	b.must(err)
	unknown := d.ID[:len(d.ID)-4] + "0000"
	many := make([]string, orderDebtsMax+1)
	for i := range many {
		many[i] = d.ID
	}
	for name, c := range map[string]struct {
		req  order.Request
		want *Error
	}{
		"payer":           {order.Request{Payer: "900101300018", Debts: []string{d.ID}, Bank: testBIC}, ErrPayerIDInvalid},
		"no debts":        {order.Request{Payer: citizenIIN, Bank: testBIC}, ErrInvalid},
		"too many":        {order.Request{Payer: citizenIIN, Debts: many, Bank: testBIC}, ErrInvalid},
		"twice":           {order.Request{Payer: citizenIIN, Debts: []string{d.ID, d.ID}, Bank: testBIC}, ErrInvalid},
		"unknown debt":    {order.Request{Payer: citizenIIN, Debts: []string{unknown}, Bank: testBIC}, ErrDebtUnknown},
		"not an id":       {order.Request{Payer: citizenIIN, Debts: []string{"1; DROP TABLE debts"}, Bank: testBIC}, ErrDebtUnknown},
		"somebody else's": {order.Request{Payer: citizenIIN, Debts: []string{foreign.ID}, Bank: testBIC}, ErrDebtOfOther},
		"recalled":        {order.Request{Payer: citizenIIN, Debts: []string{recalled.ID}, Bank: testBIC}, ErrDebtRecalled},
		"being paid":      {order.Request{Payer: citizenIIN, Debts: []string{d.ID, reserved.ID}, Bank: testBIC}, ErrDebtBeingPaid},
		"bank":            {order.Request{Payer: citizenIIN, Debts: []string{d.ID}, Bank: "HSBKKZKX"}, ErrBankUnknown},
		"no bank":         {order.Request{Payer: citizenIIN, Debts: []string{d.ID}}, ErrBankUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := b.CreateOrder(t.Context(), b.idem("o"), c.req)
			wants(t, err, c.want)
		})
	}
	_, _, err = b.RegisterBank(ctx, b.idem("p"), catalog.BankSpec{BIC: otherBIC, BIN: otherBIN, Name: "Банк", URL: "http://bank.invalid", Paused: true})
	b.must(err)
	_, _, err = b.CreateOrder(ctx, b.idem("o"), order.Request{Payer: citizenIIN, Debts: []string{d.ID}, Bank: otherBIC})
	wants(t, err, ErrBankPaused)
}

func TestCancelAndExpire(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	out, _, err := b.CancelOrder(ctx, b.idem("c"), o.ID)
	if err != nil || out.State != order.Cancelled {
		t.Errorf("cancel: %+v %v", out, err)
	}
	_, _, err = b.CancelOrder(ctx, b.idem("c"), o.ID)
	wants(t, err, ErrOrderFinished)
	_, _, err = b.Authorise(ctx, b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
	wants(t, err, ErrOrderFinished)

	late := b.ordered(citizenIIN, b.fee(citizenIIN))
	b.clock.advance(15*time.Minute - time.Microsecond)
	if got := b.state(late.ID); got != order.Created {
		t.Errorf("a moment before its end the order is %s", got)
	}
	b.clock.advance(time.Microsecond)
	if got := b.state(late.ID); got != order.Expired {
		t.Errorf("at its end the order is %s", got)
	}
	_, _, err = b.CancelOrder(ctx, b.idem("c"), late.ID)
	wants(t, err, ErrOrderExpired)
	if n, err := b.expireOrders(ctx, 10); err != nil || n != 1 {
		t.Errorf("%d expired: %v", n, err)
	}
	events, err := b.OrderEvents(ctx, late.ID)
	if err != nil || events[len(events)-1].To != order.Expired {
		t.Errorf("events %+v %v", events, err)
	}
	running := b.authorised(citizenIIN)
	_, _, err = b.CancelOrder(ctx, b.idem("c"), running.ID)
	wants(t, err, ErrOrderFinished)
	_, _, err = b.CancelOrder(ctx, b.idem("c"), "ord_nothing")
	wants(t, err, ErrOrderUnknown)
	b.settle()
	b.agree()
}

func TestUnknownIDs(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	for _, id := range []string{"", "x", "ord_", "ORD_00", "ord_zz" + "00000000000000000000000000000000", "ord_00" + "00000000000000000000000000000000"} {
		_, err := b.Order(ctx, id)
		wants(t, err, ErrOrderUnknown)
		_, err = b.OrderDocument(ctx, id)
		wants(t, err, ErrOrderUnknown)
		_, err = b.OrderEvents(ctx, id)
		wants(t, err, ErrOrderUnknown)
		_, err = b.Deliveries(ctx, id)
		wants(t, err, ErrOrderUnknown)
		_, err = b.Receipt(ctx, id)
		wants(t, err, ErrReceiptUnknown)
		_, err = b.ReceiptByCode(ctx, id)
		wants(t, err, ErrReceiptUnknown)
		_, err = b.ReceiptCMS(ctx, id)
		wants(t, err, ErrReceiptUnknown)
		_, _, err = b.ReceiptPDF(ctx, id)
		wants(t, err, ErrReceiptUnknown)
		_, err = b.Debt(ctx, id)
		wants(t, err, ErrDebtUnknown)
		_, err = b.Proof(ctx, id)
		wants(t, err, ErrTransferUnknown)
		_, err = b.Service.Service(ctx, id)
		wants(t, err, ErrServiceUnknown)
		_, err = b.Agency(ctx, id)
		wants(t, err, ErrAgencyUnknown)
	}
}
