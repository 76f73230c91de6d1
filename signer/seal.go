package signer

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"qaqpa/signer/audit"
	"qaqpa/signer/cms"
	"qaqpa/signer/kz"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
)

// SealRequest is what Seal signs.
type SealRequest struct {
	// Document is the content; it may be empty.
	Document []byte
	// Detached leaves the content out of the CMS.
	Detached bool
	// TimeStamp adds a signature time stamp (CAdES-T) from Config.TSA, under TSAPolicy or else Config.TSAPolicy.
	TimeStamp bool
	TSAPolicy string
	// Evidence adds what shows that the seal's certificate is not revoked, and the certificates up to the anchor.
	Evidence bool
	// Actor is who asks, for the audit row; obligatory.
	Actor string
}

// sealState is what Seal keeps between calls.
type sealState struct {
	once     sync.Once
	recorder *audit.Recorder
	inFlight sync.Map // uses of idempotency keys, by name
}

// sealKey is a key that seals, with what is known of its certificate.
type sealKey struct {
	SigningKey

	mu       sync.Mutex
	checked  time.Time // when the certificate was last found good
	checking bool      // a caller is at it
}

// Seal signs a document with the gateway's key and returns a CAdES-B CMS in DER (ETSI EN 319 122-1: content-type,
// message-digest, signing-time, signing-certificate-v2).
//
// Before the key is asked, its certificate must be in date, fit for signing, that of the key, lead to a trust anchor and
// not be known as revoked (№500/НҚ 4, 22), else ErrSealCertificate; that no revocation service answers is put on record
// and does not stop a seal, unless Evidence is asked for. The audit entry is committed before the signature leaves, so no seal
// exists without it. Other errors: ErrNoSealKey, ErrRequest, ErrTooLarge, ErrTimeStamp, ErrEvidence, that of the key, that of
// the database. Safe for concurrent use.
func (s *Service) Seal(ctx context.Context, req SealRequest) ([]byte, error) {
	out, err := s.seal(ctx, req)
	s.metrics.sealed(err)
	return out, err
}

// admitSeal is what every seal has to pass before the key is asked, whatever its format. It returns the time of sealing.
func (s *Service) admitSeal(ctx context.Context, actor string, size int) (time.Time, error) {
	return s.admitSealWith(ctx, s.sealKeys[""], actor, size)
}

// admitSealWith is admitSeal for one of the keys that seal; nil is none.
func (s *Service) admitSealWith(ctx context.Context, key *sealKey, actor string, size int) (time.Time, error) {
	switch {
	case key == nil:
		return time.Time{}, ErrNoSealKey
	case actor == "":
		return time.Time{}, fmt.Errorf("%w: a seal is made in somebody's name", ErrRequest)
	case size > s.cfg.DocumentBytesMax:
		return time.Time{}, fmt.Errorf("%w: at most %d bytes are taken", ErrTooLarge, s.cfg.DocumentBytesMax)
	}
	if err := s.checkSeal(ctx, key); err != nil {
		return time.Time{}, err
	}
	// Just before the key is used: the certificate may have expired since it was checked.
	now := s.cfg.Now().UTC()
	return now, inDate(key.Chain[0], now, ErrSealCertificate)
}

