package algo

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/c2sp/wycheproof"
)

// vectorFile is one file of Project Wycheproof, as far as signatures need it.
type vectorFile struct {
	TestGroups []struct {
		PublicKeyDER string `json:"publicKeyDer"`
		Tests        []struct {
			ID      int    `json:"tcId"`
			Comment string `json:"comment"`
			Message string `json:"msg"`
			Sig     string `json:"sig"`
			Result  string `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

// TestOwnCurves: brainpool and Ed448 against Wycheproof: nothing invalid is accepted, nothing valid refused.
func TestOwnCurves(t *testing.T) {
	for file, s := range map[string]Signature{
		"ecdsa_brainpoolP256r1_sha256_test.json": {Family: ECDSA, Hash: SHA256},
		"ecdsa_brainpoolP384r1_sha384_test.json": {Family: ECDSA, Hash: SHA384},
		"ecdsa_brainpoolP512r1_sha512_test.json": {Family: ECDSA, Hash: SHA512},
		"ed448_test.json":                        {Family: Ed448},
	} {
		b, err := fs.ReadFile(wycheproof.TestVectors, file)
		if err != nil {
			t.Fatal(err)
		}
		var v vectorFile
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, g := range v.TestGroups {
			pub, err := ParsePublicKey(unhex(t, g.PublicKeyDER))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, test := range g.Tests {
				count++
				err := s.Verify(pub, unhex(t, test.Message), unhex(t, test.Sig))
				if (err == nil) != (test.Result == "valid") || err != nil && !errors.Is(err, ErrSignature) {
					t.Errorf("%s %d: %s: %v", file, test.ID, test.Comment, err)
				}
			}
		}
		t.Logf("%s: %d", file, count)
	}
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestBrainpoolRefused: points that are not on the curve, and other encodings of them.
func TestBrainpoolRefused(t *testing.T) {
	for oid, c := range brainpoolCurves {
		if !c.holds(c.gx, c.gy) || !c.q.ProbablyPrime(20) || !c.p.ProbablyPrime(20) {
			t.Errorf("%s: parameters", c.name)
		}
		if x, ok := c.combine(c.q, new(big.Int), c.gx, c.gy).affineX(c); ok {
			t.Errorf("%s: q·G has x %s", c.name, x)
		}
		size := (c.p.BitLen() + 7) / 8
		point := append([]byte{4}, append(c.gx.FillBytes(make([]byte, size)), c.gy.FillBytes(make([]byte, size))...)...)
		if pub, err := parseBrainpool(c, point); err != nil || pub.Bits != c.p.BitLen() {
			t.Errorf("%s: %v", c.name, err)
		}
		off := append([]byte{}, point...)
		off[len(off)-1] ^= 1
		compressed := append([]byte{2}, point[1:1+size]...)
		for _, bad := range [][]byte{off, compressed, point[:len(point)-1], nil} {
			if _, err := parseBrainpool(c, bad); !errors.Is(err, ErrKey) {
				t.Errorf("%s: %d octets: %v", c.name, len(bad), err)
			}
		}
		_ = oid
	}
}

// TestLongExponents: OpenSSL signs with a key whose exponent crypto/rsa does not take.
func TestLongExponents(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	dir := t.TempDir()
	key, spki, message := filepath.Join(dir, "key.pem"), filepath.Join(dir, "spki.der"), filepath.Join(dir, "message")
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", args, err, out)
		}
	}
	if err := os.WriteFile(message, []byte("сәлем"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:4294967297", "-out", key)
	run("pkey", "-in", key, "-pubout", "-outform", "DER", "-out", spki)
	pub, err := ParsePublicKey(readFile(t, spki))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := pub.Key.(*LongRSA); !ok {
		t.Fatalf("the key is %T", pub.Key)
	}
	for _, c := range []struct {
		s       Signature
		options []string
	}{
		{Signature{Family: RSA, Hash: SHA256}, nil},
		{Signature{Family: RSAPSS, Hash: SHA256, PSS: &PSSParams{SHA256, 32}}, []string{"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"}},
		{Signature{Family: RSAPSS, Hash: SHA256, PSS: &PSSParams{SHA256, 0}}, []string{"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:0"}},
	} {
		file := filepath.Join(dir, "sig")
		run(append(append([]string{"dgst", "-sha256", "-sign", key, "-out", file}, c.options...), message)...)
		sig := readFile(t, file)
		if err := c.s.Verify(pub, []byte("сәлем"), sig); err != nil {
			t.Errorf("%v: %v", c.options, err)
		}
		if err := c.s.Verify(pub, []byte("сәлем!"), sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%v: other message: %v", c.options, err)
		}
		sig[7] ^= 1
		if err := c.s.Verify(pub, []byte("сәлем"), sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%v: flipped: %v", c.options, err)
		}
	}
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestOwnExponentiation: the own path agrees with crypto/rsa where that one is slow.
func TestOwnExponentiation(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	digest := SHA384.Sum(nil, []byte("message"))
	sig, err := key.Sign(rand.Reader, digest, crypto.SHA384)
	if err != nil {
		t.Fatal(err)
	}
	s := Signature{Family: RSA, Hash: SHA384}
	if err := s.verifyRSA(&key.PublicKey, nil, digest, sig); err != nil {
		t.Error(err)
	}
	n := new(big.Int).SetBytes(sig)
	same := n.Add(n, key.N).Bytes() // the same number modulo n: malleable where the range is not checked
	for _, bad := range [][]byte{nil, sig[1:], append([]byte{0}, sig...), same, make([]byte, len(sig))} {
		if err := s.verifyRSA(&key.PublicKey, nil, digest, bad); !errors.Is(err, ErrSignature) {
			t.Errorf("%d octets: %v", len(bad), err)
		}
	}
}

func TestShake(t *testing.T) { // FIPS 202, SHAKE256 of nothing
	const want = "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762fd75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be"
	h := SHAKE256.New()
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Error(got)
	}
	h.Write([]byte("a"))
	first := h.Sum(nil)
	if again := h.Sum(nil); hex.EncodeToString(first) != hex.EncodeToString(again) || h.Size() != len(first) {
		t.Error("Sum changes the state")
	}
}
