package path

import (
	"crypto"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

// ocspCase signs a response anew with one property changed. A defect that only a signature check would find proves
// nothing about the other checks.
type ocspCase struct {
	name string
	make func(s *scene) *pkix.OCSPResponse
	want Status
	code Code // why it was passed over; empty: it was not
}

func TestOCSPAccepted(t *testing.T) {
	runOCSP(t, []ocspCase{
		{"by the CA, named by key", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.ca, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusGood, ""},
		{"by the CA, named by name", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.ca, byName: true, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusGood, ""},
		{"delegated", func(s *scene) *pkix.OCSPResponse { return delegated(s, nil) }, StatusGood, ""},
		{"delegated, certificate in the pool", func(s *scene) *pkix.OCSPResponse {
			r := s.responder(nil)
			s.in.Pool = append(s.in.Pool, r.cert)
			return s.ocsp(response{signer: r, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusGood, ""},
		{"delegated, without ocsp-nocheck", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) { c.ExtraExtensions = nil })
		}, StatusGood, ""},
		{"CertID by SHA-1", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.ca, single: []singleResponse{s.goodBy(crypto.SHA1, s.leaf, s.ca)}})
		}, StatusGood, ""},
		{"CertID by SHA-512", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.ca, single: []singleResponse{s.goodBy(crypto.SHA512, s.leaf, s.ca)}})
		}, StatusGood, ""},
		{"second of several answers", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.ca, single: []singleResponse{s.good(s.ca, s.root), s.good(s.leaf, s.ca)}})
		}, StatusGood, ""},
		{"revoked", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { *r = r.revoked(now.AddDate(0, -1, 0), 1) })
		}, StatusRevoked, ""},
		{"revoked, too old to acquit", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) {
				*r = r.revoked(now.AddDate(0, -6, 0), 1)
				r.ThisUpdate, r.NextUpdate = now.AddDate(0, -5, 0), now.AddDate(0, -4, 0)
			})
		}, StatusRevoked, CodeEvidenceStale},
		{"revoked later than the instant in question", func(s *scene) *pkix.OCSPResponse {
			s.in.EvidenceAt = now.AddDate(0, 1, 0)
			return single(s, func(r *singleResponse) {
				*r = r.revoked(now.AddDate(0, 0, 5), 1)
				r.ThisUpdate, r.NextUpdate = now.AddDate(0, 0, 6), now.AddDate(0, 0, 7)
			})
		}, StatusGood, ""},
		{"unknown", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { *r = r.unknown() })
		}, StatusUnknown, ""},
		{"never issued, the national form of unknown", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { *r = r.revoked(time.Unix(0, 0).UTC(), 6) })
		}, StatusUnknown, ""},
	})
}

