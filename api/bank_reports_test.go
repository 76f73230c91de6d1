package api

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
	"qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// takesFiles makes the bank one that takes pain.001 at an address.
func (w *whole) takesFiles(address string) {
	w.t.Helper()
	banks, err := w.cfg.Payments.Banks(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range banks {
		if b.BIC != ownBIC {
			continue
		}
		if address == "" {
			address = b.URL + "/files"
		}
		spec := catalog.BankSpec{BIC: b.BIC, BIN: b.BIN, Name: b.Name, URL: b.URL, Files: address}
		if _, _, err := w.cfg.Payments.RegisterBank(w.t.Context(), payment.Idem{Caller: "operator:test", Key: "files-" + address, Hash: [32]byte{2}}, spec); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Payments go as sealed pain.001 to a bank that judges them by code of its own, and its signed pain.002 ends them: over HTTP with the
// first answer lost, and through a folder.
func TestBankFiles(t *testing.T) {
	w := start(t)
	w.takesFiles("")
	if err := w.bank.AddFault(fault.Fault{On: bank.OnPayments, Kind: bank.FaultErrorButDone}); err != nil {
		t.Fatal(err)
	}
	w.owe("F-0", w.citizen.IIN()) // publishes the service
	first := w.authorisedOrder("F-1")
	o := w.executed(first)
	if times, _ := w.bank.Files().Moved(strings.TrimPrefix(o.Attempt, "att_")); times != 1 || len(w.bank.Movements()) != 0 {
		t.Errorf("the money moved %d times by file, and %d by message", times, len(w.bank.Movements()))
	}

	dir := t.TempDir()
	w.takesFiles("file://" + dir)
	second := w.authorisedOrder("F-2")
	report := w.worksFolder(dir)
	if o := w.executed(second); o.State != order.Executed {
		t.Errorf("order %+v", o)
	}

	// By API: the bank repeats its report; others may not, and garbage is refused.
	send := func(key string, body []byte) answered {
		return w.do(call{method: http.MethodPost, path: "/v1/bank/reports", key: key, contentType: typeCMS, body: body})
	}
	got := send(w.bankKey, report)
	var out payment.FileResult
	if err := json.Unmarshal(got.body, &out); err != nil || got.status != http.StatusOK || out.Executed != 1 || out.Open != 0 || len(out.Problems) != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
	for key, want := range map[string]int{w.otherBankKey: http.StatusForbidden, w.portalKey: http.StatusForbidden, "": http.StatusUnauthorized} {
		if got := send(key, report); got.status != want {
			t.Errorf("%d, want %d: %s", got.status, want, got.body)
		}
	}
	if got := send(w.bankKey, []byte("garbage")); got.status != http.StatusUnprocessableEntity {
		t.Errorf("garbage: %d %s", got.status, got.body)
	}
	stranger, err := w.bankID.SignCMS(w.bank.Files().Report("7f019cb1a000007000a000000000000009", nil), pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := send(w.bankKey, stranger); got.status != http.StatusNotFound {
		t.Errorf("a file of nobody: %d %s", got.status, got.body)
	}
}

// authorisedOrder is an order for a new debt of the citizen, signed.
func (w *whole) authorisedOrder(reference string) string {
	w.t.Helper()
	o := w.order(w.citizen.IIN(), w.alsoOwe(reference, w.citizen.IIN()))
	if got := w.authorise(o.ID, w.signed(w.citizen, o.ID)); got.status != http.StatusAccepted {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	return o.ID
}

// worksFolder is the bank's program at the folder: it takes what came out and puts a signed report in. It returns the report.
func (w *whole) worksFolder(dir string) []byte {
	w.t.Helper()
	return w.answersFile(dir, w.leftIn(dir))
}

// leftIn waits for a file of payments in the folder, and names it.
func (w *whole) leftIn(dir string) string {
	w.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		files, err := filepath.Glob(filepath.Join(dir, "out", "[^.]*.p7m")) // a name with a dot in front is that of a file on its way
		if err != nil {
			w.t.Fatal(err)
		}
		if len(files) > 0 {
			return files[0]
		}
		if time.Now().After(deadline) {
			w.t.Fatal("no file came")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (w *whole) answersFile(dir, file string) []byte {
	w.t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.bank.TakeSealed(raw); err != nil {
		w.t.Fatal(err)
	}
	report, err := w.bankID.SignCMS(w.bank.Files().Report(strings.TrimSuffix(filepath.Base(file), ".p7m"), nil), pki.CMSOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	in := filepath.Join(dir, "in")
	if err := os.MkdirAll(in, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "report.p7m"), report, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return report
}
