package engine_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
)

// policyWith is a preset in which some constraints have another level.
func policyWith(tb testing.TB, name string, levels map[engine.Constraint]engine.Level) engine.Policy {
	tb.Helper()
	text, err := engine.PolicyDocument(name)
	if err != nil {
		tb.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		tb.Fatal(err)
	}
	constraints, _ := d["constraints"].(map[string]any)
	for c, l := range levels {
		constraints[string(c)] = l
	}
	if text, err = json.Marshal(d); err != nil {
		tb.Fatal(err)
	}
	p, err := engine.LoadPolicy(text)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// policyAttribute is a signature-policy-identifier.
func (a *archive) policyAttribute(oid string, digest []byte) []byte {
	id, err := asn1ber.EncodedOID(oid)
	a.must(err)
	h, err := algo.SHA256.AlgorithmIdentifier()
	a.must(err)
	return a.attribute(cms.OIDSignaturePolicy, asn1ber.Wrap(asn1ber.Sequence, id,
		asn1ber.Wrap(asn1ber.Sequence, h, asn1ber.Primitive(asn1ber.OctetString, digest))))
}

// contentStamped is what a signer who had the content stamped first adds.
func (a *archive) contentStamped() pki.CMSOptions {
	return pki.CMSOptions{SignedAttributes: [][]byte{a.attribute(cms.OIDContentTimestamp, a.stamp(content, nil))}}
}

func (a *archive) later(d time.Duration) { a.clock = a.clock.Add(d) }

const day = 24 * time.Hour

// subDocuments has a document for each sub-indication of EN 319 102-1 5.1.3. Each is made in an archive of its own, judged at
// the clock's time by policy "standard" unless it sets another.
var subDocuments = map[report.SubIndication]func(a *archive) []byte{
	report.FormatFailure: func(*archive) []byte { return []byte("no signature at all") },
	report.HashFailure: func(a *archive) []byte {
		return bytes.Replace(a.sign(a.id, pki.CMSOptions{}), content, append([]byte("X"), content[1:]...), 1)
	},
	report.SigCryptoFailure: func(a *archive) []byte { return a.sign(a.id, pki.CMSOptions{CorruptSignature: true}) },
	report.Revoked: func(a *archive) []byte { // the content is proven to be younger than the revocation
		a.must(a.pki.Revoke(a.id, pki.KeyCompromise, a.clock.Add(-day)))
		a.listAll()
		return a.sign(a.id, a.contentStamped())
	},
	report.Expired: func(a *archive) []byte {
		a.later(2 * 365 * day)
		a.listAll()
		return a.sign(a.id, a.contentStamped())
	},
	report.NotYetValid: func(a *archive) []byte {
		id := a.issue(pki.Profile{NotBefore: a.clock.Add(2 * day)})
		doc := a.stamped(a.sign(id, pki.CMSOptions{}), nil)
		a.later(3 * day)
		a.listAll()
		return doc
	},
	report.SigConstraintsFailure: func(a *archive) []byte {
		a.set.Policy = policyWith(a, engine.PolicyStandard, map[engine.Constraint]engine.Level{engine.SigningCertificateBound: engine.Fail})
		return a.sign(a.id, pki.CMSOptions{NoSigningCertificateV2: true})
	},
	report.ChainConstraintsFailure: func(a *archive) []byte {
		return a.sign(a.issue(pki.Profile{Kind: pki.TimeStamping, Organisation: "TSA"}), pki.CMSOptions{})
	},
	report.ChainGeneralFailure: func(a *archive) []byte { // issued by somebody who may not issue
		return a.sign(a.issue(pki.Profile{Issuer: a.id}), pki.CMSOptions{Chain: true})
	},
	report.CryptoConstraintsFailure: func(a *archive) []byte {
		a.set.Algorithms = withoutFamily(a, "ECDSA")
		return a.sign(a.id, pki.CMSOptions{})
	},
	report.PolicyProcessingError: func(a *archive) []byte {
		a.set.Policy = signaturePolicy(a, []byte("the policy's text"))
		return a.sign(a.id, pki.CMSOptions{SignedAttributes: [][]byte{a.policyAttribute("1.2.398.9.9", make([]byte, 32))}})
	},
	report.PolicyNotAvailable: func(a *archive) []byte {
		a.set.Policy = policyWith(a, engine.PolicyStandard, map[engine.Constraint]engine.Level{engine.SignaturePolicyAvailable: engine.Fail})
		return a.sign(a.id, pki.CMSOptions{SignedAttributes: [][]byte{a.policyAttribute("1.2.398.9.9", make([]byte, 32))}})
	},
	report.TimestampOrderFailure: func(a *archive) []byte { // the content was stamped after the signature that covers the stamp
		a.later(2 * day)
		doc := a.sign(a.id, a.contentStamped())
		a.later(-day)
		doc = a.stamped(doc, nil)
		a.later(2 * day)
		a.listAll()
		return doc
	},
	report.NoSigningCertificateFound: func(a *archive) []byte { return a.sign(a.id, pki.CMSOptions{NoCertificate: true}) },
	report.NoCertificateChainFound: func(a *archive) []byte {
		a.set.Trust = a.trusting(pki.GOST2015)
		return a.sign(a.id, pki.CMSOptions{})
	},
	report.NoCertificateChainNoPOE: func(a *archive) []byte { // trust in the anchor has ended
		a.set.Trust = a.trustedUntil(a.clock.Add(-day))
		return a.sign(a.id, pki.CMSOptions{})
	},
	report.RevokedNoPOE: func(a *archive) []byte {
		doc := a.sign(a.id, pki.CMSOptions{})
		a.later(day)
		a.must(a.pki.Revoke(a.id, pki.KeyCompromise, a.clock))
		a.later(time.Hour)
		a.listAll()
		return doc
	},
	report.RevokedCANoPOE: func(a *archive) []byte {
		doc := a.sign(a.id, pki.CMSOptions{})
		a.must(a.pki.RevokeCA(a.pki.NCA(pki.ECDSA), pki.CACompromise, a.clock))
		a.later(time.Hour)
		a.listAll()
		return doc
	},
	report.OutOfBoundsNotRevoked: func(a *archive) []byte { // a list that keeps expired certificates shows that it was not revoked
		doc := a.sign(a.id, pki.CMSOptions{})
		a.later(2 * 365 * day)
		a.listAll()
		a.list(a.pki.NCA(pki.ECDSA), pki.CRLOptions{Extensions: []pki.Extension{{
			OID: "2.5.29.60", Value: asn1ber.Primitive(asn1ber.GeneralizedTime, []byte(a.start.AddDate(-1, 0, 0).Format("20060102150405Z"))),
		}}})
		return doc
	},
	report.OutOfBoundsNoPOE: func(a *archive) []byte {
		doc := a.sign(a.id, pki.CMSOptions{})
		a.later(2 * 365 * day)
		a.listAll()
		return doc
	},
	report.RevocationOutOfBounds: func(a *archive) []byte { // the responder's certificate has ended since
		doc := a.sign(a.id, pki.CMSOptions{})
		a.crls = a.crls[:1] // the root's list alone
		responder := a.issue(pki.Profile{Kind: pki.OCSPResponder, Organisation: "OCSP", Name: "short", NotAfter: a.clock.Add(time.Hour)})
		raw, err := a.pki.OCSPFor(a.id, pki.OCSPOptions{Responder: responder, NextUpdate: a.clock.Add(30 * day)})
		a.must(err)
		o, err := pkix.ParseOCSPResponse(raw)
		a.must(err)
		a.ocsp = append(a.ocsp, o)
		a.later(20 * time.Hour)
		return doc
	},
	report.CryptoConstraintsNoPOE: func(a *archive) []byte {
		a.set.Algorithms = endingAt(a, a.clock.Add(-30*day))
		return a.sign(a.id, pki.CMSOptions{})
	},
	report.NoPOE: func(a *archive) []byte { // past validation finds that nothing proves the evidence early enough
		doc := a.stamped(a.sign(a.id, pki.CMSOptions{}), a.issue(pki.Profile{Family: pki.GOST2015, Kind: pki.TimeStamping, Organisation: "TSA"}))
		a.must(a.pki.RevokeCA(a.pki.NCA(pki.ECDSA), pki.CACompromise, a.clock.Add(day)))
		a.later(2 * day)
		a.listAll()
		return doc
	},
	report.TryLater: func(a *archive) []byte {
		a.crls = nil
		return a.sign(a.id, pki.CMSOptions{})
	},
	report.SignedDataNotFound: func(a *archive) []byte { return a.sign(a.id, pki.CMSOptions{Detached: true}) },
}

// TestSubIndicationDocuments: every sub-indication of the standard is the result of a document, or of one of its blocks.
func TestSubIndicationDocuments(t *testing.T) {
	failed := []report.SubIndication{
		report.FormatFailure, report.HashFailure, report.SigCryptoFailure, report.Revoked, report.Expired, report.NotYetValid,
	}
	if n := len(report.SubIndications()); n != 25 || len(subDocuments) != n {
		t.Fatalf("%d sub-indications, %d documents", n, len(subDocuments))
	}
	for _, sub := range report.SubIndications() {
		t.Run(string(sub), func(t *testing.T) {
			a := newArchive(t)
			v := a.judge(subDocuments[sub](a))
			text := v.ETSI()
			checkETSI(t, text)
			if !bytes.Contains(text, []byte("urn:etsi:019102:subindication:"+string(sub)+"<")) || !bytes.Equal(v.ETSI(), text) {
				t.Error("the report does not say so, or not each time")
			}
			want := report.Indeterminate
			if slices.Contains(failed, sub) {
				want = report.TotalFailed
			}
			if sub == report.NoPOE { // a result of past validation; the document keeps the result that it could not lift
				a.want(v, want, report.RevokedCANoPOE)
				if !slices.ContainsFunc(v.Signatures[0].Blocks, func(b report.Block) bool { return b.Sub == sub }) {
					t.Errorf("%+v", v.Signatures[0].Blocks)
				}
				return
			}
			a.want(v, want, sub)
		})
	}
}

// trusting is a trust store of one family.
func (a *archive) trusting(f pki.Family) *engine.Trust {
	a.Helper()
	s, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{a.pki.AnchorsPEM(f)}, Intermediates: [][]byte{a.pki.IntermediatesPEM(f)}})
	a.must(err)
	return engine.NewTrust(s)
}

