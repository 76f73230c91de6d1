package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"

	"qaqpa/api/auth"
	"qaqpa/api/egovqr"
	"qaqpa/api/language"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// mobileRoutes are what the application eGov Mobile asks after it has read one of our QR codes. Their messages are that application's,
// which is why openapi.yaml leaves them out.
func (s *Server) mobileRoutes() []route {
	const document = "/mobile/{ticket}/document"
	// A signature in base64, and what stands around it.
	answer := post(document, "", 2*s.cfg.Limits.SignatureBytes, s.mobileAnswer).slowly()
	answer.method = http.MethodPut
	return []route{
		get("/mobile/{ticket}", "", s.mobileInvitation).slowly(),
		get(document, "", s.mobileDocument).slowly(),
		answer,
	}
}

// mobileAddress is where the phone asks for a ticket.
func (s *Server) mobileAddress(ticket string) string { return s.cfg.BaseURL + "/mobile/" + ticket }

// mobileToken shows that whoever asks for the document has read the invitation.
func mobileToken(ticket string) string {
	mac := hmac.New(sha256.New, []byte(ticket))
	mac.Write([]byte("document"))
	return hex.EncodeToString(mac.Sum(nil))
}

func jsonOf(v any) (*response, error) {
	body, err := json.Marshal(v)
	return &response{status: http.StatusOK, contentType: typeJSON, body: body}, err
}

// inAll is a text of a page in the three languages.
func (s *Server) inAll(id string) egovqr.Organisation {
	return egovqr.Organisation{
		NameKz: s.texts.Text(language.KK, id, nil), NameRu: s.texts.Text(language.RU, id, nil), NameEn: s.texts.Text(language.EN, id, nil),
	}
}

// mobileInvitation says who asks and for what.
func (s *Server) mobileInvitation(ctx context.Context, r *request) (*response, error) {
	t, err := s.cfg.Keys.Ticket(ctx, r.param("ticket"))
	if err != nil {
		return nil, err
	}
	names := s.inAll("mobilesign.ask." + t.Purpose)
	address := s.mobileAddress(r.param("ticket")) + "/document"
	return jsonOf(egovqr.NewInvitation(names.NameKz+" · "+names.NameRu, s.cfg.Issuer, address, mobileToken(r.param("ticket")), t.ExpiresAt))
}

// ticketOf finds the ticket of a phone that has read its invitation.
func (s *Server) ticketOf(ctx context.Context, r *request) (auth.Ticket, error) {
	t, err := s.cfg.Keys.Ticket(ctx, r.param("ticket"))
	if err == nil && subtle.ConstantTimeCompare([]byte(r.token), []byte(mobileToken(r.param("ticket")))) != 1 {
		err = auth.ErrNoTicket
	}
	if err == nil && t.State == auth.TicketSigned {
		err = auth.ErrNoTicket
	}
	return t, err
}

// ticketDocument is what the phone signs: our stored bytes, never what comes back.
func (s *Server) ticketDocument(ctx context.Context, t auth.Ticket) (document []byte, mime string, meta []egovqr.Meta, err error) {
	if t.Purpose == auth.TicketSignIn {
		document, err = s.cfg.Keys.TicketChallenge(ctx, t)
		return document, typeText, nil, err
	}
	if t.Purpose == auth.TicketMandate {
		if document, err = s.cfg.Payments.MandateDocument(ctx, t.Subject); err != nil {
			return nil, "", nil, err
		}
		m, err := s.cfg.Payments.Mandate(ctx, t.Subject)
		return document, typeJSON, []egovqr.Meta{s.sumOf("mobilesign.month", money.FromTiyn(m.MonthMax))}, err
	}
	if document, err = s.cfg.Payments.OrderDocument(ctx, t.Subject); err != nil {
		return nil, "", nil, err
	}
	o, err := s.cfg.Payments.Order(ctx, t.Subject)
	return document, typeJSON, []egovqr.Meta{s.sumOf("mobilesign.sum", money.FromTiyn(o.Tiyn+o.Commission))}, err // what leaves the account
}

// sumOf is an amount that the phone shows beside the document.
func (s *Server) sumOf(id string, sum money.Amount) egovqr.Meta {
	name := s.inAll(id)
	return egovqr.Meta{Name: name.NameKz + " · " + name.NameRu, Value: sum.Decimal() + " KZT"}
}

