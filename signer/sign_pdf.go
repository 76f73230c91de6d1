package signer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/kz"
	"qaqpa/signer/pades"
	"qaqpa/signer/pades/mark"
	"qaqpa/signer/pdf"
	"qaqpa/signer/pkix"
	"qaqpa/signer/sealing"
)

// PDFLevel is how long a signature in a PDF document can be judged by what the document carries (EN 319 142-1 6).
type PDFLevel = sealing.Level

// Levels of the PAdES baseline.
const (
	PDFBasic     = sealing.B   // the signature alone
	PDFTime      = sealing.T   // with a time stamp over it
	PDFLongTerm  = sealing.LT  // with certificates and revocation data of signer and time stamp
	PDFAvailable = sealing.LTA // with a time stamp over the document and all of that
)

// PDFMark makes a signature visible: its facts and a QR code in Kazakh and Russian.
type PDFMark struct {
	// Page is where it stands, counted from 0; -1 is the last one. X and Y are the lower left corner in points from that of the page as it is
	// seen, turned or cropped. In a field that is there it takes the place of the field.
	Page int
	X, Y float64
	// Code is the content of the QR code, at most 300 octets.
	Code string
}

// PDFOptions say how a PDF document is signed.
type PDFOptions struct {
	// Level is PDFBasic where it is empty. Above that Config.TSA must be set.
	Level PDFLevel
	// Field is the name of an empty signature field to fill; empty adds a new field.
	Field string
	// Reason and Location are shown by readers.
	Reason, Location string
	// Mark makes the signature visible; nil: it is not.
	Mark *PDFMark
	// Permission makes the first signature a certification: 1 forbids all changes, 2 allows forms and signatures, 3 annotations
	// as well; 0: no certification.
	Permission int
	// Attachments are files that the document gets with the signature, which covers them. ErrRequest where they cannot be added.
	Attachments []PDFAttachment
	// TSAPolicy is asked of the time-stamping authority; empty means Config.TSAPolicy.
	TSAPolicy string
}

// PDFAttachment is a file in a PDF document.
type PDFAttachment = pades.Attachment

// SealPDFRequest is what SealPDF seals.
type SealPDFRequest struct {
	Document []byte
	PDFOptions
	// Actor is who asks, for the audit row; obligatory.
	Actor string
}

// SignPDFRequest is what SignPDF signs.
type SignPDFRequest struct {
	Document []byte
	PDFOptions
	// Key is whose signature it is.
	Key SigningKey
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string
}

// SealPDF signs a PDF document with the gateway's key and returns it with the signature inside (PAdES baseline). It is added as
// an update: everything that is there stays octet by octet, so that earlier signatures hold.
//
// The certificate is judged before the key is asked, and the audit entry is committed before the document leaves, as for
// Seal. The result is judged by the same code as any other document before it leaves. Errors: ErrNoSealKey, ErrRequest (not a
// PDF document, a broken or encrypted one, or one whose certification forbids it), ErrTooLarge, ErrSealCertificate, ErrTimeStamp,
// ErrEvidence, those of the key and of the database. Nothing half-made is returned. Safe for concurrent use.
func (s *Service) SealPDF(ctx context.Context, req SealPDFRequest) ([]byte, error) {
	out, err := s.sealPDF(ctx, req)
	s.metrics.sealed(err)
	return out, err
}

func (s *Service) sealPDF(ctx context.Context, req SealPDFRequest) ([]byte, error) {
	now, err := s.admitSeal(ctx, req.Actor, len(req.Document))
	if err != nil {
		return nil, err
	}
	key := SigningKey{Key: s.cfg.SealKey, Chain: s.cfg.SealChain}
	return s.makePDF(ctx, pdfTask{req.Document, req.PDFOptions, key, req.Actor, now, "Электрондық мөр", "Электронная печать"})
}

