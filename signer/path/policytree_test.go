package path

import (
	"slices"
	"testing"

	"qaqpa/signer/pkix"

	"pgregory.net/rapid"
)

// treeNode and policyTree are valid_policy_tree as RFC 5280 6.1 writes it, exponential and plain, to compare the graph
// of RFC 9618 with.
type treeNode struct {
	policy   string
	expected []string
	children []*treeNode
}

// policyTree walks certificates from the anchor down and returns the user-constrained policies, nil when explicit_policy
// is not met.
type policyTree struct {
	root                                *treeNode
	explicit, mapping, inhibitAny, n, i int
}

func (t *policyTree) level(depth int) []*treeNode {
	if t.root == nil {
		return nil
	}
	nodes := []*treeNode{t.root}
	for range depth {
		var next []*treeNode
		for _, n := range nodes {
			next = append(next, n.children...)
		}
		nodes = next
	}
	return nodes
}

// prune deletes nodes of a depth below the given one that have no children.
func (t *policyTree) prune(depth int) {
	for d := depth - 1; d >= 0; d-- {
		t.keep(t.root, 0, d)
	}
	if t.root != nil && len(t.root.children) == 0 && depth > 0 {
		t.root = nil
	}
}

func (t *policyTree) keep(n *treeNode, at, depth int) {
	if n == nil {
		return
	}
	if at == depth-1 {
		n.children = slices.DeleteFunc(n.children, func(c *treeNode) bool { return len(c.children) == 0 })
		return
	}
	for _, c := range n.children {
		t.keep(c, at+1, depth)
	}
}

// step is 6.1.3 (d) to (f) for certificate i.
func (t *policyTree) step(c *pkix.Certificate, selfIssued bool) bool {
	t.i++
	if c.Policies == nil {
		t.root = nil
	}
	if t.root != nil {
		t.add(c, selfIssued)
		t.prune(t.i)
	}
	return t.explicit > 0 || t.root != nil
}

func (t *policyTree) add(c *pkix.Certificate, selfIssued bool) {
	above := t.level(t.i - 1)
	anyPolicy := false
	for _, p := range c.Policies {
		if p.OID == pkix.AnyPolicy {
			anyPolicy = true
			continue
		}
		found := false
		for _, n := range above {
			if slices.Contains(n.expected, p.OID) {
				n.children = append(n.children, &treeNode{policy: p.OID, expected: []string{p.OID}})
				found = true
			}
		}
		for _, n := range above {
			if !found && n.policy == pkix.AnyPolicy {
				n.children = append(n.children, &treeNode{policy: p.OID, expected: []string{p.OID}})
			}
		}
	}
	if !anyPolicy || t.inhibitAny == 0 && (t.i == t.n || !selfIssued) {
		return
	}
	for _, n := range above {
		for _, oid := range n.expected {
			if !slices.ContainsFunc(n.children, func(c *treeNode) bool { return c.policy == oid }) {
				n.children = append(n.children, &treeNode{policy: oid, expected: []string{oid}})
			}
		}
	}
}

// prepare is 6.1.4 (b) and (h) to (j).
func (t *policyTree) prepare(c *pkix.Certificate, selfIssued bool) {
	if t.root != nil {
		t.mapAll(c.PolicyMappings)
	}
	if !selfIssued {
		t.explicit, t.mapping, t.inhibitAny = max(t.explicit-1, 0), max(t.mapping-1, 0), max(t.inhibitAny-1, 0)
	}
	if pc := c.PolicyConstraints; pc != nil {
		if pc.RequireExplicitPolicy >= 0 {
			t.explicit = min(t.explicit, pc.RequireExplicitPolicy)
		}
		if pc.InhibitPolicyMapping >= 0 {
			t.mapping = min(t.mapping, pc.InhibitPolicyMapping)
		}
	}
	if c.InhibitAnyPolicy >= 0 {
		t.inhibitAny = min(t.inhibitAny, c.InhibitAnyPolicy)
	}
}

func (t *policyTree) mapAll(mappings []pkix.PolicyMapping) {
	subjects := map[string][]string{}
	for _, m := range mappings {
		subjects[m.IssuerDomain] = append(subjects[m.IssuerDomain], m.SubjectDomain)
	}
	for issuer, mapped := range subjects {
		here := slices.DeleteFunc(t.level(t.i), func(n *treeNode) bool { return n.policy != issuer })
		for _, parent := range t.level(t.i - 1) {
			switch {
			case t.mapping == 0:
				parent.children = slices.DeleteFunc(parent.children, func(n *treeNode) bool { return n.policy == issuer })
			case len(here) == 0 && parent.policy == pkix.AnyPolicy &&
				slices.ContainsFunc(parent.children, func(n *treeNode) bool { return n.policy == pkix.AnyPolicy }):
				parent.children = append(parent.children, &treeNode{policy: issuer, expected: mapped})
			}
		}
		if t.mapping > 0 {
			for _, n := range here {
				n.expected = mapped
			}
		}
	}
	t.prune(t.i)
}

