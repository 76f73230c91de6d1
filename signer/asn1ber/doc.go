// Package asn1ber reads BER and DER without copying, under hard limits.
//
// A [Reader] walks the elements of one level; [Element.Children] goes one level down. Every element keeps its raw
// octets, because signatures are made over octets and not over values: a re-encoder in the path would be a parser
// difference waiting to be used.
//
// Three limits hold for a whole input, whatever its nesting: octets, depth and elements ([Limits]). The element budget
// is also charged for the scan that finds the end of an indefinite length, so work is bounded by it even where such
// elements nest and are scanned more than once. Lengths are compared with what is there before anything is
// allocated.
//
// In [DER] mode the reader refuses indefinite lengths, lengths that are not minimal, constructed strings, primitive
// SEQUENCE and SET, integers that are not minimal and booleans other than 00 and FF (X.690 8, 10, 11). SET OF order
// and DEFAULT omission need a schema and are left to the caller.
//
// Readers and elements are values, not safe for concurrent use: those that come from one New share a budget.
//
// # Deviations
//
//   - Tag numbers above 2^28-1 and lengths of more than 8 octets are refused (X.690 8.1.2.4 and 8.1.3.5 have no limit).
//   - REAL, EXTERNAL, EMBEDDED PDV and RELATIVE-OID are walked over, but have no value reader: no format of ours needs
//     them.
package asn1ber
