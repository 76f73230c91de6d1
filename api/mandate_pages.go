package api

import (
	"context"
	"encoding/hex"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/mandate"
	"qaqpa/payment/order"
)

// mandatePages are the pages of agreements for repeated payments: a payer gives one with his EDS, sees what was paid by it, and revokes it.
func (s *Server) mandatePages() []route {
	const all, one = "/cabinet/mandates", "/cabinet/mandates/{mandate}"
	return []route{
		page(all, s.mandatesPage, "lang", "payer"),
		formRoute(all, free, s.mandateDraft, typeFields),
		page(one, s.mandatePage, "lang", "before"),
		page(one+"/document", s.ownMandateDocument).as(typeBytes),
		formRoute(one+"/sign", s.cfg.Limits.SignatureBytes+free, s.mandateSign, typeForm),
		formRoute(one+"/revoke", free, s.mandateRevoke, typeFields),
		formRoute(one+"/qr", free, s.mandateQR, typeFields).emptied(),
		page(one+"/qr", s.mandateQRPage, "lang"),
		formRoute("/cabinet/orders/{order}/mandate", free, s.orderByMandate, typeFields),
	}
}

// ownMandate wraps pages of one agreement: for who may pay for its payer. To anybody else it does not exist.
func (s *Server) ownMandate(serve func(ctx context.Context, r *request, who auth.Session, m payment.Mandate) (*response, error)) endpoint {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		m, err := s.cfg.Payments.Mandate(ctx, r.param("mandate"))
		if err == nil && !slices.Contains(payersOf(who), m.Payer) {
			err = payment.ErrMandateUnknown
		}
		if err != nil {
			return nil, err
		}
		return serve(ctx, r, who, m)
	})
}

func (s *Server) mandatesPage(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		return s.showMandates(ctx, r, who, portal.Mandates{Frame: s.frame(r, who), Payer: payerNamed(who, r.arg("payer"))}, nil)
	})(ctx, r)
}

// showMandates lists a payer's agreements over the form of a new one; refused is what became of a form that comes back.
func (s *Server) showMandates(ctx context.Context, r *request, who auth.Session, v portal.Mandates, refused error) (*response, error) {
	v.Payers = payersOf(who)
	if len(v.Payers) == 0 {
		return nil, refuse(codeNoAuthority)
	}
	if v.Payer == "" {
		v.Payer = v.Payers[0]
	}
	if !slices.Contains(v.Payers, v.Payer) {
		return nil, refuse(codeNotOwn)
	}
	var err error
	if v.Mandates, err = s.cfg.Payments.Mandates(ctx, v.Payer); err != nil {
		return nil, err
	}
	if v.Banks, err = s.cfg.Payments.Banks(ctx); err != nil {
		return nil, err
	}
	if err := s.offered(ctx, &v, who.Actor()); err != nil {
		return nil, err
	}
	if v.Until == "" {
		v.Until = string(catalog.DateOf(s.cfg.Now().AddDate(1, 0, 0)))
	}
	v.First, v.Key = catalog.DateOf(s.cfg.Now()), newID()
	status := http.StatusOK
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
		if p := classify(refused); p.code == code(payment.ErrInvalid.Code) || p.code == codeAmount {
			v.Wrong, _, _ = strings.Cut(strings.Trim(p.field, "/"), "/")
		}
	}
	body, err := s.pages.RenderMandates(v)
	return s.told(r, status, body, refused, err)
}

// servicesOffered bounds the services among which a payer chooses on one page.
const servicesOffered = 60

