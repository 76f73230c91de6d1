package cms

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/asn1ber"
)

// ErrOtherContent means that two documents do not sign the same content.
var ErrOtherContent = errors.New("the documents sign other content")

// frame is the fields of a SignedData that no signature covers, as whole elements.
type frame struct {
	version                                    int
	digests, certificates, revocation, signers [][]byte
	contentType                                string
	content                                    []byte
	attached                                   bool
}

// frame takes the document apart. It is refused where an archive time-stamp of version 2 covers the frame.
func (sd *SignedData) frame() (f frame, err error) {
	f = frame{
		version: sd.Version, contentType: sd.ContentType, content: sd.Content, attached: sd.HasContent,
		certificates: slices.Concat(sd.Certificates, sd.OtherCertificates),
	}
	for i := range sd.Signers {
		if _, n := find(sd.Signers[i].UnsignedAttributes, OIDArchiveTimestampV2); n > 0 {
			return f, errors.New("an archive time-stamp covers the document's frame")
		}
		f.signers = append(f.signers, sd.Signers[i].Raw)
	}
	if f.digests, err = sd.members(sd.rawDigests); err != nil {
		return f, err
	}
	f.revocation, err = sd.members(sd.rawCRLs)
	return f, err
}

// members are the elements inside one.
func (sd *SignedData) members(raw []byte) (out [][]byte, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	e, err := asn1ber.Parse(raw, asn1ber.BER, asn1ber.Limits{Bytes: sd.limits.Bytes, Depth: sd.limits.Depth, Elements: sd.limits.Elements})
	if err != nil {
		return nil, err
	}
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	for !r.Empty() {
		m, err := r.Next()
		if err != nil {
			return nil, err
		}
		out = append(out, m.Raw)
	}
	return out, nil
}

// encode writes the frame in DER; signers stay in their order, which people know them by.
func (f frame) encode() ([]byte, error) {
	contentType, err := asn1ber.EncodedOID(f.contentType)
	if err != nil {
		return nil, err
	}
	content := SignInput{Content: f.content, Detached: !f.attached}.encapsulated(plan{contentType: contentType})
	parts := [][]byte{asn1ber.EncodedInt(int64(f.version)), asn1ber.SetOf(asn1ber.Set, f.digests...)}
	parts = append(parts, content...)
	if len(f.certificates) > 0 {
		parts = append(parts, asn1ber.SetOf(asn1ber.Context(0), f.certificates...))
	}
	if len(f.revocation) > 0 {
		parts = append(parts, asn1ber.SetOf(asn1ber.Context(1), f.revocation...))
	}
	return contentInfo(append(parts, asn1ber.Wrap(asn1ber.Set, f.signers...))...), nil
}

func addDistinct(to, from [][]byte) [][]byte {
	for _, b := range from {
		if !slices.ContainsFunc(to, func(have []byte) bool { return bytes.Equal(have, b) }) {
			to = append(to, b)
		}
	}
	return to
}

// Join returns the document with the signers, certificates and revocation data of another one over the same content beside
// its own: parallel signatures. Content is kept where either holds it; [SignedData.Detach] and [SignedData.Attach]
// change that. The frame is written anew in DER, and everything that a signature covers stays octet by octet.
// Errors: ErrOtherContent, asn1ber.ErrLimit for too many signers.
func (sd *SignedData) Join(other *SignedData) ([]byte, error) {
	f, err := sd.frame()
	if err != nil {
		return nil, fmt.Errorf("couldn't join documents: %w", err)
	}
	o, err := other.frame()
	if err != nil {
		return nil, fmt.Errorf("couldn't join documents: %w", err)
	}
	switch {
	case f.contentType != o.contentType, f.attached && o.attached && !bytes.Equal(f.content, o.content):
		return nil, fmt.Errorf("couldn't join documents: %w", ErrOtherContent)
	case len(f.signers)+len(o.signers) > sd.limits.Signers:
		return nil, fmt.Errorf("couldn't join documents: %w: more than %d signers", asn1ber.ErrLimit, sd.limits.Signers)
	case !f.attached:
		f.content, f.attached = o.content, o.attached
	}
	f.version = max(f.version, o.version)
	f.digests = addDistinct(f.digests, o.digests)
	f.certificates = addDistinct(f.certificates, o.certificates)
	f.revocation = addDistinct(f.revocation, o.revocation)
	f.signers = append(f.signers, o.signers...)
	return f.written("join documents")
}

// Detach returns the document without its content.
func (sd *SignedData) Detach() ([]byte, error) {
	f, err := sd.frame()
	if err != nil {
		return nil, fmt.Errorf("couldn't detach content: %w", err)
	}
	f.content, f.attached = nil, false
	return f.written("detach content")
}

// Attach returns a detached document with content in it. Whether that is what was signed is for Verify to tell.
func (sd *SignedData) Attach(content []byte) ([]byte, error) {
	f, err := sd.frame()
	if err != nil {
		return nil, fmt.Errorf("couldn't attach content: %w", err)
	}
	if f.attached && !bytes.Equal(f.content, content) {
		return nil, fmt.Errorf("couldn't attach content: %w", ErrOtherContent)
	}
	f.content, f.attached = content, true
	return f.written("attach content")
}

// AddRevocation returns the document with CRLs and OCSPResponses (each whole, DER) among its revocation information, where
// EN 319 122-1 5.4.2 wants them (RFC 5652 10.2.1, RFC 5940 2).
func (sd *SignedData) AddRevocation(crls, ocsps [][]byte) ([]byte, error) {
	f, err := sd.frame()
	if err != nil {
		return nil, fmt.Errorf("couldn't add revocation data: %w", err)
	}
	id, err := asn1ber.EncodedOID(oidRevocationOCSP)
	if err != nil {
		return nil, fmt.Errorf("couldn't add revocation data: %w", err)
	}
	f.revocation = addDistinct(f.revocation, crls)
	for _, o := range ocsps {
		f.revocation = addDistinct(f.revocation, [][]byte{asn1ber.Wrap(asn1ber.Context(1), id, o)})
		f.version = 5 // RFC 5652 5.1: another revocation format is there
	}
	if len(f.revocation) > sd.limits.Certificates {
		return nil, fmt.Errorf("couldn't add revocation data: %w: more than %d", asn1ber.ErrLimit, sd.limits.Certificates)
	}
	return f.written("add revocation data")
}

func (f frame) written(what string) ([]byte, error) {
	out, err := f.encode()
	if err != nil {
		return nil, fmt.Errorf("couldn't %s: %w", what, err)
	}
	return out, nil
}
