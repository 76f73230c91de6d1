package payment

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/payment/recon"
)

// court is a second agency with a fee of another beneficiary and budget code.
func (b *bundle) court() (catalog.Agency, catalog.Service) {
	b.t.Helper()
	agency, _, err := b.RegisterAgency(b.t.Context(), b.idem("court"), catalog.AgencySpec{
		BIN: companyBIN, Names: catalog.Names{KK: "Сот", RU: "Суд", EN: "Court"}, WebhookURL: b.hookURL,
	})
	b.must(err)
	spec := licenceSpec()
	spec.Code, spec.KBK, spec.Beneficiary.BIN = "claim", "108126", companyBIN
	spec.Tariffs = []catalog.Tariff{{ValidFrom: "2024-01-01", Kind: catalog.Stated}}
	service, _, err := b.PublishService(b.t.Context(), b.idem("claim"), agency.ID, spec)
	b.must(err)
	return agency, service
}

// owes loads a debt of the citizen, of a stated amount.
func (b *bundle) owes(agency string, service catalog.Service, reference string, tiyn int64) debt.Debt {
	b.t.Helper()
	out, _, err := b.SubmitDebts(b.t.Context(), b.idem(reference), agency, []debt.Item{
		{Reference: reference, Payer: debt.Payer{ID: citizenIIN, Name: "ИМАНОВ ӘЛИ"}, Service: service.ID, Tiyn: &tiyn},
	})
	b.must(err)
	d, err := b.Debt(b.t.Context(), out.Results[0].Debt)
	b.must(err)
	return d
}

// One order, three debts of two agencies: the payer signs and the bank debits once; each agency has a leaf, a receipt, an
// expectation and webhooks of its own part, and finds nothing of the other's in them.
func TestPaySeveralAgencies(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	court, claim := b.court()
	fee, claimed, fine := b.fee(citizenIIN), b.owes(court.ID, claim, "CLAIM-1", 777700), b.owes(b.agency.ID, b.fine, "FINE-1", 100)
	o := b.ordered(citizenIIN, fee, claimed, fine)
	if len(o.Allocations) != 2 || o.Tiyn != fee.Tiyn+777700+100 {
		t.Fatalf("order %+v", o)
	}
	out, _, err := b.Authorise(ctx, b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	report := b.check()
	if report.Leaves != 2 || report.Transfers != 3 || report.Receipts != 2 || len(b.hook.bodies) != 3 {
		t.Errorf("report %+v, %d webhooks", report, len(b.hook.bodies))
	}
	b.agree()
	sent := b.bank.payments[out.Attempt].order
	if sent.Beneficiary != nil || len(sent.Allocations) != 2 || sent.Tiyn != o.Tiyn {
		t.Fatalf("the bank got %+v", sent)
	}
	checkInstructions(t, b, sent, map[string]int64{"108125": fee.Tiyn + 100, "108126": 777700})
	o, err = b.Order(ctx, o.ID)
	b.must(err)
	checkParts(t, b, o, map[string][]string{b.agency.ID: {fee.ID, fine.ID}, court.ID: {claimed.ID}})
	for _, d := range []debt.Debt{fee, claimed, fine} {
		fact, err := b.PaymentFact(ctx, d.Agency, d.ID)
		b.must(err)
		own, _, _ := o.OfAgency(d.Agency)
		if !fact.Paid || fact.Tiyn != d.Tiyn || fact.Receipt != own.Receipt {
			t.Errorf("fact %+v, receipt %s", fact, own.Receipt)
		}
	}
}

func checkInstructions(t *testing.T, b *bundle, sent bank.Order, want map[string]int64) {
	t.Helper()
	b.must(b.expect(t.Context()))
	for _, a := range sent.Allocations {
		if want[a.Beneficiary.KBK] != a.Tiyn || !recon.Ours([]byte(a.Reference)) {
			t.Errorf("instruction %+v", a)
		}
		var found []int64
		b.must(b.db.Select(&found, `SELECT amount FROM expectations WHERE reference = $1 AND kbk = $2`, a.Reference, a.Beneficiary.KBK))
		if !slices.Equal(found, []int64{a.Tiyn}) {
			t.Errorf("expected %v under %s", found, a.Reference)
		}
	}
	payments, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, BankPayments{Bank: testBIC, From: "2026-01-01", To: "2026-12-31"})
	b.must(err)
	sums := map[string]int64{}
	for _, p := range payments {
		sums[p.KBK] += p.Amount.Tiyn
		if !slices.ContainsFunc(sent.Allocations, func(a bank.Allocation) bool { return a.Reference == p.ID && a.Beneficiary.KBK == p.KBK }) {
			t.Errorf("the register names %s", p.ID)
		}
	}
	if len(payments) != 3 || sums["108125"] != want["108125"] || sums["108126"] != want["108126"] {
		t.Errorf("%d payments in the register, %v", len(payments), sums)
	}
}

