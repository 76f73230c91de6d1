// Package c14n writes canonical forms of XML: Canonical XML 1.0 (W3C 2001-03-15), Canonical XML 1.1 (2008-05-02) and
// Exclusive XML Canonicalization 1.0 (2002-07-18), each with and without comments, over any [xmltree.NodeSet]: whole
// documents, subtrees, and sets with holes.
//
// [Write] streams; it keeps nothing of the output but a small buffer. Output is what libxml2 writes, octet for octet, save
// for three oddities of libxml2 in sets with holes, where the recommendations are followed: an element whose own xml:lang
// (or another attribute of the xml namespace) is not in the set does not inherit it from further out; xmlns="" of an
// element that is not in the set is no namespace node; and in the exclusive form an attribute whose element is not in
// the set renders no namespace for the elements inside.
//
// # Deviations
//
//   - A document with a relative namespace name is refused ([ErrRelativeNamespace]), as Canonical XML 1.0 1 demands and
//     libxml2 does, in exclusive forms too.
package c14n
