package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
)

// combination is one way to have something sealed.
type combination struct {
	format    sealing.Format
	packaging sealing.Packaging
	level     sealing.Level
	digest    bool // the document stays at home
}

func (c combination) String() string {
	return fmt.Sprintf("%s %s %s, digest %v", c.format, c.packaging, c.level, c.digest)
}

// noSuchSeal tells why a combination does not exist; empty where it does.
func (c combination) noSuchSeal() string {
	standard := map[sealing.Format][]sealing.Packaging{
		sealing.CAdES: {sealing.Attached, sealing.Detached}, sealing.JWS: {sealing.Attached, sealing.Detached}, sealing.PAdES: {sealing.Enveloped},
		sealing.XAdES: {sealing.Enveloped, sealing.Enveloping, sealing.Detached}, sealing.Raw: {sealing.Detached},
	}
	known := false
	for _, p := range standard[c.format] {
		known = known || p == c.packaging
	}
	switch {
	case !known:
		return "the format has no such packaging"
	case c.format == sealing.Raw && c.level != sealing.B:
		return "a bare signature has no place for time stamps"
	case c.digest && c.packaging != sealing.Detached:
		return "the seal has to stand in the document, or the document in the seal"
	case c.digest && c.level == sealing.LTA && (c.format == sealing.XAdES || c.format == sealing.JWS):
		return "the archive time stamp is over the document itself"
	}
	return ""
}

// TestSealMatrix: every format, packaging and level, over the document and over its digest, several to a request. What exists holds before our own
// validation over HTTP and before a program that is not ours; what the standards do not know is refused with a problem that says so.
func TestSealMatrix(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	digest := sha256.Sum256(sealContent)
	var all []combination
	for _, f := range sealing.Formats() {
		for _, p := range []sealing.Packaging{sealing.Attached, sealing.Detached, sealing.Enveloped, sealing.Enveloping} {
			for _, l := range sealing.Levels() {
				all = append(all, combination{f, p, l, false}, combination{f, p, l, true})
			}
		}
	}
	made, refused := 0, 0
	for from := 0; from < len(all); from += 40 {
		batch := all[from:min(from+40, len(all))]
		documents := make([]map[string]any, len(batch))
		for i, c := range batch {
			documents[i] = c.ask(t, digest[:])
		}
		items := in[sealResults](t, h.seal(fmt.Sprintf("m%d", from), documents...), http.StatusOK).Items
		for i, c := range batch {
			why := c.noSuchSeal()
			switch item := items[i]; {
			case why == "" && item.Seal != nil:
				made++
				h.holds(t, c, item.Seal)
			case why != "" && item.Seal == nil:
				refused++
				var p problem
				if err := json.Unmarshal(item.Problem, &p); err != nil || p.Code != codeUnsealable || p.DeveloperDetail == "" {
					t.Errorf("%s: %s", c, item.Problem)
				}
			default:
				t.Errorf("%s: made %v, although %q: %s", c, item.Seal != nil, why, item.Problem)
			}
		}
	}
	if t.Logf("%d made, %d refused", made, refused); made != 44 || made+refused != len(all) {
		t.Errorf("%d of %d combinations made", made, len(all))
	}
}

// ask is the combination as a document of a request.
func (c combination) ask(t *testing.T, digest []byte) map[string]any {
	t.Helper()
	d := map[string]any{"format": c.format, "packaging": c.packaging, "level": c.level, "document": b64(sealContent)}
	switch c.format {
	case sealing.PAdES:
		d["document"] = b64(onePage(t))
		d["pdf"] = map[string]any{"reason": "Бекіту", "mark": map[string]any{"page": 0, "x": 56, "y": 640, "code": "https://qaqpa.example/v/1"}}
	case sealing.XAdES:
		if c.packaging == sealing.Enveloped {
			d["document"] = b64([]byte(`<order Id="o1"><fee>5406</fee></order>`))
		}
		if c.packaging == sealing.Detached {
			d["xml"] = map[string]any{"name": "order.txt", "mime_type": "text/plain"}
		}
	case sealing.JWS:
		d["jws"] = map[string]any{"content_type": "text/plain"}
		if c.digest {
			d["jws"] = map[string]any{"name": "order.txt"}
		}
	case sealing.CAdES, sealing.Raw:
	}
	if c.digest {
		delete(d, "document")
		d["digest"] = map[string]any{"algorithm": "SHA-256", "value": b64(digest)}
	}
	return d
}

// original is what stands beside a seal.
func (c combination) original() []byte {
	if c.packaging != sealing.Detached {
		return nil
	}
	return sealContent
}

