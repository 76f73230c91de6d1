package hsm_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"
	"unsafe"

	"qaqpa/hsm"

	"github.com/miekg/pkcs11"
)

// nssBody is the body of TestModules over the token of NSS, which browsers keep their keys in. It shares nothing with SoftHSM. The keys are
// made in it, under the same rules.
func nssBody(t *testing.T) {
	t.Helper()
	const module = "/usr/lib/x86_64-linux-gnu/libsoftokn3.so"
	if _, err := os.Stat(module); err != nil {
		t.Skip("needs libnss3: there is no libsoftokn3.so")
	}
	const pin = "nss-test-pin"
	arguments := "configdir='sql:" + t.TempDir() + "' certPrefix='' keyPrefix='' secmod='secmod.db' flags= dbTokenDescription='qaqpa-nss'"
	nssPIN(t, module, arguments, pin)
	token, err := hsm.Open(t.Context(), hsm.Config{Module: module, Arguments: arguments, Token: "qaqpa-nss", PIN: pin})
	must(t, err)
	for _, a := range moduleAlgorithms {
		if _, err := token.Generate(t.Context(), string(a), a); errors.Is(err, hsm.ErrAlgorithm) {
			t.Logf("%s: %v", a, err)
		} else {
			must(t, err)
		}
	}
	for label, a := range map[string]hsm.Algorithm{"data": hsm.AES256, "index": hsm.HMACSHA256} {
		_, err := token.GenerateSecret(t.Context(), label, a)
		must(t, err)
	}
	k, err := token.Key(t.Context(), string(hsm.ECDSAP256))
	must(t, err)
	certificate := certify(t, k.Public(), k, 1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	must(t, token.ImportCertificate(t.Context(), string(hsm.ECDSAP256), certificate))
	if got, err := token.Certificate(t.Context(), string(hsm.ECDSAP256)); err != nil || !bytes.Equal(got, certificate) {
		t.Errorf("another certificate came back: %v", err)
	}
	if _, err := hsm.Open(t.Context(), hsm.Config{Module: module, Arguments: "configdir='x'", Token: "qaqpa-nss", PIN: pin}); !errors.Is(err, hsm.ErrModule) {
		t.Errorf("opened with other arguments: %v", err)
	}
	must(t, token.Close())
	f, err := hsm.OpenFleet(t.Context(), hsm.FleetConfig{
		Tokens: []hsm.FleetToken{{Module: module, Arguments: arguments, Label: "qaqpa-nss", PIN: pin}}, CallTimeout: 10 * time.Second,
	})
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	moduleBody(t, f)
}

// nssPIN makes an empty token and sets its PIN.
func nssPIN(t *testing.T, module, arguments, pin string) {
	t.Helper()
	p := pkcs11.New(module)
	if p == nil {
		t.Fatal("couldn't load NSS")
	}
	text := append([]byte(arguments), 0)
	must(t, p.Initialize(pkcs11.InitializeWithReserved(unsafe.Pointer(&text[0]))))
	slots, err := p.GetSlotList(true)
	must(t, err)
	for _, slot := range slots {
		info, err := p.GetTokenInfo(slot)
		must(t, err)
		if info.Label != "qaqpa-nss" {
			continue
		}
		s, err := p.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		must(t, err)
		must(t, p.Login(s, pkcs11.CKU_SO, ""))
		must(t, p.InitPIN(s, pin))
	}
	must(t, p.Finalize())
}
