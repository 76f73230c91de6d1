package signer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/audit"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/signer/tsp"
)

// RaiseRequest is a signed document, of anybody, whose signatures shall be judged for longer.
type RaiseRequest struct {
	// Document is a CMS (DER, BER, PEM or base64), a PDF document, XML with XAdES signatures, or a JWS with JAdES signatures.
	Document []byte
	// Detached is the original of a detached signature; DetachedDigests, in its place, are digests of it. A level above T needs the one
	// with SHA-256, or with Streebog of the key's length for national signatures.
	Detached        []byte
	DetachedDigests map[algo.Hash][]byte
	// Level is what every signature of the document reaches afterwards: T, LT or LTA. Documents that are at LTA may get a further
	// time stamp over all they hold, before the last one ends.
	Level sealing.Level
	// TSAPolicy is asked of the time-stamping authority; empty means Config.TSAPolicy.
	TSAPolicy string
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string

	held held // by Document, read by Raise
}

// NotRaisableError is the refusal of [Service.Raise] for signatures that do not hold now: what is added would prove nothing.
type NotRaisableError struct {
	Indication report.Indication
	Sub        report.SubIndication
	Reasons    []string // codes of package report
}

// Error names the indication.
func (e *NotRaisableError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("the signatures do not hold: %s/%s", e.Indication, e.Sub), "/")
}

// ErrRaised means that the signatures have the level that was asked for already.
var ErrRaised = errors.New("the signatures have this level already")

// Raise adds time stamps and evidence to the signatures of a document and returns it with the level reached, its media type, and an
// entry in the audit log. What was there stays octet by octet. The document is judged first, as by Validate, and has to pass.
//
// Errors: *NotRaisableError; ErrRaised; ErrRequest for what is neither CMS nor PDF nor XML nor JWS, has a form outside of the baseline, or lacks its
// original; ErrTooLarge, ErrTimeStamp, ErrEvidence, those of the database. Nothing half-raised is returned. Safe for concurrent use.
func (s *Service) Raise(ctx context.Context, req RaiseRequest) (MadeSeal, error) {
	if err := s.checkRaise(req); err != nil {
		return MadeSeal{}, err
	}
	v, _, err := s.judge(ctx, ValidateRequest{Document: req.Document, Detached: req.Detached, DetachedDigests: req.DetachedDigests})
	if err != nil {
		return MadeSeal{}, err
	}
	if v.Indication != report.TotalPassed {
		return MadeSeal{}, notRaisable(v)
	}
	out := MadeSeal{Level: req.Level}
	req.held = heldBy(req.Document, v)
	switch v.Format {
	case engine.FormatPDF:
		out.Format, out.Packaging, out.MediaType = sealing.PAdES, sealing.Enveloped, "application/pdf"
		out.Document, err = s.raisePDF(ctx, req, v)
	case engine.FormatXML:
		out.Format, out.Packaging, out.MediaType = sealing.XAdES, sealing.Enveloped, "application/xml"
		switch {
		case v.Detached:
			out.Packaging = sealing.Detached
		case isSignatureAlone(req.Document):
			out.Packaging = sealing.Enveloping
		}
		out.Document, err = s.raiseXML(ctx, req, v)
	case engine.FormatJWS:
		out.Format, out.Packaging, out.MediaType = sealing.JWS, sealing.Attached, "application/jose+json"
		if v.Detached {
			out.Packaging = sealing.Detached
		}
		out.Document, err = s.raiseJWS(ctx, req, v)
	default:
		out.Format, out.Packaging, out.MediaType = sealing.CAdES, sealing.Attached, "application/pkcs7-mime"
		if v.Detached {
			out.Packaging, out.MediaType = sealing.Detached, "application/pkcs7-signature"
		}
		out.Document, err = s.raiseCMS(ctx, req, v)
	}
	if err != nil {
		return MadeSeal{}, err
	}
	if err := s.recordRaised(ctx, req, &out); err != nil {
		return MadeSeal{}, err
	}
	return out, nil
}

// heldBy reads the evidence that a document carries, and which of its signatures are proven to have existed when.
func heldBy(document []byte, v Verdict) held {
	h := held{evidence: engine.Open(document, nil, nil).Embedded(), proven: map[path.Digest]time.Time{}}
	for _, sig := range v.Signatures {
		if !sig.TimeProven || len(sig.Chain) == 0 {
			continue
		}
		var leaf path.Digest
		if raw, err := hex.DecodeString(sig.Chain[0].SHA256); err != nil || copy(leaf[:], raw) != len(leaf) {
			continue
		}
		if before, ok := h.proven[leaf]; !ok || sig.BestAt.After(before) { // evidence has to hold for the latest
			h.proven[leaf] = sig.BestAt
		}
	}
	return h
}

