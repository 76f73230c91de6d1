package gost

import (
	"bytes"
	"encoding/hex"
	"hash"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// M2 of RFC 6986 section 10 in the order of octets.
const streebogM2 = "d1e520e2e5f2f0e82c20d1f2f0e8e1eee6e820e2edf3f6e82c20e2e5fef2fa20f120eceef0ff20f1" +
	"f2f0e5ebe0ece820ede020f5f0e0e1f0fbff20efebfaeafb20c8e3eef0e5e2fb"

func TestHashVectors(t *testing.T) {
	m2 := string(unhex(t, streebogM2))
	const m1 = "012345678901234567890123456789012345678901234567890123456789012"
	test := func() hash.Hash { return New34311(SBoxTest()) }
	pro := func() hash.Hash { return New34311(SBoxCryptoPro()) }
	for _, v := range []struct {
		source, msg string
		new         func() hash.Hash
		want        string
	}{
		{"RFC 6986 10.1.2", m1, NewStreebog256, "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"},
		{"RFC 6986 10.2.2", m2, NewStreebog256, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"},
		{
			"RFC 6986 10.1.1", m1, NewStreebog512,
			"1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa" +
				"00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48",
		},
		{
			"RFC 6986 10.2.1", m2, NewStreebog512,
			"1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376" +
				"035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28",
		},
		{
			"RFC 5831 7.3.1", "This is message, length=32 bytes", test,
			"b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa",
		},
		{
			"RFC 5831 7.3.2", "Suppose the original message has length = 50 bytes", test,
			"471aba57a60a770d3a76130635c1fbea4ef14de51f78b4ae57dd893b62f55208",
		},
		{"national, abc", "abc", test, "f3134348c44fb1b2a277729e2285ebb5cb5e0f29c975bc753b70497c06a4d51d"},
		{"test S-box, empty", "", test, "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"},
		{"CryptoPro S-box, empty", "", pro, "981e5f3ca30c841487830f84fb433e13ac1101569b9c13584ac483234cd656c0"},
		{"CryptoPro S-box, abc", "abc", pro, "b285056dbf18d7392d7677369524dd14747459ed8143997e163b2986f92fd42c"},
	} {
		t.Run(v.source, func(t *testing.T) {
			h := v.new()
			for split := range len(v.msg) + 1 {
				h.Reset()
				_, _ = h.Write([]byte(v.msg[:split]))
				_ = h.Sum(nil) // must not disturb what follows
				_, _ = h.Write([]byte(v.msg[split:]))
				if got := hex.EncodeToString(h.Sum(nil)); got != v.want {
					t.Fatalf("split at %d: got %s, want %s", split, got, v.want)
				}
			}
		})
	}
}

func TestKeyedVectors(t *testing.T) {
	key := unhex(t, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	msg := unhex(t, "0126bdb87800af214341456563780100")
	label, seed := unhex(t, "26bdb878"), unhex(t, "af21434145656378")
	check := func(source string, got []byte, want string) {
		t.Helper()
		if hex.EncodeToString(got) != want {
			t.Errorf("%s: got %x, want %s", source, got, want)
		}
	}
	check("RFC 7836 appendix B, HMAC 256", HMAC256(key, msg),
		"a1aa5f7de402d7b3d323f2991c8d4534013137010a83754fd0af6d7cd4922ed9")
	const hmac512Want = "a59bab22ecae19c65fbde6e5f4e9f5d8549d31f037f9df9b905500e171923a77" +
		"3d5f1530f2ed7e964cb2eedc29e9ad2f3afe93b2814f79f5000ffc0366c251e6"
	check("RFC 7836 appendix B, HMAC 512", HMAC512(key, msg), hmac512Want)
	check("the HMAC of nonces", newHMAC512(key).sum(nil, msg[:5], msg[5:]), hmac512Want)
	check("RFC 7836 appendix B, KDF", KDF256(key, label, seed),
		"a1aa5f7de402d7b3d323f2991c8d4534013137010a83754fd0af6d7cd4922ed9")
	tree, err := KDFTree(key, label, seed, 1, 64)
	if err != nil {
		t.Fatal(err)
	}
	check("RFC 7836 appendix B, KDF_TREE", tree,
		"22b6837845c6bef65ea71672b265831086d3c76aebe6dae91cad51d83f79d16b"+
			"074c9330599d7f8d712fca54392f4ddde93751206b3584c8f43f9e6dc51531f9")
	for _, bad := range []struct{ r, n int }{{0, 32}, {5, 32}, {1, 0}, {1, -1}, {1, 256 * 32}, {4, 1<<20 + 1}} {
		if _, err := KDFTree(key, label, seed, bad.r, bad.n); err == nil {
			t.Errorf("KDFTree gave %d octets with a counter of %d", bad.n, bad.r)
		}
	}
}

// TestSignatureVectors runs the examples of RFC 7091 (RFC 5832 has the first of them too), which print every
// number big-endian, with the nonce of the text.
func TestSignatureVectors(t *testing.T) {
	t.Run("RFC 7091 7.1", func(t *testing.T) {
		signatureVector[[4]uint64](t, Test256(), [...]string{
			"7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28",
			"2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5",
			"77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3",
			"7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B",
			"26F1B489D6701DD185C8413A977B3CBBAF64D1C593D26627DFFB101A87FF77DA",
			"41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493",
			"01456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40",
		})
	})
	t.Run("RFC 7091 7.2", func(t *testing.T) {
		signatureVector[[8]uint64](t, Test512(), [...]string{
			"0BA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B102072E8123B2200A0563322DAD2827E2714" +
				"A2636B7BFD18AADFC62967821FA18DD4",
			"3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C5917184EE536593F4414339976C647C5D5A" +
				"407ADEDB1D560C4FC6777D2972075B8C",
			"0359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F365886748ED7A44B3E794434006011842286" +
				"212273A6D14CF70EA3AF71BB1AE679F1",
			"115DC5BC96760C7B48598D8AB9E740D4C4A85A65BE33C1815B5C320C854621DD5A515856D13314AF69BC5B924C8B4DDF" +
				"F75C45415C1D9DD9DD33612CD530EFE1",
			"37C7C90CD40B0F5621DC3AC1B751CFA0E2634FA0503B3D52639F5D7FB72AFD61EA199441D943FFE7F0C70A2759A3CDB8" +
				"4C114E1F9339FDF27F35ECA93677BEEC",
			"2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD35492558486B20F1C9EC197C906998502" +
				"60C93BCBCD9C5C3317E19344E173AE36",
			"1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5823CE288E8C4F362526080DF7F70CE40" +
				"6A6EEB1F56919CB92A9853BDE73E5B4A",
		})
	})
}

// signatureVector takes d, e, k, the public x and y, r and s.
func signatureVector[E elem](t *testing.T, c *Curve, v [7]string) {
	t.Helper()
	var n [7]*big.Int
	for i, s := range v {
		n[i] = hexInt(t, s)
	}
	key := testCurve{Curve: c}.key(t, n[0])
	ref := refOf(c)
	pub := publicOf(t, key)
	if want := append(ref.le(n[3]), ref.le(n[4])...); !bytes.Equal(pub.Bytes(), want) {
		t.Errorf("public key %x, want %x", pub.Bytes(), want)
	}
	k, ok := key.scalar.(*privateKey[E])
	if !ok {
		t.Fatalf("scalar is a %T", key.scalar)
	}
	digest := ref.le(n[1])
	nonce, e := intLimbs[E](n[2]), k.group.digestNumber(digest)
	r, s, ok := k.signWith(&nonce, &e)
	if !ok || limbsInt(r).Cmp(n[5]) != 0 || limbsInt(s).Cmp(n[6]) != 0 {
		t.Errorf("r = %x, s = %x", limbsInt(r), limbsInt(s))
	}
	sig := append(ref.le(n[5]), ref.le(n[6])...)
	if !pub.Verify(digest, sig) {
		t.Error("the example does not verify in the national order")
	}
	slices.Reverse(sig)
	if !pub.VerifyRFC(digest, sig) {
		t.Error("the example does not verify in the RFC order")
	}
}

// TestParameters checks every parameter set against the properties that the standards demand: p and q prime, g on
// the curve and of order q, the order of the group within Hasse's bound, safe embedding degree.
func TestParameters(t *testing.T) {
	for _, c := range curves() {
		t.Run(c.name, func(t *testing.T) {
			r := c.ref
			if !r.p.ProbablyPrime(20) || !r.q.ProbablyPrime(20) {
				t.Fatal("p or q is not prime")
			}
			rhs := new(big.Int).Exp(r.gx, big.NewInt(3), nil)
			rhs.Add(rhs, new(big.Int).Mul(r.a, r.gx)).Add(rhs, r.b)
			if lhs := new(big.Int).Mul(r.gy, r.gy); lhs.Sub(lhs, rhs).Mod(lhs, r.p).Sign() != 0 {
				t.Error("g is off the curve")
			}
			if r.mul(r.q, r.g()).x != nil {
				t.Error("g is not of order q")
			}
			cof := int64(1)
			if c == curves()[4] || c == curves()[8] {
				cof = 4
			}
			trace := new(big.Int).Mul(r.q, big.NewInt(cof))
			trace.Sub(trace, r.p).Sub(trace, big.NewInt(1))
			bound := new(big.Int).Lsh(new(big.Int).Sqrt(r.p), 1)
			if trace.CmpAbs(bound.Add(bound, big.NewInt(1))) > 0 {
				t.Error("cofactor is wrong")
			}
			x := new(big.Int).Set(r.p)
			for i := range 131 {
				if x.Cmp(big.NewInt(1)) == 0 {
					t.Errorf("p^%d = 1 mod q", i+1)
				}
				x.Mul(x, r.p).Mod(x, r.q)
			}
		})
	}
}

// TestEdwardsForm checks the two curves of cofactor four against the twisted Edwards parameters that RFC 7836
// prints beside them, which no line of this package uses.
func TestEdwardsForm(t *testing.T) {
	for _, v := range []struct {
		c    *Curve
		e, d string
		u, v string
	}{
		{
			TC26_256A(), "1", "605F6B7C183FA81578BC39CFAD518132B9DF62897009AF7E522C32D6DC7BFFB",
			"D", "60CA1E32AA475B348488C38FAB07649CE7EF8DBE87F22E81F92B2592DBA300E7",
		},
		{
			TC26_512C(), "1", "9E4F5D8C017D8D9F13A5CF3CDF5BFE4DAB402D54198E31EBDE28A0621050439CA6B39E0A515C06B304E2CE43E79E" +
				"369E91A0CFC2BC2A22B4CA302DBB33EE7550",
			"12", "469AF79D1FB1F5E16B99592B77A01E2A0FDFB0D01794368D9A56117F7B38669522DD4B650CF789EEBF068C5D139732F0905622C04" +
				"B2BAAE7600303EE73001A3D",
		},
	} {
		t.Run(v.c.name, func(t *testing.T) {
			r := refOf(v.c)
			p := r.p
			mod := func(x *big.Int) *big.Int { return x.Mod(x, p) }
			div := func(x *big.Int, y int64) *big.Int {
				return mod(new(big.Int).Mul(x, new(big.Int).ModInverse(big.NewInt(y), p)))
			}
			e, d := hexInt(t, v.e), hexInt(t, v.d)
			s := div(new(big.Int).Sub(e, d), 4)
			tt := div(new(big.Int).Add(e, d), 6)
			a := mod(new(big.Int).Sub(new(big.Int).Mul(s, s), new(big.Int).Mul(big.NewInt(3), new(big.Int).Mul(tt, tt))))
			b := new(big.Int).Exp(tt, big.NewInt(3), p)
			b = mod(b.Lsh(b, 1).Sub(b, new(big.Int).Mul(tt, new(big.Int).Mul(s, s))))
			if a.Cmp(r.a) != 0 || b.Cmp(r.b) != 0 {
				t.Errorf("Edwards form gives a = %x, b = %x", a, b)
			}
			u, w := hexInt(t, v.u), hexInt(t, v.v)
			one := big.NewInt(1)
			x := mod(new(big.Int).Mul(new(big.Int).Mul(s, new(big.Int).Add(one, w)), new(big.Int).ModInverse(mod(new(big.Int).Sub(one, w)), p)))
			mod(x.Add(x, tt))
			y := mod(new(big.Int).Mul(s, new(big.Int).Add(one, w)))
			y = mod(y.Mul(y, new(big.Int).ModInverse(mod(new(big.Int).Mul(new(big.Int).Sub(one, w), u)), p)))
			if x.Cmp(r.gx) != 0 || y.Cmp(r.gy) != 0 {
				t.Errorf("Edwards form gives x = %x, y = %x", x, y)
			}
		})
	}
}
