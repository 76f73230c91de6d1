package jades

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"qaqpa/signer/tsp"
)

// TestOctetsOfOthers: the time stamps in documents of DSS cover what we say that they cover.
func TestOctetsOfOthers(t *testing.T) {
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	folder := filepath.Join(dir, "dss", "jades", "validation")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the corpora are not at %s; set QAQPA_CORPORA to run this test", dir)
	}
	archives := 0
	for _, name := range []string{"jades-lta.json", "jades-lta-with-etsiU-whitespaces.json", "jades-triple-LTA.json"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		type signed struct { // flattened, or general with one signature
			Payload, Protected, Signature string
			Header                        struct{ EtsiU []string }
			Signatures                    []signed
		}
		var doc signed
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Signatures) == 1 {
			doc.Signatures[0].Payload = doc.Payload
			doc = doc.Signatures[0]
		}
		s, err := New(doc.Protected+"."+doc.Payload+"."+doc.Signature, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, element := range doc.Header.EtsiU {
			raw, err := base64.RawURLEncoding.DecodeString(element)
			if err != nil {
				t.Fatal(err)
			}
			var parts struct{ SigTst, ArcTst tokens }
			_ = json.Unmarshal(raw, &parts) // other elements have other shapes
			for _, token := range parts.SigTst.Tokens {
				covers(t, name+": signature", token.Value, s.SignatureOctets())
			}
			for _, token := range parts.ArcTst.Tokens {
				covers(t, name+": archive", token.Value, s.ArchiveOctets())
				archives++
			}
			s.elements = append(s.elements, element)
		}
	}
	if archives != 5 {
		t.Errorf("%d archive time stamps", archives)
	}
}

func covers(t *testing.T, name string, token, octets []byte) {
	t.Helper()
	parsed, err := tsp.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	if string(parsed.Info.Hash.Sum(nil, octets)) != string(parsed.Info.Imprint) {
		t.Errorf("%s time stamp covers something else", name)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		compact string
		payload []byte
	}{
		"two parts": {"a.b", nil}, "four parts": {"a.b.c.d", nil}, "no header": {".b.c", nil}, "no signature": {"a.b.", nil},
		"no payload": {"a..c", nil}, "two payloads": {"a.b.c", []byte("b")},
	} {
		if _, err := New(c.compact, c.payload, false); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCopies: what is added to a signature is not in the one before it.
func TestCopies(t *testing.T) {
	s, err := New("e30..c2ln", []byte("a.b"), true)
	if err != nil {
		t.Fatal(err)
	}
	one, err := s.WithStamp([]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	two, err := one.WithEvidence([][]byte{{2}}, [][]byte{{3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	three, err := one.WithArchiveStamp([]byte{4})
	if err != nil || len(s.elements) != 0 || len(one.elements) != 1 || len(two.elements) != 3 || len(three.elements) != 2 || two.elements[1] == three.elements[1] {
		t.Errorf("%v %v %v %v", s.elements, one.elements, two.elements, three.elements)
	}
	text, err := s.JSON()
	if err != nil || string(text) != `{"protected":"e30","signature":"c2ln"}` || string(s.ArchiveOctets()) != "a.b.e30.c2ln." {
		t.Errorf("%s %s %v", text, s.ArchiveOctets(), err)
	}
}
