package cms_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
)

func mustID(tb testing.TB, der []byte, err error) []byte {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// Each row is an attack of facts/validation.md §4 whose signature is mathematically right, the rule that stops it and
// how. The row "nothing wrong" keeps the harness honest.
func TestAttacks(t *testing.T) {
	id, other := named(t, "P-256"), named(t, "P-384")
	with := func(change func(a map[string][]byte) [][]byte) [][]byte {
		return change(usual(t, id, cms.OIDData, content))
	}
	all := func(a map[string][]byte, more ...[]byte) [][]byte {
		out := more
		for _, v := range a {
			out = append(out, v)
		}
		return out
	}
	without := func(name string) [][]byte {
		return with(func(a map[string][]byte) [][]byte { delete(a, name); return all(a) })
	}
	doubled := func(extra ...[]byte) [][]byte {
		return with(func(a map[string][]byte) [][]byte { return all(a, extra...) })
	}
	sha512ID := mustID(t, seq(oid("2.16.840.1.101.3.4.2.3")), nil)
	otherPrint := other.cert.Fingerprint()
	ownPrint := id.cert.Fingerprint()
	sha1ID := seq(seq(octets(algo.SHA1.Sum(nil, id.cert.Raw))))
	digest := octets(algo.SHA256.Sum(nil, content))
	attributes := asn1ber.SetOf(asn1ber.Set, all(usual(t, id, cms.OIDData, []byte("victim")))...)
	for name, c := range map[string]struct {
		forgery
		rule   cms.Rule
		status cms.Status
		sub    string
	}{
		"nothing wrong": {forgery{}, cms.RuleSignature, cms.Passed, ""},

		// A signature over attributes presented as a signature over content.
		"attributes as content":               {forgery{noAttributes: true, content: attributes}, cms.RuleSignedAttributes, cms.Failed, cms.SubFormat},
		"no attributes with content not data": {forgery{noAttributes: true, eContentType: cms.OIDTSTInfo}, cms.RuleSignedAttributes, cms.Failed, cms.SubFormat},
		"no attributes with data":             {forgery{noAttributes: true}, cms.RuleSignedAttributes, cms.Noted, ""},
		"no content type":                     {forgery{attributes: without("content-type")}, cms.RuleContentType, cms.Failed, cms.SubFormat},
		"no message digest":                   {forgery{attributes: without("message-digest")}, cms.RuleMessageDigest, cms.Failed, cms.SubFormat},
		"two content types":                   {forgery{attributes: doubled(attr(cms.OIDContentType, oid(cms.OIDTSTInfo)))}, cms.RuleContentType, cms.Failed, cms.SubFormat},
		"two message digests":                 {forgery{attributes: doubled(attr(cms.OIDMessageDigest, octets(make([]byte, 32))))}, cms.RuleMessageDigest, cms.Failed, cms.SubFormat},
		"message digest of two values":        {forgery{attributes: append(without("message-digest"), attr(cms.OIDMessageDigest, digest, octets(make([]byte, 32))))}, cms.RuleMessageDigest, cms.Failed, cms.SubFormat},
		"message digest without a value":      {forgery{attributes: append(without("message-digest"), attr(cms.OIDMessageDigest))}, cms.RuleMessageDigest, cms.Failed, cms.SubFormat},
		"message digest of another type":      {forgery{attributes: append(without("message-digest"), attr(cms.OIDMessageDigest, asn1ber.EncodedInt(1)))}, cms.RuleMessageDigest, cms.Failed, cms.SubFormat},
		"message digest of other content":     {forgery{attributes: append(without("message-digest"), attr(cms.OIDMessageDigest, octets(make([]byte, 32))))}, cms.RuleMessageDigest, cms.Failed, cms.SubHash},
		"message digest cut short":            {forgery{attributes: append(without("message-digest"), attr(cms.OIDMessageDigest, octets(algo.SHA256.Sum(nil, content)[:16])))}, cms.RuleMessageDigest, cms.Failed, cms.SubHash},
		"content of another type":             {forgery{attributes: append(without("content-type"), attr(cms.OIDContentType, oid(cms.OIDTSTInfo)))}, cms.RuleContentType, cms.Failed, cms.SubFormat},
		"two signing times":                   {forgery{attributes: doubled(attr(cms.OIDSigningTime, asn1ber.Primitive(asn1ber.UTCTime, []byte("200101000000Z"))))}, cms.RuleSigningTime, cms.Failed, cms.SubFormat},
		"signing time that is none":           {forgery{attributes: append(without("signing-time"), attr(cms.OIDSigningTime, asn1ber.Primitive(asn1ber.UTCTime, []byte("209901000000Z"))))}, cms.RuleSigningTime, cms.Failed, cms.SubFormat},

		// Algorithm confusion.
		"digest of another hash":              {forgery{digestID: sha512ID}, cms.RuleAlgorithms, cms.Failed, cms.SubSignature},
		"algorithm protection of other":       {forgery{attributes: doubled(attr(cms.OIDAlgorithmProtection, seq(sha512ID, asn1ber.Wrap(asn1ber.Context(1), oid("1.2.840.10045.4.3.4")))))}, cms.RuleAlgorithmProtection, cms.Failed, cms.SubSignature},
		"algorithm protection that fits":      {forgery{attributes: doubled(attr(cms.OIDAlgorithmProtection, seq(seq(oid("2.16.840.1.101.3.4.2.1")), asn1ber.Wrap(asn1ber.Context(1), oid("1.2.840.10045.4.3.2")))))}, cms.RuleAlgorithmProtection, cms.Passed, ""},
		"algorithm protection twice":          {forgery{attributes: doubled(attr(cms.OIDAlgorithmProtection, seq()), attr(cms.OIDAlgorithmProtection, seq()))}, cms.RuleAlgorithmProtection, cms.Failed, cms.SubFormat},
		"RSA signature with ECDSA key":        {forgery{signatureID: seq(oid("1.2.840.113549.1.1.11"), asn1ber.Primitive(asn1ber.Null, nil))}, cms.RuleSignature, cms.Failed, cms.SubSignature},
		"DSA":                                 {forgery{signatureID: seq(oid("2.16.840.1.101.3.4.3.2"))}, cms.RuleAlgorithms, cms.Undecided, cms.SubCryptoConstraints},
		"unknown digest":                      {forgery{digestID: seq(oid("1.2.3.4"))}, cms.RuleAlgorithms, cms.Undecided, cms.SubCryptoConstraints},
		"unknown signature algorithm":         {forgery{signatureID: seq(oid("1.2.3.4"))}, cms.RuleAlgorithms, cms.Undecided, cms.SubCryptoConstraints},
		"ecPublicKey as algorithm, same hash": {forgery{signatureID: seq(oid("1.2.840.10045.2.1"))}, cms.RuleSignature, cms.Passed, ""},

		// Certificate substitution.
		"ESS of another certificate": {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificateV2, seq(seq(seq(octets(otherPrint[:]))))))}, cms.RuleSigningCertificate, cms.Undecided, cms.SubNoCertificate},
		"no ESS":                     {forgery{attributes: without("ess")}, cms.RuleSigningCertificate, cms.Noted, ""},
		"ESS twice":                  {forgery{attributes: doubled(attr(cms.OIDSigningCertificateV2, seq(seq(seq(octets(otherPrint[:]))))))}, cms.RuleSigningCertificate, cms.Failed, cms.SubFormat},
		"ESS empty":                  {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificateV2, seq(seq())))}, cms.RuleSigningCertificate, cms.Failed, cms.SubFormat},
		"ESS v1":                     {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificate, seq(sha1ID)))}, cms.RuleSigningCertificate, cms.Passed, ""},
		"ESS v1 right, v2 of another": {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificate, seq(sha1ID)),
			attr(cms.OIDSigningCertificateV2, seq(seq(seq(octets(otherPrint[:]))))))}, cms.RuleSigningCertificate, cms.Undecided, cms.SubNoCertificate},
		"ESS right, serial of another": {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificateV2, seq(seq(seq(octets(ownPrint[:]),
			seq(seq(asn1ber.Wrap(asn1ber.Context(4), id.cert.RawIssuer)), asn1ber.EncodedInt(99)))))))}, cms.RuleSigningCertificate, cms.Undecided, cms.SubNoCertificate},
		"ESS right, issuer of another": {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificateV2, seq(seq(seq(octets(ownPrint[:]),
			seq(seq(asn1ber.Wrap(asn1ber.Context(4), other.cert.RawIssuer)), asn1ber.Primitive(asn1ber.Integer, id.cert.Serial)))))))}, cms.RuleSigningCertificate, cms.Undecided, cms.SubNoCertificate},
		"ESS right, issuer and serial right": {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificateV2, seq(seq(seq(octets(ownPrint[:]),
			seq(seq(asn1ber.Wrap(asn1ber.Context(4), id.cert.RawIssuer)), asn1ber.Primitive(asn1ber.Integer, id.cert.Serial)))))))}, cms.RuleSigningCertificate, cms.Passed, ""},
		"ESS of unknown hash":    {forgery{attributes: append(without("ess"), attr(cms.OIDSigningCertificateV2, seq(seq(seq(seq(oid("1.2.3.4")), octets(ownPrint[:]))))))}, cms.RuleSigningCertificate, cms.Undecided, cms.SubNoCertificate},
		"signer of another name": {forgery{sid: seq(other.cert.RawIssuer, asn1ber.Primitive(asn1ber.Integer, id.cert.Serial))}, cms.RuleSignerIdentifier, cms.Undecided, cms.SubNoCertificate},
		"signer of other serial": {forgery{sid: seq(id.cert.RawIssuer, asn1ber.EncodedInt(77))}, cms.RuleSignerIdentifier, cms.Undecided, cms.SubNoCertificate},
		"signer by key id":       {forgery{sid: asn1ber.Primitive(asn1ber.Context(0), id.cert.SubjectKeyID)}, cms.RuleSignerIdentifier, cms.Passed, ""},
		"signer by other key id": {forgery{sid: asn1ber.Primitive(asn1ber.Context(0), other.cert.SubjectKeyID)}, cms.RuleSignerIdentifier, cms.Undecided, cms.SubNoCertificate},
		"signer by no key id":    {forgery{sid: asn1ber.Primitive(asn1ber.Context(0), nil)}, cms.RuleSignerIdentifier, cms.Undecided, cms.SubNoCertificate},

		// The mathematics.
		"signature over something else": {forgery{signedOctets: []byte("else")}, cms.RuleSignature, cms.Failed, cms.SubSignature},
	} {
		t.Run(name, func(t *testing.T) {
			sd := parse(t, c.build(t, id))
			checks := sd.Signers[0].Verify(cms.Content{}, id.cert)
			got, ok := checks.Find(c.rule)
			if !ok || got.Status != c.status || got.Sub != c.sub {
				t.Errorf("%s: %+v, want %s %s", c.rule, got, c.status, c.sub)
			}
			if worst := checks.Worst(); worst.Status > c.status {
				if c.status == cms.Passed || c.status == cms.Noted {
					t.Errorf("worse elsewhere: %s", checks)
				}
			}
		})
	}
}

