package engine_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// attributeCertificate writes one by RFC 5755 4.1 that names a role, under the tag of CMS; nobody has signed it.
func attributeCertificate(serial byte, until string) []byte {
	seq := func(parts ...[]byte) []byte { return asn1ber.Wrap(asn1ber.Sequence, parts...) }
	oid := func(dotted string) []byte {
		return asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(dotted)))
	}
	number := func(n byte) []byte { return asn1ber.Primitive(asn1ber.Integer, []byte{n}) }
	issuer := asn1ber.Wrap(asn1ber.Context(0), seq(asn1ber.Wrap(asn1ber.Context(4), seq(asn1ber.Wrap(asn1ber.Set, seq(oid("2.5.4.3"), asn1ber.Primitive(asn1ber.UTF8String, []byte("AA"))))))))
	when := func(s string) []byte { return asn1ber.Primitive(asn1ber.GeneralizedTime, []byte(s)) }
	role := seq(oid("2.5.4.72"), asn1ber.Wrap(asn1ber.Set, number(7)))
	algorithm := seq(oid("1.2.840.10045.4.3.2"))
	info := seq(number(1), seq(), issuer, algorithm, number(serial), seq(when("20240102030405Z"), when(until)), seq(role))
	return asn1ber.Wrap(asn1ber.Context(2), info, algorithm, asn1ber.Primitive(asn1ber.BitString, []byte{0, 1}))
}

// An attribute certificate that a document brings is shown, and neither changes a verdict nor gives its signer a role: nobody has verified it. One
// that cannot be read is not shown; no more than sixteen are; and neither the last moment that can be written nor one beyond makes the
// verdict an error.
func TestAttributeCertificatesAreShown(t *testing.T) {
	l := setup(t, pki.ECDSA)
	good := attributeCertificate(5, "20270102030405Z")
	var many [][]byte
	for i := range byte(40) {
		many = append(many, attributeCertificate(i, "20270102030405Z"))
	}
	roles := len(l.assess(l.sign(pki.CMSOptions{}), nil).Verdict.Signatures[0].Signer.Roles)
	for name, c := range map[string]struct {
		extra [][]byte
		shown int
	}{
		"none":       {nil, 0},
		"one":        {[][]byte{good}, 1},
		"unreadable": {[][]byte{asn1ber.Wrap(asn1ber.Context(2)), good}, 1},
		"many":       {many, 16},
		"for ever":   {[][]byte{attributeCertificate(5, "99991231235959Z")}, 1},
		"beyond":     {[][]byte{attributeCertificate(5, "99991231235959-0100")}, 0},
	} {
		v := l.assess(l.sign(pki.CMSOptions{Extra: c.extra}), nil).Verdict
		if v.Indication != report.TotalPassed || len(v.Signatures) != 1 {
			t.Fatalf("%s: %s/%s", name, v.Indication, v.Sub)
		}
		got := v.Signatures[0].AttributeCertificates
		if len(got) != c.shown || len(v.Signatures[0].Signer.Roles) != roles {
			t.Errorf("%s: %+v", name, got)
		}
		for _, a := range got {
			if !strings.Contains(a.Issuer, "AA") || name != "many" && a.Serial != "05" || a.NotBefore.Year() != 2024 || !slices.Equal(a.Attributes, []string{"2.5.4.72"}) {
				t.Errorf("%s: %+v", name, a)
			}
		}
		text, err := v.AppendJSON(nil)
		if err != nil || bytes.Count(text, []byte(`"2.5.4.72"`)) != c.shown {
			t.Errorf("%s: %v", name, err)
		}
	}
}
