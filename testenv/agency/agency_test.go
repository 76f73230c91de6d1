package agency_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/testenv/agency"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// harness is an agency and a gateway that notifies it.
type harness struct {
	*agency.Agency
	t     *testing.T
	cfg   agency.Config
	key   ed25519.PrivateKey
	seal  *pki.Identity
	other *pki.Identity
	url   string
}

func setup(t *testing.T, family pki.Family) *harness {
	t.Helper()
	p := pki.ForTest(t, family)
	system := func(name string, bin int, impostor bool) *pki.Identity {
		id, err := p.Issue(pki.Profile{Name: name, Family: family, Kind: pki.InformationSystem, SystemName: name, Organisation: name, BIN: pki.BIN(bin), Impostor: impostor})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, key: key, seal: system("gateway", 1, false), other: system("other", 2, false)}
	h.cfg = agency.Config{WebhookKey: pub, AnchorsPEM: append(p.AnchorsPEM(), p.IntermediatesPEM()...), GatewayBIN: pki.BIN(1), StateFile: filepath.Join(t.TempDir(), "agency.json")}
	h.start()
	return h
}

func (h *harness) start() {
	h.t.Helper()
	var err error
	if h.Agency, err = agency.New(h.cfg); err != nil {
		h.t.Fatal(err)
	}
	if h.url, err = h.Start(h.t.Context(), "127.0.0.1:0"); err != nil {
		h.t.Fatal(err)
	}
	a := h.Agency
	h.t.Cleanup(func() {
		if err := a.Close(); err != nil {
			h.t.Error(err)
		}
	})
}

func receiptJSON(id string) []byte {
	return fmt.Appendf(nil, `{"amount":540600,"currency":"KZT","id":%q,"order":"ord_1"}`, id)
}

func (h *harness) sealed(id string, by *pki.Identity) []byte {
	h.t.Helper()
	cms, err := by.SignCMS(receiptJSON(id), pki.CMSOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	return cms
}

func notice(receiptID string, amount int, cms []byte) []byte {
	return fmt.Appendf(nil, `{"type":"payment.executed","timestamp":"2026-05-08T06:45:13Z","data":{"order":"ord_1","amount":%d,"currency":"KZT","receipt_id":%q,"receipt_cms":%q}}`,
		amount, receiptID, base64.StdEncoding.EncodeToString(cms))
}

func (h *harness) sign(id string, at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	sig := ed25519.Sign(h.key, append([]byte(id+"."+stamp+"."), body...))
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {stamp},
		"Webhook-Signature": {"v1,c29tZXRoaW5n v1a," + base64.StdEncoding.EncodeToString(sig)},
	}
}

// send posts a webhook; 0: no answer.
func (h *harness) send(header http.Header, body []byte) int {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/webhooks", bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header = header
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}

func (h *harness) notify(id string) int {
	h.t.Helper()
	body := notice("rcp_"+id, 540600, h.sealed("rcp_"+id, h.seal))
	code := h.send(h.sign(id, time.Now(), body), body)
	return code
}

func TestVerifiesWithOpenSSLAlone(t *testing.T) {
	for _, f := range []pki.Family{pki.RSA, pki.ECDSA} {
		t.Run(string(f), func(t *testing.T) {
			h := setup(t, f)
			if code := h.notify("msg_1"); code != 200 {
				t.Fatalf("answered %d: %+v", code, h.Received())
			}
			d, err := h.Wait(t.Context(), func(d agency.Delivery) bool { return d.ID == "msg_1" })
			if err != nil {
				t.Fatal(err)
			}
			if !d.Valid() || !d.SignatureValid || !d.ReceiptValid || d.Type != "payment.executed" || !bytes.Equal(d.Receipt, receiptJSON("rcp_msg_1")) || !strings.Contains(d.Output, "Verification successful") {
				t.Errorf("%+v", d)
			}
			// The command is what it says: it can be repeated by hand.
			args := strings.Fields(d.Command)
			if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", d.Command, err, out)
			}
		})
	}
}

