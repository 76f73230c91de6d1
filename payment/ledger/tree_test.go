package ledger

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

const origin = "journal.qaqpa.test"

func keys(tb testing.TB) []crypto.Signer {
	tb.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return []crypto.Signer{ed, ec}
}

func verifiers(tb testing.TB, key crypto.Signer) note.Verifiers {
	tb.Helper()
	v, err := NewVerifier(origin, key.Public())
	if err != nil {
		tb.Fatal(err)
	}
	return note.VerifierList(v)
}

// rfc6962 is the definition of RFC 6962 2.1, written out.
func rfc6962(leaves [][]byte) Hash {
	switch len(leaves) {
	case 0:
		return EmptyRoot()
	case 1:
		return tlog.RecordHash(leaves[0])
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(rfc6962(leaves[:k]), rfc6962(leaves[k:]))
}

// A tree that is grown from its right edge alone has the root of the definition, and proves each of its leaves.
func TestGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(1, 70).Draw(t, "total")
		all := Nodes{}
		var leaves [][]byte
		for n := range total {
			leaf := fmt.Appendf(nil, "leaf %d", n)
			leaves = append(leaves, leaf)
			edge := Nodes{}
			for _, index := range EdgeIndexes(int64(n)) {
				edge[index] = all[index]
			}
			made, err := Grow(edge, int64(n), leaf)
			if err != nil {
				t.Fatal(err)
			}
			for index, hash := range made {
				if _, twice := all[index]; twice {
					t.Fatalf("node %d made twice", index)
				}
				all[index] = hash
			}
		}
		root, err := RootOf(int64(total), all)
		if err != nil || root != rfc6962(leaves) {
			t.Fatalf("root of %d leaves differs from RFC 6962 (%v)", total, err)
		}
		n := rapid.Int64Range(0, int64(total)-1).Draw(t, "leaf")
		path, err := PathOf(int64(total), n, all)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(path, int64(total), root, n, tlog.RecordHash(leaves[n])); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHeadsMarshal(t *testing.T) {
	h := NewHeads()
	h[3] = Head{Size: 9, Root: Hash{1}}
	back, err := UnmarshalHeads(h.Marshal())
	if err != nil || *back != *h || back.Total() != 9 {
		t.Fatalf("read back otherwise: %v", err)
	}
	for _, bad := range [][]byte{nil, make([]byte, 100), make([]byte, Buckets*headBytes+1)} {
		if _, err := UnmarshalHeads(bad); err == nil {
			t.Errorf("%d bytes were taken", len(bad))
		}
	}
	negative := h.Marshal()
	negative[0] = 0x80
	if _, err := UnmarshalHeads(negative); err == nil {
		t.Error("a negative size was taken")
	}
}

// proof makes a journal of five leaves in bucket 7 and proves the one with the given number.
func proof(tb testing.TB, key crypto.Signer, n int64) Proof {
	tb.Helper()
	nodes := Nodes{}
	var wanted []byte
	for seq := range int64(5) {
		leaf, err := entry(seq).Encode()
		if err != nil {
			tb.Fatal(err)
		}
		if seq == n {
			wanted = leaf
		}
		if _, err := Grow(nodes, seq, leaf); err != nil {
			tb.Fatal(err)
		}
	}
	root, err := RootOf(5, nodes)
	if err != nil {
		tb.Fatal(err)
	}
	heads := NewHeads()
	heads[7] = Head{Size: 5, Root: root}
	top, err := heads.Root()
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := NewSigner(origin, key, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := Checkpoint{Origin: origin, Number: 1, Total: 5, Root: top, At: time.Unix(1, 5000)}.Sign(signer)
	if err != nil {
		tb.Fatal(err)
	}
	path, err := PathOf(5, n, nodes)
	if err != nil {
		tb.Fatal(err)
	}
	topPath, err := heads.Path(7)
	if err != nil {
		tb.Fatal(err)
	}
	return Proof{
		Leaf: string(wanted), Bucket: 7, Index: n, Size: 5, Root: EncodePath([]Hash{root})[0],
		Path: EncodePath(path), TopPath: EncodePath(topPath), Checkpoint: signed,
	}
}

func TestProof(t *testing.T) {
	for _, key := range keys(t) {
		for n := range int64(5) {
			e, c, err := proof(t, key, n).Verify(verifiers(t, key))
			if err != nil || e.Seq != n || c.Number != 1 || c.Total != 5 {
				t.Fatalf("%T leaf %d: %+v %v", key.Public(), n, c, err)
			}
		}
	}
}

func TestProofRefuses(t *testing.T) {
	key := keys(t)[0]
	other := keys(t)[0]
	good := proof(t, key, 2)
	for name, spoil := range map[string]func(*Proof){
		"leaf amount":      func(p *Proof) { p.Leaf = strings.ReplaceAll(p.Leaf, "540600", "540700") },
		"leaf reference":   func(p *Proof) { p.Leaf = strings.Replace(p.Leaf, `"bank_reference":"r"`, `"bank_reference":"s"`, 1) },
		"leaf spelling":    func(p *Proof) { p.Leaf += "\n" },
		"leaf of another":  func(p *Proof) { p.Leaf = proof(t, key, 3).Leaf },
		"bucket":           func(p *Proof) { p.Bucket = 8 },
		"index":            func(p *Proof) { p.Index = 3 },
		"index beyond":     func(p *Proof) { p.Index = 5 },
		"size":             func(p *Proof) { p.Size = 4 },
		"size beyond":      func(p *Proof) { p.Size = 6 },
		"root":             func(p *Proof) { p.Root = EncodePath([]Hash{{}})[0] },
		"root not base64":  func(p *Proof) { p.Root = "?" },
		"path short":       func(p *Proof) { p.Path = p.Path[1:] },
		"path long":        func(p *Proof) { p.Path = append(p.Path, p.Path[0]) },
		"path huge":        func(p *Proof) { p.Path = make([]string, 100) },
		"path swapped":     func(p *Proof) { p.Path = []string{p.Path[1], p.Path[0], p.Path[2]} },
		"top path short":   func(p *Proof) { p.TopPath = p.TopPath[1:] },
		"top path other":   func(p *Proof) { p.TopPath[0] = p.TopPath[1] },
		"note number":      func(p *Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "\n1\n", "\n2\n", 1) },
		"note cut":         func(p *Proof) { p.Checkpoint = p.Checkpoint[:len(p.Checkpoint)-10] },
		"note of stranger": func(p *Proof) { p.Checkpoint = proof(t, other, 2).Checkpoint },
		"note huge":        func(p *Proof) { p.Checkpoint += strings.Repeat("x", noteMax) },
		"no note":          func(p *Proof) { p.Checkpoint = "" },
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			p.Path = append([]string(nil), good.Path...)
			p.TopPath = append([]string(nil), good.TopPath...)
			spoil(&p)
			if _, _, err := p.Verify(verifiers(t, key)); err == nil {
				t.Error("verified")
			}
		})
	}
}

