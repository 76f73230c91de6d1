package cms_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
)

func TestArmour(t *testing.T) {
	id := named(t, "P-256")
	doc := id.sign(t, false)
	line := base64.StdEncoding.EncodeToString(doc)
	block := func(label string) string { return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: doc})) }
	for name, c := range map[string]struct {
		in string
		ok bool
	}{
		"binary":                      {string(doc), true},
		"PEM":                         {block("CMS"), true},
		"PEM of NCALayer":             {"-----BEGIN CMS-----\r\n" + line + "\r\n-----END CMS-----\r\n", true},
		"PEM of PKCS7":                {block("PKCS7"), true},
		"PEM without line ends":       {"-----BEGIN CMS-----" + line + "-----END CMS-----", true},
		"PEM after a byte order mark": {"\xef\xbb\xbf" + block("CMS"), true},
		"one line":                    {line, true},
		"lines":                       {strings.ReplaceAll(line, "A", "A\r\n"), true},
		"indented":                    {"  " + line[:40] + "\n\t" + line[40:] + "\n", true},
		"PEM of a certificate":        {block("CERTIFICATE"), false},
		"PEM without end":             {strings.TrimSuffix(block("CMS"), "-----END CMS-----\n"), false},
		"PEM with another end":        {strings.Replace(block("CMS"), "END CMS", "END PKCS7", 1), false},
		"PEM with text before":        {"Pay this:\n" + block("CMS"), false},
		"PEM with text behind":        {block("CMS") + "and this", false},
		"two blocks":                  {block("CMS") + block("CMS"), false},
		"PEM with headers":            {strings.Replace(block("CMS"), "CMS-----\n", "CMS-----\nProc-Type: 4\n\n", 1), false},
		"base64 url":                  {base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 30)), false},
		"base64 of nothing":           {"", false},
		"text":                        {"hello", false},
		"JSON":                        {`{"signature":"` + line + `"}`, false},
		"zero octets behind":          {string(doc) + "\x00\x00\x00", true},
		"a line end behind":           {string(doc) + "\n", false},
		"document behind":             {string(doc) + string(doc), false},
	} {
		t.Run(name, func(t *testing.T) {
			sd, err := cms.ParseArmoured([]byte(c.in), cms.Limits{})
			if (err == nil) != c.ok {
				t.Fatal(err)
			}
			if err == nil && !bytes.Equal(sd.Raw, doc) {
				t.Error("another document")
			}
		})
	}
}

// Contents, certificates and attributes in BER: the document of a streaming signer.
func TestConstructedContent(t *testing.T) {
	id := named(t, "P-256")
	doc := forgery{}.build(t, id)
	whole := asn1ber.Wrap(asn1ber.Context(0), octets(content))
	parts := append([]byte{0xa0, 0x80, 0x24, 0x80}, octets(content[:7])...)
	parts = append(parts, append([]byte{0x24, 0x80}, octets(content[7:])...)...)
	parts = append(parts, make([]byte, 6)...)
	// All lengths around the content become indefinite: ContentInfo, [0], SignedData, EncapsulatedContentInfo.
	eci := seq(oid(cms.OIDData), whole)
	inner := bytes.Index(doc, eci)
	if inner < 0 {
		t.Fatal("layout")
	}
	sdStart := bytes.Index(doc, []byte{2, 1, 1})
	ber := bytes.Join([][]byte{
		{0x30, 0x80},
		oid(cms.OIDSignedData),
		{0xa0, 0x80, 0x30, 0x80},
		doc[sdStart:inner],
		{0x30, 0x80},
		oid(cms.OIDData), parts,
		{0, 0},
		doc[inner+len(eci):], make([]byte, 6),
	}, nil)
	sd := parse(t, ber)
	if !bytes.Equal(sd.Content, content) {
		t.Errorf("content %q", sd.Content)
	}
	if w := sd.Signers[0].Verify(cms.Content{}, id.cert).Worst(); w.Status != cms.Passed {
		t.Errorf("%+v", w)
	}
	amended, err := sd.AddUnsigned(0, cms.OIDSignatureTimestamp, seq())
	if err != nil {
		t.Fatal(err)
	}
	if w := parse(t, amended).Signers[0].Verify(cms.Content{}, id.cert).Worst(); w.Status != cms.Passed {
		t.Errorf("amended: %+v", w)
	}
}

