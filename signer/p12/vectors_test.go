package p12

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/pbkdf2"
	"pgregory.net/rapid"

	"qaqpa/signer/algo"
)

// The derivation of RFC 7292 B.2 against values of other programs: PKCS #12 test files of Bouncy Castle and OpenSSL, as
// collected in golang.org/x/crypto/pkcs12. The second and third meet a number with leading zeros.
func TestDerivation(t *testing.T) {
	for _, v := range []struct {
		password, salt string
		iterations     int
		id             purpose
		octets         int
		want           string
	}{
		{"sesame", "ffffffffffffffff", 2048, forKey, 24, "7cd9fd3e2b3be7691a44e3bef0f9ea0fb9b897d4e325d9d1"},
		{"", "f37e05b518324b4b", 2048, forKey, 24, "00f759ff47d14dd03665d5943cb3c4a39a2555c02aed66e1"},
	} {
		in, err := secrets(v.password)
		if err != nil {
			t.Fatal(err)
		}
		s := stretch{hash: algo.SHA1, salt: unhex(t, v.salt), iterations: v.iterations}
		got, err := s.pkcs12(&work{1 << 20}, v.id, in[0].bmp, v.octets)
		if err != nil || hex.EncodeToString(got) != v.want {
			t.Errorf("%q: %x, want %s: %v", v.password, got, v.want, err)
		}
	}
}

// PBKDF2 is the standard library's; the work it is charged for covers what it does.
func TestPBKDF2AgreesWithAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringN(0, 20, 60).Draw(t, "password")
		h := rapid.SampledFrom([]algo.Hash{algo.SHA1, algo.SHA256, algo.SHA512, algo.Streebog512}).Draw(t, "hash")
		s := stretch{hash: h, salt: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "salt"), iterations: rapid.IntRange(1, 8).Draw(t, "n")}
		n := rapid.IntRange(1, 100).Draw(t, "octets")
		got, err := s.pbkdf2(&work{1 << 20}, password, n)
		if want := pbkdf2.Key([]byte(password), s.salt, s.iterations, n, h.New); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x: %v", got, want, err)
		}
	})
}

// RFC 9579 appendix A: PBMAC1, and the three ways in which it must be refused.
func TestPBMAC1(t *testing.T) {
	for name, want := range map[string]error{
		"a1": nil, "a2": nil, "a3": nil, "a4": ErrDamaged, "a5": ErrDamaged, "a6": ErrUnsupported,
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "rfc9579", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		file, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(file, "1234", Limits{})
		if !errors.Is(err, want) || err == nil && (!s.Authenticated || len(s.Entries) != 1 || s.Entries[0].Certificate == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Open(file, "12345", Limits{}); want == nil && !errors.Is(err, ErrPassword) {
			t.Errorf("%s, other password: %v", name, err)
		}
	}
}

// The password stays hidden whatever is printed.
func TestSecretHidesItself(t *testing.T) {
	s := secret{text: "Qwerty12", bmp: []byte("Q")}
	for _, shown := range []string{s.String(), s.GoString()} {
		if shown != "hidden" {
			t.Error(shown)
		}
	}
}