// holds lets a seal be judged over HTTP and by another program, and once more over another original.
func (h *sealHouse) holds(t *testing.T, c combination, seal *signer.MadeSeal) {
	t.Helper()
	if c.format != sealing.Raw {
		v := h.judge(t, seal.Document, c.original())
		if !v.Passed() || !strings.HasSuffix(v.Signatures[0].Level, "-"+string(c.level)) {
			t.Errorf("%s: %s %s %s", c, v.Indication, v.Sub, v.Coverage)
		}
		if c.packaging == sealing.Detached {
			if v := h.judge(t, seal.Document, []byte("other")); v.Passed() {
				t.Errorf("%s passes over something else", c)
			}
		}
	}
	switch c.format {
	case sealing.CAdES:
		h.byOpenSSL(t, c, seal.Document)
	case sealing.XAdES:
		xmlsec(t, h, seal, sealContent)
	case sealing.PAdES:
		h.byPDFSig(t, seal.Document)
	case sealing.JWS:
		h.byStandardLibrary(t, c, seal.Document)
		if !c.digest {
			h.byJOSE(t, c, seal.Document)
		}
	case sealing.Raw:
		key := h.sealCertificate(t)
		sum := sha256.Sum256(sealContent)
		if !ecdsa.VerifyASN1(key, sum[:], seal.Document) {
			t.Errorf("%s does not hold", c)
		}
	}
}

// judge asks POST /v1/validations.
func (h *sealHouse) judge(t *testing.T, document, original []byte) report.Verdict {
	t.Helper()
	body := map[string]any{"document": b64(document)}
	if original != nil {
		body["detached"] = b64(original)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return in[report.Verdict](t, h.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeJSON, body: text}), http.StatusOK)
}

func (h *sealHouse) files(t *testing.T, contents map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	contents["roots"], contents["between"] = h.pki.AnchorsPEM(), h.pki.IntermediatesPEM()
	for name, b := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func program(t *testing.T, dir, name string, args ...string) (string, bool) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(name + " is not here")
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (h *sealHouse) byOpenSSL(t *testing.T, c combination, seal []byte) {
	t.Helper()
	dir := h.files(t, map[string][]byte{"seal": seal, "content": sealContent, "other": []byte("other")})
	args := []string{"cms", "-verify", "-binary", "-inform", "DER", "-in", "seal", "-CAfile", "roots", "-certfile", "between", "-purpose", "any", "-out", "got"}
	if c.packaging != sealing.Detached {
		if out, ok := program(t, dir, "openssl", args...); !ok {
			t.Errorf("%s: openssl: %s", c, out)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "got")); err != nil || !bytes.Equal(got, sealContent) {
			t.Errorf("%s: openssl finds %q", c, got)
		}
		return
	}
	for content, good := range map[string]bool{"content": true, "other": false} {
		if out, ok := program(t, dir, "openssl", append(args, "-content", content)...); ok != good {
			t.Errorf("%s: openssl over %s: %s", c, content, out)
		}
	}
}

func (h *sealHouse) byPDFSig(t *testing.T, document []byte) {
	t.Helper()
	dir := h.files(t, map[string][]byte{"sealed.pdf": document})
	out, _ := program(t, dir, "pdfsig", "sealed.pdf") // its exit code speaks of trust, which NSS has none for
	if !strings.Contains(out, "Signature is Valid") || strings.Contains(out, "Invalid") {
		t.Errorf("pdfsig: %s", out)
	}
	if out, ok := program(t, dir, "qpdf", "--check", "sealed.pdf"); !ok {
		t.Errorf("qpdf: %s", out)
	}
}

func (h *sealHouse) sealCertificate(t *testing.T) *ecdsa.PublicKey {
	t.Helper()
	key, ok := h.token.Public().(*ecdsa.PublicKey)
	if !ok {
		t.Fatal("no key")
	}
	return key
}