func TestRevocationInside(t *testing.T) {
	crl, basic, whole := seq(seq()), seq(octets([]byte{1})), seq(asn1ber.Primitive(asn1ber.Enumerated, []byte{0}))
	crls := asn1ber.Wrap(asn1ber.Context(1), crl,
		asn1ber.Wrap(asn1ber.Context(1), oid("1.3.6.1.5.5.7.16.2"), whole),
		asn1ber.Wrap(asn1ber.Context(1), oid("1.3.6.1.5.5.7.48.1.1"), basic),
		asn1ber.Wrap(asn1ber.Context(1), oid("1.2.3"), asn1ber.Primitive(asn1ber.Null, nil)))
	doc := seq(oid(cms.OIDSignedData), asn1ber.Wrap(asn1ber.Context(0), seq(
		asn1ber.EncodedInt(1), asn1ber.Wrap(asn1ber.Set), seq(oid(cms.OIDData)), asn1ber.Wrap(asn1ber.Context(0), seq(), asn1ber.Wrap(asn1ber.Context(2))), crls, asn1ber.Wrap(asn1ber.Set))))
	sd := parse(t, doc)
	if len(sd.CRLs) != 1 || len(sd.OCSPs) != 2 || len(sd.OtherRevocation) != 1 || len(sd.Certificates) != 1 || len(sd.OtherCertificates) != 1 {
		t.Fatalf("%d CRLs, %d OCSPs, %d others, %d and %d certificates", len(sd.CRLs), len(sd.OCSPs), len(sd.OtherRevocation), len(sd.Certificates), len(sd.OtherCertificates))
	}
	if !bytes.Equal(sd.OCSPs[0], whole) || !bytes.Contains(sd.OCSPs[1], basic) || sd.OCSPs[1][0] != 0x30 {
		t.Errorf("OCSP %x", sd.OCSPs)
	}
}

func TestEvidenceInAttributes(t *testing.T) {
	id := named(t, "P-256")
	sd := parse(t, id.sign(t, false))
	certs := seq(id.cert.Raw)
	revocation := seq(asn1ber.Wrap(asn1ber.Context(0), seq(seq())), asn1ber.Wrap(asn1ber.Context(1), seq(seq(octets(nil)))))
	for _, a := range []struct {
		oid   string
		value []byte
	}{{cms.OIDCertificateValues, certs}, {cms.OIDRevocationValues, revocation}} {
		doc, err := sd.AddUnsigned(0, a.oid, a.value)
		if err != nil {
			t.Fatal(err)
		}
		sd = parse(t, doc)
	}
	ev, err := sd.Signers[0].Evidence()
	if err != nil || len(ev.Certificates) != 1 || len(ev.CRLs) != 1 || len(ev.OCSPs) != 1 {
		t.Errorf("%d certificates, %d CRLs, %d OCSPs, %v", len(ev.Certificates), len(ev.CRLs), len(ev.OCSPs), err)
	}
	doc, err := sd.AddUnsigned(0, cms.OIDRevocationValues, asn1ber.EncodedInt(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, doc).Signers[0].Evidence(); !errors.Is(err, asn1ber.ErrSyntax) {
		t.Errorf("INTEGER for revocation-values: %v", err)
	}
}

// Hostile shapes end soon and with a limit or syntax error.
func TestHostileShapes(t *testing.T) {
	id := named(t, "P-256")
	doc := id.sign(t, false)
	many := func(n int, b []byte) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			out[i] = b
		}
		return out
	}
	signer := parse(t, doc).Signers[0].Raw
	shape := func(certificates, signers [][]byte) []byte {
		return seq(oid(cms.OIDSignedData), asn1ber.Wrap(asn1ber.Context(0), seq(
			asn1ber.EncodedInt(1), asn1ber.Wrap(asn1ber.Set), seq(oid(cms.OIDData)),
			asn1ber.Wrap(asn1ber.Context(0), certificates...), asn1ber.Wrap(asn1ber.Set, signers...))))
	}
	deep := append(bytes.Repeat([]byte{0x30, 0x80}, 1<<20), make([]byte, 1<<21)...)
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"a million certificates": {shape(many(1<<20, []byte{0x30, 0}), nil), asn1ber.ErrLimit},
		"a thousand signers":     {shape(nil, many(1000, signer)), asn1ber.ErrLimit},
		"a million levels":       {deep, asn1ber.ErrLimit},
		"content a million deep": {seq(oid(cms.OIDSignedData), asn1ber.Wrap(asn1ber.Context(0), seq(asn1ber.EncodedInt(1), asn1ber.Wrap(asn1ber.Set), seq(oid(cms.OIDData), asn1ber.Wrap(asn1ber.Context(0), append(bytes.Repeat([]byte{0x24, 0x80}, 1<<20), make([]byte, 1<<21)...)))))), asn1ber.ErrLimit},
		"length of 4 GiB":        {[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 6}, asn1ber.ErrSyntax},
		"content of PKCS #7":     {seq(oid(cms.OIDSignedData), asn1ber.Wrap(asn1ber.Context(0), seq(asn1ber.EncodedInt(1), asn1ber.Wrap(asn1ber.Set), seq(oid(cms.OIDData), asn1ber.Wrap(asn1ber.Context(0), seq()))))), cms.ErrNotSignedData},
		"enveloped data":         {seq(oid("1.2.840.113549.1.7.3"), asn1ber.Wrap(asn1ber.Context(0), seq())), cms.ErrNotSignedData},
		"a certificate":          {id.cert.Raw, asn1ber.ErrSyntax},
		"attributes without end": {bytes.Replace(doc, parse(t, doc).Signers[0].RawSignedAttributes[:3], []byte{0xa0, 0x80, 0x30}, 1), asn1ber.ErrSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if _, err := cms.Parse(c.in, cms.Limits{}); !errors.Is(err, c.want) && !errors.Is(err, asn1ber.ErrLimit) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	if _, err := cms.Parse(doc, cms.Limits{Bytes: 100}); !errors.Is(err, asn1ber.ErrLimit) {
		t.Errorf("100 octets: %v", err)
	}
	if _, err := cms.Parse(doc, cms.Limits{Attributes: 2}); !errors.Is(err, asn1ber.ErrLimit) {
		t.Errorf("2 attributes: %v", err)
	}
	if sd := parse(t, shape(nil, nil)); len(sd.Signers) != 0 {
		t.Error("signers out of nothing")
	}
}

