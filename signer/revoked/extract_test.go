package revoked_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"
)

// TestExtract: an extract says in a few hundred octets what the list says, survives JSON, and each change of it is found.
func TestExtract(t *testing.T) {
	p := pki.ForTest(t, pki.GOST2015)
	a, other := newAuthority(t, p, pki.GOST2015, "extract"), newAuthority(t, p, pki.GOST2015, "other")
	h := openHouse(t, nil, a.point(), a.deltaPoint())
	entries := entriesOf(0, 900)
	h.site.put(a.url(), sheet{by: a, number: 258, entries: entries}.der(t))
	h.site.put(a.deltaURL(), sheet{by: a, number: 3, delta: true, base: 258, this: start.Add(-time.Minute), entries: entriesOf(2000, 1)}.der(t))
	h.refresh(t)
	base := h.Status()[0].List
	for _, c := range []struct {
		serial []byte
		listed bool
	}{{serialOf(2), true}, {serialOf(5), true}, {serialOf(901), false}} {
		x := base.Extract(a.cert.Subject, c.serial)
		if x.Listed != c.listed || x.ListSHA256 != base.Hex() || x.Number != "0102" || x.ListEntries != 900 || !x.ThisUpdate.Equal(base.ThisUpdate()) {
			t.Errorf("%+v", x)
		}
		text, err := json.Marshal(x)
		if err != nil || len(text) > 900 {
			t.Errorf("%d octets, %v", len(text), err)
		}
		var back revoked.Extract
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if err := back.Check(base.CRL(), a.cert, a.cert.Subject); err != nil {
			t.Error(err)
		}
		at := start
		for name, change := range map[string]func(*revoked.Extract){
			"list":    func(x *revoked.Extract) { x.ListSHA256 = x.SignerSHA256 },
			"size":    func(x *revoked.Extract) { x.ListSizeBytes++ },
			"entries": func(x *revoked.Extract) { x.ListEntries-- },
			"issuer":  func(x *revoked.Extract) { x.Issuer = "CN=x" },
			"number":  func(x *revoked.Extract) { x.Number = "0103" },
			"base":    func(x *revoked.Extract) { x.BaseNumber = "01" },
			"kind":    func(x *revoked.Extract) { x.Delta = true },
			"this":    func(x *revoked.Extract) { x.ThisUpdate = at },
			"next":    func(x *revoked.Extract) { x.NextUpdate = nil },
			"next at": func(x *revoked.Extract) { x.NextUpdate = &at },
			"signer":  func(x *revoked.Extract) { x.SignerSHA256 = x.ListSHA256 },
			"serial":  func(x *revoked.Extract) { x.Serial = "zz" },
			"listed":  func(x *revoked.Extract) { x.Listed = !x.Listed },
			"when":    func(x *revoked.Extract) { x.RevokedAt = &at },
			"reason":  func(x *revoked.Extract) { x.Reason = "superseded"[1:] },
		} {
			bad := back
			change(&bad)
			if err := bad.Check(base.CRL(), a.cert, a.cert.Subject); !errors.Is(err, revoked.ErrExtract) {
				t.Errorf("%s changed: %v", name, err)
			}
		}
		if err := back.Check(base.CRL(), other.cert, a.cert.Subject); !errors.Is(err, revoked.ErrSignature) {
			t.Errorf("another signer: %v", err)
		}
		if err := back.Check(h.Status()[1].List.CRL(), a.cert, a.cert.Subject); !errors.Is(err, revoked.ErrExtract) {
			t.Errorf("another list: %v", err)
		}
	}
	if x := h.Extracts(a.cert.Subject, serialOf(2000)); len(x) != 2 || !x[0].Delta || !x[0].Listed || x[1].Listed {
		t.Errorf("%+v", x)
	}
	if x := h.Extracts(other.cert.Subject, serialOf(1)); x != nil {
		t.Errorf("%+v", x)
	}
}
