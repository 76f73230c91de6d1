package signer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/fetch"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsp"
)

// crlBytesMax bounds a CRL that goes into a document; the national one has some 21 MB.
const crlBytesMax = 1 << 20

// enrich adds what a request asks for to a document with one signer: first the time stamp, then the evidence, which is
// then not older than the time that is proven.
func (s *Service) enrich(ctx context.Context, signed []byte, req SignCMSRequest) ([]byte, error) {
	if !req.TimeStamp && !req.Evidence {
		return signed, nil
	}
	sd, err := cms.Parse(signed, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the new signature: %w", err)
	}
	var authority []*pkix.Certificate
	if req.TimeStamp {
		token, chain, err := s.timeStamp(ctx, stampHash(req.Key.Chain[0]), sd.Signers[0].Signature, req.TSAPolicy)
		if err != nil {
			return nil, err
		}
		if signed, err = sd.AddUnsigned(0, cms.OIDSignatureTimestamp, token); err != nil {
			return nil, err
		}
		if sd, err = cms.Parse(signed, cms.Limits{}); err != nil {
			return nil, fmt.Errorf("couldn't read the new signature: %w", err)
		}
		authority = chain
	}
	if !req.Evidence {
		return signed, nil
	}
	ev, err := s.evidenceFor(ctx, req.Key.Chain)
	if err != nil {
		return nil, err
	}
	if authority != nil { // or the time stamp proves nothing once nobody answers
		more, err := s.evidenceFor(ctx, authority)
		if err != nil {
			return nil, fmt.Errorf("time stamp: %w", err)
		}
		ev.add(more)
	}
	if sd, err = cms.Parse(sd.AddCertificates(ev.certificates...), cms.Limits{}); err != nil {
		return nil, fmt.Errorf("couldn't read the new signature: %w", err)
	}
	return sd.AddRevocation(ev.crls, ev.ocsps)
}

// stampHash is the hash of the imprint: that of the signer's own algorithms, as NCALayer does.
func stampHash(c *pkix.Certificate) algo.Hash {
	switch c.PublicKey.Family {
	case algo.GOST2012_512:
		return algo.Streebog512
	case algo.GOST2012_256:
		return algo.Streebog256
	case algo.GOST2004:
		return algo.GOST94Test
	case algo.RSA, algo.RSAPSS, algo.ECDSA, algo.Ed25519, algo.Ed448, algo.DSA, algo.Unknown:
	}
	return algo.SHA256
}

// timeStamp has octets stamped. A token goes into a document only when it answers the request, holds, and its authority
// leads to an anchor and is not known as revoked (№500/НҚ 17). chain is the certificate of the authority, then what the token
// holds beside it.
func (s *Service) timeStamp(ctx context.Context, h algo.Hash, octets []byte, policy string) (token []byte, chain []*pkix.Certificate, err error) {
	return s.stampDigest(ctx, h, h.Sum(nil, octets), policy)
}

// stampDigest is timeStamp for octets of which only the digest is at hand.
func (s *Service) stampDigest(ctx context.Context, h algo.Hash, digest []byte, policy string) (token []byte, chain []*pkix.Certificate, err error) {
	if s.cfg.TSA == "" || s.cfg.Fetch == nil {
		return nil, nil, fmt.Errorf("%w: no time-stamping authority is set", ErrTimeStamp)
	}
	if policy == "" {
		policy = s.cfg.TSAPolicy
	}
	nonce := make([]byte, nonceBytes)
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	q := tsp.Request{Hash: h, Imprint: digest, Policy: policy, Nonce: nonce, Certificates: true}
	body, err := q.Encode()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	o := s.cfg.Fetch.Do(ctx, fetch.Request{
		Kind: fetch.TimeStamp, URL: s.cfg.TSA, Body: body, Key: hexBytes(nonce),
		Check: func(b []byte) (fetch.Checked, error) {
			r, err := tsp.ParseResponse(b)
			return fetch.Checked{Value: r}, err
		},
	})
	if o.Failure != nil {
		return nil, nil, fmt.Errorf("%w: %s", ErrTimeStamp, o.Failure)
	}
	r, ok := o.Value.(*tsp.Response)
	if !ok || r.Token == nil {
		return nil, nil, fmt.Errorf("%w: the authority grants none", ErrTimeStamp)
	}
	if chain, err = s.judgeToken(ctx, r.Token, q); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrTimeStamp, err)
	}
	return r.RawToken, chain, nil
}