// zeros is content without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Streamed content costs the buffer and the digests, whatever its size.
func TestReadContentIsFlat(t *testing.T) {
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := cms.ReadContent(io.LimitReader(zeros{}, size), []algo.Hash{algo.SHA256, algo.SHA256, algo.SHA1})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d octets allocated for %d of content", used, size)
	}
	want := sha256.Sum256(make([]byte, size))
	if got, err := c.Digest(algo.SHA256); err != nil || !bytes.Equal(got, want[:]) {
		t.Errorf("%x, %v", got, err)
	}
	if _, err := c.Digest(algo.SHA512); !errors.Is(err, cms.ErrNoDigest) {
		t.Errorf("digest that was not made: %v", err)
	}
	if _, err := cms.ReadContent(iotest.ErrReader(io.ErrUnexpectedEOF), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reader that breaks: %v", err)
	}
	if _, err := cms.ReadContent(zeros{}, []algo.Hash{0}); !errors.Is(err, algo.ErrUnknownAlgorithm) {
		t.Errorf("no hash: %v", err)
	}
}

// FuzzParse: nothing panics, what is parsed stays inside the input, and nothing that is not the seed verifies.
func FuzzParse(f *testing.F) {
	for _, id := range allIdentities(f) {
		if id.name == "P-256" || id.name == "RSA" || id.name == "GOST-2015-512" {
			f.Add(id.sign(f, false))
			f.Add(indefinite(f, id.sign(f, false)))
		}
	}
	if dir := filepath.Join("..", "..", "..", "shared", "corpora", "kz", "ncanode", "groovy"); dir != "" {
		if files, err := filepath.Glob(filepath.Join(dir, "Cms*.bin")); err == nil {
			for _, name := range files {
				f.Add(readFile(f, name))
			}
		}
	}
	stranger := named(f, "P-384")
	f.Fuzz(func(t *testing.T, b []byte) {
		sd, err := cms.ParseArmoured(b, cms.Limits{Bytes: 1 << 20, Elements: 1 << 14, Depth: 32})
		if err != nil {
			return
		}
		for i := range sd.Signers {
			si := &sd.Signers[i]
			if w := si.Verify(cms.Content{}, stranger.cert).Worst(); w.Status < cms.Undecided {
				t.Errorf("verified with a stranger's key: %+v", w)
			}
			_, _ = si.Evidence()
			_, _ = si.SignatureTimestamps()
			_, _ = si.ContentTimestamps()
			counter, _ := si.CounterSignatures()
			for j := range counter {
				counter[j].Verify(cms.ContentOf(si.Signature), stranger.cert)
			}
			doc, err := sd.AddUnsigned(i, cms.OIDSignatureTimestamp, []byte{0x30, 0})
			if err != nil {
				continue
			}
			if _, err := cms.Parse(doc, cms.Limits{}); err != nil {
				t.Errorf("amended document does not parse: %v", err)
			}
		}
	})
}

// indefinite writes every constructed element with an indefinite length: octets can then be added and removed anywhere
// without breaking the lengths around, so that mutations reach the inner parsers.
func indefinite(tb testing.TB, b []byte) []byte {
	tb.Helper()
	e, err := asn1ber.Parse(b, asn1ber.BER, asn1ber.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	if !e.Constructed {
		return b
	}
	out := []byte{b[0], 0x80}
	r, err := e.Children()
	if err != nil {
		tb.Fatal(err)
	}
	for !r.Empty() {
		child, err := r.Next()
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, indefinite(tb, child.Raw)...)
	}
	return append(out, 0, 0)
}

// A document in indefinite lengths throughout: attributes are signed in DER, the certificate is not one any more.
func TestIndefiniteThroughout(t *testing.T) {
	id := named(t, "RSA")
	sd := parse(t, indefinite(t, id.sign(t, false)))
	checks := sd.Signers[0].Verify(cms.Content{}, id.cert)
	if s, _ := checks.Find(cms.RuleSignature); s.Status != cms.Passed {
		t.Error(checks)
	}
	if w := checks.Worst(); w.Rule != cms.RuleAttributeEncoding || w.Status != cms.Noted {
		t.Error(checks)
	}
}
