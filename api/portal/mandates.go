package portal

import (
	"slices"
	"strconv"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/mandate"
)

// Mandates is the page of a payer's agreements for repeated payments, with the form of a new one.
type Mandates struct {
	Frame
	// Payer whose agreements are shown, of Payers for whom the person may pay.
	Payer    string
	Payers   []string
	Mandates []payment.Mandate
	Banks    []catalog.Bank
	// Services that the form offers, and More says that there are others; Agencies give names by id.
	Services []catalog.Service
	Agencies map[string]catalog.Names
	More     bool
	// Chosen services and the other fields are those of a form that comes back; Find narrows the services.
	Chosen                                        []string
	ChosenBank, PaymentMax, MonthMax, Until, Find string
	// First is the earliest day that Until may be.
	First catalog.Date
	// Wrong names the field that breaks a rule, for a Message that says which.
	Wrong string
	// Key makes sending the form twice the same as once.
	Key     string
	Message *Message
}

type mandateLine struct{ ID, Until, State, Tone, Month, Services string }

type serviceChoice struct {
	ID, Name, Agency string
	Chosen           bool
}

// RenderMandates makes that page.
func (p *Pages) RenderMandates(v Mandates) ([]byte, error) {
	m := struct {
		frame
		Payer, PaymentMax, MonthMax, Until, First, Find, Key, Wrong string
		Payers                                                      []string
		Mandates                                                    []mandateLine
		Services                                                    []serviceChoice
		Banks                                                       []bankView
		More                                                        bool
		Message                                                     *Message
	}{
		frame: p.frame(v.Frame, "mandates"), Payer: v.Payer, Payers: v.Payers, PaymentMax: v.PaymentMax, MonthMax: v.MonthMax, Until: v.Until,
		First: string(v.First), Find: v.Find, Key: v.Key, Banks: bankViews(v.Banks, v.ChosenBank), More: v.More, Message: v.Message,
	}
	if wrong := []string{"bank", "services", "payment_max", "month_max", "until"}; m.Message != nil && slices.Contains(wrong, v.Wrong) {
		m.Wrong = v.Wrong
		m.Message = &Message{Title: m.T("wrong.title"), Detail: m.T("wrong." + v.Wrong)}
	}
	for _, a := range v.Mandates {
		line := mandateLine{ID: a.ID, Until: m.Day(a.Until), State: m.T("state." + string(a.State)), Tone: mandateTone(a.State), Month: m.Money(a.MonthMax, "KZT")}
		for i, s := range a.Services {
			if i > 0 {
				line.Services += ", "
			}
			line.Services += m.Name(s.Name)
		}
		m.Mandates = append(m.Mandates, line)
	}
	for _, s := range v.Services {
		m.Services = append(m.Services, serviceChoice{s.ID, m.Name(s.Names), m.Name(v.Agencies[s.Agency]), slices.Contains(v.Chosen, s.ID)})
	}
	return p.render("mandates", m)
}

// mandateTone is the class of the style sheet for a state.
func mandateTone(s payment.MandateState) string {
	switch s {
	case payment.MandateActive:
		return "passed"
	case payment.MandateRevoked:
		return "failed"
	case payment.MandateUnsigned, payment.MandateExpired:
	}
	return "unclear"
}

// Mandate is the page of one agreement.
type Mandate struct {
	Frame
	Mandate payment.Mandate
	// Bank is its name; Agencies give names by id.
	Bank     string
	Agencies map[string]catalog.Names
	// Events are one page of them, the newest first; Older says that there are earlier ones.
	Events []payment.MandateEvent
	Older  bool
	// IIN and BIN of the person who is signed in narrow NCALayer's choice.
	IIN, BIN string
	// Key makes sending a form twice the same as once.
	Key     string
	Message *Message
}

type mandateUse struct{ At, Amount, Order, State, Tone string }

type mandateModel struct {
	frame
	signing
	ID, Payer, Bank, State, Tone, Heading, Text string
	Payment, Month, Spent, Until, SignBy        string
	Signed, Revoked, Key                        string
	Services                                    []serviceChoice
	Signable, Revocable, Draft                  bool
	Uses                                        []mandateUse
	// Next is the address of earlier uses; empty when there are none.
	Next    string
	Message *Message
}

// RenderMandate makes that page: what was agreed on, the form that signs it, what was paid by it, the newest first, and the form that ends it.
func (p *Pages) RenderMandate(v Mandate) ([]byte, error) {
	a := v.Mandate
	m := mandateModel{
		frame: p.frame(v.Frame, "mandate"), ID: a.ID, Payer: a.Payer, Bank: v.Bank, Tone: mandateTone(a.State), Key: v.Key, Message: v.Message,
		signing: signing{
			Action: "/cabinet/mandates/" + a.ID + "/sign", DocumentURL: "/cabinet/mandates/" + a.ID + "/document", DocumentName: a.ID + ".json",
			IIN: v.IIN, BIN: v.BIN,
		},
	}
	m.State, m.Heading, m.Text = m.T("state."+string(a.State)), m.T("heading."+string(a.State)), m.T("text."+string(a.State))
	m.Payment, m.Month, m.Spent, m.Until = m.Money(a.PaymentMax, "KZT"), m.Money(a.MonthMax, "KZT"), m.Money(a.Spent, "KZT"), m.Day(a.Until)
	switch a.State {
	case payment.MandateUnsigned:
		m.Signable, m.Draft, m.Script, m.SignBy = true, true, true, m.Date(a.SignBy)
	case payment.MandateActive:
		m.Revocable = true
	case payment.MandateRevoked, payment.MandateExpired:
	}
	if a.SignedAt != nil {
		m.Signed = m.Date(*a.SignedAt)
	}
	if a.RevokedAt != nil {
		m.Revoked = m.Date(*a.RevokedAt)
	}
	for _, s := range a.Services {
		m.Services = append(m.Services, serviceChoice{ID: s.ID, Name: m.Name(s.Name), Agency: m.Name(v.Agencies[s.Agency])})
	}
	if v.Older && len(v.Events) > 0 {
		m.Next = "/cabinet/mandates/" + a.ID + "?before=" + strconv.Itoa(v.Events[len(v.Events)-1].Number)
	}
	for _, e := range v.Events {
		if e.Event == mandate.Used {
			m.Uses = append(m.Uses, mandateUse{m.Date(e.At), m.Money(e.Amount, "KZT"), e.Order, m.P("state." + string(e.OrderState)), orderTone(e.OrderState)})
		}
	}
	return p.render("mandate", m)
}
