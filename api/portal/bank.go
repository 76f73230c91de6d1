package portal

import (
	"net/url"
	"strconv"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
	"qaqpa/payment/register"
)

// Bank is the first page of a bank's people.
type Bank struct {
	Frame
	Bank    catalog.Bank
	Traffic []payment.Traffic
	Open    []payment.OpenAttempt
	// Exposure is how far the guarantee is used; Owed what no statement has shown yet, day by day to Today.
	Exposure payment.Exposure
	Owed     []register.Obligation
	Today    catalog.Date
	Now      time.Time
}

// openShown is how many payments without an outcome the first page lists: the oldest, which are the ones to look after.
const openShown = 10

// RenderBank makes the page of a bank.
func (p *Pages) RenderBank(v Bank) ([]byte, error) {
	m := struct {
		board
		Name, BIC, Today string
		Paused, MoreOpen bool
		Guarantee        *gauge
		Owed             *owedChart
	}{
		board: p.board(v.Frame, "bank", v.Traffic, v.Open[:min(len(v.Open), openShown)], v.Now), MoreOpen: len(v.Open) > openShown,
		Name: v.Bank.Name, BIC: v.Bank.BIC, Paused: v.Bank.Paused, Today: string(v.Today),
	}
	m.Guarantee, m.Owed, m.Tabs = gaugeOf(m.words, v.Exposure), owedModel(m.words, v.Owed), bankTabs(m.words, v.Bank.BIC, "")
	return p.render("bank", m)
}

// BankPayments is the page of what became of a bank's payments of a day.
type BankPayments struct {
	Frame
	Query    payment.BankAttemptQuery
	Attempts []payment.BankAttempt
	More     bool
}

type paymentRow struct {
	At, Amount, State, Tone, Executed, Reference, Told, ID string
	Refusal                                                *refusal
}

// RenderBankPayments makes that page.
func (p *Pages) RenderBankPayments(v BankPayments) ([]byte, error) {
	m := struct {
		frame
		BIC, Day, DayText, Next string
		Dated                   bool
		Which                   []option
		Rows                    []paymentRow
	}{frame: p.frame(v.Frame, "bank"), BIC: v.Query.Bank, Day: string(v.Query.Day), Dated: v.Query.State != payment.AttemptsOpen}
	m.Tabs, m.DayText = bankTabs(m.words, v.Query.Bank, "/payments"), m.words.Day(v.Query.Day)
	for _, state := range []string{"", "executed", "refused", payment.AttemptsOpen} {
		text := m.T("payments.all")
		if state != "" {
			text = m.T("payments." + state)
		}
		m.Which = append(m.Which, option{state, text, v.Query.State == state})
	}
	for _, a := range v.Attempts {
		row := paymentRow{
			At: m.Date(a.CreatedAt), Amount: m.Money(a.Tiyn, string(a.Currency)), State: m.P("attempt." + string(a.State)), Tone: "unclear", Reference: a.BankReference,
			Told: a.ToldReference, ID: a.ID,
		}
		switch a.State { //nolint:exhaustive // the others have no outcome
		case order.AttemptExecuted:
			row.Tone = "passed"
			if a.ExecutedAt != nil {
				row.Executed = m.Date(*a.ExecutedAt)
			}
		case order.AttemptRefused:
			row.Tone, row.Refusal = "failed", m.refused(a.Reason)
		}
		m.Rows = append(m.Rows, row)
	}
	if v.More && len(v.Attempts) > 0 {
		q := url.Values{"day": {m.Day}, "starting_after": {v.Attempts[len(v.Attempts)-1].ID}}
		if v.Query.State != "" {
			q.Set("state", v.Query.State)
		}
		m.Next = "/console/bank/" + m.BIC + "/payments?" + q.Encode()
	}
	return p.render("payments", m)
}

// BankQueries is the page of what a bank was asked about accounts, pledges and payments.
type BankQueries struct {
	Frame
	Query   payment.BankQueryFilter
	Queries []payment.BankQuery
	More    bool
}

type queryRow struct {
	At, Kind, Subject, Person, State, Tone, Answer, Problem, Answered, ID string
}

