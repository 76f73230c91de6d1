package portal

import (
	"slices"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// Part is the page on which a payer pays a part of a debt.
type Part struct {
	Frame
	// Debt as it stands, with what is payable of it now.
	Debt            debt.Debt
	Agency, Service catalog.Names
	Banks           []catalog.Bank
	// ChosenBank and Sum are those of a form that comes back with a Message.
	ChosenBank, Sum string
	// Key makes sending the form twice the same as once.
	Key     string
	Message *Message
}

// RenderPart makes that page.
func (p *Pages) RenderPart(v Part) ([]byte, error) {
	d := v.Debt
	m := struct {
		frame
		ID, Payer, Service, Agency, Reference, Purpose, DueOn        string
		Full, Paid, Held, Left, Payable, Percent, Until, Least, Most string
		Takes, Nothing                                               bool
		Sum, Key                                                     string
		Banks                                                        []bankView
		Message                                                      *Message
	}{
		frame: p.frame(v.Frame, "part"), ID: d.ID, Payer: d.Payer.ID, Reference: d.Reference, Purpose: d.Purpose,
		Takes: d.InstalmentMin > 0 && d.Payable > 0, Nothing: d.Payable == 0, Sum: v.Sum, Key: v.Key, Banks: bankViews(v.Banks, v.ChosenBank), Message: v.Message,
	}
	m.Service, m.Agency, m.DueOn = m.Name(v.Service), m.Name(v.Agency), m.Day(d.DueOn)
	sum := func(tiyn int64) string { return m.Money(tiyn, string(d.Currency)) }
	m.Full, m.Left, m.Payable, m.Least = sum(d.Tiyn), sum(d.Left()), sum(d.Payable), sum(min(d.InstalmentMin, max(d.Payable, 0)))
	if m.Most = m.Left; d.Paid == 0 && d.Held == 0 {
		m.Most = m.Payable // more than is due under a discount would be given away
	}
	if d.Paid > 0 {
		m.Paid = sum(d.Paid)
	}
	if d.Held > 0 {
		m.Held = sum(d.Held)
	}
	if d.Discount != nil {
		m.Percent, m.Until = string(d.Discount.Percent), m.Day(d.Discount.Until)
	}
	return p.render("part", m)
}

// bankViews are the banks that may be chosen.
func bankViews(banks []catalog.Bank, chosen string) []bankView {
	var out []bankView
	for _, b := range banks {
		if b.Takes() {
			out = append(out, bankView{b.BIC, b.Name, b.BIC == chosen})
		}
	}
	return out
}

// Fees is the list of what can be paid without a debt.
type Fees struct {
	Frame
	// Find is what was searched for.
	Find     string
	Services []catalog.Service
	// Agencies give names by id.
	Agencies map[string]catalog.Names
	// More says that there are more than are listed.
	More bool
}

// RenderFees makes that page: by agency, in the order of the language's names.
func (p *Pages) RenderFees(v Fees) ([]byte, error) {
	type line struct{ ID, Name string }
	type group struct {
		Agency string
		Lines  []line
	}
	m := struct {
		frame
		Find   string
		Groups []group
		More   bool
	}{frame: p.frame(v.Frame, "fees"), Find: v.Find, More: v.More}
	for _, s := range v.Services {
		name := m.Name(v.Agencies[s.Agency])
		i := slices.IndexFunc(m.Groups, func(g group) bool { return g.Agency == name })
		if i < 0 {
			i = len(m.Groups)
			m.Groups = append(m.Groups, group{Agency: name})
		}
		m.Groups[i].Lines = append(m.Groups[i].Lines, line{s.ID, m.Name(s.Names)})
	}
	return p.render("fees", m)
}

// Fee is the form of a fee that a payer states himself, filled in with what is known (R41).
type Fee struct {
	Frame
	Service, Agency catalog.Names
	// Payer for whom it is paid, of Payers for whom the person may pay; Name as the receipt has it.
	Payer, Name string
	Payers      []string
	Purpose     string
	// NeedsClaim: the fee is a percent of a claim. Claim is what was entered, Basis says rate and bounds.
	NeedsClaim bool
	Claim      string
	Basis      catalog.Basis
	// Quote is what is due; nil until it can be reckoned.
	Quote      *catalog.Quote
	Banks      []catalog.Bank
	ChosenBank string
	// Key makes sending the form twice the same as once.
	Key     string
	Message *Message
	// ID of the service.
	ID string
}

// RenderFee makes that page.
func (p *Pages) RenderFee(v Fee) ([]byte, error) {
	m := struct {
		frame
		ID, Service, Agency, Payer, Named, Purpose string
		Payers                                     []string
		NeedsClaim                                 bool
		Claim, Rate, Floor, Cap                    string
		Payable, Full, Percent, Until              string
		Shown                                      int64
		Banks                                      []bankView
		Key                                        string
		Message                                    *Message
	}{
		frame: p.frame(v.Frame, "fee"), ID: v.ID, Payer: v.Payer, Payers: v.Payers, Named: v.Name, Purpose: v.Purpose, NeedsClaim: v.NeedsClaim,
		Claim: v.Claim, Banks: bankViews(v.Banks, v.ChosenBank), Key: v.Key, Message: v.Message,
	}
	m.Service, m.Agency = m.Name(v.Service), m.Name(v.Agency)
	sum := func(tiyn int64) string { return m.Money(tiyn, string(money.KZT)) }
	if v.NeedsClaim {
		m.Rate = string(v.Basis.Rate)
		if v.Basis.Floor > 0 {
			m.Floor = sum(v.Basis.Floor)
		}
		if v.Basis.Cap > 0 {
			m.Cap = sum(v.Basis.Cap)
		}
	}
	if q := v.Quote; q != nil {
		m.Payable, m.Shown = sum(q.Payable), q.Payable
		if q.Payable != q.Tiyn {
			m.Full = sum(q.Tiyn)
		}
		if q.Discount != nil {
			m.Percent, m.Until = string(q.Discount.Percent), m.Day(q.Discount.Until)
		}
	}
	return p.render("fee", m)
}
