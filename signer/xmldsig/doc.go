// Package xmldsig reads, checks and writes XML signatures (W3C XMLDSig 1.1, XPath Filter 2.0) and their use in WS-Security
// (OASIS X.509 Token Profile 1.1), as the national software makes them and as XAdES builds upon them.
//
// [Open] finds every ds:Signature of a parsed document. [Signature.Check] works out what each reference covers and
// whether its digest agrees; [Checked.Verify] adds the mathematics for a certificate. Outcomes are [cms.Checks], one per
// rule, with its clause; a policy decides over them. Trust, chains and revocation are decided elsewhere, and so is what
// the qualifying properties of XAdES mean: they are located ([Signature.Qualifying]), and [Checked.Covers] tells whether
// they are signed.
//
// What was signed is a result, not an assumption: each [Outcome] holds the very nodes and octets that were digested and
// a [Scope] that names them: the whole document but for signatures, or parts with their path and identifier. A program
// that goes on to use the document must take it from there.
//
// [Sign], [SignEnveloped] and [SignWSS] write signatures with any crypto.Signer, in compact form: the e-government
// gateway drops white space between the elements of SignedInfo.
//
// Everything is pure: no clock, no network. References to other places are never followed; their content is handed in.
//
// # Attacks, and the rules that stop them
//
//   - Signature wrapping: [Scope] tells what is covered; an identifier borne twice is [xmltree.ErrDuplicateID].
//   - A second SignedInfo, or markup inside a value (CVE-2025-29774, -29775): [RuleStructure].
//   - Comments that split a value (CVE-2025-25291, -25292): there is one tree, and values with anything but text inside
//     are refused.
//   - DTD, entities: xmltree refuses them. XSLT, and every transform that is not listed in this package: refused.
//   - XPath made to be slow, thousands of references to a large document: [Limits], shared by all of a document.
//   - Keys in KeyValue: offered apart ([KeyInfo.Keys]), never used.
//
// # National signatures
//
// KalkanCrypt signs a document several times by adding signatures, each over the document with those that were there.
// An older one therefore covers the document without the signatures behind it. Where its digest does not agree with the
// standard meaning, it is tried with them removed, and then noted ([Outcome.Without]).
//
// # Deviations
//
//   - Refused although standard: HMAC, DSA, XSLT, XPointers other than / and id(), the transforms of OPC and STR.
//   - ECDSA values in DER or with numbers of another length than the group's are taken and noted.
//   - A manifest's references are judged: a digest that does not agree fails, missing content is noted; so is a manifest
//     that the signature does not cover.
//   - Identifiers that several elements bear are noted in the document and refused where a reference uses one.
//   - A reference whose Type names a part of its signature must cover that part where it belongs ([ErrMisplaced]).
package xmldsig
