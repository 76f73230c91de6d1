package gost

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

var _ crypto.Signer = (*PrivateKey)(nil)

func TestSignAndVerify(t *testing.T) {
	for _, c := range curves() {
		t.Run(c.name, func(t *testing.T) {
			n := c.bits / 8
			zero := make([]byte, n)
			digests := [][]byte{zero, c.ref.le(c.ref.q), bytes.Repeat([]byte{255}, n), pattern("digest", n)}
			for i := range 4 {
				d := c.scalar(fmt.Sprint(c.name, i))
				key := c.key(t, d)
				pub := publicOf(t, key)
				if want := c.ref.public(d); !bytes.Equal(pub.Bytes(), want) {
					t.Fatalf("public key of %x is %x, want %x", d, pub.Bytes(), want)
				}
				again, err := NewPublicKey(c.Curve, pub.Bytes())
				if err != nil || !again.Equal(pub) {
					t.Fatalf("public key does not survive its octets: %v", err)
				}
				digest := digests[i%len(digests)]
				sig, err := key.Sign(nil, digest, nil)
				if err != nil {
					t.Fatal(err)
				}
				p := refPoint{c.ref.int(pub.Bytes()[:n]), c.ref.int(pub.Bytes()[n:])}
				if !c.ref.verify(p, digest, sig) {
					t.Error("the reference refuses our signature")
				}
				if !again.Verify(digest, sig) {
					t.Error("we refuse our signature")
				}
				ours := c.ref.sign(d, c.scalar("nonce"), digest)
				if !again.Verify(digest, ours) {
					t.Error("we refuse the reference's signature")
				}
				slices.Reverse(ours)
				if !again.VerifyRFC(digest, ours) {
					t.Error("we refuse the reference's signature in the other order")
				}
				rfc, err := key.SignRFC(nil, digest)
				slices.Reverse(rfc)
				if err != nil || !bytes.Equal(rfc, sig) {
					t.Errorf("SignRFC is not Sign reversed: %v", err)
				}
			}
		})
	}
}

// TestVerifyRejects takes a good signature and spoils it in every way that the standard names.
func TestVerifyRejects(t *testing.T) {
	for _, c := range curves() {
		t.Run(c.name, func(t *testing.T) {
			n := c.bits / 8
			key := c.key(t, c.scalar("d"))
			pub := publicOf(t, key)
			digest := pattern("digest", n)
			sig, err := key.Sign(nil, digest, nil)
			if err != nil || !pub.Verify(digest, sig) {
				t.Fatalf("no good signature to begin with: %v", err)
			}
			r, s := c.ref.int(sig[:n]), c.ref.int(sig[n:])
			sum := func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }
			top := new(big.Int).Lsh(big.NewInt(1), uint(c.bits))
			pair := func(r, s *big.Int) []byte {
				if r.Cmp(top) >= 0 || s.Cmp(top) >= 0 {
					return nil
				}
				return append(c.ref.le(r), c.ref.le(s)...)
			}
			zero, q := new(big.Int), c.ref.q
			for name, bad := range map[string][]byte{
				"r = 0": pair(zero, s), "s = 0": pair(r, zero), "both 0": pair(zero, zero),
				"r = q": pair(q, s), "s = q": pair(r, q), "r + q": pair(sum(r, q), s), "s + q": pair(r, sum(s, q)),
				"-s":      pair(r, new(big.Int).Sub(q, s)),
				"swapped": pair(s, r), "r = 1": pair(big.NewInt(1), s),
				"all ones": bytes.Repeat([]byte{255}, 2*n),
				"empty":    {}, "short": sig[:2*n-1], "long": append(slices.Clone(sig), 0), "half": sig[:n],
			} {
				if pub.Verify(digest, bad) {
					t.Errorf("%s verifies", name)
				}
				if len(bad) == 2*n {
					slices.Reverse(bad)
					if pub.VerifyRFC(digest, bad) {
						t.Errorf("%s verifies in the RFC order", name)
					}
				}
			}
			for _, bad := range [][]byte{nil, digest[:n-1], append(slices.Clone(digest), 0), digest[:n/2], make([]byte, n)} {
				if pub.Verify(bad, sig) {
					t.Errorf("digest %x verifies", bad)
				}
			}
			for bit := 0; bit < 16*n; bit += 7 {
				bad := slices.Clone(sig)
				bad[bit/8] ^= 1 << (bit % 8)
				if pub.Verify(digest, bad) {
					t.Errorf("signature with bit %d flipped verifies", bit)
				}
			}
			other := publicOf(t, c.key(t, c.scalar("other")))
			if other.Verify(digest, sig) || other.Equal(pub) {
				t.Error("another key verifies")
			}
		})
	}
}

