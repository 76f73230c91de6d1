package signer

import (
	"qaqpa/signer/fetch"
	"qaqpa/signer/path"
)

// RevocationCheck is the caller's own say in how the state of certificates is found out, in place of Config.Revocation. The
// zero value asks nobody: what the document carries binds, and that nothing is known is tolerated. With a service named, the
// signer's certificate must be shown not to be revoked, by that service or by what the document carries.
type RevocationCheck struct {
	// OCSP and CRL are the services that may be asked.
	OCSP, CRL bool
}

// checking lets a caller's choice of services take the place of the policy's.
func (g *gatherer) checking(c *RevocationCheck) {
	if g.only = c; c == nil {
		return
	}
	g.setting.Policy.Revocation, g.setting.Policy.ListedRevocation = path.IfAvailable, path.IfAvailable
	if c.OCSP || c.CRL {
		g.setting.Policy.Revocation = path.Required
	}
}

// narrowed takes the services out of a need that the caller does not want asked. The choice is about those who sign; where
// anybody is asked, authorities are looked up as they publish: most have a list only.
func (g *gatherer) narrowed(n path.Need) path.Need {
	c := g.only
	if c == nil || (c.OCSP || c.CRL) && n.Certificate.IsCA {
		return n
	}
	if !c.OCSP {
		n.OCSP = nil
	}
	if !c.CRL {
		n.CRLs, n.Deltas = nil, nil
	}
	return n
}

// wantsLists tells whether the lists at hand may be asked about a certificate.
func (g *gatherer) wantsLists(n path.Need) bool {
	c := g.only
	return c == nil || c.CRL || c.OCSP && n.Certificate.IsCA
}

// wanted tells whether evidence of a kind may come from the cache.
func (g *gatherer) wanted(kind fetch.Kind) bool {
	switch kind {
	case fetch.OCSP:
		return g.only == nil || g.only.OCSP
	case fetch.CRL:
		return g.only == nil || g.only.CRL
	case fetch.Certificate, fetch.TimeStamp:
	}
	return true
}
