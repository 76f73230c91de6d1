package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/gostref"
	"qaqpa/testenv/softhsm"
)

// gostKey verifies by plain arithmetic that shares nothing with the product's; hsm gets that from whoever opens a token.
type gostKey struct{ *gostref.PublicKey }

func (k gostKey) VerifyRFC(digest, signature []byte) bool {
	national := slices.Clone(signature)
	slices.Reverse(national)
	return k.Verify(digest, national)
}

func (k gostKey) Equal(other crypto.PublicKey) bool {
	o, ok := other.(gostKey)
	return ok && k.PublicKey.Equal(o.PublicKey)
}

func parseGOST(spki []byte) (hsm.GOSTKey, error) {
	for oid, curve := range map[string]*gostref.Curve{
		"\x06\x09\x2a\x85\x03\x07\x01\x02\x01\x01\x01": gostref.TC26Curve256A(),
		"\x06\x07\x2a\x85\x03\x02\x02\x23\x01":         gostref.CryptoProA(),
		"\x06\x09\x2a\x85\x03\x07\x01\x02\x01\x02\x01": gostref.TC26Curve512A(),
	} {
		if bytes.Contains(spki, []byte(oid)) {
			key, err := gostref.NewPublicKey(curve, spki[len(spki)-2*curve.Size:])
			return gostKey{key}, err
		}
	}
	return nil, errors.New("a curve that is not known")
}

func withGOST(c *hsm.Config) { c.GOST = parseGOST }

// gostToken is SoftHSM with GOST beside it, which OpenSSL's engine computes.
func gostToken(t *testing.T) (*softhsm.Token, *softhsm.GOST) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "openssl", "engine", "gost", "-t").CombinedOutput(); err != nil || !strings.Contains(string(out), "[ available ]") {
		t.Skip("needs libengine-gost-openssl")
	}
	if _, err := os.Stat("/usr/include/openssl/evp.h"); err != nil {
		t.Skip("needs libssl-dev")
	}
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	g, err := softhsm.NewGOST(t.TempDir())
	must(t, err)
	soft.Module = g.Module
	return soft, g
}

var gostAlgorithms = []hsm.Algorithm{hsm.GOST256, hsm.GOST256CryptoPro, hsm.GOST512}

// Where a module has the mechanisms, GOST keys are made, found and used as others are; OpenSSL, knowing the public key alone, accepts what they
// sign, in whichever of eight orders the token reads and writes octets.
func TestGOSTInAToken(t *testing.T) {
	soft, order := gostToken(t)
	token := open(t, soft, withGOST)
	for _, a := range gostAlgorithms {
		k := generate(t, token, string(a), a)
		if k.Algorithm() != a {
			t.Errorf("%s was made as %s", a, k.Algorithm())
		}
		for how := range 8 {
			must(t, order.Order(how))
			checkGOST(t, k, k.SPKI())
		}
		if _, err := k.Sign(nil, make([]byte, 20), nil); !errors.Is(err, hsm.ErrAlgorithm) {
			t.Errorf("%s: a digest of 20 octets: %v", a, err)
		}
		must(t, order.Order(softhsm.OrderWrong))
		if signature, err := k.Sign(nil, make([]byte, digestSize(t, k)), nil); !errors.Is(err, hsm.ErrWrongSignature) || signature != nil {
			t.Errorf("%s: a wrong signature: %x, %v", a, signature, err)
		}
		must(t, order.Order(0))
	}
	keys, err := token.Keys(t.Context())
	must(t, err)
	if len(keys) != 3 || slices.ContainsFunc(keys, func(k hsm.KeyInfo) bool { return k.Problem != nil || k.SPKI == nil }) {
		t.Errorf("listed: %+v", keys)
	}
	must(t, token.Relabel(t.Context(), string(hsm.GOST256), keys[0].ID, "other"))
	must(t, token.Destroy(t.Context(), "other", keys[0].ID))
	if _, err := token.Key(t.Context(), "other"); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("a destroyed key: %v", err)
	}
}

