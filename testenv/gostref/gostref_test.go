package gostref_test

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"hash"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qaqpa/testenv/gostref"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sum(h hash.Hash, m []byte) string {
	h.Write(m)
	return hex.EncodeToString(h.Sum(nil))
}

// Vectors: RFC 6986 10.1 and 10.2, printed there most significant octet first, here in octet order;
// RFC 5831 7.3 (test S-box).
func TestHashVectors(t *testing.T) {
	m1 := []byte("012345678901234567890123456789012345678901234567890123456789012")
	m2 := unhex(t, "d1e520e2e5f2f0e82c20d1f2f0e8e1eee6e820e2edf3f6e82c20e2e5fef2fa20f120eceef0ff20f1f2f0e5ebe0ece820ede020f5f0e0e1f0fbff20efebfaeafb20c8e3eef0e5e2fb")
	for _, v := range []struct {
		name string
		new  func() hash.Hash
		in   []byte
		want string
	}{
		{"512 M1", gostref.NewStreebog512, m1, "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"},
		{"256 M1", gostref.NewStreebog256, m1, "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"},
		{"512 M2", gostref.NewStreebog512, m2, "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"},
		{"256 M2", gostref.NewStreebog256, m2, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"},
		{"94 empty", gostref.New94Test, nil, "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"},
		{"94 abc", gostref.New94Test, []byte("abc"), "f3134348c44fb1b2a277729e2285ebb5cb5e0f29c975bc753b70497c06a4d51d"},
		{"94 32 octets", gostref.New94Test, []byte("This is message, length=32 bytes"), "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa"},
		{"94 50 octets", gostref.New94Test, []byte("Suppose the original message has length = 50 bytes"), "471aba57a60a770d3a76130635c1fbea4ef14de51f78b4ae57dd893b62f55208"},
	} {
		t.Run(v.name, func(t *testing.T) {
			if got := sum(v.new(), v.in); got != v.want {
				t.Errorf("got %s, want %s", got, v.want)
			}
		})
	}
}

// RFC 7091 7.1: the worked example.
func TestSignatureExample(t *testing.T) {
	d := new(big.Int).SetBytes(unhex(t, "7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28"))
	e := unhex(t, "2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5")
	k := new(big.Int).SetBytes(unhex(t, "77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3"))
	key, err := gostref.NewPrivateKey(gostref.Test256(), d)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ToUpper(key.X.Text(16)); got != "7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B" {
		t.Errorf("x of the public key is %s", got)
	}
	slices.Reverse(e) // the example prints a number; the API takes octets
	r, s := key.SignNonce(e, k)
	if got := strings.ToUpper(r.Text(16)); got != "41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493" {
		t.Errorf("r = %s", got)
	}
	if got := strings.ToUpper(s.Text(16)); got != "1456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40" {
		t.Errorf("s = %s", got)
	}
}

func TestSignatureRejects(t *testing.T) {
	for _, c := range []*gostref.Curve{gostref.CryptoProA(), gostref.TC26Curve512A(), gostref.Test256()} {
		key, err := gostref.Generate(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		digest := bytes.Repeat([]byte{7}, c.Size)
		sig, err := key.Sign(nil, digest, nil)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := gostref.NewPublicKey(c, key.Bytes())
		if err != nil || !pub.Equal(key.Public()) {
			t.Fatalf("%s: public key doesn't survive: %v", c.Name, err)
		}
		if !pub.Verify(digest, sig) {
			t.Fatalf("%s: own signature refused", c.Name)
		}
		other := bytes.Repeat([]byte{8}, c.Size)
		bad := slices.Clone(sig)
		bad[3] ^= 1
		if pub.Verify(other, sig) || pub.Verify(digest, bad) || pub.Verify(digest, sig[1:]) || pub.Verify(digest, make([]byte, 2*c.Size)) {
			t.Errorf("%s: a wrong signature holds", c.Name)
		}
		off := key.Bytes()
		off[0] ^= 1
		if _, err := gostref.NewPublicKey(c, off); err == nil {
			t.Errorf("%s: a point off the curve is a key", c.Name)
		}
	}
}

// OpenSSL's GOST engine signs, we verify, and the other way. Its signature is s‖r big-endian: the
// national form reversed.
func TestEngineBothWays(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "openssl", "engine", "gost").Run(); err != nil {
		t.Skip("OpenSSL has no gost engine here (Debian: libengine-gost-openssl)")
	}
	for _, v := range []struct {
		alg, set, digest string
		curve            *gostref.Curve
		hash             func() hash.Hash
	}{
		{"gost2012_512", "A", "md_gost12_512", gostref.TC26Curve512A(), gostref.NewStreebog512},
		{"gost2012_256", "A", "md_gost12_256", gostref.CryptoProA(), gostref.NewStreebog256},
	} {
		t.Run(v.alg, func(t *testing.T) {
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			openssl(t, "genpkey", "-engine", "gost", "-algorithm", v.alg, "-pkeyopt", "paramset:"+v.set, "-out", at("key.pem"))
			openssl(t, "pkey", "-engine", "gost", "-in", at("key.pem"), "-pubout", "-out", at("pub.pem"))
			message := []byte("көк аспан, жасыл жер")
			write(t, at("m"), message)
			openssl(t, "dgst", "-engine", "gost", "-"+v.digest, "-sign", at("key.pem"), "-out", at("sig"), at("m"))

			h := v.hash()
			h.Write(message)
			digest := h.Sum(nil)
			pub := enginePublic(t, at("pub.pem"), v.curve)
			sig := read(t, at("sig"))
			slices.Reverse(sig)
			if !pub.Verify(digest, sig) {
				t.Error("the engine's signature is refused")
			}

			key := engineKey(t, at("key.pem"), v.curve)
			if !key.Equal(pub) {
				t.Fatal("private and public key of the engine differ here")
			}
			own, err := key.Sign(nil, digest, nil)
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(own)
			write(t, at("own"), own)
			openssl(t, "dgst", "-engine", "gost", "-"+v.digest, "-verify", at("pub.pem"), "-signature", at("own"), at("m"))
		})
	}
}

func openssl(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func enginePublic(t *testing.T, name string, c *gostref.Curve) *gostref.PublicKey {
	t.Helper()
	block, _ := pem.Decode(read(t, name))
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(block.Bytes, &spki); err != nil {
		t.Fatal(err)
	}
	var xy []byte
	if _, err := asn1.Unmarshal(spki.Key.Bytes, &xy); err != nil {
		t.Fatal(err)
	}
	pub, err := gostref.NewPublicKey(c, xy)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func engineKey(t *testing.T, name string, c *gostref.Curve) *gostref.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(read(t, name))
	var p8 struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
	}
	if _, err := asn1.Unmarshal(block.Bytes, &p8); err != nil {
		t.Fatal(err)
	}
	raw := p8.Key
	var inner []byte
	if _, err := asn1.Unmarshal(raw, &inner); err == nil {
		raw = inner
	}
	slices.Reverse(raw)
	key, err := gostref.NewPrivateKey(c, new(big.Int).SetBytes(raw))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
