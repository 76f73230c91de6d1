package portal

import (
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// Message is a refusal in the reader's language.
type Message struct {
	Title, Detail string
	Reasons       []string
}

// Home is the first page.
type Home struct{ Frame }

// RenderHome makes the first page.
func (p *Pages) RenderHome(v Home) ([]byte, error) {
	return p.render("home", struct{ frame }{p.frame(v.Frame, "home")})
}

// Problem is a page that holds a refusal alone.
type Problem struct {
	Frame
	Message
	TraceID string
	// Back is where to go on.
	Back string
}

// RenderProblem makes the page of a refusal.
func (p *Pages) RenderProblem(v Problem) ([]byte, error) {
	return p.render("notice", struct {
		frame
		Message
		TraceID, Back string
	}{p.frame(v.Frame, "page"), v.Message, v.TraceID, v.Back})
}

// signing is the form that takes a signature, by NCALayer or as a file.
type signing struct {
	Action, DocumentURL, DocumentName string
	// IIN and BIN narrow the choice of certificates; empty means any.
	IIN, BIN string
}

// Cabinet is a payer's own page.
type Cabinet struct {
	Frame
	// Payer whose debts are shown, of Payers for whom the person may pay.
	Payer  string
	Payers []string
	Debts  []debt.Debt
	// Chosen debts and bank of a form that comes back with a Message.
	Chosen     map[string]bool
	ChosenBank string
	// Agencies and Services give names by id.
	Agencies, Services map[string]catalog.Names
	// LoadedAt is the oldest of the debts' times.
	LoadedAt  *time.Time
	MoreDebts bool
	Banks     []catalog.Bank
	// Key makes sending the form twice the same as once.
	Key    string
	Orders []order.Order
	// MoreOrders is the address of older orders; empty when there are none.
	MoreOrders string
	Message    *Message
}

type debtView struct {
	ID, Amount, Service, Agency, Reference, Purpose, DueOn, LoadedAt, Order string
	// Full is set where Amount, which an order would pay now, is not the whole debt; Until is the last day of the discount.
	Full, Until string
	Chosen      bool
}

type bankView struct {
	BIC, Name string
	Chosen    bool
}

type orderLine struct{ ID, Amount, At, State, Tone string }

// RenderCabinet makes a payer's page.
func (p *Pages) RenderCabinet(v Cabinet) ([]byte, error) {
	m := struct {
		frame
		Payer      string
		Payers     []string
		Debts      []debtView
		LoadedAt   string
		MoreDebts  bool
		Banks      []bankView
		Key        string
		Orders     []orderLine
		MoreOrders string
		Message    *Message
	}{
		frame: p.frame(v.Frame, "cabinet"), Payer: v.Payer, Payers: v.Payers, MoreDebts: v.MoreDebts, Key: v.Key,
		MoreOrders: v.MoreOrders, Message: v.Message,
	}
	if v.LoadedAt != nil {
		m.LoadedAt = m.Date(*v.LoadedAt)
	}
	for _, d := range v.Debts {
		full, until := "", ""
		if d.Payable > 0 && d.Payable != d.Tiyn {
			full = m.Money(d.Tiyn, string(d.Currency))
			d.Tiyn = d.Payable
		}
		if d.Discount != nil {
			until = m.Day(d.Discount.Until)
		}
		m.Debts = append(m.Debts, debtView{
			Full: full, Until: until, ID: d.ID, Amount: m.Money(d.Tiyn, string(d.Currency)), Service: m.Name(v.Services[d.Service]), Agency: m.Name(v.Agencies[d.Agency]),
			Reference: d.Reference, Purpose: d.Purpose, DueOn: m.Day(d.DueOn), LoadedAt: m.Date(d.LoadedAt), Order: d.Order, Chosen: v.Chosen[d.ID],
		})
	}
	for _, b := range v.Banks {
		if b.Takes() {
			m.Banks = append(m.Banks, bankView{b.BIC, b.Name, b.BIC == v.ChosenBank})
		}
	}
	for _, o := range v.Orders {
		m.Orders = append(m.Orders, orderLine{
			ID: o.ID, Amount: m.Money(o.Tiyn, string(o.Currency)), At: m.Date(o.CreatedAt), State: m.P("state." + string(o.State)), Tone: orderTone(o.State),
		})
	}
	return p.render("cabinet", m)
}

// orderTone is the class of the style sheet for a state.
func orderTone(s order.State) string {
	switch s {
	case order.Executed:
		return "passed"
	case order.Refused:
		return "failed"
	case order.Created, order.Authorised, order.Executing, order.Unknown, order.Expired, order.Cancelled:
	}
	return "unclear"
}
