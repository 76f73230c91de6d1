package main

import (
	"encoding/json"
	"strings"
	"testing"

	"qaqpa/payment/bank"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/report"
)

const (
	courtPayer = "900101300017"
	courtBank  = "KOPRKZKA"
)

func courtsCopy() paid {
	document, amount := "the order", money.FromTiyn(100)
	return paid{
		receipt.Copy{
			Receipt: receipt.Core{Order: "ord_1", Payer: debt.Payer{ID: courtPayer}, Bank: receipt.Bank{BIC: courtBank}, BankReference: "B-1"},
			Court:   &receipt.Court{Document: document, Attempt: "att_1"},
		},
		order.Document{Initiated: &order.Initiated{Request: "R-1", Channel: "app"}, Amount: amount},
	}
}

// said is the verdict on a signature that passed.
func said(t *testing.T, content any, by report.Signer) signer.Verdict {
	t.Helper()
	v := signer.Verdict{Indication: report.TotalPassed, Signatures: []report.Signature{{Signer: &by}}}
	switch c := content.(type) {
	case nil:
	case string:
		v.Content = []byte(c)
	default:
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		v.Content = raw
	}
	return v
}

// A good signature of somebody else authorises nothing: what the sealed copy says of the signer is only the gateway's word.
func TestCourtCopyNeedsThePayersSignature(t *testing.T) {
	p := courtsCopy()
	payer := report.Signer{Kind: order.KindPerson, IIN: courtPayer, CertificateSHA256: "c"}
	stranger, employee, other := payer, payer, payer
	stranger.IIN, employee.BIN, other.CertificateSHA256 = "850505400019", "990140000017", "d"
	eds := receipt.Authorisation{Method: "eds", CertificateSHA256: "c"}
	two := said(t, nil, other)
	two.Signatures = append(two.Signatures, report.Signature{Signer: &payer})
	for name, c := range map[string]struct {
		verdict signer.Verdict
		want    string
	}{
		"detached": {said(t, nil, payer), ""}, "attached": {said(t, p.Court.Document, payer), ""}, "one of two": {two, ""},
		"another document": {said(t, "another", payer), "another document"}, "another certificate": {said(t, nil, other), "another certificate"},
		"a stranger": {said(t, nil, stranger), "not the payer"}, "for his employer": {said(t, nil, employee), "no authority"},
	} {
		if err := p.authorised(c.verdict, eds); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCourtCopyNeedsTheBanksWish(t *testing.T) {
	p := courtsCopy()
	amount := money.FromTiyn(100)
	wish := bank.Initiation{
		Type: bank.InitiationType, Bank: courtBank, Request: "R-1", Payer: courtPayer, Channel: "app", Amount: amount, At: "2026-03-01T10:00:00Z",
		Debts: []bank.InitiatedDebt{{Debt: "dbt_1", Version: 1, Amount: amount}},
	}
	by := report.Signer{BIN: "990140000017", CertificateSHA256: "c"}
	asked := receipt.Authorisation{Method: "bank", CertificateSHA256: "c"}
	if err := p.authorised(said(t, wish, by), asked); err != nil {
		t.Error(err)
	}
	person, another, payer, none := by, wish, wish, p
	person.BIN, another.Request, payer.Payer, none.doc.Initiated = "", "R-2", "850505400019", nil
	for name, err := range map[string]error{
		"a person": p.authorised(said(t, wish, person), asked), "another wish": p.authorised(said(t, another, by), asked),
		"another client": p.authorised(said(t, payer, by), asked), "an order of the payer": none.authorised(said(t, wish, by), asked),
		"anything": p.authorised(said(t, "{}", by), asked), "no known kind": p.authorised(said(t, wish, by), receipt.Authorisation{Method: "x", CertificateSHA256: "c"}),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestCourtCopyNeedsTheBanksWord(t *testing.T) {
	p := courtsCopy()
	word := bank.Status{
		Type: bank.StatusType, Bank: courtBank, Attempt: "att_1", Order: "ord_1", Outcome: bank.Executed, Tiyn: 100, Currency: money.KZT, BankReference: "B-1",
		ExecutedAt: "2026-03-01T10:00:00Z",
	}
	by := report.Signer{BIN: "990140000017"}
	if err := p.confirmed(said(t, word, by)); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*bank.Status){
		"amount": func(s *bank.Status) { s.Tiyn = 99 }, "order": func(s *bank.Status) { s.Order = "ord_2" }, "attempt": func(s *bank.Status) { s.Attempt = "att_2" },
		"bank": func(s *bank.Status) { s.Bank = "HSBKKZKX" }, "reference": func(s *bank.Status) { s.BankReference = "B-2" }, "outcome": func(s *bank.Status) { s.Outcome = bank.Refused },
		"commission": func(s *bank.Status) { s.Commission = 1 },
	} {
		spoilt := word
		spoil(&spoilt)
		if p.confirmed(said(t, spoilt, by)) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if p.confirmed(said(t, word, report.Signer{IIN: courtPayer})) == nil {
		t.Error("a person confirms for a bank")
	}
}
