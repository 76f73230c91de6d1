package payment

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"

	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/ledger"
)

// simAccount is where the second bank credits what it has collected.
const simAccount = "KZ916011700111350336"

// simStatements is what statements of the second bank have shown, some of it less the commissions that agencies bear.
type simStatements struct {
	number  int
	closing int64
	shown   map[int64]bool
	booked  []string      // ids
	kept    *atomic.Int64 // matches that kept something back, of all schedules
}

func (s *simulation) accounts(kept *atomic.Int64) {
	s.t.Helper()
	s.must(s.RegisterAccount(s.t.Context(), "operator:test", BankAccount{Bank: otherBIC, Account: simAccount}))
	s.stated = simStatements{shown: map[int64]bool{}, kept: kept}
}

// credit makes a line for what is expected: whole, less the commission, a tiyn less than that, or twice; nil for nothing yet.
func (s *simulation) credit(x expectedRow, last bool) []line {
	l := line{tiyn: x.Tiyn, ref: x.Reference, payer: x.Payer, kbk: x.KBK}
	what := s.draw.IntN(8)
	if last { // the bank ends what it began, and keeps back what it can
		what = 1
	}
	switch what {
	case 0:
		return []line{l}
	case 1, 2, 3:
		l.tiyn -= x.Charged
	case 4:
		l.tiyn -= x.Charged + 1
	case 5:
		l.tiyn -= x.Charged
		return []line{l, l}
	default:
		return nil
	}
	return []line{l}
}

// sheet draws a statement over what is expected of the bank and was not shown before; nil for none.
func (s *simulation) sheet(ctx context.Context, last bool) ([]byte, error) {
	if err := s.expect(ctx); err != nil {
		return nil, err
	}
	var open []expectedRow
	if err := all(ctx, s.db, &open, expectationSelect+`x.kind = 'payment' ORDER BY x.no`, bucketOf(otherBIC), otherBIC); err != nil {
		return nil, err
	}
	var lines []line
	for _, x := range open {
		if s.stated.shown[x.No] {
			continue
		}
		credits := s.credit(x, last)
		s.stated.shown[x.No] = len(credits) > 0
		lines = append(lines, credits...)
	}
	if len(lines) == 0 {
		return nil, nil
	}
	s.stated.number++
	sheet := sheet{account: simAccount, number: s.stated.number, day: s.today(), opening: s.stated.closing, lines: lines}
	s.stated.closing = sheet.sum()
	return sheet.camt(), nil
}

// take takes a statement in.
func (s *simulation) take(ctx context.Context, body []byte) error {
	report, repeated, err := s.Reconcile(ctx, StatementFile{Body: bytes.NewReader(body), Name: "sim.xml", Source: SourceAPI, Actor: "bank:" + otherBIC})
	if err == nil && !repeated {
		s.stated.booked = append(s.stated.booked, report.Statements[0].ID)
	}
	return err
}

// stateSome lets the second bank send a statement, sometimes while something is broken, and a person undo some match.
func (s *simulation) stateSome() error {
	body, err := s.sheet(s.t.Context(), false)
	if err != nil || body == nil {
		return err
	}
	if s.draw.IntN(4) == 0 {
		s.diary.failNext(1)
	}
	err = s.take(s.t.Context(), body)
	if err != nil || s.draw.IntN(4) == 0 {
		if again := s.take(s.t.Context(), body); err == nil && again != nil {
			s.t.Errorf("the same statement again: %v", again)
		}
	}
	return err
}

// undoSome undoes the match of some line; what was not matched by a rule is refused.
func (s *simulation) undoSome() error {
	if len(s.stated.booked) == 0 {
		return nil
	}
	_, _, err := s.UndoMatch(s.t.Context(), s.by("aru"), pick(s, s.stated.booked), MatchUndoing{No: 1 + s.draw.IntN(3), Comment: "so"})
	return err
}

// bill is a payment of the agency: to its bank what it owes, or half, or more, or to its beneficiaries what the bank has kept back.
func (s *simulation) bill() CommissionPaid {
	return CommissionPaid{
		Agency: s.agency.ID, Bank: otherBIC, MadeGood: s.draw.IntN(2) == 0, Tiyn: 1 + s.draw.Int64N(154), PaidOn: catalog.DateOf(s.clock.now()),
		Reference: "ПП-" + s.idem("x").Key,
	}
}

// billSome lets the agency pay, as two operators book it.
func (s *simulation) billSome() error {
	_, err := s.billed(s.t.Context(), s.by("aru"), s.by("dana"), s.bill())
	return err
}

func (s *simulation) billed(ctx context.Context, ask, agree Idem, paid CommissionPaid) (id string, err error) {
	p, _, err := s.RecordCommissionPaid(ctx, ask, paid)
	if err != nil {
		return "", err
	}
	_, _, err = s.DecideCommissionPaid(ctx, agree, p.ID, true)
	return p.ID, err
}

// bills books such a payment while gateway or database may die.
func (c *crashing) bills() {
	ask, agree, paid, first := c.idemRandom(), c.idemRandom(), c.bill(), ""
	ask.Caller, agree.Caller = "aru", "dana"
	c.request(func(ctx context.Context) error {
		id, err := c.billed(ctx, ask, agree, paid)
		if first != "" && id != "" && id != first {
			c.t.Errorf("one key made the payments %s and %s", first, id)
		}
		if id != "" {
			first = id
		}
		return err
	})
}

