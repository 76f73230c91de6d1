package pades_test

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/cms"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
)

// survives tells whether a document still has a signature that is intact and covers the whole of it.
func survives(document []byte) bool {
	d, err := pades.Open(document, pdf.Limits{})
	if err != nil || len(d.Signatures) == 0 {
		return false
	}
	for _, s := range d.Signatures {
		if s.CMS == nil || s.Coverage() != pades.Whole || verify(d, s).Worst().Status > cms.Noted {
			return false
		}
	}
	return true
}

// stride is how many octets lie between those that are changed: every octet counts for make conformance, some for each test.
func stride(otherwise int) int {
	if os.Getenv("QAQPA_CONFORMANCE") != "" {
		return 1
	}
	return otherwise
}

// Every octet of a signed document is changed in several ways, left out and doubled. What survives lies in Contents, where no
// signature can cover it, and is listed here: the case of hexadecimal digits, and what package cms lists for a CMS.
func TestConformanceMutations(t *testing.T) {
	signed := newKey(t).sign(t, paper(), pades.SignInput{})
	s := first(t, signed)
	unsigned := unsignedDigits(t, s)
	step := stride(9)
	for at := 0; at < len(signed); at += step {
		inside := at > s.Range.GapFrom && at < s.Range.GapTo-1
		for _, flip := range []byte{0x01, 0x02, 0x20, 0x80, 0xff} {
			changed := bytes.Clone(signed)
			changed[at] ^= flip
			if inside && (bytes.EqualFold(changed[at:at+1], signed[at:at+1]) || unsigned[(at-s.Range.GapFrom-1)/2]) {
				continue
			}
			if survives(changed) {
				t.Errorf("octet %d, %q to %q: survives", at, signed[at], changed[at])
			}
		}
		if survives(slices.Delete(bytes.Clone(signed), at, at+1)) {
			t.Errorf("octet %d left out: survives", at)
		}
		if survives(slices.Insert(bytes.Clone(signed), at, signed[at])) {
			t.Errorf("octet %d doubled: survives", at)
		}
	}
}

// unsignedDigits are the octets of the CMS that no signature covers; the tests of package cms say why they do no harm.
func unsignedDigits(tb testing.TB, s *pades.Signature) map[int]bool {
	tb.Helper()
	out := map[int]bool{}
	mark := func(from, size int) {
		for i := from; i < from+size; i++ {
			out[i] = true
		}
	}
	info := &s.CMS.Signers[0]
	head := bytes.Index(s.Contents, append([]byte{2, 1, 1, 0x31, byte(len(info.RawDigestAlgorithm))}, info.RawDigestAlgorithm...))
	at := bytes.Index(s.Contents, info.Raw)
	issuer := bytes.Index(info.Raw, info.SID.RawIssuer)
	if head < 0 || at < 0 || issuer < 0 {
		tb.Fatal("the CMS has another form")
	}
	mark(head+2, 3+len(info.RawDigestAlgorithm))         // version and digest algorithms: hints for one-pass readers
	mark(at+bytes.Index(info.Raw, []byte{2, 1, 1})+2, 1) // version of the signer
	mark(at+issuer, len(info.SID.RawIssuer))             // names are equal whatever the case of their letters
	return out
}

