package revoked_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"
)

// TestRefused: whatever is wrong with a list, the one at hand stays, and the reason is counted.
func TestRefused(t *testing.T) {
	p := pki.ForTest(t, pki.GOST2015, pki.ECDSA)
	a, other := newAuthority(t, p, pki.GOST2015, "real"), newAuthority(t, p, pki.GOST2015, "other")
	impostor := other
	impostor.cert = a.cert // the names and key identifier of one, the key of the other
	good := sheet{by: a, number: 10, entries: entriesOf(0, 600)}
	later := func(change func(*sheet)) []byte {
		s := sheet{by: a, number: 11, this: start.Add(-time.Minute), entries: entriesOf(0, 601)}
		change(&s)
		return s.der(t)
	}
	whole := later(func(*sheet) {})
	flipped := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		return b
	}
	critical := extension("\x2a\x03\x04", true, []byte{5, 0})
	for _, c := range []struct {
		name string
		list []byte
		want error
	}{
		{"truncated in the entries", whole[:len(whole)/2], revoked.ErrForm},
		{"truncated in the signature", whole[:len(whole)-1], revoked.ErrForm},
		{"empty", nil, revoked.ErrForm},
		{"a page of HTML", []byte("<html><body>Try again</body></html>"), revoked.ErrForm},
		{"PEM", []byte("-----BEGIN X509 CRL-----\n"), revoked.ErrForm},
		{"data after", append(bytes.Clone(whole), 0), revoked.ErrForm},
		{"a changed serial number", flipped(len(whole) / 2), revoked.ErrSignature},
		{"a changed signature", flipped(len(whole) - 40), revoked.ErrSignature},
		{"corrupt signature", later(func(s *sheet) { s.badSig = true }), revoked.ErrSignature},
		{"key of another", later(func(s *sheet) { s.by = impostor }), revoked.ErrSignature},
		{"list of another", later(func(s *sheet) { s.by = other }), revoked.ErrIssuer},
		{"name of another", later(func(s *sheet) { s.issuer = other.cert.RawSubject }), revoked.ErrIssuer},
		{"delta", later(func(s *sheet) { s.delta, s.base = true, 10 }), revoked.ErrKind},
		{"delta by critical freshest CRL", later(func(s *sheet) {
			point := tlv(0x30, tlv(0x30, tlv(0xa0, tlv(0xa0, tlv(0x86, []byte("http://lists.test/d.crl"))))))
			s.extensions = [][]byte{extension("\x55\x1d\x2e", true, point)}
		}), revoked.ErrKind},
		{"from the future", later(func(s *sheet) { s.this = start.Add(time.Hour) }), revoked.ErrFuture},
		{"lost its entries", later(func(s *sheet) { s.entries = s.entries[:200] }), revoked.ErrShrunk},
		{"lost all entries", later(func(s *sheet) { s.entries = nil }), revoked.ErrShrunk},
		{"unknown critical extension", later(func(s *sheet) { s.extensions = [][]byte{critical} }), revoked.ErrForm},
		{"unknown critical extension of an entry", later(func(s *sheet) { s.entries[300].extensions = critical }), revoked.ErrForm},
		{"reason that there is not", later(func(s *sheet) { s.entries[5].extensions = extension("\x55\x1d\x15", false, []byte{10, 1, 7}) }), revoked.ErrForm},
		{"too many entries", later(func(s *sheet) { s.entries = entriesOf(0, 5001) }), revoked.ErrLimit},
		{"too long by its head", append([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, whole[4:]...), revoked.ErrLimit},
		{"endless length", append([]byte{0x30, 0x80}, whole[4:]...), revoked.ErrForm},
		{"length of nine octets", append([]byte{0x30, 0x89}, whole[4:]...), revoked.ErrForm},
		{"no list at all", other.Certificate, revoked.ErrForm},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openHouse(t, func(cfg *revoked.Config) { cfg.EntriesMax, cfg.BytesMax = 5000, 1<<20 }, a.point())
			h.site.put(a.url(), good.der(t))
			h.refresh(t)
			before := h.Status()[0].List
			page := h.site.put(a.url(), c.list)
			err := h.Refresh(t.Context())
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			st := h.Status()[0]
			if st.List != before || h.result(t, a.Name, st.Failure) != 1 || st.Failures != 1 {
				t.Errorf("the list at hand has changed, or the refusal was not counted: %+v", st)
			}
			if errors.Is(c.want, revoked.ErrIssuer) && page.read > 100<<10 {
				t.Errorf("%d octets were read of a list that could not be taken", page.read)
			}
			h.again(t)
			if st := h.Status()[0]; st.List == nil || st.List.SHA256 != before.SHA256 {
				t.Error("after a restart the list at hand is another")
			}
			// What was refused is asked for again without a condition: the server may have mended it.
			h.site.put(a.url(), whole)
			h.refresh(t)
			if st := h.Status()[0]; st.List.Len() != 601 {
				t.Errorf("the mended list was not taken: %+v", st)
			}
		})
	}
}

