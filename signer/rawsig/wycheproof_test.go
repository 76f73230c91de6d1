package rawsig_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"qaqpa/signer/algo"
	"qaqpa/signer/rawsig"
)

// vectors is one file of Project Wycheproof, as far as signatures need it.
type vectors struct {
	TestGroups []struct {
		Type         string `json:"type"`
		PublicKeyDER string `json:"publicKeyDer"`
		Hash         string `json:"sha"`
		MGF          string `json:"mgf"`
		MGFHash      string `json:"mgfSha"`
		SaltLength   int    `json:"sLen"`
		Tests        []struct {
			ID      int      `json:"tcId"`
			Comment string   `json:"comment"`
			Flags   []string `json:"flags"`
			Message string   `json:"msg"`
			Sig     string   `json:"sig"`
			Result  string   `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

var hashes = map[string]algo.Hash{
	"SHA-1": algo.SHA1, "SHA-224": algo.SHA224, "SHA-256": algo.SHA256, "SHA-384": algo.SHA384, "SHA-512": algo.SHA512,
	"SHA-512/256": algo.SHA512_256, "SHA3-224": algo.SHA3_224, "SHA3-256": algo.SHA3_256, "SHA3-384": algo.SHA3_384,
	"SHA3-512": algo.SHA3_512,
}

// tally counts what became of vectors.
type tally struct{ every, seen, agree, wronglyAccepted, wronglyRefused, outOfScope int }

// every is how many vectors one is taken of: all of them under QAQPA_CONFORMANCE (make conformance), else one in eight, as the
// race detector makes curves beyond P-256 thirty times slower.
func every() int {
	if os.Getenv("QAQPA_CONFORMANCE") != "" {
		return 1
	}
	return 8
}

// Wycheproof's signatures: DER and fixed pairs of ECDSA, PKCS#1 v1.5, PSS, Ed25519, Ed448. No invalid one may be accepted. Valid
// ones are refused only where key, hash or parameters are none of ours; those marked "acceptable" may go either way.
func TestConformanceWycheproof(t *testing.T) {
	if testing.Short() {
		t.Skip("40,000 signatures")
	}
	for kind, patterns := range map[string][]string{
		"ECDSA DER":  {"ecdsa_*_test.json"},
		"ECDSA pair": {"ecdsa_*_p1363_test.json"},
		"PKCS#1":     {"rsa_signature_*_test.json"},
		"PSS":        {"rsa_pss_*_test.json"},
		"EdDSA":      {"ed25519_test.json", "ed448_test.json"},
	} {
		t.Run(kind, func(t *testing.T) {
			sum := tally{every: every()}
			for _, pattern := range patterns {
				names, err := fs.Glob(wycheproof.TestVectors, pattern)
				if err != nil || len(names) == 0 {
					t.Fatalf("no vectors for %s: %v", pattern, err)
				}
				for _, name := range names {
					if pair := strings.Contains(name, "_p1363_"); kind == "ECDSA DER" && pair {
						continue
					}
					runVectors(t, name, &sum)
				}
			}
			t.Logf("one in %d: %d agree, %d out of scope (curve, hash or parameters), %d wrongly accepted, %d wrongly refused",
				sum.every, sum.agree, sum.outOfScope, sum.wronglyAccepted, sum.wronglyRefused)
			sum.record(t, "Wycheproof "+kind)
		})
	}
}

// record adds the suite to the table of conformance when all of it was run.
func (y tally) record(t *testing.T, suite string) {
	t.Helper()
	path := os.Getenv("QAQPA_CONFORMANCE")
	if path == "" {
		return
	}
	line, err := json.Marshal(map[string]any{
		"suite": suite, "agreed": y.agree, "total": y.agree + y.wronglyAccepted + y.wronglyRefused, "out_of_scope": y.outOfScope,
		"wrongly_accepted": y.wronglyAccepted, "deviations": []string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func runVectors(t *testing.T, name string, sum *tally) {
	t.Helper()
	b, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, g := range v.TestGroups {
		pub, err := algo.ParsePublicKey(unhex(t, g.PublicKeyDER))
		s, form, ok := algorithmOf(pub, g.Type, g.Hash, g.MGFHash, g.SaltLength)
		if err != nil || !ok {
			sum.outOfScope += len(g.Tests)
			continue
		}
		for _, test := range g.Tests {
			if sum.seen++; sum.seen%sum.every != 0 {
				continue
			}
			_, err := rawsig.Verify(pub, unhex(t, test.Message), unhex(t, test.Sig), rawsig.Options{Algorithm: &s, Form: form})
			switch {
			case test.Result == "acceptable" || (err == nil) == (test.Result == "valid"):
				sum.agree++
			case errors.Is(err, algo.ErrNotAllowed):
				sum.outOfScope++
			case err == nil:
				sum.wronglyAccepted++
				t.Errorf("%s %d: accepted: %s %v", name, test.ID, test.Comment, test.Flags)
			default:
				sum.wronglyRefused++
				t.Errorf("%s %d: refused: %s %v: %v", name, test.ID, test.Comment, test.Flags, err)
			}
		}
	}
}

// algorithmOf is what a group's signatures are to be verified as; ok false where it is none of ours.
func algorithmOf(pub algo.PublicKey, kind, hash, mgf string, salt int) (algo.Signature, rawsig.Form, bool) {
	if pub.Key == nil {
		return algo.Signature{}, 0, false
	}
	if kind == "EddsaVerify" {
		s, err := rawsig.Algorithm(pub, 0)
		return s, rawsig.Octets, err == nil
	}
	h, ok := hashes[hash]
	if !ok {
		return algo.Signature{}, 0, false
	}
	if strings.HasPrefix(kind, "RsassaPss") {
		s, _, err := algo.PSSFor(h)
		if err != nil || mgf != hash {
			return algo.Signature{}, 0, false
		}
		s.PSS = &algo.PSSParams{Hash: h, SaltLength: salt}
		return s, rawsig.Octets, true
	}
	s, err := rawsig.Algorithm(pub, h)
	switch kind {
	case "EcdsaP1363Verify":
		return s, rawsig.Pair, err == nil
	case "EcdsaVerify":
		return s, rawsig.DER, err == nil
	case "RsassaPkcs1Verify":
		return s, rawsig.Octets, err == nil
	}
	return s, 0, false
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
