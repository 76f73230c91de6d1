package payment

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
)

// SealPage is a page to be sealed: a PDF document, a file that goes into it, and where the seal is seen.
type SealPage struct {
	PDF []byte
	// AttachmentName and Attachment are a file in JSON.
	AttachmentName string
	Attachment     []byte
	// Page counts from 0, X and Y are the lower left corner of the mark in points, Code the content of its QR code.
	Page int
	X, Y float64
	Code string
}

// Sealer signs documents with the gateway's key. Seal and SealDetached give CMS SignedData in DER.
type Sealer interface {
	// Seal returns an attached signature: the document is inside.
	Seal(ctx context.Context, document []byte) ([]byte, error)
	// SealDetached returns a signature beside the document.
	SealDetached(ctx context.Context, document []byte) ([]byte, error)
	// SealPDF returns the page with the file and a visible seal in it, behind everything that was there, certified against changes (PAdES).
	SealPDF(ctx context.Context, page SealPage) ([]byte, error)
}

// Auditor writes an entry of the audit log inside the given transaction, so that both commit or neither does.
type Auditor interface {
	Append(ctx context.Context, tx *sqlx.Tx, actor, action, subject string, detail []byte) error
}

// AuditEntry is one entry of the audit log; see [Auditor].
type AuditEntry struct {
	Actor, Action, Subject string
	// Detail is JSON.
	Detail []byte
}

// AuditorOfMany is an [Auditor] that takes many entries in a few round trips, locking in one order. A shared commit uses
// it where the Auditor has it.
type AuditorOfMany interface {
	AppendAll(ctx context.Context, tx *sqlx.Tx, entries []AuditEntry) error
}

// VerdictKeeper is a [Verifier] that can leave the storing of a verdict to the transaction that acts on it, so that a
// signed message costs one commit and not two. Where the Verifier has it, it is used instead of Verify.
type VerdictKeeper interface {
	// Judge is Verify without storing; Signature.Unkept is what Keep takes.
	Judge(ctx context.Context, signature, detached []byte) (Signature, error)
	// Keep stores verdicts within the transaction and returns the audit entries that belong to them. committed is called
	// once the transaction has committed.
	Keep(ctx context.Context, tx *sqlx.Tx, unkept []any) (entries []AuditEntry, committed func(), err error)
}

// VerdictReader is a [Verifier] that can tell of a stored verdict what it rests on; a court's copy takes that along.
type VerdictReader interface {
	// ReadVerdict returns outcome and evidence (certificates, CRLs, OCSP answers, DER) of a stored verdict; what has more than bytesMax bytes is not read.
	ReadVerdict(ctx context.Context, id string, bytesMax int) (StoredVerdict, error)
}

// StoredVerdict is what a [VerdictReader] knows.
type StoredVerdict struct {
	// Indication and Sub are those of EN 319 102-1.
	Indication, Sub string
	// Evidence that is not in the signed document itself.
	Evidence [][]byte
}

// Verifier validates a signature. A signature that does not hold is a result; an error means that it could not be
// decided now. detached is the signed content when the CMS does not carry it, or nil.
type Verifier interface {
	Verify(ctx context.Context, signature, detached []byte) (Signature, error)
}

// Signature is what the verifier found.
type Signature struct {
	// Valid is true only when every signer was validated completely (TOTAL-PASSED).
	Valid bool
	// Indication and Sub are those of EN 319 102-1.
	Indication, Sub string
	// Reasons are short codes.
	Reasons []string
	// VerdictID names the stored verdict.
	VerdictID string
	// Content is the attached content, nil if the signature is detached or stands inside of a document.
	Content []byte
	// Whole is true when a signature inside of a document covers all of it, itself aside.
	Whole bool
	// Signers, at least one when Valid.
	Signers []Signer
	// Unkept is the verdict of a [VerdictKeeper], not yet stored; nil otherwise.
	Unkept any
}

// Signer is one signer of a document.
type Signer struct {
	Name string
	// IIN of the person; empty for an information system.
	IIN string
	// BIN of the organisation for which the certificate speaks; empty for a private person.
	BIN          string
	Organisation string
	// Roles by the national certificate policy: head, signer, financial, employee, …; see order.Authority.
	Roles []string
	// Kind is person, organisation or information_system.
	Kind string
	// CertificateSHA256 is the hex digest of the certificate.
	CertificateSHA256 string
	// SigningTime as the signer claims it.
	SigningTime time.Time
}

// BankChannel carries sealed messages to banks; [bank.Client] is the implementation over HTTP.
type BankChannel interface {
	// Pay hands a sealed payment order to the bank.
	Pay(ctx context.Context, bankURL string, message []byte) (bank.Reply, error)
	// Lookup asks what became of an attempt.
	Lookup(ctx context.Context, bankURL, attempt string) (bank.Reply, error)
}

// FileChannel exchanges ISO 20022 files with banks that take payment orders so; [bank.Files] is the implementation.
type FileChannel interface {
	// Put hands a sealed file over; doing so again with the same bytes changes nothing. After an error the bank may have it.
	Put(ctx context.Context, address, name string, message []byte) error
	// Ask asks for the report about a file.
	Ask(ctx context.Context, address, name string) (bank.Reply, error)
	// Reports are what a bank has left for us to fetch, and Done puts one of them aside.
	Reports(address string) ([]bank.Left, error)
	Done(address, name string, taken bool) error
}
