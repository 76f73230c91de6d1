package strictjson

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Reason names the rule that a body broke. The values are stable: they are part of the API's problem codes.
type Reason string

// The reasons, each with what the client has to mend.
const (
	Syntax       Reason = "syntax"        // not JSON (RFC 8259)
	Encoding     Reason = "encoding"      // not UTF-8, a lone surrogate, or U+0000 in a string
	Trailing     Reason = "trailing"      // bytes after the value
	Unknown      Reason = "unknown_field" // a member that the contract does not have
	Duplicate    Reason = "duplicate_key" // a member written twice
	Missing      Reason = "missing_field" // an obligatory member is absent
	WrongType    Reason = "wrong_type"    // Want says which type is expected
	OutOfRange   Reason = "out_of_range"  // a number that does not fit
	TooDeep      Reason = "too_deep"      // nested deeper than Limits.Depth
	TooLong      Reason = "too_long"      // longer than the member's limit; Limit says how much is allowed
	InvalidValue Reason = "invalid_value" // the text is not in the member's format; Want names it
)

// Error is the refusal of a body. It is safe to show to the caller: it holds no value of the body, only names.
type Error struct {
	Reason  Reason
	Pointer string // JSON pointer of the member, "" for the whole body
	Offset  int    // byte offset in the body at which reading stopped
	Want    string // expected type or format, for WrongType and InvalidValue
	Limit   int    // the limit that was passed, for TooLong and TooDeep
}

// Error says what is wrong and where, in English, for logs and tests.
func (e *Error) Error() string {
	msg := fmt.Sprintf("json: %s at %q (byte %d)", e.Reason, e.Pointer, e.Offset)
	if e.Want != "" {
		msg += ", want " + e.Want
	}
	if e.Limit != 0 {
		msg += fmt.Sprintf(", limit %d", e.Limit)
	}
	return msg
}

// pointerBytesMax keeps a pointer, which echoes names that the client chose, small in answers.
const pointerBytesMax = 256

// under puts a parent's name before the pointer; each level adds its own on the way out.
func (e *Error) under(segment string) *Error {
	segment = strings.NewReplacer("~", "~0", "/", "~1").Replace(segment)
	e.Pointer = "/" + segment + e.Pointer
	if len(e.Pointer) > pointerBytesMax {
		cut := pointerBytesMax
		for cut > 0 && !utf8.RuneStart(e.Pointer[cut]) {
			cut--
		}
		e.Pointer = e.Pointer[:cut]
	}
	return e
}
