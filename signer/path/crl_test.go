package path

import (
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

// issuingPoint is IssuingDistributionPoint, for encoding/asn1.
type issuingPoint struct {
	Name           asn1.RawValue  `asn1:"optional"` // [0], complete
	OnlyUser       bool           `asn1:"tag:1,optional"`
	OnlyCA         bool           `asn1:"tag:2,optional"`
	Reasons        asn1.BitString `asn1:"tag:3,optional"`
	Indirect       bool           `asn1:"tag:4,optional"`
	OnlyAttributes bool           `asn1:"tag:5,optional"`
}

func scope(tb testing.TB, p issuingPoint) stdpkix.Extension {
	tb.Helper()
	return extension(pkix.OIDIssuingDistPoint, true, der(tb, p, ""))
}

// uriPoint is [0] DistributionPointName with a URI.
func uriPoint(tb testing.TB, uri string) asn1.RawValue {
	tb.Helper()
	full := der(tb, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: der(tb, asn1.RawValue{Class: 2, Tag: 6, Bytes: []byte(uri)}, "")}, "")
	return asn1.RawValue{FullBytes: der(tb, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: full}, "")}
}

func number(tb testing.TB, n int64) []byte {
	tb.Helper()
	return der(tb, big.NewInt(n), "")
}

func deltaOf(tb testing.TB, base int64) func(*x509.RevocationList) {
	tb.Helper()
	return func(l *x509.RevocationList) {
		l.ExtraExtensions = append(l.ExtraExtensions, extension(pkix.OIDDeltaCRLIndicator, true, number(tb, base)))
		l.ThisUpdate = now.Add(-time.Minute)
	}
}

type crlCase struct {
	name string
	make func(s *scene) []*pkix.CRL
	want Status
	code Code
}

func one(c *pkix.CRL) []*pkix.CRL { return []*pkix.CRL{c} }

func TestCRLAccepted(t *testing.T) {
	revoked := func(s *scene) x509.RevocationListEntry { return revokedAt(s.leaf, now.AddDate(0, -1, 0), 1) }
	runCRL(t, []crlCase{
		{"not listed", func(s *scene) []*pkix.CRL { return one(s.crl(s.ca, nil, revokedAt(s.ca, now, 1))) }, StatusGood, ""},
		{"listed", func(s *scene) []*pkix.CRL { return one(s.crl(s.ca, nil, revoked(s))) }, StatusRevoked, ""},
		{"listed in a stale list", func(s *scene) []*pkix.CRL {
			return one(s.crl(s.ca, func(l *x509.RevocationList) {
				l.ThisUpdate, l.NextUpdate = now.AddDate(0, 0, -20), now.AddDate(0, 0, -10)
			}, revoked(s)))
		}, StatusRevoked, CodeEvidenceStale},
		{"for users", func(s *scene) []*pkix.CRL { return one(scoped(s, issuingPoint{OnlyUser: true})) }, StatusGood, ""},
		{"of the distribution point", func(s *scene) []*pkix.CRL {
			withPoint(s, "http://crl.example/1")
			return one(scoped(s, issuingPoint{Name: uriPoint(s.t, "http://crl.example/1")}))
		}, StatusGood, ""},
		{"two lists that share the reasons", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{
				scoped(s, issuingPoint{Reasons: asn1.BitString{Bytes: []byte{0x60, 0x00}, BitLength: 9}}),
				scoped(s, issuingPoint{Reasons: asn1.BitString{Bytes: []byte{0x1f, 0x80}, BitLength: 9}}),
			}
		}, StatusGood, ""},
		{"delta adds", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{s.crl(s.ca, nil), s.crl(s.ca, deltaOf(s.t, 7), revoked(s))}
		}, StatusRevoked, ""},
		{"delta removes", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{s.crl(s.ca, nil, revokedAt(s.leaf, now.AddDate(0, -1, 0), 6)), s.crl(s.ca, deltaOf(s.t, 7), revokedAt(s.leaf, now, 8))}
		}, StatusGood, ""},
		{"delta makes an old base current", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{s.crl(s.ca, func(l *x509.RevocationList) {
				l.ThisUpdate, l.NextUpdate = now.AddDate(0, 0, -20), now.AddDate(0, 0, -10)
			}), s.crl(s.ca, deltaOf(s.t, 7))}
		}, StatusGood, ""},
		{"national delta: its own counter, lower than the base's", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{s.crl(s.ca, nil), s.crl(s.ca, func(l *x509.RevocationList) {
				deltaOf(s.t, 7)(l)
				l.Number = big.NewInt(2)
			}, revoked(s))}
		}, StatusRevoked, ""},
		{"national delta: marked by a critical freshest CRL", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{s.crl(s.ca, nil), s.crl(s.ca, func(l *x509.RevocationList) {
				point := der(s.t, []struct{ Name asn1.RawValue }{{uriPoint(s.t, "http://crl.example/d")}}, "")
				l.ExtraExtensions = []stdpkix.Extension{extension(pkix.OIDFreshestCRL, true, point)}
				l.ThisUpdate = now.Add(-time.Minute)
			}, revoked(s))}
		}, StatusRevoked, ""},
		{"revoked in one of two lists", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{s.crl(s.ca, nil), s.crl(s.ca, nil, revoked(s))}
		}, StatusRevoked, ""},
		{"hold in an older list, lifted in a newer one", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{
				s.crl(s.ca, func(l *x509.RevocationList) { l.ThisUpdate = now.Add(-3 * time.Hour) }, revokedAt(s.leaf, now.AddDate(0, -1, 0), 6)),
				s.crl(s.ca, nil),
			}
		}, StatusGood, ""},
		{"hold in a newer list", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{
				s.crl(s.ca, func(l *x509.RevocationList) { l.ThisUpdate = now.Add(-3 * time.Hour) }),
				s.crl(s.ca, nil, revokedAt(s.leaf, now.AddDate(0, 0, -1), 6)),
			}
		}, StatusRevoked, ""},
		{"signed by a key of its own", func(s *scene) []*pkix.CRL {
			signer := s.issue(s.root, "CA", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
			s.in.Pool = append(s.in.Pool, signer.cert)
			return one(s.crl(signer, nil))
		}, StatusGood, ""},
	})
}

