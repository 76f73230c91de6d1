package portal

import (
	"fmt"
	"strconv"
	"strings"

	"qaqpa/payment"
	"qaqpa/payment/recon"
)

// Lines is the operator's page of a statement's lines with what became of each, where the match that rules made of one is undone.
type Lines struct {
	Frame
	Subject   string
	Statement payment.BankStatement
	Lines     []payment.StatementLine
	// More says that further lines follow; First that this is the first page.
	More, First bool
	// Key opens the forms and makes sending one twice the same as once; empty for those who only look.
	Key string
	// Draft is what the refused form of the line No.Part said.
	No, Part int
	Draft    string
	Message  *Message
}

type lineView struct {
	No, Part                                      int
	Place, Amount, Status, Tone, Exception, Draft string
	Facts                                         []fact
	Matches                                       []matchView
	MayUndo                                       bool
}

// matchView has Rule and Fields of rules that somebody made himself: of the others By says it all.
type matchView struct{ ID, Owed, Kept, By, Rule, Fields string }

// RenderLines makes that page.
func (p *Pages) RenderLines(v Lines) ([]byte, error) {
	s, base := v.Statement, "/console/operator/"+v.Subject
	m := struct {
		frame
		Subject, Name, Back, Key, Next string
		First                          bool
		Rows                           []lineView
		Message                        *Message
	}{
		frame: p.frame(v.Frame, "recon"), Subject: v.Subject, Name: s.Account + " № " + numberText(s.Number, s.Page), Back: base + "/statements/" + s.ID,
		Key: v.Key, First: v.First, Message: v.Message,
	}
	for _, l := range v.Lines {
		row := lineModel(m.words, l)
		if l.Exception != "" {
			row.Exception = base + "/exceptions/" + l.Exception
		}
		// Decisions of people stand as resolved exceptions; what rules matched of a booked statement can be undone.
		row.MayUndo = v.Key != "" && s.State == "booked" && ruled(l)
		if row.MayUndo && l.No == v.No && l.Part == v.Part {
			row.Draft = v.Draft
		}
		m.Rows = append(m.Rows, row)
	}
	if n := len(v.Lines); v.More && n > 0 {
		m.Next = fmt.Sprintf("%s/lines?after_no=%d&after_part=%d", m.Back, v.Lines[n-1].No, v.Lines[n-1].Part)
	}
	return p.render("lines", m)
}

// ruled says that rules matched a line.
func ruled(l payment.StatementLine) bool {
	for _, x := range l.Matches {
		if x.Rule != payment.RulePerson {
			return true
		}
	}
	return false
}

func lineModel(w words, l payment.StatementLine) lineView {
	row := lineView{No: l.No, Part: l.Part, Place: w.T("lines.line") + " " + strconv.Itoa(l.No), Amount: w.Money(l.Tiyn, "KZT"), Status: w.T("lines.status." + string(l.Status)), Tone: "passed"}
	if l.Part > 0 {
		row.Place += "." + strconv.Itoa(l.Part)
	}
	if l.Foreign != "" {
		row.Amount = l.Foreign
	}
	switch l.Status {
	case recon.Listed, recon.NotBooked, recon.Partial, recon.PostedForced:
		row.Tone = "unclear"
	case recon.PostedAuto, recon.PostedManual, recon.Settled:
	}
	row.Facts = lineFacts(w, &l.Line)
	for _, x := range l.Matches {
		row.Matches = append(row.Matches, matchModel(w, x))
	}
	return row
}

func matchModel(w words, x payment.LineMatch) matchView {
	view := matchView{ID: x.Expectation, Owed: w.Money(x.Owed, "KZT")}
	if x.Kept != 0 {
		view.Kept = w.Money(x.Kept, "KZT")
	}
	switch {
	case x.Rule == payment.RulePerson:
		view.By = w.T("lines.person")
	case x.Own:
		view.By, view.Rule = w.T("lines.rule"), x.Rule
		var fields []string
		for _, f := range x.Fields {
			fields = append(fields, w.T("agrees."+string(f)))
		}
		view.Fields = strings.Join(fields, ", ")
	default:
		view.By = w.T("lines.rule." + x.Rule)
	}
	return view
}
