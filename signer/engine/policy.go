package engine

import (
	"errors"
	"fmt"

	"qaqpa/signer/path"
)

// Policy is a set of rules by which findings become indications.
type Policy struct {
	// Name is kept with the verdict.
	Name string
	// National makes negative what order №500/НҚ calls negative; see # Deviations.
	National bool
	// Revocation of the signer's certificate and of authorities that are not on the trust list.
	Revocation path.Mode
	// ListedRevocation of authorities on the trust list.
	ListedRevocation path.Mode
}

// Names of policies.
const (
	PolicyKZ       = "kz-2026"
	PolicyStandard = "standard"
)

// ErrPolicy says that there is no policy of this name.
var ErrPolicy = errors.New("unknown validation policy")

// PolicyNamed returns a policy; the empty name is that of the national one.
func PolicyNamed(name string) (Policy, error) {
	switch name {
	case "", PolicyKZ:
		return Policy{Name: PolicyKZ, National: true, Revocation: path.Required, ListedRevocation: path.IfAvailable}, nil
	case PolicyStandard:
		return Policy{Name: PolicyStandard, Revocation: path.Required, ListedRevocation: path.IfAvailable}, nil
	default:
		return Policy{}, fmt.Errorf("%w: %q", ErrPolicy, name)
	}
}
