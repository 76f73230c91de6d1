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
	// Text is which rule of texts it breaks, with the bounds of a length in characters; [NoText] for other rules.
	Text        TextRule
	Least, Most int
}

// TextRule is a rule of [CheckText].
type TextRule int

// The rules of texts.
const (
	NoText       TextRule = iota
	TextEncoding          // not UTF-8
	TextLength            // shorter or longer than allowed
	TextSpaces            // starts or ends with a space
	TextMarks             // holds what is not to be seen, or reorders what is
)

// Error implements error.
func (e *FieldError) Error() string { return fmt.Sprintf("invalid %s: %s", e.Field, e.Rule) }

// Is reports whether target is [ErrInvalid].
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, rule string) error { return &FieldError{Field: field, Rule: rule} }
