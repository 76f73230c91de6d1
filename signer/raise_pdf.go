package signer

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
	"qaqpa/signer/pkix"
	"qaqpa/signer/sealing"
)

// raisePDF raises every signature of a PDF document: a time stamp over the document where one has none, then evidence for all
// signers and authorities, then a time stamp over that.
func (s *Service) raisePDF(ctx context.Context, req RaiseRequest, v Verdict) ([]byte, error) {
	have, err := levelsOf(v, "PAdES-B-", req.Level)
	if err != nil {
		return nil, err
	}
	chains, h, err := signersOfPDF(req.Document, have)
	if err != nil {
		return nil, err
	}
	out := req.Document
	if slices.Contains(have, 0) {
		var authority []*pkix.Certificate
		if out, authority, err = s.stampPDF(ctx, out, h, req.TSAPolicy); err != nil {
			return nil, err
		}
		chains = append(chains, authority)
	}
	if req.Level.Rank() >= sealing.LT.Rank() {
		all, err := s.evidenceOf(ctx, chains, req.held)
		if err != nil {
			return nil, err
		}
		if out, err = pades.AddEvidence(out, pades.Store{Certificates: all.certificates, CRLs: all.crls, OCSPs: all.ocsps}); err != nil {
			return nil, pdfFault(err)
		}
	}
	if req.Level == sealing.LTA {
		if out, _, err = s.stampPDF(ctx, out, h, req.TSAPolicy); err != nil {
			return nil, err
		}
	}
	return out, checkRaised(req.Document, out)
}

// signersOfPDF are the chains that evidence is needed for, and the hash that suits the last signer. A signature that was at LT carries
// its evidence already, and its certificates may have ended; so do time stamps over the document, but for the newest.
func signersOfPDF(document []byte, have []int) (chains [][]*pkix.Certificate, h algo.Hash, err error) {
	d, err := pades.Open(document, pdf.Limits{})
	if err != nil {
		return nil, 0, pdfFault(err)
	}
	settled, n := slices.Max(have) >= sealing.LT.Rank(), 0
	var newest []*pkix.Certificate
	for _, sig := range d.Signatures {
		if sig.Token != nil {
			if newest, err = authorityOf(sig.Token, readable(d.Store.Certificates)); err != nil {
				return nil, 0, err
			}
			if !settled {
				chains = append(chains, newest)
			}
			continue
		}
		if sig.CMS == nil || len(sig.CMS.Signers) != 1 || n == len(have) {
			return nil, 0, fmt.Errorf("%w: a signature that is no CMS of one signer is not raised", ErrRequest)
		}
		pool := append(readable(sig.CMS.Certificates), readable(d.Store.Certificates)...)
		candidates := sig.CMS.Signers[0].Candidates(pool)
		if len(candidates) == 0 {
			return nil, 0, fmt.Errorf("%w: the certificate of a signer is not in the document", ErrRequest)
		}
		h = stampHash(candidates[0])
		authorities, err := authoritiesOf(&sig.CMS.Signers[0], sig.CMS.AttachedContent(), pool)
		if err != nil {
			return nil, 0, err
		}
		if have[n] < sealing.LT.Rank() {
			chains = append(append(chains, append([]*pkix.Certificate{candidates[0]}, pool...)), authorities...)
		} else if len(authorities) > 0 {
			newest = authorities[len(authorities)-1]
		}
		n++
	}
	if settled && newest != nil {
		chains = append(chains, newest)
	}
	return chains, h, nil
}

// checkRaised holds what was raised against what was there: it has only grown, and by nothing that a signature forbids.
func checkRaised(before, after []byte) error {
	if !bytes.HasPrefix(after, before) {
		return errMade
	}
	old, err := pades.Open(before, pdf.Limits{})
	if err != nil {
		return pdfFault(err)
	}
	d, err := pades.Open(after, pdf.Limits{})
	if err != nil {
		return fmt.Errorf("%w: %w", errMade, err)
	}
	revisions := len(old.File.Revisions())
	for _, sig := range d.Signatures[:min(len(old.Signatures), len(d.Signatures))] {
		for _, c := range sig.Changes {
			if c.Forbidden && c.Revision > revisions {
				return fmt.Errorf("%w: %w", ErrRequest, pades.ErrForbidden)
			}
		}
	}
	return nil
}
