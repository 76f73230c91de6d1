package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"qaqpa/signer/engine"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
)

// abroadStore is a store whose one anchor is the lab's root, as a trust list has it.
func (l *lab) abroadStore(change func(map[string]any)) *trust.Store {
	l.Helper()
	certs, err := pkix.ParsePEMOrDER(l.pki.AnchorsPEM())
	if err != nil {
		l.Fatal(err)
	}
	root := certs[0]
	entry := map[string]any{
		"name": "Neighbour's root", "profile": "trusted-third-party", "territory": "KG", "certificate": base64.StdEncoding.EncodeToString(root.Raw),
		"trusted_from": root.NotBefore, "trusted_until": root.NotAfter,
	}
	change(entry)
	list, err := json.Marshal(map[string]any{"version": 1, "authorities": []any{entry}})
	if err != nil {
		l.Fatal(err)
	}
	store, err := trust.New(trust.Config{Mode: trust.Custom, Lists: [][]byte{list}, Intermediates: [][]byte{l.pki.IntermediatesPEM()}})
	if err != nil {
		l.Fatal(err)
	}
	return store
}

// TestThirdParty: a signature under an authority of another state holds; but the certificate, which says in every way of the national
// profile that its holder is the head of a company, makes him neither that nor somebody with an IIN.
func TestThirdParty(t *testing.T) {
	l := setup(t, pki.ECDSA)
	id, err := l.pki.Issue(pki.Profile{
		Family: pki.ECDSA, Kind: pki.Employee, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(1), BIN: pki.BIN(1), Organisation: "ЖШС", Role: pki.Head,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.id = id
	doc := l.sign(pki.CMSOptions{})
	home := l.assess(doc, nil).Verdict.Signatures[0]
	if home.Signer.IIN == "" || home.Signer.BIN == "" || len(home.Signer.Roles) == 0 || home.Signer.ThirdParty != nil {
		t.Fatalf("at home the signer is %+v", home.Signer)
	}
	l.setting.Trust = engine.NewTrust(l.abroadStore(func(map[string]any) {}))
	v := l.assess(doc, nil).Verdict
	s := v.Signatures[0].Signer
	if v.Indication != report.TotalPassed {
		t.Errorf("%s/%s: %v", v.Indication, v.Sub, v.Signatures[0].Reasons)
	}
	if s.IIN != "" || s.BIN != "" || len(s.Roles) != 0 || s.Kind != "other" || s.ThirdParty == nil || s.ThirdParty.Territory != "KG" {
		t.Errorf("abroad the signer is %+v", s)
	}
	alone, _, _ := engine.AssessCertificate(l.setting, l.evidence, certificateOf(t, id.Certificate), engine.Demands{})
	if alone.Subject.IIN != "" || alone.Subject.BIN != "" || alone.Subject.ThirdParty == nil {
		t.Errorf("alone the subject is %+v", alone.Subject)
	}
}

// TestThirdPartyBounds: the trust ends with its times, purposes and policies.
func TestThirdPartyBounds(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"before its time": func(e map[string]any) { e["trusted_from"] = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) },
		"after its time":  func(e map[string]any) { e["trusted_until"] = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC) },
		"for time stamps": func(e map[string]any) { e["purposes"] = []string{"1.3.6.1.5.5.7.3.8"} },
		"another policy":  func(e map[string]any) { e["policies"] = []string{"1.2.3.4"} },
	} {
		l := setup(t, pki.ECDSA)
		store := l.abroadStore(change)
		l.setting.Trust = engine.NewTrust(store)
		if v := l.assess(l.sign(pki.CMSOptions{}), nil).Verdict; v.Indication == report.TotalPassed {
			t.Errorf("%s: %s", name, v.Indication)
		}
		if store.Digest() == l.abroadStore(func(map[string]any) {}).Digest() {
			t.Errorf("%s: the snapshot has the same name", name)
		}
	}
}

func certificateOf(t *testing.T, der []byte) *pkix.Certificate {
	t.Helper()
	c, err := pkix.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
