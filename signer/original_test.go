package signer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"

	"go.yaml.in/yaml/v3"
)

// zeros is a stream of some length that nobody holds in memory; it notes how much the heap grew while it was read.
type zeros struct {
	left  int64
	grown uint64
	start uint64
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	if z.left%(16<<20) == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if z.start == 0 {
			z.start = m.HeapAlloc
		}
		z.grown = max(z.grown, m.HeapAlloc-min(m.HeapAlloc, z.start))
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

// TestOriginals: the same verdict, whichever way the original comes, and another original fails in each.
func TestOriginals(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	doc := b.sign(b.issue(pki.Profile{}), content, pki.CMSOptions{Detached: true, TimeStamp: true})
	digests := func(b []byte) map[algo.Hash][]byte {
		return map[algo.Hash][]byte{algo.SHA256: algo.SHA256.Sum(nil, b), algo.SHA512: algo.SHA512.Sum(nil, b)}
	}
	other := []byte("other")
	for name, c := range map[string]struct {
		req  signer.ValidateRequest
		want report.Indication
		sub  report.SubIndication
	}{
		"octets":        {signer.ValidateRequest{Detached: content}, report.TotalPassed, ""},
		"digests":       {signer.ValidateRequest{DetachedDigests: digests(content)}, report.TotalPassed, ""},
		"stream":        {signer.ValidateRequest{DetachedStream: bytes.NewReader(content)}, report.TotalPassed, ""},
		"other octets":  {signer.ValidateRequest{Detached: other}, report.TotalFailed, report.HashFailure},
		"other digests": {signer.ValidateRequest{DetachedDigests: digests(other)}, report.TotalFailed, report.HashFailure},
		"other stream":  {signer.ValidateRequest{DetachedStream: bytes.NewReader(other)}, report.TotalFailed, report.HashFailure},
		"wrong digest": {
			signer.ValidateRequest{DetachedDigests: map[algo.Hash][]byte{algo.SHA512: algo.SHA512.Sum(nil, content)}},
			report.Indeterminate, report.SignedDataNotFound,
		},
		"none": {signer.ValidateRequest{}, report.Indeterminate, report.SignedDataNotFound},
	} {
		c.req.Document, c.req.Store, c.req.Actor = doc, true, "test"
		v, err := b.svc.Validate(t.Context(), c.req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v.Indication != c.want || v.Sub != c.sub {
			t.Errorf("%s: %s/%s, want %s/%s", name, v.Indication, v.Sub, c.want, c.sub)
		}
		if c.want == report.TotalPassed && v.ContentSHA256 == "" {
			t.Errorf("%s: no digest of the content", name)
		}
		again := c.req
		switch name {
		case "stream":
			again.DetachedStream = bytes.NewReader(content)
		case "other stream":
			again.DetachedStream = bytes.NewReader(other)
		}
		if _, err := b.svc.ReplayRequest(t.Context(), v.ID, again); err != nil {
			t.Errorf("%s: replay: %v", name, err)
		}
	}
}

// TestOriginalsRefused: what cannot be meant is refused before anything is judged.
func TestOriginalsRefused(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, func(_ *bench, cfg *signer.Config) { cfg.DocumentBytesMax = 1 << 20 })
	doc := b.sign(b.issue(pki.Profile{}), content, pki.CMSOptions{Detached: true})
	broken := errors.New("the line is dead")
	for name, c := range map[string]struct {
		req  signer.ValidateRequest
		want error
	}{
		"two ways":       {signer.ValidateRequest{Document: doc, Detached: content, DetachedStream: bytes.NewReader(content)}, signer.ErrRequest},
		"short digest":   {signer.ValidateRequest{Document: doc, DetachedDigests: map[algo.Hash][]byte{algo.SHA256: {1}}}, signer.ErrRequest},
		"no hash":        {signer.ValidateRequest{Document: doc, DetachedDigests: map[algo.Hash][]byte{99: {1}}}, signer.ErrRequest},
		"broken stream":  {signer.ValidateRequest{Document: doc, DetachedStream: io.MultiReader(bytes.NewReader(content), failing{broken})}, broken},
		"XML, too long":  {signer.ValidateRequest{Document: []byte("<a/>"), DetachedStream: &zeros{left: 1<<20 + 1}}, signer.ErrTooLarge},
		"no policy":      {signer.ValidateRequest{Document: doc, Policy: "none such"}, signer.ErrRequest},
		"two policies":   {signer.ValidateRequest{Document: doc, Policy: "strict", PolicyDocument: []byte("{}")}, signer.ErrRequest},
		"unread policy":  {signer.ValidateRequest{Document: doc, PolicyDocument: []byte("{}")}, signer.ErrRequest},
		"unknown fields": {signer.ValidateRequest{Document: doc, PolicyDocument: []byte(`{"name":"x","nome":"y"}`)}, signer.ErrRequest},
	} {
		if _, err := b.svc.Validate(t.Context(), c.req); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestLargeOriginal: memory does not grow with the original, and what is longer than any buffer is judged.
func TestLargeOriginal(t *testing.T) {
	const size = 96 << 20
	b := setup(t, []pki.Family{pki.ECDSA}, func(_ *bench, cfg *signer.Config) { cfg.DocumentBytesMax = 1 << 20 })
	doc := b.sign(b.issue(pki.Profile{}), make([]byte, size), pki.CMSOptions{Detached: true})
	runtime.GC()
	stream := &zeros{left: size}
	v, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, DetachedStream: stream})
	if err != nil {
		t.Fatal(err)
	}
	b.want(v, report.TotalPassed, "", "")
	if stream.grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes while %d were read", stream.grown, size)
	}
}