func checkParts(t *testing.T, b *bundle, o order.Order, want map[string][]string) {
	t.Helper()
	byReceipt := map[string]string{} // agency by receipt
	for _, a := range o.Allocations {
		r, err := b.Receipt(t.Context(), a.Receipt)
		b.must(err)
		core, _, err := receipt.Verify(r.Core, b.noteKeys)
		b.must(err)
		if core.Amount != a.Amount || core.Journal.Leaf == "" {
			t.Errorf("receipt %+v of part %+v", core, a)
		}
		for _, item := range core.Items {
			if item.Agency != a.Agency || !slices.Contains(want[a.Agency], item.Debt) {
				t.Errorf("the receipt of %s shows %s of %s", a.Agency, item.Debt, item.Agency)
			}
		}
		byReceipt[r.ID] = a.Agency
	}
	for _, body := range b.hook.bodies {
		var w webhook
		b.must(json.Unmarshal(body, &w))
		agency := byReceipt[w.Data.ReceiptID]
		if agency == "" || !slices.Contains(want[agency], w.Data.Debt) {
			t.Errorf("webhook %+v", w.Data)
		}
		cms, err := base64.StdEncoding.DecodeString(w.Data.ReceiptCMS)
		b.must(err)
		// Nothing that is another agency's stands anywhere in what was sent, proof and leaf included.
		whole := string(body) + string(cms)
		if found, err := b.notary.Verify(t.Context(), cms, nil); err == nil {
			whole += string(found.Content)
		}
		for other, debts := range want {
			if other == agency {
				continue
			}
			for _, id := range append(debts, other) {
				if containsText(whole, id) {
					t.Errorf("agency %s was told of %s", agency, id)
				}
			}
		}
	}
}

func containsText(whole, part string) bool { return replaceOnce(whole, part, "") != whole }

// Debts of one agency under one code stay one allocation; the same beneficiary under two agencies is two.
func TestAllocationsByAgency(t *testing.T) {
	b := setup(t)
	if o := b.ordered(citizenIIN, b.fee(citizenIIN), b.fee(citizenIIN)); len(o.Allocations) != 0 || o.Items[0].Part != 0 {
		t.Errorf("order %+v", o)
	}
	court, _ := b.court()
	spec := licenceSpec() // same beneficiary and codes as the police's
	same, _, err := b.PublishService(t.Context(), b.idem("same"), court.ID, spec)
	b.must(err)
	out, _, err := b.SubmitDebts(t.Context(), b.idem("d"), court.ID, []debt.Item{{Reference: "R", Payer: debt.Payer{ID: citizenIIN}, Service: same.ID}})
	b.must(err)
	d, err := b.Debt(t.Context(), out.Results[0].Debt)
	b.must(err)
	if o := b.ordered(citizenIIN, b.fee(citizenIIN), d); len(o.Allocations) != 2 {
		t.Errorf("order %+v", o)
	}
}

// A refusal, and a confirmation of anything but the whole, leave all parts as they were.
func TestSeveralAgenciesAllOrNothing(t *testing.T) {
	b := setup(t)
	court, claim := b.court()
	fee, claimed := b.fee(citizenIIN), b.owes(court.ID, claim, "CLAIM-1", 5000)
	o := b.ordered(citizenIIN, fee, claimed)
	b.bank.pays = []string{"refuse"}
	_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.settle()
	o = b.ordered(citizenIIN, fee, claimed)
	out, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
	b.must(err)
	b.bank.pays = []string{"timeoutButDone"}
	b.attempts()
	_, err = b.Confirm(t.Context(), testBIC, b.bank.says(out.Attempt, func(s *bank.Status) { s.Tiyn = 5000 }))
	wants(t, err, ErrConfirmationAmount)
	if got := b.state(o.ID); got != order.Unknown {
		t.Errorf("order is %s", got)
	}
	b.settle()
	if report := b.check(); report.Leaves != 2 || report.Transfers != 2 {
		t.Errorf("report %+v", report)
	}
	b.agree()
}

// A leaf of a part is written for its own part alone: what was moved between parts is found.
func TestVerifyFindsMovedParts(t *testing.T) {
	for name, change := range map[string]string{
		"item in another part": `UPDATE order_items SET part = 3 - part WHERE part > 0`,
		"allocation changed":   `UPDATE order_allocations SET amount = amount + 1`,
		"receipt missing":      `DELETE FROM receipts WHERE part = 2`,
		"allocation missing":   `DELETE FROM order_allocations WHERE part = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			court, claim := b.court()
			o := b.ordered(citizenIIN, b.fee(citizenIIN), b.owes(court.ID, claim, "C", 540600))
			_, _, err := b.Authorise(t.Context(), b.idem("s"), o.ID, b.signed(o, citizen(citizenIIN)))
			b.must(err)
			b.settle()
			b.check()
			_, err = b.db.ExecContext(t.Context(), change)
			b.must(err)
			report, err := b.VerifyLedger(t.Context())
			if err != nil || report.Holds() {
				t.Errorf("holds (%v)", err)
			}
		})
	}
}

func TestEntryParts(t *testing.T) {
	for _, c := range []struct {
		part, parts int
		fine        bool
	}{{0, 0, true}, {1, 2, true}, {2, 2, true}, {0, 2, false}, {1, 0, false}, {1, 1, false}, {3, 2, false}, {-1, 2, false}} {
		e := ledger.Entry{
			Type: ledger.EntryType, Version: ledger.EntryVersion, Order: "o", Attempt: "a", DocumentSHA256: "d", PayerSHA256: "p", Bank: "b",
			BankReference: "r", ExecutedAt: "e", RecordedAt: "t", Amount: money.FromTiyn(1), Part: c.part, Parts: c.parts,
			Transfers: []ledger.Transfer{{ID: "t", Debt: "d", Debit: ledger.BankDue(testBIC), Credit: ledger.BeneficiaryDue("agc_1", "108125"), Amount: money.FromTiyn(1)}},
		}
		raw, err := e.Encode()
		if (err == nil) != c.fine || (err != nil && !errors.Is(err, ledger.ErrJournal)) {
			t.Errorf("part %d of %d: %v", c.part, c.parts, err)
		}
		if err == nil {
			back, err := ledger.DecodeEntry(raw)
			if err != nil || back.Part != c.part || back.Parts != c.parts {
				t.Errorf("read back %+v, %v", back, err)
			}
		}
	}
}
