package api

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// payersOf lists for whom a person may pay: himself, or the organisation whose certificate he signed in with.
func payersOf(who auth.Session) []string {
	holder := order.Holder{IIN: who.IIN, BIN: who.BIN, Kind: who.Kind, Roles: who.Roles}
	var out []string
	for _, id := range []string{who.BIN, who.IIN} {
		if id != "" && order.Authority(id, holder) == nil {
			out = append(out, id)
		}
	}
	return out
}

// payerNamed finds the payer whom an address names by [portal.Whose]. A number is taken, too: of a bookmark of before.
func payerNamed(who auth.Session, asked string) string {
	for _, id := range payersOf(who) {
		if portal.Whose(id) == asked {
			return id
		}
	}
	return asked
}

// chosenPayer is for whom a page is: who was asked for, or the first for whom the person may pay; all of them are the choice that the page offers.
func chosenPayer(who auth.Session, asked string) (payers []string, payer string, err error) {
	payers = payersOf(who)
	switch {
	case len(payers) == 0:
		return nil, "", refuse(codeNoAuthority)
	case asked == "":
		return payers, payers[0], nil
	case !slices.Contains(payers, asked):
		return nil, "", refuse(codeNotOwn)
	}
	return payers, asked, nil
}

// cabinetPage shows what a payer owes and has paid.
func (s *Server) cabinetPage(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		// Employees without the right to pay come here by signing in; what they may do is in the console.
		if members, err := s.cfg.Keys.MembershipsOf(ctx, who); err == nil && len(members) > 0 && len(payersOf(who)) == 0 {
			return seeOther("/console"), nil
		}
		v := portal.Cabinet{Frame: s.frame(r, who), Payer: payerNamed(who, r.arg("payer")), Find: strings.TrimSpace(r.arg("find"))}
		return s.cabinet(ctx, r, who, v, nil)
	})(ctx, r)
}

// ordersShown is how many payments one page lists.
const ordersShown = 20

// cabinet fills a payer's page; refused is what became of a form that comes back.
func (s *Server) cabinet(ctx context.Context, r *request, who auth.Session, v portal.Cabinet, refused error) (*response, error) {
	var err error
	if v.Payers, v.Payer, err = chosenPayer(who, v.Payer); err != nil {
		return nil, err
	}
	if err := s.debtsFor(ctx, &v, who.Actor()); err != nil {
		return nil, err
	}
	if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
		return nil, err
	}
	orders, err := s.cfg.Payments.Orders(ctx, payment.OrderQuery{Payer: v.Payer, Before: r.arg("before"), Limit: ordersShown})
	if err != nil {
		return nil, err
	}
	v.Orders = orders.Items
	if orders.HasMore {
		v.MoreOrders = "/cabinet?" + url.Values{"payer": {portal.Whose(v.Payer)}, "before": {v.Orders[len(v.Orders)-1].ID}}.Encode()
	}
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	v.Key = newID()
	body, err := s.pages.RenderCabinet(v)
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// debtsShown is how many debts one page lists, and findPages how many such pages are looked through for words.
const (
	debtsShown = 50
	findPages  = 10
)

// debtsFor reads the debts of a payer that a page lists: the first ones, or those that have the words that are looked for in number,
// service or agency. actor is on whose behalf agencies' own registers are asked.
func (s *Server) debtsFor(ctx context.Context, v *portal.Cabinet, actor string) error {
	after := ""
	for n := 0; n == 0 || (v.Find != "" && n < findPages); n++ {
		list, err := s.cfg.Payments.LookUp(ctx, actor, payment.DebtQuery{Payer: v.Payer, After: after, Limit: debtsShown})
		if err != nil {
			return err
		}
		agencies, services, err := s.namesFor(ctx, list.Items)
		if err != nil {
			return err
		}
		v.MoreDebts = list.HasMore
		if v.Agencies == nil {
			v.Agencies, v.Services, v.LoadedAt, v.Registers = agencies, services, list.LoadedAt, list.Registers
		}
		maps.Copy(v.Agencies, agencies)
		maps.Copy(v.Services, services)
		for _, d := range list.Items {
			after = d.ID
			if strings.Contains(strings.ToLower(d.Reference), strings.ToLower(v.Find)) || found(v.Find, services[d.Service], agencies[d.Agency]) {
				v.Debts = append(v.Debts, d)
			}
		}
		if !list.HasMore || len(v.Debts) >= debtsShown {
			break
		}
	}
	if len(v.Debts) > 0 || v.Find == "" {
		return nil
	}
	return s.numberFor(ctx, v, actor)
}

// numberFor asks registers for the number of a debt that stands nowhere among those of the payer. What belongs to somebody else is not shown,
// and nothing tells it from a number that nobody knows.
func (s *Server) numberFor(ctx context.Context, v *portal.Cabinet, actor string) error {
	list, err := s.cfg.Payments.LookUpNumber(ctx, actor, payment.DebtQuery{Payer: v.Payer, Reference: strings.TrimSpace(v.Find)})
	if err != nil || len(list.Registers) == 0 {
		return err
	}
	agencies, services, err := s.namesFor(ctx, list.Items)
	if err != nil {
		return err
	}
	maps.Copy(v.Agencies, agencies)
	maps.Copy(v.Services, services)
	v.Debts, v.Registers = list.Items, payment.Overlaid(v.Registers, list.Registers)
	return nil
}

// namesFor reads the names of agencies and services of debts.
func (s *Server) namesFor(ctx context.Context, debts []debt.Debt) (agencies, services map[string]catalog.Names, err error) {
	agencies, services = map[string]catalog.Names{}, map[string]catalog.Names{}
	for _, d := range debts {
		if _, known := agencies[d.Agency]; !known {
			a, err := s.cfg.Payments.Agency(ctx, d.Agency)
			if err != nil {
				return nil, nil, err
			}
			agencies[d.Agency] = a.Names
		}
		if _, known := services[d.Service]; !known {
			v, err := s.cfg.Payments.Service(ctx, d.Service)
			if err != nil {
				return nil, nil, err
			}
			services[d.Service] = v.Names
		}
	}
	return agencies, services, nil
}

// cabinetOrder makes an order of the marked debts. The form carries a key of its page, so that a double click or the
// back button makes one order.
func (s *Server) cabinetOrder(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		form, err := readFields(r, "key", "payer", "bank", "debt")
		if err != nil {
			return nil, err
		}
		in := order.Request{Payer: form.Get("payer"), Bank: form.Get("bank"), Debts: form["debt"]}
		if !slices.Contains(payersOf(who), in.Payer) {
			return nil, refuse(codeNotOwn)
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		out, _, err := s.cfg.Payments.CreateOrder(ctx, idem, in)
		if err == nil {
			return seeOther("/cabinet/orders/" + out.ID), nil
		}
		v := portal.Cabinet{Frame: s.frame(r, who), Payer: in.Payer, ChosenBank: in.Bank, Chosen: map[string]bool{}}
		v.Address = "/cabinet"
		for _, id := range in.Debts {
			v.Chosen[id] = true
		}
		if len(in.Debts) == 0 {
			err = refuse(codeNothingChosen)
		}
		return s.cabinet(ctx, r, who, v, err)
	})(ctx, r)
}

// formKey makes the idempotency key of a form.
func formKey(r *request, who auth.Session, key string) (payment.Idem, error) {
	if len(key) < 8 || len(key) > 64 || !plain(key) {
		return payment.Idem{}, refuse(codeForm).of("key")
	}
	return payment.Idem{Caller: who.Actor(), Key: key, Hash: fingerprint(r.method, r.path, r.body)}, nil
}
