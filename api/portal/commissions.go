package portal

import (
	"net/url"
	"slices"
	"strconv"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
)

// States of payments of commissions.
const (
	CommissionOpen   = "open"
	commissionBooked = "booked"
)

// Who has got what an agency has paid, as the page's form says it.
const (
	GotByBank        = "bank"
	GotByBeneficiary = "beneficiary"
)

// CommissionsPaid is the page of what agencies have paid for commissions, and made good.
type CommissionsPaid struct {
	Frame
	Subject string
	MayAct  bool
	// Bank narrows the list; empty means all.
	Bank     string
	Agencies []catalog.Agency
	Banks    []catalog.Bank
	Payments []payment.CommissionPayment
	// Owed is what agencies owe banks, or have to make good, now, in tiyn, by account, as far as it is known.
	Owed map[ledger.Account]int64
	// Own are the payments that the reader recorded, under whatever name, by id: another person books them.
	Own    map[string]bool
	People People
	Today  catalog.Date
	// Key is that of the forms of the page. Done is recorded, booked or rejected after one of them.
	Key, Done string
	// Draft is a form that was refused, and Field what of it breaks a rule; Message says why.
	Draft   url.Values
	Field   string
	Message *Message
}

type commissionPaidRow struct {
	ID, No, Address, Agency, Bank, Got, Amount, Owed, PaidOn, Reference, State, Tone, First, FirstAt, Second, SecondAt string
	MadeGood, MayBook, MayReject, Own                                                                                  bool
}

// RenderCommissionsPaid makes that page.
func (p *Pages) RenderCommissionsPaid(v CommissionsPaid) ([]byte, error) {
	m := struct {
		frame
		Subject, Key, Done, Fault, Today, Amount, PaidOn, Reference string
		MayAct                                                      bool
		Agencies, Banks, Which, Got                                 []option
		Waiting, Decided                                            []commissionPaidRow
		Message                                                     *Message
	}{
		frame: p.frame(v.Frame, "commissions"), Subject: v.Subject, MayAct: v.MayAct, Key: v.Key, Today: string(v.Today), Message: v.Message,
		Amount: v.Draft.Get("amount"), PaidOn: v.Draft.Get("paid_on"), Reference: v.Draft.Get("reference"),
	}
	if slices.Contains([]string{"recorded", "booked", "rejected"}, v.Done) && v.Message == nil {
		m.Done = m.T("done." + v.Done)
	}
	if id := "commissions.fault." + v.Field; v.Field != "" && m.texts.Has(m.lang, id) {
		m.Fault = m.texts.Text(m.lang, id, nil)
	}
	names := map[string]string{}
	for _, a := range v.Agencies {
		names[a.ID] = m.Name(a.Names)
		m.Agencies = append(m.Agencies, option{a.ID, names[a.ID], v.Draft.Get("agency") == a.ID})
	}
	for _, got := range []string{GotByBank, GotByBeneficiary} {
		m.Got = append(m.Got, option{got, m.T("got." + got), v.Draft.Get("got") == got})
	}
	m.Which = []option{{"", m.T("all"), v.Bank == ""}}
	for _, b := range v.Banks {
		names[b.BIC] = b.Name
		m.Banks = append(m.Banks, option{b.BIC, b.Name, v.Draft.Get("bank") == b.BIC})
		m.Which = append(m.Which, option{b.BIC, b.Name, v.Bank == b.BIC})
	}
	for _, x := range v.Payments {
		row := commissionPaidModel(m.words, v, names, x)
		if x.State == CommissionOpen {
			row.No = strconv.Itoa(len(m.Waiting))
			m.Waiting = append(m.Waiting, row)
		} else {
			m.Decided = append(m.Decided, row)
		}
	}
	return p.render("commissions", m)
}

func commissionPaidModel(w words, v CommissionsPaid, names map[string]string, x payment.CommissionPayment) commissionPaidRow {
	row := commissionPaidRow{
		ID: x.ID, Address: "/console/operator/" + url.PathEscape(v.Subject) + "/commissions/" + x.ID,
		Agency: named(names, x.Agency), Bank: named(names, x.Bank), Amount: w.Money(x.Tiyn, "KZT"), PaidOn: w.Day(x.PaidOn), Reference: x.Reference,
		State: w.T("state." + x.State), Tone: "unclear", First: w.who(v.People, x.AskedBy), FirstAt: w.Date(x.AskedAt),
		Got: w.T("got." + GotByBank), MadeGood: x.MadeGood,
	}
	if x.MadeGood {
		row.Got = w.T("got." + GotByBeneficiary)
	}
	if x.State == CommissionOpen {
		row.Own = v.Own[x.ID]
		row.MayBook, row.MayReject = v.MayAct && !row.Own, v.MayAct
		if owed, known := v.Owed[x.Owing()]; known {
			row.Owed = w.Money(owed, "KZT")
		}
		return row
	}
	if row.Tone = "failed"; x.State == commissionBooked {
		row.Tone = "passed"
	}
	row.Second = w.who(v.People, x.DecidedBy)
	if x.DecidedAt != nil {
		row.SecondAt = w.Date(*x.DecidedAt)
	}
	return row
}