var errNoAuthority = errors.New("the certificate of the authority is not in its answer")

// judgeToken returns the certificate of the authority that made a token, then the others in it.
func (s *Service) judgeToken(ctx context.Context, token *tsp.Token, q tsp.Request) ([]*pkix.Certificate, error) {
	var own []*pkix.Certificate
	for _, raw := range token.CMS.Certificates {
		if c, err := pkix.ParseCertificate(raw); err == nil {
			own = append(own, c)
		}
	}
	candidates := token.Signer().Candidates(own)
	if len(candidates) == 0 {
		return nil, errNoAuthority
	}
	if w := token.VerifyResponse(q, candidates[0]).Worst(); w.Status > cms.Noted {
		return nil, fmt.Errorf("%s: %s", w.Rule, w.Detail)
	}
	chain := append([]*pkix.Certificate{candidates[0]}, own...)
	return chain, s.trusted(ctx, s.pathOf(ctx, candidates[0], own), errors.New("the authority is not trusted"))
}

// carried is what goes into a document, so that it can be judged when nobody answers any more.
type carried struct{ certificates, crls, ocsps [][]byte }

// add joins what two chains need, each object once.
func (c *carried) add(o carried) {
	for _, l := range []struct{ to, from *[][]byte }{{&c.certificates, &o.certificates}, {&c.crls, &o.crls}, {&c.ocsps, &o.ocsps}} {
		for _, b := range *l.from {
			if !slices.ContainsFunc(*l.to, func(have []byte) bool { return bytes.Equal(have, b) }) {
				*l.to = append(*l.to, b)
			}
		}
	}
}

// evidenceFor gathers what shows that the certificates of a chain are not revoked, and those between it and its anchor.
// That the signer's is good is obligatory.
func (s *Service) evidenceFor(ctx context.Context, chain []*pkix.Certificate) (out carried, err error) {
	return s.evidenceWith(ctx, chain, held{})
}

// evidenceWith is evidenceFor a signature that carries evidence already: what of it is good is taken, and nobody is asked for more of that.
func (s *Service) evidenceWith(ctx context.Context, chain []*pkix.Certificate, h held) (out carried, err error) {
	limited, cancel := context.WithTimeout(ctx, s.cfg.GatherTimeout)
	defer cancel()
	given := engine.Evidence{Certificates: chain[1:], CRLs: h.evidence.CRLs, OCSP: h.evidence.OCSP}
	if at, ok := h.proven[chain[0].Fingerprint()]; ok && h.carries() {
		// What came with the signature or soon after it may have ended since, and still shows how things stood when the signature was made.
		g := s.gatherer(given, at)
		g.setting.Policy.Revocation = path.Required
		if r, needs, _ := engine.Chain(g.setting, g.evidence, chain[0]); len(needs) == 0 && isGood(r) {
			return g.carried(r, out)
		}
	}
	g := s.gatherer(given, time.Time{})
	g.setting.Policy.Revocation = path.Required
	r := g.chain(limited, chain[0])
	if !isGood(r) {
		return out, fmt.Errorf("%w: the state of the signing certificate is not known to be good", ErrEvidence)
	}
	if out, err = g.carried(r, out); err != nil {
		return out, err
	}
	return out, ctx.Err()
}

func isGood(r path.Result) bool {
	return len(r.Revocation) > 0 && r.Revocation[0].Status == path.StatusGood
}

// carried are the certificates of a path and what shows that none is revoked.
func (g *gatherer) carried(r path.Result, out carried) (carried, error) {
	for _, c := range r.Chain[:len(r.Chain)-1] {
		out.certificates = append(out.certificates, c.Raw)
	}
	for i, info := range r.Revocation {
		for _, d := range info.Evidence {
			b, _ := g.bodyOf(d)
			switch {
			case b.kind == "ocsp":
				out.ocsps = append(out.ocsps, b.bytes)
			case b.kind == "crl" && len(b.bytes) <= crlBytesMax:
				out.crls = append(out.crls, b.bytes)
			case i == 0:
				return out, fmt.Errorf("%w: the list of revoked certificates has %d bytes", ErrEvidence, len(b.bytes))
			}
		}
	}
	return out, nil
}

// held is what a document carries before it is raised: evidence, and until when the signatures of whose certificates are proven to have
// existed, by fingerprint.
type held struct {
	evidence engine.Evidence
	proven   map[path.Digest]time.Time
}

func (h held) carries() bool { return len(h.evidence.CRLs)+len(h.evidence.OCSP) > 0 }
