package cms

import (
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// ArchiveImprint is what an archive time stamp of version 3 over a signature is asked for (EN 319 122-1 5.5.3): the digest to be
// stamped, and the index that must then stand in the token ([SignedData.AddArchiveStamp]). The index names every certificate,
// every revocation object and every value of an unsigned attribute that the document holds now. content is that of a detached
// document, else the zero Content; of a large one its digest with h will do.
//
// Errors: ErrNoSigner, those of [Content.Digest], asn1ber.ErrSyntax for attributes that cannot be read.
func (sd *SignedData) ArchiveImprint(signer int, h algo.Hash, content Content) (imprint, index []byte, err error) {
	if signer < 0 || signer >= len(sd.Signers) {
		return nil, nil, fmt.Errorf("couldn't make an archive time stamp: %w: %d of %d", ErrNoSigner, signer, len(sd.Signers))
	}
	si := &sd.Signers[signer]
	if index, err = si.index(h); err != nil {
		return nil, nil, fmt.Errorf("couldn't make an archive time stamp: %w", err)
	}
	contentType, err := asn1ber.EncodedOID(sd.ContentType)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't make an archive time stamp: %w", err)
	}
	if !content.Present() {
		content = sd.AttachedContent()
	}
	digest, err := content.Digest(h)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't make an archive time stamp: %w", err)
	}
	return h.Sum(nil, slices.Concat(contentType, digest, si.rawHead, index)), index, nil
}

// index is ATSHashIndexV3 over what the document holds.
func (si *SignerInfo) index(h algo.Hash) ([]byte, error) {
	id, err := h.AlgorithmIdentifier()
	if err != nil {
		return nil, err
	}
	if si.data == nil {
		return nil, errors.New("a counter-signature is covered by the time stamp of its signature")
	}
	var crls [][]byte
	for i := range si.data.revocation {
		crls = append(crls, si.data.revocation[i].raw)
	}
	values, err := si.indexedAttributes(true)
	if err != nil {
		return nil, err
	}
	var attributes [][]byte
	for _, v := range values {
		attributes = append(attributes, v.octets)
	}
	parts := [][]byte{id}
	for _, list := range [][][]byte{slices.Concat(si.data.Certificates, si.data.OtherCertificates), crls, attributes} {
		digests := make([][]byte, len(list))
		for i, octets := range list {
			digests[i] = asn1ber.Primitive(asn1ber.OctetString, h.Sum(nil, octets))
		}
		parts = append(parts, asn1ber.Wrap(asn1ber.Sequence, digests...))
	}
	return asn1ber.Wrap(asn1ber.Sequence, parts...), nil
}

// AddArchiveStamp returns the document with an archive time stamp of version 3 at a signer: a token over the imprint that
// [SignedData.ArchiveImprint] gave, with the index that came with it. Nothing of the document may have changed in between; what is
// added later is not covered. Errors as for [SignedData.AddUnsigned], and those of Parse for the token.
func (sd *SignedData) AddArchiveStamp(signer int, token, index []byte) ([]byte, error) {
	t, err := Parse(token, stampLimits)
	if err != nil {
		return nil, fmt.Errorf("couldn't add an archive time stamp: %w", err)
	}
	if len(t.Signers) != 1 {
		return nil, fmt.Errorf("couldn't add an archive time stamp: %w", errNoIndex)
	}
	if token, err = t.AddUnsigned(0, OIDArchiveHashIndexV3, index); err != nil {
		return nil, fmt.Errorf("couldn't add an archive time stamp: %w", err)
	}
	return sd.AddUnsigned(signer, OIDArchiveTimestampV3, token)
}
