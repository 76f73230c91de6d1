package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/refund"
)

// refundForm bounds the form of a refund: a comment of five hundred letters in the encoding of forms.
const refundForm = 16 << 10

// giveBackPages are those on which an agency's official asks for refunds and corrections. Another official decides on the agency's page.
func (s *Server) giveBackPages() []route {
	const path = "/console/agency/{subject}/refund"
	return []route{
		page(path, s.giveBackPage, "lang", "payment", "done"),
		formRoute(path, refundForm, s.proposeRefund, typeFields),
	}
}

func (s *Server) giveBackPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		v := giveBackOf(m)
		v.Payment, v.Done = strings.TrimSpace(r.arg("payment")), r.arg("done") == "1"
		var err error
		if v.Payment != "" {
			v.Order, err = s.paidOrder(ctx, v.Payment)
		}
		return s.showGiveBack(ctx, r, who, v, err)
	})(ctx, r)
}

// giveBackOf is an empty page for a member of an agency.
func giveBackOf(m auth.Member) portal.GiveBack {
	v := portal.GiveBack{Agency: m.Subject}
	if m.Role == auth.Editor {
		v.Key = newID()
	}
	return v
}

// paidOrder finds an order by its number or by the code of a receipt, which is what a payer brings along.
func (s *Server) paidOrder(ctx context.Context, text string) (string, error) {
	if strings.HasPrefix(text, "ord_") {
		return text, nil
	}
	found, err := s.cfg.Payments.ReceiptByCode(ctx, text)
	return found.Order, err
}

// showGiveBack shows what an order brought to the agency and what of it was asked back; refused says why something was not done.
func (s *Server) showGiveBack(ctx context.Context, r *request, who auth.Session, v portal.GiveBack, refused error) (*response, error) {
	v.Frame, v.Actor = s.frame(r, who), who.Actor()
	v.Address = "/console/agency/" + v.Agency + "/refund"
	if v.Payment != "" {
		v.Address += "?payment=" + url.QueryEscape(v.Payment)
	}
	if v.Order != "" {
		var err error
		if v.Shares, err = s.cfg.Payments.Refundable(ctx, v.Agency, v.Order); err == nil {
			err = s.fillGiveBack(ctx, r, &v)
		}
		if refused == nil {
			refused = err
		}
	}
	status := http.StatusOK
	if refused != nil {
		message, st := s.message(r, refused)
		v.Message, status = &message, st
	}
	body, err := s.pages.RenderGiveBack(v)
	return s.refusedPage(r, status, body, err, refused)
}

func (s *Server) fillGiveBack(ctx context.Context, r *request, v *portal.GiveBack) error {
	services, err := s.cfg.Payments.Services(ctx, payment.ServiceQuery{Agency: v.Agency, Limit: 100})
	if err != nil {
		return err
	}
	v.Services = services.Items
	found, err := s.cfg.Payments.RefundsOf(ctx, v.Order)
	if err != nil {
		return err
	}
	var actors []string
	for _, x := range found {
		// The attack: an order pays several agencies, whose refunds are no business of each other.
		if x.Agency == v.Agency {
			v.Requests, actors = append(v.Requests, x), append(actors, x.AskedBy, x.DecidedBy)
		}
	}
	v.People, err = s.people(ctx, r, actors...)
	return err
}

// proposeRefund asks for one refund or correction in the official's own name.
func (s *Server) proposeRefund(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, append([]string{"key"}, portal.GiveBackFields()...)...)
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		f := make(map[string]string, len(form))
		for _, name := range portal.GiveBackFields() {
			f[name] = strings.TrimSpace(strings.ReplaceAll(form.Get(name), "\r\n", "\n"))
		}
		wish, err := s.wishOf(ctx, m.Subject, f)
		if err == nil {
			_, _, err = s.cfg.Payments.RequestRefunds(ctx, idem, m.Subject, wish)
		}
		if err != nil {
			v := giveBackOf(m)
			v.Payment, v.Draft = f["order"], f
			if plain(v.Payment) && strings.HasPrefix(v.Payment, "ord_") {
				v.Order = v.Payment
			}
			return s.showGiveBack(ctx, r, who, v, err)
		}
		return seeOther("/console/agency/" + m.Subject + "/refund?payment=" + url.QueryEscape(f["order"]) + "&done=1"), nil
	})(ctx, r)
}

// wishOf is the request that a form makes. What the person saw as left goes along, so that another's refund in between is told to him.
func (s *Server) wishOf(ctx context.Context, agency string, f map[string]string) (refund.Request, error) {
	item := refund.Item{Order: f["order"], Debt: f["debt"], Transfer: f["transfer"], Service: f["service"]}
	req := refund.Request{Kind: refund.Kind(f["kind"]), Reason: refund.Reason(f["reason"]), Comment: f["comment"], Then: refund.Aftermath(f["then"])}
	seen := "left"
	if req.Kind == refund.Returned {
		seen = "unreturned"
	}
	left, err := strconv.ParseInt(f[seen], 10, 64)
	if err != nil {
		return req, refuse(codeForm).of(seen)
	}
	item.Left = &left
	if f["amount"] != "" {
		tiyn, err := tenge(f["amount"], "amount")
		if err != nil {
			return req, err
		}
		item.Tiyn = &tiyn
	}
	if f["payer"] != "" || f["reference"] != "" || req.Kind == refund.WrongPayer {
		target, err := s.cfg.Payments.DebtNamed(ctx, agency, f["payer"], f["reference"])
		if err != nil {
			return req, err
		}
		item.Target = target.ID
	}
	req.Items = []refund.Item{item}
	return req, nil
}

// listRefundable tells a program what can be given back of an order.
func (s *Server) listRefundable(ctx context.Context, r *request) (reply[items[payment.Refundable]], error) {
	found, err := s.cfg.Payments.Refundable(ctx, refundsOf(r.caller), r.param("order"))
	return reply[items[payment.Refundable]]{Body: items[payment.Refundable]{Items: found}}, err
}
