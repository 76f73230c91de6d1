package portal

import (
	"net/url"
	"strconv"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/refund"
)

// Agency is the first page of an agency's people: what was paid.
type Agency struct {
	Frame
	Agency catalog.Agency
	// Payments is one page of them, and More says that there are further ones; First that it is the first page.
	Payments    []payment.AgencyPayment
	More, First bool
	// Dead counts the webhooks that were given up.
	Dead int
	// Live loads the page again by itself.
	Live bool
}

type agencyPayment struct{ Order, At, Amount, Reference, Bank, State, Tone, Log string }

type agencyService struct {
	Name, Code, KBK, KNP, KBE, Beneficiary string
	Version                                int
	Tariffs                                []string
}

// liveSeconds is how often a page that shows payments live loads itself.
const liveSeconds = 10

// RenderAgency makes the page of an agency.
func (p *Pages) RenderAgency(v Agency) ([]byte, error) {
	m := struct {
		frame
		ID, Name, Dead, Next string
		First                bool
		Payments             []agencyPayment
	}{frame: p.frame(v.Frame, "agency"), ID: v.Agency.ID, First: v.First}
	m.Name, m.Tabs = m.words.Name(v.Agency.Names), agencyTabs(m.words, m.ID, "")
	if v.Dead > 0 {
		m.Dead = strconv.Itoa(v.Dead)
	}
	for _, a := range v.Payments {
		state, tone := hookState(m.words, a.State)
		m.Payments = append(m.Payments, agencyPayment{
			Order: a.Order, At: m.Date(a.ExecutedAt), Amount: m.Money(a.Tiyn, string(a.Currency)), Reference: a.Reference, Bank: a.Bank, State: state, Tone: tone,
			Log: "/console/agency/" + m.ID + "/webhooks/" + a.Webhook,
		})
	}
	if v.More && len(v.Payments) > 0 {
		m.Next = "/console/agency/" + m.ID + "?starting_after=" + v.Payments[len(v.Payments)-1].Webhook
	}
	if v.Live {
		m.Refresh = liveSeconds
	}
	return p.render("agency", m)
}

// hookState is the state of a webhook in words and its colour.
func hookState(w words, state string) (text, tone string) {
	tone = "unclear"
	switch state {
	case "delivered":
		tone = "passed"
	case "dead":
		tone = "failed"
	}
	return w.P("webhook." + state), tone
}

// hookAnswer is what the receiver answered to a try, in words, and for an expert. A try without an answer has a problem.
func hookAnswer(w words, status int, problem string) (text, code string) {
	switch {
	case status == 0 && problem == "":
		return "", ""
	case status == 0:
		return w.T("answer.none"), problem
	case status >= 200 && status < 300:
		text = w.T("answer.taken")
	case status == 410:
		text = w.T("answer.gone")
	case status >= 300 && status < 400:
		text = w.T("answer.elsewhere")
	case status >= 500:
		text = w.T("answer.trouble")
	default:
		text = w.T("answer.refused")
	}
	code = strconv.Itoa(status)
	if problem != "" {
		code += " " + problem
	}
	return text, code
}

// Webhooks is the page of an agency's notifications.
type Webhooks struct {
	Frame
	Agency catalog.Agency
	// Items is one page of those that were asked for: all, or those that were given up.
	Items []payment.AgencyPayment
	More  bool
	Dead  bool
	// DeadCount counts those that were given up.
	DeadCount int
	// Key begins the keys of the forms; empty for those who only look.
	Key     string
	Message *Message
}

type hookRow struct {
	Number                                                                          int
	ID, At, What, Reference, Amount, State, Tone, Answer, Code, Failures, Next, Log string
	Again                                                                           bool
}

func hookModel(w words, agency catalog.Agency, a payment.AgencyPayment, key string) hookRow {
	row := hookRow{
		ID: a.Webhook, At: w.Date(a.CreatedAt), What: w.T("hook.payment"), Reference: a.Reference, Amount: w.Money(a.Tiyn, string(a.Currency)), Failures: strconv.Itoa(a.Failures),
		Log: "/console/agency/" + agency.ID + "/webhooks/" + a.Webhook, Again: key != "" && a.State != "waiting" && agency.WebhookURL != "",
	}
	if a.Subject != "" {
		row.What = w.T("hook.refund")
	}
	row.State, row.Tone = hookState(w, a.State)
	row.Answer, row.Code = hookAnswer(w, a.Status, a.Problem)
	if a.State == "pending" && a.Failures > 0 {
		row.Next = w.Date(a.DueAt)
	}
	return row
}

// receiver is where an agency's notifications go.
type receiver struct{ ID, Address, Disabled string }

func receiverOf(w words, a catalog.Agency) receiver {
	out := receiver{ID: a.ID, Address: a.WebhookURL}
	if a.WebhookDisabledAt != nil {
		out.Disabled = w.Date(*a.WebhookDisabledAt)
	}
	return out
}

// RenderWebhooks makes that page.
func (p *Pages) RenderWebhooks(v Webhooks) ([]byte, error) {
	base := "/console/agency/" + v.Agency.ID + "/webhooks"
	m := struct {
		frame
		receiver
		Key, Next, DeadCount string
		Which                []option
		Rows                 []hookRow
		Message              *Message
	}{frame: p.frame(v.Frame, "agency"), Key: v.Key, DeadCount: strconv.Itoa(v.DeadCount), Message: v.Message}
	m.receiver, m.Tabs = receiverOf(m.words, v.Agency), agencyTabs(m.words, v.Agency.ID, "/webhooks")
	m.Which = []option{{"", m.T("hooks.all"), !v.Dead}, {"dead", m.T("hooks.dead"), v.Dead}}
	for i, a := range v.Items {
		row := hookModel(m.words, v.Agency, a, v.Key)
		row.Number = i
		m.Rows = append(m.Rows, row)
	}
	if v.More && len(v.Items) > 0 {
		q := url.Values{"starting_after": {v.Items[len(v.Items)-1].Webhook}}
		if v.Dead {
			q.Set("state", "dead")
		}
		m.Next = base + "?" + q.Encode()
	}
	return p.render("webhooks", m)
}

