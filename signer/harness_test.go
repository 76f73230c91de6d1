package signer_test

import (
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/fetch"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"

	"github.com/jmoiron/sqlx"
)

// clock is the one time of a test: of the authorities and of the service.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// bench is a service beside running test authorities.
type bench struct {
	testing.TB
	clk   *clock
	pki   *pki.PKI
	srv   *pki.Server
	db    *sqlx.DB
	audit *audit.Log
	svc   *signer.Service
}

// setup starts authorities of the given families and a service that trusts their roots. change may alter its
// configuration.
func setup(tb testing.TB, families []pki.Family, change func(*bench, *signer.Config)) *bench {
	tb.Helper()
	b := &bench{TB: tb, clk: &clock{at: time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)}}
	var err error
	if b.pki, err = pki.New(pki.Options{Dir: tb.TempDir(), Families: families, Now: b.clk.now}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.pki.Release(); err != nil {
			tb.Error(err)
		}
	})
	if b.srv, err = b.pki.Serve(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	b.svc = b.service(change)
	return b
}

// withDB gives the service a database and an audit log.
func withDB(b *bench, cfg *signer.Config) {
	b.Helper()
	if b.db == nil {
		b.db = postgres.ForTest(b.TB, signer.Migrate)
		var err error
		if b.audit, err = audit.New(audit.Config{Now: b.clk.now}); err != nil {
			b.Fatal(err)
		}
	}
	cfg.DB, cfg.Audit = b.db, b.audit
}

func (b *bench) service(change func(*bench, *signer.Config)) *signer.Service {
	b.Helper()
	store, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{b.pki.AnchorsPEM()}})
	if err != nil {
		b.Fatal(err)
	}
	f, err := fetch.New(fetch.Config{AllowPrivate: true, Now: b.clk.now, FailureKeep: -1, Timeout: 2 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(f.Close)
	cfg := signer.Config{Trust: store, Fetch: f, Now: b.clk.now, OCSPReuse: -1}
	if change != nil {
		change(b, &cfg)
	}
	svc, err := signer.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return svc
}

func (b *bench) issue(p pki.Profile) *pki.Identity {
	b.Helper()
	if p.Family == "" {
		p.Family = b.pki.Families()[0]
	}
	if p.Kind == "" {
		p.Kind = pki.Citizen
	}
	if p.Kind == pki.Citizen || p.Kind == pki.Employee {
		if p.Surname == "" {
			p.Surname = "ӘЛИЕВ"
		}
		p.Given, p.Patronymic = "ДӘУРЕН", "ҚАЙРАТҰЛЫ"
		if p.IIN == "" {
			p.IIN = pki.IIN(7)
		}
	}
	return b.until(p, b.pki.Issue)
}

// issueFor makes a certificate for a key held elsewhere.
func (b *bench) issueFor(p pki.Profile, key crypto.PublicKey) *pki.Identity {
	b.Helper()
	return b.until(p, func(p pki.Profile) (*pki.Identity, error) { return b.pki.IssueFor(p, key) })
}

// until issues again when the first octet of the serial number is zero (1 in 128): the stand-in's responder does not find
// such a number.
func (b *bench) until(p pki.Profile, issue func(pki.Profile) (*pki.Identity, error)) *pki.Identity {
	b.Helper()
	for name, try := p.Name, 1; ; try++ {
		id, err := issue(p)
		if err != nil {
			b.Fatal(err)
		}
		if id.Serial()[0] != 0 {
			return id
		}
		p.Name = fmt.Sprintf("%s_%d", name, try)
	}
}

func (b *bench) sign(id *pki.Identity, content []byte, o pki.CMSOptions) []byte {
	b.Helper()
	doc, err := id.SignCMS(content, o)
	if err != nil {
		b.Fatal(err)
	}
	return doc
}

func (b *bench) fault(f fault.Fault) {
	b.Helper()
	if err := b.srv.Faults.Add(f); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) validate(doc, detached []byte) signer.Verdict {
	b.Helper()
	return b.validateRequest(signer.ValidateRequest{Document: doc, Detached: detached})
}

func (b *bench) validateRequest(req signer.ValidateRequest) signer.Verdict {
	b.Helper()
	v, err := b.svc.Validate(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	checkInvariants(b, v)
	return v
}

// checkInvariants holds what must be true of any verdict.
func checkInvariants(tb testing.TB, v signer.Verdict) {
	tb.Helper()
	if v.Indication == report.TotalPassed != (v.Sub == "") {
		tb.Errorf("%s with sub-indication %q", v.Indication, v.Sub)
	}
	if v.Passed() && len(v.Signatures) == 0 {
		tb.Error("passed without a signature")
	}
	reasons := slices.Clone(v.Reasons)
	for _, s := range v.Signatures {
		if s.Indication.Worse(v.Indication) {
			tb.Errorf("the document is %s, a signature %s", v.Indication, s.Indication)
		}
		if s.Indication == report.TotalPassed != (len(s.Reasons) == 0 && s.Sub == "") {
			tb.Errorf("%s/%s with reasons %v", s.Indication, s.Sub, s.Reasons)
		}
		if s.Indication == report.TotalPassed && (s.Covers == "none" || s.Signer == nil || len(s.Chain) < 2) {
			tb.Errorf("passed, covering %q, signer %v, chain of %d", s.Covers, s.Signer, len(s.Chain))
		}
		reasons = slices.Concat(reasons, s.Reasons, s.Remarks)
		for _, ts := range s.TimeStamps {
			reasons = append(reasons, ts.Reasons...)
		}
	}
	for _, r := range reasons {
		if !report.Known(r.Code) {
			tb.Errorf("the catalogue does not know %q", r.Code)
		}
	}
}

// want checks the verdict's pair and that the first signature gives the reason (empty: none).
func (b *bench) want(v signer.Verdict, i report.Indication, sub report.SubIndication, reason report.Code) {
	b.Helper()
	if v.Indication != i || v.Sub != sub {
		b.Errorf("%s/%s, want %s/%s", v.Indication, v.Sub, i, sub)
	}
	all := slices.Clone(v.Reasons)
	for _, s := range v.Signatures {
		all = append(all, s.Reasons...)
	}
	found := reason == "" && len(all) == 0
	for _, r := range all {
		found = found || r.Code == reason
	}
	if !found || b.Failed() {
		for _, r := range all {
			b.Logf("reason %s (%s): %s", r.Code, r.Clause, r.Detail)
		}
		for _, s := range v.Signatures {
			for _, r := range s.Remarks {
				b.Logf("remark %s (%s): %s", r.Code, r.Clause, r.Detail)
			}
		}
	}
	if !found {
		b.Errorf("the reason %q is not given", reason)
	}
}

// corpora is the folder of real data; without it a test that needs it is skipped.
func corpora(tb testing.TB, parts ...string) string {
	tb.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("the corpora are not at %s; set QAQPA_CORPORA to run this test", dir)
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func parse(tb testing.TB, ders ...[]byte) []*pkix.Certificate {
	tb.Helper()
	out := make([]*pkix.Certificate, 0, len(ders))
	for _, der := range ders {
		c, err := pkix.ParseCertificate(der)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// sealWith lets a service seal with an identity of the test authorities.
func sealWith(t *bench, cfg *signer.Config, id *pki.Identity, key crypto.Signer) {
	t.Helper()
	cfg.SealKey = key
	cfg.SealChain = append(parse(t, id.Certificate), parse(t, id.Chain[:1]...)...)
}
