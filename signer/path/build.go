package path

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

var errBudget = errors.New("the budget of work is spent")

// edge is a certificate whose subject is the issuer of another.
type edge struct {
	cert   *pkix.Certificate
	anchor *Anchor // nil: from the pool
	rank   int
	tried  bool
	err    error // of verifying the signature, once tried
}

// validation is one call of Validate: the inputs, what has been spent, and what has been found out.
type validation struct {
	in    Inputs
	work  Work
	edges map[*pkix.Certificate][]*edge
	// faults are signatures that failed on the way up, for a result without a path.
	faults   []Problem
	longest  []*pkix.Certificate
	spent    bool
	statuses map[statusKey]RevocationInfo
	stack    []*pkix.Certificate // certificates whose status is being determined
	verified map[verification]error
	complete []*pkix.CRL // those of the inputs, the newest first
}

// verification is a signature that this validation has looked at.
type verification struct {
	signer *pkix.Certificate
	object signedObject
}

func newValidation(in *Inputs) *validation {
	return &validation{
		in: in.withDefaults(), edges: map[*pkix.Certificate][]*edge{}, statuses: map[statusKey]RevocationInfo{},
		verified: map[verification]error{},
	}
}

// walk goes depth first over the paths from the last certificate of path to anchors, and calls visit with each that is
// complete. It stops when visit says so or the budget is spent, and reports whether it stopped.
func (v *validation) walk(path []*pkix.Certificate, visit func(path []*pkix.Certificate, a *Anchor) bool) bool {
	if len(path) > len(v.longest) {
		v.longest = path
	}
	if depth(path) >= v.in.Budget.Depth {
		return false
	}
	top := path[len(path)-1]
	for _, e := range v.issuersOf(top) {
		if v.work.Steps++; v.work.Steps > v.in.Budget.Steps {
			v.spent = true
			return true
		}
		if e.anchor == nil && repeats(path, e.cert) || !v.holds(top, e) {
			if v.spent {
				return true
			}
			continue
		}
		next := append(slices.Clip(path), e.cert)
		if e.anchor != nil {
			if visit(next, e.anchor) {
				return true
			}
			continue
		}
		if v.walk(next, visit) {
			return true
		}
	}
	return v.spent
}

// depth counts the certificates of a path as path lengths do: self-issued intermediate ones not (RFC 5280 4.2.1.9).
func depth(path []*pkix.Certificate) int {
	n := 1
	for _, c := range path[1:] {
		if !c.SelfIssued() {
			n++
		}
	}
	return n
}

// repeats reports whether a path holds the same name with the same key already: such a path proves nothing new, and
// rings of cross-certificates would never end (RFC 4158 2.4.2, 5.2).
func repeats(path []*pkix.Certificate, c *pkix.Certificate) bool {
	for _, p := range path {
		if p == c || p.Subject.Equal(c.Subject) && bytes.Equal(p.RawSPKI, c.RawSPKI) {
			return true
		}
	}
	return false
}

// issuersOf lists anchors and pool certificates with the issuer's name, the most promising first. The list is made once
// for each certificate, so that the number of signatures is bounded by pairs and not by paths.
func (v *validation) issuersOf(c *pkix.Certificate) []*edge {
	if list, ok := v.edges[c]; ok {
		return list
	}
	var list []*edge
	for i := range v.in.Anchors {
		if a := &v.in.Anchors[i]; a.Certificate != nil && a.Certificate.Subject.Equal(c.Issuer) {
			list = append(list, &edge{cert: a.Certificate, anchor: a, rank: v.rank(c, a.Certificate) - 1})
		}
	}
	for _, p := range v.in.Pool {
		if p == nil || !p.Subject.Equal(c.Issuer) || p.Equal(c) {
			continue
		}
		if !slices.ContainsFunc(list, func(e *edge) bool { return e.cert.Equal(p) }) {
			list = append(list, &edge{cert: p, rank: v.rank(c, p)})
		}
	}
	slices.SortStableFunc(list, func(a, b *edge) int {
		if d := cmp.Compare(a.rank, b.rank); d != 0 {
			return d
		}
		return b.cert.NotBefore.Compare(a.cert.NotBefore)
	})
	v.edges[c] = list
	return list
}

