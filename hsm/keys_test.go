package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

// form is one way to sign, and the openssl command that verifies it.
type form struct {
	name    string
	opts    crypto.SignerOpts
	openssl []string
}

func forms(a hsm.Algorithm) []form {
	switch a {
	case hsm.Ed25519:
		return []form{{"pure", crypto.Hash(0), []string{"pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-rawin", "-in", "message", "-sigfile", "signature"}}}
	case hsm.ECDSAP256, hsm.ECDSAP384, hsm.ECDSAP521:
		return []form{{"SHA-256", crypto.SHA256, dgst("sha256")}, {"SHA-384", crypto.SHA384, dgst("sha384")}, {"SHA-512", crypto.SHA512, dgst("sha512")}}
	case hsm.RSA2048, hsm.RSA3072, hsm.RSA4096, hsm.AES256, hsm.HMACSHA256, hsm.GOST256, hsm.GOST256CryptoPro, hsm.GOST512:
	}
	return []form{
		{"PKCS1 SHA-256", crypto.SHA256, dgst("sha256")},
		{"PKCS1 SHA-384", crypto.SHA384, dgst("sha384")},
		{"PKCS1 SHA-512", crypto.SHA512, dgst("sha512")},
		{"PSS SHA-256", &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}, dgst("sha256", "rsa_padding_mode:pss", "rsa_pss_saltlen:digest")},
		{"PSS SHA-512 longest salt", &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA512}, dgst("sha512", "rsa_padding_mode:pss", "rsa_pss_saltlen:max")},
		{"PSS SHA-384 salt of 20", &rsa.PSSOptions{SaltLength: 20, Hash: crypto.SHA384}, dgst("sha384", "rsa_padding_mode:pss", "rsa_pss_saltlen:20")},
	}
}

func dgst(hash string, options ...string) []string {
	args := []string{"dgst", "-" + hash, "-verify", "pub.pem", "-signature", "signature"}
	for _, o := range options {
		args = append(args, "-sigopt", o)
	}
	return append(args, "message")
}

func TestEveryAlgorithmIsVerifiedByOpenSSL(t *testing.T) {
	token := open(t, softhsm.ForTest(t))
	for _, a := range []hsm.Algorithm{hsm.RSA2048, hsm.RSA3072, hsm.RSA4096, hsm.ECDSAP256, hsm.ECDSAP384, hsm.ECDSAP521, hsm.Ed25519} {
		if testing.Short() && a == hsm.RSA4096 {
			continue
		}
		k := generate(t, token, "algorithm "+string(a), a)
		if k.Algorithm() != a || k.Label() != "algorithm "+string(a) || len(k.ID()) == 0 {
			t.Errorf("made %s %q with id %x, asked for %s", k.Algorithm(), k.Label(), k.ID(), a)
		}
		for _, f := range forms(a) {
			t.Run(string(a)+" "+f.name, func(t *testing.T) { signAndVerify(t, k, f) })
		}
	}
}

