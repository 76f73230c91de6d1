package revoked_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"
)

// warm opens a store with a base of 400 entries and a delta.
func warm(t *testing.T) (*house, authority) {
	t.Helper()
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "warm")
	h := openHouse(t, nil, a.point(), a.deltaPoint())
	h.site.put(a.url(), sheet{by: a, number: 7, entries: entriesOf(0, 400)}.der(t))
	h.site.put(a.deltaURL(), sheet{by: a, number: 90, delta: true, base: 7, this: start.Add(-time.Minute), entries: entriesOf(1000, 2)}.der(t))
	h.refresh(t)
	return h, a
}

// TestWarmStart: a restart needs no network, and the first question afterwards is conditional.
func TestWarmStart(t *testing.T) {
	h, a := warm(t)
	asked := h.site.count()
	h.again(t)
	if h.Ready() != nil || h.site.count() != asked {
		t.Fatalf("not ready, or the network was asked: %v", h.Ready())
	}
	for i := range 400 {
		if !h.listed(t, a, serialOf(i)).Listed {
			t.Fatalf("entry %d is lost", i)
		}
	}
	if f := h.listed(t, a, serialOf(1001)); !f.Listed || f.Delta == nil {
		t.Errorf("the delta is lost: %+v", f)
	}
	if st := h.Status()[0]; !st.CheckedAt.Equal(start) {
		t.Errorf("when the list was confirmed is lost: %s", st.CheckedAt)
	}
	h.refresh(t)
	if h.result(t, a.Name, "unchanged") != 1 || h.result(t, a.Name+"-delta", "unchanged") != 1 {
		t.Error("the tags are lost")
	}
}

