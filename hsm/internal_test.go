package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/pkcs11"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			g      gate
			inside atomic.Int64
			calls  sync.WaitGroup
		)
		for range 100 {
			calls.Go(func() {
				for range 20 {
					if !g.enter(nil) {
						t.Error("enter gave up without a reason")
					}
					inside.Add(1)
					time.Sleep(time.Millisecond)
					inside.Add(-1)
					g.leave()
				}
			})
		}
		for range 3 {
			calls.Go(func() {
				for range 10 {
					time.Sleep(time.Millisecond)
					if !g.close(nil) {
						t.Error("close gave up without a reason")
					}
					if n := inside.Load(); n != 0 {
						t.Errorf("%d calls are inside a shut gate", n)
					}
					time.Sleep(time.Millisecond)
					if n := inside.Load(); n != 0 {
						t.Errorf("%d calls came into a shut gate", n)
					}
					g.open()
				}
			})
		}
		calls.Wait()

		g.enter(nil) // a call that never returns
		gone := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(gone) })
		if g.close(gone) {
			t.Error("the gate was shut with a call inside")
		}
		if !g.enter(nil) {
			t.Error("the gate is not open again")
		}
		g.leave()
		g.leave()
		if !g.close(nil) || g.enter(gone) || g.close(gone) {
			t.Error("a shut gate let somebody in")
		}
	})
}

