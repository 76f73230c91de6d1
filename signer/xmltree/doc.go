// Package xmltree reads an XML document into one immutable tree that verdict and extraction share.
//
// The parser is strict and small: XML 1.0 with namespaces, well-formed to the letter, and nothing that lets a document
// mean two things. [Parse] refuses what it does not allow; it never mends.
//
//   - A DOCTYPE is refused before anything in it is read: no entities, no defaults, no network, no expansion.
//   - Two attributes of one element with the same expanded name are refused; so are a second root and text behind it.
//   - Only the five predefined entities and character references are known.
//   - Depth, size, attributes, declarations and nodes are bounded by [Limits] before memory is taken.
//
// Nodes are numbered in document order: an element, its attributes, its content. Namespace nodes, which canonical forms
// and XPath treat as nodes of every element, are not stored but named by element and declaration. A [NodeSet] is a set
// of nodes as a list of runs, so that a subtree costs the same whatever its size.
//
// Every node knows its octets ([Node.Range], [Node.Raw]) in the text that was parsed ([Document.Text]), which is the
// input itself when that was UTF-8.
//
// # Identifiers
//
// Without a DTD an identifier is an attribute that is named like one: "id" in any case of its letters without a
// namespace, xml:id, and wsu:Id of WS-Security. An identifier that two elements bear finds neither of them
// ([ErrDuplicateID]): whoever signs by identifier must mean one element (XML signature wrapping).
//
// # Deviations
//
//   - XML 1.1, external encodings other than UTF-8, UTF-16 with a byte order mark, US-ASCII and the single-octet sets of
//     [Parse] are refused.
//   - Comments and instructions are nodes of the tree; [Node.Text] passes over them, so a comment never splits a value.
//   - xml:id is not checked to be a name.
package xmltree
