package pkix

import (
	"crypto/rand"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"math/big"
	"runtime"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// crlDER lets the standard library make a list; edit changes the template.
func crlDER(tb testing.TB, edit func(*x509.RevocationList), entries ...x509.RevocationListEntry) []byte {
	tb.Helper()
	issuer, err := x509.ParseCertificate(certificateDER(tb, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.SubjectKeyId = true, true, x509.KeyUsageCRLSign, []byte("key")
	}))
	if err != nil {
		tb.Fatal(err)
	}
	l := &x509.RevocationList{Number: big.NewInt(258), ThisUpdate: now, NextUpdate: now.Add(time.Hour), RevokedCertificateEntries: entries}
	if edit != nil {
		edit(l)
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, issuer, testKey(1))
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func parseCRL(tb testing.TB, der []byte) *CRL {
	tb.Helper()
	c, err := ParseCRL(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestCRLFields(t *testing.T) {
	entries := []x509.RevocationListEntry{
		{SerialNumber: big.NewInt(300), RevocationTime: now, ReasonCode: 6},
		{SerialNumber: big.NewInt(2), RevocationTime: now.Add(time.Hour)},
		{SerialNumber: big.NewInt(0x80), RevocationTime: time.Date(2051, 1, 2, 3, 4, 5, 0, time.UTC), ReasonCode: 1, ExtraExtensions: []stdpkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 24}, Value: append([]byte{0x18, 15}, "20260102030405Z"...)},
			{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: asn1.NullBytes},
		}},
	}
	der := crlDER(t, nil, entries...)
	c := parseCRL(t, der)
	if c.Len() != 3 || c.Issuer.String() != "CN=Test,C=KZ" || !c.ThisUpdate.Equal(now) || !c.NextUpdate.Equal(now.Add(time.Hour)) ||
		!slices.Equal(c.Number, []byte{1, 2}) || string(c.AuthorityKeyID.KeyID) != "key" || c.Delta || c.Indirect() || len(c.Defects) > 0 {
		t.Errorf("%+v", c)
	}
	for _, want := range []struct {
		serial []byte
		at     time.Time
		reason Reason
	}{{[]byte{1, 0x2c}, now, CertificateHold}, {[]byte{2}, now.Add(time.Hour), Unspecified}, {[]byte{0, 0x80}, entries[2].RevocationTime, KeyCompromise}} {
		got := c.Lookup(c.Issuer, want.serial)
		if len(got) != 1 || !got[0].RevokedAt.Equal(want.at) || got[0].Reason != want.reason {
			t.Errorf("%x: %+v", want.serial, got)
		}
		if len(c.Lookup(name(t, cn(asn1ber.UTF8String, "Other")), want.serial)) > 0 {
			t.Errorf("%x is found for another issuer", want.serial)
		}
	}
	for _, absent := range [][]byte{{1}, {3}, {1, 0x2d}, {0x80}, {1, 0x2c, 0}, {}} {
		if got := c.Lookup(c.Issuer, absent); len(got) > 0 {
			t.Errorf("%x: %+v", absent, got)
		}
	}
	if e := slices.Collect(c.Entries()); len(e) != 3 || !slices.Equal(e[0].Serial, []byte{1, 0x2c}) || e[2].InvalidityDate.IsZero() {
		t.Errorf("%+v", e)
	}
	if err := c.CheckSignature(parse(t, certificateDER(t, nil)).PublicKey, nil); err != nil {
		t.Error(err)
	}
	other := parseCRL(t, flipped(der))
	if err := other.CheckSignature(parse(t, certificateDER(t, nil)).PublicKey, nil); !errors.Is(err, algo.ErrSignature) {
		t.Errorf("%v, want algo.ErrSignature", err)
	}
}

// TestCRLIssuersOfEntries: certificateIssuer holds until the next one (RFC 5280 5.3.3), in the order of the list.
func TestCRLIssuersOfEntries(t *testing.T) {
	other := name(t, cn(asn1ber.UTF8String, "Other"))
	issuer := asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Context(4), other.Raw))
	entry := func(serial int64, named bool) x509.RevocationListEntry {
		e := x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: now}
		if named {
			e.ExtraExtensions = []stdpkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: issuer}}
		}
		return e
	}
	c := parseCRL(t, crlDER(t, nil, entry(9, false), entry(7, true), entry(5, false)))
	for serial, own := range map[byte]bool{9: true, 7: false, 5: false} {
		if got := len(c.Lookup(c.Issuer, []byte{serial})) == 1; got != own {
			t.Errorf("%d of the issuer of the list: %v", serial, got)
		}
		if got := len(c.Lookup(other, []byte{serial})) == 1; got == own {
			t.Errorf("%d of the other: %v", serial, got)
		}
	}
}

