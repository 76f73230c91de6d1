package rawsig_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/signer/algo"
	"qaqpa/signer/rawsig"
)

var message = []byte("1 қаңтар 2026 жыл")

// Every kind of key in every form: made, verified, told what it was, and refused with any octet changed.
func TestEveryKindInEveryForm(t *testing.T) {
	for _, id := range allIdentities(t) {
		for _, form := range rawsig.Forms(id.pub.Family) {
			t.Run(id.name+" "+form.String(), func(t *testing.T) {
				sig, made := sign(t, rawsig.SignInput{Signer: id.key, Public: id.pub, Form: form, Data: message})
				if made.Form != form || made.Algorithm.Fits(id.pub) != nil {
					t.Fatalf("made %+v", made)
				}
				got, err := rawsig.Verify(id.pub, message, sig, rawsig.Options{Form: form})
				if err != nil {
					t.Fatal(err)
				}
				if got.Algorithm.OID != made.Algorithm.OID || got.Form != form {
					t.Errorf("made as %+v, verified as %+v", made, got)
				}
				for i := 0; i < len(sig); i += step(id.pub) {
					bad := bytes.Clone(sig)
					bad[i] ^= 1 << (i % 8)
					if _, err := rawsig.Verify(id.pub, message, bad, rawsig.Options{Form: form}); !errors.Is(err, algo.ErrSignature) {
						t.Fatalf("octet %d changed: %v", i, err)
					}
				}
				for _, bad := range [][]byte{nil, sig[1:], sig[:len(sig)-1], append(bytes.Clone(sig), 0)} {
					if _, err := rawsig.Verify(id.pub, message, bad, rawsig.Options{Form: form}); !errors.Is(err, algo.ErrSignature) {
						t.Errorf("%d octets in place of %d: %v", len(bad), len(sig), err)
					}
				}
				if _, err := rawsig.Verify(id.pub, message[1:], sig, rawsig.Options{Form: form}); !errors.Is(err, algo.ErrSignature) {
					t.Errorf("other message: %v", err)
				}
			})
		}
	}
}

// step is how far apart the flipped octets are: each on fast curves and under QAQPA_CONFORMANCE, else one in seven.
func step(pub algo.PublicKey) int {
	if pub.Family == algo.ECDSA && pub.Bits > 256 {
		return min(every(), 7)
	}
	return 1
}

// Another key of the same kind verifies nothing.
func TestOtherKeysVerifyNothing(t *testing.T) {
	ids := allIdentities(t)
	for _, id := range ids {
		sig, made := sign(t, rawsig.SignInput{Signer: id.key, Public: id.pub, Data: message})
		for _, other := range ids {
			if other.name == id.name {
				continue
			}
			if _, err := rawsig.Verify(other.pub, message, sig, rawsig.Options{}); err == nil {
				t.Errorf("key %s takes the signature of %s", other.name, id.name)
			}
			if _, err := rawsig.Verify(other.pub, message, sig, rawsig.Options{Algorithm: &made.Algorithm}); err == nil {
				t.Errorf("key %s takes the signature of %s under its algorithm", other.name, id.name)
			}
		}
	}
}

