package payment

import (
	"context"
	"maps"
	"reflect"

	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// standing puts the terms into force that hold from the beginning: one bank takes from payers, and gives back, the other from agencies.
func (s *simulation) standing() {
	s.t.Helper()
	s.inForce(commission.Spec{
		Bank: testBIC, Bearer: commission.Payer, Rate: 100, Rounding: money.HalfUpTiyn, GivenBack: commission.Always, ValidFrom: "2026-01-01", Source: "Договор № 1",
	})
	s.inForce(commission.Spec{Bank: otherBIC, Bearer: commission.Agency, Fixed: 77, ValidFrom: "2026-01-01", Source: "Договор № 2"})
}

// spec draws terms of either bank, of any scope, borne by the payer, by the agency, or forbidden, from some day of the last weeks or of the next days.
func (s *simulation) spec() commission.Spec {
	spec := commission.Spec{
		Bank: pick(s, []string{testBIC, testBIC, otherBIC}), Bearer: pick(s, []commission.Bearer{commission.Payer, commission.Payer, commission.Agency}),
		Rate: s.draw.Int64N(250), Fixed: s.draw.Int64N(3) * 1111, Min: s.draw.Int64N(3000), Source: "Договор",
		GivenBack: pick(s, []commission.GivenBack{commission.Always, commission.Always, commission.OnFault, commission.Never}),
		ValidFrom: catalog.DateOf(s.clock.now().AddDate(0, 0, 2-s.draw.IntN(25))),
	}
	if spec.Rate > 0 {
		spec.Rounding = pick(s, []money.Rounding{money.HalfUpTiyn, money.HalfUpTenge})
	}
	switch s.draw.IntN(5) {
	case 0:
		spec.Service = pick(s, s.agreed.about)
	case 1:
		spec.Agency = s.agency.ID
	case 2:
		spec.KBK = pick(s, []string{"108", "108125", "108126"})
	}
	if s.draw.IntN(10) == 0 {
		return commission.Spec{Bearer: commission.Nobody, KBK: "108126", ValidFrom: spec.ValidFrom, ValidTo: spec.ValidFrom, Source: "Заң"}
	}
	return spec
}

// changeTerms lets operators change terms, sometimes while something is broken, sometimes one of them alone.
func (s *simulation) changeTerms() error {
	if s.draw.IntN(6) == 0 {
		s.diary.failNext(1)
	}
	asked, _, err := s.ProposeCommission(s.t.Context(), s.by("aru"), s.spec())
	if err != nil {
		return err
	}
	_, _, err = s.DecideCommission(s.t.Context(), s.by(pick(s, []string{"dana", "dana", "dana", "aru"})), asked.ID, s.draw.IntN(6) > 0)
	return err
}

// terms changes terms while gateway or database may die.
func (c *crashing) terms() {
	ask, decide, spec, first := c.idemRandom(), c.idemRandom(), c.spec(), ""
	ask.Caller, decide.Caller = "aru", "dana"
	c.request(func(ctx context.Context) error {
		asked, _, err := c.ProposeCommission(ctx, ask, spec)
		if err != nil {
			return err
		}
		if first != "" && first != asked.ID {
			c.t.Errorf("one key made the terms %s and %s", first, asked.ID)
		}
		first = asked.ID
		_, _, err = c.DecideCommission(ctx, decide, asked.ID, true)
		return err
	})
}

// priced checks an order in the moment of its authorisation: its document says the commission of the terms that are in force, not of those
// that were when it was made.
func (s *simulation) priced(id string) {
	s.t.Helper()
	doc := s.documentOf(id)
	terms, err := s.CommissionsInForce(s.t.Context(), doc.Bank.BIC)
	s.must(err)
	now, err := decideFor(terms, doc.Bank.BIC, catalog.DateOf(s.clock.now()), doc.Items)
	s.must(err)
	var shown []commission.Charge
	if doc.Commission != nil {
		shown = doc.Commission.Charges
	}
	if len(shown)+len(now.Charges) > 0 && !reflect.DeepEqual(shown, now.Charges) {
		s.t.Errorf("order %s was authorised with %+v, in force is %+v", id, shown, now.Charges)
	}
}

func (s *simulation) documentOf(id string) order.Document {
	s.t.Helper()
	raw, err := s.OrderDocument(s.t.Context(), id)
	s.must(err)
	doc, err := order.ReadStored(raw)
	s.must(err)
	return doc
}

// chargedFlow is a way of money from an account to another.
type chargedFlow struct{ from, to string }

func (f chargedFlow) back() chargedFlow { return chargedFlow{f.to, f.from} }

// chargedFor are the ways of the commissions of some payment or refund.
func chargedFor(bic, agency string, payer, owed int64, to map[chargedFlow]int64) {
	if payer > 0 {
		to[chargedFlow{string(ledger.BankCharged(bic)), string(ledger.BankCommission(bic))}] += payer
	}
	if owed > 0 {
		to[chargedFlow{string(ledger.AgencyCommission(agency, bic)), string(ledger.BankCommission(bic))}] += owed
	}
}

type refundedRow struct {
	ID     string `db:"id"`
	Order  string `db:"order_id"`
	Debt   string `db:"debt_id"`
	Agency string `db:"agency_id"`
	Bank   string `db:"bank_bic"`
	Tiyn   int64  `db:"amount"`
	Payer  int64  `db:"commission"`
	Owed   int64  `db:"agency_commission"`
}

// commissioned checks that every executed order has posted the commission of the document that was signed, every refund what its terms give
// back, and nothing else; and that the bank took and gave back as much.
func (s *simulation) commissioned(report LedgerReport) {
	s.t.Helper()
	var rows []struct {
		Subject string `db:"subject"`
		Debit   string `db:"debit_account"`
		Credit  string `db:"credit_account"`
		Tiyn    int64  `db:"amount"`
	}
	s.must(s.db.Select(&rows, `SELECT p.subject, t.debit_account, t.credit_account, t.amount FROM postings p
		JOIN transfers t ON t.bucket = p.bucket AND t.posting_id = p.id WHERE p.kind = 'commission'`))
	posted := map[string]map[chargedFlow]int64{}
	for _, r := range rows {
		if posted[r.Subject] == nil {
			posted[r.Subject] = map[chargedFlow]int64{}
		}
		posted[r.Subject][chargedFlow{r.Debit, r.Credit}] += r.Tiyn
	}
	var executed []string
	s.must(s.db.Select(&executed, `SELECT id FROM orders WHERE state = 'executed'`))
	documents := map[string]order.Document{}
	for _, id := range executed {
		doc, want := s.documentOf(id), map[chargedFlow]int64{}
		for _, item := range doc.Items {
			chargedFor(doc.Bank.BIC, item.Agency, item.Commission, item.AgencyCommission, want)
		}
		if !maps.Equal(want, posted[id]) {
			s.t.Errorf("order %s was signed with the commission %v, posted is %v", id, want, posted[id])
		}
		documents[id] = doc
		delete(posted, id)
	}
	var refunds []refundedRow
	s.must(s.db.Select(&refunds, `SELECT id, order_id, debt_id, agency_id, bank_bic, amount, commission, agency_commission FROM refunds
		WHERE kind = 'refund' AND state = 'executed'`))
	for _, r := range refunds {
		s.givenBack(r, documents[r.Order], posted[refund.Charge.Of(r.ID)])
		delete(posted, refund.Charge.Of(r.ID))
	}
	var paid []commissionPaidRow
	s.must(s.db.Select(&paid, `SELECT `+commissionPaidColumns+` FROM commission_payments WHERE state = 'booked'`))
	for _, p := range paid {
		flow := chargedFlow{string(ledger.BankCharged(p.Bank)), string(ledger.AgencyCommission(p.Agency, p.Bank))}
		if p.MadeGood {
			flow = chargedFlow{string(ledger.AgencyMadeGood(p.Agency, p.Bank)), string(ledger.AgencyKept(p.Agency, p.Bank))}
		}
		want := map[chargedFlow]int64{flow: p.Tiyn}
		if !maps.Equal(want, posted[p.ID]) {
			s.t.Errorf("an agency paid %v of commissions, posted is %v", want, posted[p.ID])
		}
		delete(posted, p.ID)
	}
	if len(posted) > 0 {
		s.t.Errorf("commissions of nothing are posted: %v", posted)
	}
	s.bank.mu.Lock()
	defer s.bank.mu.Unlock()
	taken := int64(0)
	for _, p := range s.bank.payments {
		taken += int64(p.times) * p.order.Commission
	}
	for _, r := range s.bank.refunds {
		taken -= int64(r.times) * r.order.Commission
	}
	if stands := report.Balances[ledger.BankCharged(testBIC)]; stands != taken {
		s.t.Errorf("the bank took %d from payers for itself, the ledger says %d", taken, stands)
	}
}

// givenBack checks the commission of one executed refund: all or nothing, as the signed terms say, and as it was told the bank.
func (s *simulation) givenBack(r refundedRow, doc order.Document, posted map[chargedFlow]int64) {
	s.t.Helper()
	want := map[chargedFlow]int64{}
	chargedFor(r.Bank, r.Agency, r.Payer, r.Owed, want)
	for flow, tiyn := range posted {
		if want[flow.back()] != tiyn {
			s.t.Errorf("refund %s posts %v, want the way back of %v", r.ID, posted, want)
		}
	}
	if len(want) != len(posted) {
		s.t.Errorf("refund %s posts %v, want the way back of %v", r.ID, posted, want)
	}
	for _, item := range doc.Items {
		if item.Debt != r.Debt {
			continue
		}
		rule, whole := commission.Never, r.Tiyn == item.Tiyn
		if charge := doc.ChargeOf(item); charge != nil {
			rule = charge.GivenBack
		}
		all, nothing := r.Payer == item.Commission && r.Owed == item.AgencyCommission, r.Payer+r.Owed == 0
		may, has := whole && rule != commission.Never, whole && rule == commission.Always
		if has && !all || !may && !nothing || !all && !nothing {
			s.t.Errorf("refund %s gives back %d and %d of a commission of %d and %d: %s, whole is %t",
				r.ID, r.Payer, r.Owed, item.Commission, item.AgencyCommission, rule, whole)
		}
	}
	s.bank.mu.Lock()
	defer s.bank.mu.Unlock()
	if told := s.bank.refunds[r.ID]; told == nil || told.order.Commission != r.Payer {
		s.t.Errorf("the bank was told another commission of refund %s than %d", r.ID, r.Payer)
	}
}
