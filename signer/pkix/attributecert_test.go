package pkix

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
)

// attributeCertificate writes one by RFC 5755 4.1 with the standard library's writer; v2 puts the issuer into a V2Form.
func attributeCertificate(tb testing.TB, v2 bool) []byte {
	tb.Helper()
	put := func(v any) asn1.RawValue {
		der, err := asn1.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		return asn1.RawValue{FullBytes: der}
	}
	inside := func(class, tag int, parts ...asn1.RawValue) asn1.RawValue {
		var content []byte
		for _, p := range parts {
			content = append(content, p.FullBytes...)
		}
		return put(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: content})
	}
	seq := func(parts ...asn1.RawValue) asn1.RawValue {
		return inside(asn1.ClassUniversal, asn1.TagSequence, parts...)
	}
	when := func(year int) asn1.RawValue {
		return put(asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte(time.Date(year, 1, 2, 3, 4, 5, 0, time.UTC).Format("20060102150405Z"))})
	}
	mail := put(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: []byte("aa@example.kz")})
	issuer := seq(mail)
	if v2 {
		issuer = inside(asn1.ClassContextSpecific, 0, seq(mail))
	}
	role := seq(put(asn1.ObjectIdentifier{2, 5, 4, 72}), inside(asn1.ClassUniversal, asn1.TagSet, put(7)))
	algorithm := seq(put(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}))
	info := seq(put(1), seq(), issuer, algorithm, put(big.NewInt(513)), seq(when(2024), when(2027)), seq(role))
	return seq(info, algorithm, put(asn1.BitString{Bytes: []byte{1}, BitLength: 8})).FullBytes
}

func TestAttributeCertificate(t *testing.T) {
	for _, v2 := range []bool{true, false} {
		c, err := ParseAttributeCertificate(attributeCertificate(t, v2))
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Issuer) != 1 || !bytes.Equal(c.Serial, []byte{2, 1}) || c.NotBefore.Year() != 2024 || c.NotAfter.Year() != 2027 || !slices.Equal(c.Attributes, []string{"2.5.4.72"}) {
			t.Errorf("%+v", c)
		}
	}
	good := attributeCertificate(t, true)
	for cut := range good {
		if _, err := ParseAttributeCertificate(good[:cut]); !errors.Is(err, asn1ber.ErrSyntax) && !errors.Is(err, asn1ber.ErrLimit) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// FuzzAttributeCertificate: what is read keeps its octets, and every error is one of the two.
func FuzzAttributeCertificate(f *testing.F) {
	f.Add(attributeCertificate(f, true))
	f.Add(attributeCertificate(f, false))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseAttributeCertificate(raw)
		if err != nil {
			if !errors.Is(err, asn1ber.ErrSyntax) && !errors.Is(err, asn1ber.ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		_ = c.IssuerText()
		if !bytes.Equal(c.Raw, raw) || len(c.Attributes) > len(raw) || len(c.Issuer) > len(raw) {
			t.Errorf("%x", raw)
		}
	})
}
