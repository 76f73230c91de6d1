package signer

import (
	"context"
	"time"

	"qaqpa/signer/report"
)

// Verdict is the result of a validation; see report.Verdict for each field.
type Verdict = report.Verdict

// SignatureVerdict is the judgement of one signer.
type SignatureVerdict = report.Signature

// Signer describes the holder of the signing certificate.
type Signer = report.Signer

// Reason tells in three languages what failed and what to do.
type Reason = report.Reason

// ValidateRequest is what Validate judges.
type ValidateRequest struct {
	// Document is the signed document: CMS SignedData in DER, BER, PEM armour or base64.
	Document []byte
	// Detached is the original when the signature is detached; nil otherwise. An empty original is a non-nil empty slice.
	Detached []byte
	// At is the time to judge for; zero means now.
	At time.Time
	// Store keeps the verdict, the digests and bodies of its evidence and an audit row in one transaction.
	Store bool
	// Actor is who asks, for the audit row; obligatory with Store.
	Actor string
}

// Validate judges every signature of a document. Bad signatures, unreadable documents and absent evidence are
// results; an error means that nothing could be decided: ErrRequest for an unusable request, ErrTooLarge for one over
// the limits, the context's error, or that of the database. Safe for concurrent use.
func (s *Service) Validate(ctx context.Context, req ValidateRequest) (Verdict, error) {
	return s.validate(ctx, req)
}