// What a key signs with when asked for, and what is found out when nobody says.
func TestFoundOut(t *testing.T) {
	pss, _, err := algo.PSSFor(algo.SHA384)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   string
		with func(algo.PublicKey) (algo.Signature, error)
		form rawsig.Form
	}{
		{"RSA", hashed(algo.SHA256), rawsig.Octets},
		{"RSA", hashed(algo.SHA512), rawsig.Octets},
		{"RSA", func(algo.PublicKey) (algo.Signature, error) { return pss, nil }, rawsig.Octets},
		{"P-256", hashed(algo.SHA256), rawsig.DER},
		{"P-256", hashed(algo.SHA512), rawsig.Pair},
		{"P-521", hashed(algo.SHA256), rawsig.Pair},
		{"Ed25519", hashed(0), rawsig.Octets},
		{"national 2004", hashed(0), rawsig.National},
		{"national 2015-256", hashed(algo.Streebog256), rawsig.National},
		{"national 2015-512", hashed(0), rawsig.National},
		{"RFC 2001", hashed(0), rawsig.RFC},
		{"RFC 2012-512", hashed(0), rawsig.RFC},
	} {
		id := identityNamed(t, c.id)
		s, err := c.with(id.pub)
		if err != nil {
			t.Fatalf("%s: %v", c.id, err)
		}
		sig, _ := sign(t, rawsig.SignInput{Signer: id.key, Public: id.pub, Algorithm: &s, Form: c.form, Data: message})
		got, err := rawsig.Verify(id.pub, message, sig, rawsig.Options{})
		if err != nil || got.Algorithm.Name != s.Name || got.Form != c.form {
			t.Errorf("%s with %s in %s: found %s in %s: %v", c.id, s.Name, c.form, got.Algorithm.Name, got.Form, err)
		}
		if s.Hash == 0 {
			continue
		}
		digest := s.Hash.Sum(nil, message)
		got, err = rawsig.VerifyDigest(id.pub, s.Hash, digest, sig, rawsig.Options{})
		if err != nil || got.Algorithm.Name != s.Name {
			t.Errorf("%s with %s by its digest: %s: %v", c.id, s.Name, got.Algorithm.Name, err)
		}
		digest[0] ^= 1
		if _, err := rawsig.VerifyDigest(id.pub, s.Hash, digest, sig, rawsig.Options{}); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("%s with %s by another digest: %v", c.id, s.Name, err)
		}
	}
}

func hashed(h algo.Hash) func(algo.PublicKey) (algo.Signature, error) {
	return func(pub algo.PublicKey) (algo.Signature, error) { return rawsig.Algorithm(pub, h) }
}

// SHA-1 is verified when it is named, and not found out.
func TestWeakHashesAreNotTried(t *testing.T) {
	for _, name := range []string{"RSA", "P-256"} {
		id := identityNamed(t, name)
		s, err := rawsig.Algorithm(id.pub, algo.SHA1)
		if err != nil {
			t.Fatal(err)
		}
		sig, _ := sign(t, rawsig.SignInput{Signer: id.key, Public: id.pub, Algorithm: &s, Data: message})
		if _, err := rawsig.Verify(id.pub, message, sig, rawsig.Options{Algorithm: &s}); err != nil {
			t.Errorf("%s named: %v", name, err)
		}
		if _, err := rawsig.Verify(id.pub, message, sig, rawsig.Options{}); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("%s not named: %v", name, err)
		}
	}
}

// The national and the RFC order of one signature are each other reversed; neither passes for the other unasked.
func TestOrdersAreToldApart(t *testing.T) {
	for _, name := range []string{"national 2015-512", "RFC 2012-512", "national 2004"} {
		id := identityNamed(t, name)
		sig, made := sign(t, rawsig.SignInput{Signer: id.key, Public: id.pub, Data: message})
		other := bytes.Clone(sig)
		slices.Reverse(other)
		if _, err := rawsig.Verify(id.pub, message, other, rawsig.Options{}); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("%s reversed, unasked: %v", name, err)
		}
		to := map[rawsig.Form]rawsig.Form{rawsig.National: rawsig.RFC, rawsig.RFC: rawsig.National}[made.Form]
		if _, err := rawsig.Verify(id.pub, message, other, rawsig.Options{Form: to}); err != nil {
			t.Errorf("%s reversed, asked for: %v", name, err)
		}
		converted, err := rawsig.Convert(id.pub, sig, made.Form, to)
		if err != nil || !bytes.Equal(converted, other) {
			t.Errorf("%s converted: %v", name, err)
		}
	}
}

// Convert there and back gives the same octets, for any numbers.
func TestConvertRoundTrip(t *testing.T) {
	ids := allIdentities(t)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(ids).Draw(t, "key")
		forms := rawsig.Forms(id.pub.Family)
		if len(forms) == 1 {
			t.Skip("one form")
		}
		size := 2 * ((id.pub.Bits + 7) / 8)
		pair := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "pair")
		from, to := rapid.SampledFrom(forms).Draw(t, "from"), rapid.SampledFrom(forms).Draw(t, "to")
		first, err := rawsig.Convert(id.pub, pair, rawsig.Pair, from)
		if err != nil {
			t.Fatal(err)
		}
		second, err := rawsig.Convert(id.pub, first, from, to)
		if err != nil {
			t.Fatal(err)
		}
		back, err := rawsig.Convert(id.pub, second, to, rawsig.Pair)
		if err != nil || !bytes.Equal(back, pair) {
			t.Fatalf("%x became %x: %v", pair, back, err)
		}
	})
}

