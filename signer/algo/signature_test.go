package algo

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

func pssParams(h, mgf string, salt int64, trailer ...[]byte) []byte {
	parts := [][]byte{
		asn1ber.Wrap(asn1ber.Context(0), seq(oid(h), null())),
		asn1ber.Wrap(asn1ber.Context(1), seq(oid("1.2.840.113549.1.1.8"), seq(oid(mgf), null()))),
		asn1ber.Wrap(asn1ber.Context(2), asn1ber.EncodedInt(salt)),
	}
	return seq(oid(oidPSS), seq(append(parts, trailer...)...))
}

const rawSHA256, rawSHA512 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.3"

func TestSignatureIdentifiersRefused(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"unknown":                    {seq(oid("1.2.3")), ErrUnknownAlgorithm},
		"key type alone":             {seq(oid(oidRSA), null()), ErrUnknownAlgorithm},
		"RSA with parameters":        {seq(oid("1.2.840.113549.1.1.11"), octets([]byte{1})), ErrParameters},
		"ECDSA with a curve":         {seq(oid("1.2.840.10045.4.3.2"), oid("1.2.840.10045.3.1.7")), ErrParameters},
		"PSS without parameters":     {seq(oid(oidPSS)), ErrParameters},
		"PSS with NULL":              {seq(oid(oidPSS), null()), ErrParameters},
		"PSS with another MGF1 hash": {pssParams(rawSHA256, rawSHA512, 32), ErrParameters},
		"PSS with default MGF1":      {seq(oid(oidPSS), seq(asn1ber.Wrap(asn1ber.Context(0), seq(oid(rawSHA256))))), ErrParameters},
		"PSS with GOST":              {pssParams("1.2.398.3.10.1.3.3", "1.2.398.3.10.1.3.3", 64), ErrParameters},
		"PSS with negative salt":     {pssParams(rawSHA256, rawSHA256, -1), ErrParameters},
		"PSS with huge salt":         {pssParams(rawSHA256, rawSHA256, 1<<40), ErrParameters},
		"PSS with trailer 2":         {pssParams(rawSHA256, rawSHA256, 32, asn1ber.Wrap(asn1ber.Context(3), asn1ber.EncodedInt(2))), ErrParameters},
		"PSS with more":              {pssParams(rawSHA256, rawSHA256, 32, null()), asn1ber.ErrSyntax},
		"PSS with another mask":      {seq(oid(oidPSS), seq(asn1ber.Wrap(asn1ber.Context(1), seq(oid("1.2.3"), null())))), ErrParameters},
		"PSS with unknown hash":      {pssParams("1.2.3", "1.2.3", 32), ErrUnknownAlgorithm},
	} {
		if s, err := ParseSignature(c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if s, err := ParseSignature(seq(oid(oidPSS), seq())); err != nil || s.Hash != SHA1 || s.PSS.SaltLength != 20 {
		t.Errorf("PSS of defaults: %+v, %v", s, err)
	}
	if s, err := ParseSignature(pssParams(rawSHA256, rawSHA256, 20)); err != nil || s.PSS.SaltLength != 20 {
		t.Errorf("PSS with salt 20: %+v, %v", s, err)
	}
}

// The salt has the length that the parameters say.
func TestPSSSalt(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ParsePublicKey(rsaSPKI(key.N, int64(key.E)))
	if err != nil {
		t.Fatal(err)
	}
	digest := SHA256.Sum(nil, []byte("m"))
	for _, salt := range []int{20, 32} {
		sig, err := rsa.SignPSS(rand.Reader, key, SHA256.Crypto(), digest, &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range []int64{20, 32} {
			a, err := ParseSignature(pssParams(rawSHA256, rawSHA256, said))
			if err != nil {
				t.Fatal(err)
			}
			if err := a.VerifyDigest(pub, digest, sig); (err == nil) != (int64(salt) == said) {
				t.Errorf("salt %d, said %d: %v", salt, said, err)
			}
		}
	}
	if _, err := (Signature{OID: oidPSS, Family: RSAPSS, Hash: SHA256, PSS: &PSSParams{SHA256, 20}}).AlgorithmIdentifier(); !errors.Is(err, ErrParameters) {
		t.Errorf("written with salt 20: %v", err)
	}
}

// In CMS a signature algorithm may be the bare key type; the digest algorithm then says the hash.
func TestCMSSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		id     []byte
		digest Hash
		family Family
		rfc    bool
		want   error
	}{
		"rsaEncryption":              {seq(oid(oidRSA), null()), SHA384, RSA, false, nil},
		"rsaEncryption, GOST digest": {seq(oid(oidRSA), null()), Streebog512, 0, false, ErrMismatch},
		"rsaEncryption, no digest":   {seq(oid(oidRSA), null()), 0, 0, false, ErrMismatch},
		"rsaEncryption, parameters":  {seq(oid(oidRSA), octets(nil)), SHA256, 0, false, ErrParameters},
		"ecPublicKey":                {seq(oid(oidEC)), SHA256, ECDSA, false, nil},
		"ecPublicKey with curve":     {seq(oid(oidEC), oid("1.2.840.10045.3.1.7")), SHA256, ECDSA, false, nil},
		"national 512":               {seq(oid(oidKZ2015512), null()), Streebog512, GOST2012_512, false, nil},
		"national 512, wrong digest": {seq(oid(oidKZ2015512), null()), Streebog256, 0, false, ErrMismatch},
		"national 512, SHA-256":      {seq(oid(oidKZ2015512), null()), SHA256, 0, false, ErrMismatch},
		"national 2004":              {seq(oid(oidKZ2004), null()), GOST94Test, GOST2004, false, nil},
		"national 2004, other S-box": {seq(oid(oidKZ2004), null()), GOST94CryptoPro, 0, false, ErrMismatch},
		"RFC 2012 512":               {seq(oid(oidRFC2012L)), Streebog512, GOST2012_512, true, nil},
		"RFC 2001":                   {seq(oid(oidRFC2001)), GOST94CryptoPro, GOST2004, true, nil},
		"full algorithm":             {seq(oid("1.2.840.113549.1.1.11"), null()), SHA1, RSA, false, nil},
		"national signature":         {seq(oid("1.2.398.3.10.1.1.2.3.2"), null()), Streebog512, GOST2012_512, false, nil},
		"Ed25519":                    {seq(oid(oidEd25519)), SHA512, Ed25519, false, nil},
		"PSS":                        {pssParams(rawSHA256, rawSHA256, 32), SHA256, RSAPSS, false, nil},
		"unknown":                    {seq(oid("1.2.3")), SHA256, 0, false, ErrUnknownAlgorithm},
	} {
		s, err := ParseCMSSignature(c.id, c.digest)
		if !errors.Is(err, c.want) || err == nil && (s.Family != c.family || s.RFC != c.rfc) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestSignatureForRefuses(t *testing.T) {
	key, err := gost.GenerateKey(gost.TC26_512B(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := SignatureFor(key.Public(), 0); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("curve without national OID: %v", err)
	}
	if _, _, err := SignatureFor("key", SHA256); !errors.Is(err, ErrUnknownAlgorithm) {
		t.Errorf("no key: %v", err)
	}
	if _, _, err := SignatureFor(&rsa.PublicKey{}, GOST94Test); !errors.Is(err, ErrMismatch) {
		t.Errorf("RSA with GOST: %v", err)
	}
	if _, _, err := PSSFor(Streebog256); !errors.Is(err, ErrMismatch) {
		t.Errorf("PSS with GOST: %v", err)
	}
}

func TestReliability(t *testing.T) {
	table := DefaultReliability()
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	sig := func(der []byte) Signature {
		s, err := ParseSignature(der)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	sha1RSA, sha256RSA := sig(seq(oid("1.2.840.113549.1.1.5"), null())), sig(seq(oid("1.2.840.113549.1.1.11"), null()))
	pss := sig(pssParams(rawSHA256, rawSHA256, 32))
	for name, c := range map[string]struct {
		s       Signature
		bits    int
		at      string
		want    bool
		subject string
	}{
		"SHA-1 in time":      {sha1RSA, 2048, "2012-07-31", true, "SHA-1"},
		"SHA-1 too late":     {sha1RSA, 2048, "2012-08-01", false, "SHA-1"},
		"SHA-1, weaker key":  {sha1RSA, 512, "2010-01-01", false, "RSA of 512 bits"},
		"RSA-2048":           {sha256RSA, 2048, "2026-09-01", true, "RSA of 2048 bits"},
		"RSA-2048 late":      {sha256RSA, 2048, "2029-01-01", false, "RSA of 2048 bits"},
		"RSA-1024":           {sha256RSA, 1024, "2026-09-01", false, "RSA of 1024 bits"},
		"RSA-1024 then":      {sha256RSA, 1024, "2019-09-30", true, "RSA of 1024 bits"},
		"PSS-3072 later":     {pss, 3072, "2035-01-01", true, "RSA-PSS of 3072 bits"},
		"P-256":              {sig(seq(oid("1.2.840.10045.4.3.2"))), 256, "2035-01-01", true, "ECDSA of 256 bits"},
		"P-224":              {sig(seq(oid("1.2.840.10045.4.3.2"))), 224, "2026-09-01", false, "ECDSA of 224 bits"},
		"GOST-2015-512":      {sig(seq(oid("1.2.398.3.10.1.1.2.3.2"))), 512, "2035-01-01", true, "GOST R 34.10-2012-512 of 512 bits"},
		"Ed25519":            {sig(seq(oid(oidEd25519))), 256, "2035-01-01", true, "Ed25519 of 256 bits"},
		"DSA was never here": {sig(seq(oid("2.16.840.1.101.3.4.3.2"))), 3072, "2010-01-01", false, "DSA of 3072 bits"},
	} {
		got := table.Signature(c.s, c.bits, day(c.at))
		if got.Reliable != c.want || got.Subject != c.subject || got.Reliable && got.Source == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for h := MD5; h < hashEnd; h++ {
		if table.hashes[h] == nil {
			t.Errorf("%s is not in the table", h)
		}
	}
	for name, bad := range map[string]string{
		"unknown field":  `{"version":"1","hashes":[],"colour":1}`,
		"unknown hash":   `{"sources":{"a":"b"},"hashes":[{"name":"SHA-257","source":"a"}]}`,
		"unknown family": `{"sources":{"a":"b"},"keys":[{"family":"ROT13","source":"a"}]}`,
		"no source":      `{"hashes":[{"name":"SHA-1"}]}`,
		"bad date":       `{"sources":{"a":"b"},"hashes":[{"name":"SHA-1","end":"soon","source":"a"}]}`,
		"unordered":      `{"sources":{"a":"b"},"keys":[{"family":"RSA","bits_min":2048,"source":"a"},{"family":"RSA","bits_min":1024,"source":"a"}]}`,
		"not JSON":       `{`,
	} {
		if _, err := LoadReliability([]byte(bad)); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

// FuzzAlgorithms: no identifier or key panics, and what is read is complete.
func FuzzAlgorithms(f *testing.F) {
	for _, s := range signers(f) {
		f.Add(s.spki)
	}
	f.Add(pssParams(rawSHA256, rawSHA256, 32))
	f.Add(seq(oid("1.2.398.3.10.1.3.1"), oid("1.2.398.3.10.1.3.1.1.0")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ParseHash(b); err == nil && !h.Valid() {
			t.Errorf("hash %d", h)
		}
		for _, h := range []Hash{SHA256, Streebog512} {
			if s, err := ParseCMSSignature(b, h); err == nil && (s.Family == Unknown || s.Name == "") {
				t.Errorf("signature %+v", s)
			}
		}
		pub, err := ParsePublicKey(b)
		if err != nil {
			return
		}
		if pub.Key == nil && pub.Family != DSA || pub.Key != nil && pub.Bits == 0 {
			t.Errorf("key %+v", pub)
		}
		s, _, err := SignatureFor(pub.Key, DefaultHash(pub.Key))
		if err == nil && s.Verify(pub, b, make([]byte, 64)) == nil {
			t.Error("zeros verify")
		}
	})
}
