package algo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"sync"
	"testing"

	"github.com/c2sp/wycheproof"
)

// hot is a watched key that was used often enough to have its table.
func hot(tb testing.TB, t *Tables, spki []byte) PublicKey {
	tb.Helper()
	pub, err := ParsePublicKey(spki)
	if err != nil {
		tb.Fatal(err)
	}
	pub = t.Watch(pub)
	s := Signature{Family: ECDSA, Hash: SHA256}
	for range tablesAfter {
		_ = s.VerifyDigest(pub, make([]byte, 32), []byte{0x30, 0x06, 2, 1, 1, 2, 1, 1}) // refused, and counted
	}
	if pub.table.key.Load() == nil {
		tb.Fatal("no table")
	}
	return pub
}

// With a table each vector of Wycheproof for P-256 is what it is without, its odd encodings among them.
func TestTablesAgreeOnWycheproof(t *testing.T) {
	b, err := fs.ReadFile(wycheproof.TestVectors, "ecdsa_secp256r1_sha256_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		TestGroups []struct {
			PublicKeyDER string `json:"publicKeyDer"`
			Tests        []struct {
				ID               int `json:"tcId"`
				Msg, Sig, Result string
			}
		} `json:"testGroups"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	tables, s, byTable, tried := NewTables(2), Signature{Family: ECDSA, Hash: SHA256}, 0, 0
	for i, g := range file.TestGroups {
		if len(g.Tests) < 8 && i%9 != 0 {
			continue // a table for each of hundreds of keys takes long
		}
		spki, _ := hex.DecodeString(g.PublicKeyDER)
		pub := hot(t, tables, spki)
		key, _ := pub.Key.(*ecdsa.PublicKey)
		for _, v := range g.Tests {
			msg, _ := hex.DecodeString(v.Msg)
			sig, _ := hex.DecodeString(v.Sig)
			digest := SHA256.Sum(nil, msg)
			tried++
			by := pub.table.holds(key, digest, sig)
			if by && v.Result != "valid" || by != ecdsa.VerifyASN1(key, digest, sig) {
				t.Errorf("%d %s: by the table %v", v.ID, v.Result, by)
			}
			if by {
				byTable++
			}
			if err := s.VerifyDigest(pub, digest, sig); (err == nil) != (v.Result == "valid") {
				t.Errorf("%d %s: %v", v.ID, v.Result, err)
			}
		}
	}
	if byTable < 50 {
		t.Errorf("only %d of %d were verified by tables", byTable, tried)
	}
}

// No more keys than wanted have tables, whoever uses how many, and all stay right while others lose theirs.
func TestTablesAreBounded(t *testing.T) {
	tables, s := NewTables(2), Signature{Family: ECDSA, Hash: SHA256}
	digest := SHA256.Sum(nil, []byte("x"))
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			spki, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				t.Error(err)
				return
			}
			pub, err := ParsePublicKey(spki)
			if err != nil {
				t.Error(err)
				return
			}
			pub = tables.Watch(pub)
			good, err := ecdsa.SignASN1(rand.Reader, key, digest)
			if err != nil {
				t.Error(err)
				return
			}
			bad := append([]byte(nil), good...)
			bad[len(bad)-1] ^= 1
			for range 2 * tablesAfter {
				if s.VerifyDigest(pub, digest, good) != nil || s.VerifyDigest(pub, digest, bad) == nil {
					t.Error("another answer")
					return
				}
			}
		})
	}
	work.Wait()
	if len(tables.ring) != 2 {
		t.Errorf("%d tables", len(tables.ring))
	}
	var none *Tables
	if none.Watch(PublicKey{}).table != nil || tables.Watch(PublicKey{Family: RSA}).table != nil {
		t.Error("a key of another kind is watched")
	}
}