func TestRefusesReceipts(t *testing.T) {
	h := setup(t, pki.ECDSA)
	good := h.sealed("rcp_1", h.seal)
	stranger, err := pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{pki.ECDSA}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stranger.Release(); err != nil {
			t.Error(err)
		}
	}()
	foreign, err := stranger.Issue(pki.Profile{Name: "gateway", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "gateway", Organisation: "gateway", BIN: pki.BIN(1)})
	if err != nil {
		t.Fatal(err)
	}
	unbound, err := h.seal.SignCMS(receiptJSON("rcp_1"), pki.CMSOptions{NoSigningCertificateV2: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"one octet changed":   notice("rcp_1", 540600, bytes.Replace(good, []byte("540600"), []byte("540601"), 1)),
		"another system":      notice("rcp_1", 540600, h.sealed("rcp_1", h.other)),
		"another root":        notice("rcp_1", 540600, h.sealed("rcp_1", foreign)),
		"not CAdES":           notice("rcp_1", 540600, unbound),
		"no receipt":          notice("rcp_1", 540600, nil),
		"amounts differ":      notice("rcp_1", 540601, good),
		"another receipt":     notice("rcp_2", 540600, good),
		"the notice is an ox": []byte("moo"),
	} {
		t.Run(name, func(t *testing.T) {
			if code := h.send(h.sign(name, time.Now(), body), body); code != http.StatusUnprocessableEntity {
				t.Errorf("answered %d", code)
			}
			d, err := h.Wait(t.Context(), func(d agency.Delivery) bool { return d.ID == name })
			if err != nil || d.Valid() {
				t.Errorf("%v %+v", err, d)
			}
		})
	}
	content, out, err := h.VerifyReceipt(t.Context(), good)
	if err != nil || !bytes.Equal(content, receiptJSON("rcp_1")) {
		t.Errorf("%v %s", err, out)
	}
	good[len(good)/2] ^= 1
	if content, out, err := h.VerifyReceipt(t.Context(), good); !errors.Is(err, agency.ErrRefused) || content != nil {
		t.Errorf("%v %s", err, out)
	}
}

func TestRefusesWebhookSignatures(t *testing.T) {
	h := setup(t, pki.ECDSA)
	body := notice("rcp_1", 540600, h.sealed("rcp_1", h.seal))
	with := func(key, value string) http.Header {
		header := h.sign("msg_1", time.Now(), body)
		header[key] = []string{value}
		return header
	}
	stolen := h.sign("msg_2", time.Now(), body)
	stolen["Webhook-Id"] = []string{"msg_1"}
	for name, header := range map[string]http.Header{
		"no headers": {}, "another id": stolen, "old": h.sign("msg_1", time.Now().Add(-10*time.Minute), body), "future": h.sign("msg_1", time.Now().Add(10*time.Minute), body),
		"no id": with("Webhook-Id", ""), "no timestamp": with("Webhook-Timestamp", "soon"), "no signature": with("Webhook-Signature", ""),
		"symmetric only": with("Webhook-Signature", "v1,AAAA"), "not base64": with("Webhook-Signature", "v1a,***"), "short": with("Webhook-Signature", "v1a,AAAA"),
		"another body": h.sign("msg_1", time.Now(), []byte("{}")),
	} {
		if code := h.send(header, body); code != http.StatusUnauthorized {
			t.Errorf("%s: answered %d", name, code)
		}
	}
	if n := len(h.Received()); n != 0 || h.Refused() != 11 {
		t.Errorf("%d received, %d refused", n, h.Refused())
	}
}

func TestFaults(t *testing.T) {
	for _, v := range []struct {
		fault    fault.Fault
		code     int
		received int
	}{
		{fault.Fault{Kind: agency.FaultDown}, 500, 0},
		{fault.Fault{Kind: agency.FaultRefuse, Status: 410}, 410, 0},
		{fault.Fault{Kind: agency.FaultRetryAfter, DelayMS: 2000}, 429, 0},
		{fault.Fault{Kind: agency.FaultRedirect}, 302, 0},
		{fault.Fault{Kind: agency.FaultSlow, DelayMS: 10}, 200, 1},
		{fault.Fault{Kind: agency.FaultTimeout, DelayMS: 10}, 0, 0},
		{fault.Fault{Kind: agency.FaultDrop}, 0, 0},
		{fault.Fault{Kind: agency.FaultDropAfterReceive}, 0, 1},
		{fault.Fault{Kind: agency.FaultErrorButReceived}, 500, 1},
	} {
		t.Run(v.fault.Kind, func(t *testing.T) {
			h := setup(t, pki.ECDSA)
			if err := h.AddFault(v.fault); err != nil {
				t.Fatal(err)
			}
			if code := h.notify("msg_1"); code != v.code || len(h.Received()) != v.received {
				t.Errorf("answered %d, received %d", code, len(h.Received()))
			}
			if code := h.notify("msg_1"); code != 200 {
				t.Errorf("the second time: %d", code)
			}
			if d := h.Received()[0]; d.Deliveries != v.received+1 {
				t.Errorf("%d deliveries counted", d.Deliveries)
			}
		})
	}
}

func TestDeliveriesSurviveRestart(t *testing.T) {
	h := setup(t, pki.ECDSA)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if code := h.notify("msg_" + strconv.Itoa(i%3)); code != 200 {
				t.Errorf("answered %d", code)
			}
		})
	}
	wg.Wait()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h.start()
	list := h.Received()
	if len(list) != 3 || list[0].Deliveries != 2 || !list[0].Valid() {
		t.Errorf("%+v", list)
	}
	if _, err := os.Stat(filepath.Join(h.cfg.StateFile+".d", "msg_1.p7m")); err != nil {
		t.Error(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/webhooks", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var shown []agency.Delivery
	if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil || len(shown) != 3 {
		t.Errorf("%v %+v", err, shown)
	}
}
