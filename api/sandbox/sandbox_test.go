package sandbox

import (
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"

	"qaqpa/testenv/pki"
)

func good(tb testing.TB) map[string]string {
	tb.Helper()
	p := pki.ForTest(tb, pki.ECDSA)
	id, err := p.Issue(pki.Profile{Name: "payer", Family: pki.ECDSA, Kind: pki.Citizen, Surname: "А", Given: "Б", IIN: pki.IIN(1)})
	if err != nil {
		tb.Fatal(err)
	}
	key, err := id.PKCS8()
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]string{
		"agency_key": "qaqpa_a_1", "portal_key": "qaqpa_p_1", "service": "svc_1", "payer": pki.IIN(1), "bank": "KOPRKZKA",
		"payer_pem": string(id.PEM()) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}
}

func file(tb testing.TB, v map[string]string) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestRead(t *testing.T) {
	v := good(t)
	s, err := Read(file(t, v))
	if err != nil {
		t.Fatal(err)
	}
	if s.PortalKey != "qaqpa_p_1" || s.Known()["bank"] != "KOPRKZKA" {
		t.Errorf("got %+v", s)
	}
	certificate, _, _ := strings.Cut(v["payer_pem"], "-----BEGIN PRIVATE")
	for name, change := range map[string]map[string]string{
		"a key for a shell": {"agency_key": "x'; rm -rf /; '"}, "a line": {"portal_key": "a\nb"}, "nothing": {"service": ""}, "a dollar": {"bank": "$(id)"},
		"no key": {"payer_pem": certificate}, "no PEM": {"payer_pem": "key"}, "more than PEM": {"payer_pem": v["payer_pem"] + "x"}, "unknown": {"operator_key": "x"},
		"long": {"payer_pem": strings.Repeat("x", SizeMax)},
	} {
		bad := good(t)
		maps.Copy(bad, change)
		if _, err := Read(file(t, bad)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func TestHarmless(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://127.9.9.9": true, "http://[::1]:1/x": true, "https://bank.kz": false, "http://10.0.0.1": false, "": false,
		"http://localhost": false, "http://127.0.0.1.bank.kz": false, "file:///mnt/bank": false, "http://127.0.0.1@bank.kz": false, "://": false,
	} {
		if got := Harmless(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, good(f)))
	f.Add([]byte(`{"agency_key":"a"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(data)
		if err == nil && strings.ContainsAny(s.AgencyKey+s.PortalKey+s.Service+s.Payer+s.Bank, "'\"$`\\ \n;&|<>") {
			t.Errorf("a shell would read more than a word in %+v", s)
		}
	})
}
