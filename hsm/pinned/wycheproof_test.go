package pinned

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// TestWycheproof: pairs r‖s over P-256 with SHA-256. Not one verdict may differ from the one that comes with the vectors.
func TestWycheproof(t *testing.T) {
	raw, err := fs.ReadFile(wycheproof.TestVectors, "ecdsa_secp256r1_sha256_p1363_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		TestGroups []struct {
			PublicKeyDER string `json:"publicKeyDer"`
			Tests        []struct {
				ID                   int `json:"tcId"`
				Comment, Msg, Result string
				Sig                  string
			} `json:"tests"`
		} `json:"testGroups"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, group := range file.TestGroups {
		pub, err := x509.ParsePKIXPublicKey(unhex(t, group.PublicKeyDER))
		if err != nil {
			t.Fatal(err)
		}
		ec, ok := pub.(*ecdsa.PublicKey)
		if !ok {
			t.Fatalf("key of type %T", pub)
		}
		k := pin(t, ec)
		for _, c := range group.Tests {
			digest := sha256.Sum256(unhex(t, c.Msg))
			if got := k.Verify(digest[:], unhex(t, c.Sig)); got != (c.Result == "valid") {
				t.Errorf("%d (%s): %t, want %s", c.ID, c.Comment, got, c.Result)
			}
			judged++
		}
	}
	if judged < 200 {
		t.Errorf("only %d vectors", judged)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
