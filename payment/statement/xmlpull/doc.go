// Package xmlpull reads XML as a stream of tokens, quickly and in bounded memory.
//
// It is made for messages of banks, where a statement of a million entries has 700 MB: the text of an element is handed out as a
// part of the read buffer, without copying, and one pass checks encoding and well-formedness. It takes less than XML 1.0 allows,
// on purpose: no document type (so no entities beside the five of XML and character references, no external anything), UTF-8 only,
// limits on depth, on the size of one token and on attributes. Names are matched by bytes, namespaces by their URI, as
// "Namespaces in XML 1.0" asks: a prefix means nothing by itself, and an undeclared one is refused.
//
// # Deviations
//
// A document type declaration is refused (attack: entity expansion, external entities). Encodings other than UTF-8 are refused.
// Names may contain any character beyond ASCII. Line ends are not normalised: a carriage return stays one.
//
// A [Reader] belongs to one goroutine. Slices it returns are valid until its next call.
package xmlpull