func TestMalformedDERIsRefused(t *testing.T) {
	id := identityNamed(t, "P-256")
	for name, sig := range map[string]string{
		"empty":                "",
		"not a sequence":       "020101",
		"one number":           "3003020101",
		"three numbers":        "3009020101020101020101",
		"negative r":           "30060201ff020101",
		"r not minimal":        "300702020001020101",
		"r without contents":   "30050200020101",
		"length not minimal":   "308106020101020101",
		"indefinite length":    "30800201010201010000",
		"trailing octet":       "300602010102010100",
		"trailing inside":      "30070201010201010500",
		"r of 33 octets":       "302602210101010101010101010101010101010101010101010101010101010101010101010101020101",
		"OCTET STRING for r":   "3006040101020101",
		"BER constructed ints": "300a2203020101" + "2203020101",
	} {
		if _, err := rawsig.Convert(id.pub, unhex(t, sig), rawsig.DER, rawsig.Pair); !errors.Is(err, rawsig.ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	p256, rsaID, ed := identityNamed(t, "P-256"), identityNamed(t, "RSA"), identityNamed(t, "Ed25519")
	national := identityNamed(t, "national 2015-512")
	pss, _, err := algo.PSSFor(algo.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	digest := algo.SHA256.Sum(nil, message)
	for name, c := range map[string]struct {
		in   rawsig.SignInput
		want error // nil: any
	}{
		"no key":                 {rawsig.SignInput{Data: message}, nil},
		"key of another":         {rawsig.SignInput{Signer: p256.key, Public: rsaID.pub, Data: message}, rawsig.ErrKeyMismatch},
		"RSA algorithm, EC key":  {rawsig.SignInput{Signer: p256.key, Public: p256.pub, Algorithm: &pss, Data: message}, algo.ErrMismatch},
		"PSS without randomness": {rawsig.SignInput{Signer: rsaID.key, Public: rsaID.pub, Algorithm: &pss, Data: message}, nil},
		"digest for Ed25519":     {rawsig.SignInput{Signer: ed.key, Public: ed.pub, Digest: digest}, algo.ErrNeedsMessage},
		"digest of wrong length": {rawsig.SignInput{Signer: national.key, Public: national.pub, Digest: digest}, algo.ErrMismatch},
		"data and digest":        {rawsig.SignInput{Signer: p256.key, Public: p256.pub, Data: message, Digest: digest}, nil},
		"DER of RSA":             {rawsig.SignInput{Signer: rsaID.key, Public: rsaID.pub, Form: rawsig.DER, Data: message}, rawsig.ErrForm},
		"national order of EC":   {rawsig.SignInput{Signer: p256.key, Public: p256.pub, Form: rawsig.National, Data: message}, rawsig.ErrForm},
		"signer in wrong form":   {rawsig.SignInput{Signer: pairSigner{p256.key}, Public: p256.pub, Data: message}, rawsig.ErrForm},
		"silent signer":          {rawsig.SignInput{Signer: silentSigner{rsaID.key}, Public: rsaID.pub, Data: message}, nil},
	} {
		sig, _, err := rawsig.Sign(c.in)
		if err == nil || sig != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %x, %v", name, sig, err)
		}
	}
}

// pairSigner answers as a careless PKCS#11 binding does: r‖s where DER is due.
type pairSigner struct{ crypto.Signer }

func (pairSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return bytes.Repeat([]byte{0x30}, 64), nil
}

type silentSigner struct{ crypto.Signer }

func (silentSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, nil }

func TestVerifyRefuses(t *testing.T) {
	p256, national := identityNamed(t, "P-256"), identityNamed(t, "national 2004")
	sig, _ := sign(t, rawsig.SignInput{Signer: p256.key, Public: p256.pub, Data: message})
	rsaSig, err := rawsig.Algorithm(identityNamed(t, "RSA").pub, 0)
	if err != nil {
		t.Fatal(err)
	}
	dsa := algo.Signature{Family: algo.DSA, Hash: algo.SHA256}
	if _, err := rawsig.Verify(p256.pub, message, sig, rawsig.Options{Algorithm: &rsaSig}); !errors.Is(err, algo.ErrMismatch) {
		t.Errorf("algorithm of another family: %v", err)
	}
	if _, err := rawsig.Verify(p256.pub, message, sig, rawsig.Options{Algorithm: &dsa}); !errors.Is(err, algo.ErrNotAllowed) {
		t.Errorf("DSA: %v", err)
	}
	if _, err := rawsig.Verify(algo.PublicKey{Family: algo.DSA}, message, sig, rawsig.Options{}); !errors.Is(err, algo.ErrNotAllowed) {
		t.Errorf("DSA key: %v", err)
	}
	if _, err := rawsig.Verify(algo.PublicKey{}, message, sig, rawsig.Options{}); err == nil {
		t.Error("no key")
	}
	if _, err := rawsig.Verify(p256.pub, message, sig, rawsig.Options{Form: rawsig.National}); !errors.Is(err, algo.ErrSignature) {
		t.Errorf("form that the key has not: %v", err)
	}
	if _, err := rawsig.VerifyDigest(p256.pub, algo.SHA256, message, sig, rawsig.Options{}); !errors.Is(err, algo.ErrMismatch) {
		t.Errorf("digest of wrong length: %v", err)
	}
	digest := algo.Streebog256.Sum(nil, message)
	if _, err := rawsig.VerifyDigest(national.pub, algo.Streebog256, digest, make([]byte, 64), rawsig.Options{}); !errors.Is(err, algo.ErrMismatch) {
		t.Errorf("hash of another family: %v", err)
	}
	ed := identityNamed(t, "Ed25519")
	if _, err := rawsig.VerifyDigest(ed.pub, algo.SHA512, make([]byte, 64), make([]byte, 64), rawsig.Options{}); !errors.Is(err, algo.ErrNeedsMessage) {
		t.Errorf("Ed25519 by digest: %v", err)
	}
}

// Bare keys: what the public half of a signer says of itself.
func TestBareKeys(t *testing.T) {
	for _, id := range allIdentities(t) {
		pub, err := rawsig.Key(id.key.Public())
		if id.name == "RFC 2012-256" || id.name == "RFC 2012-512" {
			if !errors.Is(err, algo.ErrNotAllowed) {
				t.Errorf("%s: a curve without national OID: %v", id.name, err)
			}
			continue
		}
		if err != nil || pub.Bits != id.pub.Bits || pub.Curve != id.pub.Curve || !pub.Matches(id.key.Public()) {
			t.Errorf("%s: %+v, %v", id.name, pub, err)
		}
		sig, _ := sign(t, rawsig.SignInput{Signer: id.key, Data: message})
		if _, err := rawsig.Verify(pub, message, sig, rawsig.Options{}); err != nil {
			t.Errorf("%s: %v", id.name, err)
		}
	}
	if _, err := rawsig.Key("key"); !errors.Is(err, algo.ErrUnknownAlgorithm) {
		t.Errorf("no key: %v", err)
	}
}

func FuzzConvert(f *testing.F) {
	ids, err := identities()
	if err != nil {
		f.Fatal(err)
	}
	for i, id := range ids {
		sig, made, err := rawsig.Sign(rawsig.SignInput{Signer: id.key, Public: id.pub, Data: message, Rand: rand.Reader})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), uint8(made.Form), uint8(rawsig.Pair), sig)
	}
	f.Add(uint8(2), uint8(rawsig.DER), uint8(rawsig.Pair), []byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Fuzz(func(t *testing.T, key, from, to uint8, sig []byte) {
		id := ids[int(key)%len(ids)]
		out, err := rawsig.Convert(id.pub, sig, rawsig.Form(from), rawsig.Form(to))
		if err != nil {
			if !errors.Is(err, rawsig.ErrForm) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		back, err := rawsig.Convert(id.pub, out, rawsig.Form(to), rawsig.Form(from))
		if err != nil || !bytes.Equal(back, sig) {
			t.Fatalf("%x became %x: %v", sig, back, err)
		}
		if _, err := rawsig.Verify(id.pub, []byte("another"), sig, rawsig.Options{Form: rawsig.Form(from)}); err == nil {
			t.Fatal("forged")
		}
	})
}
