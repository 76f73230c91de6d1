package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"qaqpa/signer/cms"
	"qaqpa/signer/jades"
	"qaqpa/signer/path"
	"qaqpa/signer/pdf"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// Limits of what one document may make the engine do; beyond them certificates are left out, which can only make a
// verdict worse.
const (
	certificatesMax = 256
	evidenceMax     = 256
	candidatesMax   = 8
	stampsMax       = 32
	countersMax     = 64
)

// Case is one document, read. It remembers what does not depend on the evidence, so that rounds of gathering are cheap.
// Not safe for concurrent use.
type Case struct {
	document    [sha256.Size]byte
	format      string
	refused     *report.Reason // why the document is not readable; nil when it is
	uncovered   *report.Reason // what all signatures together leave out although they must not
	undecided   *report.Reason // why a document that was recognised cannot be judged
	remarks     []report.Reason
	content     []byte // what is signed, as far as it is one string of octets
	attached    bool   // and it came inside the document
	given       bool   // an original was handed in
	original    Original
	sum         string // hex of the SHA-256 of what was signed; empty: not made yet
	name        string // hex of document
	signers     []*signer
	token       *stamp // a time-stamp token that is the document itself
	tokenCovers string // how much of the document it is over
	counters    int
	embedded    Evidence
	// attributes are the attribute certificates that came with the document.
	attributes []report.AttributeCertificate
	known      *Known
	budget     budget
}

// signer is one signature with what is known of it.
type signer struct {
	form     form
	id       path.Digest // of the signature's value
	stamps   []*stamp
	counters []*signer
	checks   []checked
	notes    []report.Reason
}

// checked is what came of verifying a signature with a certificate.
type checked struct {
	cert   path.Digest
	checks cms.Checks
}

func newSigner(f form) *signer { return &signer{form: f, id: sha256.Sum256(f.about().value)} }

// Open reads a document: CMS SignedData in DER, BER, PEM armour or base64; XML with signatures or a SOAP message with
// WS-Security, plain or in base64; PDF; JWS, compact or in JSON. original is what a detached signature is over (nil: none given). It never fails: what cannot be read is a finding. The slices are kept and must not change.
// memory may be nil.
func Open(document, original []byte, memory *Known) *Case {
	return OpenWith(document, Original{Octets: original}, memory)
}

// OpenWith is Open for an original that is not at hand as octets.
func OpenWith(document []byte, original Original, memory *Known) *Case {
	c := &Case{document: sha256.Sum256(document), given: original.given(), original: original, known: memory, budget: newBudget()}
	c.name = hexOf(c.document)
	if pdf.IsPDF(document) {
		c.openPDF(document)
		return c
	}
	if isXML(document) {
		c.openXML(document)
		return c
	}
	if text := unwrapXML(document); text != nil {
		c.openXML(text)
		return c
	}
	if jades.Is(document) {
		c.openJWS(document)
		return c
	}
	c.openCMS(document)
	return c
}

// refuse notes why a document cannot be judged.
func (c *Case) refuse(format string, code report.Code, err error) {
	r := report.New(code, "EN 319 102-1 5.2.2", err.Error())
	c.format, c.refused = format, &r
}

// Signers is the number of signatures.
func (c *Case) Signers() int { return len(c.signers) }

// Readable tells whether the document was recognised.
func (c *Case) Readable() bool { return c.refused == nil }

// Content is the attached content; nil when there is none.
func (c *Case) Content() []byte {
	if !c.attached {
		return nil
	}
	return c.content
}

// Embedded is the evidence that the document carries.
func (c *Case) Embedded() Evidence { return c.embedded }

// collect parses objects; what cannot be read is passed over, since it can support nothing.
func (c *Case) collect(certificates, crls, ocsps [][]byte) Evidence {
	var ev Evidence
	if n := min(len(certificates), certificatesMax); n > 0 {
		ev.Certificates = make([]*pkix.Certificate, 0, n)
	}
	for _, raw := range certificates[:min(len(certificates), certificatesMax)] {
		if cert, err := c.known.parse(raw); err == nil {
			ev.Certificates = append(ev.Certificates, cert)
		}
	}
	for _, raw := range crls[:min(len(crls), evidenceMax)] {
		if l, err := pkix.ParseCRL(raw); err == nil {
			ev.CRLs = append(ev.CRLs, l)
		}
	}
	for _, raw := range ocsps[:min(len(ocsps), evidenceMax)] {
		if o, err := pkix.ParseOCSPResponse(raw); err == nil {
			ev.OCSP = append(ev.OCSP, o)
		}
	}
	return ev
}

func (e *Evidence) add(o Evidence) {
	e.Certificates = addCapped(e.Certificates, o.Certificates, certificatesMax)
	e.CRLs = addCapped(e.CRLs, o.CRLs, evidenceMax)
	e.OCSP = addCapped(e.OCSP, o.OCSP, evidenceMax)
}

func addCapped[T any](to, from []T, most int) []T {
	return append(to, from[:max(min(len(from), most-len(to)), 0)]...)
}

// ErrOriginalSize says that an original that has to be at hand whole is too long for that.
var ErrOriginalSize = errors.New("the original is too large")

// ErrNoEvidence says that bytes are neither certificates, nor a CRL, nor an OCSP response.
var ErrNoEvidence = errors.New("neither certificate nor CRL nor OCSP response")

// ParseEvidence reads one file of evidence from outside the document: certificates (PEM or DER), a CRL or an OCSP response
// (DER).
func ParseEvidence(b []byte) (Evidence, error) {
	if certs, err := pkix.ParsePEMOrDER(b); err == nil {
		return Evidence{Certificates: certs}, nil
	}
	if l, err := pkix.ParseCRL(b); err == nil {
		return Evidence{CRLs: []*pkix.CRL{l}}, nil
	}
	if o, err := pkix.ParseOCSPResponse(b); err == nil {
		return Evidence{OCSP: []*pkix.OCSPResponse{o}}, nil
	}
	return Evidence{}, ErrNoEvidence
}

// Join returns both, without changing either.
func (e Evidence) Join(o Evidence) Evidence {
	return Evidence{
		Certificates: both(e.Certificates, o.Certificates),
		CRLs:         both(e.CRLs, o.CRLs),
		OCSP:         both(e.OCSP, o.OCSP),
		Nonces:       merge(e.Nonces, o.Nonces),
		Published:    merge(e.Published, o.Published),
		Missing:      both(e.Missing, o.Missing),
	}
}

// both is one list after the other. Where one is empty the other is shared, with no room to append in place.
func both[T any](a, b []T) []T {
	switch {
	case len(a) == 0:
		return slices.Clip(b)
	case len(b) == 0:
		return slices.Clip(a)
	}
	return slices.Concat(a, b)
}

func merge[V any](a, b map[path.Digest]V) map[path.Digest]V {
	switch { // neither is ever changed, so that it may be shared
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	out := make(map[path.Digest]V, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

func hexOf(d path.Digest) string {
	var out [2 * len(d)]byte
	hex.Encode(out[:], d[:])
	return string(out[:])
}
