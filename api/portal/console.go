package portal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// Hat is one organisation for which the person may act.
type Hat struct {
	Address, Name string
	// Role by its code.
	Role string
}

// RenderConsole makes the page on which a person chooses for whom to act.
func (p *Pages) RenderConsole(f Frame, hats []Hat) ([]byte, error) {
	m := struct {
		frame
		Hats []Hat
	}{frame: p.frame(f, "console")}
	for _, h := range hats {
		h.Role = m.P("role." + h.Role)
		m.Hats = append(m.Hats, h)
	}
	return p.render("console", m)
}

// tariffText says what a tariff is and when it holds.
func tariffText(w words, t catalog.Tariff) string {
	text := string(t.Kind)
	switch t.Kind {
	case catalog.MRPRate:
		text = string(t.Rate) + " × " + w.P("mrp")
	case catalog.Percent:
		text = string(t.Rate) + " % " + w.P("tariff.claim") + boundText(w, " ≥ ", t.Floor) + boundText(w, " ≤ ", t.Cap)
	case catalog.Fixed:
		text = w.Money(t.Fixed, "KZT")
	case catalog.Stated:
		text = w.P("tariff.stated")
	}
	for _, d := range t.Discounts {
		last := fmt.Sprintf("%d %s", d.Days, w.P("tariff.days"))
		if d.Until != "" {
			last = w.Day(d.Until)
		}
		text += " · −" + string(d.Percent) + " % (≤ " + last + ")"
	}
	until := "…"
	if t.ValidTo != "" {
		until = w.Day(t.ValidTo)
	}
	return text + " · " + w.Day(t.ValidFrom) + " — " + until
}

// boundText says what a fee is at least or at most, after a sign; empty without a bound.
func boundText(w words, sign string, b *catalog.Bound) string {
	switch {
	case b == nil:
		return ""
	case b.MRP != "":
		return sign + string(b.MRP) + " " + w.P("mrp")
	}
	return sign + w.Money(b.Tiyn, "KZT")
}

// board is what pages of banks and the operator share.
type board struct {
	frame
	Chart    *chart
	Attempts []attemptView
}

type attemptView struct {
	Since, State, Amount, Bank, Tries, Next, Problem string
	Expert                                           Expert
}

// troubleOf puts what is noted about an attempt into words, with the refusal that a code stands for; what no version of ours knows is left
// to experts.
func troubleOf(w words, noted string) (string, Expert) {
	if noted == "" {
		return "", Expert{}
	}
	kind, particular := payment.TroubleOf(noted)
	if kind == "" {
		return w.P("attempts.trouble.other"), w.expert(noted)
	}
	text := w.P("attempts.trouble." + kind)
	if id := "problem." + particular + ".title"; w.texts.Has(w.lang, id) {
		return text + ": " + w.texts.Text(w.lang, id, nil), Expert{}
	}
	if id := "page.attempts.cause." + strings.ReplaceAll(particular, " ", "_"); w.texts.Has(w.lang, id) {
		return text + ": " + w.texts.Text(w.lang, id, nil), Expert{}
	}
	if _, err := strconv.Atoi(particular); err == nil {
		return text + ": " + particular, Expert{}
	}
	return text, w.expert(particular)
}

func (p *Pages) board(f Frame, page string, traffic []payment.Traffic, open []payment.OpenAttempt, now time.Time) board {
	b := board{frame: p.frame(f, page)}
	b.Chart = trafficChart(b.words, traffic, now)
	for _, a := range open {
		problem, expert := troubleOf(b.words, a.LastProblem)
		b.Attempts = append(b.Attempts, attemptView{
			Since: b.Date(a.CreatedAt), State: b.P("attempt." + string(a.State)), Amount: b.Money(a.Tiyn, string(a.Currency)), Bank: a.Bank,
			Tries: strconv.Itoa(a.Tries), Next: b.Date(a.DueAt), Problem: problem, Expert: expert,
		})
	}
	return b
}

// Health is one condition of being ready.
type Health struct {
	Name string
	Good bool
}

// OperatorQuery is the form of the contact centre, as it was filled in. The reason is not kept: each look has its own.
type OperatorQuery struct{ Code, Payer, Amount, On string }

// Operator is the page of the operator's people.
type Operator struct {
	Frame
	Subject string
	Health  []Health
	Banks   []catalog.Bank
	// Wrong is what is wrong now; Names say what agencies and banks it speaks of. Exposures are how far the banks have used their guarantees.
	Wrong     []watch.Condition
	Names     map[string]string
	Exposures []payment.Exposure
	// Agencies are those whose webhooks are watched; Tokens what is known of the tokens.
	Agencies []AgencyHealth
	Tokens   []TokenHealth
	// Latency is how long requests took; Rates how many lines of statements rules matched; Owed what banks owe, both as of FiguresAt.
	Latency   []watch.Slot
	Rates     []payment.MatchDay
	Owed      []BankOwes
	FiguresAt time.Time
	Traffic   []payment.Traffic
	Open      []payment.OpenAttempt
	Now       time.Time
	// MaySearch opens the contact centre's search; Searched says that Found is its answer.
	MaySearch, Searched bool
	Query               OperatorQuery
	Found               []payment.Found
	Message             *Message
}

// AgencyHealth is an agency and how many of its webhooks were given up.
type AgencyHealth struct {
	catalog.Agency

	Dead int
}

// TokenHealth is a token and how many of the processes on it can be used.
type TokenHealth struct {
	Label             string
	Processes, Usable int
}

type healthView struct{ Name, State, Tone string }

