package signer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/audit"
	"qaqpa/signer/jades"
	"qaqpa/signer/rawsig"
	"qaqpa/signer/sealing"
)

// SealOrder is one document to be sealed in any format.
type SealOrder struct {
	// Document is what is sealed. Digest with Hash may stand in its place for detached CAdES, for detached XAdES and JWS below LTA and for raw
	// signatures: the document itself need not travel.
	Document []byte
	Digest   []byte
	Hash     algo.Hash
	// Key is the name of the key; empty: that of Config.SealKey.
	Key string
	// Format, Packaging and Level as in package sealing; an empty packaging is the format's usual one, an empty level B.
	Format    sealing.Format
	Packaging sealing.Packaging
	Level     sealing.Level
	// PDF says more of a seal in a PDF document; its Level counts for nothing.
	PDF PDFOptions
	// XML says more of a XAdES seal; its Packaging and Level count for nothing.
	XML XAdESOptions
	// JWS says more of a JSON Web Signature.
	JWS JWSOptions
	// Actor is who asks, for the audit row; obligatory.
	Actor string
}

// JWSOptions say more of a JSON Web Signature.
type JWSOptions struct {
	// Type and ContentType are the header's typ and cty.
	Type, ContentType string
	// Unencoded signs the payload without base64url (RFC 7797).
	Unencoded bool
	// Name is what a seal over a digest calls its document (sigD); empty: "document". A seal over a document has none.
	Name string
}

// MadeSeal is a seal. Its JSON is how it is kept for repetitions.
type MadeSeal struct {
	// ID is the subject of the entry in the audit log.
	ID        string            `json:"id"`
	Format    sealing.Format    `json:"format"`
	Packaging sealing.Packaging `json:"packaging"`
	Level     sealing.Level     `json:"level"`
	// Algorithm names the signature algorithm of a raw seal, which says nothing of itself.
	Algorithm string `json:"algorithm,omitempty"`
	MediaType string `json:"media_type"`
	// SHA256 is that of Document, the sealed document or the seal; CertificateSHA256 that of the certificate.
	SHA256            string `json:"sha256"`
	CertificateSHA256 string `json:"certificate_sha256"`
	Document          []byte `json:"document"`
}

// MakeSeal seals one document with a key of the gateway. As for Seal, the certificate is judged before the key is asked, and the
// audit entry is committed before the seal leaves; nothing half-made is returned.
//
// Errors: ErrNoSealKey, also for a name that no key has; ErrRequest, ErrTooLarge, ErrSealCertificate, ErrTimeStamp, ErrEvidence, those
// of the key and of the database. Safe for concurrent use.
func (s *Service) MakeSeal(ctx context.Context, o SealOrder) (MadeSeal, error) {
	out, err := s.makeSeal(ctx, o)
	s.metrics.sealed(err)
	return out, err
}

func (s *Service) makeSeal(ctx context.Context, o SealOrder) (MadeSeal, error) {
	if err := o.complete(); err != nil {
		return MadeSeal{}, err
	}
	if err := s.needsAuthority(o.Level); err != nil {
		return MadeSeal{}, err
	}
	key := s.sealKeys[o.Key]
	now, err := s.admitSealWith(ctx, key, o.Actor, len(o.Document))
	if err != nil {
		return MadeSeal{}, err
	}
	certificate := key.Chain[0].Fingerprint()
	out := MadeSeal{Format: o.Format, Packaging: o.Packaging, Level: o.Level, CertificateSHA256: hexBytes(certificate[:])}
	if err := s.produce(ctx, o, key.SigningKey, now, &out); err != nil {
		return MadeSeal{}, err
	}
	if err := s.recordMade(ctx, o, &out); err != nil {
		return MadeSeal{}, err
	}
	return out, nil
}

// strongHashes are those of which a digest alone is sealed: one that can be collided would seal a second document too (TS 119 312).
func strongHashes() []algo.Hash {
	return []algo.Hash{
		algo.SHA256, algo.SHA384, algo.SHA512, algo.SHA3_256, algo.SHA3_384, algo.SHA3_512, algo.Streebog256, algo.Streebog512,
	}
}

