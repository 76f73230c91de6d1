package signer

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"qaqpa/signer/audit"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

// SigningKey is a key that signs in the name of its certificate: of a PKCS #12 file, of a token, or the gateway's own.
type SigningKey struct {
	// Key signs. One with SignContext gets the caller's context. GOST keys give the national octet order.
	Key crypto.Signer
	// Chain is the certificate of Key, then those above it as far as they shall go into the document.
	Chain []*pkix.Certificate
}

// SignCMSRequest is what SignCMS signs.
type SignCMSRequest struct {
	// Document is the content. It may be empty, and is not needed to add a signer to a CMS that holds its content.
	Document []byte
	// CMS, where not nil, is a signed document (DER, BER, PEM or base64) that gets one more parallel signature; those that
	// are there stay octet by octet and are not judged.
	CMS []byte
	// Detached leaves the content out of the result, whether or not CMS holds it.
	Detached bool
	// Key is whose signature it is.
	Key SigningKey
	// TimeStamp adds a signature time stamp (CAdES-T) from Config.TSA, under TSAPolicy or else Config.TSAPolicy.
	TimeStamp bool
	TSAPolicy string
	// Evidence adds the OCSP answers for the signer's chain, or the CRL where there is no answer and it is small.
	Evidence bool
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string
}

// SignCMS makes a national CMS: CAdES-B with signing-certificate-v2, on demand with a time stamp and with revocation
// evidence inside, as a new document or as one more signature of one. The result is DER.
//
// Before the key is asked, its certificate is judged as for Seal (№500/НҚ 4, 22), else ErrSigningCertificate. With a
// database the audit entry is committed before the signature leaves. Other errors: ErrRequest, ErrTooLarge, ErrTimeStamp,
// ErrEvidence, those of the key and of the database. Safe for concurrent use.
func (s *Service) SignCMS(ctx context.Context, req SignCMSRequest) ([]byte, error) {
	existing, content, err := s.checkSignCMS(req)
	if err != nil {
		return nil, err
	}
	now, err := s.admitKey(ctx, req.Key)
	if err != nil {
		return nil, err
	}
	in := cms.SignInput{
		Content: content, Detached: req.Detached, Certificate: req.Key.Chain[0], Chain: req.Key.Chain[1:],
		Signer: keyFor(ctx, req.Key.Key), SigningTime: now.Truncate(time.Second), Rand: rand.Reader,
	}
	if existing != nil {
		in.ContentType = existing.ContentType
	}
	out, err := cms.Sign(in)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	if out, err = s.enrich(ctx, out, req); err != nil {
		return nil, err
	}
	if existing != nil {
		if out, err = joined(existing, out, content, req.Detached); err != nil {
			return nil, err
		}
	}
	if err := s.recordSigned(ctx, req.Actor, req.Key, made{"CMS", content, out}); err != nil {
		return nil, err
	}
	return out, nil
}

// checkSignCMS refuses unusable requests; existing is the parsed CMS of the request, nil when there is none.
func (s *Service) checkSignCMS(req SignCMSRequest) (existing *cms.SignedData, content []byte, err error) {
	if err := s.checkSigning(req.Key, req.Actor, len(req.Document), len(req.CMS)); err != nil {
		return nil, nil, err
	}
	if req.CMS == nil {
		return nil, req.Document, nil
	}
	existing, err = cms.ParseArmoured(req.CMS, cms.Limits{})
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrRequest, err)
	case len(existing.Signers) == 0:
		return nil, nil, fmt.Errorf("%w: the CMS has no signer to add another to", ErrRequest)
	case existing.HasContent && req.Document != nil && string(existing.Content) != string(req.Document):
		return nil, nil, fmt.Errorf("%w: the document is not the one in the CMS", ErrRequest)
	case existing.HasContent:
		return existing, existing.Content, nil
	case req.Document == nil:
		return nil, nil, fmt.Errorf("%w: the CMS is detached and the document is missing", ErrRequest)
	}
	return existing, req.Document, nil
}

// checkSigning is what every way to sign demands.
func (s *Service) checkSigning(key SigningKey, actor string, sizes ...int) error {
	for _, n := range sizes {
		if n > s.cfg.DocumentBytesMax {
			return fmt.Errorf("%w: at most %d bytes are taken", ErrTooLarge, s.cfg.DocumentBytesMax)
		}
	}
	switch {
	case key.Key == nil || len(key.Chain) == 0:
		return fmt.Errorf("%w: a key and its certificate are needed to sign", ErrRequest)
	case s.cfg.DB != nil && actor == "":
		return fmt.Errorf("%w: a signature is made in somebody's name", ErrRequest)
	}
	return nil
}

// admitKey judges a key's certificate, and again its dates just before the key is used.
func (s *Service) admitKey(ctx context.Context, key SigningKey) (time.Time, error) {
	if err := s.judgeKey(ctx, key.Key, key.Chain, s.cfg.Now(), ErrSigningCertificate); err != nil {
		return time.Time{}, err
	}
	now := s.cfg.Now().UTC()
	return now, inDate(key.Chain[0], now, ErrSigningCertificate)
}

// joined puts a new signature beside those of a document, in the form asked for.
func joined(existing *cms.SignedData, signed, content []byte, detached bool) ([]byte, error) {
	one, err := cms.Parse(signed, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the new signature: %w", err)
	}
	both, err := existing.Join(one)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	sd, err := cms.Parse(both, cms.Limits{})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	case detached:
		return sd.Detach()
	}
	return sd.Attach(content)
}

// made is a document that a key has signed.
type made struct {
	format            string
	content, document []byte
}

// recordSigned puts the use of a key on record. Until it is committed the signature stays here.
func (s *Service) recordSigned(ctx context.Context, actor string, key SigningKey, m made) error {
	if s.cfg.DB == nil {
		return nil
	}
	whole, digest := sha256.Sum256(m.document), sha256.Sum256(m.content)
	subject, err := newID("sig", hexBytes(whole[:1]))
	if err != nil {
		return err
	}
	detail, err := json.Marshal(map[string]any{
		"format": m.format, "content_sha256": hexBytes(digest[:]), "document_sha256": hexBytes(whole[:]),
		"certificate_sha256": hexOf(key.Chain[0].Fingerprint()), "size_bytes": len(m.content),
	})
	if err != nil {
		return fmt.Errorf("couldn't write down the audit entry: %w", err)
	}
	entry := audit.Entry{Actor: actor, Action: "document.signed", Subject: subject, Detail: detail}
	if err := s.recorder().Record(ctx, entry); err != nil {
		return fmt.Errorf("couldn't put the signature on record: %w", err)
	}
	return nil
}

// recorder writes audit entries of seals and signatures, in batches.
func (s *Service) recorder() *audit.Recorder {
	s.sealing.once.Do(func() { s.sealing.recorder = audit.NewRecorder(s.cfg.Audit, s.cfg.DB) })
	return s.sealing.recorder
}
