package api

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qaqpa/hsm"
	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/softhsm"
)

// uses is how many signatures a token was asked for, whatever came of them, as its metrics have it.
func uses(t *testing.T, registry *prometheus.Registry) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "qaqpa_hsm_signatures_total" {
			for _, m := range f.GetMetric() {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// unfit are certificates with which nothing may be sealed.
func unfit() map[string]func(*pki.Profile) {
	return map[string]func(*pki.Profile){
		"expired":    func(p *pki.Profile) { p.NotAfter = time.Now().Add(-time.Minute) },
		"early":      func(p *pki.Profile) { p.NotBefore = time.Now().Add(time.Hour) },
		"encryption": func(p *pki.Profile) { p.KeyUsage = x509.KeyUsageKeyEncipherment },
		"login":      func(p *pki.Profile) { p.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment },
		"untrusted":  func(p *pki.Profile) { p.Impostor = true },
		"revoked":    nil,
		"foreign":    nil, // that of another key
		"good":       nil,
	}
}

// tokenKeys are keys in a token with these certificates.
func (h *sealHouse) tokenKeys(t *testing.T, token *hsm.Token) map[string]signer.SigningKey {
	t.Helper()
	out := map[string]signer.SigningKey{}
	for name, change := range unfit() {
		key := must[*hsm.Key](t)(token.Generate(t.Context(), "seal-"+name, hsm.ECDSAP256))
		p := pki.Profile{Name: "t-" + name, Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "QAQPA", Organisation: "АҚ «Қақпа»", BIN: pki.BIN(9)}
		if change != nil {
			change(&p)
		}
		public := key.Public()
		if name == "foreign" {
			public = h.token.Public()
		}
		id := must[*pki.Identity](t)(h.pki.IssueFor(p, public))
		for try := 0; id.Serial()[0] == 0; try++ { // the stand-in's responder does not find such a number
			p.Name = fmt.Sprintf("t-%s-%d", name, try)
			id = must[*pki.Identity](t)(h.pki.IssueFor(p, public))
		}
		if name == "revoked" {
			if err := h.pki.Revoke(id, pki.KeyCompromise, time.Now().Add(-time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		out[name] = signer.SigningKey{Key: key, Chain: []*pkix.Certificate{
			must[*pkix.Certificate](t)(pkix.ParseCertificate(id.Certificate)), must[*pkix.Certificate](t)(pkix.ParseCertificate(id.Chain[0])),
		}}
	}
	return out
}

// TestSealsSpareTheToken: over HTTP, with keys in a token: an unfit certificate is refused before the token is asked for anything, in every format and
// at every level, and nothing is on record. The token's own count of uses says so.
func TestSealsSpareTheToken(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	soft := softhsm.ForTest(t)
	registry := prometheus.NewRegistry()
	token := must[*hsm.Token](t)(hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN, Now: time.Now, Registerer: registry}))
	t.Cleanup(func() { _ = token.Close() })
	keys := h.tokenKeys(t, token)
	h.serve(t, signer.Config{DB: h.db, SealKey: keys["good"].Key, SealChain: keys["good"].Chain, SealKeys: keys})
	var names []string
	for name := range keys {
		names = append(names, name)
	}
	h.allow(sealing.Policy{Keys: names, Formats: sealing.Formats(), Levels: sealing.Levels(), PerMinute: 1000})
	before := uses(t, registry)
	for _, name := range names {
		var documents []map[string]any
		for _, format := range sealing.Formats() {
			for _, level := range sealing.Levels() {
				if !format.Reaches(level) {
					continue
				}
				documents = append(documents, combination{format, format.Packagings()[0], level, false}.ask(t, nil))
			}
		}
		body, err := json.Marshal(map[string]any{"key": name, "documents": documents})
		if err != nil {
			t.Fatal(err)
		}
		items := in[sealResults](t, h.post(h.agency, "/v1/seals", "spare-"+name, string(body)), http.StatusOK).Items
		for i, item := range items {
			var p problem
			if name == "good" {
				if item.Seal == nil {
					t.Errorf("%v: %s", documents[i]["format"], item.Problem)
				}
				continue
			}
			if err := json.Unmarshal(item.Problem, &p); err != nil || item.Seal != nil || p.Code != codeSealKey || p.Title == "" {
				t.Errorf("%s, %v: %s", name, documents[i]["format"], item.Problem)
			}
		}
	}
	if n, made := uses(t, registry)-before, h.entries(); n != 17 || made != 17 {
		t.Errorf("the token was asked %v times, %d seals are on record, 17 were due", n, made)
	}
}

// TestBatchesWithoutServices: with the authority or the responder down, a batch gives what needs neither, and the problem for each other document;
// nothing half-made is kept, and the repetition makes what was missing and gives back the rest as it was.
func TestBatchesWithoutServices(t *testing.T) {
	for on, want := range map[string]code{"tsp": codeNoTimeStamp, "ocsp": codeNoEvidence} {
		h := houseOfSeals(t, time.Time{})
		down := func() {
			for _, service := range []string{on, "crl"} {
				if err := h.srv.Faults.Add(fault.Fault{Kind: pki.FaultDown, On: service, Count: -1}); err != nil {
					t.Fatal(err)
				}
			}
		}
		down()
		var batch []map[string]any
		var whole []bool // what needs nothing that is down
		for _, format := range []sealing.Format{sealing.CAdES, sealing.XAdES, sealing.PAdES, sealing.JWS} {
			for _, level := range sealing.Levels() {
				batch = append(batch, combination{format, format.Packagings()[0], level, false}.ask(t, nil))
				whole = append(whole, level == sealing.B || level == sealing.T && on == "ocsp")
			}
		}
		first := in[sealResults](t, h.seal("batch", batch...), http.StatusOK).Items
		made := 0
		for i, item := range first {
			var p problem
			switch {
			case whole[i] && item.Seal != nil:
				made++
			case whole[i]:
				t.Errorf("%s down, %v: %s", on, batch[i], item.Problem)
			default:
				if err := json.Unmarshal(item.Problem, &p); err != nil || item.Seal != nil || p.Code != want || p.Title == "" {
					t.Errorf("%s down, %v %v: %s", on, batch[i]["format"], batch[i]["level"], item.Problem)
				}
			}
		}
		var kept int
		if err := h.db.Get(&kept, `SELECT count(*) FROM seals_made`); err != nil {
			t.Fatal(err)
		}
		if kept != made || h.entries() != made {
			t.Errorf("%s down: %d made, %d kept, %d on record", on, made, kept, h.entries())
		}
		h.srv.Faults.Clear()
		second := in[sealResults](t, h.seal("batch", batch...), http.StatusOK).Items
		for i, item := range second {
			if item.Seal == nil || whole[i] && !bytes.Equal(item.Seal.Document, first[i].Seal.Document) {
				t.Errorf("%s up again, %v: %s", on, batch[i]["format"], item.Problem)
			}
		}
		h.raisedWithout(t, second, down, want, on)
	}
}

// raisedWithout raises the seals of level B among these while a service is down, and after.
func (h *sealHouse) raisedWithout(t *testing.T, seals []sealResult, down func(), want code, on string) {
	t.Helper()
	var ask []map[string]any
	for _, item := range seals {
		if item.Seal != nil && item.Seal.Level == sealing.B {
			ask = append(ask, map[string]any{"document": b64(item.Seal.Document), "level": sealing.LT})
		}
	}
	body := must[[]byte](t)(json.Marshal(map[string]any{"documents": ask}))
	before := h.entries()
	down()
	for i, item := range in[sealResults](t, h.post(h.agency, "/v1/seals/raise", "raise", string(body)), http.StatusOK).Items {
		var p problem
		// Without revocation data nobody can tell whether the signature holds, which is said first.
		if err := json.Unmarshal(item.Problem, &p); err != nil || item.Seal != nil || !slices.Contains([]code{want, codeNotRaisable}, p.Code) {
			t.Errorf("%s down, raising %d: %s", on, i, item.Problem)
		}
	}
	if n := h.entries(); n != before {
		t.Errorf("%s down: %d documents raised on record", on, n-before)
	}
	h.srv.Faults.Clear()
	for i, item := range in[sealResults](t, h.post(h.agency, "/v1/seals/raise", "raise", string(body)), http.StatusOK).Items {
		if item.Seal == nil {
			t.Errorf("%s up again, raising %d: %s", on, i, item.Problem)
			continue
		}
		if v := h.judge(t, item.Seal.Document, nil); v.Indication != report.TotalPassed {
			t.Errorf("%s up again, raised %d: %s", on, i, v.Indication)
		}
	}
}
