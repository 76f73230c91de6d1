package cms

import (
	"bytes"
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// Verify checks one signature against its content and the signer's certificate. For an attached signature content may
// be the zero Content; when it is given, it must agree with what is inside. cert is never trusted here: whether it may
// sign and chains to an anchor is for signer/path.
//
// All rules are always judged, so that a report can show every fault; the result is for a policy to weigh. A result
// whose Worst is Passed or Noted means: cert's key made this signature over this content.
func (si *SignerInfo) Verify(content Content, cert *pkix.Certificate) Checks {
	v := verification{si: si, cert: cert, content: content, checks: make(Checks, 0, 10)}
	v.algorithms()
	v.signerIdentifier()
	v.signingCertificate()
	v.signedAttributes()
	if si.HasSignedAttributes {
		v.contentType()
		v.messageDigest()
		v.faulty(RuleSigningTime, "RFC 5652 11.3")
		v.algorithmProtection()
	}
	v.signature()
	return v.checks
}

type verification struct {
	si      *SignerInfo
	cert    *pkix.Certificate
	content Content
	checks  Checks
}

func (v *verification) pass(rule Rule, clause string) {
	v.checks = append(v.checks, Check{Rule: rule, Clause: clause})
}

func (v *verification) note(rule Rule, clause, detail string) {
	v.checks = append(v.checks, Check{Rule: rule, Clause: clause, Status: Noted, Detail: detail})
}

func (v *verification) undecided(rule Rule, clause, sub, detail string) {
	v.checks = append(v.checks, Check{Rule: rule, Clause: clause, Status: Undecided, Sub: sub, Detail: detail})
}

func (v *verification) fail(rule Rule, clause, sub, detail string) {
	v.checks = append(v.checks, Check{Rule: rule, Clause: clause, Status: Failed, Sub: sub, Detail: detail})
}

// faulty reports the faults that parsing left for a rule, or passes it where the attribute is there.
func (v *verification) faulty(rule Rule, clause string) bool {
	found := false
	for _, f := range v.si.faults {
		if f.rule == rule {
			v.fail(rule, clause, SubFormat, f.detail)
			found = true
		}
	}
	if !found && rule == RuleSigningTime && !v.si.SigningTime.IsZero() {
		v.pass(rule, clause)
	}
	return found
}

// algorithms: both are known and allowed, and digestAlgorithm is the hash of the signature algorithm. Otherwise an
// attacker could have content hashed by a weak function that the signer never used (algorithm confusion).
func (v *verification) algorithms() {
	const clause = "RFC 5652 5.3, 5.6; RFC 6211 1"
	si := v.si
	switch {
	case si.DigestErr != nil:
		v.undecided(RuleAlgorithms, clause, SubCryptoConstraints, "digest: "+si.DigestErr.Error())
	case si.SignatureErr != nil:
		v.undecided(RuleAlgorithms, clause, SubCryptoConstraints, "signature: "+si.SignatureErr.Error())
	case si.SignatureAlgorithm.Family == algo.DSA:
		v.undecided(RuleAlgorithms, clause, SubCryptoConstraints, "DSA is not allowed")
	case si.SignatureAlgorithm.Family == algo.Ed25519:
		if si.DigestAlgorithm != algo.SHA512 { // RFC 8419 3.1
			v.fail(RuleAlgorithms, "RFC 8419 3.1", SubSignature, fmt.Sprintf("Ed25519 with digest %s", si.DigestAlgorithm))
			return
		}
		v.pass(RuleAlgorithms, clause)
	case si.SignatureAlgorithm.Family == algo.Ed448:
		if si.DigestAlgorithm != algo.SHAKE256 { // RFC 8419 3.1
			v.fail(RuleAlgorithms, "RFC 8419 3.1", SubSignature, fmt.Sprintf("Ed448 with digest %s", si.DigestAlgorithm))
			return
		}
		v.pass(RuleAlgorithms, clause)
	case si.SignatureAlgorithm.Hash != si.DigestAlgorithm:
		v.fail(RuleAlgorithms, clause, SubSignature,
			fmt.Sprintf("digest algorithm %s, signature algorithm %s", si.DigestAlgorithm, si.SignatureAlgorithm.Name))
	default:
		v.pass(RuleAlgorithms, clause)
	}
}

func (v *verification) signerIdentifier() {
	const clause = "RFC 5652 5.3; EN 319 102-1 5.2.3"
	switch {
	case v.cert == nil:
		v.undecided(RuleSignerIdentifier, clause, SubNoCertificate, "no certificate of the signer")
	case !v.si.Names(v.cert):
		v.undecided(RuleSignerIdentifier, clause, SubNoCertificate, "the signature names another certificate")
	default:
		v.pass(RuleSignerIdentifier, clause)
	}
}

// signingCertificate: every signing-certificate attribute that is there binds to cert. Without the attribute anybody
// can put another certificate of the same key, or one made with the same issuer and serial number, beside the
// signature.
func (v *verification) signingCertificate() {
	const clause = "EN 319 122-1 5.2.2; EN 319 102-1 5.2.3"
	if v.faulty(RuleSigningCertificate, clause) || v.cert == nil {
		return
	}
	if len(v.si.SigningCertificates) == 0 {
		v.note(RuleSigningCertificate, clause, "no signing-certificate attribute: not a CAdES signature")
		return
	}
	for i := range v.si.SigningCertificates {
		id := &v.si.SigningCertificates[i]
		ok, err := id.Matches(v.cert)
		switch {
		case err != nil:
			v.undecided(RuleSigningCertificate, clause, SubNoCertificate, err.Error())
			return
		case !ok:
			v.undecided(RuleSigningCertificate, clause, SubNoCertificate, "bound to another certificate")
			return
		case !id.IssuerMatches(v.cert):
			v.undecided(RuleSigningCertificate, clause, SubNoCertificate, "issuer or serial number of another certificate")
			return
		}
	}
	v.pass(RuleSigningCertificate, clause)
}

// signedAttributes: they are obligatory for content other than data, and where they are missing the content must not
// be signed attributes itself: a signature made over the attributes of one document would verify as a signature over
// another "document" that consists of those attributes.
func (v *verification) signedAttributes() {
	const clause = "RFC 5652 5.3, 5.4"
	if v.si.HasSignedAttributes {
		v.pass(RuleSignedAttributes, clause)
		return
	}
	if v.si.data != nil && v.si.data.ContentType != OIDData {
		v.fail(RuleSignedAttributes, clause, SubFormat, "missing with content of type "+v.si.data.ContentType)
		return
	}
	content, err := v.effectiveContent()
	if err != nil {
		v.undecided(RuleSignedAttributes, clause, SubNoSignedData, err.Error())
		return
	}
	switch resembles, known := content.resemblesAttributes(); {
	case !known:
		v.undecided(RuleSignedAttributes, clause, SubNoSignedData,
			"missing, and the content itself is needed to see that it is not signed attributes")
	case resembles:
		v.fail(RuleSignedAttributes, clause, SubFormat, "missing, and the content is a set of attributes")
	default:
		v.note(RuleSignedAttributes, clause, "missing: not an AdES signature")
	}
}

// effectiveContent is the given content, or the attached one.
func (v *verification) effectiveContent() (Content, error) {
	if v.content.Present() {
		return v.content, nil
	}
	if v.si.data != nil && v.si.data.HasContent {
		return v.si.data.AttachedContent(), nil
	}
	return Content{}, ErrNoContent
}

// contentType: exactly one content-type attribute, equal to eContentType, or none in a counter-signature. It keeps a
// signature over, say, a time-stamp's TSTInfo from being presented as one over data.
func (v *verification) contentType() {
	const clause = "RFC 5652 5.3, 11.1, 11.4"
	if v.faulty(RuleContentType, clause) {
		return
	}
	given := v.si.ContentType
	switch {
	case v.si.data == nil && given != "":
		v.fail(RuleContentType, clause, SubFormat, "content-type in a counter-signature")
	case v.si.data == nil:
		v.pass(RuleContentType, clause)
	case given == "":
		v.fail(RuleContentType, clause, SubFormat, "attribute missing")
	case given != v.si.data.ContentType:
		v.fail(RuleContentType, clause, SubFormat, fmt.Sprintf("signed for %s, content is %s", given, v.si.data.ContentType))
	default:
		v.pass(RuleContentType, clause)
	}
}

// messageDigest: exactly one, and that of the content; of the content inside and the content given, if both are there.
func (v *verification) messageDigest() {
	const clause = "RFC 5652 5.4, 11.2; EN 319 102-1 5.2.7"
	if v.faulty(RuleMessageDigest, clause) {
		return
	}
	if v.si.MessageDigest == nil {
		v.fail(RuleMessageDigest, clause, SubFormat, "attribute missing")
		return
	}
	if v.si.DigestErr != nil {
		v.undecided(RuleMessageDigest, clause, SubCryptoConstraints, v.si.DigestErr.Error())
		return
	}
	content, err := v.effectiveContent()
	if err == nil {
		err = v.compareDigest(content)
	}
	if err == nil && v.content.Present() && v.si.data != nil && v.si.data.HasContent {
		err = v.compareDigest(v.si.data.AttachedContent())
	}
	switch {
	case errors.Is(err, errDigestDiffers):
		v.fail(RuleMessageDigest, clause, SubHash, err.Error())
	case err != nil:
		v.undecided(RuleMessageDigest, clause, SubNoSignedData, err.Error())
	default:
		v.pass(RuleMessageDigest, clause)
	}
}

var errDigestDiffers = errors.New("the content is not what was signed")

func (v *verification) compareDigest(c Content) error {
	var space [algo.MaxHashSize]byte
	digest, err := c.appendDigest(space[:0], v.si.DigestAlgorithm)
	if err != nil {
		return err
	}
	if !bytes.Equal(digest, v.si.MessageDigest) {
		return errDigestDiffers
	}
	return nil
}

// algorithmProtection: the signed copy of the algorithms, where there is one, is what the signature says outside.
func (v *verification) algorithmProtection() {
	const clause = "RFC 6211 2"
	a, n := find(v.si.SignedAttributes, OIDAlgorithmProtection)
	if n == 0 {
		return
	}
	if n > 1 {
		v.fail(RuleAlgorithmProtection, clause, SubFormat, "attribute stands more than once")
		return
	}
	digest, signature, err := readAlgorithmProtection(a, v.si.DigestAlgorithm)
	switch {
	case err != nil:
		v.fail(RuleAlgorithmProtection, clause, SubFormat, err.Error())
	case digest != v.si.DigestAlgorithm || signature.Family != v.si.SignatureAlgorithm.Family ||
		signature.Hash != v.si.SignatureAlgorithm.Hash:
		v.fail(RuleAlgorithmProtection, clause, SubSignature, "other algorithms were signed")
	default:
		v.pass(RuleAlgorithmProtection, clause)
	}
}

// readAlgorithmProtection reads CMSAlgorithmProtection of a signature: SEQUENCE { digest, [1] signature }.
func readAlgorithmProtection(a *Attribute, digest algo.Hash) (algo.Hash, algo.Signature, error) {
	value, err := single(a.values.Fresh(valueLimits))
	if err != nil {
		return 0, algo.Signature{}, err
	}
	r, err := value.Children()
	if err != nil {
		return 0, algo.Signature{}, err
	}
	id, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return 0, algo.Signature{}, err
	}
	h, err := algo.ParseHash(id.Raw)
	if err != nil {
		return 0, algo.Signature{}, err
	}
	tagged, err := r.Read(asn1ber.Context(1))
	if err != nil {
		return 0, algo.Signature{}, err
	}
	s, err := algo.ParseCMSSignature(asn1ber.Wrap(asn1ber.Sequence, tagged.Content), digest)
	if err != nil {
		return 0, algo.Signature{}, err
	}
	return h, s, r.End()
}

