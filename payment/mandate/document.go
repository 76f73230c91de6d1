package mandate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// DocumentType marks a document as an agreement, so that a signature under one payment cannot be taken for one under many, or the other
// way round.
const DocumentType = "payment-mandate"

// DocumentVersion is the version of the layout.
const DocumentVersion = 1

// ServicesMax is the most services of one agreement.
const ServicesMax = 20

// yearsMax is how long an agreement lasts at most.
const yearsMax = 3

// Request asks for an agreement.
type Request struct {
	// Payer is an IIN or BIN.
	Payer string `json:"payer"`
	// Bank is the BIC of the bank that pays.
	Bank string `json:"bank"`
	// Services whose debts may be paid, 1 to 20 ids.
	Services []string `json:"services"`
	// PaymentMax and MonthMax in tiyn bound one payment and the payments of a calendar month in Almaty.
	PaymentMax int64 `json:"payment_max"`
	MonthMax   int64 `json:"month_max"`
	// Until is the last day.
	Until catalog.Date `json:"until"`
	// Language of the notices to the payer's phone: kk (the default), ru or en.
	Language string `json:"language,omitempty"`
}

// Check refuses a request that breaks a rule, as a [*catalog.FieldError]; on is today. Whether bank and services exist is not its matter.
func (r Request) Check(on catalog.Date) error {
	invalid := func(field, rule string) error { return &catalog.FieldError{Field: field, Rule: rule} }
	switch {
	case !catalog.ValidPayerID(r.Payer):
		return invalid("payer", "is not an IIN or BIN")
	case !catalog.ValidBIC(r.Bank):
		return invalid("bank", "is not a BIC")
	case len(r.Services) == 0 || len(r.Services) > ServicesMax:
		return invalid("services", "are not 1 to 20")
	case r.PaymentMax <= 0 || r.PaymentMax > catalog.TiynMax:
		return invalid("payment_max", "is not an amount")
	case r.MonthMax < r.PaymentMax || r.MonthMax > catalog.TiynMax:
		return invalid("month_max", "is less than payment_max, or too large")
	case !slices.Contains([]string{"", "kk", "ru", "en"}, r.Language):
		return invalid("language", "is not kk, ru or en")
	case !r.Until.Valid() || r.Until < on || r.Until > last(on):
		return invalid("until", "is not a day from today to three years later")
	}
	for i, id := range r.Services {
		if slices.Contains(r.Services[:i], id) {
			return invalid(fmt.Sprintf("services[%d]", i), "stands twice")
		}
	}
	return nil
}

// last is the last day of an agreement that is made on a day.
func last(on catalog.Date) catalog.Date {
	day, err := time.Parse(time.DateOnly, string(on))
	if err != nil {
		return on
	}
	return catalog.Date(day.AddDate(yearsMax, 0, 0).Format(time.DateOnly))
}

// Document is what the payer signs. The gateway stores its bytes and verifies over them.
type Document struct {
	Type    string `json:"type"`
	Version int    `json:"version"`
	// Statement says in three languages what a signature under the document means.
	Statement catalog.Names `json:"statement"`
	Gateway   Gateway       `json:"gateway"`
	Mandate   string        `json:"mandate"`
	// Nonce is 16 random bytes in hex.
	Nonce     string `json:"nonce"`
	CreatedAt string `json:"created_at"`
	// SignBy is the end of the time for signing.
	SignBy string `json:"sign_by"`
	Payer  string `json:"payer"`
	Bank   Bank   `json:"bank"`
	// Services whose debts may be paid.
	Services []Service `json:"services"`
	// Payment and Month in tenge with two decimals, for the reader; the same in tiyn beside them.
	Payment    string `json:"payment"`
	Month      string `json:"month"`
	PaymentMax int64  `json:"payment_max"`
	MonthMax   int64  `json:"month_max"`
	// Until is the last day.
	Until catalog.Date `json:"until"`
}

// Gateway names the operator to whom the signature is given.
type Gateway struct {
	BIN string `json:"bin"`
	URL string `json:"url"`
}

// Bank that pays.
type Bank struct {
	BIC  string `json:"bic"`
	Name string `json:"name"`
}

// Service whose debts may be paid.
type Service struct {
	ID     string        `json:"id"`
	Name   catalog.Names `json:"name"`
	Agency string        `json:"agency"`
}