// rank is how little a certificate looks like the issuer of c; the signature decides, this is only the order of trying.
func (v *validation) rank(c, issuer *pkix.Certificate) int {
	r := 0
	if !keyIDFits(c.AuthorityKeyID, issuer) {
		r += 8
	}
	if !issuer.IsCA {
		r += 4
	}
	if v.in.At.Before(issuer.NotBefore) || v.in.At.After(issuer.NotAfter) {
		r += 2
	}
	return r
}

// keyIDFits compares an authority key identifier with a certificate as far as both say something.
func keyIDFits(a *pkix.AuthorityKeyID, issuer *pkix.Certificate) bool {
	if a == nil {
		return true
	}
	if a.KeyID != nil && issuer.SubjectKeyID != nil {
		return bytes.Equal(a.KeyID, issuer.SubjectKeyID)
	}
	return a.Serial == nil || bytes.Equal(a.Serial, issuer.Serial)
}

// holds verifies the signature of c with the key of an edge, once.
func (v *validation) holds(c *pkix.Certificate, e *edge) bool {
	if !e.tried {
		e.tried = true
		e.err = v.verify(e.cert, c)
		if e.err != nil {
			v.faults = append(v.faults, signatureProblem(c, e.err))
		}
	}
	return e.err == nil
}

func signatureProblem(c *pkix.Certificate, err error) Problem {
	p := Problem{Code: CodeSignature, Clause: "RFC 5280 6.1.3 (a)(1)", Detail: err.Error(), Certificate: c}
	switch {
	case errors.Is(err, algo.ErrUnknownAlgorithm), errors.Is(err, algo.ErrNotAllowed):
		p.Code = CodeAlgorithm
	case errors.Is(err, errBudget):
		p.Code = CodeBudget
	}
	return p
}

// signedObject is a certificate, CRL or OCSP response.
type signedObject interface {
	Fingerprint() Digest
	SignedLen() int
	CheckSignature(key algo.PublicKey, keyErr error) error
}

// verify checks a signature with the key of a certificate, once, within the budget and by way of the memo.
func (v *validation) verify(signer *pkix.Certificate, o signedObject) error {
	known, ok := v.verified[verification{signer, o}]
	if !ok {
		known = v.verifyAnew(signer, o)
		v.verified[verification{signer, o}] = known
	}
	return known
}

func (v *validation) verifyAnew(signer *pkix.Certificate, o signedObject) error {
	var key memoKey
	if v.in.Memo != nil {
		key = memoKey{signer.Fingerprint(), o.Fingerprint()}
		if v.in.Memo.has(key) {
			v.work.Remembered++
			return nil
		}
	}
	n := o.SignedLen()
	if v.work.Signatures >= v.in.Budget.Signatures || n > v.in.Budget.Octets-v.work.Octets {
		v.spent = true
		return fmt.Errorf("more than %d signatures or %d octets: %w", v.in.Budget.Signatures, v.in.Budget.Octets, errBudget)
	}
	v.work.Signatures++
	v.work.Octets += n
	if err := o.CheckSignature(signer.PublicKey, signer.PublicKeyErr); err != nil {
		return err
	}
	v.in.Memo.add(key)
	return nil
}

// Path is a candidate: certificates from the leaf to the anchor's, each signed with the key of the next.
type Path struct {
	Chain  []*pkix.Certificate
	Anchor *Anchor
}

// Build lists complete paths from the leaf to the anchors in the order in which Validate tries them, at most as many as
// the budget allows. Signatures have been verified; nothing else has.
func Build(in Inputs) []Path {
	v := newValidation(&in)
	var out []Path
	if in.Leaf == nil {
		return nil
	}
	if a := v.anchorOf(in.Leaf); a != nil {
		out = append(out, Path{Chain: []*pkix.Certificate{in.Leaf}, Anchor: a})
	}
	v.walk([]*pkix.Certificate{in.Leaf}, func(path []*pkix.Certificate, a *Anchor) bool {
		out = append(out, Path{Chain: path, Anchor: a})
		return len(out) >= v.in.Budget.Paths
	})
	return out
}

// anchorOf returns the anchor that is the certificate itself, or nil.
func (v *validation) anchorOf(c *pkix.Certificate) *Anchor {
	for i := range v.in.Anchors {
		if a := &v.in.Anchors[i]; c.Equal(a.Certificate) {
			return a
		}
	}
	return nil
}
