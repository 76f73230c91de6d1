package tsa_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	cryptopkix "crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/audit"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsa"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/postgres"
	"qaqpa/testenv/softhsm"

	"github.com/jmoiron/sqlx"
)

const policy = "1.2.398.3.3.2.6.4"

// bench is an authority's surroundings, with a clock that the test sets.
type bench struct {
	*testing.T
	db *sqlx.DB

	mu    sync.Mutex
	at    time.Time
	bound time.Duration
	err   error
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{T: t, db: postgres.ForTest(t, signer.Migrate), at: time.Date(2026, 9, 1, 10, 20, 30, 123456000, time.UTC), bound: time.Millisecond}
}

func (b *bench) now() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.at }

func (b *bench) add(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.at = b.at.Add(d) }

func (b *bench) sure(bound time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bound, b.err = bound, err
}

// Check is the state of the clock as the test wants it.
func (b *bench) Check(context.Context) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bound, b.err
}

// certificate makes a certificate of a key for time stamping.
func (b *bench) certificate(key crypto.Signer, change func(*x509.Certificate)) *pkix.Certificate {
	b.Helper()
	value, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	b.must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: cryptopkix.Name{CommonName: "Уақыт белгісі"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: b.now().AddDate(-1, 0, 0), NotAfter: b.now().AddDate(1, 0, 0),
		ExtraExtensions: []cryptopkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	b.must(err)
	c, err := pkix.ParseCertificate(der)
	b.must(err)
	return c
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) key() crypto.Signer {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	b.must(err)
	return key
}

func (b *bench) open(key crypto.Signer, change func(*tsa.Config)) (*tsa.Authority, *pkix.Certificate, error) {
	b.Helper()
	log, err := audit.New(audit.Config{Now: b.now})
	b.must(err)
	cert := b.certificate(key, nil)
	cfg := tsa.Config{
		DB: b.db, Audit: log, Key: key, Chain: []*pkix.Certificate{cert}, Policy: policy, Policies: []string{"1.2.398.3.3.2.6.2"},
		Accuracy: 500 * time.Millisecond, Clock: b, Now: b.now,
	}
	if change != nil {
		change(&cfg)
	}
	a, err := tsa.New(b.Context(), cfg)
	return a, cert, err
}

func query(tb testing.TB, change func(*tsp.Request)) (tsp.Request, []byte) {
	tb.Helper()
	q := tsp.Request{Hash: algo.SHA256, Imprint: algo.SHA256.Sum(nil, []byte("түбіртек")), Nonce: []byte{0xff, 1, 2}, Certificates: true}
	if change != nil {
		change(&q)
	}
	raw, err := q.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return q, raw
}

// stamp has one token made and checks it.
func (b *bench) stamp(a *tsa.Authority, cert *pkix.Certificate, change func(*tsp.Request)) *tsp.Token {
	b.Helper()
	q, raw := query(b, change)
	reply, err := a.Stamp(b.Context(), raw, "client:test")
	b.must(err)
	p, err := tsp.ParseResponse(reply)
	b.must(err)
	if checks := p.Token.VerifyResponse(q, cert); checks.Worst().Status != cms.Passed {
		b.Errorf("%s", checks)
	}
	return p.Token
}

// refused has a request refused and returns why.
func (b *bench) refused(a *tsa.Authority, raw []byte) string {
	b.Helper()
	reply, err := a.Stamp(b.Context(), raw, "client:test")
	b.must(err)
	p, err := tsp.ParseResponse(reply)
	var why *tsp.RefusedError
	if !errors.As(err, &why) || p.Token != nil || p.Status != tsp.Rejection {
		b.Fatalf("got %+v, %v", p, err)
	}
	return strings.Join(p.Failures, ", ")
}

func TestStamp(t *testing.T) {
	b := newBench(t)
	a, cert, err := b.open(b.key(), nil)
	b.must(err)
	token := b.stamp(a, cert, nil)
	i := token.Info
	if !i.GenTime.Equal(b.now()) || i.Accuracy != 500*time.Millisecond || i.Ordering || i.Policy != policy || len(token.CMS.Certificates) != 1 {
		t.Errorf("%+v", i)
	}
	other := b.stamp(a, cert, func(q *tsp.Request) { q.Policy, q.Certificates, q.Nonce = "1.2.398.3.3.2.6.2", false, nil })
	if other.Info.Policy != "1.2.398.3.3.2.6.2" || len(other.CMS.Certificates) != 0 || other.Info.Nonce != nil {
		t.Errorf("%+v with %d certificates", other.Info, len(other.CMS.Certificates))
	}
	if !other.Info.GenTime.After(i.GenTime) || bytes.Equal(other.Info.Serial, i.Serial) {
		t.Error("two tokens have one time or one serial number")
	}
	var entries int
	b.must(b.db.Get(&entries, `SELECT count(*) FROM audit_entries WHERE action = 'timestamp.issued' AND actor = 'client:test'`))
	if entries != 2 {
		t.Errorf("%d audit entries for 2 tokens", entries)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	b := newBench(t)
	a, _, err := b.open(b.key(), nil)
	b.must(err)
	_, good := query(t, nil)
	encode := func(change func(*tsp.Request)) []byte { _, raw := query(t, change); return raw }
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"nothing":          {nil, "data has the wrong format"},
		"no ASN.1":         {[]byte("hello"), "data has the wrong format"},
		"trailing":         {append(bytes.Clone(good), 0), "data has the wrong format"},
		"cut":              {good[:len(good)-1], "data has the wrong format"},
		"unknown policy":   {encode(func(q *tsp.Request) { q.Policy = "1.2.3.4" }), "policy not accepted"},
		"SHA-1":            {encode(func(q *tsp.Request) { q.Hash, q.Imprint = algo.SHA1, make([]byte, 20) }), "algorithm not recognised"},
		"unknown hash":     {bytes.Replace(good, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1}, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 99}, 1), "algorithm not recognised"},
		"imprint too long": {bytes.Replace(good, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1}, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3}, 1), "data has the wrong format"},
		"version 2":        {bytes.Replace(good, []byte{2, 1, 1}, []byte{2, 1, 2}, 1), "request not permitted"},
		"critical one":     {extended(good, true), "extension not accepted"},
		"not critical one": {extended(good, false), "extension not accepted"},
		"policy, no OID":   {append([]byte{0x30, good[1] + 2}, append(bytes.Clone(good[2:]), 6, 0)...), "data has the wrong format"},
		"extension":        {append([]byte{0x30, good[1] + 2}, append(bytes.Clone(good[2:]), 0xa0, 0)...), "extension not accepted"},
		"a megabyte":       {make([]byte, 1<<20), "data has the wrong format"},
	} {
		if got := b.refused(a, c.raw); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// extended is a request with an extension that nobody knows.
func extended(request []byte, critical bool) []byte {
	e := []byte{6, 3, 0x2a, 3, 4} // 1.2.3.4
	if critical {
		e = append(e, 1, 1, 0xff)
	}
	e = append(e, 4, 0)
	e = append([]byte{0xa0, byte(len(e) + 2), 0x30, byte(len(e))}, e...)
	return append([]byte{0x30, request[1] + byte(len(e))}, append(bytes.Clone(request[2:]), e...)...)
}

func TestUnsureClockStampsNothing(t *testing.T) {
	b := newBench(t)
	a, cert, err := b.open(b.key(), nil)
	b.must(err)
	_, raw := query(t, nil)
	b.stamp(a, cert, nil)
	const want = "time source not available"

	b.add(11 * time.Second) // the last check is too old
	b.sure(time.Second, nil)
	if got := b.refused(a, raw); got != want {
		t.Errorf("a clock that may be a second off: %q", got)
	}
	b.add(11 * time.Second)
	b.sure(0, errors.New("nobody keeps the clock"))
	if got := b.refused(a, raw); got != want {
		t.Errorf("a clock that nobody keeps: %q", got)
	}
	b.add(11 * time.Second)
	b.sure(time.Millisecond, nil)
	last := b.stamp(a, cert, nil)

	b.add(-10 * time.Second) // set back behind what was stated, and said to be right
	if got := b.refused(a, raw); got != want {
		t.Errorf("a clock that was set back: %q", got)
	}
	b.add(9900 * time.Millisecond) // less than it may be off
	if next := b.stamp(a, cert, nil); !next.Info.GenTime.After(last.Info.GenTime) {
		t.Error("a later token has an earlier time")
	}
}

func TestSerialNumbersNeverRepeat(t *testing.T) {
	b := newBench(t)
	key := b.key()
	var (
		mu   sync.Mutex
		all  sync.WaitGroup
		seen = map[string]bool{}
	)
	for range 4 { // instances that start at once, and are never told to stop
		all.Go(func() {
			a, cert, err := b.open(key, nil)
			if err != nil {
				t.Error(err)
				return
			}
			var own sync.WaitGroup
			for range 4 {
				own.Go(func() {
					for range 5 {
						serial := string(b.stamp(a, cert, nil).Info.Serial)
						mu.Lock()
						if seen[serial] {
							t.Errorf("serial number %x again", serial)
						}
						seen[serial] = true
						mu.Unlock()
					}
				})
			}
			own.Wait()
		})
	}
	all.Wait()
	if len(seen) != 80 {
		t.Errorf("%d serial numbers for 80 tokens", len(seen))
	}
}

func TestOrderedAuthorities(t *testing.T) {
	b := newBench(t)
	key := b.key()
	ordered := func(c *tsa.Config) { c.Ordering = true }
	first, cert, err := b.open(key, ordered)
	b.must(err)
	b.add(time.Second)
	one := b.stamp(first, cert, nil)
	second, cert2, err := b.open(key, ordered)
	b.must(err)
	_, raw := query(t, nil)
	if _, err := second.Stamp(b.Context(), raw, "x"); !errors.Is(err, tsa.ErrLease) {
		t.Errorf("before the times of the other instance are over: %v", err)
	}
	b.add(3 * time.Second)
	two := b.stamp(first, cert, nil) // within its lease
	b.add(10 * time.Second)
	if _, err := first.Stamp(b.Context(), raw, "x"); !errors.Is(err, tsa.ErrLease) {
		t.Errorf("an instance that was superseded: %v", err)
	}
	three := b.stamp(second, cert2, nil)
	if !one.Info.Ordering || !two.Info.GenTime.After(one.Info.GenTime) || !three.Info.GenTime.After(two.Info.GenTime) {
		t.Errorf("%v, %v, %v", one.Info.GenTime, two.Info.GenTime, three.Info.GenTime)
	}
}

func TestCertificatesThatAreRefused(t *testing.T) {
	b := newBench(t)
	key := b.key()
	for name, change := range map[string]func(*x509.Certificate){
		"for signing mail": func(c *x509.Certificate) {
			c.ExtraExtensions = nil
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		},
		"not critical":    func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false },
		"for anything":    func(c *x509.Certificate) { c.ExtraExtensions = nil },
		"not for signing": func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment },
		"expired":         func(c *x509.Certificate) { c.NotAfter = b.now().Add(-time.Second) },
		"not yet valid":   func(c *x509.Certificate) { c.NotBefore = b.now().Add(time.Hour) },
	} {
		_, _, err := b.open(key, func(c *tsa.Config) { c.Chain = []*pkix.Certificate{b.certificate(key, change)} })
		if !errors.Is(err, tsa.ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := b.open(key, func(c *tsa.Config) { c.Key = b.key() }); !errors.Is(err, tsa.ErrCertificate) {
		t.Errorf("certificate of another key: %v", err)
	}
	if _, _, err := b.open(key, func(c *tsa.Config) { c.Policy = "none" }); err == nil {
		t.Error("a policy that is no OID was accepted")
	}
	a, _, err := b.open(key, nil)
	b.must(err)
	b.add(2 * 365 * 24 * time.Hour) // it expires while we serve
	_, raw := query(t, nil)
	if _, err := a.Stamp(b.Context(), raw, "x"); !errors.Is(err, tsa.ErrCertificate) {
		t.Errorf("a certificate that has expired since: %v", err)
	}
}

// sparing is a key that counts how often it is asked.
type sparing struct {
	crypto.Signer
	used atomic.Int32
}

func (k *sparing) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.used.Add(1)
	return k.Signer.Sign(r, digest, opts)
}

