// Package ncanode speaks the HTTP interface of NCANode v3, so that its users change only the URL: CMS, XML, WS-Security, PDF,
// certificates, PKCS #12 files and JSON Web Tokens, with their paths, members and defaults.
//
// It translates: requests into calls of signer.Service, verdicts into NCANode's answers, errors into NCANode's shape
// {status, message, details}. What a signature is worth is decided by the service alone, by the same rules as everywhere
// else in the gateway. The contract is openapi.yaml beside this file. Nothing of HTTP is known here; package api routes.
//
// Members that NCANode does not know are ours and come in addition: `indication`, `subIndication`, `problems`, `notes`,
// `code`, `field`, `developerDetail`, `traceId`, and `status` of a revocation.
//
// # Secrets
//
// Keys and passwords come in the body. They are in no log and no error; the body and the decoded files are overwritten once
// they were answered. Go's strings and big integers cannot be: copies live until the memory is used again.
//
// # Deviations
//
// Verdicts. NCANode answers valid:true, this package valid:false and says why in `problems`:
//
//   - CMS without signers, or without the signer's certificate.
//   - An attached CMS whose content is not the `data` that came with it.
//   - A certificate whose chain does not lead to an anchor by RFC 5280, that is out of date anywhere in the chain, or whose
//     key is not for signing documents (№500/НҚ 16).
//   - Revocation that was asked for and that no authentic, fresh answer about this very certificate shows to be good. Then
//     `revoked` is null where NCANode says false. A certificate that the responder does not know is revoked:true.
//   - XML of which the signatures cover only a part, unless the request names that part by `referenceUri`; a SOAP message
//     whose Body, where it stands, is not covered. Signatures are found by namespace, not by the prefix ds.
//   - A time stamp that is over other data, or that cannot be trusted: `tsp` is null. One that holds is the time of
//     validation.
//   - PDF of which one signature is good and another is not, that was changed behind what is signed, or in which something
//     that shows on a page came after a signature.
//   - A JSON Web Token that is not valid now, or whose certificate is not.
//
// valid of a certificate that stands with a signature is false, too, when the signature does not hold. With both OCSP and CRL
// asked for, one of them that is unavailable is tolerated when the other says good (№500/НҚ 16). With none asked for,
// evidence that the document carries still counts. /wsse/verify lists all signers, not the first alone.
//
// Signing. A certificate that is revoked, out of date, untrusted or not for documents does not sign (№500/НҚ 4): 400. CMS are
// CAdES, with signing-certificate-v2. A valid `keyAlias` is used; NCANode takes the first key. Time stamps are over the hash
// of the signer's own algorithm. `trimXml` does not break signatures that are there: 400. XML keeps its form; only the
// signature is added. `clearSignatures` removes signatures wherever they stand.
//
// Requests. Unknown members are passed over and null means absent, as there. A member that comes twice, another type, a
// deep or long body is 400. A DOCTYPE is 400, and so is an XML declaration of another encoding than UTF-8: the text came as
// JSON. Empty `data` is 400. `contactInfo` of PDF is taken, and neither written nor read.
//
// Statuses. What the client can mend is 4xx where NCANode says 500; a time-stamping authority that fails is 503. There
// are no CORS headers: keys and passwords are not for scripts of other sites.
package ncanode
