package portal

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/recon"
)

// Exceptions is the operator's queue.
type Exceptions struct {
	Frame
	// Subject and Actor are the names of the one who looks: in addresses, and as an owner.
	Subject, Actor string
	Banks          []catalog.Bank
	Query          payment.ExceptionQuery
	Exceptions     []payment.Exception
	People         People
	More           bool
}

type exceptionRow struct {
	ID, Kind, Severity, Tone, State, Amount, Bank, Owner, Days, Opened string
}

// option is one choice of a list.
type option struct {
	Value, Text string
	Chosen      bool
}

// RenderExceptions makes that page.
func (p *Pages) RenderExceptions(v Exceptions) ([]byte, error) {
	m := struct {
		frame
		Subject, Next        string
		Banks, Kinds, States []option
		Severities, Ages     []option
		Owners               []option
		Rows                 []exceptionRow
	}{frame: p.frame(v.Frame, "recon"), Subject: v.Subject}
	m.Banks = []option{{"", m.T("filter.all"), v.Query.Bank == ""}}
	for _, b := range v.Banks {
		m.Banks = append(m.Banks, option{b.BIC, b.BIC + " " + b.Name, v.Query.Bank == b.BIC})
	}
	m.Kinds = []option{{"", m.T("filter.all"), v.Query.Kind == ""}}
	for _, k := range recon.Kinds() {
		m.Kinds = append(m.Kinds, option{string(k), m.T("kind." + string(k)), v.Query.Kind == k})
	}
	m.States = []option{{"", m.T("filter.unsettled"), v.Query.State == ""}}
	for _, s := range recon.States() {
		m.States = append(m.States, option{string(s), m.T("state." + string(s)), v.Query.State == s})
	}
	m.Severities = []option{{"", m.T("filter.all"), v.Query.Severity == ""}}
	for _, s := range recon.Severities() {
		m.Severities = append(m.Severities, option{string(s), m.T("severity." + string(s)), v.Query.Severity == s})
	}
	m.Ages = []option{{"", m.T("filter.all"), v.Query.Age == ""}}
	for _, a := range recon.Ages() {
		m.Ages = append(m.Ages, option{a.String(), a.String(), v.Query.Age == a.String()})
	}
	m.Owners = []option{{"", m.T("filter.all"), v.Query.Owner == ""}, {v.Actor, m.T("exceptions.mine"), v.Query.Owner == v.Actor}}
	if o := v.Query.Owner; o != "" && o != v.Actor {
		m.Owners = append(m.Owners, option{o, m.who(v.People, o), true})
	}
	for _, e := range v.Exceptions {
		m.Rows = append(m.Rows, exceptionModel(m.words, e, v.People))
	}
	if v.More && len(v.Exceptions) > 0 {
		q := url.Values{"starting_after": {v.Exceptions[len(v.Exceptions)-1].ID}}
		for name, value := range map[string]string{
			"bank": v.Query.Bank, "kind": string(v.Query.Kind), "severity": string(v.Query.Severity), "age": v.Query.Age, "owner": v.Query.Owner, "state": string(v.Query.State),
		} {
			if value != "" {
				q.Set(name, value)
			}
		}
		m.Next = "/console/operator/" + v.Subject + "/exceptions?" + q.Encode()
	}
	return p.render("exceptions", m)
}

func exceptionModel(w words, e payment.Exception, known People) exceptionRow {
	return exceptionRow{
		ID: e.ID, Kind: w.T("kind." + string(e.Kind)), Severity: w.T("severity." + string(e.Severity)), Tone: severityTone(e.Severity),
		State: w.T("state." + string(e.State)), Amount: w.Money(e.Tiyn, string(e.Currency)), Bank: e.Bank, Owner: w.who(known, e.Owner), Days: strconv.Itoa(e.Days),
		Opened: w.Day(catalog.Date(e.OpenedOn)),
	}
}

func severityTone(s recon.Severity) string {
	switch s {
	case recon.High, recon.Critical:
		return "failed"
	case recon.Medium:
		return "unclear"
	case recon.Low:
	}
	return "passed"
}

