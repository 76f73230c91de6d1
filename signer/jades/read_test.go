package jades

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func encoded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestIs tells JWS from what else is handed in.
func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"{}": true, " \n{": true, encoded(`{"alg":"ES256"}`) + "..AA": true, encoded("\r\n {\r\n}") + ".x.y": true,
		"": false, ".": false, "a.b": false, "a.b.c": false, "-----BEGIN.CMS.": false, "%PDF-1.7..": false, "<x/>": false, "MIIC.a.b": false,
		encoded(`[1]`) + ".x.y": false, "PK\x03\x04...": false, "\x30\x80..": false,
	} {
		if got := Is([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestLimits: documents beyond bounds are refused, and soon.
func TestLimits(t *testing.T) {
	one := `{"protected":"e30","signature":"AA"}`
	for name, text := range map[string]string{
		"deep":                 strings.Repeat(`{"header":`, 1<<16),
		"deep inside":          `{"protected":"e30","signature":"AA","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}",
		"signatures":           `{"payload":"","signatures":[` + strings.Repeat(one+",", signaturesMax) + one + `]}`,
		"header":               strings.Repeat("A", 2*headerMax+1) + ".." + "AA",
		"a list in a list":     `{"payload":"","signatures":[[]]}`,
		"octets behind":        one + one,
		"no text":              `{"payload":1,"protected":"e30","signature":"AA"}`,
		"not UTF-8":            `{"payload":"` + "\xff" + `","protected":"e30","signature":"AA"}`,
		"signatures no list":   `{"payload":"","signatures":{}}`,
		"header no object":     `{"protected":"e30","header":[],"signature":"AA"}`,
		"only a payload":       `{"payload":"eA"}`,
		"two parts":            "e30.AA",
		"millions of commas":   `{"payload":"","signatures":[` + strings.Repeat(",", 1<<20) + `]}`,
		"millions of elements": `{"signatures":[` + strings.Repeat(`{},`, 1<<18) + `{}]}`,
	} {
		if d, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: %d signatures", name, len(d.Signatures))
		}
	}
	elements := strings.TrimSuffix(strings.Repeat(`"e30",`, elementsMax+1), ",")
	d, err := Parse([]byte(`{"protected":"e30","header":{"etsiU":[` + elements + `]},"signature":"AA"}`))
	if err != nil || len(d.Signatures[0].elements) != 0 {
		t.Errorf("elements: %v", err)
	}
	// Counter-signatures in counter-signatures end.
	text := `{"protected":"e30","signature":"AA"}`
	for range 6 {
		text = `{"protected":"e30","header":{"etsiU":["` + encoded(`{"cSig":`+text+`}`) + `"]},"signature":"AA"}`
	}
	if d, err = Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	depth := 0
	for s := d.Signatures[0]; s != nil; depth++ {
		list, _ := s.Counters()
		if s = nil; len(list) > 0 {
			s = list[0]
		}
	}
	if depth > countersDepth+1 {
		t.Errorf("%d levels of counter-signatures", depth)
	}
}

// TestRaiseKeeps: what is raised holds the same signatures and all that was there, and is what it was when nothing is added.
func TestRaiseKeeps(t *testing.T) {
	for _, text := range []string{
		`{"payload":"eA","protected":"e30","signature":"AA"}`,
		`{"protected":"e30","header":{"kid":"a","etsiU":["eyJhIjoxfQ"]},"signature":"AA","x":[1, 2]}`,
		`{"payload":"eA","signatures":[{"protected":"e30","signature":"AA"},{"protected":"e30","header":{"k":"<\u0001"},"signature":"AQ"}],"y":null}`,
	} {
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var list []Signature
		for i := range d.Signatures {
			s, err := d.Raise(i, Beside{Octets: []byte("x")})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		out, err := d.With(list)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(compact.String(), `[1,2]`, `[1, 2]`); string(out) != want {
			t.Errorf("%s\nwant %s", out, want)
		}
	}
}

// FuzzParse: whatever comes, reading ends without a panic, and what was read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(encoded(`{"alg":"ES256","b64":false,"crit":["b64"]}`) + ".x.AA"))
	f.Add([]byte(`{"payload":"eA","signatures":[{"protected":"` + encoded(`{"alg":"RS256","sigD":{"mId":"x","pars":["a"]},"sigPId":{"id":{"id":"urn:oid:1.2"}}}`) + `","signature":"AA"}]}`))
	f.Add([]byte(`{"protected":"e30","header":{"etsiU":["` + encoded(`{"sigTst":{"tstTokens":[{"val":"AAAA"}]}}`) + `",{"cSig":"e30..AA"}]},"signature":"AA"}`))
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	for _, name := range []string{"jades-with-attached-counter-signature-replace-attack.json", "jades-b-iat-and-sigt.json"} {
		if text, err := os.ReadFile(filepath.Join(dir, "dss", "jades", "validation", name)); err == nil {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		b := Beside{Octets: []byte("original")}
		list := make([]Signature, 0, len(d.Signatures))
		for i, s := range d.Signatures {
			s.Verify(b, nil)
			_ = s.Level()
			_, _ = s.Stamps(b, 8)
			_, _ = s.Counters()
			if up, err := d.Raise(i, b); err == nil {
				list = append(list, up)
			}
		}
		if len(list) != len(d.Signatures) || d.Form == Compact {
			return
		}
		out, err := d.With(list)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil || len(again.Signatures) != len(list) || again.payload != d.payload {
			t.Fatalf("%s: %v", out, err)
		}
	})
}
