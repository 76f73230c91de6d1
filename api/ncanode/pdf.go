package ncanode

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"qaqpa/signer"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
	"qaqpa/signer/report"
)

type pdfVerifyRequest struct {
	PDF             string   `json:"pdf"`
	RevocationCheck services `json:"revocationCheck,omitempty" limit:"8"`
}

type pdfVerification struct {
	done
	Valid   bool        `json:"valid"`
	Signers []pdfSigner `json:"signers"`
	outcome
}

// pdfSigner is one signature of a PDF document.
type pdfSigner struct {
	Valid bool `json:"valid"`
	// Reason, Location and SignDate are the signer's own words.
	Reason             *string          `json:"reason"`
	Location           *string          `json:"location"`
	ContactInfo        *string          `json:"contactInfo"`
	SignDate           *string          `json:"signDate"`
	Certificate        *certificateInfo `json:"certificate"`
	SignatureAlgorithm string           `json:"signatureAlgorithm"` // the SubFilter
	DigestAlgorithm    *string          `json:"digestAlgorithm"`
	outcome
}

// pdfVerify judges all signatures of a PDF document, in the order in which they were made.
func (g *Gateway) pdfVerify(ctx context.Context, c Call, in pdfVerifyRequest) (pdfVerification, error) {
	check, err := in.RevocationCheck.check()
	if err != nil {
		return pdfVerification{}, err
	}
	file, doc, err := readPDF(in.PDF)
	if err != nil {
		return pdfVerification{}, err
	}
	signatures := slices.DeleteFunc(slices.Clone(doc.Signatures), func(s *pades.Signature) bool { return s.SubFilter == pades.TimeStamp })
	if len(signatures) == 0 {
		p := refuse(CodePDFUnsigned, "No signatures found")
		p.Status = http.StatusNotFound
		return pdfVerification{}, p
	}
	v, err := g.cfg.Signer.Validate(ctx, signer.ValidateRequest{Document: file, Check: check})
	if err != nil {
		return pdfVerification{}, ofSigner(err)
	}
	if len(v.Signatures) != len(signatures) {
		return pdfVerification{}, fmt.Errorf("%d signatures were judged of %d", len(v.Signatures), len(signatures))
	}
	out := pdfVerification{done: ok(), Valid: v.Indication == report.TotalPassed, Signers: make([]pdfSigner, len(signatures)), outcome: summary(c, v)}
	whole := false
	for i, s := range signatures {
		one, err := g.signature(ctx, c, v.Signatures[i], poolOfPDF(doc, s), check)
		if err != nil {
			return pdfVerification{}, err
		}
		out.Signers[i] = pdfSignerOf(s, one, &v.Signatures[i])
		out.Valid = out.Valid && one.valid
		whole = whole || v.Signatures[i].Covers == "content"
		if out.Valid && !onlySigned(v.Signatures[i].Changes) {
			out.Valid, out.Signers[i].Valid = false, false
			out.add(c, report.ReasonPDFLater, fmt.Sprintf("after signature %d", i+1))
		}
	}
	if out.Valid && !whole {
		out.Valid = false
		out.add(c, report.ReasonPartial, "no signature covers the document as it is")
	}
	return out, nil
}

func readPDF(s string) ([]byte, *pades.Document, error) {
	file, err := fromBase64(s)
	if err != nil {
		return nil, nil, refuse(CodeBase64, "pdf is not base64")
	}
	doc, err := pades.Open(file, pdf.Limits{})
	if err != nil {
		return nil, nil, refuse(CodePDF, "Cannot read PDF").because(err)
	}
	return file, doc, nil
}

// onlySigned tells whether nothing but further signatures that show nothing, and evidence, came after a signature: what several
// signers add in turn. Filled forms, notes and visible signatures may hide what this signer saw.
func onlySigned(changes []report.Change) bool {
	harmless := []pades.ChangeKind{pades.ChangeEvidence, pades.ChangeTimeStamp, pades.ChangeSignature, pades.ChangeStructure}
	for _, change := range changes {
		if change.Forbidden || !slices.Contains(harmless, pades.ChangeKind(change.Kind)) {
			return false
		}
	}
	return true
}

func poolOfPDF(doc *pades.Document, s *pades.Signature) pool {
	p := pool{}
	p.add(doc.Store.Certificates...)
	p.add(s.Certificates...)
	if s.CMS != nil {
		p.add(s.CMS.Certificates...)
	}
	return p
}

func pdfSignerOf(s *pades.Signature, one judged, v *signer.SignatureVerdict) pdfSigner {
	out := pdfSigner{
		Valid: one.valid, Reason: optional(s.Reason), Location: optional(s.Location), Certificate: one.info,
		SignatureAlgorithm: string(s.SubFilter), outcome: one.outcome,
	}
	if v.ClaimedAt != nil {
		out.SignDate = optional(stamp(*v.ClaimedAt))
	}
	if s.CMS != nil && s.CMS.Signers[0].DigestErr == nil {
		out.DigestAlgorithm = hashName(s.CMS.Signers[0].DigestAlgorithm)
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