// TestEveryBit: no list with one bit changed, anywhere, is ever taken.
func TestEveryBit(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "bits")
	h := openHouse(t, nil, a.point())
	good := sheet{by: a, number: 10, entries: entriesOf(0, 3), noNumber: false}.der(t)
	for at := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[at] ^= 1 << bit
			h.site.put(a.url(), b)
			if err := h.Refresh(t.Context()); err == nil {
				t.Fatalf("bit %d of octet %d: taken", bit, at)
			}
		}
	}
	if _, ok := h.Lookup(a.cert.Subject, serialOf(0)); ok {
		t.Error("something was taken")
	}
}

// TestNotNewer: an older or equal list is no fault and no change; a list that counts backwards waits until the one at hand ends.
func TestNotNewer(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "newer")
	h := openHouse(t, nil, a.point())
	h.site.put(a.url(), sheet{by: a, number: 10, this: start.Add(-time.Hour), next: start.Add(time.Hour), entries: entriesOf(0, 5000)}.der(t))
	h.refresh(t)
	held := h.Status()[0].List
	for name, s := range map[string]sheet{
		"older":            {number: 11, this: start.Add(-2 * time.Hour), entries: entriesOf(0, 6000)},
		"equal":            {number: 11, this: start.Add(-time.Hour), entries: entriesOf(0, 6000)},
		"counts backwards": {number: 9, this: start.Add(-time.Minute), entries: entriesOf(0, 6000)},
	} {
		s.by = a
		page := h.site.put(a.url(), s.der(t))
		before := h.result(t, a.Name, "not_newer")
		h.refresh(t)
		if h.Status()[0].List != held || h.result(t, a.Name, "not_newer") != before+1 {
			t.Errorf("%s: taken", name)
		}
		if name != "counts backwards" && page.read > 256<<10 {
			t.Errorf("%s: %d of %d octets were read to see that nothing is new", name, page.read, len(page.body))
		}
		asked := h.site.count()
		h.refresh(t)
		if h.site.count() != asked+1 || h.result(t, a.Name, "unchanged") == 0 {
			t.Errorf("%s: the version that was looked at is not remembered", name)
		}
	}
	h.site.put(a.url(), sheet{by: a, number: 9, this: start.Add(-time.Minute), entries: entriesOf(0, 6000)}.der(t))
	h.refresh(t)
	h.clk.add(2 * time.Hour) // past nextUpdate of the list at hand
	h.refresh(t)
	if got := h.Status()[0].List; got == held || got.Len() != 6000 {
		t.Error("an authority that started counting anew is shut out")
	}
}

// TestVouch: a person lets a list in that has lost entries.
func TestVouch(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "vouch")
	h := openHouse(t, nil, a.point())
	h.site.put(a.url(), sheet{by: a, number: 10, entries: entriesOf(0, 600)}.der(t))
	h.refresh(t)
	h.site.put(a.url(), sheet{by: a, number: 11, this: start.Add(-time.Minute), entries: entriesOf(0, 299)}.der(t))
	if err := h.Refresh(t.Context()); !errors.Is(err, revoked.ErrShrunk) {
		t.Fatal(err)
	}
	h.Vouch(revoked.Digest{1})
	if err := h.Refresh(t.Context()); !errors.Is(err, revoked.ErrShrunk) {
		t.Errorf("vouching for another list helped: %v", err)
	}
	sum := sha256Of(h.site.pages[a.url()].body)
	h.Vouch(sum)
	h.refresh(t)
	if h.Status()[0].List.SHA256 != sum {
		t.Error("not taken")
	}
	// Half is not a loss, by default; a delta may lose all.
	h.site.put(a.url(), sheet{by: a, number: 12, this: start.Add(-30 * time.Second), entries: entriesOf(0, 150)}.der(t))
	h.refresh(t)
}

