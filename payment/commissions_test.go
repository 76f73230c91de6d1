package payment

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/payment/refund"
)

// onePercent is 1 % of what is paid, at least 30 tenge: 54.06 tenge of the licence's 5406.
func onePercent() commission.Spec {
	return commission.Spec{
		Bank: testBIC, Bearer: commission.Payer, Rate: 100, Rounding: money.HalfUpTiyn, Min: 3000, ValidFrom: "2026-01-01", Source: "Договор № 1",
	}
}

const (
	licenceCharged  = 5406
	licenceDebitStr = "5460.06"
)

// inForce puts terms into force by two people.
func (b *bundle) inForce(spec commission.Spec) CommissionTerms {
	b.t.Helper()
	asked, _, err := b.ProposeCommission(b.t.Context(), b.by("aru"), spec)
	b.must(err)
	agreed, _, err := b.DecideCommission(b.t.Context(), b.by("dana"), asked.ID, true)
	b.must(err)
	return agreed
}

// balances are those of a verified ledger.
func (b *bundle) stands(want map[ledger.Account]int64) {
	b.t.Helper()
	got := b.check().Balances
	for account, tiyn := range want {
		if got[account] != tiyn {
			b.t.Errorf("%s stands at %d, want %d", account, got[account], tiyn)
		}
	}
}

func TestCommissionOfThePayer(t *testing.T) {
	b := setup(t)
	terms := b.inForce(onePercent())
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	if o.Tiyn != licenceTiyn || o.Commission != licenceCharged || o.Items[0].Commission != licenceCharged {
		t.Fatalf("the payer sees %+v", o)
	}
	raw, err := b.OrderDocument(t.Context(), o.ID)
	b.must(err)
	doc, err := order.DecodeDocument(raw)
	b.must(err)
	if c := doc.Commission; c == nil || c.Debit != licenceDebitStr || c.Sum != "54.06" || c.Charges[0].Terms != terms.ID || c.Charges[0].Rate != 100 {
		t.Fatalf("the payer signs %s", raw)
	}
	_, _, err = b.Authorise(t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	if got := b.state(o.ID); got != order.Executed {
		t.Fatalf("the order is %s", got)
	}
	for _, p := range b.bank.payments {
		if p.order.Tiyn != licenceTiyn || p.order.Commission != licenceCharged {
			t.Errorf("the bank was told %+v", p.order)
		}
	}
	b.stands(map[ledger.Account]int64{
		ledger.BankDue(testBIC): licenceTiyn, ledger.BankCommission(testBIC): -licenceCharged, ledger.BankCharged(testBIC): licenceCharged,
	})
	r, err := b.Receipt(t.Context(), o.ID)
	b.must(err)
	core, err := receipt.Decode(r.Core)
	b.must(err)
	if core.Tiyn != licenceTiyn || core.Commission == nil || *core.Commission != (receipt.Commission{Tiyn: licenceCharged, Debit: licenceTiyn + licenceCharged}) {
		t.Errorf("the receipt says %+v", core.Commission)
	}
}

// The alone path books as the shared commit does: here the first answer is lost, and the commission is posted once.
func TestCommissionIsPostedOnce(t *testing.T) {
	b := setup(t)
	b.inForce(onePercent())
	b.bank.pays = []string{"timeoutButDone"}
	o := b.authorised(citizenIIN)
	b.settle()
	done, err := b.Order(t.Context(), o.ID)
	b.must(err)
	for range 2 {
		_, err := b.Confirm(t.Context(), testBIC, b.bank.says(done.Attempt, nil))
		b.must(err)
	}
	_, err = b.Confirm(t.Context(), testBIC, b.bank.says(done.Attempt, func(s *bank.Status) { s.Commission = 0 }))
	wants(t, err, ErrConfirmationAmount)
	b.stands(map[ledger.Account]int64{ledger.BankCommission(testBIC): -licenceCharged, ledger.BankCharged(testBIC): licenceCharged})
}

// A bank that took another commission than was signed contradicts itself: nothing is booked, a person decides.
func TestBankTakesAnotherCommission(t *testing.T) {
	for name, spoil := range map[string]func(*bundle) order.Order{
		"more": func(b *bundle) order.Order {
			b.inForce(onePercent())
			return b.authorised(citizenIIN)
		},
		"any where none was agreed": func(b *bundle) order.Order { return b.authorised(citizenIIN) },
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.bank.pays, b.bank.lookups = []string{"wrongCommission"}, []string{"wrongCommission", "wrongCommission"}
			o := spoil(b)
			b.attempts()
			b.clock.advance(time.Minute)
			b.attempts()
			if got := b.state(o.ID); got != order.Unknown {
				t.Fatalf("the order is %s", got)
			}
			b.stands(map[ledger.Account]int64{ledger.BankCharged(testBIC): 0, ledger.BankDue(testBIC): 0})
			b.settle() // the bank puts it right
			if got := b.state(o.ID); got != order.Executed {
				t.Errorf("the order is %s", got)
			}
		})
	}
}

