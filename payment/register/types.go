package register

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Party is a payer or a beneficiary.
type Party struct {
	Name string `json:"name"`
	// ID is the ИИН of a person or the БИН of an organisation.
	ID           string `json:"id"`
	Organisation bool   `json:"organisation"`
	// Account is the ИИК, BIC that of its bank, Code the КОд or КБе.
	Account string `json:"account"`
	BIC     string `json:"bic"`
	Code    string `json:"code,omitempty"`
}

// Payment is one payment that a bank has confirmed.
type Payment struct {
	// ID is the gateway's reference, at most 35 characters: EndToEndId, :21:, НомерДокумента.
	ID string `json:"id"`
	// BankRef is the bank's.
	BankRef string `json:"bank_reference,omitempty"`
	// Day is the banking day of its execution.
	Day    catalog.Date `json:"day"`
	Amount money.Amount `json:"amount"`
	Payer  Party        `json:"payer"`
	// For is the person for whom is paid, if it is another (UltmtDbtr); tax is posted by it in the cases that the law names.
	For         *Party `json:"for,omitempty"`
	Beneficiary Party  `json:"beneficiary"`
	KBK         string `json:"kbk"`
	KNP         string `json:"knp"`
	UIP         string `json:"uip,omitempty"`
	// Commission is what the bank took from the payer on top of Amount, AgencyCommission what the agency owes it, in tiyn. Tables that have none
	// have no columns for it; formats that order money on never do.
	Commission       int64  `json:"commission,omitempty"`
	AgencyCommission int64  `json:"agency_commission,omitempty"`
	Purpose          string `json:"purpose"`
	// Back is empty for a payment. Of what was taken back of one it is the kind: refund, wrong-kbk, wrong-payer or returned. Amount is above zero
	// all the same, and tables show it below.
	Back string `json:"back,omitempty"`
}

// Register is a list of payments.
type Register struct {
	// ID names it, at most 35 characters; Number counts registers of a day and is part of the references of MT102.
	ID     string
	Number int
	// Day and Bank (its BIC) are those of the payments; Bank is empty for several.
	Day  catalog.Date
	Bank string
	// Sender is who makes it.
	Sender    string
	CreatedAt time.Time
	// Payments are in every format. Refunds, which have Back, stand in tables alone: the other formats order money on or list orders.
	Payments, Refunds []Payment
}

// ErrInvalid says that a register or a payment cannot be written as it is asked.
var ErrInvalid = errors.New("cannot be written")

// PaymentError names the payment that cannot be written, and why.
type PaymentError struct {
	ID   string
	Text string
}

// Error names the payment and the reason.
func (e *PaymentError) Error() string {
	return fmt.Sprintf("payment %q %s: %s", e.ID, ErrInvalid, e.Text)
}

// Unwrap returns [ErrInvalid].
func (e *PaymentError) Unwrap() error { return ErrInvalid }

// Sum is the sum of all payments, or money.ErrOverflow or money.ErrCurrency.
func (r *Register) Sum() (money.Amount, error) { return sumOf(r.Payments) }

// Refunded is the sum of what was taken back, above zero. Errors as of Sum.
func (r *Register) Refunded() (money.Amount, error) { return sumOf(r.Refunds) }

func sumOf(list []Payment) (money.Amount, error) {
	sum := money.FromTiyn(0)
	for i := range list {
		var err error
		if sum, err = sum.Plus(list[i].Amount); err != nil {
			return money.Amount{}, fmt.Errorf("couldn't add payment %q: %w", list[i].ID, err)
		}
	}
	return sum, nil
}

// net is the sum of a table: what was paid without what was taken back.
func (r *Register) net(sum money.Amount) (money.Amount, error) {
	back, err := r.Refunded()
	if err != nil {
		return money.Amount{}, err
	}
	return sum.Plus(money.FromTiyn(-back.Tiyn))
}

// Limits of all formats: those of ISO 20022, which are the widest that banks keep.
const (
	idMax      = 35
	nameMax    = 140
	purposeMax = 4 * 140
)

// Name cuts a name to what all formats hold. Whom it names says the number beside it. The attack: one debt of a payer with a longer name, and no bank gets
// the register of that day any more.
func Name(s string) string {
	if utf8.RuneCountInString(s) <= nameMax {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:nameMax]))
}