func signAndVerify(t *testing.T, k crypto.Signer, f form) {
	t.Helper()
	message := []byte("Мемлекеттік баж төленді")
	input := message
	if h := f.opts.HashFunc(); h != 0 {
		w := h.New()
		w.Write(message)
		input = w.Sum(nil)
	}
	kept := bytes.Clone(input)
	signature, err := k.Sign(nil, input, f.opts)
	must(t, err)
	if !bytes.Equal(input, kept) {
		t.Error("the digest was changed")
	}
	if !verify(k.Public(), message, signature, f.opts) {
		t.Error("the standard library does not verify it")
	}
	if verify(k.Public(), append(message, '!'), signature, f.opts) {
		t.Error("another message verifies")
	}
	spki, err := x509.MarshalPKIXPublicKey(k.Public())
	must(t, err)
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"pub.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "message": message, "signature": signature,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	cmd := exec.CommandContext(t.Context(), "openssl", f.openssl...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl does not verify it: %v: %s", err, out)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	token := open(t, softhsm.ForTest(t))
	keys := map[string]*hsm.Key{
		"rsa": generate(t, token, "refused rsa", hsm.RSA2048),
		"ec":  generate(t, token, "refused ec", hsm.ECDSAP256),
		"ed":  generate(t, token, "refused ed", hsm.Ed25519),
	}
	for name, c := range map[string]struct {
		key    string
		digest int
		opts   crypto.SignerOpts
	}{
		"RSA without a hash":               {"rsa", 32, crypto.Hash(0)}, // would be signed without DigestInfo
		"RSA without options":              {"rsa", 32, nil},
		"RSA with SHA-1":                   {"rsa", 20, crypto.SHA1},
		"RSA with MD5":                     {"rsa", 16, crypto.MD5},
		"RSA with a hash unknown to us":    {"rsa", 28, crypto.SHA512_224},
		"RSA, digest too short":            {"rsa", 31, crypto.SHA256},
		"RSA, digest too long":             {"rsa", 33, crypto.SHA256},
		"RSA, no digest":                   {"rsa", 0, crypto.SHA256},
		"PSS without a hash":               {"rsa", 32, &rsa.PSSOptions{SaltLength: 32}},
		"PSS, salt longer than fits":       {"rsa", 32, &rsa.PSSOptions{SaltLength: 223, Hash: crypto.SHA256}},
		"PSS, salt of negative length":     {"rsa", 32, &rsa.PSSOptions{SaltLength: -2, Hash: crypto.SHA256}},
		"ECDSA without a hash":             {"ec", 32, crypto.Hash(0)},
		"ECDSA with SHA-1":                 {"ec", 20, crypto.SHA1},
		"ECDSA, digest of another length":  {"ec", 48, crypto.SHA256},
		"Ed25519 with prehashing":          {"ed", 64, crypto.SHA512},
		"Ed25519 with a context":           {"ed", 64, &ed25519.Options{Context: "c"}},
		"Ed25519 of nothing":               {"ed", 0, crypto.Hash(0)},
		"Ed25519 of more than it may take": {"ed", 1<<20 + 1, crypto.Hash(0)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := keys[c.key].Sign(nil, make([]byte, c.digest), c.opts); !errors.Is(err, hsm.ErrAlgorithm) {
				t.Errorf("got %v", err)
			}
		})
	}
	message := make([]byte, 1<<20)
	if signature, err := keys["ed"].Sign(nil, message, crypto.Hash(0)); err != nil || !verify(keys["ed"].Public(), message, signature, crypto.Hash(0)) {
		t.Errorf("Ed25519 of 1 MiB: %v", err)
	}
}

func TestRestartFindsTheKey(t *testing.T) {
	soft := softhsm.ForTest(t)
	first, err := hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	must(t, err)
	made := map[string]*hsm.Key{}
	for _, a := range []hsm.Algorithm{hsm.RSA2048, hsm.ECDSAP384, hsm.Ed25519} {
		made[string(a)] = generate(t, first, string(a), a)
	}
	must(t, first.Close())
	if _, err := made["ed25519"].Sign(nil, []byte("m"), crypto.Hash(0)); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("key of a closed token: %v", err)
	}
	if err := first.Health(t.Context()); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("health of a closed token: %v", err)
	}
	must(t, first.Close()) // again

	second := open(t, soft)
	for label, before := range made {
		k, err := second.Key(t.Context(), label)
		must(t, err)
		if again, err := second.Key(t.Context(), label); err != nil || again != k {
			t.Errorf("the same label gave another Key: %v", err)
		}
		if !bytes.Equal(k.ID(), before.ID()) || k.Algorithm() != before.Algorithm() {
			t.Errorf("key %s is another one after restart", label)
		}
		for _, f := range forms(k.Algorithm())[:1] {
			signAndVerify(t, k, f)
		}
	}
	if _, err := second.Key(t.Context(), "nobody"); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("unknown label: %v", err)
	}
}

func TestLabels(t *testing.T) {
	token := open(t, softhsm.ForTest(t))
	generate(t, token, "label", hsm.Ed25519)
	if _, err := token.Generate(t.Context(), "label", hsm.ECDSAP256); !errors.Is(err, hsm.ErrKeyExists) {
		t.Errorf("label in use: %v", err)
	}
	if _, err := token.Generate(t.Context(), "other", "rsa-1024"); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("algorithm: %v", err)
	}
	for _, label := range []string{"", "a\nb", "a\x00b", "\xff", string(make([]byte, 200))} {
		if _, err := token.Generate(t.Context(), label, hsm.Ed25519); err == nil {
			t.Errorf("label %q was accepted", label)
		}
	}
	generate(t, token, "Мөр кілті", hsm.Ed25519)
	keys, err := token.Keys(t.Context())
	must(t, err)
	if len(keys) != 2 || keys[0].Label != "label" || keys[1].Label != "Мөр кілті" {
		t.Errorf("keys are %+v", keys)
	}
}