// Attributes in BER: the DER is signed (RFC 5652 5.4). Signed as written, the mathematics is reported and the rule fails.
func TestAttributeEncodings(t *testing.T) {
	id := named(t, "P-256")
	a := usual(t, id, cms.OIDData, content)
	der := asn1ber.SetOf(asn1ber.Set, a["content-type"], a["message-digest"], a["ess"])
	indefinite := func(tag byte, parts ...[]byte) []byte {
		return append(append([]byte{tag, 0x80}, bytes.Join(parts, nil)...), 0, 0)
	}
	unsorted := asn1ber.Wrap(asn1ber.Context(0), a["message-digest"], a["content-type"], a["ess"])
	if bytes.Equal(unsorted[2:], der[2:]) {
		t.Fatal("not unsorted")
	}
	list := [][]byte{a["content-type"], a["message-digest"], a["ess"]}
	for name, c := range map[string]struct {
		raw, signed []byte
		status      cms.Status
	}{
		"indefinite, DER signed": {indefinite(0xa0, list...), der, cms.Noted},
		"unsorted, DER signed":   {unsorted, der, cms.Noted},
		"unsorted as written":    {unsorted, append([]byte{0x31}, unsorted[1:]...), cms.Failed},
		"indefinite as written":  {indefinite(0xa0, list...), indefinite(0x31, list...), cms.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			doc := forgery{attributes: list, attributesRaw: c.raw, signedOctets: c.signed}.build(t, id)
			checks := parse(t, doc).Signers[0].Verify(cms.Content{}, id.cert)
			got, ok := checks.Find(cms.RuleAttributeEncoding)
			if !ok || got.Status != c.status || checks.Worst() != got {
				t.Errorf("%+v in %s", got, checks)
			}
			if s, _ := checks.Find(cms.RuleSignature); s.Status != cms.Passed {
				t.Errorf("mathematics: %s", checks)
			}
		})
	}
}

