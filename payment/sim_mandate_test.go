package payment

import (
	"context"
	"slices"
	"sync"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/debt"
	"qaqpa/payment/mandate"
	"qaqpa/payment/order"
)

// agreements are those that the simulation made, and what was answered to orders that want to be authorised.
type agreements struct {
	all     map[string]Mandate
	live    []string          // ids of those that nobody tried to revoke
	about   []string          // services that agreements are about
	keys    map[string]string // under which key an order was authorised
	another *Service          // a second gateway over the same database
}

// proposal is an agreement about three payments or so in a month.
func (s *simulation) proposal() mandate.Request {
	return mandate.Request{
		Payer: pick(s, []string{citizenIIN, citizenIIN, neighborIIN}), Bank: testBIC, Services: s.agreed.about, PaymentMax: 545_000 + s.draw.Int64N(150_000),
		MonthMax: 1_200_000 + s.draw.Int64N(900_000), Until: "2026-12-31", Language: "kk",
	}
}

func (s *simulation) keepAgreement(m Mandate) {
	if _, known := s.agreed.all[m.ID]; !known {
		s.agreed.all[m.ID] = m
		s.agreed.live = append(s.agreed.live, m.ID)
	}
}

// agrees makes an agreement and signs it.
func (s *simulation) agrees() error {
	req := s.proposal()
	m, _, err := s.CreateMandate(s.t.Context(), s.idem("m"), req)
	if err != nil {
		return err
	}
	if _, _, err = s.SignMandate(s.t.Context(), s.idem("ms"), m.ID, s.signedMandate(m, citizen(req.Payer))); err == nil {
		s.keepAgreement(m)
	}
	return err
}

// accepted notes that an order was authorised under a key: once, whatever authorised it.
func (s *simulation) accepted(id, key string) {
	before, seen := s.agreed.keys[id]
	switch {
	case seen && before != key:
		s.t.Errorf("order %s was authorised under the keys %s and %s", id, before, key)
	case !seen:
		s.agreed.keys[id] = key
		s.signed = append(s.signed, id)
	}
}

// wanted is an order that shall be authorised by an agreement: mostly a new one that it covers.
func (s *simulation) wanted(m Mandate) (order.Order, error) {
	if len(s.orders) > 0 && s.draw.IntN(5) == 0 {
		return pick(s, s.orders), nil
	}
	s.diary.failNext(0)
	d := s.fee(m.Payer)
	if m.Payer == citizenIIN && s.draw.IntN(3) == 0 {
		d = pick(s, []func() debt.Debt{s.claims, s.fines})()
	}
	s.debts = append(s.debts, d)
	o, _, err := s.CreateOrder(s.t.Context(), s.idem("o"), order.Request{
		Payer: m.Payer, Debts: []string{d.ID}, Bank: pick(s, []string{testBIC, testBIC, testBIC, testBIC, otherBIC}),
	})
	if err == nil {
		s.orders = append(s.orders, o)
	}
	return o, err
}

// agreedUse authorises an order by an agreement at one gateway, which may be dying.
type agreedUse struct {
	gateway *Service
	idem    Idem
	order   string
	mandate string
	// instead is done in its place.
	instead func(ctx context.Context, at *Service, order string) error
	err     error
}

// atOnce does all uses together and takes note of those that were answered with success.
func (s *simulation) atOnce(ctx context.Context, uses []agreedUse) {
	var group sync.WaitGroup
	for i := range uses {
		u := &uses[i]
		group.Go(func() {
			if u.instead != nil {
				u.err = u.instead(ctx, u.gateway, u.order)
				return
			}
			_, _, u.err = u.gateway.AuthoriseByMandate(ctx, u.idem, u.order, u.mandate)
		})
	}
	group.Wait()
	for _, u := range uses {
		if u.err == nil && u.order != "" {
			s.accepted(u.order, u.idem.Key)
		}
	}
}

// usesOf draws what two gateways do at once with an agreement: two orders, one order under two keys, one request twice, a revocation, or
// the payer's own signature.
func (s *simulation) usesOf(m Mandate, first, second order.Order, key func() Idem) []agreedUse {
	uses := []agreedUse{
		{gateway: s.Service, idem: key(), order: first.ID, mandate: m.ID}, {gateway: s.agreed.another, idem: key(), order: second.ID, mandate: m.ID},
	}
	other := &uses[1]
	switch s.draw.IntN(7) {
	case 0:
		other.order = first.ID
	case 1:
		other.order, other.idem = first.ID, uses[0].idem
	case 2:
		other.order = ""
		other.instead = func(ctx context.Context, at *Service, _ string) error {
			_, _, err := at.RevokeMandate(ctx, other.idem, m.ID)
			return err
		}
		s.agreed.live = slices.DeleteFunc(s.agreed.live, func(id string) bool { return id == m.ID })
	case 3:
		other.order = first.ID
		other.instead = func(ctx context.Context, at *Service, id string) error {
			document, err := at.OrderDocument(ctx, id)
			if err == nil {
				_, _, err = at.Authorise(ctx, other.idem, id, s.notary.sign(citizen(first.Payer), document, true))
			}
			return err
		}
	}
	return uses
}

