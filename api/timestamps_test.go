package api

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"qaqpa/signer/tsa"
)

// stamps answers as it is told to, in place of an authority.
type stamps struct {
	err   error
	actor string
}

func (s *stamps) Stamp(_ context.Context, request []byte, actor string) ([]byte, error) {
	s.actor = actor
	return append([]byte("reply to "), request...), s.err
}

// overloaded and away are the errors of a token, as package hsm makes them.
type overloaded struct{}

func (overloaded) Error() string             { return "overloaded" }
func (overloaded) RetryAfter() time.Duration { return 1500 * time.Millisecond }

type away struct{}

func (away) Error() string   { return "away" }
func (away) Temporary() bool { return true }

func TestTimeStamps(t *testing.T) {
	authority := &stamps{}
	g := front(t, func(c *Config) { c.TimeStamps = authority })
	ask := func(contentType string, body []byte) answered {
		return g.do(call{method: http.MethodPost, path: "/v1/timestamps", contentType: contentType, body: body, bad: true})
	}
	got := ask(typeTimeQuery, []byte("query"))
	if got.status != 200 || got.header.Get("Content-Type") != typeTimeReply || string(got.body) != "reply to query" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %q", got.status, got.header, got.body)
	}
	if authority.actor == "" {
		t.Error("a time stamp was issued in nobody's name")
	}
	ask("application/json", []byte("{}")).want(t, 415, codeMediaType)
	ask(typeTimeQuery, nil).want(t, 400, codeBodyEmpty)
	ask(typeTimeQuery, make([]byte, timeQueryBytes+1)).want(t, 413, codeBodyTooLarge)
	for _, c := range []struct {
		err    error
		status int
		code   code
		after  string
	}{
		{overloaded{}, 429, codeTooMany, "2"},
		{away{}, 503, codeUnavailable, "2"},
		{tsa.ErrLease, 503, codeUnavailable, "10"},
		{tsa.ErrCertificate, 503, codeSealKey, ""},
	} {
		authority.err = fmt.Errorf("couldn't sign: %w", c.err)
		got := ask(typeTimeQuery, []byte("query"))
		got.want(t, c.status, c.code)
		if got.header.Get("Retry-After") != c.after {
			t.Errorf("%v: Retry-After is %q, want %q", c.err, got.header.Get("Retry-After"), c.after)
		}
	}
	none := front(t, nil)
	none.do(call{method: http.MethodPost, path: "/v1/timestamps", contentType: typeTimeQuery, body: []byte("query")}).want(t, 404, codeRouteUnknown)
}