func TestGOSTInAFleet(t *testing.T) {
	soft, order := gostToken(t)
	token := open(t, soft, withGOST)
	spki := generate(t, token, "k", hsm.GOST512).SPKI()
	must(t, token.Close())
	f := fleetOf(t, func(c *hsm.FleetConfig) { c.GOST, c.Tokens[0].Processes = parseGOST, 2 }, soft)
	k := fleetKey(t, f, "k")
	if k.Algorithm() != hsm.GOST512 {
		t.Errorf("the key is %s", k.Algorithm())
	}
	for how := range 8 {
		must(t, order.Order(how))
		checkGOST(t, k, spki)
	}
	must(t, f.Health(t.Context()))

	unable := fleetOf(t, nil, soft)
	if k, err := unable.Key(t.Context(), hsm.Ref{Label: "k"}); err == nil {
		if _, err := k.Sign(nil, make([]byte, 64), nil); !errors.Is(err, hsm.ErrAlgorithm) {
			t.Errorf("a GOST key that nobody can verify signed: %v", err)
		}
	}
}

// Modules without the mechanism, as all of Debian's are, say so before anything is made; so does a caller who could not verify.
func TestGOSTIsRefusedWhereItIsNot(t *testing.T) {
	soft := softhsm.ForTest(t)
	token := open(t, soft, withGOST)
	info, err := token.Info(t.Context())
	must(t, err)
	if slices.Contains(info.Mechanisms, "0x1201") {
		t.Skip("this SoftHSM has GOST: QAQPA_GOST_TOKEN may name it")
	}
	for _, a := range gostAlgorithms {
		if _, err := token.Generate(t.Context(), "gost", a); !errors.Is(err, hsm.ErrAlgorithm) || !strings.Contains(err.Error(), "can't make such keys") {
			t.Errorf("%s in SoftHSM: %v", a, err)
		}
	}
	able, _ := gostToken(t)
	blind := open(t, able)
	if _, err := blind.Generate(t.Context(), "gost", hsm.GOST512); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("made a key that nobody can verify: %v", err)
	}
	seeing := open(t, able, withGOST)
	generate(t, seeing, "gost", hsm.GOST256)
	k, err := blind.Key(t.Context(), "gost")
	must(t, err)
	if _, err := k.Sign(nil, make([]byte, 32), nil); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("signed unverified: %v", err)
	}
}

// A token that is none of ours, where there is one: QAQPA_GOST_TOKEN is MODULE;TOKEN;PINFILE, as for --hsm-replica.
func TestGOSTInARealToken(t *testing.T) {
	parts := strings.Split(os.Getenv("QAQPA_GOST_TOKEN"), ";")
	if len(parts) != 3 {
		t.Skip("no module of Debian has CKM_GOSTR3410; QAQPA_GOST_TOKEN may name one that has")
	}
	pin, err := os.ReadFile(parts[2])
	must(t, err)
	token := open(t, &softhsm.Token{Module: parts[0], Label: parts[1], PIN: strings.TrimSpace(string(pin))}, withGOST)
	made := 0
	for _, a := range gostAlgorithms {
		label := "qaqpa-test-" + rand.Text()
		k, err := token.Generate(t.Context(), label, a)
		if err != nil {
			t.Logf("%s: %v", a, err)
			continue
		}
		made++
		checkGOST(t, k, k.SPKI())
		must(t, token.Destroy(t.Context(), label, k.ID()))
	}
	if made == 0 {
		t.Error("it makes no GOST key")
	}
}

func digestSize(t *testing.T, k crypto.Signer) int {
	t.Helper()
	pub, ok := k.Public().(hsm.GOSTKey)
	if !ok {
		t.Fatalf("the public key is %T", k.Public())
	}
	return len(pub.Bytes()) / 2
}

// checkGOST signs and has OpenSSL verify.
func checkGOST(t *testing.T, k crypto.Signer, spki []byte) {
	t.Helper()
	digest := make([]byte, digestSize(t, k))
	_, _ = rand.Read(digest)
	national, err := k.Sign(nil, digest, nil)
	must(t, err)
	rfc := slices.Clone(national)
	slices.Reverse(rfc)
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"pub.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "digest": digest, "sig": rfc,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	cmd := exec.CommandContext(t.Context(), "openssl", "pkeyutl", "-engine", "gost", "-verify", "-pubin", "-inkey", "pub.pem", "-in", "digest", "-sigfile", "sig")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verified Successfully") {
		t.Errorf("OpenSSL does not accept it: %v: %s", err, out)
	}
}
