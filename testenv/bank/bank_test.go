package bank_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// harness is a bank, a gateway that signs orders and one that receives callbacks.
type harness struct {
	*bank.Bank
	t        *testing.T
	pki      *pki.PKI
	gateway  *pki.Identity
	cfg      bank.Config
	url      string
	mu       sync.Mutex
	received []bank.Status
	fail     int // answer this many callbacks with 503
}

func setup(t *testing.T, change func(*bank.Config)) *harness {
	t.Helper()
	return setupFor(t, pki.ECDSA, change)
}

// setupFor is setup with a gateway whose seal is of the family.
func setupFor(t *testing.T, gateway pki.Family, change func(*bank.Config)) *harness {
	t.Helper()
	p := pki.ForTest(t, slices.Compact([]pki.Family{pki.ECDSA, gateway})...)
	system := func(name string, f pki.Family, bin int) *pki.Identity {
		id, err := p.Issue(pki.Profile{Name: name, Family: f, Kind: pki.InformationSystem, SystemName: name, Organisation: name, BIN: pki.BIN(bin)})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	h := &harness{t: t, pki: p, gateway: system("gateway", gateway, 1)}
	callbacks := httptest.NewServer(http.HandlerFunc(h.callback))
	t.Cleanup(callbacks.Close)
	h.cfg = bank.Config{
		BIC: "CASPKZKA", Name: "Банк", Signer: system("bank", pki.ECDSA, 2), OtherSigner: system("other", pki.ECDSA, 3),
		GatewayCertificate: h.gateway.Certificate, CallbackURL: callbacks.URL, RetryAfter: time.Millisecond,
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	if change != nil {
		change(&h.cfg)
	}
	h.start()
	return h
}

func (h *harness) start() {
	h.t.Helper()
	var err error
	if h.Bank, err = bank.New(h.cfg); err != nil {
		h.t.Fatal(err)
	}
	if h.url, err = h.Start(h.t.Context(), "127.0.0.1:0"); err != nil {
		h.t.Fatal(err)
	}
	b := h.Bank
	h.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			h.t.Error(err)
		}
	})
}

