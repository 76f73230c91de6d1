package cms_test

import (
	"bytes"
	"fmt"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

// judge is what a careful caller does: parse, find the certificate inside, verify. ok false: refused at any step.
func judge(doc []byte) (cms.Checks, bool) {
	sd, err := cms.Parse(doc, cms.Limits{})
	if err != nil || len(sd.Signers) == 0 {
		return nil, false
	}
	var pool []*pkix.Certificate
	for _, der := range sd.Certificates {
		if c, err := pkix.ParseCertificate(der); err == nil {
			pool = append(pool, c)
		}
	}
	for i := range sd.Signers {
		si := &sd.Signers[i]
		candidates := si.Candidates(pool)
		if len(candidates) == 0 {
			return nil, false
		}
		checks := si.Verify(cms.Content{}, candidates[0])
		if checks.Worst().Status != cms.Passed {
			return checks, false
		}
	}
	return nil, true
}

// Every bit of a document is flipped. What survives must lie in a place that no signature covers, and those places are
// listed here with the reason why they do no harm.
func TestFlippedBits(t *testing.T) {
	for _, name := range []string{"P-256", "RSA", "Ed25519", "GOST-2015-256"} {
		t.Run(name, func(t *testing.T) {
			id := named(t, name)
			doc := id.sign(t, false)
			if _, ok := judge(doc); !ok {
				t.Fatal("the document itself does not hold")
			}
			sd := parse(t, doc)
			unsigned := unsignedPlaces(t, doc, sd)
			step := 1
			if testing.Short() {
				step = 7
			}
			for bit := 0; bit < len(doc)*8; bit += step {
				changed := bytes.Clone(doc)
				changed[bit/8] ^= 1 << (bit % 8)
				if _, ok := judge(changed); ok && unsigned[bit/8] == "" {
					t.Errorf("octet %d, bit %d: %02x became %02x", bit/8, bit%8, doc[bit/8], changed[bit/8])
				}
			}
		})
	}
}

// unsignedPlaces are the octets of a document of Sign that no signature covers.
func unsignedPlaces(tb testing.TB, doc []byte, sd *cms.SignedData) map[int]string {
	tb.Helper()
	out := map[int]string{}
	mark := func(why string, part []byte, from, to int) {
		at := bytes.Index(doc, part)
		if at < 0 {
			tb.Fatalf("no %s", why)
		}
		for i := at + from; i < at+to; i++ {
			out[i] = why
		}
	}
	si := &sd.Signers[0]
	// INTEGER 1 and the SET of digest algorithms precede the content: hints for one-pass readers, never used to decide.
	mark("version and digest algorithms", append([]byte{2, 1, 1, 0x31, byte(len(si.RawDigestAlgorithm))}, si.RawDigestAlgorithm...), 2, 5+len(si.RawDigestAlgorithm))
	head := bytes.Index(si.Raw, []byte{2, 1, 1})
	mark("signer version", si.Raw, head+2, head+3)
	// Names are equal whatever the case of their letters (RFC 5280 7.1); the certificate is bound by the ESS attribute.
	issuer := bytes.Index(si.Raw, si.SID.RawIssuer)
	mark("issuer in the signer identifier", si.Raw, issuer, issuer+len(si.SID.RawIssuer))
	return out
}

// Content, attributes, signature and certificate changed, dropped and swapped between documents.
func TestSwappedParts(t *testing.T) {
	id := named(t, "P-256")
	one := parse(t, id.sign(t, false))
	in := id.input(false)
	in.Content = bytes.Replace(content, []byte("540600"), []byte("100000"), 1)
	doc, err := cms.Sign(in)
	if err != nil {
		t.Fatal(err)
	}
	two := parse(t, doc)
	for what, parts := range map[string][2][]byte{
		"content":    {one.Content, two.Content},
		"attributes": {one.Signers[0].RawSignedAttributes, two.Signers[0].RawSignedAttributes},
		"signer":     {one.Signers[0].Raw, two.Signers[0].Raw},
	} {
		if len(parts[0]) != len(parts[1]) {
			continue // ECDSA signatures differ in length at times; then lengths around would have to change too
		}
		changed := bytes.Replace(one.Raw, parts[0], parts[1], 1)
		if bytes.Equal(changed, one.Raw) {
			t.Fatalf("%s not replaced", what)
		}
		if checks, ok := judge(changed); ok {
			t.Errorf("%s of another document: %s", what, checks)
		}
	}
	for cut := range len(one.Raw) {
		if _, ok := judge(one.Raw[:cut]); ok {
			t.Errorf("accepted when cut at %d", cut)
		}
	}
	for extra := 1; extra < 256; extra++ {
		if _, ok := judge(append(bytes.Clone(one.Raw), byte(extra))); ok {
			t.Errorf("accepted with octet %02x behind", extra)
		}
	}
}

func ExampleChecks_String() {
	fmt.Println(cms.Checks{{Rule: cms.RuleMessageDigest, Status: cms.Failed, Detail: "the content is not what was signed"}})
	// Output: message-digest failed: the content is not what was signed
}
