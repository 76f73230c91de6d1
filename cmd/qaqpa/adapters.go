package main

import (
	"context"
	"fmt"

	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/audit"

	"github.com/jmoiron/sqlx"
)

// actorPayments is the name of the payment domain in audit rows of seals and verdicts.
const actorPayments = "system:payments"

// auditor lets payment write the audit log without knowing signer/audit, one entry or many.
type auditor struct{ *audit.Log }

// AppendAll implements payment.AuditorOfMany.
func (a auditor) AppendAll(ctx context.Context, tx *sqlx.Tx, entries []payment.AuditEntry) error {
	list := make([]audit.Entry, len(entries))
	for i, e := range entries {
		list[i] = audit.Entry(e)
	}
	return a.Log.AppendAll(ctx, tx, list)
}

// sealer lets payment seal without knowing signer.
type sealer struct{ signer *signer.Service }

func (s sealer) Seal(ctx context.Context, document []byte) ([]byte, error) {
	return s.signer.Seal(ctx, signer.SealRequest{Document: document, Actor: actorPayments})
}

func (s sealer) SealDetached(ctx context.Context, document []byte) ([]byte, error) {
	return s.signer.Seal(ctx, signer.SealRequest{Document: document, Detached: true, Actor: actorPayments})
}

func (s sealer) SealPDF(ctx context.Context, page payment.SealPage) ([]byte, error) {
	return s.signer.SealPDF(ctx, signer.SealPDFRequest{Document: page.PDF, Actor: actorPayments, PDFOptions: pageOptions(page)})
}

// pageOptions are how a page of the payment domain is sealed: certified, so that any later change shows.
func pageOptions(page payment.SealPage) signer.PDFOptions {
	return signer.PDFOptions{
		Permission: 1, Mark: &signer.PDFMark{Page: page.Page, X: page.X, Y: page.Y, Code: page.Code},
		Attachments: []signer.PDFAttachment{{
			Name: page.AttachmentName, MIMEType: "application/json", Description: "Түбіртек · Квитанция · Receipt (JSON)", Content: page.Attachment,
		}},
	}
}

// verifier lets payment judge signatures without knowing signer. Verdicts are stored: money moves because of them.
type verifier struct{ signer *signer.Service }

// Verify implements payment.Verifier.
func (v verifier) Verify(ctx context.Context, signature, detached []byte) (payment.Signature, error) {
	verdict, err := v.signer.Validate(ctx, signer.ValidateRequest{Document: signature, Detached: detached, Store: true, Actor: actorPayments})
	if err != nil {
		return payment.Signature{}, err
	}
	return signatureOf(verdict), nil
}

// Judge implements payment.VerdictKeeper.
func (v verifier) Judge(ctx context.Context, signature, detached []byte) (payment.Signature, error) {
	verdict, unkept, err := v.signer.Judge(ctx, signer.ValidateRequest{Document: signature, Detached: detached, Store: true, Actor: actorPayments})
	if err != nil {
		return payment.Signature{}, err
	}
	out := signatureOf(verdict)
	out.Unkept = unkept
	return out, nil
}

// Keep implements payment.VerdictKeeper.
func (v verifier) Keep(ctx context.Context, tx *sqlx.Tx, unkept []any) ([]payment.AuditEntry, func(), error) {
	list := make([]*signer.Unkept, len(unkept))
	for i, u := range unkept {
		one, ours := u.(*signer.Unkept)
		if !ours {
			return nil, nil, fmt.Errorf("couldn't keep a %T as a verdict", u)
		}
		list[i] = one
	}
	entries, committed, err := v.signer.Keep(ctx, tx, list)
	out := make([]payment.AuditEntry, len(entries))
	for i, e := range entries {
		out[i] = payment.AuditEntry(e)
	}
	return out, committed, err
}

func signatureOf(verdict signer.Verdict) payment.Signature {
	out := payment.Signature{
		Valid: verdict.Passed(), Indication: string(verdict.Indication), Sub: string(verdict.Sub),
		VerdictID: verdict.ID, Content: verdict.Content, Whole: verdict.Coverage == "FULL",
	}
	for _, r := range verdict.Reasons {
		out.Reasons = append(out.Reasons, string(r.Code))
	}
	for _, s := range verdict.Signatures {
		for _, r := range s.Reasons {
			out.Reasons = append(out.Reasons, string(r.Code))
		}
		if s.Signer != nil {
			out.Signers = append(out.Signers, signerOf(s))
		}
	}
	return out
}

func signerOf(s signer.SignatureVerdict) payment.Signer {
	out := payment.Signer{
		Name: s.Signer.Name, IIN: s.Signer.IIN, BIN: s.Signer.BIN, Organisation: s.Signer.Organisation,
		Kind: s.Signer.Kind, CertificateSHA256: s.Signer.CertificateSHA256,
	}
	for _, role := range s.Signer.Roles {
		out.Roles = append(out.Roles, role.Code)
	}
	if s.ClaimedAt != nil {
		out.SigningTime = *s.ClaimedAt
	}
	return out
}

// ReadVerdict implements payment.VerdictReader.
func (v verifier) ReadVerdict(ctx context.Context, id string, bytesMax int) (payment.StoredVerdict, error) {
	verdict, evidence, err := v.signer.VerdictEvidence(ctx, id, bytesMax)
	return payment.StoredVerdict{Indication: string(verdict.Indication), Sub: string(verdict.Sub), Evidence: evidence}, err
}
