package api

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"qaqpa/api/auth"
	"qaqpa/api/httpsig"
)

// signedHead copies what a signature may cover. The sender has signed the public address, whatever a proxy made of it.
func (s *Server) signedHead(ctx *fasthttp.RequestCtx) *httpsig.Message {
	h := &ctx.Request.Header
	m := &httpsig.Message{
		Method: string(h.Method()), Path: string(ctx.URI().PathOriginal()), HasBody: h.ContentLength() > 0 || h.ContentLength() == -1,
	}
	m.Scheme, m.Authority, _ = strings.Cut(s.cfg.BaseURL, "://")
	if base, err := url.Parse(s.cfg.BaseURL); err == nil {
		m.Authority = strings.ToLower(base.Host)
		m.Path = base.EscapedPath() + m.Path
	}
	if query := ctx.URI().QueryString(); len(query) > 0 {
		m.Query = "?" + string(query)
	}
	for k, v := range h.All() {
		name, value := strings.ToLower(string(k)), strings.TrimSpace(string(v))
		i := slices.IndexFunc(m.Fields, func(f httpsig.Field) bool { return f.Name == name })
		if i < 0 {
			i = len(m.Fields)
			m.Fields = append(m.Fields, httpsig.Field{Name: name})
		}
		m.Fields[i].Values = append(m.Fields[i].Values, value)
	}
	return m
}

// authenticate finds out who calls, by the token shown or by the signature over the request. Both at once is neither: which of
// them counts would be a guess.
func (s *Server) authenticate(ctx context.Context, r *request) (auth.Caller, error) {
	caller, err := s.proved(ctx, r)
	if err == nil && !caller.Fits(r.clientKey) { // a key that was stolen without the certificate; who tries learns nothing
		return auth.Caller{}, fmt.Errorf("%w: %s is bound to another TLS certificate", auth.ErrUnknownKey, caller.KeyID)
	}
	return caller, err
}

// proved is authenticate without a look at the connection.
func (s *Server) proved(ctx context.Context, r *request) (auth.Caller, error) {
	switch {
	case r.head != nil && r.token != "":
		return auth.Caller{}, refuse(codeSigned).explain("a request is signed or shows a token, not both")
	case r.head != nil:
		return s.authenticateSigned(ctx, r)
	case r.token == "":
		return auth.Caller{}, refuse(codeUnauthorised)
	}
	return s.cfg.Keys.Authenticate(ctx, r.token)
}

func (s *Server) authenticateSigned(ctx context.Context, r *request) (auth.Caller, error) {
	signature, err := httpsig.Read(r.head, s.cfg.Now())
	if err != nil {
		return auth.Caller{}, signedError(err)
	}
	if r.head.HasBody {
		if r.digests, err = httpsig.ReadDigests(r.head); err != nil {
			return auth.Caller{}, signedError(err)
		}
	}
	caller, err := s.cfg.Keys.Signed(ctx, signature.KeyID, signature.Nonce, signature.Until, func(key crypto.PublicKey) error {
		err := signature.Verify(r.head, key)
		if errors.Is(err, httpsig.ErrSignature) { // looks like an unknown key: who tries learns nothing
			return fmt.Errorf("%w: %w", auth.ErrUnknownKey, err)
		}
		return err
	})
	return caller, signedError(err)
}

// signedError tells the client what to mend in its own signature; it holds nothing of ours.
func signedError(err error) error {
	for _, own := range []error{httpsig.ErrMalformed, httpsig.ErrCoverage, httpsig.ErrTime} {
		if errors.Is(err, own) {
			return refuse(codeSigned).because(err).explain(err.Error())
		}
	}
	return err
}

// checkDigest holds the body to the digest that was signed, before anything is done with it.
func (r *request) checkDigest() error {
	if r.digests == nil {
		return nil
	}
	var body io.Reader = bytes.NewReader(r.body)
	switch {
	case r.stream != nil: // read by its endpoint part by part; what it would do with parts before the end cannot be undone
		return refuse(codeSigned).explain("a form of this length is taken with a token only")
	case r.file != nil:
		body = io.NewSectionReader(r.file, 0, 1<<62)
	}
	err := r.digests.Check(body)
	if errors.Is(err, httpsig.ErrDigest) {
		return refuse(codeDigest).of("Content-Digest").because(err)
	}
	if err == nil && r.file != nil {
		r.lines, err = r.file, rewind(r.file)
	}
	return err
}

func rewind(f io.Seeker) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("couldn't go back to the start of a body: %w", err)
	}
	return nil
}
