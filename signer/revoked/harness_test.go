package revoked_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"

	"github.com/prometheus/client_golang/prometheus"
)

// start is when the stories of the tests begin.
var start = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: start} }

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// authority can sign lists to order.
type authority struct {
	*pki.Identity
	cert *pkix.Certificate
}

func newAuthority(tb testing.TB, p *pki.PKI, f pki.Family, name string) authority {
	tb.Helper()
	id, err := p.Issue(pki.Profile{Name: name, Family: f, Kind: pki.Authority, SystemName: "QAQPA LISTS " + name})
	if err != nil {
		tb.Fatal(err)
	}
	return authority{id, parse(tb, id.Certificate)}
}

func parse(tb testing.TB, der []byte) *pkix.Certificate {
	tb.Helper()
	c, err := pkix.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// sheet is a list to be made. The zero value of a field means "as the real authority does".
type sheet struct {
	by         authority
	issuer     []byte // DER Name; nil: that of by
	this, next time.Time
	openEnded  bool
	number     int64
	base       int64 // of a delta
	delta      bool
	entries    []entry
	extensions [][]byte // appended
	badSig     bool
	noNumber   bool
}

// entry is one line of a sheet.
type entry struct {
	serial     []byte
	at         time.Time
	reason     int // -1: none
	extensions []byte
}

func serialOf(n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	sum[0] = sum[0]&0x7f | 1
	return sum[:20]
}

// entriesOf makes n entries with serial numbers like those of the national authority, in no order.
func entriesOf(from, n int) []entry {
	out := make([]entry, n)
	for i := range out {
		out[i] = entry{serialOf(from + i), start.Add(-time.Duration(i%9000) * time.Hour), []int{3, 5, 6, 4, 1, -1}[i%6], nil}
	}
	return out
}

func (s sheet) der(tb testing.TB) []byte {
	tb.Helper()
	if s.this.IsZero() {
		s.this = start.Add(-time.Hour)
	}
	if s.next.IsZero() {
		s.next = s.this.Add(24 * time.Hour)
	}
	if s.issuer == nil {
		s.issuer = s.by.cert.RawSubject
	}
	hash, algorithm := scheme(tb, s.by.Key.Public())
	head := [][]byte{{2, 1, 1}, algorithm, s.issuer, utc(s.this)}
	if !s.openEnded {
		head = append(head, utc(s.next))
	}
	if len(s.entries) > 0 {
		var list []byte
		for _, e := range s.entries {
			list = e.append(list)
		}
		head = append(head, tlv(0x30, list))
	}
	keyID := s.by.cert.SubjectKeyID
	aki := slices.Concat([]byte{0x30, byte(2 + len(keyID)), 0x80, byte(len(keyID))}, keyID)
	extensions := [][]byte{extension("\x55\x1d\x23", false, aki)}
	if !s.noNumber {
		extensions = append(extensions, extension("\x55\x1d\x14", false, integer(s.number)))
	}
	if s.delta {
		extensions = append(extensions, extension("\x55\x1d\x1b", true, integer(s.base)))
	}
	extensions = append(extensions, s.extensions...)
	head = append(head, tlv(0xa0, tlv(0x30, extensions...)))
	tbs := tlv(0x30, head...)
	message := hash.Sum(nil, tbs)
	sig, err := s.by.Key.Sign(newRand(), message, hash.Crypto())
	if err != nil {
		tb.Fatal(err)
	}
	if s.badSig {
		sig[len(sig)-1] ^= 1
	}
	return tlv(0x30, tbs, algorithm, tlv(3, []byte{0}, sig))
}

func (e entry) append(out []byte) []byte {
	extensions := e.extensions
	if e.reason >= 0 && extensions == nil {
		extensions = extension("\x55\x1d\x15", false, []byte{10, 1, byte(e.reason)})
	}
	size := 2 + len(e.serial) + 15
	if extensions != nil {
		size += 2 + len(extensions)
	}
	out = append(out, 0x30)
	if size > 127 {
		out = append(out, 0x81)
	}
	out = append(out, byte(size), 2, byte(len(e.serial)))
	out = append(out, e.serial...)
	out = append(out, utc(e.at)...)
	if extensions != nil {
		out = append(out, 0x30, byte(len(extensions)))
		out = append(out, extensions...)
	}
	return out
}

// tlv writes one DER element.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	head := []byte{tag, byte(n)}
	if n > 127 {
		length := bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, uint32(n)), "\x00")
		head = append([]byte{tag, 0x80 | byte(len(length))}, length...)
	}
	return slices.Concat(append([][]byte{head}, parts...)...)
}