// RenderBankQueries makes that page. Numbers of persons are masked: whoever asked has given a reason, and who reads this page has not.
func (p *Pages) RenderBankQueries(v BankQueries) ([]byte, error) {
	m := struct {
		frame
		BIC, Next string
		Which     []option
		Rows      []queryRow
	}{frame: p.frame(v.Frame, "bank"), BIC: v.Query.Bank}
	m.Tabs = bankTabs(m.words, v.Query.Bank, "/queries")
	for _, state := range []payment.BankQueryState{"", payment.QueryAsked, payment.QueryAnswered, payment.QueryUnanswered} {
		text := m.T("queries.all")
		if state != "" {
			text = m.T("queries." + string(state))
		}
		m.Which = append(m.Which, option{string(state), text, v.Query.State == state})
	}
	for _, q := range v.Queries {
		m.Rows = append(m.Rows, queryModel(m.words, q))
	}
	if v.More && len(v.Queries) > 0 {
		q := url.Values{"starting_after": {v.Queries[len(v.Queries)-1].ID}}
		if v.Query.State != "" {
			q.Set("state", string(v.Query.State))
		}
		m.Next = "/console/bank/" + m.BIC + "/queries?" + q.Encode()
	}
	return p.render("queries", m)
}

// shortAccount is an account of which the middle is left out.
func shortAccount(account string) string {
	const ends = 4
	if len(account) <= 2*ends {
		return account
	}
	return account[:ends] + "…" + account[len(account)-ends:]
}

func queryModel(w words, q payment.BankQuery) queryRow {
	row := queryRow{
		At: w.Date(q.AskedAt), Kind: w.T("query." + string(q.Kind)), Person: masked(q.Person), State: w.T("queries." + string(q.State)), Tone: "unclear", ID: q.ID,
	}
	switch q.Kind {
	case bank.Ownership:
		row.Subject = shortAccount(q.Account)
	case bank.Pledge:
		row.Subject = w.T("property."+q.PropertyKind) + " " + masked(q.PropertyNumber)
	case bank.PaymentFact:
		row.Subject = q.Attempt
	}
	if q.AnsweredAt != nil {
		row.Answered = w.Date(*q.AnsweredAt)
	}
	switch q.State {
	case payment.QueryAnswered:
		row.Tone, row.Answer = "passed", answerOf(w, q)
	case payment.QueryUnanswered:
		row.Tone, row.Answer, row.Problem = "failed", w.T("problem.other"), q.Problem
		if w.texts.Has(w.lang, "bank.problem."+q.Problem) {
			row.Answer = w.T("problem." + q.Problem)
		}
	case payment.QueryAsked:
	}
	return row
}

// answerOf is what the bank said, in a few words.
func answerOf(w words, q payment.BankQuery) string {
	yes := func(id string, b *bool) string {
		if *b {
			return w.T("said." + id)
		}
		return w.T("said.not_" + id)
	}
	switch {
	case q.Belongs != nil:
		return yes("belongs", q.Belongs)
	case q.Pledged != nil:
		return yes("pledged", q.Pledged)
	case q.Payment != nil:
		text := w.T("said." + string(q.Payment.Outcome))
		if q.Payment.Tiyn > 0 {
			text += " · " + w.Money(q.Payment.Tiyn, string(q.Payment.Currency))
		}
		if q.Agrees != nil && !*q.Agrees {
			text += " · " + w.T("said.differs")
		}
		return text
	}
	return ""
}

// BankTalks is the page of the exceptions about which a bank was asked.
type BankTalks struct {
	Frame
	Query payment.BankTalkQuery
	Talks []payment.BankTalk
	More  bool
}

type talkRow struct{ Address, Kind, Amount, State, Tone, Asked, Until, Account string }

// talkState is how a conversation stands, as far as a bank is told.
func talkState(w words, s recon.State) (text, tone string) {
	switch {
	case s == recon.Asked:
		return w.T("talks." + payment.TalkWaiting), "unclear"
	case s.Unsettled():
		return w.T("talks." + payment.TalkAnswered), "passed"
	}
	return w.T("talks." + payment.TalkSettled), "passed"
}

