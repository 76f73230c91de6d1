package signer

import (
	"context"
	"fmt"
	"io"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/report"
)

// Verdict is the result of a validation; see report.Verdict for each field.
type Verdict = report.Verdict

// SignatureVerdict is the judgement of one signer.
type SignatureVerdict = report.Signature

// Signer describes the holder of the signing certificate.
type Signer = report.Signer

// Reason tells in three languages what failed and what to do.
type Reason = report.Reason

// ValidateRequest is what Validate judges.
type ValidateRequest struct {
	// Document is the signed document: CMS SignedData in DER, BER, PEM armour or base64; XML with signatures or a SOAP message
	// with WS-Security, plain or in base64; or a time-stamp token.
	Document []byte
	// Detached is the original when the signature is detached; nil otherwise. References of XML signatures that lead out of
	// the document are held against it; nothing else is fetched. An empty original is a non-nil empty slice.
	Detached []byte
	// DetachedDigests, instead of Detached, are digests of the original, for CMS signatures, time-stamp tokens, and XML signatures
	// over the octets as they are. What no digest serves stays SIGNED_DATA_NOT_FOUND.
	DetachedDigests map[algo.Hash][]byte
	// DetachedStream, instead of Detached, is the original to be read once to its end, of any length: for CMS signatures and
	// time-stamp tokens memory does not grow with it. Documents that have to see what they cover take at most
	// Config.DocumentBytesMax of it. An error in reading is returned.
	DetachedStream io.Reader
	// Original, instead of Detached, is one that ReadOriginal has read for this Document.
	Original *Original
	// Originals, instead of Detached, are several originals by name, for XML signatures that cover more than one; see NamedOriginal.
	Originals []NamedOriginal
	// Policy names the rules to judge by, PolicyDocument brings them (JSON or YAML, see engine.LoadPolicy); both empty: those of the
	// service.
	Policy         string
	PolicyDocument []byte
	// Evidence is what the caller knows beside the document, each a file: certificates (PEM or DER), a CRL or an OCSP
	// response (DER). It is weighed like any other and never trusted by itself.
	Evidence [][]byte
	// At is the time to judge for; zero means now. It may not lie in the future.
	At time.Time
	// Store keeps the verdict, the bodies of its evidence and an audit row in one transaction.
	Store bool
	// KeepDocument keeps Document, and Detached, DetachedDigests or Originals, beside the evidence, so that Reproduce can make the verdict again
	// with nothing else; only with Store. A stream is not kept.
	KeepDocument bool
	// Actor is who asks, for the audit row; obligatory with Store.
	Actor string
	// Check, where not nil, takes the place of Config.Revocation. Such verdicts are not stored: they follow from no policy.
	Check *RevocationCheck
}

// NamedOriginal is one of several originals of a detached signature.
type NamedOriginal struct {
	// Name is the URI by which references of the signature call it, as it is written there or with its percent signs decoded; at
	// most 1,024 octets.
	Name string
	// Octets are it; nil: it is known by Digests alone.
	Octets  []byte
	Digests map[algo.Hash][]byte
}

// Bounds of a request: files of evidence, originals, octets of an original's name.
const (
	filesMax     = 64
	originalsMax = 1024
	nameMax      = 1024
)

// Validate judges every signature of a document. Bad signatures, unreadable documents and absent evidence are
// results; an error means that nothing could be decided: ErrRequest for an unusable request, ErrTooLarge for one over
// the limits, ErrNoDatabase, the context's error, or that of the database. Safe for concurrent use.
func (s *Service) Validate(ctx context.Context, req ValidateRequest) (Verdict, error) {
	start := s.cfg.Now()
	v, err := s.validate(ctx, req)
	s.metrics.validated(v.Indication, err, s.cfg.Now().Sub(start))
	return v, err
}

func (s *Service) validate(ctx context.Context, req ValidateRequest) (Verdict, error) {
	verdict, bodies, err := s.judge(ctx, req)
	if err != nil || !req.Store {
		return verdict, err
	}
	verdict.ID, err = newID("vrd", verdict.DocumentSHA256[:2])
	if err != nil {
		return Verdict{}, err
	}
	if err := s.storeVerdict(ctx, &Unkept{verdict: verdict, actor: req.Actor, bodies: bodies}); err != nil {
		return Verdict{}, err
	}
	return verdict, nil
}

// judge gives the verdict and the bodies of the evidence that it stands on.
func (s *Service) judge(ctx context.Context, req ValidateRequest) (Verdict, map[path.Digest]body, error) {
	given, err := s.check(req)
	if err != nil {
		return Verdict{}, nil, err
	}
	original, err := s.original(req)
	if err != nil {
		return Verdict{}, nil, err
	}
	g := s.gatherer(given, req.At)
	if g.setting.Policy, err = s.policyOf(req); err != nil {
		return Verdict{}, nil, err
	}
	g.keepPolicy(req.PolicyDocument)
	if err := g.keepDocument(req); err != nil {
		return Verdict{}, nil, err
	}
	g.checking(req.Check)
	verdict, err := g.run(ctx, engine.OpenWith(req.Document, original, s.certs))
	if err != nil {
		return Verdict{}, nil, err
	}
	if !req.Store {
		return verdict, nil, nil
	}
	g.unshare()
	return verdict, g.stored, nil
}

// check refuses what cannot be judged, and reads the evidence that came along.
func (s *Service) check(req ValidateRequest) (engine.Evidence, error) {
	total, originals := 0, 0
	for _, file := range req.Evidence {
		total += len(file)
	}
	for i := range req.Originals {
		originals += len(req.Originals[i].Octets)
	}
	limit := s.cfg.DocumentBytesMax
	switch {
	case len(req.Document) == 0:
		return engine.Evidence{}, fmt.Errorf("%w: the document is empty", ErrRequest)
	case len(req.Document) > limit || len(req.Detached) > limit || total > limit || len(req.Evidence) > filesMax,
		originals > limit || len(req.Originals) > originalsMax:
		return engine.Evidence{}, fmt.Errorf("%w: at most %d bytes are taken", ErrTooLarge, limit)
	case req.At.After(s.cfg.Now()):
		return engine.Evidence{}, fmt.Errorf("%w: the time to judge for lies in the future", ErrRequest)
	case req.Store && req.Check != nil:
		return engine.Evidence{}, fmt.Errorf("%w: a verdict is stored only when the policy alone decides", ErrRequest)
	case req.KeepDocument && (!req.Store || req.DetachedStream != nil):
		return engine.Evidence{}, fmt.Errorf("%w: a document is kept with its verdict, and an original that is streamed is not kept", ErrRequest)
	case req.Store && s.cfg.DB == nil:
		return engine.Evidence{}, ErrNoDatabase
	case req.Store && req.Actor == "":
		return engine.Evidence{}, fmt.Errorf("%w: a verdict is stored with the name of who asked", ErrRequest)
	}
	var given engine.Evidence
	for i, file := range req.Evidence {
		ev, err := engine.ParseEvidence(file)
		if err != nil {
			return engine.Evidence{}, fmt.Errorf("%w: file %d of the evidence: %w", ErrRequest, i+1, err)
		}
		given = given.Join(ev)
	}
	return given, nil
}
