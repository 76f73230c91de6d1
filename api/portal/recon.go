package portal

import (
	"strconv"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/recon"
)

// Statements is the page on which a bank hands its statements in.
type Statements struct {
	Frame
	BIC string
	// MayAct opens the form, which takes up to MaxBytes.
	MayAct     bool
	MaxBytes   int
	Statements []payment.BankStatement
	// More says that older ones follow; First that this is the first page.
	More, First bool
	// Report is what became of the file that was just sent; Message says why it was refused.
	Report  *payment.FileReport
	Message *Message
}

type statementRow struct {
	ID, Account, Number, Period, State, Tone, Lines, Closing, Open, OpenTone, At string
}

type statementResult struct {
	Account, Number, Period, State, Lines, Matched, Closing, Ledger, Listed string
	Exceptions                                                              []kindRow
	Warnings                                                                []warningView
}

// warningView is a warning and the language that it is in.
type warningView struct{ Text, Lang string }

type kindRow struct{ Kind, Count, Amount string }

// RenderStatements makes that page.
func (p *Pages) RenderStatements(v Statements) ([]byte, error) {
	m := struct {
		frame
		BIC, Limit, Next     string
		MayAct, Taken, First bool
		Results              []statementResult
		Rows                 []statementRow
		Message              *Message
	}{frame: p.frame(v.Frame, "recon"), BIC: v.BIC, MayAct: v.MayAct && v.First, First: v.First, Message: v.Message, Limit: strconv.Itoa(v.MaxBytes >> 20)}
	m.Tabs = bankTabs(m.words, v.BIC, "/statements")
	if v.More && len(v.Statements) > 0 {
		m.Next = "/console/bank/" + v.BIC + "/statements?starting_after=" + v.Statements[len(v.Statements)-1].ID
	}
	if v.Report != nil {
		m.Taken = true
		for _, s := range v.Report.Statements {
			m.Results = append(m.Results, resultModel(m.words, s))
		}
	}
	for _, s := range v.Statements {
		m.Rows = append(m.Rows, statementModel(m.words, s))
	}
	return p.render("statements", m)
}

func resultModel(w words, s payment.StatementReport) statementResult {
	out := statementResult{
		Account: s.Account, Number: numberText(s.Number, s.Page), Period: periodText(w, s.From, s.To), State: w.T("statement." + s.State),
		Lines: strconv.FormatInt(s.Lines, 10), Matched: strconv.FormatInt(s.Matched, 10), Closing: w.Money(s.Closing, "KZT"),
		Ledger: w.Money(s.LedgerBalance, "KZT"), Listed: w.Money(s.Listed, "KZT"), Warnings: warningTexts(w, s),
	}
	for _, k := range s.Exceptions {
		out.Exceptions = append(out.Exceptions, kindRow{w.T("kind." + string(k.Kind)), strconv.FormatInt(k.Count, 10), w.Money(k.Amount, "KZT")})
	}
	return out
}

// warningTexts are the warnings of a statement in words. Those of long ago have no codes, and stay in English.
func warningTexts(w words, s payment.StatementReport) []warningView {
	var out []warningView
	for i, english := range s.Warnings {
		if len(s.Notices) != len(s.Warnings) {
			out = append(out, warningView{english, "en"})
			continue
		}
		text := w.texts.Text(w.lang, "notice."+s.Notices[i].Code, nil)
		if about := s.Notices[i].About; about != "" {
			text += ": " + about
		}
		out = append(out, warningView{text, string(w.lang)})
	}
	return out
}

// numberText is a statement's number; banks that do not number send 0.
func numberText(number int64, page int) string {
	if number == 0 {
		return "—"
	}
	text := strconv.FormatInt(number, 10)
	if page > 1 {
		text += "/" + strconv.Itoa(page)
	}
	return text
}

func periodText(w words, from, to string) string {
	if from == to {
		return w.Day(catalog.Date(to))
	}
	return w.Day(catalog.Date(from)) + " — " + w.Day(catalog.Date(to))
}

