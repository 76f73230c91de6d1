package signer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/sealing"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// XAdESOptions say how an XML signature of the XAdES baseline is made (EN 319 132-1 6).
type XAdESOptions struct {
	// Packaging is sealing.Enveloped (in an XML document, the usual one), sealing.Enveloping (around any octets) or sealing.Detached (beside
	// them).
	Packaging sealing.Packaging
	// Level is sealing.B where it is empty. Above that Config.TSA must be set.
	Level sealing.Level
	// Element is the identifier of the element that an enveloped signature is over; empty: the whole document.
	Element string
	// Name is what a detached signature calls its document; empty: nothing.
	Name string
	// MIMEType of the document; empty: text/xml where it is enveloped, else application/octet-stream.
	MIMEType string
	// TSAPolicy is asked of the time-stamping authority; empty means Config.TSAPolicy.
	TSAPolicy string
}

// SealXAdESRequest is what SealXAdES seals.
type SealXAdESRequest struct {
	Document []byte
	XAdESOptions
	// Actor is who asks, for the audit row; obligatory.
	Actor string
}

// SignXAdESRequest is what SignXAdES signs.
type SignXAdESRequest struct {
	Document []byte
	XAdESOptions
	// Key is whose signature it is. Its chain goes into KeyInfo.
	Key SigningKey
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string
}

// SealXAdES seals a document with the gateway's key in XML and returns the document with the seal in it, or the seal. The key's admission
// and the audit are as for Seal, and the result is judged by the same code as any other document before it leaves.
//
// Errors: ErrNoSealKey, ErrRequest (not XML in UTF-8, no such element), ErrTooLarge, ErrSealCertificate, ErrTimeStamp, ErrEvidence, those of
// the key and of the database. Nothing half-made is returned. Safe for concurrent use.
func (s *Service) SealXAdES(ctx context.Context, req SealXAdESRequest) ([]byte, error) {
	made, err := s.MakeSeal(ctx, SealOrder{
		Document: req.Document, Format: sealing.XAdES, Packaging: req.Packaging, Level: req.Level, XML: req.XAdESOptions, Actor: req.Actor,
	})
	return made.Document, err
}

// SignXAdES is SealXAdES with a key of the caller's. The certificate is judged as for SignCMS, else ErrSigningCertificate.
func (s *Service) SignXAdES(ctx context.Context, req SignXAdESRequest) ([]byte, error) {
	if err := s.checkSigning(req.Key, req.Actor, len(req.Document)); err != nil {
		return nil, err
	}
	t := xadesTask{document: req.Document, XAdESOptions: req.XAdESOptions, key: req.Key}
	if t.Level == "" {
		t.Level = sealing.B
	}
	if err := s.needsAuthority(t.Level); err != nil {
		return nil, err
	}
	var err error
	if t.now, err = s.admitKey(ctx, req.Key); err != nil {
		return nil, err
	}
	out, err := s.unrecordedXAdES(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := s.recordSigned(ctx, req.Actor, req.Key, made{"XAdES", req.Document, out}); err != nil {
		return nil, err
	}
	return out, nil
}

// xadesTask is one XAdES signature at a level of the baseline.
type xadesTask struct {
	document []byte
	// digest with hash, in place of the document of a detached signature
	digest []byte
	hash   algo.Hash
	XAdESOptions
	key SigningKey
	now time.Time
}

// unrecordedXAdES makes a signature of which the audit log does not know yet: it must not leave.
func (s *Service) unrecordedXAdES(ctx context.Context, t xadesTask) ([]byte, error) {
	if t.Packaging == "" {
		t.Packaging = sealing.Enveloped
	}
	in := xades.SignInput{
		Packaging: xades.Packaging(t.Packaging), Document: t.document, Element: t.Element, URI: t.Name, MIMEType: t.MIMEType,
		Digest: t.digest, SigningTime: t.now.Truncate(time.Second),
		SignInput: xmldsig.SignInput{
			Hash:        t.hash,
			Certificate: t.key.Chain[0], Chain: t.key.Chain[1:], Signer: keyFor(ctx, t.key.Key), Rand: rand.Reader,
		},
	}
	var tree *xmltree.Document
	if t.Packaging == sealing.Enveloped {
		var err error
		if tree, err = xmltree.Parse(t.document, xmltree.Limits{}); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	in.ID = xades.FreeID(tree, randomName)
	out, err := xades.Sign(in)
	switch {
	case isDocumentFault(err):
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	case err != nil:
		return nil, err
	}
	r := xmlRaise{s: s, tsaPolicy: t.TSAPolicy}
	switch {
	case t.digest != nil:
		r.digests = map[algo.Hash][]byte{t.hash: t.digest}
	case t.Packaging == sealing.Detached:
		r.original = append([]byte{}, t.document...) // an empty one is one
	}
	if err := r.next(out, nil); err != nil {
		return nil, err
	}
	for i, sig := range r.doc.Signatures {
		if sig.ID == in.ID {
			r.targets, r.have = []int{i}, []int{0}
		}
	}
	if err := r.climb(ctx, t.Level); err != nil {
		return nil, err
	}
	return r.document, r.checkMade(t, out)
}

// randomName is something that nobody guesses and no other signature bears.
func randomName() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hexBytes(b)
}

// errXMLMade: what was made does not hold.
var errXMLMade = errors.New("the signed XML document does not hold")

// checkMade judges what was made before it leaves: the new signature holds, and so do those that were there.
func (r *xmlRaise) checkMade(t xadesTask, signed []byte) error {
	if len(r.targets) != 1 {
		return fmt.Errorf("%w: the signature is lost", errXMLMade)
	}
	checked, p, err := r.read(r.targets[0])
	if err != nil {
		return err
	}
	if checked.References[0].Scope.Coverage == xmldsig.Nothing { // an element that lies in a signature
		return fmt.Errorf("%w: there is nothing to sign but signatures", ErrRequest)
	}
	checks := append(checked.Verify(t.key.Chain[0]), p.Verify(t.key.Chain[0])...)
	if w := checks.Worst(); w.Status > cms.Noted || !p.Believed || !p.Binds(t.key.Chain[0]) {
		return fmt.Errorf("%w: %s: %s", errXMLMade, w.Rule, w.Detail)
	}
	return r.unbroken(signed)
}
