package statement

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors of this package, for errors.Is; [Error] wraps all but ErrUnknown with a place.
var (
	// ErrUnknown says that the file is in none of the formats.
	ErrUnknown = errors.New("format not recognised")
	// ErrVersion says that the format is known and this version of it is not.
	ErrVersion = errors.New("version not supported")
	// ErrSyntax says that the file breaks the syntax that its format stands on.
	ErrSyntax = errors.New("broken syntax")
	// ErrEncoding says that the bytes are not text in the encoding of the file.
	ErrEncoding = errors.New("broken encoding")
	// ErrStructure says that a part is missing, twice, or out of place.
	ErrStructure = errors.New("broken structure")
	// ErrValue says that a value is not an amount, date, code … as its place asks.
	ErrValue = errors.New("wrong value")
	// ErrLimit says that a limit was passed.
	ErrLimit = errors.New("limit passed")
)

// Error is a fault of a file at a place.
type Error struct {
	// Format is that of the file.
	Format Format
	// Line is the line of the fault, from 1.
	Line int
	// Path is where in the file's structure: elements from the root, a tag (":61:"), a key, a column.
	Path string
	// Err is one of the errors of this package.
	Err error
	// Text says what is wrong. It quotes no more than a few characters of the file.
	Text string
}

// Error states format, place and fault.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, line %d", e.Format, e.Line)
	if e.Path != "" {
		fmt.Fprintf(&b, ", %s", e.Path)
	}
	fmt.Fprintf(&b, ": %s: %s", e.Err, e.Text)
	return b.String()
}

// Unwrap returns the kind of the fault.
func (e *Error) Unwrap() error { return e.Err }

// Quoted is what stands in the file where the fault is, as far as Text quotes it; empty when it quotes nothing. It is data of the sender; what
// is not printable stays escaped, so that no mark of his turns the words beside it around.
func (e *Error) Quoted() string {
	_, tail, found := strings.Cut(e.Text, `"`) // quotation marks stand around quotes alone
	quoted, err := strconv.QuotedPrefix(`"` + tail)
	if !found || err != nil {
		return ""
	}
	text := strings.Trim(quoted, `"`)
	if strings.HasSuffix(e.Text, "…") {
		text += "…"
	}
	return text
}

// handlerError carries what a handler returned past the places that add line and path to errors.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }
func (e *handlerError) Unwrap() error { return e.err }

// quote shortens a value for a message: it names what is wrong without copying a file into a log.
func quote(b []byte) string {
	const shown = 32
	if len(b) > shown {
		return fmt.Sprintf("%.32q…", b)
	}
	return fmt.Sprintf("%q", b)
}