// TestCRLNullMismatch: the one difference between the two AlgorithmIdentifiers that is taken.
func TestCRLNullMismatch(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"\x30\x03\x06\x01\x2a", "\x30\x05\x06\x01\x2a\x05\x00", true},
		{"\x30\x03\x06\x01\x2a", "\x30\x03\x06\x01\x2a", true},
		{"\x30\x03\x06\x01\x2a", "\x30\x03\x06\x01\x2b", false},
		{"\x30\x03\x06\x01\x2a", "\x30\x06\x06\x01\x2a\x04\x01\x00", false},
		{"\x30\x03\x06\x01\x2a", "\x30\x07\x06\x01\x2a\x05\x00\x05\x00", false},
	} {
		if sameAlgorithm([]byte(c.a), []byte(c.b)) != c.want {
			t.Errorf("%x, %x: want %v", c.a, c.b, c.want)
		}
	}
}

func TestCRLDefects(t *testing.T) {
	ext := func(oid asn1.ObjectIdentifier, critical bool, value []byte) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []stdpkix.Extension{{Id: oid, Critical: critical, Value: value}}
		}
	}
	point := []byte{0x30, 12, 0x30, 10, 0xa0, 8, 0xa0, 6, 0x86, 4, 'h', 't', 't', 'p'}
	if c := parseCRL(t, crlDER(t, ext(asn1.ObjectIdentifier{2, 5, 29, 46}, true, point))); !c.Delta || c.BaseNumber != nil {
		t.Error("a critical freshest CRL does not mark a delta")
	}
	if c := parseCRL(t, crlDER(t, ext(asn1.ObjectIdentifier{2, 5, 29, 46}, false, point))); c.Delta {
		t.Error("a freshest CRL marks a delta")
	}
	if c := parseCRL(t, crlDER(t, ext(asn1.ObjectIdentifier{2, 5, 29, 27}, true, []byte{2, 1, 5}))); !c.Delta || !slices.Equal(c.BaseNumber, []byte{5}) {
		t.Error("a delta CRL indicator does not mark a delta")
	}
	for _, bad := range []struct {
		oid   asn1.ObjectIdentifier
		value []byte
	}{
		{asn1.ObjectIdentifier{2, 5, 29, 27}, []byte{2, 1, 0xff}},
		{asn1.ObjectIdentifier{2, 5, 29, 27}, asn1.NullBytes},
		{asn1.ObjectIdentifier{2, 5, 29, 28}, asn1.NullBytes},
		{asn1.ObjectIdentifier{2, 5, 29, 28}, []byte{0x30, 3, 0x89, 1, 0xff}},
		{asn1.ObjectIdentifier{2, 5, 29, 60}, asn1.NullBytes},
	} {
		if c := parseCRL(t, crlDER(t, ext(bad.oid, true, bad.value))); len(c.Defects) != 1 {
			t.Errorf("%v %x: %v", bad.oid, bad.value, c.Defects)
		}
	}
	if c := parseCRL(t, crlDER(t, ext(asn1.ObjectIdentifier{1, 2, 3}, true, asn1.NullBytes))); len(c.UnknownCritical) != 1 {
		t.Error("an unknown critical extension is not told")
	}
}