func TestCRLPassedOver(t *testing.T) {
	runCRL(t, []crlCase{
		{"none", func(*scene) []*pkix.CRL { return nil }, StatusUnavailable, ""},
		{"another issuer", func(s *scene) []*pkix.CRL { return one(s.crl(s.issue(s.root, "Other CA", asCA), nil)) }, StatusUnavailable, ""},
		{"another key under the issuer's name", func(s *scene) []*pkix.CRL {
			return one(s.crl(s.issue(s.root, "CA", asCA), nil))
		}, StatusUnavailable, CodeEvidenceSignature},
		{"issuer's namesake under a foreign anchor", func(s *scene) []*pkix.CRL {
			foreign := s.issue(nil, "Foreign root", asCA)
			twin := s.issue(foreign, "CA", asCA)
			s.in.Anchors = append(s.in.Anchors, Anchor{Certificate: foreign.cert})
			s.in.Pool = append(s.in.Pool, twin.cert)
			s.in.CRLs = append(s.in.CRLs, s.crl(foreign, nil))
			return one(s.crl(twin, nil))
		}, StatusUnavailable, CodeEvidenceSigner},
		{"a user with the CA's name", func(s *scene) []*pkix.CRL {
			twin := s.issue(s.ca, "CA", nil)
			s.in.Pool = append(s.in.Pool, twin.cert)
			return one(s.crl(twin, nil))
		}, StatusUnavailable, CodeEvidenceSigner},
		{"a key of its own, revoked", func(s *scene) []*pkix.CRL {
			signer := s.issue(s.root, "CA", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
			s.in.Pool = append(s.in.Pool, signer.cert)
			s.in.CRLs = one(s.crl(s.root, nil, revokedAt(signer, now.AddDate(0, -1, 0), 1)))
			return one(s.crl(signer, nil))
		}, StatusUnavailable, CodeEvidenceSigner},
		{"a key of its own, without a valid path", func(s *scene) []*pkix.CRL {
			signer := s.issue(nil, "CA", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
			s.in.Pool = append(s.in.Pool, signer.cert)
			return one(s.crl(signer, nil))
		}, StatusUnavailable, CodeEvidenceSigner},
		{"the CA may not sign lists", func(s *scene) []*pkix.CRL {
			s.ca = s.issue(s.root, "CA", func(c *x509.Certificate) { asCA(c); c.KeyUsage = x509.KeyUsageCertSign })
			s.leaf = s.issue(s.ca, "Leaf", nil)
			s.in.Leaf, s.in.Pool = s.leaf.cert, []*pkix.Certificate{s.ca.cert}
			return one(s.crl(s.ca, nil))
		}, StatusUnavailable, CodeEvidenceSigner},
		{"broken signature", func(s *scene) []*pkix.CRL {
			raw := append([]byte{}, s.crl(s.ca, nil).Raw...)
			raw[len(raw)-1] ^= 1
			return one(s.parseCRL(raw))
		}, StatusUnavailable, CodeEvidenceSignature},
		{"stale", func(s *scene) []*pkix.CRL {
			return one(s.crl(s.ca, func(l *x509.RevocationList) { l.NextUpdate = now.Add(-time.Minute) }))
		}, StatusUnavailable, CodeEvidenceStale},
		{"from the future", func(s *scene) []*pkix.CRL {
			return one(s.crl(s.ca, func(l *x509.RevocationList) { l.ThisUpdate = now.Add(time.Hour) }))
		}, StatusUnavailable, CodeEvidenceFuture},
		{"for CAs", func(s *scene) []*pkix.CRL { return one(scoped(s, issuingPoint{OnlyCA: true})) }, StatusUnavailable, CodeEvidenceScope},
		{"for attribute certificates", func(s *scene) []*pkix.CRL {
			return one(scoped(s, issuingPoint{OnlyAttributes: true}))
		}, StatusUnavailable, CodeEvidenceScope},
		{"of another distribution point", func(s *scene) []*pkix.CRL {
			withPoint(s, "http://crl.example/1")
			return one(scoped(s, issuingPoint{Name: uriPoint(s.t, "http://crl.example/2")}))
		}, StatusUnavailable, CodeEvidenceScope},
		{"of a distribution point, for a certificate without one", func(s *scene) []*pkix.CRL {
			return one(scoped(s, issuingPoint{Name: uriPoint(s.t, "http://crl.example/2")}))
		}, StatusUnavailable, CodeEvidenceScope},
		{"for some reasons only", func(s *scene) []*pkix.CRL {
			return one(scoped(s, issuingPoint{Reasons: asn1.BitString{Bytes: []byte{0x60, 0x00}, BitLength: 9}}))
		}, StatusUnavailable, CodeEvidenceReasons},
		{"unknown critical extension", func(s *scene) []*pkix.CRL {
			return one(s.crl(s.ca, func(l *x509.RevocationList) {
				l.ExtraExtensions = []stdpkix.Extension{extension("1.2.3.4", true, asn1.NullBytes)}
			}))
		}, StatusUnavailable, CodeEvidenceForm},
		{"unknown critical extension of another entry", func(s *scene) []*pkix.CRL {
			e := revokedAt(s.ca, now, 0)
			e.ExtraExtensions = []stdpkix.Extension{extension("1.2.3.4", true, asn1.NullBytes)}
			return one(s.crl(s.ca, nil, e))
		}, StatusUnavailable, CodeEvidenceForm},
		{"malformed scope", func(s *scene) []*pkix.CRL {
			return one(s.crl(s.ca, func(l *x509.RevocationList) {
				l.ExtraExtensions = []stdpkix.Extension{extension(pkix.OIDIssuingDistPoint, true, asn1.NullBytes)}
			}))
		}, StatusUnavailable, CodeEvidenceForm},
		{"a delta alone", func(s *scene) []*pkix.CRL { return one(s.crl(s.ca, deltaOf(s.t, 7))) }, StatusUnavailable, ""},
		{"a national delta alone", func(s *scene) []*pkix.CRL {
			return one(s.crl(s.ca, func(l *x509.RevocationList) {
				point := der(s.t, []struct{ Name asn1.RawValue }{{uriPoint(s.t, "http://crl.example/d")}}, "")
				l.ExtraExtensions = []stdpkix.Extension{extension(pkix.OIDFreshestCRL, true, point)}
			}))
		}, StatusUnavailable, ""},
		{"stale base with a delta for a later base", func(s *scene) []*pkix.CRL {
			return []*pkix.CRL{s.crl(s.ca, func(l *x509.RevocationList) {
				l.ThisUpdate, l.NextUpdate = now.AddDate(0, 0, -20), now.AddDate(0, 0, -10)
			}), s.crl(s.ca, deltaOf(s.t, 8))}
		}, StatusUnavailable, CodeEvidenceScope},
		{"stale base with a stale delta", func(s *scene) []*pkix.CRL {
			old := func(l *x509.RevocationList) {
				l.ThisUpdate, l.NextUpdate = now.AddDate(0, 0, -20), now.AddDate(0, 0, -10)
			}
			return []*pkix.CRL{s.crl(s.ca, old), s.crl(s.ca, func(l *x509.RevocationList) { deltaOf(s.t, 7)(l); old(l) })}
		}, StatusUnavailable, CodeEvidenceStale},
		{"stale base with a delta signed by another", func(s *scene) []*pkix.CRL {
			old := func(l *x509.RevocationList) {
				l.ThisUpdate, l.NextUpdate = now.AddDate(0, 0, -20), now.AddDate(0, 0, -10)
			}
			twin := s.issue(s.root, "CA", asCA)
			twin.std.SubjectKeyId = s.ca.std.SubjectKeyId
			return []*pkix.CRL{s.crl(s.ca, old), s.crl(twin, deltaOf(s.t, 7))}
		}, StatusUnavailable, CodeEvidenceSignature},
		{"stale base with a delta of another scope", func(s *scene) []*pkix.CRL {
			old := func(l *x509.RevocationList) {
				l.ThisUpdate, l.NextUpdate = now.AddDate(0, 0, -20), now.AddDate(0, 0, -10)
			}
			return []*pkix.CRL{s.crl(s.ca, old), s.crl(s.ca, func(l *x509.RevocationList) {
				deltaOf(s.t, 7)(l)
				l.ExtraExtensions = append(l.ExtraExtensions, scope(s.t, issuingPoint{OnlyUser: true}))
			})}
		}, StatusUnavailable, CodeEvidenceScope},
	})
}

func runCRL(t *testing.T, cases []crlCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			lists := c.make(s)
			s.in.CRLs = append(s.in.CRLs, lists...)
			info := s.leafStatus()
			if info.Status != c.want {
				t.Errorf("want %s, got %s, %+v", c.want, info.Status, info.Rejected)
			}
			got := Code("")
			if len(info.Rejected) > 0 {
				got = info.Rejected[0].Problem.Code
			}
			if got != c.code {
				t.Errorf("passed over for %q, want %q: %+v", got, c.code, info.Rejected)
			}
		})
	}
}

