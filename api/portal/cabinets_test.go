package portal

import (
	"regexp"
	"strings"
	"testing"

	"qaqpa/api/language"
	"qaqpa/payment"
	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
	"qaqpa/payment/refund"
)

// queriesOf has a question of each kind and each outcome.
func queriesOf() []payment.BankQuery {
	yes, no, when := true, false, at()
	subject := bank.Subject{Kind: bank.Ownership, Person: "850101300019", Account: "KZ24070105KSN0000000"}
	pledge := bank.Subject{Kind: bank.Pledge, Person: "850101300019", PropertyKind: bank.Movable, PropertyNumber: "<b>"}
	fact := bank.Subject{Kind: bank.PaymentFact, Person: "850101300019", Attempt: "att_1"}
	out := []payment.BankQuery{
		{ID: "bqr_1", State: payment.QueryAsked, Subject: subject},
		{ID: "bqr_2", State: payment.QueryAnswered, Subject: subject, Belongs: &yes, AnsweredAt: &when},
		{State: payment.QueryAnswered, Subject: subject, Belongs: &no},
		{State: payment.QueryAnswered, Subject: pledge, Pledged: &yes},
		{State: payment.QueryAnswered, Subject: pledge, Pledged: &no},
	}
	for _, o := range []bank.Outcome{bank.Executed, bank.Refused, bank.Pending, bank.Absent} {
		out = append(out, payment.BankQuery{State: payment.QueryAnswered, Subject: fact, Payment: &bank.FactPayment{Outcome: o, Tiyn: 540_600, Currency: "KZT"}, Agrees: &no})
	}
	for _, p := range []string{"no_answer", "signature_invalid", "signed_by_another", "answer_invalid", "<i>"} {
		out = append(out, payment.BankQuery{State: payment.QueryUnanswered, Subject: fact, Problem: p})
	}
	return out
}

func statementOf(state, by string) payment.BankStatement {
	return payment.BankStatement{ID: "stm_1", Bank: "KOPRKZKA", Account: "KZ1<b>", Number: 7, From: "2026-10-17", To: "2026-10-18", State: state, Open: 1, ReceivedAt: at(), ProposedBy: by, Comment: "<i>"}
}

