package portal

import (
	"time"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// Message is a refusal in the reader's language.
type Message struct {
	Title, Detail string
	Reasons       []string
	// Place is where in the sender's own file it was found, and Quoted what stands there; Expert is what the program said. All may be empty.
	Place, Quoted string
	Expert        Expert
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
	// Find narrows the debts to those whose number, service or agency has the words; empty shows all.
	Find string
	// Chosen debts and bank of a form that comes back with a Message.
	Chosen     map[string]bool
	ChosenBank string
	// Agencies and Services give names by id.
	Agencies, Services map[string]catalog.Names
	// LoadedAt is the oldest of the debts' times.
	LoadedAt  *time.Time
	MoreDebts bool
	// Registers are the agencies that were asked for this page.
	Registers []payment.RegisterAnswer
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
	// Full is set where Amount, which an order would pay now, is not the whole debt; Until is the last day of the discount. Paid and
	// Held are what instalments have paid and are paying.
	Full, Until, Paid, Held string
	// Busy: all that is left is being paid. Parts: a part can be paid.
	Busy, Parts, Chosen bool
}

// registerView is an agency that was asked; AsOf is empty when it has never answered.
type registerView struct {
	Agency, AsOf string
	Silent       bool
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
		Find       string
		Payers     []string
		Debts      []debtView
		LoadedAt   string
		MoreDebts  bool
		Registers  []registerView
		Numbers    bool
		Banks      []bankView
		Key        string
		Orders     []orderLine
		MoreOrders string
		Message    *Message
	}{
		frame: p.frame(v.Frame, "cabinet"), Payer: v.Payer, Find: v.Find, Payers: v.Payers, MoreDebts: v.MoreDebts, Key: v.Key,
		MoreOrders: v.MoreOrders, Message: v.Message,
	}
	if v.LoadedAt != nil {
		m.LoadedAt = m.Date(*v.LoadedAt)
	}
	for _, d := range v.Debts {
		m.Debts = append(m.Debts, debtLine(m.words, d, v))
	}
	for _, r := range v.Registers {
		one := registerView{Agency: m.Name(r.Names), Silent: r.Outcome == payment.RegisterSilent}
		m.Numbers = m.Numbers || r.Numbers
		if r.AsOf != nil {
			one.AsOf = m.Date(*r.AsOf)
		}
		m.Registers = append(m.Registers, one)
	}
	m.Banks = bankViews(v.Banks, v.ChosenBank)
	for _, o := range v.Orders {
		m.Orders = append(m.Orders, orderLine{
			ID: o.ID, Amount: m.Money(o.Tiyn, string(o.Currency)), At: m.Date(o.CreatedAt), State: m.P("state." + string(o.State)), Tone: orderTone(o.State),
		})
	}
	return p.render("cabinet", m)
}

func debtLine(w words, d debt.Debt, v Cabinet) debtView {
	sum := func(tiyn int64) string { return w.Money(tiyn, string(d.Currency)) }
	line := debtView{
		ID: d.ID, Amount: sum(d.Tiyn), Service: w.Name(v.Services[d.Service]), Agency: w.Name(v.Agencies[d.Agency]), Reference: d.Reference,
		Purpose: d.Purpose, DueOn: w.Day(d.DueOn), LoadedAt: w.Date(d.LoadedAt), Order: d.Order, Chosen: v.Chosen[d.ID],
		Busy: d.Order != "" || d.State == debt.Reserved || (d.Held > 0 && d.Payable == 0), Parts: d.InstalmentMin > 0 && d.Payable > 0,
	}
	if d.Payable > 0 && d.Payable != d.Tiyn {
		line.Amount, line.Full = sum(d.Payable), sum(d.Tiyn)
	}
	if d.Discount != nil {
		line.Until = w.Day(d.Discount.Until)
	}
	if d.Paid > 0 {
		line.Paid = sum(d.Paid)
	}
	if d.Held > 0 {
		line.Held = sum(d.Held)
	}
	return line
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
