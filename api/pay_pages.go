package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// payPages are the pages of instalments and of fees without a debt (R41).
func (s *Server) payPages() []route {
	return []route{
		page("/fees", s.feesPage, "lang", "find"),
		page("/cabinet/fees/{service}", s.feePage, "lang", "payer"),
		formRoute("/cabinet/fees/{service}", free, s.feeOrder, typeFields),
		page("/cabinet/debts/{debt}", s.partPage, "lang"),
		formRoute("/cabinet/debts/{debt}", free, s.partOrder, typeFields),
	}
}

// ownDebt wraps the pages of one debt, for who may pay it. To anybody else it does not exist.
func (s *Server) ownDebt(serve func(ctx context.Context, r *request, who auth.Session, d debt.Debt) (*response, error)) endpoint {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		d, err := s.cfg.Payments.Debt(ctx, r.param("debt"))
		if err == nil && (d.OwnFee || !slices.Contains(payersOf(who), d.Payer.ID)) {
			err = payment.ErrDebtUnknown
		}
		if err != nil {
			return nil, err
		}
		return serve(ctx, r, who, d)
	})
}

func (s *Server) partPage(ctx context.Context, r *request) (*response, error) {
	return s.ownDebt(func(ctx context.Context, r *request, who auth.Session, d debt.Debt) (*response, error) {
		return s.showPart(ctx, r, portal.Part{Frame: s.frame(r, who), Debt: d}, nil)
	})(ctx, r)
}

// showPart shows what is left of a debt; refused is what became of a form that comes back.
func (s *Server) showPart(ctx context.Context, r *request, v portal.Part, refused error) (*response, error) {
	agencies, services, err := s.namesFor(ctx, []debt.Debt{v.Debt})
	if err != nil {
		return nil, err
	}
	v.Agency, v.Service = agencies[v.Debt.Agency], services[v.Debt.Service]
	if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
		return nil, err
	}
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	v.Key = newID()
	body, err := s.pages.RenderPart(v)
	return s.told(r, status, body, refused, err)
}

// told shows a page that may carry a refusal.
func (s *Server) told(r *request, status int, body []byte, refused, err error) (*response, error) {
	resp, err := s.show(r, status, body, err)
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// partOrder orders a part of a debt. What is left is judged when the order is made and once more when it is signed: of several tabs
// that race for the rest, the later is told what is left.
func (s *Server) partOrder(ctx context.Context, r *request) (*response, error) {
	return s.ownDebt(func(ctx context.Context, r *request, who auth.Session, d debt.Debt) (*response, error) {
		form, err := readFields(r, "key", "sum", "bank")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		tiyn, err := tenge(form.Get("sum"), "sum")
		if err == nil {
			var made order.Order
			made, _, err = s.cfg.Payments.CreateOrder(ctx, idem, order.Request{
				Payer: d.Payer.ID, Debts: []string{d.ID}, Bank: form.Get("bank"), Instalments: []order.Instalment{{Debt: d.ID, Tiyn: tiyn}},
			})
			if err == nil {
				return seeOther("/cabinet/orders/" + made.ID), nil
			}
		}
		return s.showPart(ctx, r, portal.Part{Frame: s.frame(r, who), Debt: d, Sum: form.Get("sum"), ChosenBank: form.Get("bank")}, err)
	})(ctx, r)
}

// Bounds of the list of fees.
const (
	feesShown = 100
	// feesPages is how many pages of the catalogue are read for one list.
	feesPages = 20
)

// feesPage lists what can be paid without a debt, to everybody. The attack: who asks for it again and again has the catalogue read
// each time; strangers are slowed down like those who try codes.
func (s *Server) feesPage(ctx context.Context, r *request) (*response, error) {
	who, err := s.visitor(ctx, r)
	if err != nil {
		return nil, err
	}
	if !who.Known() && !s.public.allow(r.remote, s.cfg.Now()) {
		return nil, refuse(codeTooMany)
	}
	v := portal.Fees{Frame: s.frame(r, who), Find: strings.TrimSpace(r.arg("find")), Agencies: map[string]catalog.Names{}}
	after := ""
	for range feesPages {
		list, err := s.cfg.Payments.Services(ctx, payment.ServiceQuery{After: after, Limit: 100})
		if err != nil {
			return nil, err
		}
		for _, service := range list.Items {
			after = service.ID
			if !service.WithoutDebt {
				continue
			}
			if _, known := v.Agencies[service.Agency]; !known {
				a, err := s.cfg.Payments.Agency(ctx, service.Agency)
				if err != nil {
					return nil, err
				}
				v.Agencies[service.Agency] = a.Names
			}
			if !found(v.Find, service.Names, v.Agencies[service.Agency]) {
				continue
			}
			if v.More = len(v.Services) == feesShown; !v.More {
				v.Services = append(v.Services, service)
			}
		}
		if !list.HasMore || v.More {
			break
		}
	}
	body, err := s.pages.RenderFees(v)
	return s.show(r, http.StatusOK, body, err)
}

// found reports whether one of the names has the words, in whatever language and case; no words find everything.
func found(words string, names ...catalog.Names) bool {
	words = strings.ToLower(words)
	return words == "" || slices.ContainsFunc(names, func(n catalog.Names) bool {
		return strings.Contains(strings.ToLower(n.KK), words) || strings.Contains(strings.ToLower(n.RU), words) || strings.Contains(strings.ToLower(n.EN), words)
	})
}

func (s *Server) feePage(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		v := portal.Fee{Frame: s.frame(r, who), Payer: payerNamed(who, r.arg("payer")), ID: r.param("service")}
		return s.showFee(ctx, r, who, v, nil)
	})(ctx, r)
}

