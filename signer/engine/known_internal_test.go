package engine

import (
	"bytes"
	"testing"

	"qaqpa/signer/pkix"
	"qaqpa/testenv/pki"
)

// What is remembered under the sum of other octets is never taken for them: neither the key nor the name of a stranger.
func TestKnownComparesOctets(t *testing.T) {
	p, err := pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{pki.ECDSA}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Release() }()
	var raw [2][]byte
	for i, surname := range []string{"БІРІНШІ", "ЕКІНШІ"} {
		id, err := p.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: surname, Given: "А", IIN: pki.IIN(7 + i)})
		if err != nil {
			t.Fatal(err)
		}
		raw[i] = id.Certificate
	}
	k, err := NewKnown(8)
	if err != nil {
		t.Fatal(err)
	}
	first, err := k.parse(raw[0])
	if err != nil {
		t.Fatal(err)
	}
	_, sum := k.find(raw[1])
	k.certificates.Add(sum, k.about(first)) // as if both had one sum
	second, err := k.parse(raw[1])
	if err != nil || !bytes.Equal(second.Raw, raw[1]) {
		t.Fatalf("%v, the first's: %v", err, second == first)
	}
	if again, err := k.parse(raw[1]); err != nil || again != second {
		t.Errorf("%v, not remembered", err)
	}
	other, err := pkix.ParseCertificate(raw[0])
	if err != nil {
		t.Fatal(err)
	}
	k.certificates.Add(sum, k.about(first))
	if e := k.about(second); e.cert != second || k.about(other).cert != first {
		t.Error("a stranger is described")
	}
	changed := append([]byte(nil), raw[0]...)
	changed[len(changed)-1] ^= 1
	if c, err := k.parse(changed); err == nil && c == first {
		t.Error("one octet of the signature does not matter")
	}
}
