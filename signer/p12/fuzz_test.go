package p12

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"testing"

	"qaqpa/signer/asn1ber"
)

// typed tells whether an error is of one of the classes that the package promises.
func typed(err error) bool {
	for _, class := range []error{ErrPassword, ErrDamaged, ErrUnsupported, ErrKeyMismatch, asn1ber.ErrLimit} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// fuzzLimits keep one input short.
var fuzzLimits = Limits{Work: 10_000}

// Whatever the file is, it opens or gives a typed error; what opens can be written and opened again.
func FuzzOpen(f *testing.F) {
	key, cert := selfSigned(f)
	for _, scheme := range []Scheme{Modern, National} {
		file, err := Write(WriteInput{
			Entries: []Entry{{Alias: "a", Key: key, Certificate: cert}}, Password: testPassword,
			Scheme: scheme, Iterations: 1, Rand: rand.Reader,
		})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shell(asn1ber.Wrap(asn1ber.Sequence, bags(bag(oidKeyBag, pkcs8, bagName{friendly: "k"}), bag("1.2.3", nil, bagName{}))), nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := Open(file, testPassword, fuzzLimits)
		if err != nil {
			if !typed(err) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		_ = s.Aliases()
		for i := range s.Entries {
			if s.Entries[i].Certificate == nil {
				return
			}
		}
		if len(s.Entries) == 0 {
			return
		}
		again, err := Write(WriteInput{Entries: s.Entries, Password: "x", Iterations: 1, Rand: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(again, "x", Limits{}); err != nil {
			t.Fatal(err)
		}
	})
}

// The inside of a file, behind the MAC and the encryption: what only the maker of a file reaches.
func FuzzSafe(f *testing.F) {
	key, cert := selfSigned(f)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	certBag := bag(oidCertBag, contentInfo(oidX509Certificate, asn1ber.Primitive(asn1ber.OctetString, cert.Raw)), bagName{localID: []byte{1}})
	keyBag := bag(oidKeyBag, pkcs8, bagName{friendly: "k", localID: []byte{1}})
	f.Add(asn1ber.Wrap(asn1ber.Sequence, bags(keyBag, certBag)))
	f.Add(asn1ber.Wrap(asn1ber.Sequence, bags(bag(oidSafeBag, asn1ber.Wrap(asn1ber.Sequence, keyBag), bagName{}))))
	w := makeWriter(f)
	id, ciphertext, err := w.encrypt(asn1ber.Wrap(asn1ber.Sequence, certBag), oidRC2)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(asn1ber.Wrap(asn1ber.Sequence, contentInfo(oidEncryptedData, asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(0),
		asn1ber.Wrap(asn1ber.Sequence, oidElement(oidData), id, asn1ber.Primitive(asn1ber.Context(0), ciphertext))))))
	f.Fuzz(func(t *testing.T, safe []byte) {
		mac, err := w.mac(safe)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(shell(safe, mac), testPassword, fuzzLimits); err != nil && !typed(err) {
			t.Fatalf("untyped error: %v", err)
		}
	})
}

// A private key in the clear reads to a key or to a typed error, and a key that is read has a public half.
func FuzzPKCS8(f *testing.F) {
	key, _ := selfSigned(f)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pkcs8)
	for oid, inner := range map[string][]byte{
		"1.2.398.3.10.1.1.1.1":   asn1ber.EncodedUint([]byte{1, 2, 3}),
		"1.2.398.3.10.1.1.2.2":   asn1ber.Primitive(asn1ber.OctetString, make([]byte, 64)),
		"1.3.6.1.4.1.6801.1.5.8": asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(1), asn1ber.Primitive(asn1ber.OctetString, make([]byte, 32))),
	} {
		id := identifier(oid, asn1ber.Wrap(asn1ber.Sequence, oidElement(oid+".1")))
		f.Add(asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(0), id, asn1ber.Primitive(asn1ber.OctetString, inner)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := parsePKCS8(b)
		if err != nil {
			if !typed(damaged(err)) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if key.Public() == nil {
			t.Fatal("no public half")
		}
	})
}