func extension(oid string, critical bool, value []byte) []byte {
	parts := [][]byte{tlv(6, []byte(oid))}
	if critical {
		parts = append(parts, []byte{1, 1, 0xff})
	}
	return tlv(0x30, append(parts, tlv(4, value))...)
}

func integer(n int64) []byte {
	b := big.NewInt(n).Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return tlv(2, b)
}

func utc(t time.Time) []byte {
	return append([]byte{0x17, 13}, t.UTC().Format("060102150405Z")...)
}

// scheme is how a key signs.
func scheme(tb testing.TB, key crypto.PublicKey) (algo.Hash, []byte) {
	tb.Helper()
	oid, h := "1.2.398.3.10.1.1.2.3.2", algo.Streebog512
	switch key.(type) {
	case *rsa.PublicKey:
		oid, h = "1.2.840.113549.1.1.11", algo.SHA256
	case *ecdsa.PublicKey:
		oid, h = "1.2.840.10045.4.3.2", algo.SHA256
	}
	s, ok := algo.SignatureByOID(oid)
	if !ok {
		tb.Fatal(oid)
	}
	der, err := s.AlgorithmIdentifier()
	if err != nil {
		tb.Fatal(err)
	}
	return h, der
}

// ed25519List lets the standard library make a list whose algorithm has no hash of its own, and the certificate for it.
func ed25519List(tb testing.TB, number int64) (cert, list []byte) {
	tb.Helper()
	public, key, err := ed25519.GenerateKey(newRand())
	if err != nil {
		tb.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: stdpkix.Name{CommonName: "Ed25519"}, NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte("key"),
	}
	if cert, err = x509.CreateCertificate(newRand(), c, c, public, key); err != nil {
		tb.Fatal(err)
	}
	if c, err = x509.ParseCertificate(cert); err != nil {
		tb.Fatal(err)
	}
	list, err = x509.CreateRevocationList(newRand(), &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: start.Add(-time.Hour), NextUpdate: start.Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(5), RevocationTime: start.Add(-2 * time.Hour), ReasonCode: 1}},
	}, c, key)
	if err != nil {
		tb.Fatal(err)
	}
	return cert, list
}

// newRand is a source of numbers that is good enough for tests and the same in each run.
func newRand() io.Reader { return &counter{} }

type counter struct{ n byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		c.n = c.n*5 + 3
		b[i] = c.n
	}
	return len(b), nil
}

// site is a place with lists, as revoked.Source.
type site struct {
	mu    sync.Mutex
	pages map[string]*page
	asked []revoked.Request
}

type page struct {
	body []byte
	etag string
	err  error
	// open replaces the body.
	open func(context.Context) io.ReadCloser
	read int // octets that were read of the last body
}

func newSite() *site { return &site{pages: map[string]*page{}} }

func (s *site) put(url string, body []byte) *page {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &page{body: body, etag: fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(body)))}
	s.pages[url] = p
	return p
}

func (s *site) fail(url string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[url] = &page{err: err}
}

func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *site) Open(ctx context.Context, r revoked.Request) (*revoked.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	p := s.pages[r.URL]
	switch {
	case p == nil:
		return nil, errors.New("404")
	case p.err != nil:
		return nil, p.err
	case p.etag != "" && p.etag == r.Have.ETag:
		return &revoked.Response{NotModified: true}, nil
	case p.open != nil:
		return &revoked.Response{Body: p.open(ctx)}, nil
	}
	p.read = 0
	return &revoked.Response{Body: &reading{p, bytes.NewReader(p.body)}, Tags: revoked.Tags{ETag: p.etag}}, nil
}