// result is 6.1.5 (g): the policies of the anchor's domain among initial.
func (t *policyTree) result(initial []string) []string {
	var out []string
	var walk func(n *treeNode, depth int)
	walk = func(n *treeNode, depth int) {
		for _, c := range n.children {
			switch {
			case c.policy != pkix.AnyPolicy:
				if initial == nil || slices.Contains(initial, c.policy) {
					out = append(out, c.policy)
				}
			case depth+1 < t.n:
				walk(c, depth+1)
			case initial == nil:
				out = append(out, pkix.AnyPolicy)
			default:
				out = append(out, initial...)
			}
		}
	}
	if t.root != nil {
		walk(t.root, 0)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var policyOIDs = []string{"1.2.1", "1.2.2", "1.2.3", pkix.AnyPolicy}

// drawCertificate is a certificate as far as policies go. Mappings of policies that the certificate does not assert are
// drawn too: issuers write them.
func drawCertificate(t *rapid.T) *pkix.Certificate {
	c := &pkix.Certificate{}
	c.InhibitAnyPolicy, c.PathLen = rapid.IntRange(-1, 2).Draw(t, "inhibit any"), -1
	if rapid.IntRange(0, 5).Draw(t, "with policies") > 0 {
		for _, oid := range rapid.SliceOfNDistinct(rapid.SampledFrom(policyOIDs), 1, 3, rapid.ID[string]).Draw(t, "policies") {
			c.Policies = append(c.Policies, pkix.PolicyInformation{OID: oid})
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "mappings") {
		c.PolicyMappings = append(c.PolicyMappings, pkix.PolicyMapping{
			IssuerDomain: rapid.SampledFrom(policyOIDs[:3]).Draw(t, "from"), SubjectDomain: rapid.SampledFrom(policyOIDs[:3]).Draw(t, "to"),
		})
	}
	if rapid.Bool().Draw(t, "constrained") {
		c.PolicyConstraints = &pkix.PolicyConstraints{
			RequireExplicitPolicy: rapid.IntRange(-1, 2).Draw(t, "explicit"), InhibitPolicyMapping: rapid.IntRange(-1, 2).Draw(t, "mapping"),
		}
	}
	return c
}

// TestPolicyGraphIsTheTree: on random paths the graph decides as the tree of RFC 5280 does.
func TestPolicyGraphIsTheTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		certs := rapid.SliceOfN(rapid.Custom(drawCertificate), 1, 4).Draw(t, "certificates")
		inputs := PolicyInputs{
			Explicit: rapid.Bool().Draw(t, "explicit"), MappingInhibited: rapid.Bool().Draw(t, "no mapping"), AnyInhibited: rapid.Bool().Draw(t, "no any"),
		}
		if rapid.Bool().Draw(t, "some") {
			inputs.Initial = rapid.SliceOfNDistinct(rapid.SampledFrom(policyOIDs[:3]), 1, 2, rapid.ID[string]).Draw(t, "initial")
		}
		n := len(certs)
		tree := &policyTree{
			root: &treeNode{policy: pkix.AnyPolicy, expected: []string{pkix.AnyPolicy}}, explicit: n + 1, mapping: n + 1, inhibitAny: n + 1, n: n,
		}
		for _, f := range []struct {
			set bool
			at  *int
		}{{inputs.Explicit, &tree.explicit}, {inputs.MappingInhibited, &tree.mapping}, {inputs.AnyInhibited, &tree.inhibitAny}} {
			if f.set {
				*f.at = 0
			}
		}
		want, ok := tree.run(certs, inputs.Initial)
		got, passed := graphDecides(certs, inputs)
		if ok != passed || ok && !slices.Equal(want, got) {
			t.Fatalf("the tree says %v %v, the graph %v %v", ok, want, passed, got)
		}
	})
}

func (t *policyTree) run(certs []*pkix.Certificate, initial []string) ([]string, bool) {
	for i, c := range certs {
		if !t.step(c, false) {
			return nil, false
		}
		if i < len(certs)-1 {
			t.prepare(c, false)
		}
	}
	t.explicit = max(t.explicit-1, 0)
	if pc := certs[len(certs)-1].PolicyConstraints; pc != nil && pc.RequireExplicitPolicy == 0 {
		t.explicit = 0
	}
	out := t.result(initial)
	return out, t.explicit > 0 || len(out) > 0
}

// graphDecides lets the validation walk the same path.
func graphDecides(certs []*pkix.Certificate, inputs PolicyInputs) ([]string, bool) {
	anchor := &pkix.Certificate{Version: 1}
	anchor.PathLen, anchor.InhibitAnyPolicy = -1, -1
	j := &judgement{path: append(slices.Clone(certs), anchor), anchor: &Anchor{Certificate: anchor}}
	slices.Reverse(j.path[:len(certs)])
	v := newValidation(&Inputs{Policy: inputs, At: now})
	v.checkPath(j)
	j.findings = slices.DeleteFunc(j.findings, func(f finding) bool { return f.Code != CodePolicy })
	var out []string
	for _, p := range j.policies {
		out = append(out, p.OID)
	}
	slices.Sort(out)
	return slices.Compact(out), len(j.findings) == 0
}
