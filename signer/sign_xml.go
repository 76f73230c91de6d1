package signer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"qaqpa/signer/c14n"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// SignXMLRequest is what SignXML signs.
type SignXMLRequest struct {
	// Document is well-formed XML in UTF-8 without a DOCTYPE. Signatures that are in it are kept, and signed with it.
	Document []byte
	// ID names the element to sign; empty: the whole document.
	ID string
	// Key is whose signature it is. Its chain goes into KeyInfo.
	Key SigningKey
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string
}

// SignXML puts an enveloped XML signature of the national shape at the end of the document element: one reference, Canonical
// XML 1.0, the certificate in X509Data. Nothing else of the document changes.
//
// The certificate is judged before the key is asked, and the audit entry committed before the signature leaves, as for
// SignCMS. Errors: ErrRequest for what is no such document or has no such element, ErrTooLarge, ErrSigningCertificate, those of
// the key and of the database. Safe for concurrent use.
func (s *Service) SignXML(ctx context.Context, req SignXMLRequest) ([]byte, error) {
	return s.signXML(ctx, xmlTask{"XMLDSig", req.Document, req.Key, req.Actor}, func(in xmldsig.SignInput) ([]byte, error) {
		if req.ID == "" {
			return xmldsig.SignEnveloped(in)
		}
		comments := c14n.Method{Form: c14n.Inclusive10, Comments: true}
		in.References = []xmldsig.ReferenceInput{{
			URI: "#" + req.ID, Transforms: []string{xmldsig.TransformEnveloped, comments.URI()},
		}}
		return xmldsig.Sign(in)
	})
}

// SignWSSERequest is what SignWSSE signs.
type SignWSSERequest struct {
	// Document is a SOAP 1.1 or 1.2 message with one Body, in UTF-8.
	Document []byte
	// Token is how the certificate is named; the zero value is the national form, the whole certificate in KeyIdentifier.
	Token xmldsig.Token
	// Key is whose signature it is.
	Key SigningKey
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string
}

// SignWSSE signs the Body of a SOAP message as the e-government gateway wants it: wsse:Security in the header, exclusive
// canonical forms, one reference to the wsu:Id of the Body. Errors as for SignXML. Safe for concurrent use.
func (s *Service) SignWSSE(ctx context.Context, req SignWSSERequest) ([]byte, error) {
	return s.signXML(ctx, xmlTask{"WSSE", req.Document, req.Key, req.Actor}, func(in xmldsig.SignInput) ([]byte, error) {
		return xmldsig.SignWSS(xmldsig.WSSInput{SignInput: in, Token: req.Token})
	})
}

// xmlTask is what both kinds of XML signatures have in common.
type xmlTask struct {
	format   string
	document []byte
	key      SigningKey
	actor    string
}

func (s *Service) signXML(ctx context.Context, t xmlTask, sign func(xmldsig.SignInput) ([]byte, error)) ([]byte, error) {
	if err := s.checkSigning(t.key, t.actor, len(t.document)); err != nil {
		return nil, err
	}
	if len(t.document) == 0 {
		return nil, fmt.Errorf("%w: the document is empty", ErrRequest)
	}
	if _, err := s.admitKey(ctx, t.key); err != nil {
		return nil, err
	}
	out, err := sign(xmldsig.SignInput{
		Document: t.document, Certificate: t.key.Chain[0], Chain: t.key.Chain[1:], Signer: keyFor(ctx, t.key.Key), Rand: rand.Reader,
	})
	switch {
	case isDocumentFault(err):
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	case err != nil:
		return nil, err
	}
	if err := s.recordSigned(ctx, t.actor, t.key, made{t.format, t.document, out}); err != nil {
		return nil, err
	}
	return out, nil
}

// isDocumentFault tells what is wrong with a document from what is wrong with a key.
func isDocumentFault(err error) bool {
	for _, fault := range []error{
		xmltree.ErrSyntax, xmltree.ErrLimit, xmltree.ErrDoctype, xmltree.ErrEncoding, xmltree.ErrNoID, xmltree.ErrDuplicateID,
		xmldsig.ErrNoEnvelope, xmldsig.ErrMalformed, xmldsig.ErrLimit, xmldsig.ErrRefused,
	} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}
