package ers

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/tsp"

	"pgregory.net/rapid"
)

// somebody is a token as far as a record knows it: any sequence.
var somebody = asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(7))

// TestTree: every record leads from its digest to the root, no other digest does, and nothing of a record can be changed.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.SampledFrom([]algo.Hash{algo.SHA256, algo.SHA512, algo.Streebog256}).Draw(t, "hash")
		n := rapid.IntRange(1, 70).Draw(t, "digests")
		digests := make([][]byte, n)
		for i := range digests {
			digests[i] = h.Sum(nil, []byte{byte(i), byte(i >> 8)})
		}
		tree, err := NewTree(h, digests)
		if err != nil {
			t.Fatal(err)
		}
		records, err := tree.Records(somebody)
		if err != nil || len(records) != n {
			t.Fatalf("%d records, %v", len(records), err)
		}
		stranger := h.Sum(nil, []byte("stranger"))
		for i, der := range records {
			r, err := Parse(der)
			if err != nil || r.Hash != h || !bytes.Equal(r.Token, somebody) || r.Renewals != 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			if root, err := r.Verify(h, digests[i]); err != nil || !bytes.Equal(root, tree.Root()) {
				t.Fatalf("digest %d of %d: %x, %v", i, n, root, err)
			}
			if root, err := r.Verify(h, stranger); n > 1 && !errors.Is(err, ErrNotCovered) || n == 1 && bytes.Equal(root, tree.Root()) {
				t.Fatalf("a stranger is covered: %v", err)
			}
			at := rapid.IntRange(0, len(der)-1).Draw(t, "at")
			changed := bytes.Clone(der)
			changed[at] ^= 1
			if c, err := Parse(changed); err == nil && bytes.Equal(c.Token, somebody) && c.Hash == h {
				if root, err := c.Verify(h, digests[i]); err == nil && bytes.Equal(root, tree.Root()) && !sameLists(c, r) {
					t.Fatalf("a record changed at %d holds", at)
				}
			}
		}
	})
}

func sameLists(a, b *Record) bool {
	if len(a.lists) != len(b.lists) {
		return false
	}
	for i := range a.lists {
		if !bytes.Equal(bytes.Join(a.lists[i], nil), bytes.Join(b.lists[i], nil)) {
			return false
		}
	}
	return true
}

// TestRecordsOfOthers: records that DSS keeps beside PDF documents lead from the document to what their tokens are over.
func TestRecordsOfOthers(t *testing.T) {
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	folder := filepath.Join(dir, "dss", "pades", "validation")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the corpora are not at %s; set QAQPA_CORPORA to run this test", dir)
	}
	for document, record := range map[string]string{
		"evidence-record/Signature-P-B-7da49953-d837-4f0b-8f38-aa5aa4181e3c.pdf": "evidence-record/evidence-record-7da49953-d837-4f0b-8f38-aa5aa4181e3c.ers",
		"timestamped_and_signed.pdf": "evidence-record/evidence-record-fd1fc7a7-33e5-4a04-8d30-3f1b53fdabd3.ers",
	} {
		text, err := os.ReadFile(filepath.Join(folder, document))
		if err != nil {
			t.Fatal(err)
		}
		der, err := os.ReadFile(filepath.Join(folder, record))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Parse(der)
		if err != nil {
			t.Fatal(err)
		}
		token, err := tsp.ParseToken(r.Token)
		if err != nil {
			t.Fatal(err)
		}
		h := r.Hash
		if h == 0 {
			h = token.Info.Hash
		}
		if root, err := r.Verify(h, h.Sum(nil, text)); err != nil || !bytes.Equal(root, token.Info.Imprint) {
			t.Errorf("%s: %x is not %x: %v", document, root, token.Info.Imprint, err)
		}
		if root, err := r.Verify(h, h.Sum(nil, text[1:])); err == nil && bytes.Equal(root, token.Info.Imprint) {
			t.Errorf("%s: another document is covered", document)
		}
	}
}

func TestRefusals(t *testing.T) {
	digest := sha256.Sum256(nil)
	for name, digests := range map[string][][]byte{"none": nil, "short": {digest[:31]}, "mixed": {digest[:], digest[:20]}} {
		if _, err := NewTree(algo.SHA256, digests); !errors.Is(err, ErrDigest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	tree, err := NewTree(algo.SHA256, [][]byte{digest[:], digest[:]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Records([]byte("no token")); err == nil {
		t.Error("text is taken for a token")
	}
	records, err := tree.Records(somebody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse(records[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		hash   algo.Hash
		digest []byte
	}{"another hash": {algo.SHA3_256, digest[:]}, "no hash": {0, digest[:]}, "a short digest": {algo.SHA256, digest[:20]}} {
		if _, err := r.Verify(c.hash, c.digest); !errors.Is(err, ErrNotCovered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"empty": nil, "cut": records[0][:len(records[0])-1], "trailing": append(bytes.Clone(records[0]), 0), "another version": bytes.Replace(records[0], []byte{2, 1, 1}, []byte{2, 1, 2}, 1),
	} {
		if _, err := Parse(b); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParse: whatever comes, reading and verifying end without a panic.
func FuzzParse(f *testing.F) {
	digest := sha256.Sum256(nil)
	tree, err := NewTree(algo.SHA256, [][]byte{digest[:], digest[:], digest[:]})
	if err != nil {
		f.Fatal(err)
	}
	records, err := tree.Records(somebody)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(records[2])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Error(err)
			}
			return
		}
		_, _ = r.Verify(algo.SHA256, digest[:])
	})
}