// Statement is the text above the terms.
func Statement() catalog.Names {
	return catalog.Names{
		KK: "Осы құжатқа қол қою арқылы мен төменде аталған қызметтер бойынша берешектерімді көрсетілген шектер мен мерзім ішінде қосымша қолтаңбасыз төлеуді банкке тапсырамын. Келісімді кез келген уақытта тоқтата аламын.",
		RU: "Подписывая этот документ, я поручаю банку оплачивать мои задолженности по названным ниже услугам в указанных пределах и до указанного дня без новой подписи. Я могу отозвать согласие в любое время.",
		EN: "By signing this document I order the bank to pay my debts for the services named below, within the stated limits and until the stated day, without another signature. I may revoke it at any time.",
	}
}

// Encode renders the document as it is stored and signed.
func (d Document) Encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return canon.Indent(d)
}

// Decode reads a stored document strictly.
func Decode(raw []byte) (Document, error) {
	var d Document
	if err := canon.Decode(raw, &d); err != nil {
		return Document{}, err
	}
	return d, d.check()
}

// check holds the document to its own rules: both spellings of each amount agree, so that nobody signs other limits than are kept.
func (d Document) check() error {
	if d.Type != DocumentType || d.Version != DocumentVersion || len(d.Services) == 0 || len(d.Services) > ServicesMax {
		return fmt.Errorf("couldn't take a document of type %q version %d with %d services", d.Type, d.Version, len(d.Services))
	}
	if d.PaymentMax <= 0 || d.MonthMax < d.PaymentMax || d.Payment != money.FromTiyn(d.PaymentMax).Decimal() || d.Month != money.FromTiyn(d.MonthMax).Decimal() {
		return fmt.Errorf("couldn't take limits of %s and %s", d.Payment, d.Month)
	}
	if !d.Until.Valid() {
		return fmt.Errorf("couldn't take the last day %q", d.Until)
	}
	for _, at := range []string{d.CreatedAt, d.SignBy} {
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			return fmt.Errorf("couldn't read a time of the document: %w", err)
		}
	}
	return nil
}

// Errors of [Document.Allows], for errors.Is.
var (
	// ErrCover says that the agreement is not about this payment: another payer, bank or service.
	ErrCover = errors.New("not covered by the agreement")
	// ErrLimit says that the payment passes a limit.
	ErrLimit = errors.New("beyond a limit of the agreement")
	// ErrOver says that the last day has passed.
	ErrOver = errors.New("the agreement is over")
)

// Asked is a payment that wants to be made under an agreement.
type Asked struct {
	Payer, Bank string
	// Services of all its items.
	Services []string
	Tiyn     int64
	// Spent is what was paid, or is on its way, under the agreement in the month of On.
	Spent int64
	On    catalog.Date
}

// Allows decides whether a payment stays within the agreement; nil if so. Every item has to be covered: one that is not would be paid
// without anybody's order. Errors: [ErrCover], [ErrLimit], [ErrOver].
func (d Document) Allows(a Asked) error {
	switch {
	case a.Payer != d.Payer || a.Bank != d.Bank.BIC:
		return fmt.Errorf("%w: it is of another payer or bank", ErrCover)
	case len(a.Services) == 0 || a.Tiyn <= 0 || a.Spent < 0:
		return fmt.Errorf("%w: nothing is paid", ErrCover)
	case a.On > d.Until:
		return ErrOver
	}
	for _, id := range a.Services {
		if !slices.ContainsFunc(d.Services, func(s Service) bool { return s.ID == id }) {
			return fmt.Errorf("%w: service %s", ErrCover, id)
		}
	}
	switch {
	case a.Tiyn > d.PaymentMax:
		return fmt.Errorf("%w: %s a payment", ErrLimit, d.Payment)
	case a.Spent > d.MonthMax || a.Tiyn > d.MonthMax-a.Spent: // no sum that could overflow
		return fmt.Errorf("%w: %s a month, %s is spent", ErrLimit, d.Month, money.FromTiyn(a.Spent).Decimal())
	}
	return nil
}

// MonthOf is the first day of the calendar month in Almaty, by which limits are counted.
func MonthOf(at time.Time) catalog.Date {
	return catalog.DateOf(at)[:len("2006-01-")] + "01"
}