// Two certificates with one issuer and serial number: the one that the signature binds is found, whichever comes first,
// and the other never verifies.
func TestDoubledCertificate(t *testing.T) {
	id, thief := named(t, "P-256"), named(t, "P-384")
	spki, bits, err := spkiOf(thief)
	if err != nil {
		t.Fatal(err)
	}
	double, err := certificateFor(thief, id.name, id.cert.Serial, spki, bits)
	if err != nil {
		t.Fatal(err)
	}
	si := &parse(t, id.sign(t, false)).Signers[0]
	for _, pool := range [][]*pkix.Certificate{{double, id.cert}, {id.cert, double}} {
		found := si.Candidates(pool)
		if len(found) != 2 || found[0] != id.cert {
			t.Fatalf("first of %d candidates is wrong", len(found))
		}
	}
	if w := si.Verify(cms.Content{}, double).Worst(); w.Status != cms.Failed || w.Rule != cms.RuleSignature {
		t.Errorf("double: %+v", w)
	}
	// The same key under another certificate: the mathematics holds, the binding does not.
	spki, bits, err = spkiOf(id)
	if err != nil {
		t.Fatal(err)
	}
	twin, err := certificateFor(id, id.name, id.cert.Serial, spki, bits)
	if err != nil {
		t.Fatal(err)
	}
	checks := si.Verify(cms.Content{}, twin)
	if s, _ := checks.Find(cms.RuleSignature); s.Status != cms.Passed {
		t.Errorf("twin: %s", checks)
	}
	if w := checks.Worst(); w.Rule != cms.RuleSigningCertificate || w.Status != cms.Undecided {
		t.Errorf("twin: %s", checks)
	}
}