// check asks for what every format needs, and orders more: the account that is to be debited.
func (r *Register) check(f Format) error {
	order, table := f == Pain001 || f == Pacs008 || f == MT102, f == CSV || f == XLSX
	if r.ID == "" || len(r.ID) > idMax || !plain(r.ID) {
		return fmt.Errorf("couldn't take the id %q of a register: %w", r.ID, ErrInvalid)
	}
	if !r.Day.Valid() || len(r.Payments) == 0 && (!table || len(r.Refunds) == 0) {
		return fmt.Errorf("couldn't take a register without a day or payments: %w", ErrInvalid)
	}
	for i := range r.Payments {
		if why := r.Payments[i].fault(); why != "" {
			return &PaymentError{ID: r.Payments[i].ID, Text: why}
		}
		if order && r.Payments[i].Payer.Account == "" {
			return &PaymentError{ID: r.Payments[i].ID, Text: "an order needs the payer's account"}
		}
		if r.Payments[i].Back != "" { // the attack: a bank pays for a second time what it has given back
			return &PaymentError{ID: r.Payments[i].ID, Text: "what was taken back is no payment"}
		}
	}
	for i := range r.Refunds {
		if why := r.Refunds[i].fault(); why != "" || r.Refunds[i].Back == "" {
			return &PaymentError{ID: r.Refunds[i].ID, Text: "refund: " + why}
		}
	}
	return nil
}

func (p *Payment) fault() string {
	switch {
	case p.ID == "" || len(p.ID) > idMax || !plain(p.ID):
		return "its id is empty, too long or not plain"
	case !p.Amount.Positive():
		return "its amount is not tenge above zero"
	case !p.Day.Valid():
		return "it has no day"
	case utf8.RuneCountInString(p.Purpose) > purposeMax || !text(p.Purpose):
		return "its purpose is too long or not text"
	case len(p.KNP) > idMax || len(p.KBK) > idMax || !plain(p.KNP+p.KBK):
		return "its codes are too long or not plain"
	case utf8.RuneCountInString(p.UIP) > nameMax || utf8.RuneCountInString(p.BankRef) > nameMax || !text(p.UIP+p.BankRef):
		return "a reference is too long or not text"
	}
	for _, party := range []*Party{&p.Payer, &p.Beneficiary, p.For} {
		if party == nil {
			continue
		}
		if utf8.RuneCountInString(party.Name) > nameMax || !text(party.Name) {
			return "a name is too long or not text"
		}
		if !plain(party.ID + party.Account + party.BIC + party.Code) {
			return "a number of a party is not plain"
		}
	}
	if p.Beneficiary.Account == "" {
		return "it lacks the beneficiary's account"
	}
	return ""
}

// plain tells whether a code is printable ASCII without what any of the formats takes for a mark of its own.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == ':' || c == '<' || c == '&' || c == '"' || c == '=' {
			return false
		}
	}
	return true
}

// text tells whether s is one line of Unicode (attack: a purpose with a line end that begins a field of its own in MT102 or 1C).
func text(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7F || r == 0x2028 || r == 0x2029 || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}

// Key is what payments are parted by.
type Key struct {
	Bank        string
	Day         catalog.Date
	KBK         string
	Beneficiary string
}

// Parting says which fields of [Key] count.
type Parting struct{ Bank, Day, KBK, Beneficiary bool }

// Part is one of the lists that payments were parted into.
type Part struct {
	Key      Key
	Payments []Payment
}

// Split parts payments: per bank and day, per KBK and beneficiary, or however by asks. Parts are ordered by their keys, payments within
// stay in order.
func Split(payments []Payment, by Parting) []Part {
	parts := map[Key]*Part{}
	for _, p := range payments {
		var k Key
		if by.Bank {
			k.Bank = p.Payer.BIC
		}
		if by.Day {
			k.Day = p.Day
		}
		if by.KBK {
			k.KBK = p.KBK
		}
		if by.Beneficiary {
			k.Beneficiary = p.Beneficiary.ID
		}
		if parts[k] == nil {
			parts[k] = &Part{Key: k}
		}
		parts[k].Payments = append(parts[k].Payments, p)
	}
	out := make([]Part, 0, len(parts))
	for _, p := range parts {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Key.Bank, b.Key.Bank), cmp.Compare(a.Key.Day, b.Key.Day), cmp.Compare(a.Key.KBK, b.Key.KBK), cmp.Compare(a.Key.Beneficiary, b.Key.Beneficiary))
	})
	return out
}
