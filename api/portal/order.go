package portal

import (
	"slices"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// waitSeconds is how often the page of an order looks again while the bank decides. Without script, and gentle to old
// phones and slow lines.
const waitSeconds = 3

// Order is the page of one order, in whatever state it is.
type Order struct {
	Frame
	Order order.Order
	// Document is what the payer signs or has signed.
	Document order.Document
	// Code of the receipt; empty until there is one.
	Code string
	// Parts are the receipts of an order with several parts, in their order; empty otherwise.
	Parts []PartReceipt
	// CodePhone is the masked phone to which a one-time code would go; empty when the order needs an EDS. Challenge is a code that was
	// sent and waits to be entered.
	CodePhone, Challenge string
	// IIN and BIN of the person who is signed in narrow NCALayer's choice.
	IIN, BIN string
	// Key makes sending a form twice the same as once.
	Key     string
	Message *Message
	// Agreements are those by which the order can be paid without another signature.
	Agreements []payment.Mandate
	// Refunds are what was given back or corrected since.
	Refunds []refund.Refund
}

type orderRefund struct {
	Kind, Amount, Reason, State, Tone, At string
	Again                                 bool
}

func orderRefunds(w words, list []refund.Refund) []orderRefund {
	rows := make([]orderRefund, len(list))
	for i, x := range list {
		rows[i] = orderRefund{
			Kind: w.P("refund.kind." + string(x.Kind)), Amount: w.Money(x.Tiyn, string(x.Currency)), Reason: w.P("refund.reason." + string(x.Reason)),
			State: w.P("refund.state." + string(x.State)), Tone: refundTone(x.State), Again: x.Successor != "",
		}
		if x.ExecutedAt != nil {
			rows[i].At = w.Date(*x.ExecutedAt)
		}
	}
	return rows
}

// PartReceipt is the receipt of one part of an order.
type PartReceipt struct {
	Part int
	// ID of the receipt.
	ID string
	// Code of the receipt.
	Code string
}

type orderPart struct {
	Part         int
	Receipt      string
	Agency, Code string
	Amount       string
}

type orderItem struct{ Service, Agency, Reference, Beneficiary, KBK, Amount string }

type orderModel struct {
	frame
	signing
	Commission, Debit, CommissionRule                    string
	ID, Payer, Amount, Bank, State, Tone, Heading, Text  string
	Refusal                                              *refusal
	Expires, Executed, BankReference, Receipt, Code, Key string
	CodePhone, Challenge                                 string
	Signable, Cancellable                                bool
	Items                                                []orderItem
	Parts                                                []orderPart
	Message                                              *Message
	Refunds                                              []orderRefund
	Agreements                                           []orderAgreement
}

type orderAgreement struct{ ID, Until, Left string }

// RenderOrder makes the page of an order. While the bank decides it loads itself again; closing it changes nothing.
func (p *Pages) RenderOrder(v Order) ([]byte, error) {
	o := v.Order
	m := orderModel{
		frame: p.frame(v.Frame, "order"), ID: o.ID, Payer: o.Payer, Bank: v.Document.Bank.Name, Tone: orderTone(o.State),
		BankReference: o.BankReference, Receipt: o.Receipt, Code: v.Code, Key: v.Key, Message: v.Message,
		CodePhone: v.CodePhone, Challenge: v.Challenge,
		signing: signing{
			Action: "/cabinet/orders/" + o.ID + "/sign", DocumentURL: "/cabinet/orders/" + o.ID + "/document", DocumentName: o.ID + ".json",
			IIN: v.IIN, BIN: v.BIN,
		},
	}
	m.Amount, m.State = m.Money(o.Tiyn, string(o.Currency)), m.P("state."+string(o.State))
	m.Heading, m.Text = m.T("heading."+string(o.State)), m.T("text."+string(o.State))
	m.Refusal = m.refused(o.Reason)
	if c := v.Document.Commission; c != nil && c.Tiyn > 0 {
		m.Commission, m.Debit = m.Money(c.Tiyn, string(c.Currency)), m.Money(c.DebitTiyn, string(c.Currency))
		m.CommissionRule = chargesText(m.words, c.Charges)
	}
	switch o.State {
	case order.Created:
		m.Signable, m.Expires = !slices.Contains(o.Signers, v.IIN), m.Date(o.ExpiresAt)
		m.Script, m.Cancellable = m.Signable, true
		switch {
		case len(o.Signers) > 0:
			m.Heading, m.Text = m.T("heading.pair"), m.T("text.pair")
		case o.SignaturesNeeded > 1:
			m.Text = m.T("text.pair_first")
		}
	case order.Authorised, order.Executing, order.Unknown:
		m.Refresh = waitSeconds
	case order.Executed:
		m.Executed = m.when(o.ExecutedAt)
		if o.Receipt == "" { // it follows within seconds
			m.Refresh, m.Text = waitSeconds, m.T("text.receipt_pending")
		}
	case order.Refused, order.Expired, order.Cancelled:
	}
	for _, item := range v.Document.Items {
		m.Items = append(m.Items, orderItem{
			Service: m.Name(item.ServiceName), Agency: m.Name(item.AgencyName), Reference: item.Reference, Beneficiary: item.Beneficiary.Name,
			KBK: item.KBK, Amount: m.Money(item.Tiyn, string(item.Currency)),
		})
	}
	for _, part := range order.Allocate(v.Document.Items) {
		for _, r := range v.Parts {
			if r.Part == part.Part {
				m.Parts = append(m.Parts, orderPart{
					Part: r.Part, Receipt: r.ID, Agency: m.Name(part.First().AgencyName), Code: r.Code, Amount: m.Money(part.Tiyn, string(part.Currency)),
				})
			}
		}
	}
	m.Refunds = orderRefunds(m.words, v.Refunds)
	for _, a := range v.Agreements {
		m.Agreements = append(m.Agreements, orderAgreement{a.ID, m.Day(a.Until), m.Money(a.MonthMax-a.Spent, "KZT")})
	}
	return p.render("order", m)
}

func (m *orderModel) when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return m.Date(*t)
}
