package path

import (
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

// withStatus gives the leaf of a scene a good OCSP response.
func withStatus(s *scene) *scene {
	s.t.Helper()
	s.in.OCSP = []*pkix.OCSPResponse{single(s, nil)}
	return s
}

func withLeaf(s *scene, edit func(*x509.Certificate)) *scene {
	s.t.Helper()
	s.leaf = s.issue(s.ca, "Leaf", edit)
	s.in.Leaf = s.leaf.cert
	return s
}

func withCA(s *scene, edit func(*x509.Certificate)) *scene {
	s.t.Helper()
	s.ca = s.issue(s.root, "CA", func(c *x509.Certificate) {
		asCA(c)
		edit(c)
	})
	s.in.Pool = []*pkix.Certificate{s.ca.cert}
	return withLeaf(s, nil)
}

func withRevoked(s *scene, at time.Time, reason int) *scene {
	s.t.Helper()
	s.in.OCSP = []*pkix.OCSPResponse{single(s, func(r *singleResponse) { *r = r.revoked(at, reason) })}
	return s
}

// TestSubIndications has a case for every result, and for each that names a fact about time the case beside it where a
// proof of existence turns it.
func TestSubIndications(t *testing.T) {
	monthAgo, later := now.AddDate(0, -1, 0), now.AddDate(0, 0, 5)
	for _, c := range []struct {
		name string
		make func(s *scene)
		want SubIndication
		code Code
	}{
		{"good", func(s *scene) { withStatus(s) }, "", ""},
		{"no leaf", func(s *scene) { s.in.Leaf = nil }, NoChainFound, CodeNoLeaf},
		{"no anchors", func(s *scene) { s.in.Anchors = nil }, NoChainFound, CodeNoChain},
		{"no intermediate", func(s *scene) { s.in.Pool = nil }, NoChainFound, CodeNoChain},
		{"nil certificates in the inputs", func(s *scene) {
			withStatus(s)
			s.in.Pool = append(s.in.Pool, nil)
			s.in.Anchors = append(s.in.Anchors, Anchor{})
			s.in.CRLs, s.in.OCSP = append(s.in.CRLs, nil), append(s.in.OCSP, nil)
		}, "", ""},
		{"leaf signed by another key", func(s *scene) {
			twin := s.issue(s.root, "CA", asCA)
			s.in.Leaf = s.issue(twin, "Leaf", nil).cert
		}, ChainGeneralFailure, CodeSignature},
		{"revoked", func(s *scene) { withRevoked(s, monthAgo, 1) }, RevokedNoPOE, CodeRevoked},
		{"revoked, signed after it", func(s *scene) {
			withRevoked(s, monthAgo, 1)
			s.in.SignedAfter = monthAgo.Add(time.Hour)
		}, Revoked, CodeRevoked},
		{"revoked, perhaps signed before", func(s *scene) {
			withRevoked(s, monthAgo, 1)
			s.in.SignedAfter = monthAgo.Add(-time.Hour)
		}, RevokedNoPOE, CodeRevoked},
		{"revoked, signed before it", func(s *scene) {
			withRevoked(s, monthAgo, 1)
			s.in.SignedBefore = monthAgo.Add(-time.Hour)
		}, "", ""},
		{"revoked, signed before a later instant", func(s *scene) {
			withRevoked(s, monthAgo, 1)
			s.in.SignedBefore = monthAgo.Add(time.Hour)
		}, RevokedNoPOE, CodeRevoked},
		{"revoked after the instant in question", func(s *scene) {
			s.in.EvidenceAt = now.AddDate(0, 0, 6)
			withRevoked(s, later, 1)
		}, "", ""},
		{"on hold", func(s *scene) { withRevoked(s, monthAgo, 6) }, TryLater, CodeOnHold},
		{"on hold, signed before it", func(s *scene) {
			withRevoked(s, monthAgo, 6)
			s.in.SignedBefore = monthAgo.Add(-time.Hour)
		}, TryLater, CodeOnHold},
		{"CA revoked", func(s *scene) {
			withStatus(s)
			s.in.CRLs = []*pkix.CRL{s.crl(s.root, nil, revokedAt(s.ca, monthAgo, 2))}
		}, RevokedCANoPOE, CodeCARevoked},
		{"no evidence", func(*scene) {}, TryLater, CodeRevocationMissing},
		{"no evidence, tolerated", func(s *scene) { s.in.Revocation.Leaf = IfAvailable }, "", ""},
		{"revoked, evidence only if available", func(s *scene) {
			withRevoked(s, monthAgo, 1)
			s.in.Revocation.Leaf = IfAvailable
		}, RevokedNoPOE, CodeRevoked},
		{"revocation off", func(s *scene) {
			withRevoked(s, monthAgo, 1)
			s.in.Revocation = Revocation{Leaf: Off, CA: Off}
		}, "", ""},
		{"no evidence about the CA", func(s *scene) { withStatus(s).in.CRLs = nil }, TryLater, CodeRevocationMissing},
		{"unknown", func(s *scene) {
			s.in.OCSP = []*pkix.OCSPResponse{single(s, func(r *singleResponse) { *r = r.unknown() })}
		}, TryLater, CodeRevocationUnknown},
		{"unknown to the responder, not listed", func(s *scene) {
			s.in.OCSP = []*pkix.OCSPResponse{single(s, func(r *singleResponse) { *r = r.unknown() })}
			s.in.CRLs = append(s.in.CRLs, s.crl(s.ca, nil))
		}, TryLater, CodeRevocationUnknown},
		{"good by the responder, listed", func(s *scene) {
			withStatus(s)
			s.in.CRLs = append(s.in.CRLs, s.crl(s.ca, nil, revokedAt(s.leaf, monthAgo, 1)))
		}, RevokedNoPOE, CodeRevoked},
		{"responder out of date", func(s *scene) {
			s.in.OCSP = []*pkix.OCSPResponse{delegated(s, func(c *x509.Certificate) { c.NotAfter = monthAgo })}
		}, RevocationOutOfBoundsNoPOE, CodeRevocationMissing},
		{"leaf expired, status unknown", func(s *scene) {
			withLeaf(s, func(c *x509.Certificate) { c.NotAfter = monthAgo })
		}, OutOfBoundsNoPOE, CodeExpired},
		{"leaf expired, revoked before", func(s *scene) {
			withRevoked(withLeaf(s, func(c *x509.Certificate) { c.NotAfter = monthAgo }), monthAgo.Add(-time.Hour), 1)
		}, RevokedNoPOE, CodeRevoked},
		{"leaf expired, signed after", func(s *scene) {
			withLeaf(s, func(c *x509.Certificate) { c.NotAfter = monthAgo })
			s.in.SignedAfter = monthAgo.Add(time.Hour)
		}, Expired, CodeExpired},
		{"leaf not yet valid", func(s *scene) {
			withStatus(withLeaf(s, func(c *x509.Certificate) { c.NotBefore = later }))
		}, OutOfBoundsNoPOE, CodeNotYetValid},
		{"leaf not yet valid when signed", func(s *scene) {
			withStatus(withLeaf(s, func(c *x509.Certificate) { c.NotBefore = later }))
			s.in.SignedBefore = now
		}, NotYetValid, CodeNotYetValid},
		{"CA expired", func(s *scene) {
			withStatus(withCA(s, func(c *x509.Certificate) { c.NotAfter = monthAgo }))
		}, OutOfBoundsNoPOE, CodeExpired},
		{"anchor expired", func(s *scene) { expiredAnchor(s) }, OutOfBoundsNoPOE, CodeExpired},
		{"anchor expired, trusted all the same", func(s *scene) {
			expiredAnchor(s)
			s.in.Anchors[0].IgnoreDates = true
		}, "", ""},
		{"anchor trusted from later on", func(s *scene) { withStatus(s).in.Anchors[0].NotBefore = later }, NoChainFound, CodeAnchorWindow},
		{"anchor trusted until earlier", func(s *scene) { withStatus(s).in.Anchors[0].NotAfter = monthAgo }, NoChainFoundNoPOE, CodeAnchorWindow},
		{"anchor for another purpose", func(s *scene) {
			withStatus(withLeaf(s, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
			s.in.Anchors[0].EKU = []string{pkix.EKUTimeStamping}
		}, ChainConstraintsFailure, CodeAnchorPurpose},
		{"anchor for another policy", func(s *scene) { withStatus(s).in.Anchors[0].Policies = []string{"1.2.3"} }, ChainGeneralFailure, CodePolicy},
		{"anchor for other names", func(s *scene) {
			other := s.issue(nil, "Other", nil).cert.Subject
			withStatus(s).in.Anchors[0].NameConstraints = &pkix.NameConstraints{Permitted: []pkix.GeneralSubtree{
				{Base: pkix.GeneralName{Kind: pkix.DirectoryName, Directory: &other}, Maximum: -1},
			}}
		}, ChainGeneralFailure, CodeNameConstraints},
		{"key usage not wanted", func(s *scene) { withStatus(s).in.KeyUsage = pkix.NonRepudiation }, ChainConstraintsFailure, CodeKeyUsage},
		{"purpose not wanted", func(s *scene) {
			withStatus(withLeaf(s, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
			s.in.EKU = []string{pkix.EKUEmailProtection}
		}, ChainConstraintsFailure, CodeExtendedKeyUsage},
		{"purpose wanted", func(s *scene) {
			withStatus(withLeaf(s, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }))
			s.in.EKU = []string{pkix.EKUEmailProtection}
		}, "", ""},
		{"algorithm no longer reliable", func(s *scene) {
			withStatus(s).in.Algorithms = reliability(t, `{"family":"Ed25519","bits_min":256,"source":"x","end":"2020-01-01"}`)
		}, CryptoConstraintsNoPOE, CodeWeakAlgorithm},
		{"algorithm no longer reliable when signed", func(s *scene) {
			withStatus(s).in.Algorithms = reliability(t, `{"family":"Ed25519","bits_min":256,"source":"x","end":"2020-01-01"}`)
			s.in.SignedAfter = now.AddDate(-1, 0, 0)
		}, CryptoConstraintsFailure, CodeWeakAlgorithm},
		{"algorithm never reliable", func(s *scene) {
			withStatus(s).in.Algorithms = reliability(t, `{"family":"RSA","bits_min":2048,"source":"x"}`)
		}, CryptoConstraintsFailure, CodeWeakAlgorithm},
		{"unknown critical extension", func(s *scene) { unknownCritical(s) }, ChainGeneralFailure, CodeCriticalExtension},
		{"unknown critical extension that the caller knows", func(s *scene) {
			unknownCritical(s)
			s.in.KnownCritical = []string{"1.2.3.4"}
		}, "", ""},
		{"malformed extension", func(s *scene) {
			withStatus(withLeaf(s, func(c *x509.Certificate) {
				c.ExtraExtensions = []stdpkix.Extension{extension(pkix.OIDFreshestCRL, false, asn1.NullBytes)}
			}))
		}, ChainGeneralFailure, CodeMalformed},
		{"issuer is not a CA", func(s *scene) {
			s.ca = s.issue(s.root, "CA", nil)
			s.in.Pool = []*pkix.Certificate{s.ca.cert}
			withStatus(withLeaf(s, nil))
		}, ChainGeneralFailure, CodeNotCA},
		{"issuer may not sign certificates", func(s *scene) {
			withStatus(withCA(s, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }))
		}, ChainGeneralFailure, CodeKeyCertSign},
		{"path too long", func(s *scene) {
			withCA(s, func(c *x509.Certificate) { c.MaxPathLenZero = true })
			below := s.issue(s.ca, "Below", asCA)
			s.in.Pool = append(s.in.Pool, below.cert)
			s.in.Leaf = s.issue(below, "Leaf", nil).cert
		}, ChainGeneralFailure, CodePathLen},
		{"without a responder's revocation: responder asked about", func(s *scene) {
			s.in.Leaf = s.responder(nil).cert
		}, "", ""},
		{"no revocation available (RFC 9608)", func(s *scene) {
			withLeaf(s, func(c *x509.Certificate) {
				c.ExtraExtensions = []stdpkix.Extension{extension(pkix.OIDNoRevAvail, false, asn1.NullBytes)}
			})
		}, "", ""},
		{"no revocation available, said of a CA", func(s *scene) {
			withStatus(withCA(s, func(c *x509.Certificate) {
				c.ExtraExtensions = []stdpkix.Extension{extension(pkix.OIDNoRevAvail, false, asn1.NullBytes)}
			})).in.CRLs = nil
		}, TryLater, CodeRevocationMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			r := Validate(s.in)
			if r.Sub != c.want || (r.Indication == Passed) != (c.want == "") {
				t.Fatalf("want %q, got %s", c.want, explain(r))
			}
			failed := c.want == Revoked || c.want == Expired || c.want == NotYetValid
			if (r.Indication == Failed) != failed {
				t.Errorf("indication %s with %s", r.Indication, r.Sub)
			}
			if c.code == "" && len(r.Problems) > 0 || c.code != "" && (len(r.Problems) == 0 || r.Problems[0].Code != c.code) {
				t.Errorf("want problem %q, got %s", c.code, explain(r))
			}
		})
	}
}

func expiredAnchor(s *scene) {
	s.t.Helper()
	s.root = s.issue(nil, "Root", func(c *x509.Certificate) {
		asCA(c)
		c.NotAfter = now.AddDate(0, -1, 0)
	})
	s.in.Anchors = []Anchor{{Certificate: s.root.cert}}
	s.in.CRLs = []*pkix.CRL{s.crl(s.root, nil)}
	withStatus(withCA(s, func(*x509.Certificate) {}))
}

func unknownCritical(s *scene) {
	s.t.Helper()
	withStatus(withLeaf(s, func(c *x509.Certificate) {
		c.ExtraExtensions = []stdpkix.Extension{extension("1.2.3.4", true, asn1.NullBytes)}
	}))
}

func reliability(t *testing.T, key string) *algo.Reliability {
	t.Helper()
	r, err := algo.LoadReliability([]byte(`{"version":"t","sources":{"x":"test"},"hashes":[],"keys":[` + key + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLeafIsAnchor: a certificate that is trusted itself needs no issuer and no status.
func TestLeafIsAnchor(t *testing.T) {
	s := newScene(t)
	s.in.Anchors = []Anchor{{Certificate: s.leaf.cert}}
	if r := Validate(s.in); r.Indication != Passed || len(r.Chain) != 1 || r.Anchor == nil {
		t.Error(explain(r))
	}
	s.in.At = now.AddDate(5, 0, 0)
	if r := Validate(s.in); r.Sub != OutOfBoundsNotRevoked {
		t.Error("expired: " + explain(r))
	}
}

// TestCrossCertificates: of several paths one that passes is found, whatever stands in the way of others.
func TestCrossCertificates(t *testing.T) {
	s := withStatus(newScene(t))
	old := s.issue(nil, "Old root", func(c *x509.Certificate) {
		asCA(c)
		c.NotAfter = now.AddDate(0, -1, 0)
	})
	cross := s.issueFor(s.ca.key, old, "CA", func(c *x509.Certificate) {
		asCA(c)
		c.NotBefore = now.AddDate(0, 0, -1)
	})
	s.in.Pool = []*pkix.Certificate{cross.cert, s.ca.cert}
	s.in.Anchors = append([]Anchor{{Certificate: old.cert}}, s.in.Anchors...)
	r := Validate(s.in)
	if r.Indication != Passed || r.Anchor.Certificate != s.root.cert || r.Work.Paths < 2 {
		t.Error(explain(r))
	}
	if paths := Build(s.in); len(paths) != 2 {
		t.Errorf("%d paths, want 2", len(paths))
	}
	s.in.Pool = s.in.Pool[:1]
	if r := Validate(s.in); r.Sub != OutOfBoundsNoPOE || r.Anchor.Certificate != old.cert {
		t.Error("only the path to the old root: " + explain(r))
	}
}

// TestRevokedOnOneSoundPath: another path of which nothing is known does not hide a revocation.
func TestRevokedOnOneSoundPath(t *testing.T) {
	s := withRevoked(newScene(t), now.AddDate(0, -1, 0), 1)
	other := s.issue(nil, "Other root", asCA)
	cross := s.issueFor(s.ca.key, other, "CA", asCA)
	for _, pool := range [][]*pkix.Certificate{{cross.cert, s.ca.cert}, {s.ca.cert, cross.cert}} {
		s.in.Pool = pool
		s.in.Anchors = []Anchor{{Certificate: other.cert}, {Certificate: s.root.cert}}
		if r := Validate(s.in); r.Sub != RevokedNoPOE {
			t.Error(explain(r))
		}
	}
}

func TestNeeds(t *testing.T) {
	s := newScene(t)
	withLeaf(s, func(c *x509.Certificate) {
		c.OCSPServer = []string{"http://ocsp.example/", "http://ocsp.example/"}
		c.IssuingCertificateURL = []string{"http://ca.example/ca.cer"}
		c.CRLDistributionPoints = []string{"http://crl.example/1"}
	})
	needs := Needs(s.in, Validate(s.in))
	if len(needs) != 1 || needs[0].Certificate != s.leaf.cert || needs[0].Issuer != s.ca.cert ||
		len(needs[0].OCSP) != 1 || len(needs[0].CRLs) != 1 || needs[0].CRLs[0][0] != "http://crl.example/1" {
		t.Errorf("%+v", needs)
	}
	withoutCA := s.in
	withoutCA.Pool = nil
	if needs := Needs(withoutCA, Validate(withoutCA)); len(needs) != 1 || needs[0].Issuer != nil || len(needs[0].CAIssuers) != 1 {
		t.Errorf("without the CA: %+v", needs)
	}
	if needs := Needs(s.in, Validate(withStatus(s).in)); len(needs) != 0 {
		t.Errorf("nothing is missing: %+v", needs)
	}
}

func TestMemo(t *testing.T) {
	s := withStatus(newScene(t))
	s.in.Memo = NewMemo(16)
	first := Validate(s.in)
	if first.Indication != Passed || first.Work.Signatures != 4 || first.Work.Remembered != 0 { // leaf, CA, CRL, OCSP
		t.Fatalf("%+v %s", first.Work, explain(first))
	}
	if again := Validate(s.in); again.Indication != Passed || again.Work.Signatures != 0 || again.Work.Remembered != 4 {
		t.Errorf("%+v", again.Work)
	}
	// A remembered signature is remembered for these octets and this signer only.
	broken := append([]byte{}, s.leaf.cert.Raw...)
	broken[len(broken)-1] ^= 1
	cert, err := pkix.ParseCertificate(broken)
	if err != nil {
		t.Fatal(err)
	}
	s.in.Leaf = cert
	if r := Validate(s.in); r.Indication == Passed {
		t.Error("a broken signature passed")
	}
	for range 1000 {
		s.in.Memo.add(memoKey{object: Digest{byte(s.in.Memo.Len()), byte(len(s.in.Memo.young))}})
		if s.in.Memo.Len() > 32 {
			t.Fatalf("%d entries", s.in.Memo.Len())
		}
	}
}
