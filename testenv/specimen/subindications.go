package specimen

import (
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// SubIndication makes the document of a sub-indication; the test fails where there is none.
func SubIndication(tb testing.TB, sub report.SubIndication) Case {
	tb.Helper()
	make, ok := documents()[sub]
	if !ok {
		tb.Fatalf("there is no document for %s", sub)
	}
	l := newLab(tb)
	l.out.Title = make.title
	l.out.Document = make.document(l)
	l.out.Now = l.Clock
	return l.out
}

type document struct {
	title    string
	document func(l *lab) []byte
}

const signaturePolicy = "1.2.398.9.9"

// documents has one for each sub-indication. Each is made in a lab of its own.
func documents() map[report.SubIndication]document {
	return map[report.SubIndication]document{
		report.FormatFailure:         {"a text that nobody signed", func(*lab) []byte { return []byte("no signature at all") }},
		report.HashFailure:           {"one letter of the content is another", func(l *lab) []byte { return changed(l.Sign(l.ID, pki.CMSOptions{})) }},
		report.SigCryptoFailure:      {"one bit of the signature value is another", func(l *lab) []byte { return l.Sign(l.ID, pki.CMSOptions{CorruptSignature: true}) }},
		report.Revoked:               {"the content was stamped after the certificate was revoked", signedAfterRevocation},
		report.Expired:               {"the content was stamped after the certificate had ended", signedAfterEnd},
		report.NotYetValid:           {"stamped before the certificate begins", signedTooEarly},
		report.TimestampOrderFailure: {"the content time stamp is younger than the time stamp of the signature over it", stampsInDisorder},
		report.SigConstraintsFailure: {"the policy wants the certificate bound, and it is not", func(l *lab) []byte {
			l.out.Policy = standard(l, failing(engine.SigningCertificateBound))
			return l.Sign(l.ID, pki.CMSOptions{NoSigningCertificateV2: true})
		}},
		report.ChainConstraintsFailure: {"signed with the key of a time-stamping authority", func(l *lab) []byte {
			return l.Sign(l.Issue(pki.Profile{Kind: pki.TimeStamping, Organisation: "TSA"}), pki.CMSOptions{})
		}},
		report.ChainGeneralFailure: {"the certificate was issued by a citizen", func(l *lab) []byte {
			return l.Sign(l.Issue(pki.Profile{Issuer: l.ID}), pki.CMSOptions{Chain: true})
		}},
		report.CryptoConstraintsFailure: {"the policy's table has no ECDSA", func(l *lab) []byte {
			l.out.Policy = standard(l, reliable(time.Time{}))
			return l.Sign(l.ID, pki.CMSOptions{})
		}},
		report.CryptoConstraintsNoPOE: {"ECDSA ended a month ago, and no time stamp proves that the signature is older", func(l *lab) []byte {
			l.out.Policy = standard(l, reliable(l.Clock.Add(-30*day)))
			return l.Sign(l.ID, pki.CMSOptions{})
		}},
		report.PolicyProcessingError: {"the signer names a signature policy by the digest of another text", func(l *lab) []byte {
			l.out.Policy = standard(l, knowing(signaturePolicy))
			return l.Sign(l.ID, l.naming(signaturePolicy))
		}},
		report.PolicyNotAvailable: {"the signature policy that the signer names is not known, and the policy wants it", func(l *lab) []byte {
			l.out.Policy = standard(l, failing(engine.SignaturePolicyAvailable))
			return l.Sign(l.ID, l.naming(signaturePolicy))
		}},
		report.NoSigningCertificateFound: {"no certificate of the signer anywhere", func(l *lab) []byte {
			return l.Sign(l.ID, pki.CMSOptions{NoCertificate: true})
		}},
		report.NoCertificateChainFound: {"the authority is not among those that are trusted", func(l *lab) []byte {
			l.out.Anchors, l.out.Intermediates = [][]byte{l.PKI.AnchorsPEM(pki.GOST2015)}, [][]byte{l.PKI.IntermediatesPEM(pki.GOST2015)}
			return l.Sign(l.ID, pki.CMSOptions{})
		}},
		report.NoCertificateChainNoPOE: {"the authority's accreditation ended yesterday", func(l *lab) []byte {
			l.out.Anchors = nil
			l.out.Lists = [][]byte{trustedUntil(l, l.PKI.AnchorsPEM(), l.Clock.Add(-30*day), l.Clock.Add(-day))}
			return l.Sign(l.ID, pki.CMSOptions{})
		}},
		report.RevokedNoPOE:          {"revoked a day after signing, and nothing proves when that was", revokedSince},
		report.RevokedCANoPOE:        {"the authority was revoked since", authorityRevokedSince},
		report.NoPOE:                 {"stamped, and the authority fell: nothing proves the evidence to be older", authorityFell},
		report.OutOfBoundsNotRevoked: {"the certificate has ended, and a list that keeps ended ones shows that it was not revoked", endedUnrevoked},
		report.OutOfBoundsNoPOE: {"the certificate has ended", func(l *lab) []byte {
			doc := l.Sign(l.ID, pki.CMSOptions{})
			l.Later(2 * 365 * day)
			l.listAll()
			return doc
		}},
		report.RevocationOutOfBounds: {"the certificate of the OCSP responder has ended", responderEnded},
		report.TryLater: {"no revocation evidence is at hand", func(l *lab) []byte {
			l.out.Evidence = nil
			return l.Sign(l.ID, pki.CMSOptions{})
		}},
		report.SignedDataNotFound: {"detached, and no original was handed in", func(l *lab) []byte {
			return l.Sign(l.ID, pki.CMSOptions{Detached: true})
		}},
	}
}

func signedAfterRevocation(l *lab) []byte {
	l.Must(l.PKI.Revoke(l.ID, pki.KeyCompromise, l.Clock.Add(-day)))
	l.listAll()
	return l.Sign(l.ID, l.ContentStamped())
}

func signedAfterEnd(l *lab) []byte {
	l.Later(2 * 365 * day)
	l.listAll()
	return l.Sign(l.ID, l.ContentStamped())
}

func signedTooEarly(l *lab) []byte {
	id := l.Issue(pki.Profile{NotBefore: l.Clock.Add(2 * day)})
	doc := l.Stamped(l.Sign(id, pki.CMSOptions{}), nil)
	l.Later(3 * day)
	l.listAll()
	return doc
}

func stampsInDisorder(l *lab) []byte {
	l.Later(2 * day)
	doc := l.Sign(l.ID, l.ContentStamped())
	l.Later(-day)
	doc = l.Stamped(doc, nil)
	l.Later(2 * day)
	l.listAll()
	return doc
}

func revokedSince(l *lab) []byte {
	doc := l.Sign(l.ID, pki.CMSOptions{})
	l.Later(day)
	l.Must(l.PKI.Revoke(l.ID, pki.KeyCompromise, l.Clock))
	l.Later(time.Hour)
	l.listAll()
	return doc
}

func authorityRevokedSince(l *lab) []byte {
	doc := l.Sign(l.ID, pki.CMSOptions{})
	l.Must(l.PKI.RevokeCA(l.PKI.NCA(pki.ECDSA), pki.CACompromise, l.Clock))
	l.Later(time.Hour)
	l.listAll()
	return doc
}

// authorityFell: past validation comes to NO_POE; the document keeps the result that it could not lift.
func authorityFell(l *lab) []byte {
	stamper := l.Issue(pki.Profile{Family: pki.GOST2015, Kind: pki.TimeStamping, Organisation: "TSA"})
	doc := l.Stamped(l.Sign(l.ID, pki.CMSOptions{}), stamper)
	l.Must(l.PKI.RevokeCA(l.PKI.NCA(pki.ECDSA), pki.CACompromise, l.Clock.Add(day)))
	l.Later(2 * day)
	l.listAll()
	return doc
}

func endedUnrevoked(l *lab) []byte {
	doc := l.Sign(l.ID, pki.CMSOptions{})
	l.Later(2 * 365 * day)
	l.listAll()
	l.list(l.PKI.NCA(pki.ECDSA), pki.CRLOptions{Extensions: []pki.Extension{{
		OID: "2.5.29.60", Value: asn1ber.Primitive(asn1ber.GeneralizedTime, []byte(l.Start.AddDate(-1, 0, 0).Format("20060102150405Z"))),
	}}})
	return doc
}

func responderEnded(l *lab) []byte {
	doc := l.Sign(l.ID, pki.CMSOptions{})
	l.out.Evidence = l.out.Evidence[:1] // the root's list alone
	responder := l.Issue(pki.Profile{Kind: pki.OCSPResponder, Organisation: "OCSP", Name: "short", NotAfter: l.Clock.Add(time.Hour)})
	raw, err := l.PKI.OCSPFor(l.ID, pki.OCSPOptions{Responder: responder, NextUpdate: l.Clock.Add(30 * day)})
	l.Must(err)
	l.out.Evidence = append(l.out.Evidence, raw)
	l.Later(20 * time.Hour)
	return doc
}