func TestCabinetsInEachLanguage(t *testing.T) {
	p := pages(t)
	refused := &Message{Title: "title", Detail: "detail"}
	off, executed := at(), at()
	for _, l := range language.All() {
		f := Frame{Lang: l, Address: "/console/bank/KOPRKZKA", Person: "ӘЛІ <i>", Works: true}
		agency := agencyOf(f).Agency
		var tries []payment.DeliveryTry
		for i, status := range []int{200, 202, 302, 404, 410, 500, 0} {
			tries = append(tries, payment.DeliveryTry{Number: 107 - i, At: off, Status: status, Problem: []string{"", "<b>"}[status&1]})
		}
		tries[6].Problem = "<b>timeout"
		question := payment.BankQuestion{
			ID: "exc_1", Version: 3, Kind: recon.Surplus, Account: "KZ1", AnswerBy: "2026-10-20", Amount: money.FromTiyn(900), Expected: &payment.AskedPayment{Reference: "<b>", PaidOn: "2026-10-18"},
			Messages: []payment.QuestionMessage{{Version: 2, From: "operator", Comment: "<b>?", At: off}, {Version: 3, From: "bank", Comment: "<i>", FileName: "<b>.txt", At: off}},
		}
		talk := payment.BankTalk{Exception: payment.Exception{ID: "exc_1", Kind: recon.Surplus, State: recon.Asked, Amount: money.FromTiyn(900), Account: "KZ1", AnswerBy: "2026-10-20"}, Asked: off}
		renders := map[string]func() ([]byte, error){
			"no payments": func() ([]byte, error) { return p.RenderAgency(Agency{Frame: f, Agency: agency}) },
			"webhooks": func() ([]byte, error) {
				return p.RenderWebhooks(Webhooks{Frame: f, Agency: agency, Items: hooksOf(), More: true, Dead: true, DeadCount: 3, Key: "k", Message: refused})
			},
			"no webhooks": func() ([]byte, error) {
				return p.RenderWebhooks(Webhooks{Frame: f, Agency: catalog.Agency{ID: "agc_1", Names: names3("x")}})
			},
			"webhook": func() ([]byte, error) {
				return p.RenderWebhook(Webhook{Frame: f, Agency: agency, Item: hooksOf()[1], Tries: tries, Key: "k", Sent: true, Message: refused})
			},
			"untried webhook": func() ([]byte, error) {
				return p.RenderWebhook(Webhook{Frame: f, Agency: agency, Item: hooksOf()[0], Key: "k"})
			},
			"refunds": func() ([]byte, error) {
				return p.RenderAgencyRefunds(AgencyRefunds{Frame: f, Agency: "agc_1", More: true, Actor: "citizen:2", Key: "k", Decided: true, Message: refused, Refunds: []refund.Refund{
					{ID: "ref_1", Kind: "refund", Reason: "paid-twice", State: refund.Requested, AskedBy: "citizen:850101300019", AskedAt: off, Comment: "<b>"},
					{ID: "ref_2", Kind: "refund", Reason: "paid-twice", State: refund.Refused, AskedBy: "citizen:1", DecidedBy: "citizen:2", AskedAt: off, BankReason: "AC04"},
				}})
			},
			"no refunds": func() ([]byte, error) { return p.RenderAgencyRefunds(AgencyRefunds{Frame: f, Agency: "agc_1"}) },
			"registers": func() ([]byte, error) {
				return p.RenderAgencyRegisters(AgencyRegisters{Frame: f, Agency: "agc_1", Banks: []catalog.Bank{{BIC: "KOPRKZKA", Name: "<b>"}}, Today: "2026-10-18"})
			},
			"no registers": func() ([]byte, error) { return p.RenderAgencyRegisters(AgencyRegisters{Frame: f, Agency: "agc_1"}) },
			"feeds": func() ([]byte, error) {
				return p.RenderAgencyDebts(AgencyDebts{Frame: f, Agency: "agc_1", MoreFeeds: true, Feeds: []payment.FeedSummary{
					{Name: "<b>&", Complete: true, LoadedAt: off}, {Name: strings.Repeat("a", 64), Complete: true, Refused: 3, LoadedAt: off}, {Name: "cut", LoadedAt: off},
				}})
			},
			"cut feed": func() ([]byte, error) {
				return p.RenderAgencyDebts(AgencyDebts{Frame: f, Agency: "agc_1", Report: &payment.FeedReport{Feed: "<b>", Lines: 2, Refused: 2}, MoreErrors: true, Refused: []payment.FeedResult{{Line: 2, Code: string(debt.CodeInvalid)}}})
			},
			"payments": func() ([]byte, error) {
				return p.RenderBankPayments(BankPayments{Frame: f, More: true, Query: payment.BankAttemptQuery{Bank: "KOPRKZKA", Day: "2026-10-18", State: "refused"}, Attempts: []payment.BankAttempt{
					{ID: "att_1", State: order.AttemptExecuted, Amount: money.FromTiyn(1), CreatedAt: off, ExecutedAt: &executed, BankReference: "<b>", ToldReference: "<i>"},
					{ID: "att_2", State: order.AttemptRefused, CreatedAt: off, Reason: "insufficient_funds"},
					{ID: "att_3", State: order.AttemptUnknown, CreatedAt: off},
				}})
			},
			"no payments of a bank": func() ([]byte, error) {
				return p.RenderBankPayments(BankPayments{Frame: f, Query: payment.BankAttemptQuery{Bank: "KOPRKZKA", Day: "2026-10-18"}})
			},
			"no open payments": func() ([]byte, error) {
				return p.RenderBankPayments(BankPayments{Frame: f, Query: payment.BankAttemptQuery{State: payment.AttemptsOpen}})
			},
			"queries": func() ([]byte, error) {
				return p.RenderBankQueries(BankQueries{Frame: f, More: true, Query: payment.BankQueryFilter{Bank: "KOPRKZKA", State: payment.QueryAsked}, Queries: queriesOf()})
			},
			"no queries": func() ([]byte, error) { return p.RenderBankQueries(BankQueries{Frame: f}) },
			"talks": func() ([]byte, error) {
				answered, settled := talk, talk
				answered.State, settled.State = recon.Assigned, recon.Resolved
				return p.RenderBankTalks(BankTalks{Frame: f, More: true, Query: payment.BankTalkQuery{Bank: "KOPRKZKA", Which: payment.TalkSettled}, Talks: []payment.BankTalk{talk, answered, settled}})
			},
			"no talks": func() ([]byte, error) { return p.RenderBankTalks(BankTalks{Frame: f}) },
			"talk": func() ([]byte, error) {
				return p.RenderBankTalk(BankTalk{Frame: f, BIC: "KOPRKZKA", Question: question, State: recon.Asked, Key: "k"})
			},
			"old talk": func() ([]byte, error) {
				return p.RenderBankTalk(BankTalk{Frame: f, BIC: "KOPRKZKA", Question: question, State: recon.Void})
			},
		}
		for name, v := range map[string]BankStatement{
			"booked":   {Statement: statementOf("booked", ""), Key: "k", Report: &payment.StatementReport{State: "booked", Exceptions: nil, Warnings: []string{"<b>"}}, Message: refused, Draft: "<i>"},
			"proposed": {Statement: statementOf("booked", "bank:KOPRKZKA/mbr_1"), Key: "k", Done: true, People: People{"bank:KOPRKZKA/mbr_1": "<b>"}},
			"own":      {Statement: statementOf("booked", "bank:KOPRKZKA/mbr_1"), Key: "k", Own: true},
			"gone":     {Statement: statementOf("withdrawn", "bank:KOPRKZKA/mbr_1"), Key: "k"},
		} {
			v.Frame, v.BIC, v.MaxBytes = f, "KOPRKZKA", 16<<20
			renders["statement "+name] = func() ([]byte, error) { return p.RenderBankStatement(v) }
		}
		for name, render := range renders {
			page, err := render()
			if err != nil {
				t.Fatalf("%s %s: %v", name, l, err)
			}
			checkPage(t, name+" "+string(l), string(page), l)
			if id := regexp.MustCompile(`[>" ](agency|bank|recon|debts|page|problem)\.[a-z_0-9.]+[<" ]`).FindString(string(page)); id != "" {
				t.Errorf("%s %s: no text for %s", name, l, id)
			}
			if strings.Contains(string(page), "850101300019") {
				t.Errorf("%s %s: the page shows the number of a person", name, l)
			}
			if n := strings.Count(string(page), `aria-current="page"`); n != 1 {
				t.Errorf("%s %s: %d sections are the current one", name, l, n)
			}
		}
	}
}