// states takes a statement in while gateway or database may die; the bank sends it until it knows.
func (c *crashing) states() {
	body, err := c.sheet(c.t.Context(), false)
	if c.undecided(err) || body == nil {
		return
	}
	c.request(func(ctx context.Context) error { return c.take(ctx, body) })
}

// undoes undoes a match while gateway or database may die.
func (c *crashing) undoes() {
	if len(c.stated.booked) == 0 {
		return
	}
	idem, id, no := c.idemRandom(), pick(c.simulation, c.stated.booked), 1+c.draw.IntN(3)
	c.request(func(ctx context.Context) error {
		_, _, err := c.UndoMatch(ctx, idem, id, MatchUndoing{No: no, Comment: "so"})
		return err
	})
}

// throughSecond has a payment made by the second bank, so that no schedule goes without.
func (s *simulation) throughSecond() {
	s.t.Helper()
	o := s.orderedAt(otherBIC, citizenIIN, s.fee(citizenIIN))
	_, _, err := s.Authorise(s.t.Context(), s.idem("s"), o.ID, s.bundle.signed(o, citizen(citizenIIN)))
	s.must(err)
}

// keptBack lets the bank credit the rest, and holds what it kept back against the documents that were signed: once for a payment, to the tiyn
// what the agency bears, and nothing where terms let the payer bear it. What is expected and was shown, whole or less it, is settled.
func (s *simulation) keptBack() {
	s.t.Helper()
	body, err := s.sheet(s.t.Context(), true)
	s.must(err)
	if body != nil {
		s.must(s.take(s.t.Context(), body))
	}
	report := s.check()
	var rows []struct {
		Order  string `db:"order_id"`
		Part   int    `db:"part"`
		Agency string `db:"agency"`
		Tiyn   int64  `db:"amount"`
		Times  int    `db:"times"`
	}
	s.must(s.db.Select(&rows, `SELECT j.order_id, j.part, k.agency, sum(k.amount)::bigint AS amount, count(*) AS times FROM recon_kept k
		JOIN recon_matches m ON m.bucket = k.bucket AND m.statement = k.statement AND m.no = k.no AND m.part = k.part AND m.expectation = k.expectation
			AND m.turn = k.turn AND m.undone_at IS NULL
		JOIN journal j ON j.bucket = (k.expectation & 255)::integer AND j.seq = k.expectation >> 8 GROUP BY 1, 2, 3`))
	stands := map[string]int64{}
	for _, r := range rows {
		bears, borne := int64(0), map[string]int64{}
		doc := s.documentOf(r.Order)
		for _, item := range doc.Items {
			borne[item.Agency] += item.AgencyCommission
			if charge := doc.ChargeOf(item); charge != nil && charge.Bearer == commission.Agency && item.Agency == r.Agency {
				bears += item.AgencyCommission
			}
		}
		if r.Times != 1 || r.Tiyn <= 0 || r.Tiyn > bears || borne[r.Agency] != bears {
			s.t.Errorf("of order %s, part %d, %d tiyn were kept back in %d matches, %s bears %d", r.Order, r.Part, r.Tiyn, r.Times, r.Agency, bears)
		}
		stands[r.Agency] += r.Tiyn
	}
	s.stated.kept.Add(int64(len(rows)))
	s.madeGood(report, stands)
}

// madeGood holds what stands to be made good against what was kept back of each agency, less what it has made good, and lets it make good the rest:
// nothing stands then, and no more was made good than was ever kept back.
func (s *simulation) madeGood(report LedgerReport, kept map[string]int64) {
	s.t.Helper()
	var rows []struct {
		Agency string `db:"agency_id"`
		Tiyn   int64  `db:"amount"`
	}
	s.must(s.db.Select(&rows, `SELECT agency_id, sum(amount)::bigint AS amount FROM commission_payments
		WHERE made_good AND state = 'booked' AND bank_bic = $1 GROUP BY 1`, otherBIC))
	made := map[string]int64{}
	for _, r := range rows {
		made[r.Agency] = r.Tiyn
		kept[r.Agency] += 0
	}
	for agency, tiyn := range kept {
		rest := tiyn - made[agency]
		if got := report.Balances[ledger.AgencyKept(agency, otherBIC)]; got != rest {
			s.t.Errorf("%d were kept back of %s and %d made good, the ledger says %d", tiyn, agency, made[agency], got)
		}
		paid := CommissionPaid{Agency: agency, Bank: otherBIC, MadeGood: true, Tiyn: rest + 1, PaidOn: catalog.DateOf(s.clock.now()), Reference: "ПП"}
		if rest >= 0 {
			_, err := s.billed(s.t.Context(), s.by("aru"), s.by("dana"), paid)
			wants(s.t, err, ErrCommissionPaidTooMuch)
		}
		if rest > 0 { // less than nothing when a match was undone that had been made good
			paid.Tiyn = rest
			_, err := s.billed(s.t.Context(), s.by("aru"), s.by("dana"), paid)
			s.must(err)
			s.stands(map[ledger.Account]int64{ledger.AgencyKept(agency, otherBIC): 0, ledger.AgencyMadeGood(agency, otherBIC): tiyn})
		}
	}
}

// drawn sees when all schedules have ended that some bank kept something back.
func drawn(t *testing.T, runs int) *atomic.Int64 {
	t.Helper()
	kept := &atomic.Int64{}
	t.Cleanup(func() {
		t.Logf("%d credits less a commission were matched", kept.Load())
		if runs >= 6 && kept.Load() == 0 {
			t.Error("no commission was kept back in any schedule")
		}
	})
	return kept
}