// byStandardLibrary verifies a JWS with crypto/ecdsa and encoding/json alone: libraries of JOSE refuse sigD, which is critical and not theirs.
func (h *sealHouse) byStandardLibrary(t *testing.T, c combination, seal []byte) {
	t.Helper()
	var protected, payload, value string
	if parts := strings.Split(string(seal), "."); c.level == sealing.B {
		protected, payload, value = parts[0], parts[1], parts[2]
	} else {
		var o struct{ Protected, Payload, Signature string }
		if err := json.Unmarshal(seal, &o); err != nil {
			t.Fatal(err)
		}
		protected, payload, value = o.Protected, o.Payload, o.Signature
	}
	raw, err := base64.RawURLEncoding.DecodeString(protected)
	if err != nil {
		t.Fatal(err)
	}
	var header struct {
		Alg  string
		X5C  [][]byte
		SigD struct{ HashM, HashV0 string }
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	leaf := must[*pkix.Certificate](t)(pkix.ParseCertificate(header.X5C[0]))
	switch {
	case c.packaging == sealing.Attached: // as it stands
	case c.digest:
		sum := sha256.Sum256(sealContent)
		if !bytes.Contains(raw, []byte(`"hashM":"S256","hashV":["`+base64.RawURLEncoding.EncodeToString(sum[:])+`"]`)) {
			t.Errorf("%s: %s", c, raw)
		}
	default:
		payload = base64.RawURLEncoding.EncodeToString(sealContent)
	}
	signature, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(signature) != 64 || header.Alg != "ES256" || !leaf.PublicKey.Matches(h.token.Public()) {
		t.Fatalf("%s: %s %v", c, header.Alg, err)
	}
	sum := sha256.Sum256([]byte(protected + "." + payload))
	if !ecdsa.Verify(h.sealCertificate(t), sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Errorf("%s does not hold", c)
	}
}

// byJOSE lets a library of JOSE verify a JWS by the certificate in x5c, and over another payload.
func (h *sealHouse) byJOSE(t *testing.T, c combination, seal []byte) {
	t.Helper()
	verify := func(payload []byte) error {
		text := seal
		if seal[0] != '{' {
			parts := strings.Split(string(seal), ".")
			text = must[[]byte](t)(json.Marshal(map[string]string{"protected": parts[0], "payload": parts[1], "signature": parts[2]}))
		}
		var whole map[string]any
		if err := json.Unmarshal(text, &whole); err != nil {
			t.Fatal(err)
		}
		whole["payload"] = base64.RawURLEncoding.EncodeToString(payload) // that of a detached one stands beside it
		token, err := jose.ParseSignedJSON(string(must[[]byte](t)(json.Marshal(whole))), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			return err
		}
		chain, err := token.Signatures[0].Protected.Certificates(h.roots(t))
		if err != nil {
			return err
		}
		_, err = token.Verify(chain[0][0].PublicKey)
		return err
	}
	if err := verify(sealContent); err != nil {
		t.Errorf("%s: go-jose: %v", c, err)
	}
	if verify([]byte("other")) == nil {
		t.Errorf("%s: go-jose takes another payload", c)
	}
}

// TestRaiseMatrix: seals of every format and packaging are raised over HTTP step by step and at once, and hold at each level.
func TestRaiseMatrix(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	digest := sha256.Sum256(sealContent)
	var kinds []combination
	for _, f := range sealing.Formats() {
		for _, p := range f.Packagings() {
			if f != sealing.Raw {
				kinds = append(kinds, combination{f, p, sealing.B, false})
			}
		}
	}
	kinds = append(kinds, combination{sealing.JWS, sealing.Detached, sealing.B, true})
	documents := make([]map[string]any, len(kinds))
	for i, c := range kinds {
		documents[i] = c.ask(t, digest[:])
	}
	items := in[sealResults](t, h.seal("all", documents...), http.StatusOK).Items
	for i, c := range kinds {
		if items[i].Seal == nil {
			t.Fatalf("%s: %s", c, items[i].Problem)
		}
		at := map[sealing.Level][]byte{sealing.B: items[i].Seal.Document}
		for k, level := range sealing.Levels()[1:] {
			for _, from := range []sealing.Level{sealing.B, sealing.Levels()[k]} {
				ask := map[string]any{"document": b64(at[from]), "level": level}
				if c.original() != nil {
					ask["detached"] = b64(sealContent)
				}
				a := h.post(h.agency, "/v1/seals/raise", fmt.Sprintf("%d%s%s", i, from, level), string(must[[]byte](t)(json.Marshal(map[string]any{"documents": []any{ask}}))))
				raised := in[sealResults](t, a, http.StatusOK).Items[0].Seal
				if raised == nil || raised.Format != c.format || raised.Packaging != c.packaging || raised.Level != level {
					t.Fatalf("%s from %s to %s is not what was asked for: %v", c, from, level, raised == nil || raised.Packaging != c.packaging)
				}
				v := h.judge(t, raised.Document, c.original())
				if !v.Passed() || !strings.HasSuffix(v.Signatures[0].Level, "-"+string(level)) || !v.Signatures[0].TimeProven {
					t.Errorf("%s from %s to %s: %s %s %s", c, from, level, v.Indication, v.Sub, v.Signatures[0].Level)
				}
				at[level] = raised.Document
			}
		}
	}
}