// complete fills in what is usual and refuses what cannot be.
func (o *SealOrder) complete() error {
	usual := o.Format.Packagings()
	if o.Packaging == "" && len(usual) > 0 {
		o.Packaging = usual[0]
	}
	if o.Level == "" {
		o.Level = sealing.B
	}
	switch {
	case !slices.Contains(usual, o.Packaging):
		return fmt.Errorf("%w: there is no seal of format %q and packaging %q", ErrRequest, o.Format, o.Packaging)
	case !o.Format.Reaches(o.Level):
		return fmt.Errorf("%w: format %s has no level %q", ErrRequest, o.Format, o.Level)
	case o.Format == sealing.JWS && o.Packaging == sealing.Attached && len(o.Document) == 0:
		return fmt.Errorf("%w: an empty payload in a JWS looks like one that is detached", ErrRequest)
	case o.Digest == nil && o.Hash == 0:
		return nil
	case o.Document != nil:
		return fmt.Errorf("%w: a document and a digest in its place", ErrRequest)
	case !slices.Contains(strongHashes(), o.Hash):
		return fmt.Errorf("%w: digests of this hash are not sealed", ErrRequest)
	case len(o.Digest) != o.Hash.Size():
		return fmt.Errorf("%w: the digest is not one of its hash", ErrRequest)
	case o.Packaging != sealing.Detached: // in PDF and enveloped XML the seal has to stand in the document
		return fmt.Errorf("%w: a digest alone can be sealed as detached CAdES, XAdES or JWS, or raw", ErrRequest)
	case o.Format == sealing.JWS && !jades.HasHash(o.Hash):
		return fmt.Errorf("%w: a JWS has no name for this hash", ErrRequest)
	case (o.Format == sealing.XAdES || o.Format == sealing.JWS) && o.Level == sealing.LTA:
		return fmt.Errorf("%w: the time stamp of %s at LTA is over the document itself", ErrRequest, o.Format)
	}
	return nil
}

// produce makes the seal of an order that is complete and admitted.
func (s *Service) produce(ctx context.Context, o SealOrder, key SigningKey, now time.Time, out *MadeSeal) (err error) {
	switch o.Format {
	case sealing.CAdES:
		out.MediaType = "application/pkcs7-mime"
		if o.Packaging == sealing.Detached {
			out.MediaType = "application/pkcs7-signature"
		}
		out.Document, err = s.unrecordedCMS(ctx, cmsTask{
			document: o.Document, digest: o.Digest, hash: o.Hash, detached: o.Packaging == sealing.Detached, level: o.Level,
			tsaPolicy: o.PDF.TSAPolicy, key: key, now: now,
		})
	case sealing.PAdES:
		out.MediaType = "application/pdf"
		o.PDF.Level = o.Level
		out.Document, err = s.unrecordedPDF(ctx, pdfTask{o.Document, o.PDF, key, o.Actor, now, "Электрондық мөр", "Электронная печать"})
	case sealing.JWS:
		err = s.sealJWS(ctx, o, key, now, out)
	case sealing.Raw:
		out.MediaType = "application/octet-stream"
		err = sealRaw(ctx, o, key, out)
	case sealing.XAdES:
		out.MediaType = "application/xml"
		o.XML.Packaging, o.XML.Level = o.Packaging, o.Level
		out.Document, err = s.unrecordedXAdES(ctx, xadesTask{
			document: o.Document, digest: o.Digest, hash: o.Hash, XAdESOptions: o.XML, key: key, now: now,
		})
	default:
		err = fmt.Errorf("%w: there is no format %q", ErrRequest, o.Format)
	}
	return err
}

// sealRaw makes a signature that stands alone, in the form of certificates and CMS.
func sealRaw(ctx context.Context, o SealOrder, key SigningKey, out *MadeSeal) error {
	in := rawsig.SignInput{
		Signer: keyFor(ctx, key.Key), Public: key.Chain[0].PublicKey, Data: o.Document, Digest: o.Digest, Rand: rand.Reader,
	}
	var err error
	if o.Digest != nil {
		a, fit := rawsig.Algorithm(in.Public, o.Hash)
		in.Algorithm, err = &a, fit
	}
	var result rawsig.Result
	if err == nil {
		out.Document, result, err = rawsig.Sign(in)
	}
	out.Algorithm = result.Algorithm.Name
	for _, fault := range []error{algo.ErrMismatch, algo.ErrNotAllowed, algo.ErrNeedsMessage, algo.ErrUnknownAlgorithm} {
		if errors.Is(err, fault) {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	return err
}

// recordMade puts the use of the key on record. Until it is committed the seal stays here.
func (s *Service) recordMade(ctx context.Context, o SealOrder, out *MadeSeal) error {
	whole := sha256.Sum256(out.Document)
	out.SHA256 = hexBytes(whole[:])
	var err error
	if out.ID, err = newID("sea", hexBytes(whole[:1])); err != nil {
		return err
	}
	content := map[string]any{"size_bytes": len(o.Document)}
	if o.Digest != nil {
		content["digest"], content["hash"] = hexBytes(o.Digest), o.Hash.Name()
	} else {
		digest := sha256.Sum256(o.Document)
		content["content_sha256"] = hexBytes(digest[:])
	}
	content["format"], content["packaging"], content["level"] = o.Format, o.Packaging, o.Level
	content["document_sha256"], content["certificate_sha256"] = out.SHA256, out.CertificateSHA256
	detail, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("couldn't write down the audit entry: %w", err)
	}
	entry := audit.Entry{Actor: o.Actor, Action: "document.sealed", Subject: out.ID, Detail: detail}
	if err := s.recorder().Record(ctx, entry); err != nil {
		return fmt.Errorf("couldn't put the seal on record: %w", err)
	}
	return nil
}
