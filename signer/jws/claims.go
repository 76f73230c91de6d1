package jws

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Claims are the claims of a JSON Web Token (RFC 7519 4). Times are UTC, to the microsecond, and zero when absent.
type Claims struct {
	Issuer, Subject, ID          string
	Audience                     []string
	Expires, NotBefore, IssuedAt time.Time
	Members                      []Member // all of them, in order
}

// Claims reads the payload as a set of claims: a strict JSON object. It is to be called after Verify; before that the
// claims are anybody's. Errors: ErrClaims, ErrSyntax, ErrLimit, and ErrHeader for an unencoded payload, which RFC 7797 7
// forbids here.
func (t *Token) Claims() (Claims, error) {
	if t.Header.Unencoded {
		return Claims{}, fmt.Errorf("couldn't read claims: %w: JWT with b64", ErrHeader)
	}
	members, err := readObject(t.Payload, t.limits.Depth)
	if err != nil {
		return Claims{}, fmt.Errorf("couldn't read claims: %w: %w", ErrClaims, err)
	}
	c := Claims{Members: members}
	for _, m := range members {
		if err := c.read(m); err != nil {
			return Claims{}, fmt.Errorf("couldn't read claims: %w: %w", ErrClaims, err)
		}
	}
	return c, nil
}

func (c *Claims) read(m Member) (err error) {
	switch m.Name {
	case "iss":
		c.Issuer, err = m.text()
	case "sub":
		c.Subject, err = m.text()
	case "jti":
		c.ID, err = m.text()
	case "aud":
		if len(m.Value) > 0 && m.Value[0] == '[' {
			c.Audience, err = m.texts()
			return err
		}
		var one string
		one, err = m.text()
		c.Audience = []string{one}
	case "exp":
		c.Expires, err = m.time()
	case "nbf":
		c.NotBefore, err = m.time()
	case "iat":
		c.IssuedAt, err = m.time()
	}
	return err
}

// maxDate is the end of the year 9999, in seconds since 1970.
const maxDate = 253402300799

// time reads a NumericDate (RFC 7519 2): seconds since 1970, with or without a fraction.
func (m Member) time() (time.Time, error) {
	var n json.Number
	if len(m.Value) == 0 || m.Value[0] == '"' || json.Unmarshal(m.Value, &n) != nil {
		return time.Time{}, fmt.Errorf("%w: %s is not a number", ErrSyntax, m.Name)
	}
	seconds, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.Abs(seconds) > maxDate {
		return time.Time{}, fmt.Errorf("%w: %s is out of range", ErrSyntax, m.Name)
	}
	return time.UnixMicro(int64(math.Floor(seconds * 1e6))).UTC(), nil
}

// Check holds the times of the claims against a time: before exp, not before nbf and iat, each with leeway for clocks
// that differ. Absent ones are not asked for. The error wraps ErrTime.
func (c Claims) Check(at time.Time, leeway time.Duration) error {
	switch {
	case !c.Expires.IsZero() && !at.Before(c.Expires.Add(leeway)):
		return fmt.Errorf("%w: expired at %s", ErrTime, c.Expires.Format(time.RFC3339))
	case at.Add(leeway).Before(c.NotBefore):
		return fmt.Errorf("%w: not before %s", ErrTime, c.NotBefore.Format(time.RFC3339))
	case at.Add(leeway).Before(c.IssuedAt):
		return fmt.Errorf("%w: issued at %s", ErrTime, c.IssuedAt.Format(time.RFC3339))
	}
	return nil
}
