package signer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/path"
	"qaqpa/signer/report"
)

// Kinds of what a verdict is about, where the request asked to keep it beside the evidence.
const (
	kindDocument = "document"
	kindOriginal = "original"
	kindDigests  = "original_digests"
)

// isSubject tells an entry of a verdict's evidence that is the document or its original, and no evidence.
func isSubject(e report.Evidence) bool {
	return e.Kind == kindDocument || e.Kind == kindOriginal || e.Kind == kindDigests
}

// keepDocument keeps what is judged, so that the verdict can be made again with nothing but the database.
func (g *gatherer) keepDocument(req ValidateRequest) error {
	if !req.KeepDocument {
		return nil
	}
	g.keep(kindDocument, sha256.Sum256(req.Document), req.Document, sourceRequest)
	if req.Detached != nil {
		g.keepOriginal("", req.Detached)
	}
	if len(req.DetachedDigests) > 0 {
		return g.keepDigests("", req.DetachedDigests)
	}
	for _, o := range req.Originals {
		if o.Octets != nil {
			g.keepOriginal(o.Name, o.Octets)
		} else if err := g.keepDigests(o.Name, o.Digests); err != nil {
			return err
		}
	}
	return nil
}

// keepOriginal keeps one. It may be the very document, or empty, or another's twin: it is listed all the same, or the replay would
// miss it.
func (g *gatherer) keepOriginal(name string, octets []byte) {
	g.keepSubject(kindOriginal, name, octets)
}

func (g *gatherer) keepDigests(name string, digests map[algo.Hash][]byte) error {
	named := make(map[string][]byte, len(digests))
	for h, d := range digests {
		named[h.OID()] = d
	}
	text, err := json.Marshal(named)
	if err != nil {
		return fmt.Errorf("couldn't write down the digests of the original: %w", err)
	}
	g.keepSubject(kindDigests, name, text)
	return nil
}

func (g *gatherer) keepSubject(kind, name string, octets []byte) {
	d := sha256.Sum256(octets)
	if _, ok := g.bodyOf(d); !ok {
		g.store(d, body{kind, octets})
	}
	g.listed = append(g.listed, report.Evidence{Kind: kind, Name: name, SHA256: hexOf(d), Source: sourceRequest, SizeBytes: len(octets)})
}

// Reproduction says what came of judging a stored verdict anew.
type Reproduction string

// The outcomes of Reproduce.
const (
	// ReproducedSame: the same bytes came out.
	ReproducedSame Reproduction = "same"
	// ReproducedNot: the document was not kept, so that nothing could be judged. Replay takes it from the caller.
	ReproducedNot Reproduction = "not_kept"
	// ReproducedChanged: the trust store, the policy or the program is not what it was, so that the stored verdict cannot follow.
	ReproducedChanged Reproduction = "changed"
)

// Reproduce returns a stored verdict as it was given, and whether judging the kept document anew by the stored evidence gives the
// same bytes. Nothing is fetched. A reader that is named sees his own verdicts alone; the empty name is of one who may see all. Errors:
// ErrVerdictNotFound, also for verdicts of others, ErrNoDatabase, that of the database.
func (s *Service) Reproduce(ctx context.Context, id, reader string) (Verdict, Reproduction, error) {
	stored, actor, text, err := s.readVerdict(ctx, id)
	// The verdicts of others name their people. That there is one is told neither by the answer nor by the time that judging takes.
	if err == nil && reader != "" && actor != reader {
		err = fmt.Errorf("%w: %s", ErrVerdictNotFound, id)
	}
	if err != nil {
		return Verdict{}, "", err
	}
	req, kept, err := s.keptRequest(ctx, stored)
	if err != nil || !kept {
		return stored, ReproducedNot, err
	}
	again, err := s.ReplayRequest(ctx, id, req)
	if errors.Is(err, ErrReplay) {
		return stored, ReproducedChanged, nil
	}
	if err != nil {
		return Verdict{}, "", err
	}
	made, err := json.Marshal(again)
	if err != nil {
		return Verdict{}, "", fmt.Errorf("couldn't write down the verdict: %w", err)
	}
	if !bytes.Equal(made, text) {
		return stored, ReproducedChanged, nil
	}
	return stored, ReproducedSame, nil
}

// keptRequest brings back what was judged; false where it was not kept.
func (s *Service) keptRequest(ctx context.Context, v Verdict) (req ValidateRequest, kept bool, err error) {
	var wanted []path.Digest
	for _, e := range v.Evidence {
		if d, ok := digestOf(e.SHA256); ok && isSubject(e) {
			wanted = append(wanted, d)
		}
	}
	if wanted == nil {
		return req, false, nil
	}
	bodies, err := s.evidenceBodies(ctx, wanted)
	if err != nil {
		return req, false, err
	}
	for _, e := range v.Evidence {
		d, _ := digestOf(e.SHA256)
		raw, found := bodies[d]
		switch {
		case !isSubject(e) || !found:
		case e.Kind == kindDocument:
			req.Document = raw
		case e.Kind == kindOriginal && e.Name == "":
			req.Detached = append([]byte{}, raw...) // never nil: an empty original is one
		case e.Kind == kindOriginal:
			req.Originals = append(req.Originals, NamedOriginal{Name: e.Name, Octets: append([]byte{}, raw...)})
		case e.Kind == kindDigests:
			digests, err := keptDigests(raw)
			if err != nil {
				return req, false, err
			}
			if e.Name == "" {
				req.DetachedDigests = digests
			} else {
				req.Originals = append(req.Originals, NamedOriginal{Name: e.Name, Digests: digests})
			}
		}
	}
	return req, req.Document != nil, nil
}

func keptDigests(raw []byte) (map[algo.Hash][]byte, error) {
	var named map[string][]byte
	if err := json.Unmarshal(raw, &named); err != nil {
		return nil, fmt.Errorf("couldn't read the kept digests: %w", err)
	}
	out := make(map[algo.Hash][]byte, len(named))
	for oid, digest := range named {
		if h, ok := algo.HashByOID(oid); ok {
			out[h] = digest
		}
	}
	return out, nil
}
