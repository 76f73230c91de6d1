package signer_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/signer/tsp"
)

// part is a place of a document whose bits are all changed, one after the other.
type part struct {
	name  string
	bytes []byte
}

// issuerOf finds the certificate whose key signed another, among all of the corpus.
func issuerOf(c *pkix.Certificate, all []kzCertificate) *pkix.Certificate {
	for _, o := range all {
		if bytes.Equal(o.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(o.Certificate) == nil {
			return o.Certificate
		}
	}
	return nil
}

// TestConformanceKZFlippedCertificates changes each bit of each certificate: in what is signed, in the algorithm, in the signature.
func TestConformanceKZFlippedCertificates(t *testing.T) {
	s := kzConformance(t, "national certificates with one bit changed")
	all := kzCertificates(t)
	for _, c := range all {
		issuer := issuerOf(c.Certificate, all)
		if issuer == nil {
			t.Fatalf("%s: nobody issued it", c.name)
		}
		for _, p := range []part{{"signed part", c.RawTBS}, {"algorithm", c.RawSignatureAlgorithm}, {"signature", c.Signature}, {"whole", c.Raw}} {
			from, to := place(t, c.Raw, p.bytes)
			if p.name == "algorithm" { // it stands in the signed part, too
				from = bytes.LastIndex(c.Raw[:len(c.Raw)-len(c.Signature)], p.bytes)
				to = from + len(p.bytes)
			}
			if p.name == "whole" { // what lies between the parts: headers
				to = from + bytes.Index(c.Raw, c.RawTBS)
			}
			tried, taken := flipEach(c.Raw, from, to, func(changed []byte) bool {
				x, err := pkix.ParseCertificate(changed)
				return err == nil && x.CheckSignatureFrom(issuer) == nil
			})
			s.flips(c.name, p.name, tried, taken)
		}
	}
}

// TestConformanceKZFlippedLists does the same with the lists of revoked certificates.
func TestConformanceKZFlippedLists(t *testing.T) {
	s := kzConformance(t, "national lists with one bit changed")
	all := kzCertificates(t)
	for _, f := range kzFiles(t, func(base string) bool { return strings.HasSuffix(base, ".crl") }) {
		crl, err := pkix.ParseCRL(f.body)
		if err != nil {
			t.Fatal(err)
		}
		var issuer *pkix.Certificate
		for _, c := range all {
			if bytes.Equal(c.RawSubject, crl.RawIssuer) && crl.CheckSignature(c.PublicKey, c.PublicKeyErr) == nil {
				issuer = c.Certificate
			}
		}
		if issuer == nil {
			t.Fatalf("%s: nobody issued it", f.name)
		}
		signed, _ := place(t, f.body, crl.RawTBS)
		for _, p := range []struct {
			name     string
			from, to int
		}{
			{"header", 0, signed},
			{"signed part", signed, signed + len(crl.RawTBS)},
			{"algorithm and signature", signed + len(crl.RawTBS), len(f.body)},
		} {
			tried, taken := flipEach(f.body, p.from, p.to, func(changed []byte) bool {
				x, err := pkix.ParseCRL(changed)
				return err == nil && x.CheckSignature(issuer.PublicKey, issuer.PublicKeyErr) == nil
			})
			s.flips(f.name, p.name, tried, taken)
		}
	}
}

// TestConformanceKZFlippedDocuments changes each bit of what each signature of each CMS covers and rests on: content, attributes,
// signature, certificate. That signature must not pass then; others of the same document may.
func TestConformanceKZFlippedDocuments(t *testing.T) {
	s := kzConformance(t, "national CMS with one bit changed")
	for _, d := range kzDocuments {
		if !isCMSFile(d.file) {
			continue
		}
		raw := d.read(t)
		doc, err := cms.Dearmour(raw)
		if err != nil {
			t.Fatal(err)
		}
		sd, err := cms.Parse(doc, cms.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		verdict := kzService(t, trust.Test, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), signer.RevocationOff).validate(doc, d.original)
		for i := range sd.Signers {
			si := &sd.Signers[i]
			b := kzService(t, trust.Test, middle(verdict.Signatures[i]), signer.RevocationOff)
			passes := func(doc, original []byte) bool {
				v := b.validate(doc, original)
				return i < len(v.Signatures) && v.Signatures[i].Indication == report.TotalPassed
			}
			if !passes(doc, d.original) {
				t.Fatalf("%s: signature %d does not pass", d.file, i+1)
			}
			parts := []part{
				{"attributes", si.RawSignedAttributes},
				{"signature", si.Signature},
				{"certificate", si.Candidates(parse(t, sd.Certificates...))[0].Raw},
			}
			if sd.HasContent {
				parts = append(parts, part{"content", sd.Content})
			} else {
				tried, taken := flipEach(d.original, 0, len(d.original), func(changed []byte) bool { return passes(doc, changed) })
				s.flips(fmt.Sprintf("%s, signature %d", d.file, i+1), "detached content", tried, taken)
			}
			for _, p := range parts {
				from, to := place(t, doc, p.bytes)
				tried, taken := flipEach(doc, from, to, func(changed []byte) bool { return passes(changed, d.original) })
				s.flips(fmt.Sprintf("%s, signature %d", d.file, i+1), p.name, tried, taken)
			}
		}
	}
}

// TestConformanceKZFlippedAnswers changes each bit of the OCSP answers and of the time-stamp token.
func TestConformanceKZFlippedAnswers(t *testing.T) {
	s := kzConformance(t, "national OCSP answers and time stamps with one bit changed")
	all := kzCertificates(t)
	for _, f := range kzFiles(t, func(base string) bool { return strings.HasPrefix(base, "ocsp_response") }) {
		o, err := pkix.ParseOCSPResponse(f.body)
		if err != nil || len(o.Certificates) != 1 {
			t.Fatalf("%s: %v", f.name, err)
		}
		responder := o.Certificates[0]
		issuer := issuerOf(responder, all)
		if issuer == nil || o.CheckSignature(responder.PublicKey, responder.PublicKeyErr) != nil {
			t.Fatalf("%s: nobody signed it", f.name)
		}
		for _, p := range []part{{"signed part", o.RawTBS}, {"signature", o.Signature}, {"certificate of the responder", responder.Raw}} {
			from, to := place(t, f.body, p.bytes)
			tried, taken := flipEach(f.body, from, to, func(changed []byte) bool {
				x, err := pkix.ParseOCSPResponse(changed)
				if err != nil || len(x.Certificates) != 1 {
					return false
				}
				by := x.Certificates[0]
				return by.CheckSignatureFrom(issuer) == nil && x.CheckSignature(by.PublicKey, by.PublicKeyErr) == nil
			})
			s.flips(f.name, p.name, tried, taken)
		}
	}
	raw, token, authority := kzToken(t)
	expect := tsp.Expectation{Imprint: token.Info.Imprint, Hash: token.Info.Hash}
	issuer := issuerOf(authority, all)
	for _, p := range []part{
		{"content", token.CMS.Content},
		{"attributes", token.Signer().RawSignedAttributes},
		{"signature", token.Signer().Signature},
		{"certificate", authority.Raw},
	} {
		from, to := place(t, raw, p.bytes)
		tried, taken := flipEach(raw, from, to, func(changed []byte) bool {
			x, err := tsp.ParseToken(changed)
			if err != nil {
				return false
			}
			for _, der := range x.CMS.Certificates {
				c, err := pkix.ParseCertificate(der)
				if err == nil && c.CheckSignatureFrom(issuer) == nil && tokenHolds(changed, expect, c) {
					return true
				}
			}
			return false
		})
		s.flips("tsp_token.bin", p.name, tried, taken)
	}
}
