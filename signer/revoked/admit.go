package revoked

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/pkix"
)

// early looks at the head of a list before its entries are read: a list that could not be taken is not downloaded. Nothing
// in the head is verified yet, so it can only keep things as they are.
func (s *Store) early(p *point, held *List, head *pkix.CRL) error {
	if len(s.signersOf(p, head)) == 0 {
		return fmt.Errorf("%w: %s", ErrIssuer, head.Issuer)
	}
	if held != nil && !head.ThisUpdate.After(held.ThisUpdate()) {
		return notNewer(held, head)
	}
	return nil
}

func notNewer(held *List, head *pkix.CRL) error {
	return fmt.Errorf("%w: made %s, at hand is that of %s", ErrNotNewer, head.ThisUpdate.Format(time.RFC3339), held.ThisUpdate().Format(time.RFC3339))
}

// signersOf are the certificates whose key may have signed a list, those first whose key the list names.
func (s *Store) signersOf(p *point, head *pkix.CRL) []*pkix.Certificate {
	var fit, rest []*pkix.Certificate
	for _, c := range p.Issuers {
		if !c.Subject.Equal(head.Issuer) || c.HasKeyUsage && !c.KeyUsage.Has(pkix.CRLSign) || c.PublicKeyErr != nil {
			continue
		}
		if head.AuthorityKeyID != nil && len(head.AuthorityKeyID.KeyID) > 0 && bytes.Equal(head.AuthorityKeyID.KeyID, c.SubjectKeyID) {
			fit = append(fit, c)
		} else {
			rest = append(rest, c)
		}
	}
	return append(fit, rest...)
}

// examine checks a list that was read to its end, before it is trusted with anything: form, kind, issuer, signature, date.
// octets reads the list into memory. That costs as much as the list is long, so it comes after the signature
// wherever the algorithm allows.
func (s *Store) examine(p *point, sc *scanned, octets func() ([]byte, error)) (*List, error) {
	if len(sc.head.Defects) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrForm, sc.head.Defects[0].Err)
	}
	if sc.head.Delta != p.Delta {
		return nil, fmt.Errorf("%w: delta %t at the address of delta %t", ErrKind, sc.head.Delta, p.Delta)
	}
	signers := s.signersOf(p, sc.head)
	if len(signers) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrIssuer, sc.head.Issuer)
	}
	l := &List{Point: p.Name, Learnt: p.learnt, SHA256: sc.sha256, index: sc.index}
	if sc.digest != nil {
		if l.Signer = firstSigner(signers, func(c *pkix.Certificate) error {
			return sc.head.SignatureAlgorithm.VerifyDigest(c.PublicKey, sc.digest, sc.head.Signature)
		}); l.Signer == nil {
			return nil, fmt.Errorf("%w: %s", ErrSignature, sc.head.Issuer)
		}
	}
	if sc.head.ThisUpdate.After(s.cfg.Now().Add(s.cfg.Skew)) {
		return nil, fmt.Errorf("%w: made %s", ErrFuture, sc.head.ThisUpdate.Format(time.RFC3339))
	}
	raw, err := octets()
	if err != nil {
		return nil, err
	}
	if l.crl, err = pkix.ParseCRL(raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if l.crl.Fingerprint() != sc.sha256 || l.crl.Len() != len(sc.index) {
		return nil, fmt.Errorf("%w: a list has changed since it was read", errFolder)
	}
	l.mixed = sc.foreign || l.crl.Indirect()
	if len(l.crl.UnknownCritical) > 0 {
		return nil, fmt.Errorf("%w: critical extension %s is not understood", ErrForm, l.crl.UnknownCritical[0])
	}
	if l.Signer == nil {
		if l.Signer = firstSigner(signers, func(c *pkix.Certificate) error { return l.crl.CheckSignature(c.PublicKey, c.PublicKeyErr) }); l.Signer == nil {
			return nil, fmt.Errorf("%w: %s", ErrSignature, sc.head.Issuer)
		}
	}
	l.sort()
	return l, nil
}

// firstSigner is the first certificate for which verify returns nil, or nil.
func firstSigner(signers []*pkix.Certificate, verify func(*pkix.Certificate) error) *pkix.Certificate {
	i := slices.IndexFunc(signers, func(c *pkix.Certificate) bool { return verify(c) == nil })
	if i < 0 {
		return nil
	}
	return signers[i]
}

// compare decides whether a verified list may take the place of the one at hand.
func (s *Store) compare(l, held *List) error {
	if held == nil {
		return nil
	}
	if !l.ThisUpdate().After(held.ThisUpdate()) {
		return notNewer(held, l.crl)
	}
	// An authority that starts counting anew would be shut out for good, so the number binds only while the list at hand lives.
	current := held.NextUpdate().IsZero() || !s.cfg.Now().After(held.NextUpdate())
	if current && l.crl.Number != nil && held.crl.Number != nil && l.crl.Issuer.Equal(held.crl.Issuer) &&
		compareNumbers(l.crl.Number, held.crl.Number) < 0 {
		return fmt.Errorf("%w: number %x, at hand is %x", ErrNotNewer, l.crl.Number, held.crl.Number)
	}
	if s.shrunk(l, held) && !s.isVouched(l.SHA256) {
		return fmt.Errorf("%w: %d entries after %d; SHA-256 %x", ErrShrunk, l.Len(), held.Len(), l.SHA256)
	}
	return nil
}

// shrinkLeast is from how many entries on the loss of them is suspicious.
const shrinkLeast = 256

// shrunk reports whether a complete list has lost more entries than certificates can have expired in the meantime.
func (s *Store) shrunk(l, held *List) bool {
	return !l.Delta() && held.Len() >= shrinkLeast && l.crl.Issuer.Equal(held.crl.Issuer) &&
		float64(l.Len()) < float64(held.Len())*(1-s.cfg.ShrinkMax)
}