// Webhook is the page of one notification with its tries.
type Webhook struct {
	Frame
	Agency catalog.Agency
	Item   payment.AgencyPayment
	Tries  []payment.DeliveryTry
	// Key opens the form; empty for those who only look. Sent says that it was put into the queue again.
	Key     string
	Sent    bool
	Message *Message
}

type tryRow struct{ Number, At, Answer, Code, Tone, Took string }

// TriesShown is how many tries one page lists.
const TriesShown = 100

// RenderWebhook makes that page. While a notification is on its way the page looks again by itself.
func (p *Pages) RenderWebhook(v Webhook) ([]byte, error) {
	m := struct {
		frame
		receiver
		hookRow
		Key, Older, Order, ID, HookID string
		Sent                          bool
		Rows                          []tryRow
		Message                       *Message
	}{frame: p.frame(v.Frame, "agency"), Key: v.Key, Sent: v.Sent, Order: v.Item.Order, Message: v.Message}
	m.receiver, m.Tabs = receiverOf(m.words, v.Agency), agencyTabs(m.words, v.Agency.ID, "/webhooks")
	m.hookRow = hookModel(m.words, v.Agency, v.Item, v.Key)
	m.ID, m.HookID = v.Agency.ID, v.Item.Webhook
	for _, t := range v.Tries {
		row := tryRow{Number: strconv.Itoa(t.Number), At: m.Date(t.At), Took: strconv.FormatInt(t.DurationMS, 10) + "\u00a0" + m.P("unit.ms"), Tone: "failed"}
		row.Answer, row.Code = hookAnswer(m.words, t.Status, t.Problem)
		if t.Status >= 200 && t.Status < 300 {
			row.Tone = "passed"
		}
		m.Rows = append(m.Rows, row)
	}
	if n := len(v.Tries); n == TriesShown && v.Tries[n-1].Number > 1 {
		m.Older = m.Log + "?before=" + strconv.Itoa(v.Tries[n-1].Number)
	}
	return p.render("webhook", m)
}

// AgencyRefunds is the page of an agency's refunds and corrections.
type AgencyRefunds struct {
	Frame
	Agency  string
	Refunds []refund.Refund
	More    bool
	People  People
	// Actor is the person; whoever asked for a refund does not decide about it.
	Actor string
	// Key begins the keys of the forms; empty for those who only look. Decided says that a decision was stored.
	Key     string
	Decided bool
	Message *Message
}

type agencyRefund struct {
	Number, Version                                                 int
	ID, At, By, Decided, Kind, Amount, Reason, Comment, State, Tone string
	Decide                                                          bool
	Refusal                                                         *refusal
}

// refundTone colours the state of a refund.
func refundTone(s refund.State) string {
	switch {
	case s == refund.Executed || s == refund.Booked:
		return "passed"
	case s.Failed():
		return "failed"
	}
	return "unclear"
}

func agencyRefunds(w words, v AgencyRefunds) []agencyRefund {
	rows := make([]agencyRefund, len(v.Refunds))
	for i, x := range v.Refunds {
		rows[i] = agencyRefund{
			Number: i, ID: x.ID, Version: x.Version, At: w.Date(x.AskedAt), By: w.who(v.People, x.AskedBy), Decided: w.who(v.People, x.DecidedBy), Kind: w.P("refund.kind." + string(x.Kind)),
			Amount: w.Money(x.Tiyn, string(x.Currency)), Reason: w.P("refund.reason." + string(x.Reason)), Comment: x.Comment,
			State: w.P("refund.state." + string(x.State)), Tone: refundTone(x.State), Refusal: w.refused(x.BankReason),
			Decide: v.Key != "" && x.State == refund.Requested && x.AskedBy != v.Actor,
		}
	}
	return rows
}

// RenderAgencyRefunds makes that page.
func (p *Pages) RenderAgencyRefunds(v AgencyRefunds) ([]byte, error) {
	m := struct {
		frame
		ID, Key, Next string
		Decided       bool
		Refunds       []agencyRefund
		Message       *Message
	}{frame: p.frame(v.Frame, "agency"), ID: v.Agency, Key: v.Key, Decided: v.Decided, Message: v.Message}
	m.Tabs, m.Refunds = agencyTabs(m.words, v.Agency, "/refunds"), agencyRefunds(m.words, v)
	if v.More && len(v.Refunds) > 0 {
		m.Next = "/console/agency/" + v.Agency + "/refunds?starting_after=" + v.Refunds[len(v.Refunds)-1].ID
	}
	return p.render("refunds", m)
}

// AgencyRegisters is the page from which an agency downloads its part of banks' registers.
type AgencyRegisters struct {
	Frame
	Agency string
	Banks  []catalog.Bank
	Today  catalog.Date
}

// RenderAgencyRegisters makes that page.
func (p *Pages) RenderAgencyRegisters(v AgencyRegisters) ([]byte, error) {
	m := struct {
		frame
		ID    string
		Banks []catalog.Bank
		Today catalog.Date
	}{frame: p.frame(v.Frame, "agency"), ID: v.Agency, Banks: v.Banks, Today: v.Today}
	m.Tabs = agencyTabs(m.words, v.Agency, "/registers")
	return p.render("registers", m)
}