func (s *Service) checkRaise(req RaiseRequest) error {
	switch {
	case req.Level == sealing.B || req.Level.Rank() < 0:
		return fmt.Errorf("%w: signatures are raised to T, LT or LTA, not to %q", ErrRequest, req.Level)
	case s.cfg.DB != nil && req.Actor == "":
		return fmt.Errorf("%w: a signature is raised in somebody's name", ErrRequest)
	}
	return s.needsAuthority(req.Level)
}

func notRaisable(v Verdict) error {
	e := &NotRaisableError{Indication: v.Indication, Sub: v.Sub}
	for _, r := range v.Reasons {
		e.Reasons = append(e.Reasons, string(r.Code))
	}
	for _, sig := range v.Signatures {
		for _, r := range sig.Reasons {
			e.Reasons = append(e.Reasons, string(r.Code))
		}
	}
	return e
}

// levelsOf are the places among the levels that the signatures of a document have. ErrRequest for a form outside of the baseline,
// ErrRaised where none is below the goal; above LTA there is another LTA.
func levelsOf(v Verdict, family string, goal sealing.Level) (have []int, err error) {
	raised := goal == sealing.LTA
	for _, sig := range v.Signatures {
		name, ok := strings.CutPrefix(sig.Level, family)
		rank := sealing.Level(name).Rank()
		if !ok || rank < 0 {
			return nil, fmt.Errorf("%w: a signature of the form %s is not raised", ErrRequest, sig.Level)
		}
		raised = raised || rank < goal.Rank()
		have = append(have, rank)
	}
	if !raised {
		return nil, ErrRaised
	}
	return have, nil
}

// raiseCMS raises every signer of a CMS, first the time stamps of all, then their evidence, then the time stamps over all of it.
func (s *Service) raiseCMS(ctx context.Context, req RaiseRequest, v Verdict) ([]byte, error) {
	sd, err := cms.ParseArmoured(req.Document, cms.Limits{})
	if err != nil || len(sd.Signers) == 0 || len(sd.Signers) != len(v.Signatures) {
		return nil, fmt.Errorf("%w: it is neither a CMS nor a PDF document with signatures", ErrRequest)
	}
	have, err := levelsOf(v, "CAdES-", req.Level)
	if err != nil {
		return nil, err
	}
	r := cmsRaise{s: s, req: req, sd: sd, have: have}
	for i, rank := range have {
		if rank == 0 {
			if err := r.stamp(ctx, i); err != nil {
				return nil, err
			}
		}
	}
	if req.Level.Rank() >= sealing.LT.Rank() {
		if err := r.evidence(ctx); err != nil {
			return nil, err
		}
	}
	if req.Level == sealing.LTA {
		if err := r.archive(ctx); err != nil {
			return nil, err
		}
	}
	return r.document, nil
}

// cmsRaise is a CMS on its way up; sd is document, read.
type cmsRaise struct {
	s        *Service
	req      RaiseRequest
	document []byte
	sd       *cms.SignedData
	have     []int // levels before
}

func (r *cmsRaise) next(document []byte, err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if r.sd, err = cms.Parse(document, cms.Limits{}); err != nil {
		return fmt.Errorf("couldn't read the raised signature: %w", err)
	}
	r.document = document
	return nil
}

func (r *cmsRaise) stamp(ctx context.Context, i int) error {
	cert, _, err := r.signer(i)
	if err != nil {
		return err
	}
	token, _, err := r.s.timeStamp(ctx, stampHash(cert), r.sd.Signers[i].Signature, r.req.TSAPolicy)
	if err != nil {
		return err
	}
	return r.next(r.sd.AddUnsigned(i, cms.OIDSignatureTimestamp, token))
}

// signer is the certificate of a signer, and all that the document holds.
func (r *cmsRaise) signer(i int) (*pkix.Certificate, []*pkix.Certificate, error) {
	pool := readable(r.sd.Certificates)
	candidates := r.sd.Signers[i].Candidates(pool)
	if len(candidates) == 0 {
		return nil, nil, fmt.Errorf("%w: the certificate of a signer is not in the document", ErrRequest)
	}
	return candidates[0], pool, nil
}