func TestVerifierKeyRoundTrip(t *testing.T) {
	for _, key := range keys(t) {
		text, err := VerifierKey(origin, key.Public())
		if err != nil {
			t.Fatal(err)
		}
		v, err := ParseVerifier(text)
		if err != nil || v.Name() != origin {
			t.Fatalf("%s: %v", text, err)
		}
		p := proof(t, key, 0)
		if _, _, err := p.Verify(note.VerifierList(v)); err != nil {
			t.Error(err)
		}
		for _, bad := range []string{"", origin, origin + "+00000000+" + text[strings.LastIndex(text, "+")+1:], text[:len(text)-4], strings.Repeat("a", 2000), strings.Replace(text, origin, "other", 1) + "x"} {
			if _, err := ParseVerifier(bad); !errors.Is(err, ErrKey) {
				t.Errorf("%.40q: accepted, or wrong error: %v", bad, err)
			}
		}
	}
}

// The Ed25519 key text is the one that x/mod writes, so its tools read ours.
func TestVerifierKeyIsStandard(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("not an Ed25519 key")
	}
	want, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		t.Fatal(err)
	}
	got, err := VerifierKey(origin, public)
	if err != nil || got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

func TestKeysRefused(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, public := range map[string]crypto.PublicKey{"P-384": p384.Public(), "short": ed25519.PublicKey{1}, "nil": nil} {
		if _, err := NewVerifier(origin, public); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "a b", "a+b", "a\nb"} {
		if _, err := NewVerifier(bad, keys(t)[0].Public()); !errors.Is(err, ErrKey) {
			t.Errorf("name %q: %v", bad, err)
		}
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	key := keys(f)[0]
	good := proof(f, key, 0).Checkpoint
	f.Add(good)
	f.Add(checkpointMark + "\n" + origin + "\n1\n1\n\n\n\n\n")
	known := verifiers(f, key)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := OpenCheckpoint(text, known); err == nil && !strings.HasPrefix(text, c.body()) {
			t.Fatalf("a note without our body was taken: %q", text)
		}
		body, _, _ := strings.Cut(text, "\n\n")
		if c, err := parseCheckpoint(body + "\n"); err == nil && c.body() != body+"\n" {
			t.Fatalf("%q reads as %q", body, c.body())
		}
	})
}
