// Package xades reads and writes the qualifying properties of XML signatures (ETSI EN 319 132-1 and -2, TS 101 903), in the
// namespaces of versions 1.1.1, 1.2.2, 1.3.2 and 1.4.1.
//
// [Read] takes the properties of a signature whose references have been followed (package xmldsig). What the signer states
// is believed only where a reference of the signature covers SignedProperties, where they stand: [Properties.Believed].
// [Properties.Verify] gives the outcomes of the rules for a certificate, [Properties.Stamps] the time stamps with what each is over and what it
// proves, [Properties.Evidence] what came along, [Properties.Level] the level.
//
// Everything is pure: no clock, no network. Work on time stamps is paid from the document's [xmldsig.Work], and only when a digest is asked for.
//
// # Attacks, and the rules that stop them
//
//   - Properties of another signature, or a second set of them: [RuleProperties] wants one QualifyingProperties, whose
//     Target is the signature.
//   - Signed properties beside the ones that are signed (wrapping), or signed ones that no reference covers: none are believed.
//   - A certificate exchanged for another one with the same key: [cms.RuleSigningCertificate].
//   - A time stamp of other data or another signature: its imprint is of exactly what stands here, and the parts that a
//     time stamp names itself (Include, HashDataInfo) must be parts of this very signature.
//   - A counter-signature of something else: [RuleCounterSignature].
//
// # Deviations
//
//   - Properties are not fetched from elsewhere: QualifyingPropertiesReference is noted.
//   - Time stamps in XML (XMLTimeStamp) and evidence records are named in the list of properties, and prove nothing.
//   - Any certificate named by SigningCertificate may be the signer's; which one is shown by the key. Issuer and serial number that
//     differ beside a digest that agrees are noted: programs write names in many ways.
//   - SignerRoleV2 and its predecessor are shown as claims; certified roles are not verified.
package xades
