package commission

import (
	"errors"
	"fmt"
	"strings"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Bearer says who bears a commission.
type Bearer string

// Bearers.
const (
	// Payer pays it to the bank on top of the amount.
	Payer Bearer = "payer"
	// Agency owes it to the bank: the payer pays the amount alone.
	Agency Bearer = "agency"
	// Nobody: none may be taken.
	Nobody Bearer = "nobody"
)

// GivenBack says when a bank gives the commission back with a payment that is given back whole.
type GivenBack string

// Rules of giving back.
const (
	// OnFault: when the payment should never have been made as it was, by an error of the gateway or of the bank. The default.
	OnFault GivenBack = "fault"
	// Never and Always speak for themselves.
	Never  GivenBack = "never"
	Always GivenBack = "always"
)

// Limits of terms.
const (
	// RateMax is 100 % in basis points.
	RateMax = money.RateScale
	// FixedMax is the largest fixed part, least and most amount, in tiyn: a million tenge.
	FixedMax  = 1_000_000_00
	sourceMax = 200
	kbkLength = 6
)

// Spec says what a bank takes. The amount is Rate of what is paid, rounded as Rounding names, plus Fixed, then brought between
// Min and Max.
type Spec struct {
	// Bank is the BIC; empty for a prohibition, which holds for all.
	Bank string `json:"bank,omitempty"`
	// Service narrows the terms to one service, or else Agency to one agency, or else KBK to budget codes that begin with it.
	Service string `json:"service,omitempty"`
	Agency  string `json:"agency,omitempty"`
	KBK     string `json:"kbk,omitempty"`
	Bearer  Bearer `json:"bearer"`
	// Rate in basis points: 100 is 1 %.
	Rate     int64          `json:"rate,omitempty"`
	Rounding money.Rounding `json:"rounding,omitempty"`
	// Fixed, Min and Max in tiyn; a Max of 0 is none.
	Fixed int64 `json:"fixed,omitempty"`
	Min   int64 `json:"min,omitempty"`
	Max   int64 `json:"max,omitempty"`
	// GivenBack is empty for a prohibition.
	GivenBack GivenBack `json:"given_back,omitempty"`
	// ValidFrom is the first day, ValidTo the last; an empty one is open. Later terms of the same scope succeed open ones.
	ValidFrom catalog.Date `json:"valid_from"`
	ValidTo   catalog.Date `json:"valid_to,omitempty"`
	// Source names the contract, or the act that prohibits.
	Source string `json:"source"`
}

// Terms are a [Spec] that is in force, with its id.
type Terms struct {
	ID string `json:"id"`
	Spec
}

// Errors of this package, for errors.Is. Broken specifications are a [catalog.FieldError].
var (
	// ErrOverlap says that other terms of the same scope hold on one of the days.
	ErrOverlap = errors.New("other terms of the same scope hold on these days")
	// ErrForbidden says that a prohibition covers the whole scope on one of the days.
	ErrForbidden = errors.New("a commission is forbidden here")
)

func invalid(field, rule string) error { return &catalog.FieldError{Field: field, Rule: rule} }

// Normal fills in what a specification leaves to the default.
func (s Spec) Normal() Spec {
	if s.Bearer != Nobody && s.GivenBack == "" {
		s.GivenBack = OnFault
	}
	return s
}

// Check refuses a specification that breaks a rule, as a [catalog.FieldError]. It is to be in [Spec.Normal] form.
func (s Spec) Check() error {
	if err := s.checkScope(); err != nil {
		return err
	}
	if !s.ValidFrom.Valid() || s.ValidTo != "" && (!s.ValidTo.Valid() || s.ValidTo < s.ValidFrom) {
		return invalid("valid_from", "and valid_to are days, YYYY-MM-DD, in their order")
	}
	if err := catalog.CheckText("source", s.Source, 1, sourceMax); err != nil {
		return err
	}
	if s.Bearer == Nobody {
		if s.Rate != 0 || s.Rounding != "" || s.Fixed != 0 || s.Min != 0 || s.Max != 0 || s.GivenBack != "" {
			return invalid("bearer", "nobody has no amounts")
		}
		return nil
	}
	return s.checkAmounts()
}

func (s Spec) checkScope() error {
	narrowed := 0
	for _, part := range []string{s.Service, s.Agency, s.KBK} {
		if part != "" {
			narrowed++
		}
	}
	switch {
	case s.Bearer != Payer && s.Bearer != Agency && s.Bearer != Nobody:
		return invalid("bearer", "is payer, agency or nobody")
	case s.Bearer == Nobody && s.Bank != "":
		return invalid("bank", "is not named by a prohibition, which holds for all banks")
	case s.Bearer != Nobody && !catalog.ValidBIC(s.Bank):
		return invalid("bank", "is a BIC")
	case narrowed > 1:
		return invalid("service", "agency and kbk: at most one of them narrows the terms")
	case len(s.KBK) > kbkLength || strings.Trim(s.KBK, "0123456789") != "":
		return invalid("kbk", "is the beginning of a budget code, 1 to 6 digits")
	}
	return nil
}

func (s Spec) checkAmounts() error {
	switch {
	case s.Rate < 0 || s.Rate > RateMax:
		return invalid("rate", "is 0 to 10000 basis points, which is 100 %")
	case (s.Rate > 0) != (s.Rounding != "") || s.Rounding != "" && !s.Rounding.Valid():
		return invalid("rounding", "is a named rounding, and goes with a rate")
	case s.GivenBack != OnFault && s.GivenBack != Never && s.GivenBack != Always:
		return invalid("given_back", "is fault, never or always")
	}
	for _, part := range []struct {
		name string
		tiyn int64
	}{{"fixed", s.Fixed}, {"min", s.Min}, {"max", s.Max}} {
		if part.tiyn < 0 || part.tiyn > FixedMax {
			return invalid(part.name, "is 0 to a million tenge, in tiyn")
		}
	}
	if s.Max != 0 && (s.Max < s.Min || s.Max < s.Fixed) {
		return invalid("max", "is not less than min and fixed")
	}
	return nil
}

// Fee is the commission on a base in tiyn, which is not negative. [money.ErrOverflow] when it cannot be told.
func (s Spec) Fee(base int64) (int64, error) {
	if s.Bearer == Nobody {
		return 0, nil
	}
	fee := money.FromTiyn(0)
	if s.Rate > 0 {
		var err error
		if fee, err = money.Times(money.FromTiyn(base), money.Rate(s.Rate), s.Rounding); err != nil {
			return 0, fmt.Errorf("couldn't take %d basis points: %w", s.Rate, err)
		}
	}
	fee, err := fee.Plus(money.FromTiyn(s.Fixed))
	if err != nil {
		return 0, fmt.Errorf("couldn't add the fixed part: %w", err)
	}
	fee.Tiyn = max(fee.Tiyn, s.Min)
	if s.Max != 0 {
		fee.Tiyn = min(fee.Tiyn, s.Max)
	}
	return fee.Tiyn, nil
}

// sameScope reports whether two specifications speak of the same payments.
func (s Spec) sameScope(o Spec) bool {
	return s.Bank == o.Bank && s.Service == o.Service && s.Agency == o.Agency && s.KBK == o.KBK
}

func (s Spec) on(day catalog.Date) bool {
	return s.ValidFrom <= day && (s.ValidTo == "" || day <= s.ValidTo)
}

// meets reports whether two specifications hold on one day at least.
func (s Spec) meets(o Spec) bool {
	return (o.ValidTo == "" || s.ValidFrom <= o.ValidTo) && (s.ValidTo == "" || o.ValidFrom <= s.ValidTo)
}

// Of is what the scope of a narrowed specification is known to lie in: the agency and the budget code of its service.
type Of struct{ Agency, KBK string }

// Admit refuses a checked specification that the terms in force leave no room for. of tells about its service, if it names
// one. Terms that begin later than open ones of the same scope succeed them. Errors: [ErrOverlap], [ErrForbidden].
func Admit(inForce []Terms, s Spec, of Of) error {
	for _, t := range inForce {
		succeeds := t.ValidTo == "" && t.ValidFrom < s.ValidFrom
		switch {
		case s.sameScope(t.Spec) && s.meets(t.Spec) && !succeeds:
			return fmt.Errorf("%s from %s: %w", t.ID, t.ValidFrom, ErrOverlap)
		case s.Bearer != Nobody && t.Bearer == Nobody && s.meets(t.Spec) && t.covers(s, of):
			return fmt.Errorf("%s from %s, %s: %w", t.ID, t.ValidFrom, t.Source, ErrForbidden)
		}
	}
	return nil
}

// covers reports whether a prohibition covers the whole scope of s.
func (s Spec) covers(o Spec, of Of) bool {
	switch {
	case s.Service != "":
		return s.Service == o.Service
	case s.Agency != "":
		return s.Agency == o.Agency || (o.Service != "" && s.Agency == of.Agency)
	case s.KBK != "":
		return (o.KBK != "" && strings.HasPrefix(o.KBK, s.KBK)) || (o.Service != "" && strings.HasPrefix(of.KBK, s.KBK))
	}
	return true
}

// Percent renders basis points as a percent: 150 is "1.5".
func Percent(rate int64) string { return (money.Rate(rate) * 100).Decimal() }