func TestOCSPPassedOver(t *testing.T) {
	runOCSP(t, []ocspCase{
		{"wrong hash of the issuer's name", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.CertID.NameHash[0] ^= 1 })
		}, StatusUnavailable, CodeEvidenceScope},
		{"wrong hash of the issuer's key", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.CertID.KeyHash[0] ^= 1 })
		}, StatusUnavailable, CodeEvidenceScope},
		{"unknown hash in the CertID", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.CertID.Hash.Algorithm = asn1.ObjectIdentifier{1, 2, 3, 4} })
		}, StatusUnavailable, CodeEvidenceScope},
		{"another hash than the CertID says", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.CertID.Hash.Algorithm = hashOIDs[crypto.SHA1] })
		}, StatusUnavailable, CodeEvidenceScope},
		{"another CA's certificate of this serial number", func(s *scene) *pkix.OCSPResponse {
			other := s.issue(s.root, "Other CA", asCA)
			twin := s.issue(other, "Leaf", func(c *x509.Certificate) { c.SerialNumber = s.leaf.std.SerialNumber })
			return s.ocsp(response{signer: other, certs: []*entity{other}, single: []singleResponse{s.good(twin, other)}})
		}, StatusUnavailable, CodeEvidenceScope},
		{"broken signature", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.ca, single: []singleResponse{s.good(s.leaf, s.ca)}, breakSignature: true})
		}, StatusUnavailable, CodeEvidenceSignature},
		{"signed by another key under the CA's name", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.leaf, named: s.ca, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceSignature},
		{"responder named otherwise than the signer", func(s *scene) *pkix.OCSPResponse {
			r := s.responder(nil)
			return s.ocsp(response{signer: r, named: s.leaf, certs: []*entity{r}, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceSigner},
		{"delegated without the purpose", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) { c.ExtKeyUsage = nil })
		}, StatusUnavailable, CodeEvidenceSigner},
		{"delegated with another purpose", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping} })
		}, StatusUnavailable, CodeEvidenceSigner},
		{"delegated with any purpose", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })
		}, StatusUnavailable, CodeEvidenceSigner},
		{"delegated, key not for signing", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
		}, StatusUnavailable, CodeEvidenceSigner},
		{"delegated by the root", func(s *scene) *pkix.OCSPResponse {
			r := s.issue(s.root, "Responder", asResponder)
			return s.ocsp(response{signer: r, certs: []*entity{r}, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceSigner},
		{"delegated by a CA below", func(s *scene) *pkix.OCSPResponse {
			below := s.issue(s.ca, "Below", asCA)
			r := s.issue(below, "Responder", asResponder)
			return s.ocsp(response{signer: r, certs: []*entity{r, below}, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceSigner},
		{"delegated by another CA of the same name", func(s *scene) *pkix.OCSPResponse {
			twin := s.issue(s.root, "CA", asCA)
			r := s.issue(twin, "Responder", asResponder)
			return s.ocsp(response{signer: r, certs: []*entity{r, twin}, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceSigner},
		{"the leaf itself as responder", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.leaf, certs: []*entity{s.leaf}, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceSigner},
		{"responder expired", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Second) })
		}, StatusUnavailable, CodeEvidenceSignerDates},
		{"responder not yet valid", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Second) })
		}, StatusUnavailable, CodeEvidenceSignerDates},
		{"responder with an unknown critical extension", func(s *scene) *pkix.OCSPResponse {
			return delegated(s, func(c *x509.Certificate) {
				c.ExtraExtensions = append(c.ExtraExtensions, extension("1.2.3.4", true, asn1.NullBytes))
			})
		}, StatusUnavailable, CodeEvidenceSigner},
		{"responder without status where one is demanded", func(s *scene) *pkix.OCSPResponse {
			s.in.Revocation.CheckResponders = true
			return delegated(s, func(c *x509.Certificate) { c.ExtraExtensions = nil })
		}, StatusUnavailable, CodeEvidenceSigner},
		{"responder revoked", func(s *scene) *pkix.OCSPResponse {
			r := s.responder(func(c *x509.Certificate) { c.ExtraExtensions = nil })
			s.in.CRLs = append(s.in.CRLs, s.crl(s.ca, func(l *x509.RevocationList) {
				l.ExtraExtensions = []stdpkix.Extension{scope(s.t, issuingPoint{OnlyCA: true})} // says nothing about the leaf
			}, revokedAt(r, now.AddDate(0, -1, 0), 1)))
			s.in.CRLs = append(s.in.CRLs, s.crl(s.ca, func(l *x509.RevocationList) {
				l.ExtraExtensions = []stdpkix.Extension{scope(s.t, issuingPoint{Name: uriPoint(s.t, "http://responders.example/")})}
			}, revokedAt(r, now.AddDate(0, -1, 0), 1)))
			r = s.issueFor(r.key, s.ca, "Responder", func(c *x509.Certificate) {
				asResponder(c)
				c.ExtraExtensions, c.SerialNumber = nil, r.std.SerialNumber
				c.CRLDistributionPoints = []string{"http://responders.example/"}
			})
			return s.ocsp(response{signer: r, certs: []*entity{r}, single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceSigner},
		{"stale", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.NextUpdate = now.Add(-time.Minute) })
		}, StatusUnavailable, CodeEvidenceStale},
		{"old, without nextUpdate", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.ThisUpdate, r.NextUpdate = now.Add(-25*time.Hour), time.Time{} })
		}, StatusUnavailable, CodeEvidenceStale},
		{"older than the policy allows", func(s *scene) *pkix.OCSPResponse {
			s.in.Revocation.MaxAge = 30 * time.Minute
			return single(s, nil)
		}, StatusUnavailable, CodeEvidenceStale},
		{"from the future", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.ThisUpdate = now.Add(6 * time.Minute) })
		}, StatusUnavailable, CodeEvidenceFuture},
		{"produced in the future", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{signer: s.ca, producedAt: now.Add(time.Hour), single: []singleResponse{s.good(s.leaf, s.ca)}})
		}, StatusUnavailable, CodeEvidenceFuture},
		{"nextUpdate before thisUpdate", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) { r.NextUpdate = now.Add(-2 * time.Hour) })
		}, StatusUnavailable, CodeEvidenceForm},
		{"critical extension of the response", func(s *scene) *pkix.OCSPResponse {
			return s.ocsp(response{
				signer: s.ca, single: []singleResponse{s.good(s.leaf, s.ca)},
				extensions: []stdpkix.Extension{extension("1.2.3.4", true, asn1.NullBytes)},
			})
		}, StatusUnavailable, CodeEvidenceForm},
		{"critical extension of the answer", func(s *scene) *pkix.OCSPResponse {
			return single(s, func(r *singleResponse) {
				r.Extensions = []stdpkix.Extension{extension("1.2.3.4", true, asn1.NullBytes)}
			})
		}, StatusUnavailable, CodeEvidenceForm},
		{
			"another nonce", func(s *scene) *pkix.OCSPResponse { return withNonce(s, []byte("asked for"), []byte("something else")) },
			StatusUnavailable, CodeEvidenceNonce,
		},
		{"no nonce where one is demanded", func(s *scene) *pkix.OCSPResponse {
			s.in.Revocation.RequireNonce = true
			return withNonce(s, []byte("asked for"), nil)
		}, StatusUnavailable, CodeEvidenceNonce},
		{"try later", func(s *scene) *pkix.OCSPResponse {
			o, err := pkix.ParseOCSPResponse(s.ocspOuter(3, nil))
			if err != nil {
				s.t.Fatal(err)
			}
			return o
		}, StatusUnavailable, CodeEvidenceStatus},
	})
}