// Terms that come into force between the showing and the signature are not sprung on the payer, and those that lapse are not taken.
func TestTermsChangeUnderThePayersHands(t *testing.T) {
	b := setup(t)
	free := b.ordered(citizenIIN, b.fee(citizenIIN))
	signature := b.signed(free, citizen(citizenIIN))
	spec := onePercent()
	spec.ValidTo = "2026-03-01"
	b.inForce(spec)
	_, _, err := b.Authorise(t.Context(), b.idem("sign"), free.ID, signature)
	wants(t, err, ErrCommissionChanged)
	charged := b.ordered(citizenIIN, b.fee(citizenIIN))
	signature = b.signed(charged, citizen(citizenIIN))
	cheaper := onePercent()
	cheaper.ValidFrom, cheaper.Rate = "2026-03-02", 50
	b.inForce(cheaper)
	b.clock.at = time.Date(2026, 3, 1, 18, 55, 0, 0, time.UTC) // five minutes before the midnight of Almaty
	late := b.ordered(neighborIIN, b.fee(neighborIIN))
	lateSignature := b.signed(late, citizen(neighborIIN))
	b.clock.advance(10 * time.Minute)
	_, _, err = b.Authorise(t.Context(), b.idem("late"), late.ID, lateSignature)
	wants(t, err, ErrCommissionChanged)
	again := b.ordered(neighborIIN, b.fee(neighborIIN))
	if again.Commission != 3000 { // half a percent is less than the least
		t.Errorf("the new order takes %d", again.Commission)
	}
	_ = signature
	b.check()
}

// A prohibition wins over terms, and terms that it leaves no room for are refused.
func TestCommissionIsForbidden(t *testing.T) {
	b := setup(t)
	b.inForce(onePercent())
	ban := commission.Spec{Bearer: commission.Nobody, KBK: "108", ValidFrom: "2026-03-01", Source: "Заң"}
	b.inForce(ban)
	if o := b.ordered(citizenIIN, b.fee(citizenIIN)); o.Commission != 0 {
		t.Errorf("a forbidden commission of %d", o.Commission)
	}
	own := onePercent()
	own.Service = b.licence.ID
	_, _, err := b.ProposeCommission(t.Context(), b.by("aru"), own)
	wants(t, err, ErrCommissionForbidden)
}

