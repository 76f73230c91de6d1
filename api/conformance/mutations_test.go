package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"qaqpa/testenv/mutant"
	"qaqpa/testenv/suites"
)

// mutation is a changed document on its way to the gateway.
type mutation struct {
	document []byte
	// about says which document, where, and what was done; place is where, by the list of unsigned places, "" where it is signed.
	about, place string
	// held tells whether the verdict says no more than it did over the document as it was.
	held func(v *verdict) bool
	// allowed names the place of a survivor that stands in a signed one and does no harm all the same; "" where it does.
	allowed func(v *verdict) string
}

// mutations hands changed documents in and counts what becomes of them.
type mutations struct {
	t        *testing.T
	s        *service
	suite    *suites.Suite
	unsigned map[string]string

	mu        sync.Mutex
	documents int
	large     int
	failed    int
}

// at once: the gateway and its client share two processors.
const mutationsAtOnce = 3

// each hands in all changes of a document, which come from changes, with the query of the document as it was.
func (m *mutations) each(name string, q documentQuery, changes func(hand func(mutation))) {
	if m.documents++; mutant.Large(q.Document) {
		m.large++
	}
	next := make(chan mutation, mutationsAtOnce)
	var wg sync.WaitGroup
	for range mutationsAtOnce {
		wg.Go(func() {
			for c := range next {
				m.one(q, c)
			}
		})
	}
	before := m.suite.Total()
	changes(func(c mutation) { next <- c })
	close(next)
	wg.Wait()
	m.t.Logf("  %s: %d changes", name, m.suite.Total()-before)
}

// one hands a changed document in. It survives where the verdict calls it intact and every signature covers what it should.
func (m *mutations) one(q documentQuery, c mutation) {
	q.Document = c.document
	v, err := m.s.judge(m.t.Context(), q)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		m.t.Errorf("%s: %v", c.about, err)
		m.suite.Tally(false, "")
		return
	case !v.unharmed():
		m.suite.Tally(true, "")
		return
	}
	place, ok := c.place, c.held(&v)
	if place == "" && c.allowed != nil {
		place = c.allowed(&v)
	}
	if ok && m.unsigned[place] != "" {
		m.suite.Tally(true, place+": "+m.unsigned[place])
		return
	}
	m.suite.Tally(false, "")
	if m.failed++; m.failed < 40 {
		m.t.Errorf("%s, place %q: stays intact: %s", c.about, c.place, v.says())
	}
}

// judge asks for a verdict as whoever has no key: nothing is stored. A document that needs nothing beside it is the body itself.
func (s *service) judge(ctx context.Context, q documentQuery) (v verdict, err error) {
	body, path, contentType := q.Document, documentsPath+"?policy="+q.Policy, "application/octet-stream"
	if q.Detached != nil || q.Digests != nil || q.Evidence != nil || q.Originals != nil {
		path, contentType = documentsPath, "application/json"
		if body, err = json.Marshal(q); err != nil {
			return v, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		return v, err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := s.client.Do(req)
	if err != nil {
		return v, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		return v, fmt.Errorf("%d %.200s", resp.StatusCode, answer)
	}
	if err == nil {
		err = json.Unmarshal(answer, &v)
	}
	return v, err
}

// unharmed: intact, and what has to be covered is.
func (v *verdict) unharmed() bool {
	for i := range v.Signatures {
		if v.Signatures[i].block("cryptographic-verification") != "PASSED" {
			return false
		}
	}
	return v.intact()
}

// says is what a reader takes from an intact document: how much is signed, and what of it where it is apart.
func (v *verdict) says() string {
	out := v.Coverage + " " + v.Content
	for i := range v.Signatures {
		out += " " + v.Signatures[i].Covers
	}
	return out
}

// same tells of a verdict whether it says what another did.
func (v *verdict) same() func(*verdict) bool {
	was := v.says()
	return func(now *verdict) bool { return now.says() == was }
}

// noMore tells of a verdict whether it says no more than another did: what was a part is no whole now.
func (v *verdict) noMore() func(*verdict) bool {
	was := v.Coverage
	return func(now *verdict) bool { return now.Coverage == was || now.Coverage != "FULL" }
}

// newMutations begins a suite at a gateway without anchors of the documents.
func newMutations(t *testing.T, name string, unsigned map[string]string) *mutations {
	t.Helper()
	s := newHouse(t).must(t, setting{anchors: [][]byte{unrelatedAnchor(t)}, now: at(t, "2026-03-01T00:00:00Z")})
	return &mutations{t: t, s: s, suite: suites.Start(t, name), unsigned: unsigned}
}

func (m *mutations) close() {
	m.t.Helper()
	m.t.Logf("%d documents, of which %d have more than 100 kB: there each position is changed in one way, the ways in turn", m.documents, m.large)
	for place, why := range m.unsigned {
		if clause, _, ok := strings.Cut(why, ": "); !ok || !strings.ContainsAny(clause, "0123456789") {
			m.t.Errorf("%s: %s", place, why)
		}
	}
	m.suite.Close(m.t)
}

// intactRows are the rows of a format over different documents, with the verdicts of those that are intact. Each is handed in with
// what its reference test has.
func (m *mutations) intactRows(format string, sizeMax int, visit func(row dssRow, q documentQuery, good verdict)) {
	m.t.Helper()
	dir := suites.Corpora(m.t, "dss")
	var seen []string
	for _, row := range dssRows(m.t, format) {
		q := row.query(m.t, dir)
		if format == "cades" {
			q.Document = bare(q.Document)
		}
		if slices.Contains(seen, row.Document) || !suites.Whole() && len(q.Document) > sizeMax {
			continue
		}
		good, err := m.s.judge(m.t.Context(), q)
		if err != nil {
			m.t.Fatal(err)
		}
		if !good.unharmed() {
			continue
		}
		seen = append(seen, row.Document)
		row.Document = filepath.Base(row.Document)
		visit(row, q, good)
	}
}