// offered finds the services that an agreement may name: first those that are chosen or owed for, then those of the catalogue that have the
// words which are looked for.
func (s *Server) offered(ctx context.Context, v *portal.Mandates, actor string) error {
	cabinet := portal.Cabinet{Payer: v.Payer}
	if err := s.debtsFor(ctx, &cabinet, actor); err != nil {
		return err
	}
	v.Agencies = map[string]catalog.Names{}
	first := v.Chosen
	for _, d := range cabinet.Debts {
		first = append(first, d.Service)
	}
	for _, id := range first {
		if slices.ContainsFunc(v.Services, func(o catalog.Service) bool { return o.ID == id }) {
			continue
		}
		service, err := s.cfg.Payments.Service(ctx, id)
		if err != nil {
			return err
		}
		if err := s.offer(ctx, v, service); err != nil {
			return err
		}
	}
	after := ""
	for range feesPages {
		list, err := s.cfg.Payments.Services(ctx, payment.ServiceQuery{After: after, Limit: 100})
		if err != nil {
			return err
		}
		for _, service := range list.Items {
			if after = service.ID; service.WithoutDebt || slices.ContainsFunc(v.Services, func(o catalog.Service) bool { return o.ID == service.ID }) {
				continue
			}
			if err := s.offer(ctx, v, service); err != nil || v.More {
				return err
			}
		}
		if !list.HasMore {
			return nil
		}
	}
	return nil
}

// offer adds a service to the form unless its words are not those that are looked for, or the page is full. What is chosen stays.
func (s *Server) offer(ctx context.Context, v *portal.Mandates, service catalog.Service) error {
	if _, known := v.Agencies[service.Agency]; !known {
		a, err := s.cfg.Payments.Agency(ctx, service.Agency)
		if err != nil {
			return err
		}
		v.Agencies[service.Agency] = a.Names
	}
	if !slices.Contains(v.Chosen, service.ID) && !found(v.Find, service.Names, v.Agencies[service.Agency]) {
		return nil
	}
	if v.More = len(v.Services) >= servicesOffered; !v.More {
		v.Services = append(v.Services, service)
	}
	return nil
}

// mandateDraft makes an agreement, which waits for the payer's signature, or narrows the services of the form and keeps the rest of it.
func (s *Server) mandateDraft(ctx context.Context, r *request) (*response, error) {
	return s.signedIn(func(ctx context.Context, r *request, who auth.Session) (*response, error) {
		form, err := readRepeated(r, "service", "key", "payer", "bank", "service", "payment_max", "month_max", "until", "find", "found", "do")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		v := portal.Mandates{
			Frame: s.frame(r, who), Payer: form.Get("payer"), ChosenBank: form.Get("bank"), Chosen: form["service"], PaymentMax: form.Get("payment_max"),
			MonthMax: form.Get("month_max"), Until: form.Get("until"), Find: strings.TrimSpace(form.Get("find")),
		}
		if !slices.Contains(payersOf(who), v.Payer) {
			return nil, refuse(codeNotOwn)
		}
		// Whoever presses Enter in one of the sums presses the first button of the form, which looks for services: words that were not
		// looked for yet mean a search, and nothing else does.
		if v.Find != form.Get("found") || (form.Get("do") == "find" && v.PaymentMax+v.MonthMax == "") {
			v.Chosen = known(ctx, s, v.Chosen)
			return s.showMandates(ctx, r, who, v, nil)
		}
		in := mandate.Request{Payer: v.Payer, Bank: v.ChosenBank, Services: v.Chosen, Until: catalog.Date(v.Until), Language: string(s.pageLanguage(r, ""))}
		in.PaymentMax, err = tenge(v.PaymentMax, "payment_max")
		if err == nil {
			in.MonthMax, err = tenge(v.MonthMax, "month_max")
		}
		var made payment.Mandate
		if err == nil {
			made, _, err = s.cfg.Payments.CreateMandate(ctx, idem, in)
		}
		if err == nil {
			return seeOther("/cabinet/mandates/" + made.ID), nil
		}
		v.Chosen = known(ctx, s, v.Chosen)
		return s.showMandates(ctx, r, who, v, err)
	})(ctx, r)
}

// known leaves out what is no service: a form may name anything.
func known(ctx context.Context, s *Server, ids []string) []string {
	var out []string
	for _, id := range ids {
		if _, err := s.cfg.Payments.Service(ctx, id); err == nil && !slices.Contains(out, id) && len(out) < mandate.ServicesMax {
			out = append(out, id)
		}
	}
	return out
}