type foundView struct {
	At, State, Tone, Amount, Payer, Bank, ID string
	Refusal                                  *refusal
}

// RenderOperator makes the operator's page.
func (p *Pages) RenderOperator(v Operator) ([]byte, error) {
	m := struct {
		board
		Subject             string
		Health              []healthView
		Banks, Agencies     []healthView
		Incidents           []incidentView
		Gauges              []*gauge
		Latency             *latencyChart
		Rates               *rateChart
		Debts               *debtsChart
		MaySearch, Searched bool
		Query               OperatorQuery
		Found               []foundView
		Message             *Message
	}{
		board: p.board(v.Frame, "operator", v.Traffic, v.Open, v.Now), Subject: v.Subject, MaySearch: v.MaySearch, Searched: v.Searched,
		Query: v.Query, Message: v.Message,
	}
	m.Incidents = incidentModels(m.words, v.Wrong, v.Names)
	m.Latency, m.Rates, m.Debts = latencyModel(m.words, v.Latency, v.Now), rateModel(m.words, v.Rates, v.Names), debtsModel(m.words, v.Owed, v.FiguresAt)
	m.Health, m.Banks, m.Agencies = systemHealth(m.words, v), bankHealth(m.words, v.Banks), agencyHealth(m.words, v.Agencies)
	for _, e := range v.Exposures {
		if g := gaugeOf(m.words, e); g != nil {
			m.Gauges = append(m.Gauges, g)
		}
	}
	for _, f := range v.Found {
		m.Found = append(m.Found, foundView{
			At: m.Date(f.CreatedAt), State: m.P("state." + string(f.State)), Tone: orderTone(f.State), Amount: m.Money(f.Tiyn, string(f.Currency)),
			Payer: f.Payer + " " + f.Name, Bank: f.Bank, ID: f.ID, Refusal: m.refused(f.Reason),
		})
	}
	return p.render("operator", m)
}

// check names a condition of being ready.
func (w words) check(name string) string {
	if w.texts.Has(w.lang, "page.check."+name) {
		return w.P("check." + name)
	}
	return name
}

// systemHealth is the state of the checks and of each token.
func systemHealth(w words, v Operator) (out []healthView) {
	for _, h := range v.Health {
		row := healthView{w.check(h.Name), w.T("health.bad"), "failed"}
		if h.Good {
			row.State, row.Tone = w.T("health.good"), "passed"
		}
		out = append(out, row)
	}
	for _, t := range v.Tokens {
		row := healthView{w.T("token") + " " + t.Label, w.T("health.good"), "passed"}
		switch {
		case t.Usable == 0:
			row.State, row.Tone = w.T("health.bad"), "failed"
		case t.Usable < t.Processes:
			row.State, row.Tone = w.T("health.partly"), "unclear"
		}
		out = append(out, row)
	}
	return out
}

func bankHealth(w words, banks []catalog.Bank) (out []healthView) {
	for _, b := range banks {
		row := healthView{b.Name + " (" + b.BIC + ")", w.T("banks.open"), "passed"}
		switch {
		case b.Paused:
			row.State, row.Tone = w.T("banks.paused"), "unclear"
		case b.SilentSince != nil:
			row.State, row.Tone = w.T("banks.silent")+" "+w.Date(*b.SilentSince), "failed"
		}
		out = append(out, row)
	}
	return out
}

// agencyHealth tells of webhooks: everything else about an agency is its own.
func agencyHealth(w words, agencies []AgencyHealth) (out []healthView) {
	for _, a := range agencies {
		row := healthView{w.Name(a.Names), w.T("agencies.good"), "passed"}
		switch {
		case a.WebhookURL == "":
			row.State, row.Tone = w.T("agencies.none"), "unclear"
		case a.WebhookDisabledAt != nil:
			row.State, row.Tone = w.T("agencies.gone")+" "+w.Date(*a.WebhookDisabledAt), "failed"
		case a.Dead > 0:
			row.State, row.Tone = w.T("agencies.dead")+" "+strconv.Itoa(a.Dead), "unclear"
		}
		out = append(out, row)
	}
	return out
}

// Look is one look of an official at the person's data.
type Look struct {
	At                         time.Time
	Name, Organisation, Reason string
}

// PersonalData is the page on which a person sees what is held and who looked at it.
type PersonalData struct {
	Frame
	Name, IIN, Organisation string
	Since                   time.Time
	Looks                   []Look
	// Phone is the confirmed one, masked; Challenge and SentTo are of a code that waits to be entered.
	Phone, Challenge, SentTo string
	// MayName says that the person may name a phone.
	MayName bool
	// Key makes sending a form twice the same as once.
	Key     string
	Message *Message
}

// RenderPersonalData makes that page.
func (p *Pages) RenderPersonalData(v PersonalData) ([]byte, error) {
	type look struct{ At, Name, Organisation, Reason string }
	m := struct {
		frame
		Name, IIN, Organisation, Since string
		Looks                          []look
		Phone, Challenge, SentTo, Key  string
		MayName                        bool
		Message                        *Message
	}{
		frame: p.frame(v.Frame, "data"), Name: v.Name, IIN: v.IIN, Organisation: v.Organisation,
		Phone: v.Phone, Challenge: v.Challenge, SentTo: v.SentTo, Key: v.Key, MayName: v.MayName, Message: v.Message,
	}
	m.Since = m.Date(v.Since)
	for _, l := range v.Looks {
		m.Looks = append(m.Looks, look{m.Date(l.At), l.Name, l.Organisation, l.Reason})
	}
	return p.render("data", m)
}
