package portal

import (
	"net/url"
	"strconv"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// Desk is the operator's list of a bank's statements, from which one is withdrawn or replaced by two people.
type Desk struct {
	Frame
	Subject    string
	Banks      []catalog.Bank
	Query      payment.StatementQuery
	Statements []payment.BankStatement
	More       bool
}

// RenderDesk makes that page.
func (p *Pages) RenderDesk(v Desk) ([]byte, error) {
	m := struct {
		frame
		Subject, Next string
		Banks, Which  []option
		Rows          []statementRow
	}{frame: p.frame(v.Frame, "recon"), Subject: v.Subject}
	for _, b := range v.Banks {
		m.Banks = append(m.Banks, option{b.BIC, b.BIC + " " + b.Name, v.Query.Bank == b.BIC})
	}
	m.Which = []option{{"", m.T("filter.all"), !v.Query.Waiting}, {"true", m.T("desk.waiting"), v.Query.Waiting}}
	for _, s := range v.Statements {
		m.Rows = append(m.Rows, statementModel(m.words, s))
	}
	if v.More && len(v.Statements) > 0 {
		q := url.Values{"bank": {v.Query.Bank}, "starting_after": {v.Statements[len(v.Statements)-1].ID}}
		if v.Query.Waiting {
			q.Set("waiting", "true")
		}
		m.Next = "/console/operator/" + v.Subject + "/statements?" + q.Encode()
	}
	return p.render("desk", m)
}

// DeskStatement is the page of one statement with the steps of its withdrawal.
type DeskStatement struct {
	Frame
	// Subject is the name of the one who looks in addresses; Own says that he proposed the withdrawal, under whatever name.
	Subject   string
	Own       bool
	Statement payment.BankStatement
	People    People
	// Key opens the forms and makes sending one twice the same as once; empty for those who only look. A replacement has up to MaxBytes.
	Key      string
	MaxBytes int
	Done     bool
	// Draft is what a refused form said.
	Draft   string
	Message *Message
}

// RenderDeskStatement makes that page.
func (p *Pages) RenderDeskStatement(v DeskStatement) ([]byte, error) {
	s := v.Statement
	base := "/console/operator/" + v.Subject + "/statements"
	m := struct {
		frame
		withdrawal
		Subject, Back string
		Done          bool
	}{frame: p.frame(v.Frame, "recon"), Subject: v.Subject, Back: base + "?" + url.Values{"bank": {s.Bank}}.Encode(), Done: v.Done}
	m.withdrawal = withdrawalModel(m.words, v, base+"/"+s.ID)
	m.Bank = s.Bank // the bank's own people know it
	return p.render("desk_statement", m)
}

// statementModel is a statement of a list in words.
func statementModel(w words, s payment.BankStatement) statementRow {
	row := statementRow{
		ID: s.ID, Account: s.Account, Number: numberText(s.Number, s.Page), Period: periodText(w, s.From, s.To), State: w.T("statement." + s.State), Tone: "passed",
		Lines: strconv.FormatInt(s.Lines, 10), Closing: w.Money(s.Closing, "KZT"), Open: strconv.Itoa(s.Open), OpenTone: "passed", At: w.Date(s.ReceivedAt),
	}
	switch {
	case s.State != "booked":
		row.Tone = "unclear"
	case s.ProposedBy != "":
		row.State, row.Tone = w.T("desk.waits"), "unclear"
	}
	if s.Open > 0 {
		row.OpenTone = "unclear"
	}
	if s.Open >= payment.OpenCountMax {
		row.Open += "+"
	}
	return row
}
