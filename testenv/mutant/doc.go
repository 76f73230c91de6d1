// Package mutant changes documents at every position of their structure: ASN.1 elements, the nodes and attributes of XML, objects,
// tokens, cross-references and streams of PDF. It finds them by scanners of its own, never by the parsers under test.
//
// Lists of more than 64 entries, such as those of revoked certificates, are changed in 32 of them; how many were left out is told.
package mutant