func scoped(s *scene, p issuingPoint) *pkix.CRL {
	s.t.Helper()
	return s.crl(s.ca, func(l *x509.RevocationList) { l.ExtraExtensions = []stdpkix.Extension{scope(s.t, p)} })
}

// withPoint gives the leaf a distribution point.
func withPoint(s *scene, uri string) {
	s.t.Helper()
	s.leaf = s.issue(s.ca, "Leaf", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{uri} })
	s.in.Leaf = s.leaf.cert
}

// TestIndirectCRL: an authorised issuer of lists speaks for the CA, and an entry counts for the issuer that it names.
func TestIndirectCRL(t *testing.T) {
	for _, c := range []struct {
		name   string
		issuer func(s *scene) *entity // named in the entry
		point  issuingPoint
		want   Status
	}{
		{"entry of the CA", func(s *scene) *entity { return s.ca }, issuingPoint{Indirect: true}, StatusRevoked},
		{"entry of another CA", func(s *scene) *entity { return s.root }, issuingPoint{Indirect: true}, StatusGood},
		{"not marked as indirect", func(s *scene) *entity { return s.ca }, issuingPoint{}, StatusUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			lister := s.issue(s.root, "Lister", func(x *x509.Certificate) { x.KeyUsage = x509.KeyUsageCRLSign })
			point := struct {
				Issuer []asn1.RawValue `asn1:"tag:2"`
			}{[]asn1.RawValue{directoryName(lister)}}
			s.leaf = s.issue(s.ca, "Leaf", func(x *x509.Certificate) {
				x.ExtraExtensions = []stdpkix.Extension{extension(pkix.OIDCRLDistributionPoints, false, der(t, []any{point}, ""))}
			})
			s.in.Leaf = s.leaf.cert
			s.in.Pool = append(s.in.Pool, lister.cert)
			entry := revokedAt(s.leaf, now.AddDate(0, -1, 0), 1)
			entry.ExtraExtensions = []stdpkix.Extension{
				extension(pkix.OIDCertificateIssuer, true, der(t, []asn1.RawValue{directoryName(c.issuer(s))}, "")),
			}
			s.in.CRLs = append(s.in.CRLs, s.crl(lister, func(l *x509.RevocationList) {
				l.ExtraExtensions = []stdpkix.Extension{scope(t, c.point)}
			}, entry))
			if got := s.leafStatus(); got.Status != c.want {
				t.Errorf("want %s, got %s: %+v", c.want, got.Status, got.Rejected)
			}
		})
	}
}

func directoryName(e *entity) asn1.RawValue {
	return asn1.RawValue{Class: 2, Tag: 4, IsCompound: true, Bytes: e.std.RawSubject}
}