// TestDamagedFolder: what a crash, a bad disk or a hand has left is noticed, and the list is fetched again.
func TestDamagedFolder(t *testing.T) {
	list := func(h *house) string { return filepath.Join(h.cfg.Dir, "lists", h.Status()[0].List.Hex()+".crl") }
	state := func(h *house) string { return filepath.Join(h.cfg.Dir, "state.json") }
	edit := func(path string, change func([]byte) []byte) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, change(b), 0o600)
	}
	for name, damage := range map[string]func(h *house, a authority) error{
		"list cut off": func(h *house, _ authority) error {
			return edit(list(h), func(b []byte) []byte { return b[:len(b)/2] })
		},
		"a bit of an entry": func(h *house, _ authority) error {
			return edit(list(h), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"a bit of the signature": func(h *house, _ authority) error {
			return edit(list(h), func(b []byte) []byte { b[len(b)-9] ^= 1; return b })
		},
		"an older list of the authority in its place": func(h *house, a authority) error {
			older := sheet{by: a, number: 6, this: start.Add(-9 * time.Hour)}.der(t)
			return edit(list(h), func([]byte) []byte { return older })
		},
		"list empty": func(h *house, _ authority) error {
			return edit(list(h), func([]byte) []byte { return nil })
		},
		"list gone": func(h *house, _ authority) error { return os.Remove(list(h)) },
		"state cut off": func(h *house, _ authority) error {
			return edit(state(h), func(b []byte) []byte { return b[:len(b)/2] })
		},
		"state of another version": func(h *house, _ authority) error {
			return edit(state(h), func(b []byte) []byte { return bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 2`), 1) })
		},
		"state gone": func(h *house, _ authority) error { return os.Remove(state(h)) },
		"state names no digest": func(h *house, _ authority) error {
			return edit(state(h), func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(h.Status()[0].List.Hex()), []byte("../../x")) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, a := warm(t)
			if err := damage(h, a); err != nil {
				t.Fatal(err)
			}
			h.again(t)
			if h.Status()[0].List != nil {
				t.Error("the damaged list is used")
			}
			if err := h.Ready(); !errors.Is(err, revoked.ErrNotReady) {
				t.Error(err)
			}
			h.refresh(t)
			if h.Ready() != nil || h.Status()[0].List.Len() != 400 || h.result(t, a.Name, "swapped") != 1 {
				t.Error("not fetched again as a whole")
			}
		})
	}
}

// TestHalfWritten: what a crash leaves at each step of taking a list is swept or finished, and never takes the place of a list.
func TestHalfWritten(t *testing.T) {
	h, a := warm(t)
	held := h.Status()[0].List.SHA256
	next := sheet{by: a, number: 8, this: start.Add(-time.Minute), entries: entriesOf(0, 401)}.der(t)
	lists := filepath.Join(h.cfg.Dir, "lists")
	sum := sha256Of(next)
	for name, left := range map[string][]byte{
		"0102030405060708.part":                  next[:100], // killed while downloading
		"1102030405060708.part":                  next,       // killed before renaming
		strings.ToUpper("ab") + ".crl":           next,       // no name of ours
		h.Status()[0].List.Hex()[:62] + "00.crl": next,       // killed before the state: under a name that is not its digest
	} {
		if err := os.WriteFile(filepath.Join(lists, name), left, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(h.cfg.Dir, "state.json.part"), []byte(`{"version":1,"points":[]`), 0o600); err != nil {
		t.Fatal(err)
	}
	h.again(t)
	if h.Status()[0].List.SHA256 != held {
		t.Error("half-written things took the place of a list")
	}
	parts, err := filepath.Glob(filepath.Join(h.cfg.Dir, "*", "*.part"))
	if err != nil || len(parts) > 0 {
		t.Errorf("left: %v, %v", parts, err)
	}
	h.site.put(a.url(), next)
	h.refresh(t)
	if h.Status()[0].List.SHA256 != sum {
		t.Error("the next list was not taken")
	}
}

func TestOneProcess(t *testing.T) {
	h, _ := warm(t)
	second := h.cfg
	second.Registerer = nil
	if s, err := revoked.Open(t.Context(), second); !errors.Is(err, revoked.ErrInUse) {
		t.Errorf("%v", err)
		if err == nil {
			s.Close()
		}
	}
}

// TestAuthorityWithdrawn: a list in the folder is not believed when its authority no longer is.
func TestAuthorityWithdrawn(t *testing.T) {
	h, _ := warm(t)
	other := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "other")
	for i := range h.cfg.Points {
		h.cfg.Points[i].Issuers = h.cfg.Points[i].Issuers[:0:0]
		h.cfg.Points[i].Issuers = append(h.cfg.Points[i].Issuers, other.cert)
	}
	h.again(t)
	if h.Status()[0].List != nil || h.Status()[1].List != nil {
		t.Error("lists of an authority that is no longer known are used")
	}
}

// TestKept: superseded lists can be had by digest until their time is up.
func TestKept(t *testing.T) {
	h, a := warm(t)
	first := h.Status()[0].List
	if crl, err := h.Kept(first.SHA256); err != nil || crl != first.CRL() {
		t.Errorf("the current list: %v", err)
	}
	h.clk.add(time.Hour)
	h.site.put(a.url(), sheet{by: a, number: 8, this: start, entries: entriesOf(0, 401)}.der(t))
	h.refresh(t)
	h.again(t)
	crl, err := h.Kept(first.SHA256)
	if err != nil || crl.Fingerprint() != first.SHA256 || crl.Len() != 400 {
		t.Fatalf("the list before: %v", err)
	}
	if _, err := h.Kept(revoked.Digest{1}); !errors.Is(err, revoked.ErrNotKept) {
		t.Error(err)
	}
	name := filepath.Join(h.cfg.Dir, "lists", first.Hex()+".crl")
	if err := os.WriteFile(name, h.site.pages[a.url()].body, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, start, start); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Kept(first.SHA256); !errors.Is(err, revoked.ErrNotKept) {
		t.Errorf("another list under its name: %v", err)
	}
	h.clk.add(31 * 24 * time.Hour)
	run(t, h, func() bool {
		_, err := os.Stat(filepath.Join(h.cfg.Dir, "lists", first.Hex()+".crl"))
		return os.IsNotExist(err)
	})
	if _, err := os.Stat(filepath.Join(h.cfg.Dir, "lists", h.Status()[0].List.Hex()+".crl")); err != nil {
		t.Errorf("the current list was swept: %v", err)
	}
}

// run lets Run work until something has happened.
func run(t *testing.T, h *house, happened func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	for end := time.Now().Add(time.Minute); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Error("it did not happen")
			break
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFolderFails: a list that cannot be made safe on disk is not used; readers keep the one at hand.
func TestFolderFails(t *testing.T) {
	h, a := warm(t)
	held := h.Status()[0].List
	lists := filepath.Join(h.cfg.Dir, "lists")
	if err := os.Rename(lists, lists+".away"); err != nil {
		t.Fatal(err)
	}
	h.site.put(a.url(), sheet{by: a, number: 8, this: start.Add(-time.Minute), entries: entriesOf(0, 401)}.der(t))
	if err := h.Refresh(t.Context()); err == nil || h.result(t, a.Name, "folder") != 1 || h.Status()[0].List != held {
		t.Errorf("%v, %+v", err, h.Status()[0])
	}
	if err := os.Rename(lists+".away", lists); err != nil {
		t.Fatal(err)
	}
	h.refresh(t)
	if h.Status()[0].List == held {
		t.Error("not taken when the folder was back")
	}
}

// archive remembers what it was told, and can fail.
type archive struct {
	err  error
	told []revoked.Digest
}

func (a *archive) Archive(_ context.Context, l *revoked.List) error {
	if a.err == nil {
		a.told = append(a.told, l.SHA256)
	}
	return a.err
}

// TestArchive: it is told before a list is used, again after a failure, and after a restart.
func TestArchive(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "archived")
	kept := &archive{err: errors.New("the database is away")}
	h := openHouse(t, func(c *revoked.Config) { c.Archive = kept }, a.point())
	h.site.put(a.url(), sheet{by: a, number: 7, entries: entriesOf(0, 4)}.der(t))
	h.refresh(t)
	if !h.listed(t, a, serialOf(1)).Listed || len(kept.told) != 0 {
		t.Error("a list waits for the archive")
	}
	kept.err = nil
	h.refresh(t)
	h.refresh(t)
	if sum := h.Status()[0].List.SHA256; len(kept.told) != 1 || kept.told[0] != sum {
		t.Errorf("told %d times", len(kept.told))
	}
	h.again(t)
	run(t, h, func() bool { return h.site.count() > 3 })
	if len(kept.told) != 2 {
		t.Errorf("told %d times after a restart", len(kept.told))
	}
}