// SignPDF is SealPDF with a key of the caller's. The certificate is judged as for SignCMS, else ErrSigningCertificate.
func (s *Service) SignPDF(ctx context.Context, req SignPDFRequest) ([]byte, error) {
	if err := s.checkSigning(req.Key, req.Actor, len(req.Document)); err != nil {
		return nil, err
	}
	now, err := s.admitKey(ctx, req.Key)
	if err != nil {
		return nil, err
	}
	return s.makePDF(ctx, pdfTask{req.Document, req.PDFOptions, req.Key, req.Actor, now, "Электрондық қолтаңба", "Электронная подпись"})
}

// pdfTask is one signature in a PDF document.
type pdfTask struct {
	document []byte
	PDFOptions
	key            SigningKey
	actor          string
	now            time.Time
	kindKK, kindRU string
}

func (s *Service) makePDF(ctx context.Context, t pdfTask) ([]byte, error) {
	out, err := s.unrecordedPDF(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := s.recordSigned(ctx, t.actor, t.key, made{"PAdES", t.document, out}); err != nil {
		return nil, err
	}
	return out, nil
}

// unrecordedPDF makes a signature of which the audit log does not know yet: it must not leave.
func (s *Service) unrecordedPDF(ctx context.Context, t pdfTask) ([]byte, error) {
	if t.Level == "" {
		t.Level = PDFBasic
	}
	level := t.Level.Rank()
	switch {
	case level < 0:
		return nil, fmt.Errorf("%w: there is no level %q", ErrRequest, t.Level)
	case t.Permission < 0 || t.Permission > 3:
		return nil, fmt.Errorf("%w: there is no certification %d", ErrRequest, t.Permission)
	case level > 0 && (s.cfg.TSA == "" || s.cfg.Fetch == nil): // before the key is asked
		return nil, fmt.Errorf("%w: no time-stamping authority is set", ErrTimeStamp)
	}
	out, authority, err := s.signPDF(ctx, t, level > 0)
	if err == nil && level >= 2 {
		out, err = s.addPDFEvidence(ctx, out, t.key.Chain, authority)
	}
	if err == nil && level >= 3 {
		out, _, err = s.stampPDF(ctx, out, stampHash(t.key.Chain[0]), t.TSAPolicy)
	}
	if err != nil {
		return nil, err
	}
	if err := checkMade(t.document, out, t.key.Chain[0]); err != nil {
		return nil, err
	}
	return out, nil
}

// pdfFault tells what is wrong with a document from what is wrong with a key.
func pdfFault(err error) error {
	for _, fault := range []error{
		pades.ErrForbidden, pades.ErrField, pades.ErrPlace, pades.ErrAttachments, pades.ErrEncrypted, pdf.ErrNotPDF, pdf.ErrStructure, pdf.ErrLimit, pdf.ErrEncrypted,
		pdf.ErrBroken, mark.ErrFacts,
	} {
		if errors.Is(err, fault) {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	return err
}

// signPDF makes the signature, with a time stamp over it where that is asked for.
func (s *Service) signPDF(ctx context.Context, t pdfTask, stamped bool) (out []byte, authority []*pkix.Certificate, err error) {
	in := pades.SignInput{
		SubFilter: pades.CAdESDetached, Field: t.Field, At: t.now, Reason: t.Reason, Location: t.Location, Permission: t.Permission,
		Name: kz.Describe(t.key.Chain[0]).Name, Attachments: t.Attachments,
	}
	if t.Mark != nil {
		if in.Appearance, err = t.appearance(); err != nil {
			return nil, nil, pdfFault(err)
		}
	}
	for _, c := range t.key.Chain {
		in.ContentsMax += len(c.Raw)
	}
	if in.ContentsMax += 8 << 10; stamped {
		in.ContentsMax += 16 << 10
	}
	p, err := pades.Prepare(t.document, in)
	if err != nil {
		return nil, nil, pdfFault(err)
	}
	h := algo.DefaultHash(t.key.Key.Public())
	if !h.Valid() {
		return nil, nil, fmt.Errorf("%w: the key is of an unknown kind", ErrRequest)
	}
	value, err := cms.Sign(cms.SignInput{
		Digest: p.Digest(h), Detached: true, Hash: h, WithoutSigningTime: true, Certificate: t.key.Chain[0], Chain: t.key.Chain[1:],
		Signer: keyFor(ctx, t.key.Key), Rand: rand.Reader,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't sign: %w", err)
	}
	if stamped {
		if value, authority, err = s.stampCMS(ctx, value, t); err != nil {
			return nil, nil, err
		}
	}
	out, err = p.Finish(value)
	return out, authority, err
}

// stampCMS adds a time stamp over the signature.
func (s *Service) stampCMS(ctx context.Context, value []byte, t pdfTask) ([]byte, []*pkix.Certificate, error) {
	sd, err := cms.Parse(value, cms.Limits{})
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't read the new signature: %w", err)
	}
	token, authority, err := s.timeStamp(ctx, stampHash(t.key.Chain[0]), sd.Signers[0].Signature, t.TSAPolicy)
	if err != nil {
		return nil, nil, err
	}
	out, err := sd.AddUnsigned(0, cms.OIDSignatureTimestamp, token)
	return out, authority, err
}

// addPDFEvidence adds what shows that signer and time-stamping authority are not revoked.
func (s *Service) addPDFEvidence(ctx context.Context, document []byte, chains ...[]*pkix.Certificate) ([]byte, error) {
	var all carried
	for _, chain := range chains {
		ev, err := s.evidenceFor(ctx, chain)
		if err != nil {
			return nil, err
		}
		all.add(ev)
	}
	return pades.AddEvidence(document, pades.Store{Certificates: all.certificates, CRLs: all.crls, OCSPs: all.ocsps})
}

// stampPDF adds a time stamp over the document as it is, and tells the certificates of its authority.
func (s *Service) stampPDF(ctx context.Context, document []byte, h algo.Hash, policy string) ([]byte, []*pkix.Certificate, error) {
	p, err := pades.Prepare(document, pades.SignInput{SubFilter: pades.TimeStamp})
	if err != nil {
		return nil, nil, pdfFault(err)
	}
	token, authority, err := s.stampDigest(ctx, h, p.Digest(h), policy)
	if err != nil {
		return nil, nil, err
	}
	out, err := p.Finish(token)
	return out, authority, err
}

// appearance draws the picture of a visible signature.
func (t *pdfTask) appearance() (*pades.Appearance, error) {
	holder := kz.Describe(t.key.Chain[0])
	number := holder.BIN
	if number == "" {
		number = holder.IIN
	}
	picture, err := mark.Picture(mark.Facts{
		KindKK: t.kindKK, KindRU: t.kindRU, Name: holder.Name, Organisation: holder.Organisation, Number: number,
		Serial: t.key.Chain[0].SerialHex(), At: t.now, Zone: time.FixedZone("+05", 5*60*60), Code: t.Mark.Code,
	})
	if err != nil {
		return nil, err
	}
	return &pades.Appearance{Picture: picture, Page: t.Mark.Page, X: t.Mark.X, Y: t.Mark.Y}, nil
}

var errMade = errors.New("the signed document does not hold")

// checkMade judges what was made before it leaves: the new signature covers the whole document, and nothing that an earlier
// one forbids was done.
func checkMade(before, after []byte, cert *pkix.Certificate) error {
	old, err := pades.Open(before, pdf.Limits{})
	if err != nil {
		return pdfFault(err)
	}
	d, err := pades.Open(after, pdf.Limits{})
	if err != nil {
		return fmt.Errorf("%w: %w", errMade, err)
	}
	if len(d.Signatures) <= len(old.Signatures) {
		return errMade
	}
	for i, s := range d.Signatures {
		if i < len(old.Signatures) {
			if len(s.Changes) > 0 && slices.ContainsFunc(s.Changes, func(c pades.Change) bool {
				return c.Forbidden && c.Revision > len(old.File.Revisions())
			}) {
				return fmt.Errorf("%w: %w", ErrRequest, pades.ErrForbidden)
			}
			continue
		}
		if s.Coverage() != pades.Whole {
			return fmt.Errorf("%w: %s", errMade, s.Structure())
		}
		if s.Token == nil {
			if w := s.Verify(0, cert).Worst(); w.Status > cms.Noted {
				return fmt.Errorf("%w: %s: %s", errMade, w.Rule, w.Detail)
			}
		}
	}
	return nil
}