// useSome pays by an agreement: alone, perhaps while something is broken and then again, or at two gateways at once.
func (s *simulation) useSome() error {
	if len(s.agreed.live) == 0 || s.draw.IntN(20) == 0 {
		return s.agrees()
	}
	m := s.agreed.all[pick(s, s.agreed.live)]
	o, err := s.wanted(m)
	if err != nil {
		return err
	}
	if s.draw.IntN(4) == 0 { // between the showing and the authorisation
		if err := s.changeTerms(); !expected(err) {
			return err
		}
	}
	if s.draw.IntN(2) == 0 {
		second, err := s.wanted(m)
		if err != nil {
			return err
		}
		uses := s.usesOf(m, o, second, func() Idem { return s.idem("u") })
		s.atOnce(s.t.Context(), uses)
		for _, u := range uses {
			if !expected(u.err) {
				return u.err
			}
			if u.err == nil && u.order != "" {
				s.priced(u.order)
			}
		}
	} else {
		if s.draw.IntN(4) == 0 {
			s.diary.failNext(1)
		}
		uses := []agreedUse{{gateway: s.Service, idem: s.idem("u"), order: o.ID, mandate: m.ID}}
		s.atOnce(s.t.Context(), uses)
		if uses[0].err != nil && expected(uses[0].err) && s.draw.IntN(2) == 0 {
			s.atOnce(s.t.Context(), uses)
		}
		err = uses[0].err
	}
	s.counted(s.withinLimits(false))
	return err
}

// agreedRow is an order that an agreement authorised.
type agreedRow struct {
	Mandate string      `db:"mandate"`
	Order   string      `db:"order_id"`
	At      time.Time   `db:"at"`
	State   order.State `db:"state"`
	Paid    int64       `db:"paid"`
	Back    int64       `db:"back"`
}

// agreedMonth is a month of an agreement, in Almaty.
type agreedMonth struct{ mandate, month string }

func almatyMonth(at time.Time) string { return at.UTC().Add(5 * time.Hour).Format("2006-01") }

// withinLimits checks all agreements: no payment passes the limit of one, no order stands twice, and what was authorised in a month and has
// not come back whole never passes that of the month. ended also holds it against the bank's own books. It returns what counts, and the number of uses.
func (s *simulation) withinLimits(ended bool) (map[agreedMonth]int64, int) {
	s.t.Helper()
	var rows []agreedRow
	s.must(s.db.Select(&rows, `SELECT a.verdict_id AS mandate, a.order_id, a.at, o.state, o.amount + o.commission AS paid,
			coalesce((SELECT sum(r.amount + r.commission) FROM refunds r WHERE r.bucket = o.bucket AND r.order_id = o.id AND r.kind = 'refund'
				AND r.state = 'executed'), 0)::bigint AS back
		FROM authorisations a JOIN orders o ON o.bucket = a.bucket AND o.id = a.order_id WHERE a.method = 'mandate'`))
	spent, seen := map[agreedMonth]int64{}, map[string]bool{}
	for _, r := range rows {
		m := s.agreed.all[r.Mandate]
		if r.Paid > m.PaymentMax || seen[r.Order] {
			s.t.Errorf("agreement %s pays %d by order %s, at most %d at once", r.Mandate, r.Paid, r.Order, m.PaymentMax)
		}
		seen[r.Order] = true
		if ended {
			s.asTheBank(r)
		}
		if r.State == order.Refused || r.Back >= r.Paid {
			continue
		}
		in := agreedMonth{r.Mandate, almatyMonth(r.At)}
		if spent[in] += r.Paid; spent[in] > m.MonthMax {
			s.t.Errorf("agreement %s pays %d in %s, at most %d", r.Mandate, spent[in], in.month, m.MonthMax)
		}
	}
	return spent, len(rows)
}

// counted checks that the product counts the same, that each use is on record, and that none came after a revocation. Nobody may be at work.
func (s *simulation) counted(spent map[agreedMonth]int64, uses int) {
	s.t.Helper()
	for id := range s.agreed.all {
		m, err := s.Mandate(s.t.Context(), id)
		s.must(err)
		if want := spent[agreedMonth{id, almatyMonth(s.clock.now())}]; m.Spent != want {
			s.t.Errorf("agreement %s counts %d spent, it is %d", id, m.Spent, want)
		}
	}
	var wrong int
	s.must(s.db.Get(&wrong, `SELECT (SELECT count(*) FROM mandate_events u JOIN mandate_events r ON r.bucket = u.bucket AND r.mandate_id = u.mandate_id
			WHERE u.event = 'used' AND r.event = 'revoked' AND u.number > r.number)
		+ abs((SELECT count(*) FROM mandate_events WHERE event = 'used') - $1) + abs((SELECT count(*) FROM mandate_uses) - $1)`, uses))
	if wrong != 0 {
		s.t.Errorf("%d uses after a revocation, or not on record", wrong)
	}
}

