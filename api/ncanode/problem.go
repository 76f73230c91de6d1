package ncanode

import (
	"errors"
	"net/http"

	"qaqpa/signer"
)

// Code names a problem. Its texts in the three languages are "ncanode.CODE" in the catalogue of package language.
type Code string

// Codes of problems.
const (
	CodeKeyBase64      Code = "key_base64"
	CodeKeyPassword    Code = "key_password"
	CodeKeyDamaged     Code = "key_damaged"
	CodeKeyUnsupported Code = "key_unsupported"
	CodeKeyMismatch    Code = "key_mismatch"
	CodeKeyAlias       Code = "key_alias"
	CodeKeyEmpty       Code = "key_empty"
	CodeSigners        Code = "signers_missing"
	CodeCertificate    Code = "certificate_refused"
	CodeBase64         Code = "base64"
	CodeData           Code = "data_missing"
	CodeCMS            Code = "cms_unreadable"
	CodeNoContent      Code = "content_missing"
	CodeXML            Code = "xml_unreadable"
	CodeEncoding       Code = "xml_encoding"
	CodeTrim           Code = "trim_breaks_signatures"
	CodeRequest        Code = "request_unusable"
	CodePolicy         Code = "tsa_policy"
	CodeNoTSA          Code = "tsa_not_set"
	CodeTSA            Code = "tsa_failed"
	CodeRevocation     Code = "revocation_check"
	CodeJWT            Code = "jwt_malformed"
	CodePDF            Code = "pdf_unreadable"
	CodePDFUnsigned    Code = "pdf_unsigned"
)

// Codes lists all codes.
func Codes() []Code {
	return []Code{
		CodeKeyBase64, CodeKeyPassword, CodeKeyDamaged, CodeKeyUnsupported, CodeKeyMismatch, CodeKeyAlias, CodeKeyEmpty, CodeSigners,
		CodeCertificate, CodeBase64, CodeData, CodeCMS, CodeNoContent, CodeXML, CodeEncoding, CodeTrim, CodeRequest, CodePolicy, CodeNoTSA,
		CodeTSA, CodeRevocation, CodeJWT, CodePDF, CodePDFUnsigned,
	}
}

// Error is what a client is told. Its message is in English and stable, as NCANode's are.
type Error struct {
	Status  int
	Code    Code
	Message string
	// Technical is what else an integrator may want to know; it holds nothing of keys and passwords.
	Technical string
	cause     error
}

// Error is for logs.
func (p *Error) Error() string { return p.Message }

// Unwrap returns the cause, if any.
func (p *Error) Unwrap() error { return p.cause }

func refuse(code Code, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

func (p *Error) because(err error) *Error {
	p.cause, p.Technical = err, err.Error()
	return p
}

// at says which member of the request is meant.
func (p *Error) at(where string) *Error {
	if where != "" {
		p.Message = where + ": " + p.Message
	}
	return p
}

// ofSigner makes a problem of what the service refuses; other errors are passed on and are failures of ours.
func ofSigner(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, signer.ErrSigningCertificate):
		return refuse(CodeCertificate, "The certificate may not sign").because(err)
	case errors.Is(err, signer.ErrTimeStamp):
		p := refuse(CodeTSA, "TSP failure").because(err)
		p.Status = http.StatusServiceUnavailable
		return p
	case errors.Is(err, signer.ErrTooLarge):
		return err
	case errors.Is(err, signer.ErrRequest):
		return refuse(CodeRequest, "Bad request").because(err)
	}
	return err
}
