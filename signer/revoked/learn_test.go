package revoked_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"
)

// taught is a certificate under an authority that names addresses, as base and delta.
func taught(tb testing.TB, p *pki.PKI, by authority, name string, base, delta []string) *pkix.Certificate {
	tb.Helper()
	point := func(oid string, urls []string) pki.Extension {
		var names [][]byte
		for _, u := range urls {
			names = append(names, tlv(0x86, []byte(u)))
		}
		return pki.Extension{OID: oid, Value: tlv(0x30, tlv(0x30, tlv(0xa0, tlv(0xa0, names...))))}
	}
	prof := pki.Profile{Name: name, Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: name, Organisation: name, BIN: pki.BIN(1), NoRevocationInfo: true, Issuer: by.Identity}
	if base != nil {
		prof.Extensions = append(prof.Extensions, point("2.5.29.31", base))
	}
	if delta != nil {
		prof.Extensions = append(prof.Extensions, point("2.5.29.46", delta))
	}
	id, err := p.Issue(prof)
	if err != nil {
		tb.Fatal(err)
	}
	return parse(tb, id.Certificate)
}

func knowing(a ...authority) func(*revoked.Config) {
	return func(c *revoked.Config) {
		for _, x := range a {
			c.Authorities = append(c.Authorities, x.cert)
		}
	}
}

// TestLearn: a certificate of a known authority tells where its lists are; they are fetched, used, and remembered over a restart.
func TestLearn(t *testing.T) {
	p := pki.ForTest(t, pki.ECDSA)
	a := newAuthority(t, p, pki.ECDSA, "bank")
	h := openHouse(t, knowing(a))
	c := taught(t, p, a, "seal", []string{a.url(), "ldap://lists.test/x"}, []string{a.deltaURL()})
	h.site.put(a.url(), sheet{by: a, number: 1, entries: entriesOf(0, 20)}.der(t))
	h.site.put(a.deltaURL(), sheet{by: a, number: 4, delta: true, base: 1, this: start.Add(-time.Minute), entries: entriesOf(50, 1)}.der(t))
	for range 3 {
		h.Learn(c, a.cert)
	}
	if st := h.Status(); len(st) != 2 || st[0].Delta || !st[1].Delta || !st[0].Learnt {
		t.Fatalf("%+v", st)
	}
	run(t, h, func() bool { return len(h.CRLs(c)) == 2 })
	if !h.listed(t, a, serialOf(3)).Listed || !h.listed(t, a, serialOf(50)).Listed || h.Ready() != nil {
		t.Error("the learnt lists say nothing, or the store is not ready for want of them")
	}
	if metric(t, h.reg, "qaqpa_revoked_learnt_points", nil) != 2 || h.result(t, "learnt", "swapped") != 2 {
		t.Error("not counted together")
	}
	h.again(t)
	if len(h.CRLs(c)) != 2 {
		t.Error("forgotten over a restart")
	}
	h.clk.add(6 * 24 * time.Hour)
	h.Learn(c, a.cert) // somebody asks
	h.clk.add(6 * 24 * time.Hour)
	run(t, h, func() bool { return h.site.count() >= 4 })
	if len(h.Status()) != 2 {
		t.Error("forgotten although it was asked for")
	}
	h.clk.add(8 * 24 * time.Hour)
	run(t, h, func() bool { return len(h.Status()) == 0 })
	if h.CRLs(c) != nil {
		t.Error("an idle point's lists are still used")
	}
}

// TestLearnRefuses: whoever sends a document chooses its certificates. None of them makes the store call an address that a known
// authority has not signed.
func TestLearnRefuses(t *testing.T) {
	p := pki.ForTest(t, pki.ECDSA)
	a, stranger := newAuthority(t, p, pki.ECDSA, "known"), newAuthority(t, p, pki.ECDSA, "stranger")
	url := []string{a.url()}
	good := taught(t, p, a, "good", url, nil)
	forged := bytes.Clone(good.Raw)
	forged[len(forged)-2] ^= 1
	imitated, err := p.Issue(pki.Profile{
		Name: "imitated", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "x", Organisation: "x", BIN: pki.BIN(1), NoRevocationInfo: true, Impostor: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	long := []string{"http://lists.test/" + string(bytes.Repeat([]byte("a"), 600))}
	for _, c := range []struct {
		name         string
		cert, issuer *pkix.Certificate
	}{
		{"issuer unknown here", taught(t, p, stranger, "foreign", url, nil), stranger.cert},
		{"no issuer", good, nil},
		{"issuer of another", good, stranger.cert},
		{"signature wrong", parse(t, forged), a.cert},
		{"imitation", parse(t, imitated.Certificate), parse(t, p.NCA(pki.ECDSA).Certificate)},
		{"address too long", taught(t, p, a, "long", long, nil), a.cert},
		{"not http", taught(t, p, a, "file", []string{"file:///etc/passwd"}, nil), a.cert},
		{"with a password", taught(t, p, a, "password", []string{"http://u:p@lists.test/l.crl"}, nil), a.cert},
		{"two in one", taught(t, p, a, "two", []string{"http://lists.test/l.crl URL=http://lists.test/m.crl"}, nil), a.cert},
	} {
		h := openHouse(t, knowing(a))
		h.Learn(c.cert, c.issuer)
		if st := h.Status(); len(st) > 0 {
			t.Errorf("%s: learnt %+v", c.name, st)
		}
	}
	none := openHouse(t, func(c *revoked.Config) { knowing(a)(c); c.LearntMax = -1 })
	if none.Learn(good, a.cert); len(none.Status()) > 0 {
		t.Error("learnt although it may not")
	}
	configured := openHouse(t, nil, a.point())
	if configured.Learn(good, a.cert); len(configured.Status()) != 1 {
		t.Error("a configured address was learnt")
	}
}

// TestLearntIsBounded: in number and in octets.
func TestLearntIsBounded(t *testing.T) {
	p := pki.ForTest(t, pki.ECDSA)
	a := newAuthority(t, p, pki.ECDSA, "many")
	list := sheet{by: a, number: 1, entries: entriesOf(0, 300)}.der(t)
	h := openHouse(t, func(c *revoked.Config) { knowing(a)(c); c.LearntMax, c.LearntBytesMax = 5, int64(len(list))+100 })
	for i := range 9 {
		url := fmt.Sprintf("http://lists.test/%d.crl", i)
		h.site.put(url, list)
		h.Learn(taught(t, p, a, fmt.Sprint("n", i), []string{url}, nil), a.cert)
	}
	if n := len(h.Status()); n != 5 {
		t.Errorf("%d points learnt", n)
	}
	if err := h.Refresh(t.Context()); err == nil {
		t.Error("all lists were taken")
	}
	if h.result(t, "learnt", "swapped") != 1 || h.result(t, "learnt", "refused_limit") != 4 {
		t.Errorf("%v taken, %v refused", h.result(t, "learnt", "swapped"), h.result(t, "learnt", "refused_limit"))
	}
}