// showFee shows the form of a fee with what is known; refused is what became of a form that comes back.
func (s *Server) showFee(ctx context.Context, r *request, who auth.Session, v portal.Fee, refused error) (*response, error) {
	var err error
	if v.Payers, v.Payer, err = chosenPayer(who, v.Payer); err != nil {
		return nil, err
	}
	claim, err := claimOf(v.Claim)
	if err != nil && refused == nil {
		refused = err
	}
	form, err := s.cfg.Payments.FeeForm(ctx, v.ID, v.Payer, claim)
	if err != nil && claim != 0 { // a claim that cannot be: the form is shown without it
		if refused == nil {
			refused = err
		}
		form, err = s.cfg.Payments.FeeForm(ctx, v.ID, v.Payer, 0)
	}
	if err != nil {
		return nil, err
	}
	service, err := s.cfg.Payments.Service(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	agency, err := s.cfg.Payments.Agency(ctx, service.Agency)
	if err != nil {
		return nil, err
	}
	v.Service, v.Agency, v.NeedsClaim, v.Basis, v.Quote = form.Names, agency.Names, form.NeedsClaim, form.Basis, form.Quote
	if v.Key == "" { // the first look: what is known is filled in
		v.Name, v.ChosenBank = form.Payer.Name, form.Bank
		if v.Name == "" && v.Payer == who.IIN {
			v.Name = who.Name
		}
	}
	if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
		return nil, err
	}
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	v.Key = newID()
	body, err := s.pages.RenderFee(v)
	return s.told(r, status, body, refused, err)
}

// claimOf reads the amount of a claim; 0 for none.
func claimOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	return tenge(text, "claim")
}

// nameMax is the longest name and purpose of a fee, in characters.
const nameMax = 200

// feeOrder reckons a fee, or orders it. The order is for the sum that the payer saw: when the tariff, the day or the claim has made it
// another one since, the form comes back with the new sum.
func (s *Server) feeOrder(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		form, err := readFields(r, "key", "payer", "name", "purpose", "claim", "shown", "bank", "do")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		v := portal.Fee{
			Frame: s.frame(r, who), ID: r.param("service"), Payer: form.Get("payer"), Name: strings.TrimSpace(form.Get("name")),
			Purpose: strings.TrimSpace(form.Get("purpose")), Claim: form.Get("claim"), ChosenBank: form.Get("bank"), Key: form.Get("key"),
		}
		for field, text := range map[string]string{"name": v.Name, "purpose": v.Purpose} {
			if utf8.RuneCountInString(text) > nameMax {
				return nil, refuse(codeForm).of(field)
			}
		}
		if !slices.Contains(payersOf(who), v.Payer) {
			return nil, refuse(codeNotOwn)
		}
		shown, err := shownOf(form.Get("shown"))
		if err != nil {
			return nil, err
		}
		claim, err := claimOf(v.Claim)
		if form.Get("do") != "pay" || shown == 0 || err != nil {
			return s.showFee(ctx, r, who, v, err)
		}
		made, _, err := s.cfg.Payments.CreateFeeOrder(ctx, idem, payment.FeeRequest{
			Service: v.ID, Payer: debt.Payer{ID: v.Payer, Name: v.Name}, Bank: v.ChosenBank, Claim: claim, Purpose: v.Purpose, Shown: shown,
		})
		if err == nil {
			return seeOther("/cabinet/orders/" + made.ID), nil
		}
		return s.showFee(ctx, r, who, v, err)
	})(ctx, r)
}

// shownOf reads the sum that the page showed, in tiyn; 0 where it showed none.
func shownOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	shown, err := strconv.ParseInt(text, 10, 64)
	if err != nil || shown <= 0 {
		return 0, refuse(codeForm).of("shown")
	}
	return shown, nil
}
