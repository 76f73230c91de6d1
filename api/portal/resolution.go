package portal

import (
	"net/url"
	"slices"
	"strings"

	"qaqpa/payment"
	"qaqpa/payment/recon"
	"qaqpa/signer/dual"
)

// resolution is the part of an exception's page about its resolution: the form of a proposal, or the proposal that waits.
type resolution struct {
	Ways     []option
	Partners []partner
	// Other and Comment are those of a form that comes back.
	Other, Comment string
	Links, Parks   bool
	// Waits is the proposal that waits, with who made it; Moves are its transfers.
	Waits, By                      string
	Tied                           []string
	Rest, Own                      bool
	Moves                          []moveView
	MayPropose, MayDecide, Decided bool
	Posting                        string
}

// partner is a payment to which the line may be tied.
type partner struct {
	ID, Amount, Day string
	Chosen          bool
}

type moveView struct{ Debit, Credit, Amount string }

// resolutionModel puts it into words.
func resolutionModel(w words, v Exception) resolution {
	d := v.Detail
	m := resolution{MayPropose: d.State == recon.Open || d.State == recon.Assigned || d.State == recon.Asked, Other: v.Plan.Get("other"), Comment: v.Plan.Get("comment")}
	text := d.Resolution
	if d.State == recon.Proposed {
		text = d.Proposal
	}
	if plan, ok := payment.PlanOf(text); ok && !m.MayPropose {
		m.Waits, m.Tied, m.Rest, m.By, m.Own = w.T("way."+string(plan.Way)), plan.Expectations, plan.ParkRest, w.who(v.People, d.ProposedBy), v.Own
		m.MayDecide, m.Decided, m.Posting = d.State == recon.Proposed, d.State != recon.Proposed, d.Posting
	}
	for _, l := range v.Legs {
		m.Moves = append(m.Moves, moveView{string(l.Debit), string(l.Credit), w.Money(l.Tiyn, "KZT")})
	}
	if !m.MayPropose {
		return m
	}
	for _, way := range recon.Fitting(recon.Item{Kind: d.Kind, Bank: d.Bank, Account: d.Account, Tiyn: d.Tiyn}) {
		m.Ways = append(m.Ways, option{string(way), w.T("way." + string(way)), v.Plan.Get("way") == string(way)})
		m.Links = m.Links || way == recon.Link
	}
	m.Parks = v.Plan.Get("park_rest") == "1"
	if m.Links {
		for _, s := range d.Suggestions {
			m.Partners = append(m.Partners, partner{s.ID, w.Money(s.Tiyn, "KZT"), w.Day(dayOf(s.Day)), slices.Contains(v.Plan["expectation"], s.ID)})
		}
	}
	return m
}

// Approvals is the page of what two of the operator's people have decided.
type Approvals struct {
	Frame
	Subject string
	// Waiting are statements whose withdrawal waits for a second person, and Proposed exceptions whose resolution does.
	Waiting      []payment.BankStatement
	Proposed     []payment.Exception
	MoreProposed bool
	// Commissions are payments of agencies to banks that wait to be booked.
	Commissions []payment.CommissionPayment
	Exceptions  []payment.DecidedException
	// Next names the page with older ones of these; empty for none.
	Next   string
	Keys   []dual.Request
	People People
}

type approvalRow struct{ What, Subject, Address, First, FirstAt, Second, SecondAt, State, Tone string }

// waitingRows are what waits for a second person.
func waitingRows(w words, v Approvals) []approvalRow {
	var out []approvalRow
	base := "/console/operator/" + url.PathEscape(v.Subject)
	for _, s := range v.Waiting {
		out = append(out, approvalRow{
			What: w.T("approvals.withdrawal"), Subject: s.Bank + " · " + s.Account + " · № " + numberText(s.Number, s.Page), Address: base + "/statements/" + s.ID,
			First: w.who(v.People, s.ProposedBy),
		})
	}
	for _, e := range v.Proposed {
		row := approvalRow{
			What: w.T("state.proposed"), Subject: w.T("kind."+string(e.Kind)) + ": " + w.Money(e.Tiyn, string(e.Currency)), Address: base + "/exceptions/" + e.ID,
			First: w.who(v.People, e.ProposedBy),
		}
		if plan, ok := payment.PlanOf(e.Proposal); ok {
			row.What, _, _ = strings.Cut(w.T("way."+string(plan.Way)), ":")
		}
		out = append(out, row)
	}
	for _, p := range v.Commissions {
		out = append(out, approvalRow{
			What: w.T("approvals.commission"), Subject: p.Bank + ": " + w.Money(p.Tiyn, "KZT"), Address: base + "/commissions", First: w.who(v.People, p.AskedBy),
		})
	}
	return out
}

// RenderApprovals makes that page.
func (p *Pages) RenderApprovals(v Approvals) ([]byte, error) {
	m := struct {
		frame
		Subject          string
		Waiting          []approvalRow
		More             bool
		Exceptions, Keys []approvalRow
		Next             string
	}{frame: p.frame(v.Frame, "recon"), Subject: v.Subject, Waiting: waitingRows(words{p.texts, v.Lang, "recon"}, v), More: v.MoreProposed}
	if v.Next != "" {
		m.Next = "/console/operator/" + url.PathEscape(v.Subject) + "/approvals?after=" + url.QueryEscape(v.Next)
	}
	for _, e := range v.Exceptions {
		row := approvalRow{
			Subject: m.T("kind."+string(e.Kind)) + ": " + m.Money(e.Tiyn, string(e.Currency)), Address: "/console/operator/" + url.PathEscape(v.Subject) + "/exceptions/" + e.ID,
			First: m.who(v.People, e.ProposedBy), Second: m.who(v.People, e.ApprovedBy), SecondAt: m.Date(e.ApprovedAt),
			State: m.T("state." + string(e.State)), Tone: "passed",
		}
		if e.State.Unsettled() { // what was decided was undone since
			row.Tone = "unclear"
		}
		if plan, ok := payment.PlanOf(e.Resolution); ok {
			row.What, _, _ = strings.Cut(m.T("way."+string(plan.Way)), ":")
		}
		m.Exceptions = append(m.Exceptions, row)
	}
	for _, k := range v.Keys {
		row := approvalRow{
			What: m.texts.Text(m.lang, "keys.what."+k.Kind, nil), Subject: k.Key + " · " + k.Token, First: m.who(v.People, k.Asked), FirstAt: m.Date(k.AskedAt),
			State: m.T("approvals.lapsed"), Tone: "unclear",
		}
		if k.Approved != nil && k.ApprovedAt != nil {
			row.Second, row.SecondAt = m.who(v.People, *k.Approved), m.Date(*k.ApprovedAt)
		}
		if k.DoneAt != nil {
			row.State, row.Tone = m.T("approvals.done")+" "+m.Date(*k.DoneAt), "passed"
		}
		m.Keys = append(m.Keys, row)
	}
	return p.render("approvals", m)
}
