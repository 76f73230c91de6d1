package signer_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/fetch"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// access encodes Authority Information Access with many responders.
func access(urls []string) []byte {
	var list [][]byte
	for _, u := range urls {
		list = append(list, asn1ber.Wrap(asn1ber.Sequence,
			asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID("1.3.6.1.5.5.7.48.1"))), asn1ber.Primitive(asn1ber.Context(6), []byte(u))))
	}
	return asn1ber.Wrap(asn1ber.Sequence, list...)
}

// TestDocumentsDoNotChooseHowManyAreCalled: a certificate with hundreds of addresses makes a bounded number of calls, and in
// the default configuration none at all to private networks.
func TestDocumentsDoNotChooseHowManyAreCalled(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer srv.Close()
	urls := make([]string, 400)
	for i := range urls {
		urls[i] = fmt.Sprintf("%s/%d", srv.URL, i)
	}
	id := b.issue(pki.Profile{NoRevocationInfo: true, Extensions: []pki.Extension{{OID: "1.3.6.1.5.5.7.1.1", Value: access(urls)}}})
	doc := b.sign(id, content, pki.CMSOptions{Chain: true})
	v := b.validate(doc, nil)
	b.want(v, report.Indeterminate, report.TryLater, "revocation_unavailable")
	if n := calls.Load(); n == 0 || n > 48 {
		t.Errorf("%d calls", n)
	}
	calls.Store(0)
	b.svc = b.service(func(b *bench, cfg *signer.Config) {
		f, err := fetch.New(fetch.Config{Now: b.clk.now})
		if err != nil {
			b.Fatal(err)
		}
		cfg.Fetch = f
	})
	v = b.validate(doc, nil)
	b.want(v, report.Indeterminate, report.TryLater, "revocation_unavailable")
	if calls.Load() != 0 {
		t.Error("an address in a private network was called")
	}
	for _, e := range v.Evidence {
		if e.Failure != "" && e.Failure != string(fetch.Forbidden) && e.Failure != string(fetch.Spent) {
			t.Errorf("%+v", e)
		}
	}
}

// TestSlowServices: a validation ends within its time although nobody answers.
func TestSlowServices(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(hang)
	urls := []string{srv.URL + "/1", srv.URL + "/2", srv.URL + "/3"}
	id := b.issue(pki.Profile{NoRevocationInfo: true, Extensions: []pki.Extension{{OID: "1.3.6.1.5.5.7.1.1", Value: access(urls)}}})
	b.svc = b.service(func(_ *bench, cfg *signer.Config) { cfg.GatherTimeout = 300 * time.Millisecond })
	start := time.Now()
	v := b.validate(b.sign(id, content, pki.CMSOptions{Chain: true}), nil)
	b.want(v, report.Indeterminate, report.TryLater, "revocation_unavailable")
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %s", d)
	}
}

// TestEmbeddedRevocationValues: an OCSP answer and a list that the document itself carries, with everything else silent.
func TestEmbeddedRevocationValues(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{})
	doc := b.sign(id, content, pki.CMSOptions{Chain: true})
	list := func(ca *pki.CA) []byte {
		der, err := b.pki.CRL(ca)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	values := asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Context(0),
		asn1ber.Wrap(asn1ber.Sequence, list(b.pki.NCA(pki.ECDSA)), list(b.pki.Root(pki.ECDSA)))))
	sd, err := cms.Parse(doc, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	full, err := sd.AddUnsigned(0, cms.OIDRevocationValues, values)
	if err != nil {
		t.Fatal(err)
	}
	b.svc = b.service(func(_ *bench, cfg *signer.Config) { cfg.Revocation = signer.RevocationOffline })
	b.want(b.validate(doc, nil), report.Indeterminate, report.TryLater, "revocation_unavailable")
	v := b.validate(full, nil)
	b.want(v, report.TotalPassed, "", "")
	if len(v.Evidence) != 2 || v.Evidence[0].Source != "document" {
		t.Errorf("evidence %+v", v.Evidence)
	}
	// A list that the document carries and that is out of date is no fault of the authority.
	b.clk.add(48 * time.Hour)
	b.want(b.validate(full, nil), report.Indeterminate, report.TryLater, "revocation_unavailable")
}