func TestOCSPNonceReturned(t *testing.T) {
	for _, answered := range [][]byte{[]byte("asked for"), nil} {
		s := newScene(t)
		s.in.OCSP = []*pkix.OCSPResponse{withNonce(s, []byte("asked for"), answered)}
		if got := s.leafStatus(); got.Status != StatusGood {
			t.Errorf("nonce %q: %+v", answered, got)
		}
	}
}

// TestOCSPAfterExpiry: good, said after the certificate expired, counts only if the responder remembers so far back.
func TestOCSPAfterExpiry(t *testing.T) {
	for _, c := range []struct {
		name   string
		cutoff time.Time
		want   Status
	}{
		{"no archive cutoff", time.Time{}, StatusUnavailable},
		{"cutoff after the expiry", now.AddDate(0, 0, -5), StatusUnavailable},
		{"cutoff before the expiry", now.AddDate(0, 0, -20), StatusGood},
	} {
		s := newScene(t)
		s.leaf = s.issue(s.ca, "Leaf", func(x *x509.Certificate) { x.NotAfter = now.AddDate(0, 0, -10) })
		s.in.Leaf = s.leaf.cert
		s.in.OCSP = []*pkix.OCSPResponse{single(s, func(r *singleResponse) {
			if !c.cutoff.IsZero() {
				value := der(t, c.cutoff, "generalized")
				r.Extensions = []stdpkix.Extension{extension(pkix.OIDOCSPArchiveCutoff, false, value)}
			}
		})}
		r := Validate(s.in)
		if r.Revocation[0].Status != c.want {
			t.Errorf("%s: %s", c.name, explain(r))
		}
		want := OutOfBoundsNoPOE
		if c.want == StatusGood {
			want = OutOfBoundsNotRevoked
		}
		if r.Sub != want {
			t.Errorf("%s: want %s, got %s", c.name, want, explain(r))
		}
	}
}

// TestOCSPOldResponseWithProof: a responder that has expired since is judged when its response is proven to exist.
func TestOCSPOldResponseWithProof(t *testing.T) {
	s := newScene(t)
	s.in.EvidenceAt = now.AddDate(0, 6, 0)
	o := delegated(s, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 1, 0) })
	s.in.OCSP = []*pkix.OCSPResponse{o}
	r := Validate(s.in)
	if r.Sub != RevocationOutOfBoundsNoPOE {
		t.Errorf("without proof: %s", explain(r))
	}
	s.in.Proofs = map[Digest]time.Time{o.Fingerprint(): now.Add(time.Minute)}
	if r = Validate(s.in); r.Indication != Passed {
		t.Errorf("with proof: %s", explain(r))
	}
}

func runOCSP(t *testing.T, cases []ocspCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.in.OCSP = []*pkix.OCSPResponse{c.make(s)}
			info := s.leafStatus()
			if info.Status != c.want {
				t.Errorf("want %s, got %s, %+v", c.want, info.Status, info.Rejected)
			}
			if got := firstCode(info); got != c.code {
				t.Errorf("passed over for %q, want %q: %+v", got, c.code, info.Rejected)
			}
			if info.Status == StatusGood && (info.Source != SourceOCSP || len(info.Evidence) != 1 || info.Signer == nil) {
				t.Errorf("evidence is not named: %+v", info)
			}
		})
	}
}

func firstCode(info RevocationInfo) Code {
	for _, r := range info.Rejected {
		if r.Source == SourceOCSP {
			return r.Problem.Code
		}
	}
	return ""
}

// single is a response of the CA with one answer, changed by edit.
func single(s *scene, edit func(*singleResponse)) *pkix.OCSPResponse {
	s.t.Helper()
	r := s.good(s.leaf, s.ca)
	if edit != nil {
		edit(&r)
	}
	return s.ocsp(response{signer: s.ca, single: []singleResponse{r}})
}

// delegated is a response of a responder of the CA whose certificate edit changes.
func delegated(s *scene, edit func(*x509.Certificate)) *pkix.OCSPResponse {
	s.t.Helper()
	responder := s.responder(edit)
	r := s.good(s.leaf, s.ca)
	return s.ocsp(response{signer: responder, certs: []*entity{responder}, single: []singleResponse{r}})
}

func withNonce(s *scene, asked, answered []byte) *pkix.OCSPResponse {
	s.t.Helper()
	r := response{signer: s.ca, single: []singleResponse{s.good(s.leaf, s.ca)}}
	if answered != nil {
		r.extensions = []stdpkix.Extension{extension(pkix.OIDOCSPNonce, false, der(s.t, answered, ""))}
	}
	o := s.ocsp(r)
	s.in.Nonces = map[Digest][]byte{o.Fingerprint(): asked}
	return o
}
