package signer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/fetch"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
)

// step is one object that is wanted, with the requests that may bring it, to be tried in turn.
type step struct {
	subject  path.Digest
	requests []fetch.Request
}

// plan says what to ask for a need that was not asked before: the issuer; or the status, first by OCSP, by
// the lists at hand when that has been tried (№500/НҚ 16: OCSP or CRL), and by lists from their addresses when those do not
// suffice. A list may have 21 MB: it is not fetched without need.
func (g *gatherer) plan(n path.Need) []step {
	subject, n := n.Certificate.Fingerprint(), g.narrowed(n)
	if n.Issuer == nil {
		return g.fresh("issuer", subject, certificateRequests(n.CAIssuers))
	}
	g.teach(n)
	if len(n.OCSP) > 0 {
		if steps := g.fresh("ocsp", subject, g.s.ocspRequests(n)); len(steps) > 0 {
			return steps
		}
	}
	if g.wantsLists(n) && g.shelved(n) {
		g.found = true
		return nil
	}
	var steps []step
	for _, list := range n.CRLs {
		steps = append(steps, g.fresh("crl "+firstOf(list), subject, crlRequests(list))...)
	}
	for _, list := range n.Deltas {
		steps = append(steps, g.fresh("crl "+firstOf(list), subject, crlRequests(list))...)
	}
	return steps
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// ask notes that something was asked for.
func (g *gatherer) ask(key string) {
	if g.asked == nil {
		g.asked = map[string]bool{}
	}
	g.asked[key] = true
}

// fresh makes a step of requests unless the same was asked before for this certificate.
func (g *gatherer) fresh(what string, subject path.Digest, requests []fetch.Request) []step {
	key := what + " " + hexOf(subject)
	if g.asked[key] || len(requests) == 0 || g.s.cfg.Fetch == nil {
		return nil
	}
	g.ask(key)
	n := min(len(requests), fetchesMax-g.fetches)
	if n < len(requests) { // say so, once: the rest is not asked
		g.take(outcome{subject, requests[n], &fetch.Object{
			Kind: requests[n].Kind, URL: requests[n].URL, At: g.s.cfg.Now(),
			Failure: &fetch.Failure{Kind: fetch.Spent, Detail: "this document has used up its calls"},
		}})
	}
	if n == 0 {
		return nil
	}
	g.fetches += n
	return []step{{subject, requests[:n]}}
}

// follow makes the requests of each step in turn until one brings something.
func (s *Service) follow(ctx context.Context, steps []step) []outcome {
	var out []outcome
	for _, st := range steps {
		for _, r := range st.requests {
			o := s.cfg.Fetch.Do(ctx, r)
			out = append(out, outcome{st.subject, r, o})
			if o.Failure == nil {
				break
			}
		}
	}
	return out
}

// nonceBytes is the size that the national responders are known to answer.
const nonceBytes = 8

// ocspAnswer is what the cache keeps of an OCSP exchange: as evidence, made once for all verdicts that it serves, which only read it.
type ocspAnswer struct {
	evidence engine.Evidence
	nonce    string // hex
}

func newOCSPAnswer(o *pkix.OCSPResponse, nonce []byte) *ocspAnswer {
	return &ocspAnswer{
		evidence: engine.Evidence{OCSP: []*pkix.OCSPResponse{o}, Nonces: map[path.Digest][]byte{o.Fingerprint(): nonce}},
		nonce:    hexBytes(nonce),
	}
}

// ocspRequests asks the responders of a certificate in turn, with a CertID made with SHA-256, which the national
// responders know.
func (s *Service) ocspRequests(n path.Need) []fetch.Request {
	nonce := make([]byte, nonceBytes)
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	body, err := pkix.NewOCSPRequest(n.Certificate, n.Issuer, algo.SHA256, nonce)
	if err != nil {
		return nil
	}
	key := hexOf(n.Certificate.Fingerprint()) + hexOf(n.Issuer.Fingerprint())
	check := func(b []byte) (fetch.Checked, error) { return s.checkOCSP(b, n, nonce) }
	requests := make([]fetch.Request, 0, len(n.OCSP))
	for _, url := range n.OCSP {
		requests = append(requests, fetch.Request{Kind: fetch.OCSP, URL: url, Body: body, Key: key, Check: check})
	}
	return requests
}

// checkOCSP reads an answer. Whether it holds is judged with the path; here it must be one, about this certificate.
func (s *Service) checkOCSP(b []byte, n path.Need, nonce []byte) (fetch.Checked, error) {
	o, err := pkix.ParseOCSPResponse(b)
	if err != nil {
		return fetch.Checked{}, err
	}
	switch o.Status {
	case pkix.OCSPSuccessful:
	case pkix.OCSPTryLater, pkix.OCSPInternalError:
		return fetch.Checked{}, fmt.Errorf("the responder answers %s: %w", o.Status, fetch.ErrTryLater)
	case pkix.OCSPMalformedRequest, pkix.OCSPSigRequired, pkix.OCSPUnauthorized:
		return fetch.Checked{}, fmt.Errorf("the responder answers %s", o.Status)
	default:
		return fetch.Checked{}, fmt.Errorf("the responder answers %s", o.Status)
	}
	for i := range o.Responses {
		single := &o.Responses[i]
		if !single.CertID.Matches(n.Certificate, n.Issuer) {
			continue
		}
		until := s.cfg.Now().Add(s.cfg.OCSPReuse)
		if !single.NextUpdate.IsZero() && single.NextUpdate.Before(until) {
			until = single.NextUpdate
		}
		return fetch.Checked{Value: newOCSPAnswer(o, nonce), Until: until}, nil
	}
	return fetch.Checked{}, errors.New("the answer is about another certificate")
}

func crlRequests(urls []string) []fetch.Request {
	requests := make([]fetch.Request, 0, len(urls))
	for _, url := range urls {
		requests = append(requests, fetch.Request{Kind: fetch.CRL, URL: url, Check: checkCRL})
	}
	return requests
}

// checkCRL reads a list, which may serve until its nextUpdate; one without is asked for each time.
func checkCRL(b []byte) (fetch.Checked, error) {
	l, err := pkix.ParseCRL(b)
	if err != nil {
		return fetch.Checked{}, err
	}
	return fetch.Checked{Value: l, Until: l.NextUpdate}, nil
}

func certificateRequests(urls []string) []fetch.Request {
	requests := make([]fetch.Request, 0, len(urls))
	for _, url := range urls {
		requests = append(requests, fetch.Request{Kind: fetch.Certificate, URL: url, Check: checkCertificates})
	}
	return requests
}

// checkCertificates reads what RFC 5280 4.2.2.1 lets an authority publish: one DER certificate or a certs-only CMS; PEM is
// taken too.
func checkCertificates(b []byte) (fetch.Checked, error) {
	certs, err := pkix.ParsePEMOrDER(b)
	if err != nil {
		bag, cmsErr := cms.ParseArmoured(b, cms.Limits{})
		if cmsErr != nil {
			return fetch.Checked{}, err
		}
		for _, raw := range bag.Certificates {
			if c, err := pkix.ParseCertificate(raw); err == nil {
				certs = append(certs, c)
			}
		}
	}
	if len(certs) == 0 {
		return fetch.Checked{}, pkix.ErrNoCertificate
	}
	until := time.Time{}
	for _, c := range certs {
		if until.IsZero() || c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	return fetch.Checked{Value: certs, Until: until}, nil
}

func hexOf(d path.Digest) string {
	var out [2 * len(d)]byte
	hex.Encode(out[:], d[:])
	return string(out[:])
}

func hexBytes(b []byte) string { return hex.EncodeToString(b) }
