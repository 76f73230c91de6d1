package algo

import (
	"crypto"
	"crypto/rsa"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// Signature is a signature algorithm. Values come from the parsers here and from [SignatureFor]; they are immutable.
type Signature struct {
	Name   string // such as "SHA256withRSA", "RSA-PSS with SHA-256", "GOST R 34.10-2012-512 with Streebog-512"
	OID    string // dotted, as it was read or is written
	Family Family // RSA for PKCS#1 v1.5, RSAPSS for PSS
	Hash   Hash   // 0 for Ed25519 and Ed448, which sign the message
	PSS    *PSSParams
	RFC    bool // GOST with s‖r, big-endian (RFC 4491, RFC 9215); false: r‖s, little-endian
}

// PSSParams are the parameters of RSASSA-PSS (RFC 4055 3.1).
type PSSParams struct {
	Hash       Hash // of the message and of MGF1
	SaltLength int  // octets
}

// signatureForm is what a signature OID says.
type signatureForm struct {
	oid    string
	family Family
	hash   Hash
	rfc    bool
	null   bool // parameters are written as NULL
}

var signatureForms = []signatureForm{
	{"1.2.840.113549.1.1.4", RSA, MD5, false, true},
	{"1.2.840.113549.1.1.5", RSA, SHA1, false, true},
	{"1.3.14.3.2.29", RSA, SHA1, false, true}, // the older name of the same, OIW secsig
	{"1.2.840.113549.1.1.14", RSA, SHA224, false, true},
	{"1.2.840.113549.1.1.11", RSA, SHA256, false, true},
	{"1.2.840.113549.1.1.12", RSA, SHA384, false, true},
	{"1.2.840.113549.1.1.13", RSA, SHA512, false, true},
	{"1.2.840.113549.1.1.16", RSA, SHA512_256, false, true},
	{"2.16.840.1.101.3.4.3.13", RSA, SHA3_224, false, true},
	{"2.16.840.1.101.3.4.3.14", RSA, SHA3_256, false, true},
	{"2.16.840.1.101.3.4.3.15", RSA, SHA3_384, false, true},
	{"2.16.840.1.101.3.4.3.16", RSA, SHA3_512, false, true},
	{"1.2.840.10045.4.1", ECDSA, SHA1, false, false},
	{"1.2.840.10045.4.3.1", ECDSA, SHA224, false, false},
	{"1.2.840.10045.4.3.2", ECDSA, SHA256, false, false},
	{"1.2.840.10045.4.3.3", ECDSA, SHA384, false, false},
	{"1.2.840.10045.4.3.4", ECDSA, SHA512, false, false},
	{"2.16.840.1.101.3.4.3.9", ECDSA, SHA3_224, false, false},
	{"2.16.840.1.101.3.4.3.10", ECDSA, SHA3_256, false, false},
	{"2.16.840.1.101.3.4.3.11", ECDSA, SHA3_384, false, false},
	{"2.16.840.1.101.3.4.3.12", ECDSA, SHA3_512, false, false},
	{oidEd25519, Ed25519, 0, false, false},
	{oidEd448, Ed448, 0, false, false},
	{"1.2.398.3.10.1.1.1.2", GOST2004, GOST94Test, false, true},
	{"1.3.6.1.4.1.6801.1.2.2", GOST2004, GOST94Test, false, true},
	{"1.2.398.3.10.1.1.2.3.1", GOST2012_256, Streebog256, false, true},
	{"1.2.398.3.10.1.1.2.3.2", GOST2012_512, Streebog512, false, true},
	{"1.2.643.2.2.3", GOST2004, GOST94CryptoPro, true, false},
	{"1.2.643.7.1.1.3.2", GOST2012_256, Streebog256, true, false},
	{"1.2.643.7.1.1.3.3", GOST2012_512, Streebog512, true, false},
	{"1.2.840.10040.4.3", DSA, SHA1, false, false},
	{"2.16.840.1.101.3.4.3.1", DSA, SHA224, false, false},
	{"2.16.840.1.101.3.4.3.2", DSA, SHA256, false, false},
	{"2.16.840.1.101.3.4.3.3", DSA, SHA384, false, false},
	{"2.16.840.1.101.3.4.3.4", DSA, SHA512, false, false},
}

// signatureByRaw finds the complete Signature by the contents octets of its OID, so that a parse allocates nothing.
var signatureByRaw = indexSignatures()

func indexSignatures() map[string]Signature {
	m := make(map[string]Signature, len(signatureForms))
	for _, f := range signatureForms {
		m[asn1ber.MustOID(f.oid)] = Signature{Name: signatureName(f.family, f.hash), OID: f.oid, Family: f.family, Hash: f.hash, RFC: f.rfc}
	}
	return m
}

func signatureName(f Family, h Hash) string {
	if h == 0 {
		return f.String()
	}
	return f.String() + " with " + h.Name()
}

// signatureByDER finds it by the whole AlgorithmIdentifier, with parameters absent or NULL.
var signatureByDER = indexSignatureIdentifiers()

func indexSignatureIdentifiers() map[string]Signature {
	m := make(map[string]Signature, 2*len(signatureByRaw))
	for raw, s := range signatureByRaw {
		for _, der := range commonIdentifiers(raw) {
			m[der] = s
		}
	}
	return m
}

var rawPSS = asn1ber.MustOID(oidPSS)

// ParseSignature reads the AlgorithmIdentifier of a signature (DER or BER). Parameters may be absent or NULL; PSS
// takes its own and needs them. DSA is returned with family DSA, so that it can be named; its Verify is
// ErrNotAllowed. Errors: ErrUnknownAlgorithm, ErrParameters, asn1ber.ErrSyntax.
func ParseSignature(algorithmIdentifier []byte) (Signature, error) {
	if s, ok := signatureByDER[string(algorithmIdentifier)]; ok {
		return s, nil
	}
	oid, params, err := readIdentifier(algorithmIdentifier)
	if err != nil {
		return Signature{}, err
	}
	return parseSignature(oid, params)
}

func parseSignature(oid []byte, params parameters) (Signature, error) {
	if string(oid) == rawPSS {
		p, err := parsePSSParams(params)
		if err != nil {
			return Signature{}, err
		}
		return pssSignature(p), nil
	}
	s, ok := signatureByRaw[string(oid)]
	if !ok {
		return Signature{}, unknown("signature", oid)
	}
	if !params.absentOrNull() && s.Family != DSA {
		return Signature{}, fmt.Errorf("%w: %s with unexpected parameters", ErrParameters, s.Name)
	}
	return s, nil
}

func pssSignature(p *PSSParams) Signature {
	return Signature{Name: signatureName(RSAPSS, p.Hash), OID: oidPSS, Family: RSAPSS, Hash: p.Hash, PSS: p}
}

// ParseCMSSignature reads the signatureAlgorithm of a SignerInfo, which may name only the kind of key (rsaEncryption,
// ecPublicKey, GOST keys: RFC 3370 3.2, RFC 5753 2.1.1, RFC 4490 3.2): then digest is the hash, and for GOST it must
// be the one that belongs to the key. Where the algorithm names its own hash, that one counts, and comparing it with
// digest is the caller's ([Signature.Hash]). Errors as of ParseSignature, and ErrMismatch.
func ParseCMSSignature(algorithmIdentifier []byte, digest Hash) (Signature, error) {
	if s, ok := signatureByDER[string(algorithmIdentifier)]; ok {
		return s, nil
	}
	oid, params, err := readIdentifier(algorithmIdentifier)
	if err != nil {
		return Signature{}, err
	}
	form, ok := keyByRaw[string(oid)]
	if !ok || form.family == Ed25519 || form.family == Ed448 || form.family == RSAPSS {
		return parseSignature(oid, params)
	}
	if !digest.Valid() {
		return Signature{}, fmt.Errorf("%w: %s key without a hash", ErrMismatch, form.family)
	}
	dotted, err := asn1ber.DottedOID(oid)
	if err != nil {
		return Signature{}, err
	}
	s := Signature{Name: signatureName(form.family, digest), OID: dotted, Family: form.family, Hash: digest, RFC: form.rfc}
	if form.gost() {
		if want := gostHash(form.family, form.rfc); digest != want {
			return Signature{}, fmt.Errorf("%w: %s with %s, not %s", ErrMismatch, form.family, digest, want)
		}
		return s, nil
	}
	if digest >= SHAKE256 {
		return Signature{}, fmt.Errorf("%w: %s with %s", ErrMismatch, form.family, digest)
	}
	if form.family == RSA && !params.absentOrNull() {
		return Signature{}, fmt.Errorf("%w: rsaEncryption with parameters", ErrParameters)
	}
	return s, nil
}

// parsePSSParams reads RSASSA-PSS-params (RFC 4055 3.1) and demands that all of them say one thing: MGF1 over the
// message's hash, a salt that fits, trailer 1.
func parsePSSParams(params parameters) (*PSSParams, error) {
	if !params.present || params.element.Tag != asn1ber.Sequence {
		return nil, fmt.Errorf("%w: PSS without parameters", ErrParameters)
	}
	r, err := params.element.Children()
	if err != nil {
		return nil, err
	}
	p := &PSSParams{}
	if p.Hash, err = optionalHash(&r, 0, SHA1); err != nil {
		return nil, err
	}
	mgf, err := optionalMGF(&r)
	if err != nil {
		return nil, err
	}
	salt, err := optionalInt(&r, 2, 20)
	if err != nil {
		return nil, err
	}
	trailer, err := optionalInt(&r, 3, 1)
	if err != nil {
		return nil, err
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if mgf != p.Hash || trailer != 1 || salt < 0 || salt > maxModulusBits/8 || p.Hash.Crypto() == crypto.Hash(0) {
		return nil, fmt.Errorf("%w: PSS with %s, MGF1 with %s, salt %d, trailer %d", ErrParameters, p.Hash, mgf, salt, trailer)
	}
	p.SaltLength = int(salt)
	return p, nil
}

func optionalHash(r *asn1ber.Reader, tag int, missing Hash) (Hash, error) {
	e, ok, err := r.Optional(asn1ber.Context(tag))
	if err != nil || !ok {
		return missing, err
	}
	id, err := e.Explicit(asn1ber.Sequence)
	if err != nil {
		return 0, err
	}
	return ParseHash(id.Raw)
}

var rawMGF1 = []byte(asn1ber.MustOID("1.2.840.113549.1.1.8"))

func optionalMGF(r *asn1ber.Reader) (Hash, error) {
	e, ok, err := r.Optional(asn1ber.Context(1))
	if err != nil || !ok {
		return SHA1, err
	}
	id, err := e.Explicit(asn1ber.Sequence)
	if err != nil {
		return 0, err
	}
	oid, params, err := identifierOf(id)
	if err != nil {
		return 0, err
	}
	if string(oid) != string(rawMGF1) || !params.present {
		return 0, fmt.Errorf("%w: mask generation is not MGF1", ErrParameters)
	}
	return ParseHash(params.element.Raw)
}

func optionalInt(r *asn1ber.Reader, tag int, missing int64) (int64, error) {
	e, ok, err := r.Optional(asn1ber.Context(tag))
	if err != nil || !ok {
		return missing, err
	}
	i, err := e.Explicit(asn1ber.Integer)
	if err != nil {
		return 0, err
	}
	return i.Int64()
}

// SignerOpts is what a crypto.Signer is asked with for this algorithm: the hash, PSS options, or 0 where the signer
// takes the message (Ed25519) or knows its hash (GOST).
func (s Signature) SignerOpts() crypto.SignerOpts {
	if s.PSS != nil {
		return &rsa.PSSOptions{SaltLength: s.PSS.SaltLength, Hash: s.PSS.Hash.Crypto()}
	}
	return s.Hash.Crypto()
}