// signature: the mathematics, over the DER of the signed attributes, or over the content where there are none.
func (v *verification) signature() {
	const clause = "RFC 5652 5.6; EN 319 102-1 5.2.7"
	si := v.si
	if si.SignatureErr != nil || si.DigestErr != nil || v.cert == nil {
		v.undecided(RuleSignature, clause, v.undecidedSub(), "algorithm or certificate missing")
		return
	}
	if v.cert.PublicKeyErr != nil {
		v.undecided(RuleSignature, clause, SubCryptoConstraints, v.cert.PublicKeyErr.Error())
		return
	}
	var err error
	if si.HasSignedAttributes {
		err = v.overAttributes()
	} else {
		err = v.overContent()
	}
	switch {
	case err == nil:
		v.pass(RuleSignature, clause)
	case errors.Is(err, algo.ErrSignature), errors.Is(err, algo.ErrMismatch), errors.Is(err, asn1ber.ErrSyntax):
		v.fail(RuleSignature, clause, SubSignature, err.Error())
	case errors.Is(err, ErrNoContent), errors.Is(err, ErrNoDigest), errors.Is(err, algo.ErrNeedsMessage):
		v.undecided(RuleSignature, clause, SubNoSignedData, err.Error())
	default:
		v.undecided(RuleSignature, clause, SubCryptoConstraints, err.Error())
	}
}