func TestCRLRefused(t *testing.T) {
	good := crlDER(t, nil, x509.RevocationListEntry{SerialNumber: big.NewInt(2), RevocationTime: now, ReasonCode: 1})
	for n := range good {
		if _, err := ParseCRL(good[:n]); err == nil {
			t.Errorf("%d octets of %d accepted", n, len(good))
		}
	}
	entry := func(parts ...[]byte) []byte { return asn1ber.Wrap(asn1ber.Sequence, parts...) }
	serial, at := []byte{2, 1, 2}, []byte("\x17\x0d260304120000Z")
	reason := func(b ...byte) []byte {
		return asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, []byte{6, 3, 0x55, 0x1d, 0x15}, append([]byte{4, byte(len(b))}, b...)))
	}
	for _, c := range []struct {
		name  string
		entry []byte
	}{
		{"no sequence", []byte{5, 0}},
		{"no serial number", entry(at)},
		{"serial number not minimal", entry([]byte{2, 2, 0, 2}, at)},
		{"serial number empty", entry([]byte{2, 0}, at)},
		{"no time", entry(serial)},
		{"time of another type", entry(serial, []byte{5, 0})},
		{"30 February", entry(serial, []byte("\x17\x0d260230120000Z"))},
		{"time with an offset", entry(serial, []byte("\x17\x11260304120000+0500"))},
		{"letters in the time", entry(serial, []byte("\x17\x0d26030412000xZ"))},
		{"reason 7", entry(serial, at, reason(10, 1, 7))},
		{"reason 11", entry(serial, at, reason(10, 1, 11))},
		{"reason of another type", entry(serial, at, reason(2, 1, 1))},
		{"reason of two octets", entry(serial, at, reason(10, 2, 0, 1))},
		{"something after", entry(serial, at, reason(10, 1, 1), []byte{5, 0})},
		{"long form of a short length", append([]byte{0x30, 0x81, 18}, slices.Concat(serial, at)...)},
	} {
		var x entryIndex
		if _, err := x.build(c.entry, 2); !errors.Is(err, asn1ber.ErrSyntax) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var x entryIndex
	if _, err := x.build(entry(serial, at, reason(10, 1, 1)), 1); err == nil {
		t.Error("entry extensions in version 1 accepted")
	}
	if _, err := x.build(slices.Concat(entry(serial, at), entry(serial, at, reason(10, 1, 1))), 2); err != nil {
		t.Error(err)
	}
}

// bigList is revokedCertificates of n entries as the national CA writes them: serial numbers of 20 octets, a reason.
func bigList(n int) []byte {
	const size = 2 + 22 + 15 + 14
	out := make([]byte, 0, n*size)
	serial := [20]byte{0x10}
	for i := range n {
		binary.BigEndian.PutUint64(serial[1:], uint64(i)*0x9e3779b97f4a7c15)
		binary.BigEndian.PutUint32(serial[12:], uint32(i))
		out = append(out, 0x30, size-2, 2, 20)
		out = append(out, serial[:]...)
		out = append(out, "\x17\x0d260304120000Z\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x05"...)
	}
	return out
}

// TestBigList: half a million entries are read in the time that a person waits, and cost four octets each.
func TestBigList(t *testing.T) {
	const n = 500_000
	list := bigList(n)
	der := bigCRL(t, list)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	c := parseCRL(t, der)
	took := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	perEntry := float64(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("%d entries, %d MB: read in %s, %.2f octets an entry beside the list", c.Len(), len(der)>>20, took.Round(time.Millisecond), perEntry)
	if c.Len() != n || perEntry > 5 {
		t.Errorf("%d entries, %.2f octets each", c.Len(), perEntry)
	}
	if took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	for i := 0; i < n; i += 997 {
		serial := list[i*53+4 : i*53+24]
		if got := c.Lookup(c.Issuer, serial); len(got) != 1 || got[0].Reason != CessationOfOperation {
			t.Fatalf("entry %d: %+v", i, got)
		}
	}
}

// bigCRL puts a list into an otherwise good CRL; the signature is then wrong, which a parser does not see.
func bigCRL(tb testing.TB, list []byte) []byte {
	tb.Helper()
	small := parseCRL(tb, crlDER(tb, nil))
	tbs, err := asn1ber.ParseDER(small.RawTBS)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := tbs.Children()
	if err != nil {
		tb.Fatal(err)
	}
	var parts [][]byte
	for !r.Empty() {
		e, err := r.Next()
		if err != nil {
			tb.Fatal(err)
		}
		if e.Tag == asn1ber.Context(0) {
			parts = append(parts, asn1ber.Wrap(asn1ber.Sequence, list))
		}
		parts = append(parts, e.Raw)
	}
	signature := asn1ber.Append(nil, asn1ber.BitString, false, []byte{0}, small.Signature)
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, parts...), small.RawSignatureAlgorithm, signature)
}

func BenchmarkParseCRL(b *testing.B) {
	der := bigCRL(b, bigList(400_000))
	b.SetBytes(int64(len(der)))
	for b.Loop() {
		parseCRL(b, der)
	}
}

func BenchmarkLookup(b *testing.B) {
	list := bigList(400_000)
	c := parseCRL(b, bigCRL(b, list))
	for i := 0; b.Loop(); i++ {
		at := i * 7919 % 400_000
		if len(c.Lookup(c.Issuer, list[at*53+4:at*53+24])) != 1 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkParseCertificate(b *testing.B) {
	der := read(b, files(b, "kz/ca-production", "nca_rsa_2022.cer")[0])
	for b.Loop() {
		parse(b, der)
	}
}
