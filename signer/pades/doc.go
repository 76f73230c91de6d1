// Package pades reads signatures in PDF documents (ISO 32000-2 12.8, ETSI EN 319 142-1): what each covers, what was changed
// after it, what it allows to be changed, and the evidence that the document carries.
//
// A signature covers one revision of the file but for the hole in which it stands itself. [Open] finds all signatures and time
// stamps, holds each against the revision that it signs, and compares every later revision with the one before: [Change]
// names what was done. [Signature.Coverage] says whether the document that a reader shows is the one that was signed.
// [Signature.Verify] judges the cryptography; chains, revocation and times are for signer/engine.
//
// Everything is pure: bytes in, values out.
//
// # What later revisions may do
//
// Changes are not recognised by what a program usually writes, but by what can be reached: the comparison goes down from the
// catalog by rules, and a changed object that is reached on any other path as well is a [ChangeOther]. Evidence, time stamps
// and signatures that show nothing leave a signature with Whole coverage. Anything that shows on a page does not, filled
// fields and visible signatures of others included: a reader may see something that this signer never saw. What a
// certification (DocMDP) or a lock (FieldMDP) forbids is marked, a signature in a field that was empty and locked included; what is neither form, annotation, signature nor evidence is
// forbidden always.
//
// # Attacks, and what stops them
//
//   - Signature wrapping, universal forgery: ByteRange is [0 a b c], the hole is exactly the Contents of this very dictionary, and c
//     ends a revision of the file that holds the dictionary as it is now ([RuleByteRange], [RuleRevision], [RuleDictionary]).
//   - Incremental saving: every octet behind the range belongs to a revision that is compared, or is a change itself.
//   - Shadow attacks (hide, replace, hide and replace): fonts, form appearances shared with pages, objects that were missing when the
//     document was signed, object streams that are replaced, lengths that change are found by who refers to them.
//   - Streams that say they are object or cross-reference streams and are drawn all the same, objects that come back under another
//     generation, keys that stand twice: what is referred to counts as changed, whatever it says it is.
//   - What draws without an appearance of its own: a ground (MK), an annotation of another kind in the place of a widget, one that is for
//     print alone, a widget that the form had and no page, the order of annotations, fonts and colours that fields name and the form lacked.
//   - Scripts in fields that show nothing: a new field with an action is a [ChangeOther].
//   - Certification attacks (evil annotation, sneaky signature): visible signatures and annotations make the coverage Partial, and are
//     forbidden where the certification does not allow them.
//   - A CMS with a content of its own in place of the document: [RuleEncoding].
//   - Hundreds of signatures over a large file: each hash runs over the file once.
//
// # Deviations
//
//   - A lone annotation that is removed or changed is allowed without a certification, as a reader would do it; it makes the
//     coverage Partial.
//   - Usage rights (UR3) are not judged.
//   - A lock freezes the fields that there were, as the standard digests them: a signature, or a time stamp, in a field that is new is left to
//     the certification, even where the lock says All.
//   - Of a CMS with several signers (EN 319 142-1 5.1 wants one) each is judged.
//   - Attributes that PAdES wants in the CMS (EN 319 142-1 6.3) are judged as in CAdES.
package pades
