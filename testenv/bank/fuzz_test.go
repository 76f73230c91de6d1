package bank

import (
	"crypto/x509"
	"testing"
	"time"

	"qaqpa/testenv/pki"
)

// FuzzSeal: only what the gateway sealed opens. The fuzzer starts from a sealed message; any change
// that still opens must have left the signed content as it was.
func FuzzSeal(f *testing.F) {
	p := pki.ForTest(f, pki.ECDSA)
	id, err := p.Issue(pki.Profile{Name: "gateway", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "g", Organisation: "g", BIN: pki.BIN(1)})
	if err != nil {
		f.Fatal(err)
	}
	cert, err := x509.ParseCertificate(id.Certificate)
	if err != nil {
		f.Fatal(err)
	}
	const content = `{"amount":540600}`
	for _, o := range []pki.CMSOptions{{}, {NoCertificate: true}, {SubjectKeyIdentifier: true}, {Detached: true}, {Indefinite: true}, {NoSignedAttributes: true}} {
		cms, err := id.SignCMS([]byte(content), o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(cms)
	}
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, cms []byte) {
		got, err := openSeal(cms, []*x509.Certificate{cert}, time.Now())
		if err == nil && string(got) != content {
			t.Errorf("opened %q", got)
		}
	})
}

func TestSealOutsideItsValidityIsRefused(t *testing.T) {
	p := pki.ForTest(t, pki.ECDSA)
	id, err := p.Issue(pki.Profile{Name: "gateway", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "g", Organisation: "g", BIN: pki.BIN(1)})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(id.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	cms, err := id.SignCMS([]byte("x"), pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for at, good := range map[time.Time]bool{
		time.Now(): true, id.NotBefore.Add(-time.Second): false, id.NotAfter.Add(time.Second): false,
	} {
		if _, err := openSeal(cms, []*x509.Certificate{cert}, at); (err == nil) != good {
			t.Errorf("at %v: %v", at, err)
		}
	}
}