func TestFaults(t *testing.T) {
	for code, want := range map[uint]struct {
		fault fault
		kind  error
	}{
		pkcs11.CKR_DATA_LEN_RANGE:           {faultNone, ErrAlgorithm},
		pkcs11.CKR_MECHANISM_INVALID:        {faultNone, ErrAlgorithm},
		pkcs11.CKR_DEVICE_MEMORY:            {faultNone, ErrTokenFull},
		pkcs11.CKR_SESSION_COUNT:            {faultNone, ErrBusy},
		pkcs11.CKR_SESSION_HANDLE_INVALID:   {faultEpoch, ErrUnavailable},
		pkcs11.CKR_USER_NOT_LOGGED_IN:       {faultEpoch, ErrUnavailable},
		pkcs11.CKR_KEY_HANDLE_INVALID:       {faultEpoch, ErrUnavailable},
		pkcs11.CKR_KEY_TYPE_INCONSISTENT:    {faultEpoch, ErrUnavailable}, // a stale handle may name a key of another type
		pkcs11.CKR_DEVICE_REMOVED:           {faultToken, ErrUnavailable},
		pkcs11.CKR_DEVICE_ERROR:             {faultToken, ErrUnavailable},
		pkcs11.CKR_TOKEN_NOT_PRESENT:        {faultToken, ErrUnavailable},
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED: {faultToken, ErrUnavailable},
		pkcs11.CKR_VENDOR_DEFINED | 0x1234:  {faultToken, ErrUnavailable},
		pkcs11.CKR_PIN_INCORRECT:            {faultToken, ErrWrongPIN},
		pkcs11.CKR_PIN_LOCKED:               {faultToken, ErrPINLocked},
	} {
		err := fmt.Errorf("while testing: %w", pkcs11.Error(code))
		if got := faultOf(err); got != want.fault {
			t.Errorf("%v is a fault of kind %d, want %d", err, got, want.fault)
		}
		if got := typed(err); !errors.Is(got, want.kind) || !errors.Is(got, pkcs11.Error(code)) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if faultOf(nil) != faultNone || typed(nil) != nil || faultOf(ErrKeyNotFound) != faultNone || !errors.Is(typed(ErrKeyNotFound), ErrKeyNotFound) {
		t.Error("errors that are not the module's must stay as they are")
	}
}

func TestPINIsNeverTriedIntoALockOut(t *testing.T) {
	const low, last, locked = pkcs11.CKF_USER_PIN_COUNT_LOW, pkcs11.CKF_USER_PIN_FINAL_TRY, pkcs11.CKF_USER_PIN_LOCKED
	fresh := func() *library {
		return &library{accepted: map[string]pinMark{}, refused: map[refusal]bool{}}
	}
	for _, flags := range []uint{last, locked, low | last, last | locked} {
		if err := fresh().mayLogIn("token", "pin", flags, false); !errors.Is(err, ErrPINLocked) {
			t.Errorf("flags %x: %v", flags, err)
		}
		if err := fresh().mayLogIn("token", "pin", flags, true); err != nil {
			t.Errorf("flags %x, logged in already: %v", flags, err)
		}
	}
	for name, c := range map[string]struct {
		shown, now uint // flags after the refusal, and at the next try
		serial     string
		pin        string
		want       error
	}{
		"the same PIN again":                   {low, low, "token", "pin", ErrWrongPIN},
		"another PIN":                          {low, low, "token", "other", nil},
		"another token":                        {low, low, "other", "pin", nil},
		"somebody has logged in since":         {low, 0, "token", "pin", nil},
		"a token that does not show its count": {0, 0, "token", "pin", ErrWrongPIN},
	} {
		l := fresh()
		l.loggedIn("token", "pin", c.shown, ErrWrongPIN)
		for range 2 {
			if err := l.mayLogIn(c.serial, c.pin, c.now, false); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestRulesNameWhatIsWrong(t *testing.T) {
	good := func() map[uint][]byte {
		values := map[uint][]byte{}
		for _, r := range rules {
			values[r.attribute] = pkcs11.NewAttribute(r.attribute, r.want).Value
		}
		return values
	}
	if err := checkRules(good()); err != nil {
		t.Error(err)
	}
	for _, r := range rules {
		values := good()
		values[r.attribute] = pkcs11.NewAttribute(r.attribute, !r.want).Value
		if err := checkRules(values); !errors.Is(err, ErrKeyAttributes) || !bytes.Contains([]byte(err.Error()), []byte(r.name)) {
			t.Errorf("%s = %t: %v", r.name, !r.want, err)
		}
		values[r.attribute] = nil // not a CK_BBOOL
		if err := checkRules(values); !errors.Is(err, ErrKeyAttributes) {
			t.Errorf("%s malformed: %v", r.name, err)
		}
		delete(values, r.attribute)
		if err := checkRules(values); (err != nil) != r.strict {
			t.Errorf("%s absent: %v", r.name, err)
		}
	}
}

func TestCurveParametersThatAreRefused(t *testing.T) {
	_, point := p256(t)
	for name, c := range map[string]struct {
		keyType       uint
		params, point string
	}{
		"explicit parameters":     {pkcs11.CKK_EC, "3003020101", point},
		"secp256k1":               {pkcs11.CKK_EC, "06052b8104000a", point},
		"P-384 with a P-256 key":  {pkcs11.CKK_EC, "06052b81040022", point},
		"no parameters":           {pkcs11.CKK_EC, "", point},
		"no point":                {pkcs11.CKK_EC, hex.EncodeToString(paramsP256), ""},
		"point off the curve":     {pkcs11.CKK_EC, hex.EncodeToString(paramsP256), point[:len(point)-2] + "00"},
		"compressed point":        {pkcs11.CKK_EC, hex.EncodeToString(paramsP256), "0421" + "02" + point[6:70]},
		"point at infinity":       {pkcs11.CKK_EC, hex.EncodeToString(paramsP256), "040100"},
		"bytes after the point":   {pkcs11.CKK_EC, hex.EncodeToString(paramsP256), point + "00"},
		"Edwards key, other name": {ckkECEdwards, "130c" + hex.EncodeToString([]byte("curve25519xx")), "0420" + point[6:70]},
		"Ed448":                   {ckkECEdwards, "06032b6571", "0439" + point[:114]},
		"Edwards key too short":   {ckkECEdwards, hex.EncodeToString(paramsEd25519), "041f" + point[6:68]},
	} {
		params, err := hex.DecodeString(c.params)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(c.point)
		if err != nil {
			t.Fatal(err)
		}
		if pub, err := parseEC(c.keyType, params, raw); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %v, %v", name, pub, err)
		}
	}
	for name, c := range map[string][2]*big.Int{
		"1024 bits":        {new(big.Int).SetBit(big.NewInt(1), 1023, 1), big.NewInt(65537)},
		"4097 bits":        {new(big.Int).SetBit(big.NewInt(1), 4096, 1), big.NewInt(65537)},
		"even modulus":     {new(big.Int).SetBit(big.NewInt(0), 2047, 1), big.NewInt(65537)},
		"exponent 1":       {new(big.Int).SetBit(big.NewInt(1), 2047, 1), big.NewInt(1)},
		"even exponent":    {new(big.Int).SetBit(big.NewInt(1), 2047, 1), big.NewInt(4)},
		"exponent too big": {new(big.Int).SetBit(big.NewInt(1), 2047, 1), new(big.Int).SetBit(big.NewInt(1), 31, 1)},
		"nothing":          {new(big.Int), new(big.Int)},
	} {
		if _, err := parseRSA(c[0].Bytes(), c[1].Bytes()); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("RSA, %s: %v", name, err)
		}
	}
}

// p256 is the generator of P-256, bare and in its OCTET STRING, in hexadecimal.
func p256(tb testing.TB) (bare []byte, der string) {
	tb.Helper()
	p := elliptic.P256().Params()
	bare = append([]byte{4}, append(p.Gx.FillBytes(make([]byte, 32)), p.Gy.FillBytes(make([]byte, 32))...)...)
	return bare, "0441" + hex.EncodeToString(bare)
}

// What is accepted as a public key is on its curve and comes out as it went in.
func FuzzParseEC(f *testing.F) {
	bare, der := p256(f)
	wrapped, err := hex.DecodeString(der)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(false, paramsP256, bare)
	f.Add(false, paramsP256, wrapped)
	f.Add(true, paramsEd25519, bytes.Repeat([]byte{4, 32}, 17))
	f.Add(true, paramsEd25519Name, append([]byte{4, 32}, make([]byte, 32)...))
	f.Add(false, paramsP521, []byte{4, 0x81, 133, 4})
	f.Fuzz(func(t *testing.T, edwards bool, params, point []byte) {
		keyType := uint(pkcs11.CKK_EC)
		if edwards {
			keyType = ckkECEdwards
		}
		pub, err := parseEC(keyType, params, point)
		if err != nil {
			return
		}
		if algorithmOf(pub) == "" {
			t.Errorf("a key of no algorithm: %v", pub)
		}
		out := []byte(nil)
		switch pub := pub.(type) {
		case ed25519.PublicKey:
			out = pub
		case *ecdsa.PublicKey:
			if out, err = pub.Bytes(); err != nil {
				t.Error(err)
			}
		}
		if !bytes.HasSuffix(point, out) || len(point)-len(out) > 3 {
			t.Errorf("%x became %x", point, out)
		}
	})
}

// The SEQUENCE holds the two halves, in the one encoding that DER allows.
func FuzzDERSignature(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Add(bytes.Repeat([]byte{0xff}, 132))
	f.Add(append(make([]byte, 31), bytes.Repeat([]byte{0x80}, 33)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) == 0 || len(raw)%2 != 0 || len(raw) > 132 {
			return
		}
		der, err := derSignature(raw)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ R, S *big.Int }
		rest, err := asn1.Unmarshal(der, &got)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%x: %v", der, err)
		}
		half := len(raw) / 2
		if got.R.Cmp(new(big.Int).SetBytes(raw[:half])) != 0 || got.S.Cmp(new(big.Int).SetBytes(raw[half:])) != 0 {
			t.Errorf("%x became %x", raw, der)
		}
		if again, err := asn1.Marshal(got); err != nil || !bytes.Equal(again, der) {
			t.Errorf("%x is not DER: %v", der, err)
		}
	})
}

