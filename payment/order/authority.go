package order

import "errors"

// Errors of [Authority], for errors.Is.
var (
	// ErrNotPayer says that the certificate speaks for somebody else.
	ErrNotPayer = errors.New("signer is not the payer")
	// ErrNoAuthority says that the certificate is of the payer, but its role does not extend to payments.
	ErrNoAuthority = errors.New("signer has no authority to pay")
)

// Roles of the national certificate policy that may dispose of a legal entity's money (R26, R28).
const (
	RoleHead      = "head"
	RoleSignature = "right_of_signature"
	RoleFinancial = "right_of_financial_signature"
)

// KindPerson is the kind of a certificate that speaks for a natural person.
const KindPerson = "person"

// Holder is what a certificate says about the one who signed.
type Holder struct {
	// IIN of the person, BIN of the organisation for which the certificate speaks, empty if none.
	IIN, BIN string
	// Kind is person, organisation, information_system, …
	Kind string
	// Roles by code.
	Roles []string
}

// Authority decides whether the holder of a certificate may authorise a payment of the payer, an IIN or a BIN. A
// person pays with a certificate issued to himself and not to his employer: the employer's carries another authority.
// For a legal entity the certificate's BIN is the payer and one of the roles head, right of signature, right of
// financial signature is in it. Errors: [ErrNotPayer], [ErrNoAuthority].
func Authority(payer string, h Holder) error {
	switch {
	case payer == "" || (h.IIN != payer && h.BIN != payer):
		return ErrNotPayer
	case h.BIN == payer:
		for _, role := range h.Roles {
			if h.IIN != "" && (role == RoleHead || role == RoleSignature || role == RoleFinancial) {
				return nil
			}
		}
		return ErrNoAuthority
	case h.BIN != "" || h.Kind != KindPerson:
		return ErrNoAuthority
	}
	return nil
}
