package signer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/report"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func (b *bench) store(doc, detached []byte) signer.Verdict {
	b.Helper()
	return b.validateRequest(signer.ValidateRequest{Document: doc, Detached: detached, Store: true, Actor: "test"})
}

func (b *bench) count(table string) int {
	b.Helper()
	var n int
	if err := b.db.GetContext(b.Context(), &n, "SELECT count(*) FROM "+table); err != nil {
		b.Fatal(err)
	}
	return n
}

// TestStoredVerdicts: what was given is what is kept, with its evidence and an audit entry; and it can be made again with
// the authorities gone.
func TestStoredVerdicts(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA, pki.GOST2015}, withDB)
	good := b.issue(pki.Profile{Name: "good"})
	revoked := b.issue(pki.Profile{Name: "revoked", Family: pki.GOST2015})
	if err := b.pki.Revoke(revoked, pki.Superseded, b.clk.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	documents := map[string]struct{ doc, original []byte }{
		"good":     {b.sign(good, content, pki.CMSOptions{TimeStamp: true}), nil},
		"detached": {b.sign(good, content, pki.CMSOptions{Detached: true}), content},
		"revoked":  {b.sign(revoked, content, pki.CMSOptions{}), nil},
		"changed":  {b.sign(good, content, pki.CMSOptions{Detached: true}), []byte("another")},
		"no CMS":   {content, nil},
	}
	verdicts := map[string]signer.Verdict{}
	for name, d := range documents {
		v := b.store(d.doc, d.original)
		if !strings.HasPrefix(v.ID, "vrd_"+v.DocumentSHA256[:2]) || len(v.ID) != len("vrd_")+34 {
			t.Errorf("%s: id %s", name, v.ID)
		}
		verdicts[name] = v
	}
	b.fault(fault.Fault{Kind: pki.FaultDown, On: "ocsp", Count: -1})
	b.fault(fault.Fault{Kind: pki.FaultDown, On: "crl", Count: -1})
	verdicts["services down"] = func() signer.Verdict {
		b.svc = b.service(func(b *bench, cfg *signer.Config) { withDB(b, cfg) })
		return b.store(documents["good"].doc, nil)
	}()
	documents["services down"] = documents["good"]
	if err := b.srv.Close(); err != nil {
		t.Fatal(err)
	}
	ignore := cmpopts.IgnoreFields(signer.Verdict{}, "Content")
	for name, v := range verdicts {
		stored, err := b.svc.Verdict(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, stored, ignore, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: stored otherwise:\n%s", name, diff)
		}
		again, err := b.svc.Replay(t.Context(), v.ID, documents[name].doc, documents[name].original)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(v, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: replayed otherwise:\n%s", name, diff)
		}
	}
	if n := b.count("verdicts"); n != len(verdicts) {
		t.Errorf("%d verdicts are stored", n)
	}
	b.checkAudit(len(verdicts))
}

func (b *bench) checkAudit(entries int) {
	b.Helper()
	rep, err := b.svc.VerifyAudit(b.Context())
	if err != nil || !rep.Whole() || rep.Entries != int64(entries) {
		b.Errorf("audit: %+v, %v; want %d entries", rep, err, entries)
	}
}

func TestReplayRefuses(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	doc := b.sign(b.issue(pki.Profile{}), content, pki.CMSOptions{})
	v := b.store(doc, nil)
	for name, c := range map[string]struct {
		id   string
		doc  []byte
		want error
	}{
		"another document": {v.ID, content, signer.ErrReplay},
		"no such verdict":  {v.ID[:len(v.ID)-1] + "x", doc, signer.ErrVerdictNotFound},
		"other bucket":     {"vrd_" + "00" + v.ID[6:], doc, signer.ErrVerdictNotFound},
		"no id":            {"'; DROP TABLE verdicts; --", doc, signer.ErrVerdictNotFound},
	} {
		if _, err := b.svc.Replay(t.Context(), c.id, c.doc, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := b.service(func(b *bench, cfg *signer.Config) { withDB(b, cfg); withIntermediates(b, cfg) })
	if _, err := other.Replay(t.Context(), v.ID, doc, nil); !errors.Is(err, signer.ErrReplay) {
		t.Errorf("other trust: %v", err)
	}
	if _, err := b.db.ExecContext(t.Context(), `DELETE FROM evidence`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.svc.Replay(t.Context(), v.ID, doc, nil); !errors.Is(err, signer.ErrReplay) {
		t.Errorf("lost evidence: %v", err)
	}
}

// TestNothingIsHalfStored: when the audit entry cannot be written, neither verdict nor evidence is there.
func TestNothingIsHalfStored(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	doc := b.sign(b.issue(pki.Profile{}), content, pki.CMSOptions{})
	if _, err := b.db.ExecContext(t.Context(), `ALTER TABLE audit_entries RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, Store: true, Actor: "test"}); err == nil {
		t.Error("stored without its audit entry")
	}
	if b.count("verdicts") != 0 || b.count("evidence") != 0 {
		t.Error("something was stored")
	}
	if _, err := b.db.ExecContext(t.Context(), `ALTER TABLE elsewhere RENAME TO audit_entries`); err != nil {
		t.Fatal(err)
	}
	b.store(doc, nil) // what was rolled back is not taken for stored
	if b.count("verdicts") != 1 || b.count("evidence") == 0 {
		t.Error("not stored")
	}
	b.checkAudit(1)
}

// TestConcurrentValidations: many at once, good and bad, stored and not, under the race detector.
func TestConcurrentValidations(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA, pki.GOST2015}, func(b *bench, cfg *signer.Config) {
		withDB(b, cfg)
		cfg.OCSPReuse = time.Minute
	})
	good, expired := b.issue(pki.Profile{Name: "good"}), b.issue(pki.Profile{Name: "expired", NotAfter: b.clk.now().Add(-time.Minute)})
	gost := b.issue(pki.Profile{Name: "gost", Family: pki.GOST2015})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 6 {
				text := fmt.Appendf(nil, "%d %d", w, i)
				id, want := good, report.TotalPassed
				switch i % 3 {
				case 1:
					id = gost
				case 2:
					id, want = expired, report.TotalFailed
				}
				doc, err := id.SignCMS(text, pki.CMSOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				v, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, Store: true, Actor: "test"})
				if err != nil || v.Indication != want {
					t.Errorf("%s %s, %v", v.Indication, v.Sub, err)
				}
			}
		})
	}
	wg.Wait()
	b.checkAudit(48)
}

// TestVerdictJSON: names are in snake case, lists are lists, the content stays out.
func TestVerdictJSON(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	text, err := json.Marshal(b.validate(b.sign(b.issue(pki.Profile{}), []byte("secret"), pki.CMSOptions{}), nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"indication":"TOTAL-PASSED"`, `"reasons":[]`, `"document_sha256":"`, `"key_use":"SIGN"`, `"policy":"kz-2026"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	var top map[string]any
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	if _, ok := top["content"]; ok || strings.Contains(string(text), "c2VjcmV0") {
		t.Error("the content is in the verdict")
	}
}

func TestMigrateTwice(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	if err := signer.Migrate(t.Context(), b.db); err != nil {
		t.Error(err)
	}
	if rep, err := audit.Verify(t.Context(), b.db, nil); err != nil || !rep.Whole() {
		t.Errorf("%+v, %v", rep, err)
	}
}