// A request is refused or fits what the mechanism takes, whatever a caller passes.
func FuzzNewRequest(f *testing.F) {
	n := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1))
	bare, _ := p256(f)
	ec, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bare)
	if err != nil {
		f.Fatal(err)
	}
	keys := []crypto.PublicKey{&rsa.PublicKey{N: n, E: 65537}, ec, ed25519.NewKeyFromSeed(make([]byte, 32)).Public()}
	for key := range 3 {
		for _, h := range []crypto.Hash{0, crypto.SHA1, crypto.SHA256, crypto.SHA512, 99} {
			f.Add(key, uint(h), key == 1, -1, make([]byte, 32))
			f.Add(key, uint(h), true, 0, make([]byte, 64))
		}
	}
	f.Fuzz(func(t *testing.T, key int, hash uint, pss bool, salt int, digest []byte) {
		pub := keys[uint(key)%3]
		opts := crypto.SignerOpts(crypto.Hash(hash))
		if pss {
			opts = &rsa.PSSOptions{SaltLength: salt, Hash: crypto.Hash(hash)}
		}
		r, err := newRequest(pub, digest, opts)
		if err != nil {
			if !errors.Is(err, ErrAlgorithm) {
				t.Error(err)
			}
			return
		}
		if len(r.data) == 0 || r.size == 0 || r.mechanism.name == "" {
			t.Errorf("empty request %+v", r)
		}
		j := &judge{pub: pub, pins: newPins()}
		if _, err := j.signature(r, make([]byte, r.size)); !errors.Is(err, ErrWrongSignature) {
			t.Errorf("zeros are a signature: %v", err)
		}
		if _, err := j.signature(r, make([]byte, r.size-1)); !errors.Is(err, ErrWrongSignature) {
			t.Errorf("a short signature: %v", err)
		}
	})
}
