// Package trust holds whom the gateway believes: the anchors and the known intermediate authorities, as one immutable
// value.
//
// Production and test authorities of Kazakhstan are shipped apart, as data: a list with the times of trust (R25) and
// the certificates, which are public. They never meet in one Store. Further anchors come from the operator as PEM; a test
// authority among them is refused in production, whatever it is called, because it is known by its key.
//
// A trust list of the operator is JSON: {"version": 1, "authorities": [{"name", "profile", "territory", "certificate",
// "trusted_from", "trusted_until", "purposes", "policies"}]}, the certificate as base64 of DER or PEM. Its profile is
// "national", such as an accredited authority with the times of its accreditation (R25), or "trusted-third-party": an
// authority of another state (R30), named by territory.
//
// An intermediate authority is not believed by itself: it only saves fetching it, and is checked like any other
// certificate of a path.
package trust