// withoutFamily is the built-in table without a family of keys.
func withoutFamily(a *archive, family string) *algo.Reliability {
	return a.table(func(row map[string]any) bool { return row["family"] != family }, nil)
}

// endingAt is the built-in table in which every ECDSA key ends at a time.
func endingAt(a *archive, end time.Time) *algo.Reliability {
	return a.table(func(map[string]any) bool { return true }, func(row map[string]any) {
		if row["family"] == "ECDSA" {
			row["end"] = end.Format(time.DateOnly)
		}
	})
}

// table is the built-in table with rows left out or changed.
func (a *archive) table(keep func(row map[string]any) bool, change func(row map[string]any)) *algo.Reliability {
	a.Helper()
	text, err := os.ReadFile("../algo/reliability.json")
	a.must(err)
	var d map[string]any
	a.must(json.Unmarshal(text, &d))
	rows, _ := d["keys"].([]any)
	var kept []any
	for _, r := range rows {
		row, _ := r.(map[string]any)
		if change != nil {
			change(row)
		}
		if keep(row) {
			kept = append(kept, row)
		}
	}
	d["keys"] = slices.DeleteFunc(kept, func(r any) bool { // one row is enough where all end
		row, _ := r.(map[string]any)
		return change != nil && row["family"] == "ECDSA" && row["bits_min"] != float64(224)
	})
	text, err = json.Marshal(d)
	a.must(err)
	t, err := algo.LoadReliability(text)
	a.must(err)
	return t
}

// signaturePolicy is a policy that knows the document of a signature policy and demands its digest.
func signaturePolicy(a *archive, document []byte) engine.Policy {
	a.Helper()
	text, err := engine.PolicyDocument(engine.PolicyStandard)
	a.must(err)
	var d map[string]any
	a.must(json.Unmarshal(text, &d))
	d["signature_policies"] = []any{map[string]any{"oid": "1.2.398.9.9", "document": document}}
	constraints, _ := d["constraints"].(map[string]any)
	constraints[string(engine.SignaturePolicyDigest)] = engine.Fail
	text, err = json.Marshal(d)
	a.must(err)
	p, err := engine.LoadPolicy(text)
	a.must(err)
	return p
}

// trustedUntil is the trust store with anchors that are no longer trusted.
func (a *archive) trustedUntil(end time.Time) *engine.Trust {
	a.Helper()
	return engine.NewTrust(a.store).Until(end)
}
