package p12

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"syscall"
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

const testPassword = "пароль"

// makeWriter is a writer of national files with few iterations.
func makeWriter(tb testing.TB) *writer {
	tb.Helper()
	s, err := secrets(testPassword)
	if err != nil {
		tb.Fatal(err)
	}
	in := WriteInput{Password: testPassword, Scheme: National, Iterations: 1, Rand: rand.Reader}
	return &writer{WriteInput: in, secret: s[0], work: work{left: 1 << 30}}
}

// pfxOf wraps the parts of an AuthenticatedSafe, with a MAC that holds.
func pfxOf(tb testing.TB, parts ...[]byte) []byte {
	tb.Helper()
	safe := asn1ber.Wrap(asn1ber.Sequence, parts...)
	mac, err := makeWriter(tb).mac(safe)
	if err != nil {
		tb.Fatal(err)
	}
	return shell(safe, mac)
}

func shell(safe, mac []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(3), dataOf(safe), mac)
}

func dataOf(contents []byte) []byte {
	return contentInfo(oidData, asn1ber.Primitive(asn1ber.OctetString, contents))
}

func bags(of ...[]byte) []byte { return dataOf(asn1ber.Wrap(asn1ber.Sequence, of...)) }

// openFast opens a file within the second that bad input may take.
func openFast(tb testing.TB, file []byte, limits Limits) (*Store, error) {
	tb.Helper()
	start := processorTime(tb)
	s, err := Open(file, testPassword, limits)
	if d := processorTime(tb) - start; d > time.Second && !raceEnabled {
		tb.Errorf("took %s", d)
	}
	return s, err
}

