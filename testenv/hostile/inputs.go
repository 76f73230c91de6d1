package hostile

import (
	"fmt"

	"qaqpa/testenv/pki"
)

// OIDs by their contents octets.
var (
	messageDigest = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04}
	keyUsage      = []byte{0x55, 0x1d, 0x0f}
	crlNumber     = []byte{0x55, 0x1d, 0x14}
	ocspNonce     = []byte{0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02}
	localKeyID    = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15}
)

// Password opens the PKCS #12 files among the inputs, as far as they can be opened.
const Password = "Qwerty12"

// Good are the objects that the inputs are made of; XML, signed message and token come from the caller, who can sign them.
type Good struct {
	PKI *pki.PKI
	// Signer is an identity of the authorities.
	Signer *pki.Identity
	// XML, XAdES and WSSE are signed, with the prefix ds for the namespace of signatures and xades for that of properties.
	XML, XAdES, WSSE []byte
	// Header, Payload and Signature are those of a JSON Web Token.
	Header, Payload string
	Signature       []byte
}

// Inputs makes all inputs, some hundreds, of up to a few megabytes each.
func (g Good) Inputs() ([]Input, error) {
	cms, err := g.Signer.SignCMS([]byte("document"), pki.CMSOptions{})
	if err != nil {
		return nil, fmt.Errorf("couldn't make a CMS: %w", err)
	}
	crl, err := g.PKI.CRL(g.PKI.NCA(g.Signer.Profile.Family))
	if err != nil {
		return nil, fmt.Errorf("couldn't make a list: %w", err)
	}
	ocsp, err := g.PKI.OCSPFor(g.Signer, pki.OCSPOptions{})
	if err != nil {
		return nil, fmt.Errorf("couldn't make an OCSP answer: %w", err)
	}
	tsp, err := g.PKI.StampFor(g.Signer.Profile.Family, []byte("signature"))
	if err != nil {
		return nil, fmt.Errorf("couldn't make a time stamp: %w", err)
	}
	p12, err := g.Signer.PKCS12(Password)
	if err != nil {
		return nil, fmt.Errorf("couldn't make a PKCS #12 file: %w", err)
	}
	signature := func(der []byte) element { return last(der, 3) }
	signers := func(der []byte) element { return last(der, 0x31) }
	var out []Input
	for _, f := range []binaryFormat{
		{"cms", cms, messageDigest, signersOf},
		{"tsp", tsp, messageDigest, signersOf},
		{"certificate", g.Signer.Certificate, keyUsage, signature},
		{"crl", crl, crlNumber, signature},
		{"ocsp", ocsp, ocspNonce, signature},
		{"p12", p12, localKeyID, signers},
	} {
		out = append(out, f.inputs()...)
	}
	out = append(out, xmlInputs("xml", g.XML)...)
	out = append(out, xadesInputs(g.XAdES, tsp)...)
	out = append(out, xmlInputs("wsse", g.WSSE)...)
	return append(out, jwtInputs(g.Header, g.Payload, g.Signature)...), nil
}

// signersOf is the set of signers of a CMS: the last element of SignedData.
func signersOf(der []byte) (out element) {
	all := elements(der)
	for _, e := range all {
		if der[e.at] == 0x31 && e.to == len(der) {
			return e
		}
	}
	return all[0]
}