// asTheBank holds an ended order against what the bank moved for it and gave back.
func (s *simulation) asTheBank(r agreedRow) {
	s.t.Helper()
	s.bank.mu.Lock()
	defer s.bank.mu.Unlock()
	moved, back, want := int64(0), int64(0), int64(0)
	for _, p := range s.bank.payments {
		if p.order.Order == r.Order {
			moved += int64(p.times) * (p.order.Tiyn + p.order.Commission)
		}
	}
	for _, x := range s.bank.refunds {
		if x.order.Order == r.Order {
			back += int64(x.times) * (x.order.Tiyn + x.order.Commission)
		}
	}
	if r.State == order.Executed {
		want = r.Paid
	}
	if moved != want || back != r.Back {
		s.t.Errorf("the bank moved %d and gave back %d of order %s, which stands at %d and %d", moved, back, r.Order, want, r.Back)
	}
}

// proposes makes an agreement while gateway or database may die.
func (c *crashing) proposes() {
	create, sign, req, first := c.idemRandom(), c.idemRandom(), c.proposal(), ""
	c.request(func(ctx context.Context) error {
		m, _, err := c.CreateMandate(ctx, create, req)
		if err != nil {
			return err
		}
		if first != "" && first != m.ID {
			c.t.Errorf("one key made the agreements %s and %s", first, m.ID)
		}
		first = m.ID
		document, err := c.MandateDocument(ctx, m.ID)
		if err != nil {
			return err
		}
		if _, _, err = c.SignMandate(ctx, sign, m.ID, c.notary.sign(citizen(req.Payer), document, true)); err == nil {
			c.keepAgreement(m)
		}
		return err
	})
}

// use orders two new debts and authorises them by an agreement at two gateways at once, while they or the database may die.
func (c *crashing) use() {
	if len(c.agreed.live) == 0 || c.draw.IntN(12) == 0 {
		c.proposes()
		return
	}
	m, ask := c.agreed.all[pick(c.simulation, c.agreed.live)], c.idemRandom()
	var keys [2]Idem
	var items []debt.Item
	for i := range keys {
		keys[i] = c.idemRandom()
		items = append(items, debt.Item{Reference: "U-" + keys[i].Key, Payer: debt.Payer{ID: m.Payer, Name: "ИМАНОВ"}, Service: c.licence.ID})
	}
	uses := c.usesOf(m, order.Order{ID: "first", Payer: m.Payer}, order.Order{ID: "second"}, c.idemRandom)
	c.request(func(ctx context.Context) error {
		out, _, err := c.SubmitDebts(ctx, ask, c.agency.ID, items)
		if err != nil {
			return err
		}
		ids := map[string]string{"": ""}
		for i, of := range []string{"first", "second"} {
			o, _, err := c.CreateOrder(ctx, keys[i], order.Request{Payer: m.Payer, Debts: []string{out.Results[i].Debt}, Bank: m.Bank})
			if err != nil {
				return err
			}
			ids[of] = o.ID
		}
		now := slices.Clone(uses)
		for i, gateway := range []*Service{c.Service, setupSecond(c.bundle)} {
			now[i].gateway, now[i].order = gateway, ids[uses[i].order]
		}
		c.atOnce(ctx, now)
		return c.settled(now)
	})
}

// settled notes what uses have promised; the error is of one of which nobody knows what became.
func (c *crashing) settled(uses []agreedUse) (open error) {
	for _, u := range uses {
		if u.err == nil && u.order != "" {
			c.promises = append(c.promises, promise{"payment", u.order})
		}
		if c.undecided(u.err) {
			open = u.err
		}
	}
	return open
}

// quoted is what the bank tells its client that it takes for a debt, mostly.
func (s *simulation) quoted(id string) func(*bank.Initiation) {
	offered, err := s.check1(func(c *bank.Check) { c.Payer, c.Debt = "", id })
	return func(i *bank.Initiation) {
		if err == nil && len(offered) == 1 {
			i.Commission = offered[0].Commission
		}
	}
}

// lateInMonth moves every third schedule to the last day of a month in Almaty, of which the month's end is at 19:00 UTC.
func (s *simulation) lateInMonth(seed uint64, day time.Duration) {
	if seed%3 == 0 {
		s.clock.advance(time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC).Add(day).Sub(s.clock.now()))
	}
}