func (s *Service) seal(ctx context.Context, req SealRequest) ([]byte, error) {
	now, err := s.admitSeal(ctx, req.Actor, len(req.Document))
	if err != nil {
		return nil, err
	}
	sealed, err := cms.Sign(cms.SignInput{
		Content: req.Document, Detached: req.Detached, Certificate: s.cfg.SealChain[0], Chain: s.cfg.SealChain[1:],
		Signer: keyFor(ctx, s.cfg.SealKey), SigningTime: now.Truncate(time.Second), Rand: rand.Reader,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't seal: %w", err)
	}
	sealed, err = s.enrich(ctx, sealed, SignCMSRequest{
		Key: SigningKey{Chain: s.cfg.SealChain}, TimeStamp: req.TimeStamp, TSAPolicy: req.TSAPolicy, Evidence: req.Evidence,
	})
	if err != nil {
		return nil, err
	}
	if err := s.recordSeal(ctx, req, sealed); err != nil {
		return nil, err
	}
	return sealed, nil
}

// recordSeal puts the use of the key on record. Until it is committed the signature stays here.
func (s *Service) recordSeal(ctx context.Context, req SealRequest, sealed []byte) error {
	content, whole := sha256.Sum256(req.Document), sha256.Sum256(sealed)
	subject, err := newID("sea", hexBytes(whole[:1]))
	if err != nil {
		return err
	}
	detail, err := json.Marshal(map[string]any{
		"content_sha256": hexBytes(content[:]), "cms_sha256": hexBytes(whole[:]), "detached": req.Detached,
		"certificate_sha256": hexOf(s.cfg.SealChain[0].Fingerprint()), "size_bytes": len(req.Document),
	})
	if err != nil {
		return fmt.Errorf("couldn't write down the audit entry: %w", err)
	}
	entry := audit.Entry{Actor: req.Actor, Action: "document.sealed", Subject: subject, Detail: detail}
	if err := s.recorder().Record(ctx, entry); err != nil {
		return fmt.Errorf("couldn't put the seal on record: %w", err)
	}
	return nil
}

func inDate(c *pkix.Certificate, now time.Time, unusable error) error {
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return fmt.Errorf("%w: valid from %s until %s", unusable, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// sealGrace is how many times Config.SealCheck a check may be old while somebody renews it, and sealFetch bounds what the
// renewal waits for the network: a revocation service that hangs must not stop the seals.
const (
	sealGrace = 10
	sealFetch = 3 * time.Second
)

// checkSeal judges the certificate of a key that seals, about once in Config.SealCheck. A failure is not remembered: each seal
// asks again.
func (s *Service) checkSeal(ctx context.Context, k *sealKey) error {
	now := s.cfg.Now()
	if k.holds(now, s.cfg.SealCheck) {
		return nil
	}
	err := s.judgeKey(ctx, k.Key, k.Chain, now, ErrSealCertificate)
	k.learn(ctx, now, err)
	return err
}

// holds tells whether the last check will do; else the caller is to make one. A clock that was set back makes none last longer.
func (k *sealKey) holds(now time.Time, every time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := now.Sub(k.checked)
	if !k.checked.IsZero() && age >= 0 && (age < every || k.checking && age < sealGrace*every) {
		return true
	}
	k.checking = true
	return false
}

// learn takes the outcome of a check that began at a time. A caller who did not wait for it says nothing about the certificate: could he make it
// forgotten, every other seal would have to wait for the revocation service.
func (k *sealKey) learn(ctx context.Context, began time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.checking = false
	if gone := ctx.Err(); gone != nil && errors.Is(err, gone) {
		return
	}
	k.checked = time.Time{}
	if err == nil {
		k.checked = began
	}
}

// judgeKey judges the certificate of a key before the key signs. unusable is the error for a certificate that must not be
// used; that no revocation service answers is put into the log.
func (s *Service) judgeKey(ctx context.Context, key crypto.Signer, chain []*pkix.Certificate, now time.Time, unusable error) error {
	c := chain[0]
	switch d := kz.Describe(c); {
	case c.PublicKeyErr != nil || !c.PublicKey.Matches(key.Public()):
		return fmt.Errorf("%w: it is not that of the key", unusable)
	case c.HasKeyUsage && !c.KeyUsage.Has(pkix.DigitalSignature) || d.National && d.KeyUse != kz.Sign:
		return fmt.Errorf("%w: its key is not for signing", unusable)
	}
	if err := inDate(c, now, unusable); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, sealFetch)
	defer cancel()
	r := s.pathOf(limited, c, chain[1:])
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.trusted(ctx, r, unusable)
}

// trusted weighs the chain of a key that shall sign as that of any signer, but for absent revocation data.
func (s *Service) trusted(ctx context.Context, r path.Result, unusable error) error {
	if r.Indication != path.Passed {
		detail := ""
		if len(r.Problems) > 0 {
			detail = ": " + r.Problems[0].Detail
		}
		return fmt.Errorf("%w: %s%s", unusable, r.Sub, detail)
	}
	if s.policy.Revocation != path.Off && (len(r.Revocation) == 0 || r.Revocation[0].Status == path.StatusUnavailable) {
		s.log.WarnContext(ctx, "the revocation of a signing certificate could not be checked")
	}
	return nil
}

// keyFor hands the caller's context to keys that take one, such as those of a token.
func keyFor(ctx context.Context, key crypto.Signer) crypto.Signer {
	k, ok := key.(interface {
		SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
	})
	if !ok {
		return key
	}
	return signerFunc{key.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		return k.SignContext(ctx, digest, opts)
	}}
}

type signerFunc struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (f signerFunc) Public() crypto.PublicKey { return f.public }

func (f signerFunc) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return f.sign(digest, opts)
}
