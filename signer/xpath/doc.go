// Package xpath evaluates XPath 1.0 (W3C 1999-11-16) over [xmltree] documents, as the transforms of XML signatures need
// it: all axes, the core function library, and here() of XMLDSig 6.6.3. Variables and further functions are unknown.
//
// Expressions come from documents, so they are attacks until shown otherwise: length and nesting are bounded, and every
// node visited and octet of text made is paid for from a [Budget] that the caller hands in. When it is used up the
// evaluation ends with [ErrBudget]; memory stays within a few times the document.
//
// # Deviations
//
//   - id() knows the identifiers of xmltree; one that several elements bear is an error rather than the first of them.
//   - The order of namespace nodes, which XPath leaves open, is that of their declarations.
package xpath