func TestCommissionTermsNeedTwoPeople(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	asked, _, err := b.ProposeCommission(ctx, b.by("aru"), onePercent())
	b.must(err)
	if o := b.ordered(citizenIIN, b.fee(citizenIIN)); o.Commission != 0 {
		t.Errorf("terms that nobody agreed to take %d", o.Commission)
	}
	_, _, err = b.DecideCommission(ctx, b.by("aru"), asked.ID, true)
	wants(t, err, ErrFourEyes)
	_, _, err = b.DecideCommission(ctx, b.by("dana"), "cmt_x", true)
	wants(t, err, ErrCommissionUnknown)
	twin, _, err := b.ProposeCommission(ctx, b.by("aru"), onePercent())
	b.must(err)
	_, _, err = b.DecideCommission(ctx, b.by("dana"), asked.ID, true)
	b.must(err)
	_, _, err = b.DecideCommission(ctx, b.by("dana"), asked.ID, false)
	wants(t, err, ErrCommissionDecided)
	_, _, err = b.DecideCommission(ctx, b.by("dana"), twin.ID, true)
	wants(t, err, ErrCommissionOverlap)
	_, _, err = b.DecideCommission(ctx, b.by("aru"), twin.ID, false) // whoever asked may take it back
	b.must(err)
	for name, c := range map[string]struct {
		change func(*commission.Spec)
		want   *Error
	}{
		"overlap":         {func(*commission.Spec) {}, ErrCommissionOverlap},
		"unknown bank":    {func(s *commission.Spec) { s.Bank = "HSBKKZKX" }, ErrBankUnknown},
		"unknown agency":  {func(s *commission.Spec) { s.Agency = "agc_x" }, ErrAgencyUnknown},
		"unknown service": {func(s *commission.Spec) { s.Service = "svc_x" }, ErrServiceUnknown},
		"negative":        {func(s *commission.Spec) { s.Fixed = -1 }, ErrInvalid},
		"over 100 %":      {func(s *commission.Spec) { s.Rate = 10_001 }, ErrInvalid},
	} {
		spec := onePercent()
		c.change(&spec)
		_, _, err := b.ProposeCommission(ctx, b.by("aru"), spec)
		if code := codeOf(err); code != string(c.want.Code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := b.Commissions(ctx, testBIC)
	b.must(err)
	live, err := b.CommissionsInForce(ctx, testBIC)
	b.must(err)
	if len(list) != 2 || len(live) != 1 || live[0].ID != asked.ID {
		t.Errorf("listed %+v and %+v", list, live)
	}
}

// Debts of two agencies' budget codes, under terms of the payer and of an agency: one debit, a receipt each, no tiyn lost.
func TestCommissionOverAllocations(t *testing.T) {
	b := setup(t)
	b.inForce(onePercent())
	second, _, err := b.RegisterAgency(t.Context(), b.idem("second"), catalog.AgencySpec{
		BIN: otherBIN, Names: catalog.Names{KK: "Әділет", RU: "Юстиция", EN: "Justice"},
	})
	b.must(err)
	spec := licenceSpec()
	spec.Code, spec.KBK = "marriage", "108126"
	wedding, _, err := b.PublishService(t.Context(), b.idem("wedding"), second.ID, spec)
	b.must(err)
	borne := commission.Spec{Bank: testBIC, Agency: second.ID, Bearer: commission.Agency, Fixed: 777, GivenBack: commission.Always, ValidFrom: "2026-01-01", Source: "x"}
	b.inForce(borne)
	out, _, err := b.SubmitDebts(t.Context(), b.idem("w"), second.ID, []debt.Item{{Reference: "W-1", Payer: debt.Payer{ID: citizenIIN, Name: "ИМАНОВ ӘЛИ"}, Service: wedding.ID}})
	b.must(err)
	other, err := b.Debt(t.Context(), out.Results[0].Debt)
	b.must(err)
	o := b.ordered(citizenIIN, b.fee(citizenIIN), b.fee(citizenIIN), other)
	if o.Commission != 2*licenceCharged {
		t.Fatalf("the payer pays %d on top", o.Commission)
	}
	_, _, err = b.Authorise(t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	b.stands(map[ledger.Account]int64{
		ledger.BankCommission(testBIC): -2*licenceCharged - 777, ledger.BankCharged(testBIC): 2 * licenceCharged,
		ledger.AgencyCommission(second.ID, testBIC): 777, ledger.BankDue(testBIC): 3 * licenceTiyn,
	})
	done, err := b.Order(t.Context(), o.ID)
	b.must(err)
	sum := int64(0)
	for _, part := range done.Allocations {
		r, err := b.Receipt(t.Context(), part.Receipt)
		b.must(err)
		core, err := receipt.Decode(r.Core)
		b.must(err)
		if core.Commission != nil {
			sum += core.Commission.Tiyn
		}
	}
	if sum != done.Commission || len(done.Allocations) != 2 {
		t.Errorf("receipts say %d of %d", sum, done.Commission)
	}
	for _, item := range done.Items {
		if item.Debt != other.ID {
			continue
		}
		// What the agency bore is given back by its terms, without a fault.
		asked, _, err := b.RequestRefunds(t.Context(), b.by("aru"), second.ID, wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: item.Debt}))
		b.must(err)
		x := b.decided("dana", ActApprove, *asked.Results[0].Refund)
		b.settle()
		if got := b.refunded(x.ID); got.State != refund.Executed || got.AgencyCommission != 777 || got.Commission != 0 {
			t.Errorf("the refund is %+v", got)
		}
	}
	b.stands(map[ledger.Account]int64{ledger.AgencyCommission(second.ID, testBIC): 0, ledger.BankCommission(testBIC): -2 * licenceCharged})
}

// A refund gives the commission back only when the terms say so, for a fault, and for the whole payment.
func TestRefundOfCommission(t *testing.T) {
	half := int64(licenceTiyn / 2)
	for name, c := range map[string]struct {
		rule  commission.GivenBack
		fault bool
		part  *int64
		back  int64
	}{
		"a fault":            {commission.OnFault, true, nil, licenceCharged},
		"no fault":           {commission.OnFault, false, nil, 0},
		"never":              {commission.Never, true, nil, 0},
		"always":             {commission.Always, false, nil, licenceCharged},
		"a part of the debt": {commission.Always, true, &half, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			spec := onePercent()
			spec.GivenBack = c.rule
			b.inForce(spec)
			o := b.executed(citizenIIN)
			wish := wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: o.Items[0].Debt, Tiyn: c.part})
			wish.Fault = c.fault
			b.bank.refundPays = []string{"wrongCommission"}
			x := b.decided("dana", ActApprove, b.wished(wish))
			if x.Commission != c.back {
				t.Errorf("%d is given back, want %d", x.Commission, c.back)
			}
			b.refundsWork()
			if got := b.refunded(x.ID); got.State != refund.Unknown {
				t.Errorf("a bank that gives back another commission is believed: %s", got.State)
			}
			b.settle()
			if got := b.refunded(x.ID); got.State != refund.Executed {
				t.Errorf("the refund is %s", got.State)
			}
			b.stands(map[ledger.Account]int64{
				ledger.BankCommission(testBIC): c.back - licenceCharged, ledger.BankCharged(testBIC): licenceCharged - c.back,
			})
		})
	}
}