// processorTime is what this process has used so far: other programs on the machine do not count.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Iteration counts are those of whoever made the file: each place that has one is tried, alone and within the limit.
func TestIterationBombs(t *testing.T) {
	count := func(n int64) []byte { return asn1ber.EncodedInt(n) }
	salt := asn1ber.Primitive(asn1ber.OctetString, []byte("saltsalt"))
	null := asn1ber.Primitive(asn1ber.Null, nil)
	ciphertext := asn1ber.Primitive(asn1ber.OctetString, make([]byte, 1024))
	pbkdf2 := func(n int64, prf string) []byte {
		return identifier("1.2.840.113549.1.5.12", asn1ber.Wrap(asn1ber.Sequence, salt, count(n), asn1ber.EncodedInt(32), identifier(prf, null)))
	}
	shrouded := func(id []byte) []byte {
		return bag(oidShroudedBag, asn1ber.Wrap(asn1ber.Sequence, id, ciphertext), bagName{})
	}
	aes := identifier(oidAES256, asn1ber.Primitive(asn1ber.OctetString, make([]byte, 16)))
	classic := func(n int64) []byte {
		return shrouded(identifier(oid3DES, asn1ber.Wrap(asn1ber.Sequence, salt, count(n))))
	}
	pbes2 := func(n int64, prf string) []byte {
		return shrouded(identifier(oidPBES2, asn1ber.Wrap(asn1ber.Sequence, pbkdf2(n, prf), aes)))
	}
	mac := func(n int64, id []byte) []byte {
		digest := asn1ber.Primitive(asn1ber.OctetString, make([]byte, 32))
		m := asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, id, digest), salt, count(n))
		return shell(asn1ber.Wrap(asn1ber.Sequence, bags()), m)
	}
	sha256, streebog := "1.2.840.113549.2.9", "1.2.643.7.1.1.4.2"
	pbmac1 := func(n int64) []byte {
		return mac(1, identifier("1.2.840.113549.1.5.14", asn1ber.Wrap(asn1ber.Sequence, pbkdf2(n, sha256), identifier(sha256, null))))
	}
	limits, n := Limits{}, int64(1)
	if raceEnabled { // fifteen times slower: the same proportions with a fifteenth of the work
		n = 15
		limits.Work = DefaultLimits().Work / int(n)
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"MAC, 2^31":                 {mac(1<<31, identifier("2.16.840.1.101.3.4.2.1", null)), asn1ber.ErrLimit},
		"MAC, beyond 2^31":          {mac(1<<40, identifier("2.16.840.1.101.3.4.2.1", null)), asn1ber.ErrLimit},
		"MAC, zero":                 {mac(0, identifier("2.16.840.1.101.3.4.2.1", null)), ErrDamaged},
		"MAC, negative":             {mac(-1, identifier("2.16.840.1.101.3.4.2.1", null)), ErrDamaged},
		"MAC, within":               {mac(3_900_000/n, identifier("2.16.840.1.101.3.4.2.1", null)), ErrPassword},
		"MAC, Streebog, within":     {mac(60_000/n, identifier("1.2.643.7.1.1.2.3", nil)), ErrPassword},
		"MAC, GOST 94, within":      {mac(25_000/n, identifier("1.2.643.2.2.9", nil)), ErrPassword},
		"MAC, Streebog, beyond":     {mac(600_000/n, identifier("1.2.643.7.1.1.2.3", nil)), asn1ber.ErrLimit},
		"PBMAC1, 2^31":              {pbmac1(1 << 31), asn1ber.ErrLimit},
		"PBMAC1, within":            {pbmac1(1_900_000 / n), ErrPassword},
		"key, 2^31":                 {pfxOf(t, bags(classic(1<<31))), asn1ber.ErrLimit},
		"key, within":               {pfxOf(t, bags(classic(1_300_000/n))), ErrPassword},
		"key, PBES2, 2^31":          {pfxOf(t, bags(pbes2(1<<31, sha256))), asn1ber.ErrLimit},
		"key, PBES2, within":        {pfxOf(t, bags(pbes2(1_990_000/n, sha256))), ErrPassword},
		"key, Streebog, within":     {pfxOf(t, bags(pbes2(190_000/n, streebog))), ErrPassword},
		"ten keys, each within":     {pfxOf(t, bags(bytes.Repeat(classic(1_000_000/n), 10))), asn1ber.ErrLimit},
		"a hundred keys":            {pfxOf(t, bags(bytes.Repeat(classic(1), 100))), asn1ber.ErrLimit},
		"two readings of no MAC":    {shell(asn1ber.Wrap(asn1ber.Sequence, bags(classic(1_300_000/n))), nil), ErrPassword},
		"two parts, one too many":   {pfxOf(t, bags(pbes2(1_500_000/n, sha256)), bags(pbes2(1_500_000/n, sha256))), asn1ber.ErrLimit},
		"SHA-512, three times dear": {pfxOf(t, bags(pbes2(700_000/n, "1.2.840.113549.2.11"))), asn1ber.ErrLimit},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openFast(t, c.file, limits); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// Shapes that cost more than they look.
func TestHostileShapes(t *testing.T) {
	nested := asn1ber.Wrap(asn1ber.Sequence)
	for range 60 {
		nested = asn1ber.Wrap(asn1ber.Sequence, bag(oidSafeBag, nested, bagName{}))
	}
	chunk := asn1ber.Primitive(asn1ber.OctetString, make([]byte, 100))
	for range 60 {
		chunk = asn1ber.Wrap(asn1ber.OctetString, chunk)
	}
	cert := bag(oidCertBag, contentInfo(oidX509Certificate, asn1ber.Primitive(asn1ber.OctetString, []byte{0x30, 0})), bagName{})
	unknown := bag("1.2.3.4", asn1ber.EncodedInt(1), bagName{})
	twice := bag(oidCertBag, contentInfo("1.2.3", nil), bagName{friendly: "a"})
	twice = bytes.Replace(twice, asn1ber.Wrap(asn1ber.Set, attribute(oidFriendlyName, asn1ber.Primitive(asn1ber.BMPString, []byte("\x00a")))),
		asn1ber.Wrap(asn1ber.Set, bytes.Repeat(attribute(oidFriendlyName, asn1ber.Primitive(asn1ber.BMPString, []byte("\x00a"))), 2)), 1)
	salt := asn1ber.Primitive(asn1ber.OctetString, make([]byte, 500_000))
	big := identifier(oid3DES, asn1ber.Wrap(asn1ber.Sequence, salt, asn1ber.EncodedInt(1)))
	for name, c := range map[string]struct {
		file []byte
		want error // nil: opens
	}{
		"empty":              {nil, ErrDamaged},
		"text":               {[]byte(strings.Repeat("PKCS12", 1000)), ErrDamaged},
		"a mebibyte more":    {make([]byte, 2<<20), asn1ber.ErrLimit},
		"safes in safes":     {pfxOf(t, dataOf(nested)), asn1ber.ErrLimit},
		"strings in strings": {asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(3), contentInfo(oidData, chunk)), asn1ber.ErrLimit},
		"open lengths":       {bytes.Repeat([]byte{0x30, 0x80}, 100_000), asn1ber.ErrLimit},
		"bags":               {pfxOf(t, bags(bytes.Repeat(unknown, 1000))), asn1ber.ErrLimit},
		"unknown bags":       {pfxOf(t, bags(bytes.Repeat(unknown, 100))), nil},
		"elements":           {pfxOf(t, bags(bag("1.2.3", asn1ber.Wrap(asn1ber.Sequence, bytes.Repeat([]byte{5, 0}, 100_000)), bagName{}))), nil},
		"broken certificate": {pfxOf(t, bags(cert)), ErrDamaged},
		"a name twice":       {pfxOf(t, bags(twice)), ErrDamaged},
		"endless salt":       {pfxOf(t, bags(bag(oidShroudedBag, asn1ber.Wrap(asn1ber.Sequence, big, chunk), bagName{}))), asn1ber.ErrLimit},
		"nothing inside":     {pfxOf(t), nil},
		"signed, not MACed":  {asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(3), contentInfo("1.2.840.113549.1.7.2", asn1ber.EncodedInt(1))), ErrUnsupported},
		"enveloped":          {pfxOf(t, contentInfo("1.2.840.113549.1.7.3", asn1ber.EncodedInt(1))), ErrUnsupported},
		"version 4":          {asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(4), dataOf(nil)), ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openFast(t, c.file, Limits{}); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// Private keys in the clear, as they come out of decryption: what is refused, and that none of it takes long.
func TestHostileKeys(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := x509.MarshalPKCS8PrivateKey(p256)
	if err != nil {
		t.Fatal(err)
	}
	gostKey := func(oid, set string, scalar []byte) []byte {
		id := identifier(oid, asn1ber.Wrap(asn1ber.Sequence, oidElement(set)))
		return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(0), id, asn1ber.Primitive(asn1ber.OctetString, scalar))
	}
	set512 := "1.2.398.3.10.1.1.2.2.1"
	octets := func(n int, fill byte) []byte {
		return asn1ber.Primitive(asn1ber.OctetString, bytes.Repeat([]byte{fill}, n))
	}
	for name, c := range map[string]struct {
		pkcs8 []byte
		want  error
	}{
		"good":                          {good, nil},
		"unknown algorithm":             {gostKey("1.2.3.4", set512, octets(64, 1)), ErrUnsupported},
		"X25519":                        {identifierKey("1.3.101.110", octets(32, 1)), ErrUnsupported},
		"DSA":                           {identifierKey("1.2.840.10040.4.1", octets(32, 1)), ErrUnsupported},
		"EC without curve":              {identifierKey("1.2.840.10045.2.1", octets(32, 1)), ErrDamaged},
		"Ed25519 of 31 octets":          {identifierKey("1.3.101.112", octets(31, 1)), ErrDamaged},
		"GOST without curve":            {identifierKey("1.2.398.3.10.1.1.2.2", octets(64, 1)), ErrDamaged},
		"GOST, unknown curve":           {gostKey("1.2.398.3.10.1.1.2.2", "1.2.3", octets(64, 1)), ErrUnsupported},
		"GOST, zero":                    {gostKey("1.2.398.3.10.1.1.2.2", set512, octets(64, 0)), ErrDamaged},
		"GOST, beyond q":                {gostKey("1.2.398.3.10.1.1.2.2", set512, octets(64, 0xff)), ErrDamaged},
		"GOST, 63 octets":               {gostKey("1.2.398.3.10.1.1.2.2", set512, octets(63, 1)), ErrDamaged},
		"GOST, negative INTEGER":        {gostKey("1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.1.1.1.1", []byte{2, 1, 0xff}), ErrDamaged},
		"GOST, INTEGER of 65 octets":    {gostKey("1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.1.1.1.1", asn1ber.EncodedUint(bytes.Repeat([]byte{1}, 65))), ErrDamaged},
		"GOST, bare under national":     {gostKey("1.2.398.3.10.1.1.2.2", set512, bytes.Repeat([]byte{1}, 64)), ErrDamaged},
		"GOST, NULL for a scalar":       {gostKey("1.2.398.3.10.1.1.2.2", set512, []byte{5, 0}), ErrDamaged},
		"GOST 6801 with parameters":     {gostKey("1.3.6.1.4.1.6801.1.5.8", set512, octets(32, 1)), ErrDamaged},
		"GOST 6801, version 2":          {identifierKey("1.3.6.1.4.1.6801.1.5.8", asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(2), octets(32, 1))), ErrDamaged},
		"RSA of 16,384 bits":            {rsaKey(t, 16384), asn1ber.ErrLimit},
		"RSA of 6,144 bits":             {rsaKey(t, 6144), asn1ber.ErrLimit},
		"RSA without numbers":           {identifierKey("1.2.840.113549.1.1.1", []byte{0x30, 0}), ErrDamaged},
		"RSA that does not multiply up": {rsaKey(t, 4096), ErrDamaged},
		"trailing octets":               {append(bytes.Clone(good), 0), ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openFast(t, pfxOf(t, bags(bag(oidKeyBag, c.pkcs8, bagName{}))), Limits{})
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err == nil && (len(s.Entries) != 1 || s.Entries[0].Certificate != nil || s.Entries[0].Alias != "key 1") {
				t.Errorf("%v", s)
			}
		})
	}
}

