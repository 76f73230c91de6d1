package cms_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"

	"github.com/google/go-cmp/cmp"
)

var content = []byte("The fee of 540600 tiyn is paid.\r\n")

func (id identity) input(detached bool) cms.SignInput {
	return cms.SignInput{
		Content: content, Detached: detached, Certificate: id.cert, Signer: id.key, Algorithm: id.algorithm,
		SigningTime: at, Rand: rand.Reader,
	}
}

func (id identity) sign(tb testing.TB, detached bool) []byte {
	tb.Helper()
	doc, err := cms.Sign(id.input(detached))
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func parse(tb testing.TB, doc []byte) *cms.SignedData {
	tb.Helper()
	sd, err := cms.Parse(doc, cms.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return sd
}

func TestSignedDocumentsVerify(t *testing.T) {
	for _, id := range allIdentities(t) {
		for _, detached := range []bool{false, true} {
			name := id.name + " attached"
			if detached {
				name = id.name + " detached"
			}
			t.Run(name, func(t *testing.T) {
				doc := id.sign(t, detached)
				if !asn1ber.IsDER(doc, asn1ber.Limits{}) {
					t.Error("not DER")
				}
				sd := parse(t, doc)
				si := &sd.Signers[0]
				if sd.HasContent == detached || len(sd.Certificates) != 1 || !bytes.Equal(sd.Certificates[0], id.cert.Raw) {
					t.Fatalf("content %v, %d certificates", sd.HasContent, len(sd.Certificates))
				}
				if !si.SigningTime.Equal(at) || si.ContentType != cms.OIDData || len(si.SigningCertificates) != 1 {
					t.Errorf("attributes: %v %s %d", si.SigningTime, si.ContentType, len(si.SigningCertificates))
				}
				given := cms.Content{}
				if detached {
					given = cms.ContentOf(content)
				}
				checks := si.Verify(given, id.cert)
				if checks.Worst().Status != cms.Passed {
					t.Error(checks)
				}
				if other := si.Verify(cms.ContentOf([]byte("other")), id.cert).Worst(); other.Sub != cms.SubHash {
					t.Errorf("other content: %+v", other)
				}
			})
		}
	}
}

func TestSignRefuses(t *testing.T) {
	rsaID, p256, gostID := named(t, "RSA"), named(t, "P-256"), named(t, "GOST-2015-512")
	for name, c := range map[string]struct {
		change func(*cms.SignInput)
		want   error
	}{
		"another key":           {func(in *cms.SignInput) { in.Signer = p256.key }, cms.ErrKeyMismatch},
		"no key":                {func(in *cms.SignInput) { in.Signer = nil }, nil},
		"no certificate":        {func(in *cms.SignInput) { in.Certificate = nil }, nil},
		"hash of GOST with RSA": {func(in *cms.SignInput) { in.Hash = algo.Streebog512 }, algo.ErrMismatch},
		"SHA-256 with GOST": {func(in *cms.SignInput) {
			in.Certificate, in.Signer, in.Hash = gostID.cert, gostID.key, algo.SHA256
		}, algo.ErrMismatch},
		"algorithm of another family": {func(in *cms.SignInput) {
			s, _ := algo.SignatureByOID("1.2.840.10045.4.3.2")
			in.Algorithm = &s
		}, algo.ErrMismatch},
		"digest attached":             {func(in *cms.SignInput) { in.Content, in.Digest = nil, make([]byte, 32) }, nil},
		"digest of another size":      {func(in *cms.SignInput) { in.Content, in.Detached, in.Digest = nil, true, make([]byte, 20) }, algo.ErrMismatch},
		"digest and content":          {func(in *cms.SignInput) { in.Detached, in.Digest = true, make([]byte, 32) }, nil},
		"year beyond GeneralizedTime": {func(in *cms.SignInput) { in.SigningTime = at.AddDate(9000, 0, 0) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := rsaID.input(false)
			c.change(&in)
			doc, err := cms.Sign(in)
			if err == nil || doc != nil {
				t.Fatal("signed")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestSignDigestOfLargeContent(t *testing.T) {
	id := named(t, "P-256")
	in := id.input(true)
	in.Content, in.Digest = nil, algo.SHA256.Sum(nil, content)
	doc, err := cms.Sign(in)
	if err != nil {
		t.Fatal(err)
	}
	sd := parse(t, doc)
	read, err := cms.ReadContent(bytes.NewReader(content), sd.Hashes())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]cms.Content{
		"octets": cms.ContentOf(content), "streamed": read,
		"digests": cms.ContentDigests(map[algo.Hash][]byte{algo.SHA256: in.Digest}),
	} {
		if checks := sd.Signers[0].Verify(c, id.cert); checks.Worst().Status != cms.Passed {
			t.Errorf("%s: %s", name, checks)
		}
	}
	missing := sd.Signers[0].Verify(cms.ContentDigests(map[algo.Hash][]byte{algo.SHA512: make([]byte, 64)}), id.cert)
	if w := missing.Worst(); w.Status != cms.Undecided || w.Sub != cms.SubNoSignedData {
		t.Errorf("digest of another hash: %s", missing)
	}
}

func TestChainIsIncludedOnce(t *testing.T) {
	id, other := named(t, "RSA"), named(t, "P-256")
	in := id.input(false)
	in.Chain = []*pkix.Certificate{id.cert, other.cert}
	doc, err := cms.Sign(in)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(parse(t, doc).Certificates); n != 2 {
		t.Errorf("%d certificates", n)
	}
}

// Adding an unsigned attribute keeps what is signed octet by octet.
func TestAddUnsigned(t *testing.T) {
	id := named(t, "GOST-2015-512")
	before := parse(t, id.sign(t, false))
	token := seq(oid(cms.OIDSignedData))
	doc, err := before.AddUnsigned(0, cms.OIDSignatureTimestamp, token)
	if err != nil {
		t.Fatal(err)
	}
	after := parse(t, doc)
	again, err := after.AddUnsigned(0, cms.OIDSignatureTimestamp, seq())
	if err != nil {
		t.Fatal(err)
	}
	sd := parse(t, again)
	if checks := sd.Signers[0].Verify(cms.Content{}, id.cert); checks.Worst().Status != cms.Passed {
		t.Error(checks)
	}
	tokens, err := sd.Signers[0].SignatureTimestamps()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{token, seq()}, tokens); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(sd.Signers[0].RawSignedAttributes, before.Signers[0].RawSignedAttributes) {
		t.Error("signed attributes changed")
	}
	if _, err := sd.AddUnsigned(1, cms.OIDSignatureTimestamp, token); !errors.Is(err, cms.ErrNoSigner) {
		t.Errorf("signer 1: %v", err)
	}
	if _, err := sd.AddUnsigned(0, cms.OIDSignatureTimestamp, []byte{0x30}); err == nil {
		t.Error("malformed value taken")
	}
	with := parse(t, sd.AddCertificates(named(t, "RSA").cert.Raw, id.cert.Raw))
	if len(with.Certificates) != 2 || with.Signers[0].Verify(cms.Content{}, id.cert).Worst().Status != cms.Passed {
		t.Errorf("%d certificates", len(with.Certificates))
	}
}