// RenderBankTalks makes that page.
func (p *Pages) RenderBankTalks(v BankTalks) ([]byte, error) {
	m := struct {
		frame
		BIC, Next string
		Which     []option
		Rows      []talkRow
	}{frame: p.frame(v.Frame, "recon"), BIC: v.Query.Bank}
	m.Tabs = bankTabs(m.words, v.Query.Bank, "/questions")
	base := "/console/bank/" + v.Query.Bank + "/exceptions"
	for _, which := range []string{"", payment.TalkWaiting, payment.TalkAnswered, payment.TalkSettled} {
		text := m.T("filter.all")
		if which != "" {
			text = m.T("talks." + which)
		}
		m.Which = append(m.Which, option{which, text, v.Query.Which == which})
	}
	for _, t := range v.Talks {
		row := talkRow{Address: base + "/" + t.ID, Kind: m.T("kind." + string(t.Kind)), Amount: m.Money(t.Tiyn, string(t.Currency)), Asked: m.Date(t.Asked), Account: t.Account}
		if row.State, row.Tone = talkState(m.words, t.State); t.State == recon.Asked {
			row.Until = m.Day(catalog.Date(t.AnswerBy))
		}
		m.Rows = append(m.Rows, row)
	}
	if v.More && len(v.Talks) > 0 {
		q := url.Values{"starting_after": {v.Talks[len(v.Talks)-1].ID}}
		if v.Query.Which != "" {
			q.Set("state", v.Query.Which)
		}
		m.Next = base + "?" + q.Encode()
	}
	return p.render("talks", m)
}

// BankTalk is the page of one such exception.
type BankTalk struct {
	Frame
	BIC      string
	Question payment.BankQuestion
	State    recon.State
	// Key opens the form for the answer; empty for those who only look, and when no answer is awaited.
	Key string
}

// RenderBankTalk makes that page.
func (p *Pages) RenderBankTalk(v BankTalk) ([]byte, error) {
	m := struct {
		frame
		Question         questionView
		BIC, State, Tone string
	}{frame: p.frame(v.Frame, "recon"), BIC: v.BIC}
	m.Tabs = bankTabs(m.words, v.BIC, "/questions")
	m.Question = questionModel(m.words, v.BIC, v.Key, v.Question)
	m.State, m.Tone = talkState(m.words, v.State)
	return p.render("talk", m)
}

// BankStatement is the page of one statement for its bank, with the steps of its withdrawal.
type BankStatement struct {
	Frame
	BIC       string
	Statement payment.BankStatement
	// Report is what was told when its file came; nil when nothing is known any more.
	Report *payment.StatementReport
	// Own says that the reader proposed the withdrawal, under whatever name.
	Own    bool
	People People
	// Key opens the forms and makes sending one twice the same as once; empty for those who only look. A replacement has up to MaxBytes.
	Key      string
	MaxBytes int
	Done     bool
	// Draft is what a refused form said.
	Draft   string
	Message *Message
}

// RenderBankStatement makes that page.
func (p *Pages) RenderBankStatement(v BankStatement) ([]byte, error) {
	m := struct {
		frame
		withdrawal
		BIC    string
		Done   bool
		Report *statementResult
	}{frame: p.frame(v.Frame, "recon"), BIC: v.BIC, Done: v.Done}
	m.Tabs = bankTabs(m.words, v.BIC, "/statements")
	m.withdrawal = withdrawalModel(m.words, DeskStatement{
		Own: v.Own, Statement: v.Statement, People: v.People, Key: v.Key, MaxBytes: v.MaxBytes, Draft: v.Draft, Message: v.Message,
	}, "/console/bank/"+v.BIC+"/statements/"+v.Statement.ID)
	if v.Report != nil {
		report := resultModel(m.words, *v.Report)
		m.Report = &report
	}
	return p.render("statement", m)
}

// withdrawal is a statement with the forms by which two people withdraw or replace it.
type withdrawal struct {
	Row                                                    statementRow
	Bank, Key, Limit, Draft, Opening, By, Comment, Address string
	MayPropose, MayApprove, MayReject                      bool
	Message                                                *Message
}

// withdrawalModel offers what the reader may do with a statement; address takes the forms.
func withdrawalModel(w words, v DeskStatement, address string) withdrawal {
	s := v.Statement
	m := withdrawal{
		Row: statementModel(w, s), Key: v.Key, Limit: strconv.Itoa(v.MaxBytes >> 20), Draft: v.Draft, Opening: w.Money(s.Opening, "KZT"),
		By: w.who(v.People, s.ProposedBy), Comment: s.Comment, Address: address, Message: v.Message,
	}
	if v.Key != "" && s.State == "booked" {
		m.MayPropose, m.MayReject = s.ProposedBy == "", s.ProposedBy != ""
		m.MayApprove = m.MayReject && !v.Own
	}
	return m
}