func identifierKey(oid string, octets []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(0), identifier(oid, nil), asn1ber.Primitive(asn1ber.OctetString, octets))
}

// rsaKey is of the right shape and of wrong numbers.
func rsaKey(tb testing.TB, bits uint) []byte {
	tb.Helper()
	odd := func(bits uint) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(3), bits-2)
		return n.Add(n, big.NewInt(7))
	}
	p, q := odd(bits/2), odd(bits/2)
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: odd(bits), E: 65537}, D: odd(bits - 1), Primes: []*big.Int{p, q}}
	numbers := [][]byte{asn1ber.EncodedInt(0)}
	for _, n := range []*big.Int{k.N, big.NewInt(65537), k.D, p, q, odd(bits/2 - 1), odd(bits/2 - 1), odd(bits/2 - 1)} {
		numbers = append(numbers, asn1ber.EncodedUint(n.Bytes()))
	}
	id := identifier("1.2.840.113549.1.1.1", asn1ber.Primitive(asn1ber.Null, nil))
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(0), id,
		asn1ber.Primitive(asn1ber.OctetString, asn1ber.Wrap(asn1ber.Sequence, numbers...)))
}

// A certificate under a key's id that holds another key is no certificate of it.
func TestMismatch(t *testing.T) {
	keyA, certA := selfSigned(t)
	_, certB := selfSigned(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(keyA)
	if err != nil {
		t.Fatal(err)
	}
	id := bagName{localID: []byte{1, 2, 3}}
	key := bag(oidKeyBag, pkcs8, id)
	cert := func(c *pkix.Certificate, name bagName) []byte {
		return bag(oidCertBag, contentInfo(oidX509Certificate, asn1ber.Primitive(asn1ber.OctetString, c.Raw)), name)
	}
	if _, err := Open(pfxOf(t, bags(key, cert(certB, id))), testPassword, Limits{}); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("another's certificate under the key's id: %v", err)
	}
	for name, parts := range map[string][][]byte{
		"both under the id":  {key, cert(certB, id), cert(certA, id)},
		"its own without id": {cert(certB, id), cert(certA, bagName{}), key},
		"no id on either":    {bag(oidKeyBag, pkcs8, bagName{}), cert(certB, bagName{}), cert(certA, bagName{})},
	} {
		s, err := Open(pfxOf(t, bags(parts...)), testPassword, Limits{})
		if err != nil || !s.Entries[0].Certificate.Equal(certA) || len(s.Certificates) != 1 || !s.Certificates[0].Equal(certB) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	s, err := Open(pfxOf(t, bags(key, cert(certB, bagName{}))), testPassword, Limits{})
	if err != nil || s.Entries[0].Certificate != nil {
		t.Errorf("no certificate of its own: %v, %v", s, err)
	}
}

func selfSigned(tb testing.TB) (crypto.Signer, *pkix.Certificate) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := pkix.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return key, c
}