func policyInYAML(tb testing.TB, text string) []byte {
	tb.Helper()
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		tb.Fatal(err)
	}
	written, err := yaml.Marshal(tree)
	if err != nil {
		tb.Fatal(err)
	}
	return written
}

// TestPolicyOfRequest: a request's own policy is applied, kept with the verdict and replayed.
func TestPolicyOfRequest(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	doc := b.sign(b.issue(pki.Profile{}), content, pki.CMSOptions{NoSigningCertificateV2: true})
	text, err := engine.PolicyDocument(engine.PolicyStandard)
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(text), `"signing-certificate-attribute": "WARN"`, `"signing-certificate-attribute": "FAIL"`, 1)
	own = strings.Replace(own, `"name": "standard"`, `"name": "agency-7"`, 1)
	inYAML := policyInYAML(t, strings.Replace(own, `"name": "agency-7"`, `"name": "agency-8"`, 1))
	for name, c := range map[string]struct {
		req  signer.ValidateRequest
		want report.Indication
		sub  report.SubIndication
	}{
		"kz-2026":  {signer.ValidateRequest{}, report.TotalPassed, ""},
		"standard": {signer.ValidateRequest{Policy: "standard"}, report.TotalPassed, ""},
		"strict":   {signer.ValidateRequest{Policy: "strict"}, report.Indeterminate, report.SigConstraintsFailure},
		"agency-7": {signer.ValidateRequest{PolicyDocument: []byte(own)}, report.Indeterminate, report.SigConstraintsFailure},
		"agency-8": {signer.ValidateRequest{PolicyDocument: inYAML}, report.Indeterminate, report.SigConstraintsFailure},
	} {
		c.req.Document, c.req.Store, c.req.Actor = doc, true, "test"
		v, err := b.svc.Validate(t.Context(), c.req)
		if err != nil {
			t.Fatal(err)
		}
		if v.Indication != c.want || v.Sub != c.sub {
			t.Errorf("%s: %s/%s, want %s/%s", name, v.Indication, v.Sub, c.want, c.sub)
		}
		again, err := b.svc.Replay(t.Context(), v.ID, doc, nil)
		if err != nil || again.Indication != v.Indication || again.Policy != name || again.PolicySHA256 != v.PolicySHA256 {
			t.Errorf("%s: replayed by %s: %s, %v", name, again.Policy, again.Indication, err)
		}
	}
}
