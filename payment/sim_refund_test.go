package payment

import (
	"context"
	"slices"

	"qaqpa/payment/bank"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// wish is a random request about some order: a part or all of what was paid, perhaps more.
func (s *simulation) wish() (refund.Request, bool) {
	if len(s.orders) == 0 {
		return refund.Request{}, false
	}
	o := pick(s, s.orders)
	for range 4 { // a bank that takes files gives money back by message all the same, and this one has no messages
		if o.Bank == testBIC {
			break
		}
		o = pick(s, s.orders)
	}
	if o.Bank != testBIC {
		return refund.Request{}, false
	}
	if paid := s.paidOrders(); len(paid) > 0 && s.draw.IntN(8) > 0 {
		o = pick(s, paid)
	}
	i := refund.Item{Order: o.ID, Debt: o.Items[0].Debt}
	if s.draw.IntN(3) > 0 {
		i.Tiyn = new(1 + s.draw.Int64N(o.Tiyn*5/4))
	}
	req := wishOf(refund.PayBack, i)
	if s.draw.IntN(4) == 0 {
		req.Then = refund.Reopened
	}
	req.Fault = s.draw.IntN(2) == 0
	return req, true
}

// begin makes terms of commission, two agreements and two executed payments before any fault, so that there is something to give back from
// the first step on.
func (s *simulation) begin() {
	s.agreed.all, s.agreed.keys, s.agreed.another = map[string]Mandate{}, map[string]string{}, setupSecond(s.bundle)
	s.standing()
	for range 2 {
		s.must(s.agrees())
	}
	for range 2 {
		s.orders = append(s.orders, s.authorised(citizenIIN))
		s.attempts()
	}
}

// paidOrders are those that the bank has executed, whether or not we know.
func (s *simulation) paidOrders() []order.Order {
	s.bank.mu.Lock()
	defer s.bank.mu.Unlock()
	executed := map[string]bool{}
	for _, p := range s.bank.payments {
		executed[p.order.Order] = p.outcome == bank.Executed
	}
	var paid []order.Order
	for _, o := range s.orders {
		if executed[o.ID] {
			paid = append(paid, o)
		}
	}
	return paid
}

// refundSome asks for a refund of some order, paid or not.
func (s *simulation) refundSome() error {
	req, any := s.wish()
	if !any {
		return nil
	}
	if s.draw.IntN(6) == 0 {
		s.diary.failNext(1)
	}
	idem := s.by("aru")
	_, _, err := s.RequestRefunds(s.t.Context(), idem, s.agency.ID, req)
	if err != nil && expected(err) && s.draw.IntN(2) == 0 {
		_, _, err = s.RequestRefunds(s.t.Context(), idem, s.agency.ID, req)
	}
	return err
}

// undecidedRefunds lists refunds that wait for a decision, in the order in which they were asked for.
func (b *bundle) undecidedRefunds(ctx context.Context) ([]refund.Refund, error) {
	page, err := b.Refunds(ctx, RefundQuery{State: refund.Requested, Limit: 100})
	slices.Reverse(page.Items)
	return page.Items, err
}

// decideSome decides about the oldest refund that waits, sometimes as the wrong person, sometimes while something is broken.
func (s *simulation) decideSome() error {
	list, err := s.undecidedRefunds(s.t.Context())
	if err != nil || len(list) == 0 {
		return err
	}
	if s.draw.IntN(6) == 0 {
		s.diary.failNext(1)
	}
	person := pick(s, []string{"dana", "dana", "dana", "aru"})
	_, _, err = s.DecideRefund(s.t.Context(), s.by(person), "", list[0].ID, RefundDecision{
		Action: pick(s, []string{ActApprove, ActApprove, ActApprove, ActReject, ActWithdraw}), Version: list[0].Version, Comment: "so",
	})
	return err
}

// refund asks for a refund while gateway or database may die.
func (c *crashing) refund() {
	if len(c.orders) == 0 {
		return
	}
	req, _ := c.wish()
	idem := c.idemRandom()
	idem.Caller = "aru"
	first := ""
	c.request(func(ctx context.Context) error {
		out, _, err := c.RequestRefunds(ctx, idem, c.agency.ID, req)
		if err != nil {
			return err
		}
		id := out.Results[0].Refund.ID
		if first != "" && first != id {
			c.t.Errorf("one key made the refunds %s and %s", first, id)
		}
		first = id
		c.promises = append(c.promises, promise{"refund", id})
		return nil
	})
}

// decide approves the oldest refund that waits.
func (c *crashing) decide() {
	list, err := c.undecidedRefunds(c.t.Context())
	if err != nil || len(list) == 0 {
		return // the database may have died in between
	}
	idem, x := c.idemRandom(), list[0]
	idem.Caller = "dana"
	c.request(func(ctx context.Context) error {
		_, _, err := c.DecideRefund(ctx, idem, "", x.ID, RefundDecision{Action: ActApprove, Version: x.Version})
		return err
	})
}

// refundCallback lets the bank speak about a refund that it has.
func (c *crashing) refundCallback() {
	var known []string
	for id := range c.bank.refunds {
		known = append(known, id)
	}
	if len(known) == 0 {
		return
	}
	slices.Sort(known)
	message := c.bank.saysRefund(pick(c.simulation, known), nil)
	c.request(func(ctx context.Context) error {
		_, err := c.Confirm(ctx, testBIC, message)
		return err
	})
}