// Exception is the page of one exception.
type Exception struct {
	Frame
	// Subject and Actor are the names of the one who looks: in addresses, and as an owner.
	Subject, Actor string
	Detail         payment.ExceptionDetail
	People         People
	Now            time.Time
	// Key opens the forms and makes sending one twice the same as once; empty for those who only look.
	Key  string
	Done bool
	// Draft is what a refused form said; Plan the fields of a resolution that was refused, and Note why
	// what waits fits no more.
	Draft, Note string
	Plan        url.Values
	// Own says that the reader made the proposal that waits, under whatever name; Legs is what its approval moves.
	Own     bool
	Legs    []recon.Leg
	Message *Message
}

type suggestionView struct {
	ID, Amount, Day, Score, Address string
	Reasons                         []string
}

type eventView struct{ Event, Actor, At, Comment, File, FileName string }

// RenderException makes that page.
func (p *Pages) RenderException(v Exception) ([]byte, error) {
	d := v.Detail
	m := struct {
		frame
		exceptionRow
		Subject, Key, Draft, Account, AnswerBy, AnswerUntil, Address string
		Version                                                      int
		Done, MayTake, MayRelease, MayAsk                            bool
		Line, Expected                                               []fact
		Suggestions                                                  []suggestionView
		Events                                                       []eventView
		Message                                                      *Message
		Resolve                                                      resolution
		Note                                                         string
	}{
		frame: p.frame(v.Frame, "recon"), Note: v.Note, Subject: v.Subject, Key: v.Key, Draft: v.Draft, Account: d.Account, Version: d.Version, Done: v.Done, Message: v.Message,
		AnswerUntil: v.Now.In(astana()).AddDate(0, 0, answerDays).Format(time.DateOnly),
	}
	m.exceptionRow = exceptionModel(m.words, d.Exception, v.People)
	m.Address = "/console/operator/" + v.Subject + "/exceptions/" + d.ID
	m.AnswerBy = m.Day(catalog.Date(d.AnswerBy))
	m.MayTake = d.State == recon.Open || (d.State == recon.Assigned && !ownedBy(d.Owner, v.Actor))
	m.MayRelease = d.State == recon.Assigned && ownedBy(d.Owner, v.Actor)
	m.MayAsk = d.State == recon.Open || d.State == recon.Assigned
	m.Resolve, m.Line = resolutionModel(m.words, v), lineFacts(m.words, d.Line)
	if x := d.Expected; x != nil {
		m.Expected = facts(m.words, "id", x.ID, "reference", masked(x.Reference), "amount", m.Money(x.Tiyn, string(x.Currency)), "open", m.Money(x.Open, "KZT"),
			"day", m.Day(catalog.Date(x.PaidOn)), "due", m.Day(catalog.Date(x.DueOn)), "payer", masked(x.Payer), "kbk", x.KBK)
	}
	for _, s := range d.Suggestions {
		row := suggestionView{ID: s.ID, Amount: m.Money(s.Tiyn, "KZT"), Day: m.Day(dayOf(s.Day)), Score: strconv.Itoa(s.Score)}
		if d.Line == nil { // a line that may be the missing payment: it is tied from its own exception
			row.Address = "/console/operator/" + v.Subject + "/exceptions/" + s.ID
		}
		for _, reason := range s.Reasons {
			row.Reasons = append(row.Reasons, m.T("agrees."+reason))
		}
		m.Suggestions = append(m.Suggestions, row)
	}
	for _, n := range d.Notes {
		row := eventView{Event: eventText(m.words, n.Event), Actor: m.who(v.People, n.Actor), At: m.Date(n.At), Comment: n.Comment}
		if n.FileName != "" {
			row.File, row.FileName = m.Address+"/files/"+strconv.Itoa(n.Version), n.FileName
		}
		m.Events = append(m.Events, row)
	}
	return p.render("exception", m)
}

func dayOf(d recon.Day) catalog.Date { return catalog.Date(d.Format(time.DateOnly)) }

// answerDays is how long the form proposes to wait for a bank.
const answerDays = 5

// eventText is a step in words. Steps of the gateway itself, such as a statement that was taken back, are one word.
func eventText(w words, event string) string {
	switch event {
	case payment.ActAssign, payment.ActRelease, payment.ActAsk, payment.ActComment, payment.ActResolve, payment.ActApprove, payment.ActReject, "answer":
		return w.T("event." + event)
	}
	return w.T("event.other")
}

// ownedBy tells whether an exception is the reader's: taken by him, or by a program under his name.
func ownedBy(owner, actor string) bool {
	name, _, _ := strings.Cut(actor, "/")
	return owner == actor || owner == name
}
