package fetch

import (
	"crypto/sha256"
	"time"
)

// Kind is what is fetched.
type Kind string

// Kinds of evidence.
const (
	OCSP        Kind = "ocsp"        // POST, application/ocsp-request
	CRL         Kind = "crl"         // GET
	Certificate Kind = "certificate" // GET
	TimeStamp   Kind = "timestamp"   // POST, application/timestamp-query
)

// FailureKind says why there is no object.
type FailureKind string

// Kinds of failure.
const (
	Forbidden   FailureKind = "forbidden"   // the address may not be called
	Unreachable FailureKind = "unreachable" // no connection, or it broke
	Timeout     FailureKind = "timeout"     // no whole answer in time
	Status      FailureKind = "status"      // an HTTP status other than 200
	TooLarge    FailureKind = "too_large"   // more bytes than the kind may have
	Malformed   FailureKind = "malformed"   // an answer that Check refused
	Busy        FailureKind = "try_later"   // an answer that says to come again, see ErrTryLater
	Spent       FailureKind = "budget"      // the caller's budget was used up before
)

// Failure is why a fetch brought nothing.
type Failure struct {
	Kind   FailureKind
	Detail string
}

// String is for logs.
func (f Failure) String() string { return string(f.Kind) + ": " + f.Detail }

// failureError carries a Failure through the transport, which wraps what stops it.
type failureError struct{ Failure }

func (f *failureError) Error() string { return f.String() }

func failing(kind FailureKind, detail string) error {
	return &failureError{Failure{Kind: kind, Detail: detail}}
}

// Object is the outcome of one fetch: a body, or a failure. It is immutable and shared between callers.
type Object struct {
	Kind Kind
	URL  string
	// Body is the answer as received; nil with Failure.
	Body []byte
	// SHA256 is the digest of Body.
	SHA256 [32]byte
	// Value is what Request.Check made of Body.
	Value any
	// At is when the answer (or the failure) arrived.
	At      time.Time
	Failure *Failure
}

func (o *Object) seal() *Object {
	if o.Failure == nil {
		o.SHA256 = sha256.Sum256(o.Body)
	}
	return o
}

// Checked is what Request.Check made of a body.
type Checked struct {
	// Value goes to Object.Value.
	Value any
	// Until is when the answer stops being usable for another request; zero: not to be kept at all.
	Until time.Time
}

// Request is one thing to fetch.
type Request struct {
	Kind Kind
	// URL is absolute, http or https.
	URL string
	// Body is posted for OCSP and TimeStamp.
	Body []byte
	// Key names the answer in the cache and joins equal requests in flight; empty: Kind and URL. For OCSP it must name
	// certificate and issuer, because the body differs by its nonce; for TimeStamp it must be different each time.
	Key string
	// Check parses and checks a body before it is handed out or kept: what it refuses becomes Failure Malformed, or Busy
	// if the error wraps ErrTryLater. It runs once per answer and must be pure. nil takes everything and keeps nothing.
	Check func(body []byte) (Checked, error)
}

// Name is under which name the cache keeps the answer.
func (r *Request) Name() string {
	if r.Key != "" {
		return string(r.Kind) + " " + r.URL + " " + r.Key
	}
	return string(r.Kind) + " " + r.URL
}
