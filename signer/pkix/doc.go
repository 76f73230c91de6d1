// Package pkix reads certificates, certificate revocation lists, OCSP requests and responses, and the names in them.
//
// All of them are DER. Every object keeps its raw octets, because signatures and evidence digests are made over octets;
// slices in the results alias the input, which must not be changed afterwards. Parsed objects are immutable and safe to
// share between goroutines.
//
// A parser refuses what it cannot take apart: octets that are not DER, trailing data, wrong versions, duplicate
// extensions (RFC 5280 4.2), objects beyond the limits. What can be taken apart but is wrong inside one extension is
// kept as a [Defect], so that a report can still name the holder of such a certificate; package path accepts no
// object with a defect. Nothing here judges: whether a certificate may be trusted, and when, is package path's question.
//
// # Names
//
// Names are compared by RFC 5280 7.1 and RFC 4518: all string types are equal that say the same, case and insignificant
// space do not count. The prepared form is computed once, when the name is read, and is a comparable string
// ([Name.Key]).
//
// # Revocation lists
//
// A list of a national CA has hundreds of thousands of entries in 21 MB. Beside its own octets a [CRL] costs four octets
// an entry: the entries' offsets, sorted by serial number. Nothing else is allocated for an entry until it is looked up,
// so the octets may as well be a mapped file.
//
// # Deviations
//
//   - RFC 5280 5.1.1.2 wants the two AlgorithmIdentifiers of a CRL to be equal. The national CA writes one with NULL
//     parameters and the other without: that difference is taken in CRLs, and no other.
//   - A critical Freshest CRL extension in a CRL, which RFC 5280 5.2.6 forbids, marks a delta CRL: the national profile
//     of 2026 says so.
//   - critical FALSE and version 1 may be written out, which DER forbids for defaults: too many certificates do it. An
//     empty list of subject alternative names counts as none (RFC 5280 4.2.1.6 forbids it), and ocsp-nocheck may have no
//     value where NULL is due: so the national responders have it. A serial number that is not minimal is a defect.
//   - Strings that are not of their type (Latin-1 octets in a PrintableString) do not make a name unreadable; such a
//     value equals only the same octets.
package pkix
