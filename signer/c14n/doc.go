// Package c14n writes canonical forms of XML: Canonical XML 1.0 (W3C 2001-03-15), Canonical XML 1.1 (2008-05-02) and
// Exclusive XML Canonicalization 1.0 (2002-07-18), each with and without comments, over any [xmltree.NodeSet]: whole
// documents, subtrees, and sets with holes.
//
// [Write] streams; it keeps nothing of the output but a small buffer. Output is what libxml2 writes, octet for octet.
//
// # Deviations
//
//   - A document with a relative namespace name is refused ([ErrRelativeNamespace]), as Canonical XML 1.0 1 demands and
//     libxml2 does, in exclusive forms too.
package c14n
