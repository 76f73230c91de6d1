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

// vectorGroup is a key and signatures by it.
type vectorGroup struct {
	PublicKeyDER string `json:"publicKeyDer"`
	PublicKey    struct{ PK string }
	Tests        []struct {
		ID                   int `json:"tcId"`
		Comment, Msg, Result string
		Sig                  string
	} `json:"tests"`
}

// judgeVectors holds verdicts to those that come with the vectors of a file: not one may differ. verify makes a verifier for a key.
func judgeVectors(t *testing.T, name string, least int, verify func(vectorGroup) func(message, signature []byte) bool) {
	t.Helper()
	raw, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ TestGroups []vectorGroup }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, group := range file.TestGroups {
		good := verify(group)
		for _, c := range group.Tests {
			if got := good(unhex(t, c.Msg), unhex(t, c.Sig)); got != (c.Result == "valid") {
				t.Errorf("%d (%s): %t, want %s", c.ID, c.Comment, got, c.Result)
			}
			judged++
		}
	}
	if judged < least {
		t.Errorf("only %d vectors", judged)
	}
}

// TestWycheproof: pairs r‖s over P-256 with SHA-256.
func TestWycheproof(t *testing.T) {
	judgeVectors(t, "ecdsa_secp256r1_sha256_p1363_test.json", 200, func(group vectorGroup) func(message, signature []byte) bool {
		pub, err := x509.ParsePKIXPublicKey(unhex(t, group.PublicKeyDER))
		if err != nil {
			t.Fatal(err)
		}
		ec, ok := pub.(*ecdsa.PublicKey)
		if !ok {
			t.Fatalf("key of type %T", pub)
		}
		k := pin(t, ec)
		return func(message, signature []byte) bool {
			digest := sha256.Sum256(message)
			return k.Verify(digest[:], signature)
		}
	})
}

func TestEd25519Wycheproof(t *testing.T) {
	judgeVectors(t, "ed25519_test.json", 100, func(group vectorGroup) func(message, signature []byte) bool {
		return pinEd(t, unhex(t, group.PublicKey.PK)).Verify
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