// TestKeyIsSpared: with a certificate that has expired or was withdrawn while we serve, the key is not even asked, nothing is on record, and
// the next request asks anew.
func TestKeyIsSpared(t *testing.T) {
	b := newBench(t)
	key := &sparing{Signer: b.key()}
	var withdrawn error
	asked := 0
	a, cert, err := b.open(key, func(c *tsa.Config) {
		c.Withdrawn = func(_ context.Context, chain []*pkix.Certificate) error {
			if asked++; len(chain) == 0 {
				t.Error("nothing to judge")
			}
			return withdrawn
		}
	})
	b.must(err)
	_, raw := query(t, nil)
	made := key.used.Load() // the certificate signed itself
	refused := func(what string) {
		t.Helper()
		if reply, err := a.Stamp(b.Context(), raw, "client:test"); !errors.Is(err, tsa.ErrCertificate) || reply != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	withdrawn = errors.New("revoked")
	refused("withdrawn")
	refused("withdrawn, once more")
	withdrawn = nil
	b.stamp(a, cert, nil)
	b.stamp(a, cert, nil)
	if asked != 3 || key.used.Load() != made+2 {
		t.Errorf("asked %d times, the key was used %d times", asked, key.used.Load()-made)
	}
	b.add(61 * time.Second)
	gone, leave := context.WithCancel(b.Context())
	leave()
	withdrawn = gone.Err() // somebody who does not wait says nothing about the certificate
	if _, err := a.Stamp(gone, raw, "client:test"); !errors.Is(err, context.Canceled) || errors.Is(err, tsa.ErrCertificate) {
		t.Errorf("a client that has gone: %v", err)
	}
	withdrawn = errors.New("revoked")
	refused("withdrawn since")
	withdrawn = nil
	b.add(2 * 365 * 24 * time.Hour)
	refused("expired since")
	var entries int
	b.must(b.db.Get(&entries, `SELECT count(*) FROM audit_entries WHERE action = 'timestamp.issued'`))
	if key.used.Load() != made+2 || entries != 2 {
		t.Errorf("the key was used %d times, %d tokens are on record", key.used.Load()-made, entries)
	}
}

// OpenSSL makes the request and verifies the response.
func TestOpenSSLVerifies(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	b := newBench(t)
	b.at = time.Now().UTC() // OpenSSL judges the certificate by the real clock
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	b.must(err)
	soft := softhsm.ForTest(t)
	token, err := hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	b.must(err)
	defer token.Close()
	inRSA, err := token.Generate(t.Context(), "tsa rsa", hsm.RSA2048)
	b.must(err)
	inEC, err := token.Generate(t.Context(), "tsa ecdsa", hsm.ECDSAP384)
	b.must(err)
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "ECDSA": b.key(), "RSA in the token": inRSA, "ECDSA in the token": inEC} {
		t.Run(name, func(t *testing.T) {
			a, cert, err := b.open(key, nil)
			b.must(err)
			dir := t.TempDir()
			run := func(args ...string) ([]byte, error) {
				cmd := exec.CommandContext(t.Context(), "openssl", args...)
				cmd.Dir = dir
				return cmd.CombinedOutput()
			}
			write := func(name string, content []byte) { b.must(os.WriteFile(filepath.Join(dir, name), content, 0o600)) }
			write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
			write("document", []byte("түбіртек"))
			for _, extra := range [][]string{{"-cert"}, {"-no_nonce"}, {"-tspolicy", "1.2.398.3.3.2.6.2", "-sha512"}} {
				out, err := run(append([]string{"ts", "-query", "-data", "document", "-out", "query"}, extra...)...)
				if err != nil {
					t.Fatalf("%s", out)
				}
				raw, err := os.ReadFile(filepath.Join(dir, "query"))
				b.must(err)
				reply, err := a.Stamp(t.Context(), raw, "client:openssl")
				b.must(err)
				write("reply", reply)
				args := []string{"ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "tsa.pem"}
				if extra[0] != "-cert" {
					args = append(args, "-untrusted", "tsa.pem")
				}
				if out, err := run(args...); err != nil || !bytes.Contains(out, []byte("Verification: OK")) {
					t.Errorf("%v: %s", extra, out)
				}
				write("document", []byte("басқа"))
				if out, err := run("ts", "-verify", "-data", "document", "-in", "reply", "-CAfile", "tsa.pem", "-untrusted", "tsa.pem"); err == nil {
					t.Errorf("another document verifies: %s", out)
				}
				write("document", []byte("түбіртек"))
			}
		})
	}
}

// ntpServer answers with a clock that is so far off, as packet changes it.
func ntpServer(t *testing.T, off time.Duration, change func([]byte)) string {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			p := make([]byte, 48)
			p[0], p[1] = 4<<3|4, 2
			copy(p[24:32], b[40:48])
			at := time.Now().Add(off)
			for _, place := range []int{32, 40} {
				binary.BigEndian.PutUint32(p[place:], uint32(at.Unix()+2208988800))
				binary.BigEndian.PutUint32(p[place+4:], uint32(uint64(at.Nanosecond())<<32/1e9))
			}
			if change != nil {
				change(p)
			}
			_, _ = conn.WriteTo(p, from)
		}
	}()
	return conn.LocalAddr().String()
}

