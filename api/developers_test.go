package api

import (
	"encoding/json"
	"encoding/pem"
	"html"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"qaqpa/api/portal"
	"qaqpa/payment/catalog"
)

// sandboxFile is the file of a sandbox over the test's own parties.
func (w *whole) sandboxFile(t *testing.T) []byte {
	t.Helper()
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", licence("driving-licence")), 201)
	key := must[[]byte](t)(w.citizen.PKCS8())
	return must[[]byte](t)(json.Marshal(map[string]string{
		"agency_key": w.agencyKey, "portal_key": w.portalKey, "service": service.ID, "payer": w.citizen.IIN(), "bank": ownBIC,
		"payer_pem": string(w.citizen.PEM()) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}))
}

// serveSandbox starts one more front of the same gateway, which is a sandbox, under its own address.
func (w *whole) serveSandbox(t *testing.T) string {
	t.Helper()
	file := w.sandboxFile(t)
	return w.serveAs(t, func(c *Config) { c.Sandbox = func() ([]byte, error) { return file, nil } })
}

// serveAs starts one more front of the same gateway; the address is its BaseURL.
func (w *whole) serveAs(t *testing.T, change func(*Config)) string {
	t.Helper()
	ln := must[net.Listener](t)((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))
	cfg := w.cfg
	cfg.BaseURL, cfg.Registerer, cfg.Gatherer = "http://"+ln.Addr().String(), nil, nil
	change(&cfg)
	s := must[*Server](t)(New(cfg))
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Log(err) // connections of a browser may be open still
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return cfg.BaseURL
}

// commands are what a page gives to be pasted, in its order.
func commands(page string) string {
	var out strings.Builder
	for _, found := range regexp.MustCompile(`(?s)<pre class="paste"[^>]*><code>(.*?)</code></pre>`).FindAllStringSubmatch(page, -1) {
		out.WriteString(html.UnescapeString(found[1]) + "\n")
	}
	return out.String()
}

// The quick start of the developers' page is pasted into a shell as it stands: a debt is stated, ordered, signed and paid, and its
// receipt verifies.
func TestQuickStartWorksAsPasted(t *testing.T) {
	for _, program := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	w := start(t)
	base := w.serveSandbox(t)
	page := w.fetch(t, base+"/developers")
	if !strings.Contains(page, "This gateway is a sandbox") {
		t.Fatalf("no sandbox in\n%s", page)
	}
	script := commands(page)
	cmd := exec.CommandContext(t.Context(), "bash", "-eu")
	cmd.Dir, cmd.Stdin = t.TempDir(), strings.NewReader(script)
	cmd.Env = append(os.Environ(), "http_proxy=", "HTTP_PROXY=", "no_proxy=*")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	for _, want := range []string{`"TOTAL-FAILED"`, "dbt_", "ord_", "TOTAL-PASSED"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the commands never say %s:\n%s", want, out)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(string(out)), "TOTAL-PASSED") {
		t.Errorf("the receipt does not verify:\n%s", out)
	}
	if n := len(w.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
	if pdf, err := os.ReadFile(filepath.Join(cmd.Dir, "receipt.pdf")); err != nil || !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("no receipt: %v", err)
	}
}

// fetch is a page as it came.
func (w *whole) fetch(t *testing.T, address string) string {
	t.Helper()
	got := w.read(t, address)
	if got.status != http.StatusOK {
		t.Fatalf("%s: %d", address, got.status)
	}
	return got.body
}

func (w *whole) read(t *testing.T, address string) shown {
	t.Helper()
	b := &browser{w: w, cookies: map[string]string{}}
	before := w.url
	w.url = ""
	defer func() { w.url = before }()
	return b.get(address)
}

// A gateway hands out keys only while it is a sandbox and harmless.
func TestSandboxIsOfferedOnlyWhereNothingIsPaid(t *testing.T) {
	w := start(t)
	file := w.sandboxFile(t)
	plain := w.browser().get("/developers")
	plain.want(t, 200, "moves real money", "make run")
	if strings.Contains(plain.body, w.agencyKey) || strings.Contains(plain.body, "try.js") {
		t.Error("a gateway that is no sandbox shows keys")
	}
	w.browser().get("/developers/sandbox/payer.pem").want(t, 404)
	base := w.serveSandbox(t)
	got := w.read(t, base+"/developers")
	got.want(t, 200, w.agencyKey, w.portalKey, "/developers/try.js")
	if csp := got.header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'; connect-src 'self'") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
	w.read(t, base+"/developers/sandbox/payer.pem").want(t, 200, "BEGIN CERTIFICATE", "BEGIN PRIVATE KEY")
	for name, bad := range map[string]string{"no file": "", "no JSON": "{", "a key for a shell": strings.Replace(string(file), w.agencyKey, "$(id)", 1)} {
		other := w.serveAs(t, func(c *Config) { c.Sandbox = func() ([]byte, error) { return []byte(bad), nil } })
		if page := w.read(t, other+"/developers"); page.status != 200 || strings.Contains(page.body, "try.js") {
			t.Errorf("%s: %d", name, page.status)
		}
	}
	// A bank elsewhere ends it: this gateway could pay.
	if _, err := w.db.ExecContext(t.Context(), `UPDATE banks SET url = 'https://bank.example.kz' WHERE bic = $1`, otherBIC); err != nil {
		t.Fatal(err)
	}
	if page := w.read(t, base+"/developers"); strings.Contains(page.body, w.agencyKey) || !strings.Contains(page.text, "moves real money") {
		t.Error("keys are handed out while a bank is elsewhere")
	}
	w.read(t, base+"/developers/sandbox/payer.pem").want(t, 404)
}

// The page of changes names operations that there are.
func TestChangesNameOperations(t *testing.T) {
	s := bare(t)
	page := string(must[[]byte](t)(s.pages.RenderChanges(portal.Frame{Lang: "en", Address: "/developers/changes"}, s.reference.Version)))
	var known []string
	for _, tag := range s.reference.Tags {
		for _, op := range tag.Operations {
			known = append(known, op.ID)
		}
	}
	found := regexp.MustCompile(`/developers#([A-Za-z]+)"`).FindAllStringSubmatch(page, -1)
	if len(found) < 30 {
		t.Errorf("only %d operations are named", len(found))
	}
	for _, id := range found {
		if !slices.Contains(known, id[1]) {
			t.Errorf("%s is no operation", id[1])
		}
	}
	if strings.Contains(page, "changes.") {
		t.Error("a text is missing")
	}
}