func (v *verification) undecidedSub() string {
	if v.cert == nil {
		return SubNoCertificate
	}
	return SubCryptoConstraints
}

// overAttributes verifies over the DER of the attributes as a SET OF. Some signers hash what they wrote although it is
// not DER: those octets, which are the ones that were parsed, are tried next, so that a report can tell a sloppy signer
// from a forged signature. The rule about the encoding fails then.
func (v *verification) overAttributes() error {
	si := v.si
	asWritten := si.taggedAttributes()
	if asn1ber.IsDER(asWritten, asn1ber.Limits{Depth: si.limits.Depth, Elements: si.limits.Elements}) {
		return si.SignatureAlgorithm.Verify(v.cert.PublicKey, asWritten, si.Signature)
	}
	const clause = "RFC 5652 5.4"
	der, err := si.SignedOctets()
	if err != nil {
		return err
	}
	if err = si.SignatureAlgorithm.Verify(v.cert.PublicKey, der, si.Signature); err == nil {
		v.note(RuleAttributeEncoding, clause, "written in BER, signed in DER")
		return nil
	}
	if errors.Is(err, algo.ErrSignature) && si.SignatureAlgorithm.Verify(v.cert.PublicKey, asWritten, si.Signature) == nil {
		v.fail(RuleAttributeEncoding, clause, SubSignature, "signed as written, which is not DER")
		return nil
	}
	return err
}

