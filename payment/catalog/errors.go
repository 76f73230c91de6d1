package catalog

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is.
var (
	// ErrInvalid says that a specification breaks a rule; a [FieldError] names the field and the rule.
	ErrInvalid = errors.New("invalid")
	// ErrNoTariff says that no tariff, or no МРП, is in force on the day.
	ErrNoTariff = errors.New("no tariff in force")
	// ErrStated says that the tariff leaves the amount to the debt, so there is nothing to quote.
	ErrStated = errors.New("amount is stated by the debt")
	// ErrClaim says that the tariff is a percent of a claim, and none is given.
	ErrClaim = errors.New("the fee is a percent of a claim")
)

// FieldError says which field of a specification breaks which rule. It matches [ErrInvalid].
type FieldError struct {
	// Field is a path such as "beneficiary.account".
	Field string
	// Rule is a sentence without a full stop.
	Rule string
}

// Error implements error.
func (e *FieldError) Error() string { return fmt.Sprintf("invalid %s: %s", e.Field, e.Rule) }

// Is reports whether target is [ErrInvalid].
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, rule string) error { return &FieldError{Field: field, Rule: rule} }
