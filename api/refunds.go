package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// refundRoutes are those of refunds and corrections of executed payments.
func (s *Server) refundRoutes() ([]route, error) {
	l := s.cfg.Limits
	ask, err1 := handle(s.requestRefunds)
	decide, err2 := handle(s.decideRefund)
	return []route{
		change("/v1/refunds", auth.RefundsWrite, l.JSONBytes, ask),
		get("/v1/refunds", auth.RefundsRead, answer(s.listRefunds), "agency", "state", "batch", "starting_after", "limit"),
		get("/v1/refunds/{refund}", auth.RefundsRead, answer(s.getRefund)),
		change("/v1/refunds/{refund}/decisions", auth.RefundsWrite, l.JSONBytes, decide),
		get("/v1/orders/{order}/refundable", auth.RefundsRead, answer(s.listRefundable)),
		get("/v1/orders/{order}/refunds", auth.OrdersRead, answer(s.listOrderRefunds)),
	}, errors.Join(err1, err2)
}

// refundsOf is the agency to which a caller is limited; the operator is not.
func refundsOf(c auth.Caller) string {
	if c.Kind == auth.Agency {
		return c.Subject
	}
	return ""
}

func (s *Server) requestRefunds(ctx context.Context, r *request, in refund.Request) (reply[payment.RefundBatch], error) {
	out, replayed, err := s.cfg.Payments.RequestRefunds(ctx, r.idem, refundsOf(r.caller), in)
	return reply[payment.RefundBatch]{Status: http.StatusCreated, Body: out, Location: "/v1/refunds?batch=" + out.ID, Replayed: replayed}, err
}

// decideRefund: a key is a program's, not a person's, so an agency's key only withdraws what it asked for. Its officials approve on the
// agency's page, each under his own name; operators have keys of their own.
func (s *Server) decideRefund(ctx context.Context, r *request, in payment.RefundDecision) (reply[payment.RefundBatch], error) {
	if r.caller.Kind != auth.Operator && in.Action != payment.ActWithdraw {
		return reply[payment.RefundBatch]{}, payment.ErrFourEyes
	}
	out, replayed, err := s.cfg.Payments.DecideRefund(ctx, r.idem, refundsOf(r.caller), r.param("refund"), in)
	return reply[payment.RefundBatch]{Body: out, Replayed: replayed}, err
}

func (s *Server) listRefunds(ctx context.Context, r *request) (reply[payment.RefundPage], error) {
	limit, err := limitOf(r)
	if err != nil {
		return reply[payment.RefundPage]{}, err
	}
	q := payment.RefundQuery{Agency: r.arg("agency"), State: refund.State(r.arg("state")), Batch: r.arg("batch"), After: r.arg("starting_after"), Limit: limit}
	if own := refundsOf(r.caller); own != "" {
		q.Agency = own
	}
	out, err := s.cfg.Payments.Refunds(ctx, q)
	return reply[payment.RefundPage]{Body: out}, err
}

// refundWithEvents is a refund with its history.
type refundWithEvents struct {
	refund.Refund
	Events []refund.Event `json:"events"`
}

func (s *Server) getRefund(ctx context.Context, r *request) (reply[refundWithEvents], error) {
	x, events, err := s.cfg.Payments.Refund(ctx, refundsOf(r.caller), r.param("refund"))
	return reply[refundWithEvents]{Body: refundWithEvents{x, events}}, err
}

// orderRefund is what the payer's side sees: no names of officials, and not what they write to each other.
type orderRefund struct {
	ID    string       `json:"id"`
	Kind  refund.Kind  `json:"kind"`
	State refund.State `json:"state"`
	Debt  string       `json:"debt"`
	// Amount in tiyn.
	Amount        int64         `json:"amount"`
	Currency      string        `json:"currency"`
	Reason        refund.Reason `json:"reason"`
	BankReference string        `json:"bank_reference,omitempty"`
	ExecutedAt    string        `json:"executed_at,omitempty"`
	Successor     string        `json:"successor,omitempty"`
}

// agreed reports whether a refund concerns the payer: what was agreed, not what is still being talked about.
func agreed(x refund.Refund) bool {
	return x.State != refund.Requested && x.State != refund.Rejected && x.State != refund.Withdrawn && x.Kind != refund.Returned
}

func (s *Server) listOrderRefunds(ctx context.Context, r *request) (reply[items[orderRefund]], error) {
	o, err := s.visibleOrder(ctx, r)
	if err != nil {
		return reply[items[orderRefund]]{}, err
	}
	found, err := s.cfg.Payments.RefundsOf(ctx, o.ID)
	out := items[orderRefund]{Items: []orderRefund{}}
	for _, x := range found {
		if own := refundsOf(r.caller); !agreed(x) || (own != "" && x.Agency != own) {
			continue
		}
		view := orderRefund{
			ID: x.ID, Kind: x.Kind, State: x.State, Debt: x.Debt, Amount: x.Tiyn, Currency: string(x.Currency), Reason: x.Reason,
			BankReference: x.BankReference, Successor: x.Successor,
		}
		if x.ExecutedAt != nil {
			view.ExecutedAt = x.ExecutedAt.Format("2006-01-02T15:04:05.999999Z07:00")
		}
		out.Items = append(out.Items, view)
	}
	return reply[items[orderRefund]]{Body: out}, err
}

// shownRefunds are those that the payer sees on the page of an order.
func (s *Server) shownRefunds(ctx context.Context, o order.Order) ([]refund.Refund, error) {
	if o.State != order.Executed {
		return nil, nil
	}
	found, err := s.cfg.Payments.RefundsOf(ctx, o.ID)
	return slices.DeleteFunc(found, func(x refund.Refund) bool { return !agreed(x) }), err
}

// decideOnPage takes the decision of an agency's official. Who asked in the name of the same agency is another person, or the agency's
// program; the domain refuses one who decides about his own request.
func (s *Server) decideOnPage(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Agency, func(ctx context.Context, r *request, who auth.Session, m auth.Member) (*response, error) {
		if m.Role != auth.Editor {
			return nil, refuse(codeRole)
		}
		form, err := readFields(r, "key", "refund", "version", "action", "comment")
		if err != nil {
			return nil, err
		}
		idem, err := formKey(r, who, form.Get("key"))
		if err != nil {
			return nil, err
		}
		version, err := strconv.Atoi(form.Get("version"))
		if err != nil {
			return nil, refuse(codeForm).of("version")
		}
		d := payment.RefundDecision{Action: form.Get("action"), Version: version, Comment: strings.TrimSpace(form.Get("comment"))}
		if _, _, err := s.cfg.Payments.DecideRefund(ctx, idem, m.Subject, form.Get("refund"), d); err != nil {
			return s.showRefunds(ctx, r, who, m, err)
		}
		return seeOther("/console/agency/" + m.Subject + "/refunds?sent=refund"), nil
	})(ctx, r)
}