// evidence adds what shows that no signer and no authority of a time stamp is revoked. A signature that was at LT carries that already,
// and its certificates may have ended: of it only the newest time stamp is asked about.
func (r *cmsRaise) evidence(ctx context.Context) error {
	var chains [][]*pkix.Certificate
	for i := range r.sd.Signers {
		cert, pool, err := r.signer(i)
		if err != nil {
			return err
		}
		authorities, err := authoritiesOf(&r.sd.Signers[i], r.content(), pool)
		if err != nil {
			return err
		}
		if r.have[i] >= sealing.LT.Rank() {
			chains = append(chains, authorities[max(0, len(authorities)-1):]...)
			continue
		}
		chains = append(append(chains, append([]*pkix.Certificate{cert}, pool...)), authorities...)
	}
	all, err := r.s.evidenceOf(ctx, chains, r.req.held)
	if err != nil {
		return err
	}
	if err := r.next(r.sd.AddCertificates(all.certificates...), nil); err != nil {
		return err
	}
	return r.next(r.sd.AddRevocation(all.crls, all.ocsps))
}

// evidenceOf gathers the evidence of several chains, each certificate once.
func (s *Service) evidenceOf(ctx context.Context, chains [][]*pkix.Certificate, h held) (all carried, err error) {
	seen := map[[sha256.Size]byte]bool{}
	for _, chain := range chains {
		leaf := chain[0].Fingerprint()
		if seen[leaf] {
			continue
		}
		seen[leaf] = true
		ev, err := s.evidenceWith(ctx, chain, h)
		if err != nil {
			return all, err
		}
		all.add(ev)
	}
	return all, nil
}

// stampsRaisedMax bounds the time stamps of one signature that is raised.
const stampsRaisedMax = 16

func (r *cmsRaise) archive(ctx context.Context) error {
	for i := range r.sd.Signers {
		cert, _, err := r.signer(i)
		if err != nil {
			return err
		}
		out, err := r.s.archiveCMS(ctx, r.document, archiveTask{signer: i, content: r.content(), hash: stampHash(cert), tsaPolicy: r.req.TSAPolicy})
		if err != nil {
			return err
		}
		if err := r.next(out, nil); err != nil {
			return err
		}
	}
	return nil
}

// content is the original of a detached document; the zero Content where the document holds it.
func (r *cmsRaise) content() cms.Content {
	switch {
	case r.sd.HasContent:
		return cms.Content{}
	case len(r.req.DetachedDigests) > 0:
		return cms.ContentDigests(r.req.DetachedDigests)
	}
	return cms.ContentOf(r.req.Detached)
}

// authoritiesOf are the chains of the authorities whose time stamps stand in a signature.
func authoritiesOf(info *cms.SignerInfo, content cms.Content, pool []*pkix.Certificate) (chains [][]*pkix.Certificate, err error) {
	stamps, err := info.Stamps(content, stampsRaisedMax)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	for _, st := range stamps {
		token, err := tsp.ParseToken(st.Token)
		if err != nil {
			return nil, fmt.Errorf("%w: a time stamp of the document: %w", ErrRequest, err)
		}
		chain, err := authorityOf(token, pool)
		if err != nil {
			return nil, err
		}
		chains = append(chains, chain)
	}
	return chains, nil
}

// authorityOf is the certificate of the authority that made a token, then those that may lie above it.
func authorityOf(t *tsp.Token, pool []*pkix.Certificate) ([]*pkix.Certificate, error) {
	own := append(readable(t.CMS.Certificates), pool...)
	candidates := t.Signer().Candidates(own)
	if len(candidates) == 0 {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, errNoAuthority)
	}
	return append([]*pkix.Certificate{candidates[0]}, own...), nil
}

// readable are the certificates that can be read.
func readable(raw [][]byte) (out []*pkix.Certificate) {
	for _, b := range raw {
		if c, err := pkix.ParseCertificate(b); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// recordRaised puts on record whose signatures were raised for whom.
func (s *Service) recordRaised(ctx context.Context, req RaiseRequest, out *MadeSeal) error {
	before, after := sha256.Sum256(req.Document), sha256.Sum256(out.Document)
	out.SHA256 = hexBytes(after[:])
	var err error
	if out.ID, err = newID("sea", hexBytes(after[:1])); err != nil || s.cfg.DB == nil {
		return err
	}
	detail, err := json.Marshal(map[string]any{
		"format": out.Format, "level": out.Level, "before_sha256": hexBytes(before[:]), "document_sha256": out.SHA256,
	})
	if err != nil {
		return fmt.Errorf("couldn't write down the audit entry: %w", err)
	}
	entry := audit.Entry{Actor: req.Actor, Action: "signature.raised", Subject: out.ID, Detail: detail}
	if err := s.recorder().Record(ctx, entry); err != nil {
		return fmt.Errorf("couldn't put the raised signature on record: %w", err)
	}
	return nil
}
