package signer_test

import (
	"context"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/cms"
	"qaqpa/signer/fetch/download"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/revoked"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// lateArchive stands between a store and the service, each of which wants the other first.
type lateArchive struct{ svc *signer.Service }

func (a *lateArchive) Archive(ctx context.Context, l *revoked.List) error {
	return a.svc.Archive(ctx, l)
}

// shelf is a service with lists at hand, and the store that has them.
type shelf struct {
	*bench
	lists *revoked.Store
}

// setupShelf starts GOST authorities and a service beside a store of their lists.
func setupShelf(t *testing.T, change func(*signer.Config)) *shelf {
	t.Helper()
	s := &shelf{}
	late := &lateArchive{}
	s.bench = setup(t, []pki.Family{pki.GOST2015}, func(b *bench, cfg *signer.Config) {
		withDB(b, cfg)
		s.lists = openLists(b, late)
		cfg.Lists = s.lists
		if change != nil {
			change(cfg)
		}
	})
	late.svc = s.svc
	return s
}

func openLists(b *bench, archive revoked.Archive) *revoked.Store {
	b.Helper()
	var authorities []*pkix.Certificate
	var points []revoked.Point
	for _, ca := range []*pki.CA{b.pki.Root(pki.GOST2015), b.pki.NCA(pki.GOST2015)} {
		c := parse(b, ca.Certificate)[0]
		authorities = append(authorities, c)
		points = append(points, revoked.Point{Name: ca.Name, URLs: []string{b.srv.URL + "/crl/" + ca.Name + ".crl"}, Issuers: []*pkix.Certificate{c}})
	}
	source := download.New(download.Config{AllowPrivate: true})
	b.Cleanup(source.Close)
	lists, err := revoked.Open(b.Context(), revoked.Config{
		Dir: b.TempDir(), Source: source, Archive: archive, Authorities: authorities, Points: points, Now: b.clk.now,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := lists.Close(); err != nil {
			b.Error(err)
		}
	})
	return lists
}

// refresh brings the newest lists while the network is up.
func (s *shelf) refresh() {
	s.Helper()
	s.srv.Faults.Clear()
	if err := s.lists.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// down takes services away.
func (s *shelf) down(services ...string) {
	s.Helper()
	for _, on := range services {
		s.fault(fault.Fault{Kind: pki.FaultDown, On: on, Count: -1})
	}
}

// judge wants an indication, and the same again from what was stored.
func (s *shelf) judge(doc []byte, want report.Indication) signer.Verdict {
	s.Helper()
	v := s.validateRequest(signer.ValidateRequest{Document: doc, Store: true, Actor: "test"})
	if v.Indication != want {
		s.Errorf("%s %s %+v", v.Indication, v.Sub, v.Signatures[0].Reasons)
	}
	again, err := s.svc.Replay(s.Context(), v.ID, doc, nil)
	if err != nil || again.Indication != v.Indication || again.Sub != v.Sub {
		s.Errorf("replayed: %v %s %s", err, again.Indication, again.Sub)
	}
	return v
}

// sources counts the evidence of a verdict by where it came from; failures are counted under "failed".
func sources(v signer.Verdict) map[string]int {
	out := map[string]int{}
	for _, e := range v.Evidence {
		if e.Failure != "" {
			out["failed"]++
			continue
		}
		out[e.Source]++
	}
	return out
}

// TestListsAtHand: with responders and distribution points down, verdicts follow from the lists that were fetched before, and can
// be replayed from the one copy that the archive keeps.
func TestListsAtHand(t *testing.T) {
	s := setupShelf(t, nil)
	id := s.issue(pki.Profile{Name: "holder"})
	doc := s.sign(id, []byte("document"), pki.CMSOptions{})
	judge := func(want report.Indication) {
		t.Helper()
		s.refresh()
		s.down("ocsp", "crl")
		if v := s.judge(doc, want); v.Signatures[0].Revocation[0].Source != "crl" {
			t.Errorf("%+v", v.Signatures[0].Revocation)
		}
	}
	judge(report.TotalPassed)
	if err := s.pki.Revoke(id, pki.KeyCompromise, s.clk.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.clk.add(time.Minute)
	judge(report.TotalFailed)
	// Two complete lists twice, and the delta that the certificate of the holder taught.
	var bodies int
	if err := s.db.Get(&bodies, `SELECT count(*) FROM evidence WHERE kind = 'crl'`); err != nil || bodies != 5 {
		t.Errorf("%d lists stored, %v", bodies, err)
	}
}

// TestListsAtHandServeAllSigners: the list that one signer brought serves the next one of the same authority, without a call.
func TestListsAtHandServeAllSigners(t *testing.T) {
	s := setupShelf(t, func(cfg *signer.Config) { cfg.Fetch = nil })
	one, two := s.issue(pki.Profile{Name: "one"}), s.issue(pki.Profile{Name: "two"})
	s.refresh()
	doc, err := pki.CoSign([]byte("document"), pki.CMSOptions{Chain: true}, one, two)
	if err != nil {
		t.Fatal(err)
	}
	v := s.judge(doc, report.TotalPassed)
	if got := sources(v); got["failed"] != 0 || got["lists at hand"] == 0 || len(got) > 1 {
		t.Errorf("evidence came from %v", got)
	}
}

// TestListAtHandOutOfDate: while nobody answers, a list past its time is absent evidence (indeterminate); when the authority
// publishes that very list, it is the authority's fault (№500/НҚ 18: negative). A revocation counts however old the list.
func TestListAtHandOutOfDate(t *testing.T) {
	s := setupShelf(t, nil)
	id, gone := s.issue(pki.Profile{Name: "holder"}), s.issue(pki.Profile{Name: "gone"})
	if err := s.pki.Revoke(gone, pki.KeyCompromise, s.clk.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.clk.add(time.Minute)
	doc, bad := s.sign(id, []byte("document"), pki.CMSOptions{}), s.sign(gone, []byte("document"), pki.CMSOptions{})
	s.refresh()
	s.clk.add(3 * 24 * time.Hour)
	s.down("ocsp", "crl")
	v := s.judge(doc, report.Indeterminate)
	if got := sources(v); got["lists at hand"] == 0 || got["failed"] == 0 {
		t.Errorf("evidence came from %v", got)
	}
	s.judge(bad, report.TotalFailed)
	s.srv.Faults.Clear()
	s.down("ocsp")
	s.fault(fault.Fault{Kind: pki.FaultStale, On: "crl", Count: -1})
	s.judge(doc, report.TotalFailed)
}

// TestListAtHandGoesIntoTheDocument: evidence inside a CMS comes from the lists at hand while the responder is silent.
func TestListAtHandGoesIntoTheDocument(t *testing.T) {
	s := setupShelf(t, nil)
	id := s.issue(pki.Profile{Name: "holder"})
	s.refresh()
	s.down("ocsp", "crl")
	doc, err := s.svc.SignCMS(t.Context(), signer.SignCMSRequest{Document: []byte("document"), Key: s.key(id), Evidence: true, Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(doc, cms.Limits{})
	if err != nil || len(sd.CRLs) == 0 {
		t.Errorf("no list in the document, %v", err)
	}
}