// Content inside and content given must both be what was signed.
func TestAttachedAndGivenContentMustAgree(t *testing.T) {
	id := named(t, "P-256")
	doc := forgery{}.build(t, id)
	changed := bytes.Replace(doc, []byte("540600"), []byte("990600"), 1)
	si := &parse(t, changed).Signers[0]
	if w := si.Verify(cms.ContentOf(content), id.cert).Worst(); w.Sub != cms.SubHash {
		t.Errorf("changed inside: %+v", w)
	}
	si = &parse(t, doc).Signers[0]
	if w := si.Verify(cms.ContentOf([]byte("other")), id.cert).Worst(); w.Sub != cms.SubHash {
		t.Errorf("other given: %+v", w)
	}
}

// Without signed attributes the content itself must be seen: in memory, streamed, or not at all.
func TestDisguisedContentStreamed(t *testing.T) {
	id := named(t, "P-256")
	a := usual(t, id, cms.OIDData, []byte("victim"))
	attributes := asn1ber.SetOf(asn1ber.Set, a["content-type"], a["message-digest"], a["signing-time"])
	for name, c := range map[string]struct {
		content []byte
		status  cms.Status
	}{
		"attributes":            {attributes, cms.Failed},
		"attributes with more":  {append(bytes.Clone(attributes), 0), cms.Noted},
		"indefinite attributes": {append(append([]byte{0x31, 0x80}, a["content-type"]...), 0, 0), cms.Failed},
		"text":                  {[]byte("1 tiyn"), cms.Noted},
		"empty":                 {[]byte{}, cms.Noted},
	} {
		t.Run(name, func(t *testing.T) {
			sd := parse(t, forgery{noAttributes: true, content: c.content, detached: true}.build(t, id))
			streamed, err := cms.ReadContent(bytes.NewReader(c.content), sd.Hashes())
			if err != nil {
				t.Fatal(err)
			}
			for way, given := range map[string]cms.Content{"octets": cms.ContentOf(c.content), "streamed": streamed} {
				checks := sd.Signers[0].Verify(given, id.cert)
				got, _ := checks.Find(cms.RuleSignedAttributes)
				if got.Status != c.status {
					t.Errorf("%s: %s", way, checks)
				}
			}
			blind := cms.ContentDigests(map[algo.Hash][]byte{algo.SHA256: algo.SHA256.Sum(nil, c.content)})
			if got, _ := sd.Signers[0].Verify(blind, id.cert).Find(cms.RuleSignedAttributes); got.Status != cms.Undecided {
				t.Errorf("digest alone: %+v", got)
			}
		})
	}
	ed := named(t, "Ed25519")
	sd := parse(t, forgery{noAttributes: true, detached: true}.build(t, ed))
	if w := sd.Signers[0].Verify(cms.ContentOf(content), ed.cert).Worst(); w.Status != cms.Noted {
		t.Errorf("Ed25519 over content: %+v", w)
	}
	streamed, err := cms.ReadContent(bytes.NewReader(content), sd.Hashes())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := sd.Signers[0].Verify(streamed, ed.cert).Find(cms.RuleSignature); got.Status != cms.Undecided {
		t.Errorf("Ed25519 over streamed content: %+v", got)
	}
}