func (v *verification) overContent() error {
	content, err := v.effectiveContent()
	if err != nil {
		return err
	}
	s := v.si.SignatureAlgorithm
	if s.SignsMessage() {
		if !content.whole {
			return algo.ErrNeedsMessage
		}
		return s.Verify(v.cert.PublicKey, content.octets, v.si.Signature)
	}
	var space [algo.MaxHashSize]byte
	digest, err := content.appendDigest(space[:0], v.si.DigestAlgorithm)
	if err != nil {
		return err
	}
	return s.VerifyDigest(v.cert.PublicKey, digest, v.si.Signature)
}

// taggedAttributes are the attributes as written, under the tag of SET OF in place of [0].
func (si *SignerInfo) taggedAttributes() []byte {
	out := bytes.Clone(si.RawSignedAttributes)
	if len(out) > 0 {
		out[0] = 0x31
	}
	return out
}

// SignedOctets are the octets whose digest is signed: the signed attributes as a DER SET OF (RFC 5652 5.4), in a new
// slice; nil when there are none, and the content is signed itself.
func (si *SignerInfo) SignedOctets() ([]byte, error) {
	if !si.HasSignedAttributes {
		return nil, nil
	}
	asWritten := si.taggedAttributes()
	limits := asn1ber.Limits{Depth: si.limits.Depth, Elements: si.limits.Elements}
	if asn1ber.IsDER(asWritten, limits) {
		return asWritten, nil
	}
	set, err := asn1ber.Parse(asWritten, asn1ber.BER, limits)
	if err != nil {
		return nil, err
	}
	return asn1ber.SetToDER(set)
}