// Whoever alters what was charged is found by the verification.
func TestVerifyFindsCommissions(t *testing.T) {
	b := setup(t)
	b.inForce(onePercent())
	o := b.executed(citizenIIN)
	for name, statement := range map[string]string{
		"the order's":    `UPDATE orders SET commission = commission + 1 WHERE id = $1`,
		"the items'":     `UPDATE order_items SET commission = commission + 1 WHERE order_id = $1`,
		"the agency's":   `UPDATE order_items SET agency_commission = 1 WHERE order_id = $1`,
		"the posting is": `UPDATE postings SET subject = 'ord_x' WHERE subject = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			undo := map[string]string{
				"the order's":    `UPDATE orders SET commission = commission - 1 WHERE id = $1`,
				"the items'":     `UPDATE order_items SET commission = commission - 1 WHERE order_id = $1`,
				"the agency's":   `UPDATE order_items SET agency_commission = 0 WHERE order_id = $1`,
				"the posting is": `UPDATE postings SET subject = $1 WHERE subject = 'ord_x'`,
			}[name]
			_, err := b.db.ExecContext(t.Context(), statement, o.ID)
			b.must(err)
			report, err := b.VerifyLedger(t.Context())
			b.must(err)
			if !strings.Contains(strings.Join(report.Problems, "\n"), "commission") {
				t.Errorf("not found: %v", report.Problems)
			}
			_, err = b.db.ExecContext(t.Context(), undo, o.ID)
			b.must(err)
		})
	}
	b.check()
}

// Without terms nothing of commissions stands in what is signed, sent or sealed: such documents are byte for byte what they were.
func TestNoCommissionNoWord(t *testing.T) {
	b := setup(t)
	o := b.executed(citizenIIN)
	document, err := b.OrderDocument(t.Context(), o.ID)
	b.must(err)
	r, err := b.Receipt(t.Context(), o.ID)
	b.must(err)
	view, err := json.Marshal(o)
	b.must(err)
	var sent []byte
	b.must(b.db.GetContext(t.Context(), &sent, `SELECT message FROM attempts WHERE order_id = $1`, o.ID))
	for name, raw := range map[string][]byte{"document": document, "receipt": r.Core, "order": view, "message": sent} {
		if strings.Contains(string(raw), "commission") {
			t.Errorf("%s: %s", name, raw)
		}
	}
}

// A bank that pays for its own client shows him the commission, and is held to what it showed.
func TestCommissionOfBanksOwnClient(t *testing.T) {
	b := setup(t)
	b.inForce(onePercent())
	d := b.fee(citizenIIN)
	offered, err := b.check1(nil)
	b.must(err)
	if len(offered) != 1 || offered[0].Commission != licenceCharged {
		t.Fatalf("offered %+v", offered)
	}
	for name, commission := range map[string]int64{"none": 0, "more": licenceCharged + 1} {
		_, err := b.began(b.initiation(name, func(i *bank.Initiation) { i.Commission = commission }, d))
		wants(t, err, ErrCommissionChanged)
	}
	_, err = b.began(b.initiation("negative", func(i *bank.Initiation) { i.Commission = -1 }, d))
	wants(t, err, ErrBankMessageInvalid)
	o, err := b.began(b.initiation("right", func(i *bank.Initiation) { i.Commission = licenceCharged }, d))
	b.must(err)
	if o.Commission != licenceCharged {
		t.Errorf("the bank is told to take %d", o.Commission)
	}
	b.bank.ends(o.Attempt, bank.Executed)
	_, err = b.Confirm(t.Context(), testBIC, b.bank.says(o.Attempt, nil))
	b.must(err)
	b.stands(map[ledger.Account]int64{ledger.BankCommission(testBIC): -licenceCharged, ledger.BankDue(testBIC): licenceTiyn})
}

// A bank that takes files gets the commission with the payment, and its report about the payment stands for both.
func TestCommissionByFile(t *testing.T) {
	b := setup(t)
	spec := onePercent()
	spec.Bank = otherBIC
	b.inForce(spec)
	_, _, err := b.RegisterBank(t.Context(), b.idem("files"), catalog.BankSpec{
		BIC: otherBIC, BIN: otherBIN, Name: "Банк", URL: "http://bank.invalid/b", Files: "http://bank.invalid/files",
	})
	b.must(err)
	o := b.orderedAt(otherBIC, citizenIIN, b.fee(citizenIIN))
	_, _, err = b.Authorise(t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	if got := b.state(o.ID); got != order.Executed {
		t.Fatalf("the order is %s", got)
	}
	b.stands(map[ledger.Account]int64{ledger.BankCommission(otherBIC): -licenceCharged, ledger.BankCharged(otherBIC): licenceCharged})
}
