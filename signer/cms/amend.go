package cms

import (
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/asn1ber"
)

// ErrNoSigner means that the document has no signer with that index.
var ErrNoSigner = errors.New("no such signer")

// AddUnsigned returns the document with one unsigned attribute more at a signer, for instance a signature time-stamp
// (oid [OIDSignatureTimestamp], value the token). value is one DER element. Everything that a signature or a
// certificate covers stays octet by octet; the frame around it is written anew in DER, so that an archive time-stamp
// of version 2 over a BER document would be lost: such documents are refused.
func (sd *SignedData) AddUnsigned(signer int, oid string, value []byte) ([]byte, error) {
	if signer < 0 || signer >= len(sd.Signers) {
		return nil, fmt.Errorf("couldn't add attribute: %w: %d of %d", ErrNoSigner, signer, len(sd.Signers))
	}
	if _, n := find(sd.Signers[signer].UnsignedAttributes, OIDArchiveTimestampV2); n > 0 {
		return nil, errors.New("couldn't add attribute: an archive time-stamp covers the document's frame")
	}
	id, err := asn1ber.EncodedOID(oid)
	if err != nil {
		return nil, fmt.Errorf("couldn't add attribute: %w", err)
	}
	if _, err := asn1ber.ParseDER(value); err != nil {
		return nil, fmt.Errorf("couldn't add attribute: %w", err)
	}
	added := asn1ber.Wrap(asn1ber.Sequence, id, asn1ber.Wrap(asn1ber.Set, value))
	signers := make([][]byte, len(sd.Signers))
	for i := range sd.Signers {
		signers[i] = sd.Signers[i].Raw
		if i == signer {
			signers[i] = sd.Signers[i].withUnsigned(added)
		}
	}
	return sd.rebuild(sd.rawCertificates, signers), nil
}

// AddCertificates returns the document with further certificates (each whole, DER) beside those that are there.
func (sd *SignedData) AddCertificates(certificates ...[]byte) []byte {
	all := slices.Concat(sd.Certificates, sd.OtherCertificates)
	for _, c := range certificates {
		if !slices.ContainsFunc(all, func(have []byte) bool { return string(have) == string(c) }) {
			all = append(all, c)
		}
	}
	signers := make([][]byte, len(sd.Signers))
	for i := range sd.Signers {
		signers[i] = sd.Signers[i].Raw
	}
	return sd.rebuild(asn1ber.SetOf(asn1ber.Context(0), all...), signers)
}

// withUnsigned is the SignerInfo with an attribute appended to the unsigned ones. Their order is kept, not sorted: the
// position of an attribute may be what an archive time-stamp covers.
func (si *SignerInfo) withUnsigned(added []byte) []byte {
	attributes := make([][]byte, 0, len(si.UnsignedAttributes)+1)
	for i := range si.UnsignedAttributes {
		attributes = append(attributes, si.UnsignedAttributes[i].Raw)
	}
	attributes = append(attributes, added)
	return asn1ber.Wrap(asn1ber.Sequence, si.rawHead, asn1ber.Wrap(asn1ber.Context(1), attributes...))
}

func (sd *SignedData) rebuild(certificates []byte, signers [][]byte) []byte {
	return contentInfo(asn1ber.EncodedInt(int64(sd.Version)), sd.rawDigests, sd.rawContent, certificates, sd.rawCRLs,
		asn1ber.Wrap(asn1ber.Set, signers...))
}