func (s *Server) mandatePage(ctx context.Context, r *request) (*response, error) {
	return s.ownMandate(func(ctx context.Context, r *request, who auth.Session, m payment.Mandate) (*response, error) {
		return s.showMandate(ctx, r, who, m, nil)
	})(ctx, r)
}

// showMandate shows an agreement as it stands; refused is what became of a form.
func (s *Server) showMandate(ctx context.Context, r *request, who auth.Session, m payment.Mandate, refused error) (*response, error) {
	v := portal.Mandate{Frame: s.frame(r, who), Mandate: m, Key: newID(), IIN: who.IIN, Agencies: map[string]catalog.Names{}}
	v.Address = "/cabinet/mandates/" + m.ID
	if m.Payer == who.BIN {
		v.BIN = who.BIN
	}
	banks, err := s.cfg.Payments.Banks(ctx)
	if err != nil {
		return nil, err
	}
	v.Bank = m.Bank
	if i := slices.IndexFunc(banks, func(b catalog.Bank) bool { return b.BIC == m.Bank }); i >= 0 {
		v.Bank = banks[i].Name
	}
	for _, service := range m.Services {
		a, err := s.cfg.Payments.Agency(ctx, service.Agency)
		if err != nil {
			return nil, err
		}
		v.Agencies[service.Agency] = a.Names
	}
	q := payment.MandateEventQuery{Newest: true, Limit: rowsShown}
	if text := r.arg("before"); text != "" { // a page that was turned
		if q.After, err = strconv.Atoi(text); err != nil || q.After < 1 || q.After > math.MaxInt32 {
			return nil, refuse(codeQuery).of("before")
		}
	}
	events, err := s.cfg.Payments.MandateEvents(ctx, m.ID, q)
	if err != nil {
		return nil, err
	}
	v.Events, v.Older = events.Items, events.HasMore
	status := http.StatusOK
	if refused != nil {
		told, st := s.message(r, refused)
		v.Message, status = &told, st
	}
	body, err := s.pages.RenderMandate(v)
	resp, err := s.told(r, status, body, refused, err)
	if err == nil {
		resp.set("Content-Security-Policy", signingPolicy)
	}
	return resp, err
}

