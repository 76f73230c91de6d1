package path

import (
	"slices"

	"qaqpa/signer/pkix"
)

// Need is evidence that would help, and where the certificates say it is.
type Need struct {
	Certificate *pkix.Certificate
	// Issuer is nil where the certificate's issuer is what is missing; then only CAIssuers is set.
	Issuer *pkix.Certificate
	// OCSP are addresses of responders, to be asked in turn with a request for Certificate and Issuer.
	OCSP []string
	// CRLs are lists: for each, the addresses where it is, to be tried in turn. Deltas are lists of changes.
	CRLs, Deltas [][]string
	CAIssuers    []string
}

// Needs tells which evidence a result lacks, in the order of its chain: the status of certificates for which it is
// wanted and unavailable, and the issuer of a chain that ends before an anchor. A result that passed may have needs
// where revocation is only wanted if available. Addresses are as they stand in certificates: the caller decides which
// it dares to follow.
func Needs(in Inputs, r Result) []Need {
	var out []Need
	if r.Anchor == nil {
		if n := len(r.Chain); n > 0 && len(r.Chain[n-1].CAIssuers) > 0 {
			top := r.Chain[n-1]
			out = append(out, Need{Certificate: top, CAIssuers: unique(top.CAIssuers)})
		}
		return out
	}
	for i, c := range r.Chain[:len(r.Chain)-1] {
		mode := in.Revocation.CA
		if i == 0 {
			mode = in.Revocation.Leaf
		}
		if mode == Off || i < len(r.Revocation) && r.Revocation[i].Status != StatusUnavailable {
			continue
		}
		n := NeedFor(c, r.Chain[i+1])
		if len(n.OCSP) > 0 || len(n.CRLs) > 0 {
			out = append(out, n)
		}
	}
	return out
}

// NeedFor tells where the revocation status of a certificate can be asked for, whether it is known or not.
func NeedFor(c, issuer *pkix.Certificate) Need {
	return Need{
		Certificate: c, Issuer: issuer, OCSP: unique(c.OCSPServers),
		CRLs: lists(c.CRLDistributionPoints), Deltas: lists(c.FreshestCRL),
	}
}

func lists(points []pkix.DistributionPoint) [][]string {
	var out [][]string
	for i := range points {
		uris := unique(points[i].URIs())
		if len(uris) > 0 && !slices.ContainsFunc(out, func(o []string) bool { return slices.Equal(o, uris) }) {
			out = append(out, uris)
		}
	}
	return out
}

// unique drops repeated addresses: two national certificates of 2026 hold the same one twice.
func unique(in []string) []string {
	var out []string
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