func (s *Server) mobileDocument(ctx context.Context, r *request) (*response, error) {
	t, err := s.ticketOf(ctx, r)
	if err != nil {
		return nil, err
	}
	document, mime, meta, err := s.ticketDocument(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Keys.MarkTicket(ctx, r.param("ticket"), auth.TicketFetched, "", auth.Person{}); err != nil {
		return nil, err
	}
	return jsonOf(egovqr.NewDocuments(s.inAll("mobilesign.ask."+t.Purpose), mime, document, meta))
}

// mobileAnswer judges what the phone has signed. What is refused is told to the phone and to the page that waits; what could not be
// judged just now is told to the phone alone, which may try again.
func (s *Server) mobileAnswer(ctx context.Context, r *request) (*response, error) {
	t, err := s.ticketOf(ctx, r)
	if err != nil {
		return nil, err
	}
	who, err := s.takeMobile(ctx, r, t)
	if err == nil {
		if err := s.cfg.Keys.MarkTicket(ctx, r.param("ticket"), auth.TicketSigned, "", who); err != nil {
			return nil, err
		}
		return jsonOf(struct{}{})
	}
	p := classify(err)
	if s.statuses[p.code] >= http.StatusInternalServerError {
		return nil, err
	}
	return nil, errors.Join(err, s.cfg.Keys.MarkTicket(ctx, r.param("ticket"), auth.TicketRefused, string(p.code), auth.Person{}))
}

// takeMobile does with a signature what its ticket is for.
func (s *Server) takeMobile(ctx context.Context, r *request, t auth.Ticket) (auth.Person, error) {
	cms, err := s.phones.Signature(r.body)
	if errors.Is(err, egovqr.ErrAnswer) {
		err = refuse(codeSignatureMissing).because(err)
	}
	if err != nil {
		return auth.Person{}, err
	}
	if t.Purpose == auth.TicketSignIn {
		document, err := s.cfg.Keys.TicketChallenge(ctx, t)
		if err != nil {
			return auth.Person{}, err
		}
		return s.signerOf(ctx, cms, document)
	}
	if t.Purpose == auth.TicketMandate {
		_, _, err = s.cfg.Payments.SignMandate(ctx, mandateSignature(t.Owner, t.Subject, cms), t.Subject, cms)
		return auth.Person{}, err
	}
	// The same signature again finds its first answer, as when it comes through the page of the order.
	sum := fingerprint(http.MethodPost, "/cabinet/orders/"+t.Subject+"/sign", cms)
	_, _, err = s.cfg.Payments.Authorise(ctx, payment.Idem{Caller: t.Owner, Key: hex.EncodeToString(sum[:]), Hash: sum}, t.Subject, cms)
	return auth.Person{}, err
}

// signInQR begins the life of a QR code for this browser.
func (s *Server) signInQR(ctx context.Context, r *request) (*response, error) {
	token, set, err := s.challenged(ctx, r)
	if err != nil {
		return nil, err
	}
	subject, err := auth.ChallengeSubject(token)
	if err != nil {
		return nil, err
	}
	ticket := auth.TicketToken(token, auth.TicketSignIn, subject)
	if err := s.cfg.Keys.OpenTicket(ctx, ticket, auth.Ticket{Purpose: auth.TicketSignIn, Subject: subject}); err != nil {
		return nil, err
	}
	resp := seeOther("/sign-in/qr")
	set(resp)
	return resp, nil
}

// signInQRPage waits for the phone, and begins the session when it has signed: in the browser that showed the code, and in no other.
func (s *Server) signInQRPage(ctx context.Context, r *request) (*response, error) {
	token := find(r.cookies, cookieChallenge)
	subject, err := auth.ChallengeSubject(token)
	if err != nil {
		return seeOther("/sign-in"), nil //nolint:nilerr // nothing was begun here
	}
	name := auth.TicketToken(token, auth.TicketSignIn, subject)
	t, err := s.cfg.Keys.Ticket(ctx, name)
	if err == nil && t.State == auth.TicketSigned {
		who, err := auth.TicketPerson(t)
		if err != nil {
			return nil, err
		}
		session, _, err := s.cfg.Keys.SignIn(ctx, token, who, auth.ByEDS, r.from())
		if err != nil {
			return s.signInForm(r, err)
		}
		return s.entered(session, "/cabinet"), nil
	}
	v := portal.MobileSign{Frame: s.frame(r, auth.Session{}), Purpose: auth.TicketSignIn, Back: "/sign-in", Again: "/sign-in/qr"}
	v.Address = s.mobileAddress(name)
	return s.waiting(r, v, t, err)
}

// waiting shows the page that waits for a phone.
func (s *Server) waiting(r *request, v portal.MobileSign, t auth.Ticket, err error) (*response, error) {
	switch {
	case errors.Is(err, auth.ErrNoTicket):
		v.Address = ""
	case err != nil:
		return nil, err
	}
	v.Frame.Address, v.Fetched, v.Until = r.path, t.State == auth.TicketFetched, t.ExpiresAt
	if t.State == auth.TicketRefused {
		m, _ := s.message(r, refuse(code(t.Refusal)))
		v.Message = &m
	}
	body, err := s.pages.RenderMobileSign(v)
	resp, err := s.show(r, http.StatusOK, body, err)
	if err == nil {
		resp.set("Content-Security-Policy", verifyPolicy)
	}
	return resp, err
}

// orderTicket names the QR code of an order within a session: it is of no use to another one.
func orderTicket(r *request, o order.Order) string {
	return auth.TicketToken(find(r.cookies, cookieSession), auth.TicketOrder, o.ID)
}

func (s *Server) orderQR(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		if o.State == order.Created {
			t := auth.Ticket{Purpose: auth.TicketOrder, Subject: o.ID, Owner: who.Actor()}
			if err := s.cfg.Keys.OpenTicket(ctx, orderTicket(r, o), t); err != nil {
				return nil, err
			}
		}
		return seeOther("/cabinet/orders/" + o.ID + "/qr"), nil
	})(ctx, r)
}

// orderQRPage waits for the phone. Once the order is on its way, or the code was used, the order's own page tells the rest.
func (s *Server) orderQRPage(ctx context.Context, r *request) (*response, error) {
	return s.ownOrder(func(ctx context.Context, r *request, who auth.Session, o order.Order) (*response, error) {
		name := orderTicket(r, o)
		t, err := s.cfg.Keys.Ticket(ctx, name)
		if o.State != order.Created || t.State == auth.TicketSigned {
			return seeOther("/cabinet/orders/" + o.ID), nil
		}
		path := "/cabinet/orders/" + o.ID
		v := portal.MobileSign{Frame: s.frame(r, who), Purpose: auth.TicketOrder, Back: path, Again: path + "/qr"}
		v.Address = s.mobileAddress(name)
		return s.waiting(r, v, t, err)
	})(ctx, r)
}
