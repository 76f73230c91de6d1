package bank

import (
	"fmt"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Types of the messages by which a bank pays for its own client (R5): it asks what is owed, orders the payment, executes it
// and says so by a payment-status. All are signed by the bank, the answers sealed by the gateway.
const (
	CheckType      = "payment-check"
	OfferType      = "payment-offer"
	InitiationType = "payment-initiation"
)

// DebtsMax is the most debts of one initiation.
const DebtsMax = 50

// requestMax is the length of the bank's own name of a request.
const requestMax = 64

// Check asks what somebody owes: by IIN or BIN, or by the number of a debt.
type Check struct {
	Type string `json:"type"`
	Bank string `json:"bank"`
	// Request is the bank's own name of the question.
	Request string `json:"request"`
	// Payer or Debt, one of them.
	Payer string `json:"payer,omitempty"`
	Debt  string `json:"debt,omitempty"`
	// At is when the bank made the message, RFC 3339.
	At string `json:"at"`
}

// Offer is the answer to a [Check]: what can be paid now.
type Offer struct {
	Type    string    `json:"type"`
	Bank    string    `json:"bank"`
	Request string    `json:"request"`
	Payer   Payer     `json:"payer"`
	Debts   []Offered `json:"debts"`
	MadeAt  string    `json:"made_at"`
}

// Offered is one debt of an [Offer].
type Offered struct {
	Debt      string        `json:"debt"`
	Version   int           `json:"version"`
	Reference string        `json:"reference"`
	Agency    catalog.Names `json:"agency"`
	Service   catalog.Names `json:"service"`
	Purpose   string        `json:"purpose,omitempty"`
	DueOn     string        `json:"due_on,omitempty"`
	// LoadedAt is when the agency last stated the debt.
	LoadedAt string `json:"loaded_at"`
	// DiscountUntil is the last day on which the amount holds: after it more is due. Empty where no discount is in it.
	DiscountUntil string `json:"discount_until,omitempty"`
	// Commission is what the bank takes from its client when this debt is paid alone, in tiyn. Of several debts under the same terms it is
	// taken once; the initiation states it for all.
	Commission int64 `json:"commission,omitempty"`
	money.Amount
}

// Encode renders the offer in canonical form.
func (o Offer) Encode() ([]byte, error) {
	o.Type = OfferType
	return canon.Marshal(o)
}

// Initiation orders a payment for a client whom the bank has authenticated. The bank repeats it under the same Request until it
// is answered, and pays once.
type Initiation struct {
	Type    string `json:"type"`
	Bank    string `json:"bank"`
	Request string `json:"request"`
	Payer   string `json:"payer"`
	// Channel through which the client came: app, terminal or branch.
	Channel string          `json:"channel"`
	Debts   []InitiatedDebt `json:"debts"`
	money.Amount
	// Commission is what the client was shown that the bank takes on top of the amount, in tiyn.
	Commission int64  `json:"commission,omitempty"`
	At         string `json:"at"`
}

// InitiatedDebt is a debt as the client saw it in the offer.
type InitiatedDebt struct {
	Debt    string `json:"debt"`
	Version int    `json:"version"`
	money.Amount
}

// Made is when the message was made; zero when it does not say.
func (c Check) Made() time.Time { return instant(c.At) }

// Made is when the message was made; zero when it does not say.
func (i Initiation) Made() time.Time { return instant(i.At) }

func instant(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// ParseCheck reads the content of a check. Errors wrap [ErrMessage].
func ParseCheck(content []byte) (Check, error) {
	var c Check
	if err := canon.Decode(content, &c); err != nil {
		return Check{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	switch {
	case c.Type != CheckType:
		return Check{}, fmt.Errorf("%w: type %q", ErrMessage, c.Type)
	case (c.Payer == "") == (c.Debt == ""):
		return Check{}, fmt.Errorf("%w: either payer or debt", ErrMessage)
	case c.Made().IsZero():
		return Check{}, fmt.Errorf("%w: at %q", ErrMessage, c.At)
	}
	return c, checkNames(c.Bank, c.Request, c.Payer, c.Debt)
}

// ParseInitiation reads the content of an initiation: its debts are different ones, and add up to its amount. Errors wrap
// [ErrMessage].
func ParseInitiation(content []byte) (Initiation, error) {
	var i Initiation
	if err := canon.Decode(content, &i); err != nil {
		return Initiation{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	switch {
	case i.Type != InitiationType:
		return Initiation{}, fmt.Errorf("%w: type %q", ErrMessage, i.Type)
	case i.Channel != "app" && i.Channel != "terminal" && i.Channel != "branch":
		return Initiation{}, fmt.Errorf("%w: channel %q", ErrMessage, i.Channel)
	case len(i.Debts) == 0 || len(i.Debts) > DebtsMax:
		return Initiation{}, fmt.Errorf("%w: %d debts", ErrMessage, len(i.Debts))
	case i.Made().IsZero():
		return Initiation{}, fmt.Errorf("%w: at %q", ErrMessage, i.At)
	}
	if err := checkNames(i.Bank, i.Request, i.Payer); err != nil {
		return Initiation{}, err
	}
	return i, i.checkDebts()
}

func (i Initiation) checkDebts() error {
	total, seen := money.FromTiyn(0), map[string]bool{}
	for _, d := range i.Debts {
		if seen[d.Debt] || d.Version < 1 || !d.Positive() {
			return fmt.Errorf("%w: debt %q twice, without version or amount", ErrMessage, d.Debt)
		}
		if err := checkNames(d.Debt); err != nil {
			return err
		}
		seen[d.Debt] = true
		var err error
		if total, err = total.Plus(d.Amount); err != nil {
			return fmt.Errorf("%w: %w", ErrMessage, err)
		}
	}
	if i.Commission < 0 {
		return fmt.Errorf("%w: commission of %d", ErrMessage, i.Commission)
	}
	if total != i.Amount {
		return fmt.Errorf("%w: debts of %d for %d", ErrMessage, total.Tiyn, i.Tiyn)
	}
	return nil
}

// checkNames holds the first texts, bank and request or a debt, to be stated, and all to be short plain ASCII: they become
// keys and stand in logs.
func checkNames(names ...string) error {
	for n, name := range names {
		if len(name) > requestMax || (name == "" && n < 2) {
			return fmt.Errorf("%w: a name is missing or too long", ErrMessage)
		}
		for _, c := range []byte(name) {
			if c <= ' ' || c > '~' {
				return fmt.Errorf("%w: a name is not plain", ErrMessage)
			}
		}
	}
	return nil
}
