package revoked

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"qaqpa/signer/pkix"
)

// samples are lists made by the standard library, and the small ones of the national authority where they are at hand.
func samples(tb testing.TB) [][]byte {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)
	issuer := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: stdpkix.Name{CommonName: "CA"}, RawSubject: nil, IsCA: true, KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte("key"),
	}
	named := []stdpkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: []byte("\x30\x13\xa4\x11\x30\x0f\x31\x0d\x30\x0b\x06\x03U\x04\x03\x0c\x04Othe")}}
	var out [][]byte
	for _, entries := range [][]x509.RevocationListEntry{
		nil,
		{{SerialNumber: big.NewInt(5), RevocationTime: now, ReasonCode: 1}},
		{{SerialNumber: big.NewInt(300), RevocationTime: now}, {SerialNumber: big.NewInt(2), RevocationTime: now.AddDate(30, 0, 0), ReasonCode: 6}, {SerialNumber: big.NewInt(2), RevocationTime: now, ReasonCode: 8}},
		{{SerialNumber: big.NewInt(5), RevocationTime: now, ExtraExtensions: named}, {SerialNumber: big.NewInt(6), RevocationTime: now}},
	} {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(7), ThisUpdate: now, NextUpdate: now.Add(time.Hour), RevokedCertificateEntries: entries,
		}, issuer, key)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, der)
	}
	corpora := cmp.Or(os.Getenv("QAQPA_CORPORA"), filepath.Join("..", "..", "..", "shared", "corpora"))
	files, err := filepath.Glob(filepath.Join(corpora, "kz", "*", "*", "*.crl"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func scanAll(src io.Reader, spool io.Writer) (*scanned, error) {
	s := &scanner{src: src, spool: spool, bytesMax: 1 << 20, entriesMax: 10_000}
	return s.scan(func(*pkix.CRL) error { return nil })
}

// checkScan holds the scan against the reader of package pkix: the scan takes what pkix takes, however it comes in pieces, and
// both find the same entries.
func checkScan(t *testing.T, der []byte) {
	t.Helper()
	var spool bytes.Buffer
	sc, err := scanAll(bytes.NewReader(der), &spool)
	crl, pkixErr := pkix.ParseCRL(der)
	if err != nil {
		// The scan refuses unknown algorithms, and signatures that are not whole octets; pkix leaves both to the verification.
		if pkixErr == nil && !errors.Is(err, ErrLimit) && !errors.Is(err, ErrSignature) {
			t.Fatalf("package pkix reads it: %v", err)
		}
		return
	}
	if sc.bytes != int64(len(der)) || !bytes.Equal(spool.Bytes(), der) || sc.sha256 != sha256.Sum256(der) {
		t.Fatal("not the octets that came")
	}
	slow, err := scanAll(iotest.OneByteReader(bytes.NewReader(der)), io.Discard)
	if err != nil || slow.sha256 != sc.sha256 || !bytes.Equal(slow.digest, sc.digest) || len(slow.index) != len(sc.index) {
		t.Fatalf("in pieces: %v", err)
	}
	if pkixErr != nil {
		return // examine refuses it
	}
	if len(sc.index) != crl.Len() || !sc.head.Issuer.Equal(crl.Issuer) || !sc.head.ThisUpdate.Equal(crl.ThisUpdate) || sc.head.Delta != crl.Delta {
		t.Fatal("the head or the number of entries differs")
	}
	if sc.digest != nil && !bytes.Equal(sc.digest, crl.SignatureAlgorithm.Hash.Sum(nil, crl.RawTBS)) && len(sc.head.Defects) == 0 {
		t.Fatal("the digest of the signed octets differs")
	}
	l := &List{crl: crl, index: sc.index, mixed: sc.foreign || crl.Indirect()}
	l.sort()
	for e := range crl.Entries() {
		got, said := l.lookup(crl.Issuer, e.Serial)
		want, wanted := l.readLookup(crl.Issuer, e.Serial)
		if said != wanted || got != want {
			t.Fatalf("%x: %+v %d, package pkix finds %+v %d", e.Serial, got, said, want, wanted)
		}
	}
}

func TestScanAgreesWithPkix(t *testing.T) {
	for _, der := range samples(t) {
		checkScan(t, der)
		for n := 0; n < len(der); n += 1 + len(der)/700 {
			if _, err := scanAll(bytes.NewReader(der[:n]), io.Discard); err == nil {
				t.Fatalf("%d octets of %d are taken", n, len(der))
			}
		}
		if _, err := scanAll(bytes.NewReader(append(bytes.Clone(der), 0)), io.Discard); !errors.Is(err, ErrForm) {
			t.Errorf("an octet after the list, in one piece with it: %v", err)
		}
		if _, err := scanAll(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(der))), io.Discard); !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("an error of the network is lost: %v", err)
		}
		if _, err := scanAll(iotest.DataErrReader(bytes.NewReader(der)), io.Discard); err != nil {
			t.Errorf("the last octets come with the end: %v", err)
		}
		if _, err := scanAll(bytes.NewReader(der), brokenWriter{}); !errors.Is(err, errFolder) {
			t.Errorf("a full disk: %v", err)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// FuzzScan: no input makes the scan panic, or disagree with package pkix about a list that both take.
func FuzzScan(f *testing.F) {
	for _, der := range samples(f) {
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) { checkScan(t, der) })
}
