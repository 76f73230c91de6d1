package portal

import (
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/refund"
)

// GiveBack is the page on which an agency's official asks for a refund or a correction; another official decides on the agency's page.
type GiveBack struct {
	Frame
	Agency string
	// Payment is what was looked for; Order is what was found, empty for nothing.
	Payment, Order string
	// Shares are what the order brought to the agency.
	Shares []payment.Refundable
	// Requests are the refunds and corrections of the order that concern the agency.
	Requests []refund.Refund
	Services []catalog.Service
	People   People
	// Actor is who looks: he withdraws what he asked for himself.
	Actor string
	// Key begins the keys of the forms; empty for those who only look.
	Key  string
	Done bool
	// Draft holds the fields of a form that was refused.
	Draft   map[string]string
	Message *Message
}

// GiveBackFields are the names of the form, apart from its key.
func GiveBackFields() []string {
	return []string{"order", "debt", "transfer", "left", "unreturned", "kind", "reason", "amount", "comment", "then", "service", "payer", "reference"}
}

type shareForm struct {
	Number                                            int
	Debt, Transfer, Reference, Service, KBK, At, Bank string
	Amount, LeftText, Sum, Comment, Payer, Target     string
	Left, Unreturned                                  int64
	Moved, May, Correcting                            bool
	Kinds, Reasons, Thens, Services                   []option
}

type requestRow struct {
	agencyRefund
	Withdraw bool
}

// RenderGiveBack makes that page.
func (p *Pages) RenderGiveBack(v GiveBack) ([]byte, error) {
	m := struct {
		frame
		ID, Payment, Order, Key string
		Done                    bool
		Shares                  []shareForm
		Requests                []requestRow
		Message                 *Message
	}{frame: p.frame(v.Frame, "giveback"), ID: v.Agency, Payment: v.Payment, Order: v.Order, Key: v.Key, Done: v.Done, Message: v.Message}
	m.Tabs = agencyTabs(m.words, v.Agency, "/refunds")
	for i, row := range agencyRefunds(m.words, AgencyRefunds{Refunds: v.Requests, People: v.People, Actor: v.Actor, Key: v.Key}) {
		x := v.Requests[i]
		m.Requests = append(m.Requests, requestRow{row, v.Key != "" && x.State == refund.Requested && x.AskedBy == v.Actor})
	}
	names := make(map[string]string, len(v.Services))
	for _, s := range v.Services {
		names[s.ID] = m.Name(s.Names)
	}
	for i, x := range v.Shares {
		draft := v.Draft
		if draft["debt"] != x.Debt || draft["transfer"] != x.Transfer {
			draft = nil
		}
		m.Shares = append(m.Shares, shareForm{
			Number: i, Debt: x.Debt, Transfer: x.Transfer, Reference: x.Reference, Service: names[x.Service], KBK: x.KBK, Moved: x.Transfer != "",
			At: m.Date(x.ExecutedAt), Bank: x.Bank, Amount: m.Money(x.Tiyn, string(x.Currency)), LeftText: m.Money(x.Left, string(x.Currency)),
			Left: x.Left, Unreturned: x.Unreturned, May: v.Key != "" && (x.Left > 0 || x.Unreturned > 0),
			Sum: draft["amount"], Comment: draft["comment"], Payer: draft["payer"], Target: draft["reference"],
			Correcting: draft["service"] != "" || draft["payer"] != "" || draft["reference"] != "",
			Kinds:      kindOptions(m.words, draft["kind"]), Reasons: reasonOptions(m.words, draft["reason"]), Thens: thenOptions(m.words, draft["then"]),
			Services: serviceOptions(m.words, v.Services, x.KBK, draft["service"]),
		})
	}
	return p.render("giveback", m)
}

func kindOptions(w words, chosen string) (out []option) {
	for _, k := range refund.Kinds() {
		out = append(out, option{Value: string(k), Text: w.P("refund.kind." + string(k)), Chosen: string(k) == chosen})
	}
	return out
}

func reasonOptions(w words, chosen string) (out []option) {
	for _, r := range refund.Reasons() {
		out = append(out, option{Value: string(r), Text: w.P("refund.reason." + string(r)), Chosen: string(r) == chosen})
	}
	return out
}

// thenOptions begin with what is usual for the kind: the domain knows it.
func thenOptions(w words, chosen string) []option {
	out := []option{{Text: w.T("then.usual")}}
	for _, t := range []refund.Aftermath{refund.Closed, refund.Reopened} {
		out = append(out, option{Value: string(t), Text: w.T("then." + string(t)), Chosen: string(t) == chosen})
	}
	return out
}

// serviceOptions are where money can be moved: services with another budget code.
func serviceOptions(w words, services []catalog.Service, kbk, chosen string) (out []option) {
	for _, s := range services {
		if s.KBK != kbk {
			out = append(out, option{Value: s.ID, Text: w.Name(s.Names) + " · " + s.KBK, Chosen: s.ID == chosen})
		}
	}
	return out
}
