package signer

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/jades"
	"qaqpa/signer/jws"
	"qaqpa/signer/sealing"
)

// sealJWS makes a JWS with the chain in x5c, the certificate's digest in x5t#S256 and the time in iat, which TS 119 182-1 asks of the
// level B: compact there, in flattened JSON above it. A digest alone stands in sigD, over the document as it is.
func (s *Service) sealJWS(ctx context.Context, o SealOrder, key SigningKey, now time.Time, out *MadeSeal) error {
	detached := o.Packaging == sealing.Detached
	in := jws.SignInput{
		Signer: keyFor(ctx, key.Key), Certificate: key.Chain[0], Chain: key.Chain[1:], Embed: true, Thumbprint: true,
		Type: o.JWS.Type, ContentType: o.JWS.ContentType, Unencoded: o.JWS.Unencoded || o.Digest != nil,
		Members: []jws.Member{{Name: "iat", Value: fmt.Append(nil, now.Unix())}},
		Payload: o.Document, Detached: detached, Rand: rand.Reader,
	}
	if o.Digest != nil {
		sigD, err := jades.ByDigest(cmp.Or(o.JWS.Name, "document"), o.Hash, o.Digest)
		if err != nil {
			return err
		}
		in.Members, in.Critical = append(in.Members, sigD), []string{sigD.Name}
	}
	compact, err := jws.Sign(in)
	for _, fault := range []error{jws.ErrSyntax, jws.ErrLimit, jws.ErrAlgorithm, jws.ErrHeader, algo.ErrMismatch, algo.ErrNotAllowed} {
		if errors.Is(err, fault) {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	if err != nil {
		return err
	}
	if out.MediaType, out.Document = "application/jose", []byte(compact); o.Level == sealing.B {
		return nil
	}
	out.MediaType = "application/jose+json"
	var payload []byte
	if detached {
		payload = append([]byte{}, o.Document...) // not nil where it is empty
	}
	signature, err := jades.New(compact, payload, in.Unencoded)
	if err != nil { // an empty payload that is attached looks detached
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if signature, err = s.enrichJWS(ctx, signature, o, key); err != nil {
		return err
	}
	out.Document, err = signature.JSON()
	return err
}

// enrichJWS adds what the level asks for, in the order of enrich.
func (s *Service) enrichJWS(ctx context.Context, signature jades.Signature, o SealOrder, key SigningKey) (jades.Signature, error) {
	h := stampHash(key.Chain[0])
	token, authority, err := s.timeStamp(ctx, h, signature.SignatureOctets(), "")
	if err != nil {
		return signature, err
	}
	if signature, err = signature.WithStamp(token); err != nil || o.Level == sealing.T {
		return signature, err
	}
	ev, err := s.evidenceFor(ctx, key.Chain)
	if err != nil {
		return signature, err
	}
	more, err := s.evidenceFor(ctx, authority)
	if err != nil {
		return signature, fmt.Errorf("time stamp: %w", err)
	}
	ev.add(more)
	if signature, err = signature.WithEvidence(ev.certificates, ev.crls, ev.ocsps); err != nil || o.Level == sealing.LT {
		return signature, err
	}
	if token, _, err = s.timeStamp(ctx, h, signature.ArchiveOctets(), ""); err != nil {
		return signature, err
	}
	return signature.WithArchiveStamp(token)
}
