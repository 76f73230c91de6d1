package catalog

import "errors"

// Errors of this package, for errors.Is.
var (
	// ErrInvalid says that a specification breaks a rule; the text names it.
	ErrInvalid = errors.New("invalid")
	// ErrNoTariff says that no tariff, or no МРП, is in force on the day.
	ErrNoTariff = errors.New("no tariff in force")
	// ErrStated says that the tariff leaves the amount to the debt, so there is nothing to quote.
	ErrStated = errors.New("amount is stated by the debt")
)
