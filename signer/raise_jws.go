package signer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/jades"
	"qaqpa/signer/pkix"
	"qaqpa/signer/sealing"
	"qaqpa/signer/tsp"
)

// raiseJWS raises every signature of a JWS but counter-signatures. A compact one becomes flattened JSON, since it has no place for what is
// added; values and headers that are signed stay as they are.
func (s *Service) raiseJWS(ctx context.Context, req RaiseRequest, v Verdict) ([]byte, error) {
	have, err := levelsOf(v, "JAdES-B-", req.Level)
	if err != nil {
		return nil, err
	}
	d, err := jades.Parse(req.Document)
	if err != nil || len(d.Signatures) != len(have) {
		return nil, fmt.Errorf("%w: it is no JWS with signatures", ErrRequest)
	}
	beside := jades.Beside{Octets: req.Detached}
	list := make([]jades.Signature, len(have))
	for i := range list {
		if list[i], err = d.Raise(i, beside); err == nil {
			r := jwsRaise{s: s, tsaPolicy: req.TSAPolicy, signed: d.Signatures[i], have: have[i], held: req.held}
			list[i], err = r.climb(ctx, list[i], req, d.Attached)
		}
		if errors.Is(err, jades.ErrRaise) {
			err = fmt.Errorf("%w: %w", ErrRequest, err)
		}
		if err != nil {
			return nil, err
		}
	}
	out, err := d.With(list)
	if err != nil {
		return nil, err
	}
	return out, checkRaisedJWS(d, out, beside)
}

// jwsRaise is one signature of a JWS on its way up.
type jwsRaise struct {
	s         *Service
	tsaPolicy string
	signed    *jades.Signed
	have      int // its level before
	held      held
}

func (r jwsRaise) climb(ctx context.Context, signature jades.Signature, req RaiseRequest, attached bool) (jades.Signature, error) {
	if req.Level == sealing.LTA && !attached && req.Detached == nil {
		return signature, fmt.Errorf("%w: the time stamp of JAdES at LTA is over the original itself", ErrRequest)
	}
	ev := r.signed.Evidence()
	chain, err := r.signed.Signer(readable(slices.Concat(r.signed.Certificates, ev.Certificates)))
	if err != nil {
		return signature, err
	}
	h := stampHash(chain[0])
	tokens := r.signed.Tokens()
	if len(tokens) > stampsRaisedMax {
		return signature, fmt.Errorf("%w: it has more than %d time stamps", ErrRequest, stampsRaisedMax)
	}
	if r.have == 0 {
		token, _, err := r.s.timeStamp(ctx, h, signature.SignatureOctets(), r.tsaPolicy)
		if err != nil {
			return signature, err
		}
		if signature, err = signature.WithStamp(token); err != nil {
			return signature, err
		}
		tokens = append(tokens, token)
	}
	if req.Level.Rank() >= sealing.LT.Rank() {
		if signature, err = r.evidence(ctx, signature, chain, tokens); err != nil {
			return signature, err
		}
	}
	if req.Level != sealing.LTA {
		return signature, nil
	}
	token, _, err := r.s.timeStamp(ctx, h, signature.ArchiveOctets(), r.tsaPolicy)
	if err != nil {
		return signature, err
	}
	return signature.WithArchiveStamp(token)
}

// evidence adds what shows that the signer and the authorities of time stamps are not revoked. A signature that was at LT carries that already, and
// its certificates may have ended: of it only the newest time stamp is asked about.
func (r jwsRaise) evidence(ctx context.Context, signature jades.Signature, chain []*pkix.Certificate, tokens [][]byte) (jades.Signature, error) {
	var chains [][]*pkix.Certificate
	if r.have >= sealing.LT.Rank() {
		tokens = tokens[max(len(tokens)-1, 0):]
	} else {
		chains = append(chains, chain)
	}
	for _, raw := range tokens {
		token, err := tsp.ParseToken(raw)
		if err != nil {
			return signature, fmt.Errorf("%w: a time stamp of the document: %w", ErrRequest, err)
		}
		authority, err := authorityOf(token, chain[1:])
		if err != nil {
			return signature, err
		}
		chains = append(chains, authority)
	}
	all, err := r.s.evidenceOf(ctx, chains, r.held)
	if err != nil {
		return signature, err
	}
	return signature.WithEvidence(all.certificates, all.crls, all.ocsps)
}

// errJWSMade: what was raised does not hold.
var errJWSMade = errors.New("the raised JWS does not hold")

// checkRaisedJWS holds what was made against what was there: the same signatures over the same payload, and each has a time stamp more than before or the
// evidence that was missing.
func checkRaisedJWS(before *jades.Document, after []byte, b jades.Beside) error {
	d, err := jades.Parse(after)
	if err != nil || len(d.Signatures) != len(before.Signatures) {
		return fmt.Errorf("%w: its signatures", errJWSMade)
	}
	for i, s := range d.Signatures {
		if !s.Extends(before.Signatures[i]) {
			return fmt.Errorf("%w: signature %d", errJWSMade, i)
		}
		stamps, err := s.Stamps(b, 2*stampsRaisedMax)
		if err != nil || len(stamps) == 0 || len(s.Tokens()) < len(before.Signatures[i].Tokens()) {
			return fmt.Errorf("%w: time stamps of signature %d", errJWSMade, i)
		}
	}
	return nil
}
