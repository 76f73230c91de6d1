package signer_test

import (
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/xmldsig"
	"qaqpa/testenv/pki"
)

// signOver is an XML signature beside originals, by the names in the references; xml is canonicalised before it is hashed.
func signOver(tb testing.TB, id *pki.Identity, originals map[string]string, xml ...string) []byte {
	tb.Helper()
	certs, err := pkix.ParsePEMOrDER(id.Certificate)
	if err != nil {
		tb.Fatal(err)
	}
	in := xmldsig.SignInput{Certificate: certs[0], Signer: id.Key, Rand: rand.Reader}
	for _, name := range slices.Sorted(maps.Keys(originals)) {
		r := xmldsig.ReferenceInput{URI: name, Content: []byte(originals[name])}
		if slices.Contains(xml, name) {
			r.Transforms = []string{c14n.URIInclusive10}
		}
		in.References = append(in.References, r)
	}
	doc, err := xmldsig.Sign(in)
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func originalsOf(contents map[string]string) (out []signer.NamedOriginal) {
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		out = append(out, signer.NamedOriginal{Name: name, Octets: []byte(contents[name])})
	}
	return out
}

// Several originals are found by the names that the references give them. One that is changed, missing or exchanged for another keeps
// the signature from passing; so does one that nobody signed, which a caller would take for signed.
func TestNamedOriginals(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	id := b.issue(pki.Profile{})
	files := map[string]string{"шарт.pdf": "келісімшарт", "annex/1%20a.txt": "қосымша", "empty": ""}
	doc := signOver(t, id, files)
	with := func(name, content string) map[string]string {
		out := maps.Clone(files)
		out[name] = content
		return out
	}
	without := maps.Clone(files)
	delete(without, "empty")
	decoded := maps.Clone(files)
	delete(decoded, "annex/1%20a.txt")
	decoded["annex/1 a.txt"] = files["annex/1%20a.txt"]
	digests := originalsOf(files)
	for i := range digests {
		digests[i].Digests = map[algo.Hash][]byte{algo.SHA256: algo.SHA256.Sum(nil, digests[i].Octets), algo.SHA384: algo.SHA384.Sum(nil, digests[i].Octets)}
		digests[i].Octets = nil
	}
	for name, c := range map[string]struct {
		originals  []signer.NamedOriginal
		want       report.Indication
		sub        report.SubIndication
		references string
	}{
		"all":            {originalsOf(files), report.TotalPassed, "", report.ReferencesIntact},
		"decoded name":   {originalsOf(decoded), report.TotalPassed, "", report.ReferencesIntact},
		"by digests":     {digests, report.TotalPassed, "", report.ReferencesIntact},
		"one changed":    {originalsOf(with("empty", "x")), report.TotalFailed, report.HashFailure, report.ReferencesChanged},
		"one missing":    {originalsOf(without), report.Indeterminate, report.SignedDataNotFound, report.ReferencesMissing},
		"one too many":   {originalsOf(with("other", "y")), report.Indeterminate, report.SigConstraintsFailure, report.ReferencesIntact},
		"names in place": {originalsOf(map[string]string{"a": "келісімшарт", "b": "қосымша", "c": ""}), report.Indeterminate, report.SignedDataNotFound, report.ReferencesMissing},
	} {
		v := b.validateRequest(signer.ValidateRequest{Document: doc, Originals: c.originals, Store: true, KeepDocument: true, Actor: "test"})
		s := v.Signatures[0]
		if v.Indication != c.want || v.Sub != c.sub || s.Integrity.References != c.references || s.Integrity.Value != report.ValueCorrect || s.Integrity.Key != report.KeyOfCertificate {
			t.Errorf("%s: %s/%s, %+v, %+v", name, v.Indication, v.Sub, s.Integrity, v.Reasons)
		}
		if c.want == report.TotalPassed && (!v.Passed() || v.Coverage != "DETACHED") {
			t.Errorf("%s: %s", name, v.Coverage)
		}
		if _, got, err := b.svc.Reproduce(t.Context(), v.ID, ""); err != nil || got != signer.ReproducedSame {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for name, bad := range map[string][]signer.NamedOriginal{
		"twice":       {{Name: "a", Octets: []byte("x")}, {Name: "a", Octets: []byte("y")}},
		"nameless":    {{Octets: []byte("x")}},
		"nothing":     {{Name: "a"}},
		"both":        {{Name: "a", Octets: []byte("x"), Digests: map[algo.Hash][]byte{algo.SHA256: make([]byte, 32)}}},
		"half digest": {{Name: "a", Digests: map[algo.Hash][]byte{algo.SHA256: make([]byte, 31)}}},
	} {
		if _, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, Originals: bad}); !errors.Is(err, signer.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, Originals: originalsOf(files), Detached: []byte("x")}); !errors.Is(err, signer.ErrRequest) {
		t.Errorf("two ways: %v", err)
	}
}

// A digest of an original serves a reference over its octets. Of one that transforms have to see it says nothing when it is another:
// the original is then missing and nobody is accused of having changed it.
func TestDigestsOfXMLOriginals(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id := b.issue(pki.Profile{})
	const order = `<order  sum="540600"></order>`
	digests := func(text string) map[algo.Hash][]byte {
		return map[algo.Hash][]byte{algo.SHA256: algo.SHA256.Sum(nil, []byte(text))}
	}
	plain, transformed := signOver(t, id, map[string]string{"order.xml": order}), signOver(t, id, map[string]string{"order.xml": order}, "order.xml")
	b.want(b.validateRequest(signer.ValidateRequest{Document: plain, DetachedDigests: digests(order)}), report.TotalPassed, "", "")
	b.want(b.validateRequest(signer.ValidateRequest{Document: plain, DetachedDigests: digests("x")}), report.TotalFailed, report.HashFailure, report.ReasonContentChanged)
	b.want(b.validateRequest(signer.ValidateRequest{Document: transformed, DetachedDigests: digests(order)}), report.Indeterminate, report.SignedDataNotFound, report.ReasonContentMissing)
	b.want(b.validateRequest(signer.ValidateRequest{Document: transformed, Detached: []byte(order)}), report.TotalPassed, "", "")
	// Of one named original CMS needs no name; of two it cannot tell which is meant.
	cms := b.sign(id, content, pki.CMSOptions{Detached: true})
	one := []signer.NamedOriginal{{Name: "a", Octets: content}}
	b.want(b.validateRequest(signer.ValidateRequest{Document: cms, Originals: one}), report.TotalPassed, "", "")
	two := append(one, signer.NamedOriginal{Name: "b", Octets: content})
	b.want(b.validateRequest(signer.ValidateRequest{Document: cms, Originals: two}), report.Indeterminate, report.SignedDataNotFound, report.ReasonContentMissing)
}