func TestNothingToVerifyWith(t *testing.T) {
	id := named(t, "RSA")
	si := &parse(t, id.sign(t, true)).Signers[0]
	if w := si.Verify(cms.Content{}, id.cert).Worst(); w.Status != cms.Undecided || w.Sub != cms.SubNoSignedData {
		t.Errorf("no content: %+v", w)
	}
	if w := si.Verify(cms.ContentOf(content), nil).Worst(); w.Status != cms.Undecided || w.Sub != cms.SubNoCertificate {
		t.Errorf("no certificate: %+v", w)
	}
}

func TestCounterSignature(t *testing.T) {
	id, notary := named(t, "RSA"), named(t, "GOST-2015-512")
	sd := parse(t, id.sign(t, false))
	value := sd.Signers[0].Signature
	for name, c := range map[string]struct {
		attributes [][]byte
		worst      cms.Status
	}{
		"over the signature": {[][]byte{usual(t, notary, cms.OIDData, value)["message-digest"], usual(t, notary, cms.OIDData, value)["ess"]}, cms.Passed},
		"over the content":   {[][]byte{usual(t, notary, cms.OIDData, content)["message-digest"], usual(t, notary, cms.OIDData, content)["ess"]}, cms.Failed},
		"with a content type": {[][]byte{
			usual(t, notary, cms.OIDData, value)["message-digest"], usual(t, notary, cms.OIDData, value)["ess"],
			usual(t, notary, cms.OIDData, value)["content-type"],
		}, cms.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			signed := parse(t, forgery{attributes: c.attributes, content: value}.build(t, notary))
			doc, err := sd.AddUnsigned(0, cms.OIDCounterSignature, signed.Signers[0].Raw)
			if err != nil {
				t.Fatal(err)
			}
			si := &parse(t, doc).Signers[0]
			counter, err := si.CounterSignatures()
			if err != nil || len(counter) != 1 {
				t.Fatalf("%d counter-signatures: %v", len(counter), err)
			}
			if got := counter[0].Verify(cms.ContentOf(si.Signature), notary.cert); got.Worst().Status != c.worst {
				t.Error(got)
			}
		})
	}
}

// A parsed document is safe to share: readers do not draw on a common budget (run with -race), however often they read.
func TestSharedDocument(t *testing.T) {
	id := named(t, "RSA")
	protection := attr(cms.OIDAlgorithmProtection, seq(seq(oid("2.16.840.1.101.3.4.2.1")), asn1ber.Wrap(asn1ber.Context(1), oid("1.2.840.113549.1.1.11"), asn1ber.Primitive(asn1ber.Null, nil))))
	attributes := [][]byte{protection}
	for _, a := range usual(t, id, cms.OIDData, content) {
		attributes = append(attributes, a)
	}
	sd, err := cms.Parse(forgery{attributes: attributes}.build(t, id), cms.Limits{Elements: 200})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := sd.AddUnsigned(0, cms.OIDCertificateValues, seq(id.cert.Raw))
	if err != nil {
		t.Fatal(err)
	}
	if sd, err = cms.Parse(doc, cms.Limits{Elements: 200}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				si := &sd.Signers[0]
				if checks := si.Verify(cms.Content{}, id.cert); checks.Worst().Status != cms.Passed {
					t.Error(checks)
				}
				if ev, err := si.Evidence(); err != nil || len(ev.Certificates) != 1 {
					t.Errorf("%d, %v", len(ev.Certificates), err)
				}
			}
		})
	}
	all.Wait()
}

func TestCounterSignaturesNest(t *testing.T) {
	id := named(t, "P-256")
	base := parse(t, id.sign(t, false))
	inner := base.Signers[0].Raw
	for range 12 {
		doc, err := base.AddUnsigned(0, cms.OIDCounterSignature, inner)
		if err != nil {
			t.Fatal(err)
		}
		inner = parse(t, doc).Signers[0].Raw
	}
	doc, err := base.AddUnsigned(0, cms.OIDCounterSignature, inner)
	if err != nil {
		t.Fatal(err)
	}
	si, levels := &parse(t, doc).Signers[0], 0
	for {
		counter, err := si.CounterSignatures()
		if err != nil {
			if !errors.Is(err, asn1ber.ErrLimit) || levels != 8 {
				t.Errorf("after %d levels: %v", levels, err)
			}
			return
		}
		if len(counter) == 0 {
			t.Fatalf("ended at level %d", levels)
		}
		si = &counter[0]
		levels++
	}
}
