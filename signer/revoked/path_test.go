package revoked_test

import (
	"testing"
	"time"

	"qaqpa/signer/fetch/download"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// world is an authority with its servers, and a store that fetches from them over HTTP.
type world struct {
	*house
	pki    *pki.PKI
	server *pki.Server
	anchor *pkix.Certificate
	nca    *pkix.Certificate
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clk := newClock()
	p, err := pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{pki.GOST2015}, Now: clk.now})
	if err != nil {
		t.Fatal(err)
	}
	server, err := p.Serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	w := &world{pki: p, server: server, anchor: parse(t, p.Root(pki.GOST2015).Certificate), nca: parse(t, p.NCA(pki.GOST2015).Certificate)}
	source := download.New(download.Config{AllowPrivate: true, HeaderTimeout: 500 * time.Millisecond})
	t.Cleanup(source.Close)
	points := []revoked.Point{{Name: "root", URLs: []string{server.URL + "/crl/root_gost2015.crl"}, Issuers: []*pkix.Certificate{w.anchor}}}
	w.house = openHouse(t, func(c *revoked.Config) {
		c.Source, c.Now = source, clk.now
		c.Authorities = append(c.Authorities, w.nca)
	}, points...)
	w.clk = clk
	return w
}

// judge validates a certificate now, with nothing but the lists of the store.
func (w *world) judge(c *pkix.Certificate) path.Result {
	now := w.clk.now()
	return path.Validate(path.Inputs{
		Leaf: c, Pool: []*pkix.Certificate{w.nca}, Anchors: []path.Anchor{{Certificate: w.anchor}}, At: now, SignedAfter: now,
		CRLs: append(w.CRLs(c), w.CRLs(w.nca)...),
	})
}

// TestVerdictsFromLists: the story of a certificate whose responder nobody asks: good by lists, revoked by a delta, still judged
// while the network is down, no longer judged when the lists have ended.
func TestVerdictsFromLists(t *testing.T) {
	w := newWorld(t)
	id, err := w.pki.Issue(pki.Profile{Name: "citizen", Family: pki.GOST2015, Kind: pki.Citizen, Surname: "А", Given: "Б", IIN: pki.IIN(1)})
	if err != nil {
		t.Fatal(err)
	}
	c := parse(t, id.Certificate)
	expect := func(when string, want path.Indication, sub path.SubIndication) path.Result {
		t.Helper()
		r := w.judge(c)
		if r.Indication != want || r.Sub != sub {
			t.Fatalf("%s: %s %s %+v", when, r.Indication, r.Sub, r.Problems)
		}
		return r
	}
	expect("before any list", path.Indeterminate, path.TryLater)

	// The addresses of base and delta are learnt from the certificate.
	if err := w.pki.HoldCRL(w.pki.NCA(pki.GOST2015)); err != nil {
		t.Fatal(err)
	}
	w.Learn(c, w.nca)
	w.refresh(t)
	r := expect("with lists", path.Passed, "")
	if n := len(w.Status()); n != 3 || r.Revocation[0].Source != path.SourceCRL || len(r.Revocation[0].Evidence) != 2 {
		t.Errorf("%d points, evidence %x", n, r.Revocation[0].Evidence)
	}
	for _, d := range r.Revocation[0].Evidence {
		if _, err := w.Kept(d); err != nil {
			t.Errorf("the verdict's evidence cannot be had: %v", err)
		}
	}

	w.clk.add(10 * time.Minute)
	if err := w.pki.Revoke(id, pki.KeyCompromise, w.clk.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	expect("revoked, and the store does not know yet", path.Passed, "")
	w.refresh(t)
	r = expect("by the delta", path.Failed, path.Revoked)
	if r.Revocation[0].Reason != pkix.KeyCompromise {
		t.Errorf("%+v", r.Revocation[0])
	}
	f, ok := w.Lookup(c.Issuer, c.Serial)
	if !ok || !f.Listed || f.Delta == nil || f.Reason != pkix.KeyCompromise {
		t.Errorf("%+v", f)
	}

	// Another holder, and the network goes away.
	other, err := w.pki.Issue(pki.Profile{Name: "second", Family: pki.GOST2015, Kind: pki.Citizen, Surname: "В", Given: "Г", IIN: pki.IIN(2)})
	if err != nil {
		t.Fatal(err)
	}
	c = parse(t, other.Certificate)
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Refresh(t.Context()); err == nil {
		t.Error("the network is not away")
	}
	expect("while the network is down", path.Passed, "")
	w.again(t)
	expect("after a restart while the network is down", path.Passed, "")
	w.clk.add(23 * time.Hour) // the delta has ended, the base has not
	expect("in the time of the base", path.Passed, "")
	w.clk.add(2 * time.Hour)
	expect("after the lists have ended", path.Indeterminate, path.TryLater)
}

// TestFaultsOfTheServer: each of them leaves the list at hand, is counted by its kind, and ends when the server is well again.
func TestFaultsOfTheServer(t *testing.T) {
	for kind, result := range map[string]string{
		pki.FaultDown: "unreachable", pki.FaultDrop: "unreachable", pki.FaultGarbage: "refused_form", pki.FaultEmpty: "refused_form",
		pki.FaultWrongSignature: "refused_signature", pki.FaultStale: "not_newer", pki.FaultFuture: "refused_future", pki.FaultSlow: "unreachable",
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			w.refresh(t)
			held := w.Status()[0].List
			w.clk.add(time.Minute)
			if err := w.server.Faults.Add(fault.Fault{Kind: kind, On: "crl", Count: -1, DelayMS: 30_000}); err != nil {
				t.Fatal(err)
			}
			err := w.Refresh(t.Context())
			if w.result(t, "root", result) != 1 || (err == nil) != (result == "not_newer") || w.Status()[0].List != held {
				t.Errorf("%v: %s", err, w.log)
			}
			w.server.Faults.Clear()
			w.refresh(t)
			if w.Status()[0].List == held {
				t.Error("not taken when the server was well again")
			}
		})
	}
}