func TestNTPClock(t *testing.T) {
	good, hour := ntpServer(t, 0, nil), ntpServer(t, time.Hour, nil)
	bad := map[string]string{
		"unsynchronised":   ntpServer(t, 0, func(p []byte) { p[0] |= 3 << 6 }),
		"kiss of death":    ntpServer(t, 0, func(p []byte) { p[1] = 0 }),
		"another's answer": ntpServer(t, 0, func(p []byte) { p[24]++ }),
		"no server":        ntpServer(t, 0, func(p []byte) { p[0] = 4<<3 | 3 }),
	}
	ask := func(servers ...string) (time.Duration, error) {
		return tsa.NTPClock{Servers: servers, Wait: 5 * time.Second, Now: time.Now}.Check(t.Context())
	}
	if bound, err := ask(good); err != nil || bound > 4*time.Second {
		t.Errorf("a good server: %v, %v", bound, err)
	}
	if bound, err := ask(hour); err != nil || bound < 50*time.Minute {
		t.Errorf("a server an hour ahead: %v, %v", bound, err)
	}
	if bound, err := ask(good, hour, good); err != nil || bound > 4*time.Second {
		t.Errorf("one of three lies: %v, %v", bound, err)
	}
	for name, server := range bad {
		if bound, err := ask(server); err == nil {
			t.Errorf("%s: %v", name, bound)
		}
	}
	if _, err := ask(good, bad["no server"]); err == nil {
		t.Error("half of the servers are enough")
	}
	if bound, err := (tsa.NTPClock{Servers: []string{ntpServer(t, 0, func(p []byte) { copy(p[8:12], []byte{0, 2, 0, 0}) })}, Wait: 5 * time.Second, Now: time.Now}).Check(t.Context()); err != nil || bound < 2*time.Second {
		t.Errorf("a server that is two seconds from the truth: %v, %v", bound, err)
	}
}