// Questions is the page on which a bank answers what it was asked.
type Questions struct {
	Frame
	BIC       string
	Questions []payment.BankQuestion
	// More says that further questions wait.
	More bool
	// Key opens the forms and makes sending one twice the same as once; empty for those who only look.
	Key     string
	Done    bool
	Message *Message
	// Draft is what a refused answer said, to the question Of.
	Draft, Of string
}

type messageView struct{ From, At, Comment, File, FileName string }

// questionView carries its own words and the key of its form, so that pages share the template of a conversation.
type questionView struct {
	words
	Number, Version                                 int
	ID, BIC, Key, Kind, Amount, Account, Day, Draft string
	Line, Expected                                  []fact
	Messages                                        []messageView
}

// fact is one known thing about a line or a payment.
type fact struct{ Name, Value string }

// RenderQuestions makes that page.
func (p *Pages) RenderQuestions(v Questions) ([]byte, error) {
	m := struct {
		frame
		BIC, Next string
		Done      bool
		Questions []questionView
		Message   *Message
	}{frame: p.frame(v.Frame, "recon"), BIC: v.BIC, Done: v.Done, Message: v.Message}
	m.Tabs = bankTabs(m.words, v.BIC, "/questions")
	for i, q := range v.Questions {
		view := questionModel(m.words, v.BIC, v.Key, q)
		if view.Number = i; q.ID == v.Of {
			view.Draft = v.Draft
		}
		m.Questions = append(m.Questions, view)
	}
	if v.More && len(v.Questions) > 0 {
		m.Next = "/console/bank/" + v.BIC + "/questions?starting_after=" + v.Questions[len(v.Questions)-1].ID
	}
	return p.render("questions", m)
}

// questionModel is a question with its conversation in words.
func questionModel(w words, bic, key string, q payment.BankQuestion) questionView {
	view := questionView{
		words: w, BIC: bic, Key: key, ID: q.ID, Version: q.Version, Kind: w.T("kind." + string(q.Kind)), Amount: w.Money(q.Tiyn, string(q.Currency)), Account: q.Account,
		Day: w.Day(catalog.Date(q.AnswerBy)), Line: lineFacts(w, q.Line),
	}
	if x := q.Expected; x != nil {
		view.Expected = facts(w, "reference", x.Reference, "bank_reference", x.BankReference, "day", w.Day(catalog.Date(x.PaidOn)), "amount", w.Money(x.Tiyn, string(x.Currency)))
	}
	for _, n := range q.Messages {
		mv := messageView{From: w.T("from." + n.From), At: w.Date(n.At), Comment: n.Comment}
		if n.FileName != "" {
			mv.File, mv.FileName = "/console/bank/"+bic+"/questions/"+q.ID+"/files/"+strconv.Itoa(n.Version), n.FileName
		}
		view.Messages = append(view.Messages, mv)
	}
	return view
}

// facts pairs names of the catalogue recon.fact with values, those that are not empty.
func facts(w words, pairs ...string) []fact {
	var out []fact
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, fact{w.T("fact." + pairs[i]), pairs[i+1]})
		}
	}
	return out
}

// lineFacts are what a bank's line says. Numbers of persons are masked: who looks at one gives a reason, and that is elsewhere.
func lineFacts(w words, l *recon.Line) []fact {
	if l == nil {
		return nil
	}
	amount := w.Money(l.Tiyn, "KZT")
	if l.Foreign != "" {
		amount = l.Foreign
	}
	return facts(w, "amount", amount, "booked", w.Day(catalog.Date(l.Booked.Format(time.DateOnly))), "reference", masked(l.Reference), "uip", l.UIP,
		"bank_reference", masked(l.BankReference), "batch", masked(l.Batch), "payer", masked(l.Payer), "kbk", l.KBK, "purpose", masked(l.Purpose))
}