func TestPublicKeyRejects(t *testing.T) {
	for _, c := range curves() {
		t.Run(c.name, func(t *testing.T) {
			n := c.bits / 8
			x, y := c.ref.gx, c.ref.gy
			pair := func(x, y *big.Int) []byte { return append(c.ref.le(x), c.ref.le(y)...) }
			good := pair(x, y)
			if _, err := NewPublicKey(c.Curve, good); err != nil {
				t.Fatal(err)
			}
			one := big.NewInt(1)
			bad := map[string][]byte{
				"nil": nil, "short": good[:2*n-1], "long": append(slices.Clone(good), 0), "one coordinate": good[:n],
				"zeros": make([]byte, 2*n), "ones": bytes.Repeat([]byte{255}, 2*n),
				"x + 1": pair(new(big.Int).Add(x, one), y), "y - 1": pair(x, new(big.Int).Sub(y, one)),
				"swapped":    pair(y, x),
				"big endian": append(x.FillBytes(make([]byte, n)), y.FillBytes(make([]byte, n))...),
				"x = p":      pair(c.ref.p, y), "y = p": pair(x, c.ref.p),
			}
			if far := new(big.Int).Add(x, c.ref.p); far.BitLen() <= c.bits { // a residue that is not reduced
				bad["x + p"] = pair(far, y)
			}
			for name, xy := range bad {
				if k, err := NewPublicKey(c.Curve, xy); !errors.Is(err, ErrPublicKey) || k != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// TestSmallSubgroup offers the points that the two curves of cofactor four have besides the subgroup of order q:
// those of order two and four, and a good key shifted by them.
func TestSmallSubgroup(t *testing.T) {
	for _, c := range []testCurve{curves()[4], curves()[8]} {
		t.Run(c.name, func(t *testing.T) {
			r := c.ref
			low := smallOrderPoint(t, r)
			good := r.mul(c.scalar("d"), r.g())
			for order := 4; low.x != nil; order /= 2 {
				for name, p := range map[string]refPoint{"alone": low, "with a key": r.add(low, good)} {
					xy := append(r.le(p.x), r.le(p.y)...)
					if _, err := NewPublicKey(c.Curve, xy); !errors.Is(err, ErrPublicKey) {
						t.Errorf("point of order %d %s: %v", order, name, err)
					}
				}
				low = r.add(low, low)
			}
		})
	}
}

// smallOrderPoint finds a point of order four.
func smallOrderPoint(t *testing.T, c *refCurve) refPoint {
	t.Helper()
	for i := int64(1); i < 1000; i++ {
		x := big.NewInt(i)
		rhs := new(big.Int).Exp(x, big.NewInt(3), c.p)
		rhs.Add(rhs, new(big.Int).Mul(c.a, x)).Add(rhs, c.b).Mod(rhs, c.p)
		y := new(big.Int).ModSqrt(rhs, c.p)
		if y == nil {
			continue
		}
		low := c.mul(c.q, refPoint{x, y})
		if low.x != nil && c.add(low, low).x != nil {
			return low
		}
	}
	t.Fatal("no point of order four found")
	return refPoint{}
}

func TestPrivateKeyRejects(t *testing.T) {
	for _, c := range curves() {
		n := c.bits / 8
		q := c.ref.q.FillBytes(make([]byte, n))
		above := new(big.Int).Add(c.ref.q, big.NewInt(1)).FillBytes(make([]byte, n))
		for name, bad := range map[string][]byte{
			"nil": nil, "zero": make([]byte, n), "q": q, "q + 1": above,
			"ones": bytes.Repeat([]byte{255}, n), "too long": append([]byte{1}, make([]byte, n)...),
		} {
			if k, err := NewPrivateKey(c.Curve, bad); !errors.Is(err, ErrPrivateKey) || k != nil {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
		}
		k, err := NewPrivateKey(c.Curve, append(make([]byte, n+1), 5))
		short, err2 := NewPrivateKey(c.Curve, []byte{5})
		if err != nil || err2 != nil || !k.Equal(short) || len(k.Bytes()) != n {
			t.Errorf("%s: leading zeros matter: %v, %v", c.name, err, err2)
		}
		for _, l := range []int{0, n - 1, n + 1, 2 * n} {
			if sig, err := k.Sign(nil, make([]byte, l), nil); !errors.Is(err, ErrDigest) || sig != nil {
				t.Errorf("%s: digest of %d octets: %v", c.name, l, err)
			}
		}
	}
}

func TestGenerateKey(t *testing.T) {
	for _, c := range curves() {
		seed := pattern(c.name, 100*64)
		k, err := GenerateKey(c.Curve, bytes.NewReader(seed))
		if err != nil {
			t.Fatal(err)
		}
		if k.Curve() != c.Curve {
			t.Error("wrong curve")
		}
		if _, err := GenerateKey(c.Curve, bytes.NewReader(nil)); !errors.Is(err, io.EOF) {
			t.Errorf("empty source: %v", err)
		}
		if _, err := GenerateKey(c.Curve, strings.NewReader(strings.Repeat("\xff", 100*64))); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("broken source: %v", err)
		}
	}
}

// TestNonce checks that no two signatures of different digests, keys or randomness share r, and that the same
// three give the same signature.
func TestNonce(t *testing.T) {
	for _, c := range curves() {
		n := c.bits / 8
		seen := map[string]string{}
		for _, d := range []string{"a", "b"} {
			key := c.key(t, c.scalar(d))
			for _, m := range []string{"1", "2"} {
				for _, extra := range []string{"", "x", "y"} {
					var sigs [2][]byte
					for i := range sigs {
						var rand io.Reader
						if extra != "" {
							rand = bytes.NewReader(pattern(extra, 32))
						}
						sig, err := key.Sign(rand, pattern(m, n), nil)
						if err != nil {
							t.Fatal(err)
						}
						sigs[i] = sig
					}
					if !bytes.Equal(sigs[0], sigs[1]) {
						t.Errorf("%s: same input, two signatures", c.name)
					}
					r, id := string(sigs[0][:n]), d+m+extra
					if seen[r] != "" {
						t.Errorf("%s: %s and %s share a nonce", c.name, seen[r], id)
					}
					seen[r] = id
				}
			}
		}
		key := c.key(t, c.scalar("a"))
		if _, err := key.Sign(iotest.ErrReader(io.ErrNoProgress), make([]byte, n), nil); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%s: broken source: %v", c.name, err)
		}
	}
}

func TestNamesAndEquality(t *testing.T) {
	key := testCurve{Curve: CryptoProA()}.key(t, big.NewInt(77))
	for _, c := range []*Curve{TC26_256B(), CryptoProXchA()} {
		if k := (testCurve{Curve: c}).key(t, big.NewInt(77)); !k.Equal(key) || k.Curve().Name() == key.Curve().Name() {
			t.Errorf("%s is another curve than %s", c.Name(), key.Curve().Name())
		}
	}
	for _, c := range []*Curve{CryptoProB(), TC26_256C(), CryptoProC(), TC26_256D(), CryptoProXchB(), TC26_512A()} {
		if k := (testCurve{Curve: c}).key(t, big.NewInt(77)); k.Equal(key) || publicOf(t, k).Equal(publicOf(t, key)) {
			t.Errorf("%s equals %s", c.Name(), key.Curve().Name())
		}
	}
	if key.Equal(nil) || publicOf(t, key).Equal(nil) || publicOf(t, key).Equal((*PublicKey)(nil)) {
		t.Error("a key equals nil")
	}
}

// TestSecretStaysHidden prints a key in every way that a log might.
func TestSecretStaysHidden(t *testing.T) {
	d, _ := new(big.Int).SetString("123456789012345678901234567890123456789", 10)
	key := testCurve{Curve: CryptoProA()}.key(t, d)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key)
	out := log.String() + fmt.Sprintf("%v %+v %#v %s %x %d %q", key, key, key, key, key, key, key)
	for _, secret := range []string{d.String(), d.Text(16), "92 224 233", "0x5c"} {
		if strings.Contains(strings.ToLower(out), secret) {
			t.Errorf("%q is in %s", secret, out)
		}
	}
}

// TestPortableSignatures signs and verifies without the assembly of the field: the octets must be the same.
func TestPortableSignatures(t *testing.T) {
	for _, c := range curves() {
		d, digest := c.scalar("portable"), pattern("m", c.bits/8)
		want, err := c.key(t, d).Sign(nil, digest, nil)
		if err != nil {
			t.Fatal(err)
		}
		plain := *c.Curve
		switch g := c.arith.(type) {
		case *group[[4]uint64]:
			plain.arith = portableGroup(g)
		case *group[[8]uint64]:
			plain.arith = portableGroup(g)
		}
		key := testCurve{Curve: &plain}.key(t, d)
		sig, err := key.Sign(nil, digest, nil)
		if err != nil || !bytes.Equal(sig, want) {
			t.Errorf("%s: %x, %v, want %x", c.name, sig, err, want)
		}
		pub := publicOf(t, key)
		if !pub.Verify(digest, want) {
			t.Errorf("%s: refused", c.name)
		}
		sig[3] ^= 1
		if pub.Verify(digest, sig) {
			t.Errorf("%s: a wrong signature is taken", c.name)
		}
	}
}

func portableGroup[E elem](g *group[E]) *group[E] {
	c := *g
	fp, fq := *g.fp, *g.fq
	fp.kind &^= kindADX
	fq.kind &^= kindADX
	c.fp, c.fq = &fp, &fq
	if g.edwards != nil {
		e := *g.edwards
		e.f = &fp
		c.edwards = &e
	}
	return &c
}