// reading counts what is read and gives it out in pieces, as a network does.
type reading struct {
	p *page
	r io.Reader
}

func (r *reading) Read(b []byte) (int, error) {
	n, err := r.r.Read(b[:min(len(b), 4<<10)])
	r.p.read += n
	return n, err
}

func (r *reading) Close() error { return nil }

// house is a store with a site before it.
type house struct {
	*revoked.Store
	clk  *clock
	site *site
	cfg  revoked.Config
	reg  *prometheus.Registry
	log  *bytes.Buffer
}

// house opens a store over the authorities of the points.
func openHouse(tb testing.TB, change func(*revoked.Config), points ...revoked.Point) *house {
	tb.Helper()
	h := &house{clk: newClock(), site: newSite(), reg: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	h.cfg = revoked.Config{
		Dir: tb.TempDir(), Source: h.site, Points: points, Now: h.clk.now, Rand: newRand(), Registerer: h.reg,
		Log: slog.New(slog.NewTextHandler(&locked{w: h.log}, nil)), StallTime: time.Second, Timeout: 20 * time.Second,
	}
	for _, p := range points {
		for _, c := range p.Issuers {
			if !slices.ContainsFunc(h.cfg.Authorities, c.Equal) {
				h.cfg.Authorities = append(h.cfg.Authorities, c)
			}
		}
	}
	if change != nil {
		change(&h.cfg)
	}
	h.open(tb)
	tb.Cleanup(func() { h.Close() })
	return h
}

func (h *house) open(tb testing.TB) {
	tb.Helper()
	var err error
	if h.Store, err = revoked.Open(tb.Context(), h.cfg); err != nil {
		tb.Fatal(err)
	}
}

// again closes the store and opens it as a new process would.
func (h *house) again(tb testing.TB) {
	tb.Helper()
	if err := h.Close(); err != nil {
		tb.Fatal(err)
	}
	h.reg = prometheus.NewRegistry()
	h.cfg.Registerer = h.reg
	h.open(tb)
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.w.Write(b) }

// result is how often a result was counted for a point.
func (h *house) result(tb testing.TB, point, result string) float64 {
	tb.Helper()
	return metric(tb, h.reg, "qaqpa_revoked_requests_total", map[string]string{"point": point, "result": result})
}

func metric(tb testing.TB, reg *prometheus.Registry, name string, labels map[string]string) float64 {
	tb.Helper()
	families, err := reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			fits := true
			for _, l := range m.GetLabel() {
				fits = fits && labels[l.GetName()] == l.GetValue()
			}
			if fits {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// refresh asks for all lists and demands success.
func (h *house) refresh(tb testing.TB) {
	tb.Helper()
	if err := h.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// listed asks the lists and demands that they know the issuer.
func (h *house) listed(tb testing.TB, a authority, serial []byte) revoked.Finding {
	tb.Helper()
	f, ok := h.Lookup(a.cert.Subject, serial)
	if !ok {
		tb.Fatal("no list of the issuer is at hand")
	}
	return f
}

// point is where the tests publish the complete lists of an authority.
func (a authority) point() revoked.Point {
	return revoked.Point{Name: a.Name, URLs: []string{a.url()}, Issuers: []*pkix.Certificate{a.cert}}
}

func (a authority) deltaPoint() revoked.Point {
	return revoked.Point{Name: a.Name + "-delta", URLs: []string{a.deltaURL()}, Delta: true, Issuers: []*pkix.Certificate{a.cert}}
}

func (a authority) url() string      { return "http://lists.test/" + a.Name + ".crl" }
func (a authority) deltaURL() string { return "http://lists.test/" + a.Name + "_d.crl" }

func sha256Of(b []byte) revoked.Digest { return sha256.Sum256(b) }
