package register

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Obligation is what a bank has confirmed on a day, and what of it has reached the beneficiary's account since (R6).
type Obligation struct {
	Bank      string       `json:"bank"`
	Day       catalog.Date `json:"day"`
	Count     int          `json:"count"`
	Confirmed money.Amount `json:"confirmed"`
	// Settled is what statements have shown, Owed the rest.
	SettledCount int          `json:"settled_count"`
	Settled      money.Amount `json:"settled"`
	Owed         money.Amount `json:"owed"`
	// DaysOpen is how many calendar days ago the day was, 0 if nothing is owed.
	DaysOpen int `json:"days_open"`
}

// Owed tells by bank and day what is still owed at a moment: payments that were confirmed and that settled does not know. It is ordered
// by bank and day. Errors: money.ErrOverflow, money.ErrCurrency.
func Owed(payments []Payment, settled func(id string) bool, at time.Time) ([]Obligation, error) {
	type key struct {
		bank string
		day  catalog.Date
	}
	sums := map[key]*Obligation{}
	for i := range payments {
		p := &payments[i]
		k := key{p.Payer.BIC, p.Day}
		o := sums[k]
		if o == nil {
			zero := money.FromTiyn(0)
			o = &Obligation{Bank: k.bank, Day: k.day, Confirmed: zero, Settled: zero, Owed: zero}
			sums[k] = o
		}
		o.Count++
		to := &o.Owed
		if settled(p.ID) {
			o.SettledCount++
			to = &o.Settled
		}
		for _, sum := range []*money.Amount{&o.Confirmed, to} {
			var err error
			if *sum, err = sum.Plus(p.Amount); err != nil {
				return nil, fmt.Errorf("couldn't add payment %q: %w", p.ID, err)
			}
		}
	}
	out := make([]Obligation, 0, len(sums))
	for _, o := range sums {
		if o.Owed.Tiyn > 0 {
			o.DaysOpen = daysBetween(o.Day, catalog.DateOf(at))
		}
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b Obligation) int { return cmp.Or(cmp.Compare(a.Bank, b.Bank), cmp.Compare(a.Day, b.Day)) })
	return out, nil
}

func daysBetween(from, to catalog.Date) int {
	a, errA := time.Parse(time.DateOnly, string(from))
	b, errB := time.Parse(time.DateOnly, string(to))
	if errA != nil || errB != nil || b.Before(a) {
		return 0
	}
	return int(b.Sub(a) / (24 * time.Hour))
}

// WriteOwed writes obligations as XLSX, with a line of sums.
func WriteOwed(w io.Writer, obligations []Obligation, at time.Time) error {
	s := &sheet{
		name: "owed", made: at.UTC().Format("2006-01-02T15:04:05Z"), money: map[int]bool{3: true, 5: true, 6: true}, widths: map[int]float64{0: 14, 1: 12, 3: 18, 5: 18, 6: 18},
		title:  []string{"Банктердің берешегі · Задолженность банков", at.In(catalog.Almaty()).Format("2006-01-02 15:04")},
		header: []string{"bank", "day", "count", "confirmed", "settled_count", "settled", "owed", "days_open"},
	}
	totals := [3]money.Amount{money.FromTiyn(0), money.FromTiyn(0), money.FromTiyn(0)}
	for _, o := range obligations {
		s.rows = append(s.rows, []string{o.Bank, string(o.Day), strconv.Itoa(o.Count), o.Confirmed.Decimal(), strconv.Itoa(o.SettledCount), o.Settled.Decimal(), o.Owed.Decimal(), strconv.Itoa(o.DaysOpen)})
		for i, a := range []money.Amount{o.Confirmed, o.Settled, o.Owed} {
			var err error
			if totals[i], err = totals[i].Plus(a); err != nil {
				return fmt.Errorf("couldn't add up what is owed: %w", err)
			}
		}
	}
	s.total = []string{"Σ", "", "", totals[0].Decimal(), "", totals[1].Decimal(), totals[2].Decimal(), ""}
	return writeXLSX(w, s)
}

// Disclosure answers a request of an agency or a court about payments for services of the state (R10): for each its amount, date,
// sender and beneficiary, and nothing else that the bank or the gateway knows about them.
type Disclosure struct {
	// Request names the request, Requester who asked, Ground the rule on which it stands.
	Request   string    `json:"request"`
	Requester string    `json:"requester"`
	Ground    string    `json:"ground"`
	MadeAt    time.Time `json:"made_at"`
	// Payments are those that were asked for; an empty list says that there are none.
	Payments []Disclosed `json:"payments"`
	Count    int         `json:"count"`
	Sum      string      `json:"sum"`
}

// Disclosed is what is told of one payment. Accounts and balances are not: the rule does not name them.
type Disclosed struct {
	ID     string       `json:"id"`
	Day    catalog.Date `json:"day"`
	Amount string       `json:"amount"`
	// Currency is that of the amount.
	Currency    money.Currency `json:"currency"`
	Sender      Who            `json:"sender"`
	Beneficiary Who            `json:"beneficiary"`
	Bank        string         `json:"bank"`
	KBK         string         `json:"kbk,omitempty"`
	Purpose     string         `json:"purpose,omitempty"`
}

// Who is a person or organisation by name and number.
type Who struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// Disclose makes the answer to a request from the payments that were found. Errors: those of [Register.Sum].
func Disclose(request, requester, ground string, payments []Payment, at time.Time) (*Disclosure, error) {
	sum, err := (&Register{Payments: payments}).Sum()
	if err != nil {
		return nil, err
	}
	d := &Disclosure{Request: request, Requester: requester, Ground: ground, MadeAt: at.UTC(), Payments: []Disclosed{}, Count: len(payments), Sum: sum.Decimal()}
	for i := range payments {
		p := &payments[i]
		d.Payments = append(d.Payments, Disclosed{
			ID: p.ID, Day: p.Day, Amount: p.Amount.Decimal(), Currency: p.Amount.Currency, Bank: p.Payer.BIC, KBK: p.KBK, Purpose: p.Purpose,
			Sender: Who{p.Payer.Name, p.Payer.ID}, Beneficiary: Who{p.Beneficiary.Name, p.Beneficiary.ID},
		})
	}
	return d, nil
}

// WriteJSON writes the answer, ready to be sealed: one line, fields in the order of the type.
func (d *Disclosure) WriteJSON(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(d); err != nil {
		return fmt.Errorf("couldn't write the answer: %w", err)
	}
	return nil
}