// The update behind a signature is signed by nobody. Whatever is changed in it: as long as the coverage is called whole, all that is
// not evidence is what was signed.
func TestConformanceMutationsOfUpdates(t *testing.T) {
	signed := newKey(t).sign(t, paper(), pades.SignInput{})
	extended, err := pades.AddEvidence(signed, pades.Store{Certificates: [][]byte{newKey(t).cert.Raw}})
	if err != nil || !survives(extended) {
		t.Fatalf("%v", err)
	}
	step := stride(5)
	whole := 0
	for at := len(signed); at < len(extended); at += step {
		for _, c := range []byte{extended[at] ^ 1, extended[at] ^ 2, '0', '9', ' ', '/', '<'} {
			changed := bytes.Clone(extended)
			if changed[at] = c; !survives(changed) {
				continue
			}
			whole++
			f, err := pdf.Open(changed, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			then, now := f.At(1), f.Last()
			for number := range then.Numbers() {
				if number != catalogNo && !pdf.Equal(then.Get(number), now.Get(number)) {
					t.Errorf("octet %d, %q to %q: object %d is another", at, extended[at], c, number)
				}
			}
			was, is := then.Dict(pdf.Ref{Number: catalogNo}), now.Dict(pdf.Ref{Number: catalogNo})
			if !pdf.Equal(was.With("DSS", nil).With("Extensions", nil), is.With("DSS", nil).With("Extensions", nil)) {
				t.Errorf("octet %d, %q to %q: the catalog is another", at, extended[at], c)
			}
		}
	}
	t.Logf("%d changes within the evidence leave the coverage whole", whole)
}

// Documents that are made to be expensive to compare are judged in time.
func TestHostileDocuments(t *testing.T) {
	signed := newKey(t).sign(t, paper(), pades.SignInput{})
	many := func(n int, make func(l *later, before pdf.Ref) pdf.Ref) []byte {
		return update(t, signed, func(l *later) {
			ref := pdf.Ref{Number: noteNo}
			for range n {
				ref = make(l, ref)
			}
			l.set(catalogNo, "DSS", ref)
		})
	}
	chain := func(l *later, before pdf.Ref) pdf.Ref {
		return l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"A": before, "B": before}))
	}
	revisions := signed
	for range 60 {
		revisions = update(t, revisions, func(l *later) { l.set(catalogNo, "DSS", l.Add(pdf.NewDict(nil))) })
	}
	// prepared is a form that somebody made expensive before it was signed; an update of the form makes it looked at.
	prepared := func(change func(l *later)) []byte {
		return update(t, newKey(t).sign(t, update(t, paper(), change), pades.SignInput{}), func(l *later) { l.set(formNo, "DA", str("/F 1 Tf")) })
	}
	lists := func(n int, element string) func(l *later) { // n lists, each in the one before as often as the element says
		return func(l *later) {
			for i := range n {
				l.Set(preparedNo+i, raw("[%s]", strings.ReplaceAll(element, "%", strconv.Itoa(preparedNo+i+1))))
			}
			l.Set(preparedNo+n, raw("[<</FT/Tx/Kids %d 0 R>>]", preparedNo))
			l.set(formNo, "Fields", pdf.Ref{Number: preparedNo})
		}
	}
	for name, document := range map[string][]byte{
		"a list of fields in itself": prepared(lists(0, "")),
		"lists of fields in a ring":  prepared(lists(3, "<</FT/Tx/Kids % 0 R>>")),
		"lists of fields, doubling":  prepared(lists(48, "<</FT/Tx/Kids % 0 R>><</FT/Tx/Kids % 0 R>>")),
		"a deep chain":               many(100_000, chain),
		"a wide list":                update(t, signed, func(l *later) { l.set(pageNo, "Annots", slices.Repeat(pdf.Array{pdf.Ref{Number: noteNo}}, 200_000)) }),
		"many fields":                update(t, signed, func(l *later) { l.set(formNo, "Fields", slices.Repeat(pdf.Array{pdf.Ref{Number: fieldNo}}, 200_000)) }),
		"many signatures": update(t, paper(), func(l *later) {
			value := pdf.NewDict(map[pdf.Name]pdf.Object{"SubFilter": name("ETSI.CAdES.detached"), "ByteRange": pdf.Array{int64(0), int64(1), int64(2), int64(3)}, "Contents": str("x")})
			var fields pdf.Array
			for range 20_000 {
				fields = append(fields, l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"FT": pdf.Name("Sig"), "V": value})))
			}
			l.set(formNo, "Fields", fields)
		}),
		"fields in a ring": update(t, signed, func(l *later) { l.set(fieldNo, "Kids", pdf.Array{pdf.Ref{Number: fieldNo}, pdf.Ref{Number: formNo}}) }),
		"pages in a ring":  update(t, signed, func(l *later) { l.set(pageNo, "Kids", pdf.Array{pdf.Ref{Number: pagesNo}}) }),
		"many revisions":   revisions,
		"many changes": update(t, signed, func(l *later) {
			l.set(infoNo, "X", str("x"))
			for range 50_000 {
				l.stream("x")
			}
		}),
	} {
		start := time.Now()
		d, err := pades.Open(document, pdf.Limits{})
		took := time.Since(start)
		t.Logf("%s: %v, %s for %d kB", name, err, took.Round(time.Millisecond), len(document)>>10)
		if err == nil && len(d.Signatures) > 0 && d.Signatures[0].Coverage() == pades.Whole && !strings.Contains(name, "revisions") {
			t.Errorf("%s: whole: %v", name, d.Signatures[0].Changes)
		}
		if took > 5*time.Minute { // a guard against hanging, on a busy machine too
			t.Errorf("%s took %s", name, took)
		}
	}
}

func FuzzOpen(f *testing.F) {
	p, err := pades.Prepare(paper(), pades.SignInput{SubFilter: pades.CAdESDetached, Permission: 2, ContentsMax: 64})
	if err != nil {
		f.Fatal(err)
	}
	signed, err := p.Finish([]byte{0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add(update(f, signed, func(l *later) { l.set(fieldNo, "V", str("2")) }))
	if extended, err := pades.AddEvidence(signed, pades.Store{CRLs: [][]byte{{0x30, 0}}}); err == nil {
		f.Add(extended)
	}
	lim := pdf.Limits{Bytes: 1 << 17, Values: 1 << 14, Entries: 1 << 12, Revisions: 16, Decoded: 1 << 18}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := pades.Open(b, lim)
		if err != nil {
			return
		}
		for _, s := range d.Signatures {
			for n := range s.Signers() {
				s.Verify(n, nil)
			}
			d.Proves(s)
			if s.Revision > 0 && (s.Range.End > len(b) || s.Range.GapFrom >= s.Range.GapTo) {
				t.Fatalf("range %+v of %d", s.Range, len(b))
			}
			// A signature that is whole has nothing but harmless changes after it.
			for _, c := range s.Changes {
				if s.Coverage() == pades.Whole && (c.Forbidden || !c.Kind.Whole()) {
					t.Fatalf("%+v", c)
				}
			}
		}
	})
}
