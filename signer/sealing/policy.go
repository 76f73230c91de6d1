package sealing

import (
	"errors"
	"fmt"
	"slices"
)

// Policy is what one client may have sealed. Its JSON is how it is kept.
type Policy struct {
	// Keys are the names of the keys that may be used; the first is taken where a request names none.
	Keys    []string `json:"keys"`
	Formats []Format `json:"formats"`
	Levels  []Level  `json:"levels"`
	// PerMinute is how many documents may be sealed or raised in any 60 seconds.
	PerMinute int `json:"per_minute"`
	// Digests lets documents be sealed of which the gateway sees the digest alone.
	Digests bool `json:"digests"`
	// Raise lets the levels of existing signatures be raised, up to the highest of Levels.
	Raise bool `json:"raise"`
}

// Bounds of a policy.
const (
	keysMax      = 16
	nameMax      = 64
	perMinuteMax = 100_000
)

// ErrPolicy means a policy that cannot be used.
var ErrPolicy = errors.New("unusable seal policy")

// Check tells whether the policy can be used. The error wraps ErrPolicy.
func (p Policy) Check() error {
	switch {
	case len(p.Keys) == 0 || len(p.Keys) > keysMax:
		return fmt.Errorf("%w: it has to name 1 to %d keys", ErrPolicy, keysMax)
	case len(p.Formats) == 0 || len(p.Levels) == 0:
		return fmt.Errorf("%w: it has to name formats and levels", ErrPolicy)
	case p.PerMinute < 1 || p.PerMinute > perMinuteMax:
		return fmt.Errorf("%w: a minute takes 1 to %d seals", ErrPolicy, perMinuteMax)
	}
	for i, k := range p.Keys {
		if k == "" || len(k) > nameMax || slices.Contains(p.Keys[:i], k) {
			return fmt.Errorf("%w: key %.80q is no name, or stands twice", ErrPolicy, k)
		}
	}
	for _, f := range p.Formats {
		if !slices.Contains(Formats(), f) {
			return fmt.Errorf("%w: there is no format %.40q", ErrPolicy, string(f))
		}
	}
	for _, l := range p.Levels {
		if l.Rank() < 0 {
			return fmt.Errorf("%w: there is no level %.40q", ErrPolicy, string(l))
		}
	}
	return nil
}

// Ask is what a request asks for.
type Ask struct {
	Key    string // empty: the first of the policy
	Format Format
	Level  Level
	Digest bool // the document is not there, only its digest
	Raise  bool // of an existing signature
}

// RefusalError says what a policy does not allow.
type RefusalError struct {
	// Member is the member of Ask, in small letters, that is refused; empty where raising as such is.
	Member string
	detail string
}

// Error names what is refused.
func (e *RefusalError) Error() string { return e.detail }

func refuse(member, format string, args ...any) error {
	return &RefusalError{Member: member, detail: fmt.Sprintf(format, args...)}
}

// Admit returns the name of the key to use, or a *RefusalError. It decides about permission alone, not about what is possible.
func (p Policy) Admit(a Ask) (key string, err error) {
	if key = a.Key; key == "" && len(p.Keys) > 0 {
		key = p.Keys[0]
	}
	switch {
	case a.Raise && !p.Raise:
		return "", refuse("", "the seal policy does not allow raising the level of signatures")
	case !slices.Contains(p.Levels, a.Level):
		return "", refuse("level", "the seal policy does not allow level %.8q", string(a.Level))
	case a.Raise:
		return "", nil
	case !slices.Contains(p.Keys, key):
		return "", refuse("key", "the seal policy does not allow key %.64q", key)
	case !slices.Contains(p.Formats, a.Format):
		return "", refuse("format", "the seal policy does not allow format %.8q", string(a.Format))
	case a.Digest && !p.Digests:
		return "", refuse("digest", "the seal policy does not allow sealing by digest")
	}
	return key, nil
}
