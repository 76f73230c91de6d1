// Package inquiry is how agencies that keep their register of debts themselves are asked while somebody looks: the question, the answer,
// and when an agency that fails is left in peace.
//
// Question and answer are JSON inside attached CMS signatures, as the messages of banks are. Parsing is pure and strict; signatures are
// checked by the caller, before the content is parsed. The package does no I/O.
package inquiry