// TestOutOfDate: a list that is past its time is taken when it is the newest there is, and says so.
func TestOutOfDate(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "late")
	h := openHouse(t, nil, a.point())
	h.site.put(a.url(), sheet{by: a, number: 1, this: start.Add(-48 * time.Hour), next: start.Add(-24 * time.Hour), entries: entriesOf(0, 5)}.der(t))
	h.refresh(t)
	if st := h.Status()[0]; st.List == nil || !st.OutOfDate || h.Ready() != nil {
		t.Errorf("%+v", st)
	}
	if f := h.listed(t, a, serialOf(1)); !f.Listed || !f.NextUpdate.Equal(start.Add(-24*time.Hour)) {
		t.Errorf("%+v", f)
	}
	// Open-ended lists never end by themselves.
	h.site.put(a.url(), sheet{by: a, number: 2, openEnded: true, entries: entriesOf(0, 5)}.der(t))
	h.refresh(t)
	if st := h.Status()[0]; st.OutOfDate || !st.List.NextUpdate().IsZero() {
		t.Errorf("%+v", st)
	}
}

// TestSecondAddress: where one place fails, has bad things or is behind, the next is asked.
func TestSecondAddress(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "mirror")
	point := a.point()
	point.URLs = []string{"http://one.test/l.crl", "http://two.test/l.crl"}
	h := openHouse(t, nil, point)
	first := sheet{by: a, number: 1, this: start.Add(-2 * time.Hour), next: start.Add(time.Hour), entries: entriesOf(0, 5)}.der(t)
	second := sheet{by: a, number: 2, this: start.Add(-time.Hour), next: start.Add(48 * time.Hour), entries: entriesOf(0, 6)}.der(t)
	h.site.fail(point.URLs[0], errors.New("connection refused"))
	h.site.put(point.URLs[1], first)
	h.refresh(t)
	if h.result(t, a.Name, "unreachable") != 1 || h.result(t, a.Name, "swapped") != 1 {
		t.Error("not counted one by one")
	}
	h.site.put(point.URLs[0], []byte("nonsense"))
	h.refresh(t)
	if h.result(t, a.Name, "refused_form") != 1 || h.result(t, a.Name, "unchanged") != 1 {
		t.Error("a bad first address hides the second")
	}
	h.site.put(point.URLs[0], first)
	h.site.put(point.URLs[1], second)
	h.refresh(t)
	if h.Status()[0].List.Len() != 5 {
		t.Error("the second address was asked although the first confirms a list that lives")
	}
	h.clk.add(2 * time.Hour)
	h.refresh(t)
	if h.Status()[0].List.Len() != 6 {
		t.Error("the first address is behind, and the second was not asked")
	}
}

// TestSlowSource: a body that comes octet by octet, or not at all, ends.
func TestSlowSource(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "slow")
	list := sheet{by: a, number: 1, entries: entriesOf(0, 5000)}.der(t)
	for name, c := range map[string]struct {
		pause   time.Duration
		octets  int
		timeout time.Duration
	}{
		"loris":      {10 * time.Millisecond, 1, 20 * time.Second},
		"long":       {20 * time.Millisecond, 1000, 300 * time.Millisecond},
		"not at all": {time.Hour, 1, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, func(cfg *revoked.Config) {
				cfg.StallTime, cfg.StallBytes, cfg.Timeout = 200*time.Millisecond, 4096, c.timeout
			}, a.point())
			h.site.put(a.url(), nil).open = func(ctx context.Context) io.ReadCloser { return &trickle{ctx, list, c.pause, c.octets} }
			begin := time.Now()
			err := h.Refresh(t.Context())
			if h.result(t, a.Name, "stalled") != 1 || time.Since(begin) > 5*time.Second {
				t.Errorf("%v after %s", err, time.Since(begin))
			}
		})
	}
}

// trickle gives its octets slowly, and ends with its context as the body of an HTTP answer does.
type trickle struct {
	ctx   context.Context //nolint:containedctx // a body is bound to its request
	b     []byte
	pause time.Duration
	n     int
}

func (r *trickle) Read(b []byte) (int, error) {
	select {
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	case <-time.After(r.pause):
	}
	n := copy(b, r.b[:min(r.n, len(r.b))])
	r.b = r.b[n:]
	return n, nil
}

func (r *trickle) Close() error { return nil }