// ownMandateDocument gives the stored bytes that the payer signs.
func (s *Server) ownMandateDocument(ctx context.Context, r *request) (*response, error) {
	return s.ownMandate(func(ctx context.Context, _ *request, _ auth.Session, m payment.Mandate) (*response, error) {
		doc, err := s.cfg.Payments.MandateDocument(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		return download(typeBytes, m.ID+".json", doc), nil
	})(ctx, r)
}

// mandateSignature is the key under which a signature is taken: the same one, through the page or through the phone, finds its first answer.
func mandateSignature(caller, id string, cms []byte) payment.Idem {
	sum := fingerprint(http.MethodPost, "/cabinet/mandates/"+id+"/sign", cms)
	return payment.Idem{Caller: caller, Key: hex.EncodeToString(sum[:]), Hash: sum}
}

func (s *Server) mandateSign(ctx context.Context, r *request) (*response, error) {
	return s.ownMandate(func(ctx context.Context, r *request, who auth.Session, m payment.Mandate) (*response, error) {
		cms, err := signatureOf(r)
		if err == nil {
			_, _, err = s.cfg.Payments.SignMandate(ctx, mandateSignature(who.Actor(), m.ID, cms), m.ID, cms)
		}
		return s.afterMandate(ctx, r, who, m, err)
	})(ctx, r)
}

// mandateRevoke ends an agreement. It needs no EDS: whoever is in this cabinet, by a code too, may take back what lets money move, and nobody
// is hurt by that.
func (s *Server) mandateRevoke(ctx context.Context, r *request) (*response, error) {
	return s.ownMandate(func(ctx context.Context, r *request, who auth.Session, m payment.Mandate) (*response, error) {
		form, err := readFields(r, "key")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		_, _, err = s.cfg.Payments.RevokeMandate(ctx, idem, m.ID)
		return s.afterMandate(ctx, r, who, m, err)
	})(ctx, r)
}

// afterMandate sends the browser to the agreement's page, or shows what was refused with the state that holds now.
func (s *Server) afterMandate(ctx context.Context, r *request, who auth.Session, m payment.Mandate, refused error) (*response, error) {
	if refused == nil {
		return seeOther("/cabinet/mandates/" + m.ID), nil
	}
	now, err := s.cfg.Payments.Mandate(ctx, m.ID)
	if err != nil {
		return nil, refused
	}
	return s.showMandate(ctx, r, who, now, refused)
}

// addAgreements offers to pay an order by the agreements that cover it now.
func (s *Server) addAgreements(ctx context.Context, v *portal.Order) error {
	if v.Order.State != order.Created || len(v.Order.Signers) > 0 || v.Order.SignaturesNeeded > 1 {
		return nil
	}
	list, err := s.cfg.Payments.Mandates(ctx, v.Order.Payer)
	if err != nil {
		return err
	}
	asked := mandate.Asked{Payer: v.Order.Payer, Bank: v.Order.Bank, Tiyn: v.Order.Tiyn + v.Order.Commission, On: catalog.DateOf(s.cfg.Now())}
	for _, item := range v.Document.Items {
		asked.Services = append(asked.Services, item.Service)
	}
	for _, m := range list {
		asked.Spent = m.Spent
		terms := mandate.Document{Payer: m.Payer, Bank: mandate.Bank{BIC: m.Bank}, Services: m.Services, PaymentMax: m.PaymentMax, MonthMax: m.MonthMax, Until: m.Until}
		if m.State == payment.MandateActive && terms.Allows(asked) == nil {
			v.Agreements = append(v.Agreements, m)
		}
	}
	return nil
}

// orderByMandate pays an order by an agreement of its payer. The domain holds it to the terms once more, under the agreement's lock.
func (s *Server) orderByMandate(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		form, err := readFields(r, "key", "mandate")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		_, _, err = s.cfg.Payments.AuthoriseByMandate(ctx, idem, o.ID, form.Get("mandate"))
		return s.after(ctx, r, who, o, err)
	})(ctx, r)
}

// mandateTicket names the QR code of an agreement within a session.
func mandateTicket(r *request, m payment.Mandate) string {
	return auth.TicketToken(find(r.cookies, cookieSession), auth.TicketMandate, m.ID)
}

func (s *Server) mandateQR(ctx context.Context, r *request) (*response, error) {
	return s.ownMandate(func(ctx context.Context, r *request, who auth.Session, m payment.Mandate) (*response, error) {
		if m.State == payment.MandateUnsigned {
			t := auth.Ticket{Purpose: auth.TicketMandate, Subject: m.ID, Owner: who.Actor()}
			if err := s.cfg.Keys.OpenTicket(ctx, mandateTicket(r, m), t); err != nil {
				return nil, err
			}
		}
		return seeOther("/cabinet/mandates/" + m.ID + "/qr"), nil
	})(ctx, r)
}

// mandateQRPage waits for the phone; once the agreement holds its own page tells the rest.
func (s *Server) mandateQRPage(ctx context.Context, r *request) (*response, error) {
	return s.ownMandate(func(ctx context.Context, r *request, who auth.Session, m payment.Mandate) (*response, error) {
		name := mandateTicket(r, m)
		t, err := s.cfg.Keys.Ticket(ctx, name)
		path := "/cabinet/mandates/" + m.ID
		if m.State != payment.MandateUnsigned || t.State == auth.TicketSigned {
			return seeOther(path), nil
		}
		v := portal.MobileSign{Frame: s.frame(r, who), Purpose: auth.TicketMandate, Back: path, Again: path + "/qr"}
		v.Address = s.mobileAddress(name)
		return s.waiting(r, v, t, err)
	})(ctx, r)
}
