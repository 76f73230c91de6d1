package portal

import (
	"strings"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/money"
)

// chargesText says how a commission that the payer bears came about.
func chargesText(w words, charges []commission.Charge) string {
	var texts []string
	for _, c := range charges {
		if c.Bearer == commission.Payer {
			texts = append(texts, feeText(w, commission.Spec{Rate: c.Rate, Fixed: c.Fixed, Min: c.Min, Max: c.Max}))
		}
	}
	return strings.Join(texts, "; ")
}

// feeText says what terms take: "1 % + 50 ₸, at least 100 ₸, at most 500 ₸".
func feeText(w words, s commission.Spec) string {
	sum := func(tiyn int64) string { return w.Money(tiyn, string(money.KZT)) }
	var parts []string
	if s.Rate > 0 {
		parts = append(parts, strings.Replace(commission.Percent(s.Rate), ".", w.P("decimal"), 1)+" %")
	}
	if s.Fixed > 0 || s.Rate == 0 && s.Min == 0 {
		parts = append(parts, sum(s.Fixed))
	}
	clauses := []string{strings.Join(parts, " + ")}
	for _, bound := range []struct {
		name string
		tiyn int64
	}{{"commission.min", s.Min}, {"commission.max", s.Max}} {
		if bound.tiyn > 0 {
			clauses = append(clauses, w.P(bound.name)+" "+sum(bound.tiyn))
		}
	}
	if len(parts) == 0 {
		clauses = clauses[1:]
	}
	return strings.Join(clauses, ", ")
}

type termsRow struct{ ID, Bank, Scope, Bearer, Fee, GivenBack, From, Until, Source, State, Tone string }

// termsRows are terms of commission as the operator's catalogue shows them.
func termsRows(w words, list []payment.CommissionTerms, names map[string]catalog.Names, today catalog.Date) []termsRow {
	rows := make([]termsRow, len(list))
	for i, t := range list {
		row := termsRow{
			ID: t.ID, Bank: t.Bank, Bearer: w.T("terms.bearer." + string(t.Bearer)), From: w.Day(t.ValidFrom), Until: w.Day(t.ValidTo), Source: t.Source,
		}
		switch {
		case t.Service != "":
			row.Scope = w.Name(names[t.Service])
		case t.Agency != "":
			row.Scope = w.Name(names[t.Agency])
		case t.KBK != "":
			row.Scope = w.T("terms.kbk") + " " + t.KBK + "…"
		default:
			row.Scope = w.T("terms.everything")
		}
		if row.Scope == "" { // of a service that is not among those of the page
			row.Scope = t.Service + t.Agency
		}
		if t.Bearer != commission.Nobody {
			row.Fee, row.GivenBack = feeText(w, t.Spec), w.T("terms.back."+string(t.GivenBack))
		}
		when, tone := periodState(t.ValidFrom, t.ValidTo, today)
		row.State, row.Tone = w.T("when."+when), tone
		if t.State != "in_force" {
			row.State, row.Tone = w.T("terms."+t.State), "unclear"
		}
		rows[i] = row
	}
	return rows
}
