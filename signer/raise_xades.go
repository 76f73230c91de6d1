package signer

import (
	"context"
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
	"qaqpa/signer/sealing"
	"qaqpa/signer/tsp"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// signaturesRaisedMax bounds the signatures of an XML document that is raised.
const signaturesRaisedMax = 32

// raiseXML raises every signature of an XML document but counter-signatures: the time stamps of all, then their evidence, then the time
// stamps over all of it. Where a signature covers another one, nothing can be added to that: ErrRequest.
func (s *Service) raiseXML(ctx context.Context, req RaiseRequest, v Verdict) ([]byte, error) {
	have, err := levelsOf(v, "XAdES-B-", req.Level)
	if err != nil {
		return nil, err
	}
	r := xmlRaise{s: s, tsaPolicy: req.TSAPolicy, original: req.Detached, have: have, held: req.held}
	if err := r.next(req.Document, nil); err != nil {
		return nil, err
	}
	before := r.document
	for i := range r.doc.Signatures {
		checked := r.check(i)
		if _, counter := xades.CheckCounter(checked); !counter && !checked.Countersigns() {
			r.targets = append(r.targets, i)
		}
	}
	switch {
	case len(r.targets) != len(have):
		return nil, fmt.Errorf("%w: a document with so many counter-signatures is not raised", ErrRequest)
	case len(r.targets) > signaturesRaisedMax: // each costs calls to the authorities, and the document is read again for each
		return nil, fmt.Errorf("%w: an XML document with more than %d signatures is not raised", ErrRequest, signaturesRaisedMax)
	}
	if err := r.climb(ctx, req.Level); err != nil {
		return nil, err
	}
	return r.document, r.unbroken(before)
}

// xmlRaise is an XML document on its way up; doc is document, read.
type xmlRaise struct {
	s         *Service
	tsaPolicy string
	original  []byte               // of detached signatures; nil: none
	digests   map[algo.Hash][]byte // of the original, in its place
	document  []byte
	doc       *xmldsig.Document
	targets   []int // which of its signatures are raised
	have      []int // their levels before
	held      held  // what the document carried before
}

// next takes the document of the next step.
func (r *xmlRaise) next(document []byte, err error) error {
	switch {
	case errors.Is(err, xades.ErrRaise), isDocumentFault(err):
		return fmt.Errorf("%w: %w", ErrRequest, err)
	case err != nil:
		return err
	}
	doc, err := openXML(document)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	r.document, r.doc = document, doc
	return nil
}

func openXML(document []byte) (*xmldsig.Document, error) {
	tree, err := xmltree.Parse(document, xmltree.Limits{})
	if err != nil {
		return nil, err
	}
	return xmldsig.Open(tree, xmldsig.Limits{})
}

// climb takes the targets to a level, one kind of property after the other.
func (r *xmlRaise) climb(ctx context.Context, level sealing.Level) error {
	steps := []func(context.Context, int) error{r.stamp, r.evidence, r.archive}
	for rank, step := range steps[:max(level.Rank(), 0)] {
		for i := range r.targets {
			if rank == 0 && r.have[i] > 0 {
				continue // it is stamped
			}
			if err := step(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *xmlRaise) inputs() xmldsig.Inputs {
	in := xmldsig.Inputs{Work: r.doc.NewWork()}
	if r.original != nil || r.digests != nil {
		in.Sources = func(string, bool) (xmldsig.Content, bool) {
			return xmldsig.Content{Octets: r.original, Digests: r.digests}, true
		}
	}
	return in
}

func (r *xmlRaise) check(signature int) *xmldsig.Checked {
	return r.doc.Signatures[signature].Check(r.inputs())
}

// read are a signature of the document and its properties.
func (r *xmlRaise) read(signature int) (*xmldsig.Checked, *xades.Properties, error) {
	in := r.inputs()
	checked := r.doc.Signatures[signature].Check(in)
	p := xades.Read(checked, in.Work)
	if p == nil {
		return nil, nil, fmt.Errorf("%w: a signature without properties", ErrRequest)
	}
	return checked, p, nil
}

// signer is the certificate of a target's signer, then all others that the signature carries.
func (r *xmlRaise) signer(i int) ([]*pkix.Certificate, error) {
	checked, p, err := r.read(r.targets[i])
	if err != nil {
		return nil, err
	}
	var raw [][]byte
	if info := checked.Signature.KeyInfo; info != nil {
		for _, c := range info.Certificates {
			raw = append(raw, c.DER)
		}
	}
	pool := readable(append(raw, p.Evidence().Certificates...))
	for _, c := range pool {
		if p.Binds(c) {
			return append([]*pkix.Certificate{c}, pool...), nil
		}
	}
	return nil, fmt.Errorf("%w: the certificate of a signer is not in the document", ErrRequest)
}

func (r *xmlRaise) stamp(ctx context.Context, i int) error {
	return r.stampOver(ctx, i, (*xades.Properties).SignatureDigest, (*xades.Properties).AddSignatureStamp)
}

func (r *xmlRaise) archive(ctx context.Context, i int) error {
	return r.stampOver(ctx, i, (*xades.Properties).ArchiveDigest, (*xades.Properties).AddArchiveStamp)
}

// stampOver adds a time stamp to a target, with the hash of its signer's own algorithms.
func (r *xmlRaise) stampOver(
	ctx context.Context, i int, over func(*xades.Properties, algo.Hash) ([]byte, error), add func(*xades.Properties, []byte) ([]byte, error),
) error {
	chain, err := r.signer(i)
	if err != nil {
		return err
	}
	_, p, err := r.read(r.targets[i])
	if err != nil {
		return err
	}
	h := stampHash(chain[0])
	digest, err := over(p, h)
	if err != nil {
		return r.next(nil, err)
	}
	token, _, err := r.s.stampDigest(ctx, h, digest, r.tsaPolicy)
	if err != nil {
		return err
	}
	return r.next(add(p, token))
}

// evidence adds what shows that the signer and the authorities of time stamps are not revoked. A signature that was at LT carries that already, and
// its certificates may have ended: of it only the newest time stamp is asked about.
func (r *xmlRaise) evidence(ctx context.Context, i int) error {
	chain, err := r.signer(i)
	if err != nil {
		return err
	}
	_, p, err := r.read(r.targets[i])
	if err != nil {
		return err
	}
	var chains [][]*pkix.Certificate
	tokens := p.Tokens()
	if len(tokens) > stampsRaisedMax {
		return fmt.Errorf("%w: it has more than %d time stamps", ErrRequest, stampsRaisedMax)
	}
	if r.have[i] >= sealing.LT.Rank() {
		tokens = tokens[max(len(tokens)-1, 0):]
	} else {
		chains = append(chains, chain)
	}
	for _, raw := range tokens {
		token, err := tsp.ParseToken(raw)
		if err != nil {
			return fmt.Errorf("%w: a time stamp of the document: %w", ErrRequest, err)
		}
		authority, err := authorityOf(token, chain[1:])
		if err != nil {
			return err
		}
		chains = append(chains, authority)
	}
	all, err := r.s.evidenceOf(ctx, chains, r.held)
	if err != nil {
		return err
	}
	return r.next(p.AddEvidence(xades.Evidence{Certificates: all.certificates, CRLs: all.crls, OCSPs: all.ocsps}))
}

// unbroken holds what was made against what was there: the same signatures, and every reference that agreed still does. A signature that covers
// another one would break when something is added to that.
func (r *xmlRaise) unbroken(before []byte) error {
	doc, err := openXML(before)
	if err != nil || len(doc.Signatures) != len(r.doc.Signatures) {
		return fmt.Errorf("%w: the signatures are not those that were there", errXMLMade)
	}
	old := xmlRaise{original: r.original, digests: r.digests, doc: doc}
	for i := range doc.Signatures {
		was, is := old.check(i), r.check(i)
		if len(was.References) != len(is.References) {
			return fmt.Errorf("%w: references", errXMLMade)
		}
		for k, o := range was.References {
			if o.Agrees() && !is.References[k].Agrees() {
				return fmt.Errorf("%w: a signature covers the one that would be raised", ErrRequest)
			}
		}
	}
	return nil
}

// isSignatureAlone tells that an XML document is nothing but a signature, which then holds what it is over.
func isSignatureAlone(document []byte) bool {
	tree, err := xmltree.Parse(document, xmltree.Limits{})
	return err == nil && tree.Element().Is("http://www.w3.org/2000/09/xmldsig#", "Signature")
}
