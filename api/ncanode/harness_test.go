package ncanode_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/api/ncanode"
	"qaqpa/signer"
	"qaqpa/signer/fetch"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"

	"github.com/getkin/kin-openapi/openapi3"
)

// clock is the one time of a test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// bench is the interface over a service.
type bench struct {
	testing.TB
	clk        *clock
	pki        *pki.PKI
	srv        *pki.Server
	operations map[string]ncanode.Operation
	contract   *openapi3.T
}

// M is a JSON object.
type M = map[string]any

const password = "Qwerty12"

// setup starts authorities of the given families, and the interface over a service that trusts them and asks their services.
func setup(tb testing.TB, families ...pki.Family) *bench {
	tb.Helper()
	b := &bench{TB: tb, clk: &clock{at: time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)}}
	var err error
	if b.pki, err = pki.New(pki.Options{Dir: tb.TempDir(), Families: families, Now: b.clk.now}); err != nil {
		tb.Fatal(err)
	}
	if b.srv, err = b.pki.Serve(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	f, err := fetch.New(fetch.Config{AllowPrivate: true, Now: b.clk.now, FailureKeep: -1, Timeout: 2 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	b.over(trust.Config{Mode: trust.Custom, Anchors: [][]byte{b.pki.AnchorsPEM()}}, func(cfg *signer.Config) {
		cfg.Fetch, cfg.OCSPReuse, cfg.TSA = f, -1, b.srv.URL+"/tsp/"
	})
	return b
}

// national is the interface over a service that trusts the national test authorities at a time and asks nobody.
func national(tb testing.TB, now string) *bench {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		tb.Fatal(err)
	}
	b := &bench{TB: tb, clk: &clock{at: at}}
	b.over(trust.Config{Mode: trust.Test}, nil)
	return b
}

func (b *bench) over(whom trust.Config, change func(*signer.Config)) {
	b.Helper()
	store, err := trust.New(whom)
	if err != nil {
		b.Fatal(err)
	}
	cfg := signer.Config{Trust: store, Now: b.clk.now}
	if change != nil {
		change(&cfg)
	}
	svc, err := signer.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	g, err := ncanode.New(ncanode.Config{Signer: svc, Now: b.clk.now})
	if err != nil {
		b.Fatal(err)
	}
	all, err := g.Operations()
	if err != nil {
		b.Fatal(err)
	}
	b.operations = map[string]ncanode.Operation{}
	for _, op := range all {
		b.operations[op.Path] = op
	}
	b.contract = contract(b.TB)
}

// contract is openapi.yaml, its schemas closed: members that nobody described are faults.
func contract(tb testing.TB) *openapi3.T {
	tb.Helper()
	file, err := os.ReadFile("openapi.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(file)
	if err != nil {
		tb.Fatal(err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		tb.Fatal(err)
	}
	for _, s := range doc.Components.Schemas {
		if s.Value != nil && len(s.Value.Properties) > 0 {
			no := false
			s.Value.AdditionalProperties.Has = &no
		}
	}
	return doc
}

// call makes a request of which nothing is expected.
func (b *bench) call(path string, body []byte) ([]byte, error) {
	b.Helper()
	return b.operations[path].Serve(b.Context(), ncanode.Call{Body: body, Actor: "test", Language: report.RU})
}

// post makes a request of the contract and holds the answer against it.
func (b *bench) post(path string, in M) M {
	b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	b.fits(path, b.contract.Paths.Value(path).Post.RequestBody.Value.Content, body)
	got, err := b.call(path, body)
	if err != nil {
		b.Fatalf("%s: %v", path, err)
	}
	b.fits(path, b.contract.Paths.Value(path).Post.Responses.Status(200).Value.Content, got)
	var out M
	if err := json.Unmarshal(got, &out); err != nil {
		b.Fatal(err)
	}
	return out
}

func (b *bench) fits(path string, content openapi3.Content, body []byte) {
	b.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		b.Fatal(err)
	}
	schema := content.Get("application/json").Schema.Value
	if err := schema.VisitJSON(v, openapi3.EnableFormatValidation()); err != nil {
		b.Errorf("%s: outside the contract: %v\n%.2000s", path, err, body)
	}
}

// refused makes a request that must be refused with a code.
func (b *bench) refused(path string, in M, want ncanode.Code) {
	b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	_, err = b.call(path, body)
	p, ok := errors.AsType[*ncanode.Error](err)
	if !ok || p.Code != want {
		b.Fatalf("%s: %v, want %s", path, err, want)
	}
}

func (b *bench) issue(p pki.Profile) *pki.Identity {
	b.Helper()
	if p.Kind == "" {
		p.Kind, p.Surname, p.Given, p.Patronymic, p.IIN = pki.Citizen, "ӘЛИЕВ", "ДӘУРЕН", "ҚАЙРАТҰЛЫ", pki.IIN(7)
	}
	id, err := b.pki.Issue(p)
	if err != nil {
		b.Fatal(err)
	}
	if id.Serial()[0] == 0 { // 1 in 128: the stand-in's responder does not find such a number
		p.Name += "_"
		return b.issue(p)
	}
	return id
}

// key is a signer of a request.
func (b *bench) key(id *pki.Identity) M {
	b.Helper()
	file, err := id.PKCS12(password)
	if err != nil {
		b.Fatal(err)
	}
	return M{"key": b64(file), "password": password}
}

func (b *bench) fault(on, kind string) {
	b.Helper()
	if err := b.srv.Faults.Add(fault.Fault{On: on, Kind: kind, Count: -1}); err != nil {
		b.Fatal(err)
	}
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func unb64(tb testing.TB, v any) []byte {
	tb.Helper()
	s, _ := v.(string)
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// at follows a path through an answer: names, and indexes as integers.
func at(tb testing.TB, v any, path ...any) any {
	tb.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(M)
			if !ok {
				tb.Fatalf("%v: no object for %q: %v", path, step, v)
			}
			v = m[step]
		case int:
			l, ok := v.([]any)
			if !ok || step >= len(l) {
				tb.Fatalf("%v: no element %d: %v", path, step, v)
			}
			v = l[step]
		}
	}
	return v
}

// codes are those of the problems of an answer or of a part of it.
func codes(tb testing.TB, v any) string {
	tb.Helper()
	var out []string
	list, _ := at(tb, v, "problems").([]any)
	for i := range list {
		code, _ := at(tb, list, i, "code").(string)
		out = append(out, code)
		if text, _ := at(tb, list, i, "message").(string); !strings.ContainsAny(text, "абвгдеёжзийклмнопрстуфхцчшщъыьэюя") {
			tb.Errorf("%s is not told in Russian: %q", code, text)
		}
	}
	return strings.Join(out, " ")
}

// verdict checks valid, and that the problems name a reason (empty: none).
func (b *bench) verdict(v M, valid bool, reason string) {
	b.Helper()
	got := codes(b, v)
	if v["valid"] != valid || valid != (got == "") || !strings.Contains(got, reason) {
		b.Errorf("valid %v, problems %q; want %v, %q\n%.3000v", v["valid"], got, valid, reason, v)
	}
	if (v["indication"] == "TOTAL-PASSED") != (valid || v["indication"] == "TOTAL-PASSED") {
		b.Errorf("%v with valid %v", v["indication"], v["valid"])
	}
}

// corpora is the folder of real data; without it a test that needs it is skipped.
func corpora(tb testing.TB, parts ...string) string {
	tb.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
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