func (h *harness) callback(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail > 0 {
		h.fail--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.received = append(h.received, h.open(raw)) // callbacks come until the very end of a test
}

// open verifies a message of the bank with openssl and reads it.
func (h *harness) open(cms []byte) bank.Status {
	h.t.Helper()
	content, out, ok := h.verify(cms)
	if !ok {
		h.t.Errorf("openssl refuses the bank's message:\n%s", out)
	}
	var s bank.Status
	if err := json.Unmarshal(content, &s); err != nil {
		h.t.Errorf("%v in %q", err, content)
	}
	return s
}

func (h *harness) verify(cms []byte) (content []byte, output string, ok bool) {
	h.t.Helper()
	ctx := context.WithoutCancel(h.t.Context()) // callbacks come until the very end
	dir := h.t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, b := range map[string][]byte{"m": cms, "ca": append(h.pki.AnchorsPEM(), h.pki.IntermediatesPEM()...)} {
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(ctx, "openssl", "cms", "-verify", "-cades", "-inform", "DER", "-in", at("m"), "-CAfile", at("ca"), "-purpose", "any", "-out", at("content")).CombinedOutput()
	if err != nil {
		return nil, string(out), false
	}
	content, err = os.ReadFile(at("content"))
	return content, string(out), err == nil
}

const amount = 540600

func (h *harness) orderJSON(attempt string, amount int64) []byte {
	return fmt.Appendf(nil, `{"type":"payment-order","attempt":%q,"order":"ord_1","bank":"CASPKZKA","amount":%d,"currency":"KZT",`+
		`"payer":{"id":"%s"},"beneficiary":{"name":"УГД","bin":"%s","account":"KZ24070105KSN0000000","bic":"KKMFKZ2A","kbk":"108126","knp":"911","kbe":"11"},`+
		`"purpose":"госпошлина","created_at":"2026-05-08T06:45:13Z"}`, attempt, amount, pki.IIN(1), pki.BIN(4))
}

func (h *harness) seal(content []byte, o pki.CMSOptions) []byte {
	h.t.Helper()
	cms, err := h.gateway.SignCMS(content, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return cms
}

// submit posts a sealed order; status 0: no answer.
func (h *harness) submit(cms []byte, timeout time.Duration) (int, []byte) {
	h.t.Helper()
	return h.do(http.MethodPost, "/payments", cms, timeout)
}

func (h *harness) do(method, path string, body []byte, timeout time.Duration) (int, []byte) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, raw
}

func (h *harness) pay(attempt string) (int, []byte) {
	h.t.Helper()
	return h.submit(h.seal(h.orderJSON(attempt, amount), pki.CMSOptions{}), 5*time.Second)
}

func (h *harness) lookup(attempt string) (int, bank.Status) {
	h.t.Helper()
	code, raw := h.do(http.MethodGet, "/payments/"+attempt, nil, 5*time.Second)
	return code, h.open(raw)
}

func (h *harness) arm(f fault.Fault) {
	h.t.Helper()
	if err := h.AddFault(f); err != nil {
		h.t.Fatal(err)
	}
}

// moved asserts how often money moved, and that the accounts agree with the movements.
func (h *harness) moved(times int) {
	h.t.Helper()
	m := h.Movements()
	var sum int64
	for _, x := range m {
		sum += x.Amount
	}
	if len(m) != times || h.Credited("KZ24070105KSN0000000") != sum {
		h.t.Errorf("%d movements of %d tiyn, credited %d; wanted %d movements", len(m), sum, h.Credited("KZ24070105KSN0000000"), times)
	}
	if balance, ok := h.Balance(pki.IIN(1)); ok && balance+sum != 1_000_000_000 {
		h.t.Errorf("the payer's balance is %d after %d", balance, sum)
	}
}

func (h *harness) waitCallbacks(n int) []bank.Status {
	h.t.Helper()
	for range 1000 {
		h.mu.Lock()
		got := append([]bank.Status{}, h.received...)
		h.mu.Unlock()
		if len(got) >= n {
			return got
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.t.Fatalf("no %d callbacks came", n)
	return nil
}

func TestExecutesOnce(t *testing.T) {
	h := setup(t, nil)
	code, raw := h.pay("att_1")
	s := h.open(raw)
	if code != 200 || s.Outcome != bank.Executed || s.Amount != amount || s.Reference == "" || s.ExecutedAt == nil || s.Attempt != "att_1" || s.Order != "ord_1" {
		t.Fatalf("%d %+v", code, s)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, raw := h.pay("att_1"); h.open(raw).Reference != s.Reference {
				t.Error("the same attempt got another answer")
			}
		})
	}
	wg.Wait()
	h.moved(1)
	if n := h.Requests("att_1"); n != 11 {
		t.Errorf("%d requests counted", n)
	}
	if code, _ := h.submit(h.seal(h.orderJSON("att_1", amount+1), pki.CMSOptions{}), time.Second); code != http.StatusConflict {
		t.Errorf("the attempt with other content: %d", code)
	}
	if code, s := h.lookup("att_1"); code != 200 || s.Outcome != bank.Executed {
		t.Errorf("%d %+v", code, s)
	}
	if code, s := h.lookup("att_2"); code != 404 || s.Outcome != bank.Absent || s.Attempt != "att_2" {
		t.Errorf("an attempt that isn't there: %d %+v", code, s)
	}
	h.moved(1)
}

func TestRefusesForeignSeals(t *testing.T) {
	h := setupFor(t, pki.RSA, nil)
	order := h.orderJSON("att_1", amount)
	good := h.seal(order, pki.CMSOptions{})
	stranger, err := h.cfg.OtherSigner.SignCMS(order, pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	both, err := pki.CoSign(order, pki.CMSOptions{}, h.gateway, h.cfg.OtherSigner)
	if err != nil {
		t.Fatal(err)
	}
	otherRoot, err := h.pki.Issue(pki.Profile{
		Name: "lookalike", Family: pki.RSA, Kind: pki.InformationSystem, SystemName: "gateway", Organisation: "gateway", BIN: pki.BIN(1), Impostor: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	impostor, err := otherRoot.SignCMS(order, pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, cms := range map[string][]byte{
		"another signer": stranger, "two signers": both, "look-alike": impostor, "not CMS": []byte("{}"), "empty": nil, "cut": good[:len(good)-1],
		"tail": append(bytes.Clone(good), 0), "content changed": bytes.Replace(good, []byte("540600"), []byte("540601"), 1),
		"signature changed":      h.seal(order, pki.CMSOptions{CorruptSignature: true}),
		"detached":               h.seal(order, pki.CMSOptions{Detached: true}),
		"no attributes":          h.seal(order, pki.CMSOptions{NoSignedAttributes: true}),
		"no message digest":      h.seal(order, pki.CMSOptions{NoMessageDigest: true}),
		"two message digests":    h.seal(order, pki.CMSOptions{DoubleMessageDigest: true}),
		"no content type":        h.seal(order, pki.CMSOptions{NoContentType: true}),
		"other content type":     h.seal(order, pki.CMSOptions{ContentType: "1.2.840.113549.1.9.16.1.4"}),
		"hash differs":           h.seal(order, pki.CMSOptions{DigestAlgorithm: "2.16.840.1.101.3.4.2.3"}),
		"BER with open lengths":  h.seal(order, pki.CMSOptions{Indefinite: true}),
		"a hash it doesn't know": h.seal(order, pki.CMSOptions{DigestAlgorithm: "1.3.14.3.2.26"}),
	} {
		if code, body := h.submit(cms, time.Second); code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	h.moved(0)
	for name, o := range map[string]pki.CMSOptions{
		"PSS": {PSS: true}, "SHA-512": {Hash: 7}, "key algorithm": {KeyAlgorithm: true}, "key identifier": {SubjectKeyIdentifier: true},
		"no certificate": {NoCertificate: true}, "chain": {Chain: true}, "time stamp": {TimeStamp: true},
	} {
		if code, body := h.submit(h.seal(order, o), time.Second); code != http.StatusOK {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	h.moved(1)
}

func TestRefusesBadOrders(t *testing.T) {
	h := setup(t, nil)
	good := string(h.orderJSON("att_1", amount))
	for name, content := range map[string]string{
		"not JSON": "x", "other type": strings.Replace(good, "payment-order", "payment-status", 1), "other bank": strings.Replace(good, "CASPKZKA", "HSBKKZKX", 1),
		"no attempt": strings.Replace(good, "att_1", "", 1), "negative": strings.Replace(good, "540600", "-1", 1), "fraction": strings.Replace(good, "540600", "1.5", 1),
		"dollars": strings.Replace(good, "KZT", "USD", 1), "payer": strings.Replace(good, pki.IIN(1), "1", 1), "account": strings.Replace(good, "KZ24070105KSN0000000", "", 1),
	} {
		if code, body := h.submit(h.seal([]byte(content), pki.CMSOptions{}), time.Second); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	h.moved(0)
}

// Each row: what the gateway sees, how often money has moved, what a lookup says afterwards.
func TestFaultsOfPayments(t *testing.T) {
	for _, v := range []struct {
		fault   fault.Fault
		code    int // 0: no answer
		moved   int
		outcome string // of the lookup
	}{
		{fault.Fault{Kind: bank.FaultTimeoutButDone}, 0, 1, bank.Executed},
		{fault.Fault{Kind: bank.FaultTimeoutNotDone}, 0, 0, bank.Absent},
		{fault.Fault{Kind: bank.FaultDropButDone}, 0, 1, bank.Executed},
		{fault.Fault{Kind: bank.FaultDropNotDone}, 0, 0, bank.Absent},
		{fault.Fault{Kind: bank.FaultErrorButDone}, 500, 1, bank.Executed},
		{fault.Fault{Kind: bank.FaultErrorNotDone, Status: 502}, 502, 0, bank.Absent},
		{fault.Fault{Kind: bank.FaultSlow, DelayMS: 20}, 200, 1, bank.Executed},
		{fault.Fault{Kind: bank.FaultRefuse, Reason: "account_blocked"}, 200, 0, bank.Refused},
		{fault.Fault{Kind: bank.FaultPendingForever}, 200, 0, bank.Pending},
		{fault.Fault{Kind: bank.FaultGarbage}, 200, 1, bank.Executed},
		{fault.Fault{Kind: bank.FaultNotSigned}, 200, 1, bank.Executed},
	} {
		t.Run(v.fault.Kind, func(t *testing.T) {
			h := setup(t, nil)
			h.arm(v.fault)
			code, _ := h.submit(h.seal(h.orderJSON("att_1", amount), pki.CMSOptions{}), 300*time.Millisecond)
			if code != v.code {
				t.Errorf("answered %d", code)
			}
			h.moved(v.moved)
			if _, s := h.lookup("att_1"); s.Outcome != v.outcome {
				t.Errorf("the lookup says %+v", s)
			}
			if v.outcome == bank.Absent {
				if _, raw := h.pay("att_1"); h.open(raw).Outcome != bank.Executed {
					t.Error("the fault hit more than one request")
				}
				h.moved(1)
			}
		})
	}
}

func TestFaultsOfMessages(t *testing.T) {
	h := setup(t, nil)
	h.pay("att_1")
	look := func(kind string) []byte {
		h.arm(fault.Fault{Kind: kind, On: bank.OnLookup})
		_, raw := h.do(http.MethodGet, "/payments/att_1", nil, time.Second)
		return raw
	}
	for _, kind := range []string{bank.FaultBadSignature, bank.FaultChangedContent, bank.FaultNotSigned, bank.FaultGarbage} {
		if _, _, ok := h.verify(look(kind)); ok {
			t.Errorf("%s: openssl accepts it", kind)
		}
	}
	if s := h.open(look(bank.FaultWrongAmount)); s.Amount != amount+1 {
		t.Errorf("wrong amount: %+v", s)
	}
	if s := h.open(look(bank.FaultWrongAttempt)); s.Attempt == "att_1" {
		t.Errorf("wrong attempt: %+v", s)
	}
	if s := h.open(look(bank.FaultWrongBank)); s.Bank == "CASPKZKA" {
		t.Errorf("wrong bank: %+v", s)
	}
	if s := h.open(look(bank.FaultAbsent)); s.Outcome != bank.Absent {
		t.Errorf("absent: %+v", s)
	}
	if raw := look(bank.FaultOtherSigner); !bytes.Contains(raw, h.cfg.OtherSigner.Certificate) {
		t.Error("the other signer's certificate isn't there")
	}
	h.moved(1)
}

func TestCallbacks(t *testing.T) {
	outcomes := func(list []bank.Status) string {
		var s []string
		for _, x := range list {
			s = append(s, x.Outcome)
		}
		return strings.Join(s, " ")
	}
	for _, v := range []struct {
		kind, first, calls string
		moved              int
	}{
		{bank.FaultCallback, bank.Pending, "executed", 1},
		{bank.FaultRefuseLater, bank.Pending, "refused", 0},
		{bank.FaultDuplicateCallback, bank.Executed, "executed executed", 1},
		{bank.FaultOutOfOrder, bank.Pending, "executed pending", 1},
	} {
		t.Run(v.kind, func(t *testing.T) {
			h := setup(t, nil)
			h.fail = 2
			h.arm(fault.Fault{Kind: v.kind, DelayMS: 30})
			if _, raw := h.pay("att_1"); h.open(raw).Outcome != v.first {
				t.Errorf("the first answer isn't %s", v.first)
			}
			if got := outcomes(h.waitCallbacks(strings.Count(v.calls, " ") + 1)); got != v.calls {
				t.Errorf("called back %q", got)
			}
			h.moved(v.moved)
		})
	}
	h := setup(t, func(c *bank.Config) { c.CallbackAlways = true })
	h.arm(fault.Fault{Kind: bank.FaultLost, On: bank.OnCallback})
	h.pay("att_1")
	h.pay("att_2")
	if got := h.waitCallbacks(1); got[0].Attempt != "att_2" {
		t.Errorf("the first call should be lost: %+v", got)
	}
	h.moved(2)
}

// A bank that stops with a pending payment and a call to make does both after its restart.
func TestStateSurvivesRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bank.json")
	h := setup(t, func(c *bank.Config) { c.StateFile = file })
	h.pay("att_1")
	h.arm(fault.Fault{Kind: bank.FaultCallback, DelayMS: 300})
	h.pay("att_2")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.moved(1)
	if got := h.waitCallbacks(1); got[0].Attempt != "att_2" || got[0].Outcome != bank.Executed {
		t.Errorf("%+v", got)
	}
	h.moved(2)
	if _, raw := h.pay("att_1"); h.open(raw).Outcome != bank.Executed {
		t.Error("the first payment is forgotten")
	}
	h.moved(2)
}

func TestAccounts(t *testing.T) {
	h := setup(t, func(c *bank.Config) { c.DefaultBalance = -1 })
	reason := func(attempt string) string {
		_, raw := h.pay(attempt)
		return h.open(raw).Reason
	}
	if r := reason("att_1"); r != "no_account" {
		t.Errorf("without an account: %q", r)
	}
	if err := h.SetBalance(pki.IIN(1), amount); err != nil {
		t.Fatal(err)
	}
	if r := reason("att_2"); r != "" {
		t.Errorf("with the exact sum: %q", r)
	}
	if r := reason("att_3"); r != "insufficient_funds" {
		t.Errorf("without money: %q", r)
	}
	if n := len(h.Movements()); n != 1 {
		t.Errorf("%d movements", n)
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	h := setup(t, nil)
	if code, body := h.do(http.MethodPost, "/faults", []byte(`[{"kind":"refuse","reason":"x"},{"kind":"absent"}]`), time.Second); code != 200 || !bytes.Contains(body, []byte(`"on":"lookup"`)) {
		t.Errorf("%d %s", code, body)
	}
	for _, bad := range []string{`{"kind":"nonsense"}`, `{"kind":"refuse","on":"lookup"}`, `x`, ``} {
		if code, _ := h.do(http.MethodPost, "/faults", []byte(bad), time.Second); code != 400 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	if code, body := h.do(http.MethodDelete, "/faults", nil, time.Second); code != 200 || strings.TrimSpace(string(body)) != "[]" {
		t.Errorf("%d %s", code, body)
	}
	if code, body := h.do(http.MethodGet, "/state", nil, time.Second); code != 200 || !json.Valid(body) {
		t.Errorf("%d %s", code, body)
	}
}
