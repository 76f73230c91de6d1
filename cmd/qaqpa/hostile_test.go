//go:build !release

package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qaqpa/testenv/figures"
	"qaqpa/testenv/hostile"
)

// hostileWorld is a running gateway with the inputs of package hostile.
func hostileWorld(t *testing.T) (*story, []hostile.Input) {
	t.Helper()
	s := newSigning(t)
	sign := func(name, text, format string) []byte {
		t.Helper()
		file := s.run(t, "sign", s.write(t, name, []byte(text)), "--format="+format, "--key", s.key, "--key-password-file", s.password)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := hostile.Good{
		PKI: s.pki, Signer: s.people.citizen, Header: `{"alg":"GG2015","typ":"JWT"}`, Payload: `{"sub":"a"}`, Signature: make([]byte, 128),
		XML:   sign("order.xml", `<order><fee>5406</fee></order>`, "xml"),
		XAdES: sign("invoice.xml", `<order><fee>5406</fee></order>`, "xades"),
		WSSE:  sign("message.xml", `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a/></e:Body></e:Envelope>`, "wsse"),
	}
	inputs, err := good.Inputs()
	if err != nil {
		t.Fatal(err)
	}
	return newStory(s.world), inputs
}

// frontRequests are the ways to hand an input in: to our own interface bare and as JSON, and to the member of NCANode's that is
// for its format.
func frontRequests(t *testing.T, in hostile.Input) []request {
	t.Helper()
	text := base64.StdEncoding.EncodeToString(in.Body)
	post := func(path string, body any) request {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return request{http.MethodPost, path, "application/json", b, ""}
	}
	out := []request{
		{http.MethodPost, "/v1/validations", "application/octet-stream", in.Body, ""},
		post("/v1/validations", map[string]string{"document": text}),
	}
	switch in.Format {
	case "cms", "tsp":
		out = append(out, post("/cms/verify", map[string]any{"cms": text}), post("/cms/extract", map[string]any{"cms": text}))
	case "xml", "xades":
		out = append(out, post("/xml/verify", map[string]any{"xml": string(in.Body)}))
	case "wsse":
		out = append(out, post("/wsse/verify", map[string]any{"xml": string(in.Body)}))
	case "certificate":
		out = append(out, post("/x509/info", map[string]any{"certs": []string{text}}))
	case "p12":
		out = append(out, post("/pkcs12/info", map[string]any{"keys": []any{map[string]string{"key": text, "password": hostile.Password}}}))
	case "jwt":
		out = append(out, post("/jwt/decode", map[string]any{"jwt": string(in.Body), "key": text}))
	}
	return out
}

// TestHostileInputsAtTheFront sends every hostile input to the running gateway, to our own interface and to NCANode's: it answers each with a verdict or a
// problem, never with 5xx, and still answers the last. Under QAQPA_BENCH (make bench-hostile) the longest answer and the memory of
// the process are printed.
func TestHostileInputsAtTheFront(t *testing.T) {
	s, inputs := hostileWorld(t)
	measured := os.Getenv("QAQPA_BENCH") != ""
	before := peakMemory(t, s.world)
	var longest time.Duration
	var of string
	statuses := map[int]int{}
	for i, in := range inputs {
		for j, r := range frontRequests(t, in) {
			if !measured && (i+j)%4 != 0 { // a quarter of them, of each form
				continue
			}
			start := time.Now()
			got, err := s.portal.send(t.Context(), r)
			if err != nil {
				t.Fatalf("%s, %s: %v", in.Format, in.Kind, err)
			}
			if spent := time.Since(start); spent > longest {
				longest, of = spent, in.Format+", "+in.Kind
			}
			statuses[got.status]++
			ours := strings.HasPrefix(r.path, "/v1/")
			if got.status >= http.StatusInternalServerError || ours && len(in.Body) > 0 && got.status != http.StatusOK {
				t.Errorf("%s, %s to %s: %d %.300s", in.Format, in.Kind, r.path, got.status, got.body)
			}
		}
	}
	if v := judged(t, s, s.people.citizen); v.Indication != "TOTAL-PASSED" {
		t.Errorf("afterwards a good document is %+v", v)
	}
	t.Logf("%d inputs, statuses %v", len(inputs), statuses)
	if measured {
		after := peakMemory(t, s.world)
		t.Logf("longest answer %s (limit 1 s): %s; peak memory of the gateway %.0f MB, before %.0f MB", longest.Round(time.Millisecond), of, after/1e6, before/1e6)
		hostileLine(t, "hostile over HTTP", longest.Seconds(), "s, longest of "+of, 1)
		hostileLine(t, "hostile over HTTP, memory", after, "octets, peak of the gateway", 512e6)
	}
}

// peakMemory is the largest resident memory that the gateway's process has had, in octets.
func peakMemory(t *testing.T, w *world) float64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(w.process.cmd.Process.Pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb * 1024
		}
	}
	t.Fatal("the process has no peak of memory")
	return 0
}

// hostileLine adds a line to bench.jsonl and holds the limit.
func hostileLine(t *testing.T, path string, value float64, unit string, limit float64) {
	t.Helper()
	if value > limit {
		t.Errorf("%s: %v %s, the limit is %v", path, value, unit, limit)
	}
	figures.Line{
		Path: path, Value: value, Unit: unit, Against: "limit", AgainstValue: limit, Ratio: value / limit, Goal: 1, Pass: value <= limit,
	}.Add(t)
}
