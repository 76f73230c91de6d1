package api

import (
	"bufio"
	"context"
	"io"
	"net/netip"
	"os"

	"qaqpa/api/auth"
	"qaqpa/api/httpsig"
	"qaqpa/api/language"
	"qaqpa/payment"
)

// request is one call, copied out of fasthttp: plain values that outlive the connection's buffers.
type request struct {
	id          string // X-Request-Id, trace_id
	method      string
	path        string // as sent, without the query
	params      []param
	query       []param
	contentType string // as sent
	encoding    string // Content-Encoding
	accept      string
	lang        string // Accept-Language
	gzip        bool   // Accept-Encoding admits it
	ifNoneMatch string
	token       string   // of Authorization: Bearer
	idemKeys    []string // each Idempotency-Key field
	remote      netip.Addr
	// clientKey is of the certificate that the client proved on the connection; see clientKey.
	clientKey []byte
	origin    string  // Origin
	fetchSite string  // Sec-Fetch-Site
	cookies   []param // ours, by their names without prefix

	head    *httpsig.Message // of a request that its sender signed
	digests *httpsig.Digests // that its body has to have

	caller auth.Caller
	quota  *quotaState // of the caller, once it is known
	media  mediaType
	body   []byte
	file   *os.File  // of a spooled body
	stream *stream   // of a body that the endpoint reads itself
	wants  string    // the media type that the caller wants most of those that the operation produces
	lines  io.Reader // of a body that comes line by line; each read waits for a while at most
	idem   payment.Idem
}

// param is a named value of path or query.
type param struct{ name, value string }

func find(list []param, name string) string {
	for _, p := range list {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// param returns a value of the path.
func (r *request) param(name string) string { return find(r.params, name) }

// arg returns a value of the query, "" when absent.
func (r *request) arg(name string) string { return find(r.query, name) }

// response is an answer before it is written.
type response struct {
	status      int
	contentType string
	body        []byte
	headers     []param
	// stream writes the body where it is too long for memory. It ends with an error when the rest cannot be had: the
	// connection is then cut, which the client sees.
	stream func(ctx context.Context, w *bufio.Writer) error
	code   code // of the problem, for the log
	err    error
	lent   *[]byte // what body is part of; it goes back once body was written
}

func (r *response) set(name, value string) { r.headers = append(r.headers, param{name, value}) }

// endpoint answers a request that has passed all gates. An error becomes a problem.
type endpoint func(ctx context.Context, r *request) (*response, error)

// languageOf is the caller's language; English when it states none that we have.
func (s *Server) languageOf(r *request) language.Lang { return s.texts.Negotiate(r.lang, language.EN) }
