package revoked

import "errors"

// Errors of a store, and why a list is refused. They come wrapped.
var (
	// ErrInUse: another process uses the folder.
	ErrInUse = errors.New("the folder is in use")
	// ErrNotReady: a configured list is not there yet.
	ErrNotReady = errors.New("lists are missing")
	// ErrNotKept: no list of this digest is in the folder.
	ErrNotKept = errors.New("list not kept")

	// ErrForm: the octets are no list, or a list that package path could not use.
	ErrForm = errors.New("not a usable list")
	// ErrLimit: the list is larger than the limits.
	ErrLimit = errors.New("list too large")
	// ErrKind: a delta where a complete list is due, or the other way round.
	ErrKind = errors.New("list of the wrong kind")
	// ErrIssuer: the list is not of an authority that publishes here.
	ErrIssuer = errors.New("list of another issuer")
	// ErrSignature: no key of the authority verifies the list.
	ErrSignature = errors.New("the signature of the list does not hold")
	// ErrFuture: the list is dated later than now.
	ErrFuture = errors.New("list from the future")
	// ErrNotNewer: the list is not newer than the one at hand.
	ErrNotNewer = errors.New("list not newer")
	// ErrShrunk: the list has lost more entries than it may.
	ErrShrunk = errors.New("list has lost entries")
	// ErrExtract: an extract does not say what its list says.
	ErrExtract = errors.New("the extract is not of this list")
)

// refusals name errors in metrics, in the order in which they are looked for.
var refusals = []struct {
	err   error
	label string
}{
	{ErrNotNewer, resultNotNewer},
	{ErrForm, "refused_form"},
	{ErrLimit, "refused_limit"},
	{ErrKind, "refused_kind"},
	{ErrIssuer, "refused_issuer"},
	{ErrSignature, "refused_signature"},
	{ErrFuture, "refused_future"},
	{ErrShrunk, "refused_shrunk"},
	{errStalled, "stalled"},
	{errFolder, "folder"},
}

// Results of a refresh in metrics, beside those of refusals.
const (
	resultSwapped   = "swapped"
	resultUnchanged = "unchanged"
	resultNotNewer  = "not_newer"
	resultFailed    = "unreachable"
)

func resultOf(err error) string {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.label
		}
	}
	return resultFailed
}
