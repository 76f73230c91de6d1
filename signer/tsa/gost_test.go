package tsa_test

import (
	"testing"

	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsa"
	"qaqpa/testenv/pki"
)

// An authority may have a national key: RSA and ECDSA are tested beside it, GOST by a certificate of the national profile, which Go's library cannot
// make. That a key of a token signs so is held in hsm.
func TestStampByGOST(t *testing.T) {
	b := newBench(t)
	p, err := pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{pki.GOST2015}, Now: b.now})
	b.must(err)
	t.Cleanup(func() { _ = p.Release() })
	id, err := p.Issue(pki.Profile{Family: pki.GOST2015, Kind: pki.TimeStamping, Name: "own-tsa", SystemName: "TSA", Organisation: "Qaqpa", BIN: pki.BIN(7)})
	b.must(err)
	file, err := id.PKCS12("Qwerty12")
	b.must(err)
	store, err := p12.Open(file, "Qwerty12", p12.Limits{})
	b.must(err)
	entry := store.Entries[0]
	a, _, err := b.open(b.key(), func(c *tsa.Config) { c.Key, c.Chain = entry.Key, []*pkix.Certificate{entry.Certificate} })
	b.must(err)
	b.stamp(a, entry.Certificate, nil)
}
