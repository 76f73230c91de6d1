package path

import (
	"slices"

	"qaqpa/signer/pkix"
)

// policyNode is a policy that is valid for all certificates up to some depth (RFC 9618 5.2). At each depth a policy has
// one node with several parents, where the tree of RFC 5280 has a node for each way to reach it: that is what keeps the
// graph linear.
type policyNode struct {
	policy     string
	qualifiers []pkix.PolicyQualifier
	expected   []string
	parents    []*policyNode
	children   int
	dead       bool
}

// policyGraph is valid_policy_graph. levels[0] holds the root, anyPolicy. A nil graph is NULL: no policy is valid.
type policyGraph struct {
	levels []policyLevel
}

// policyLevel keeps the nodes of a depth by policy, and in the order of their making for stable results.
type policyLevel struct {
	byPolicy map[string]*policyNode
	order    []*policyNode
}

func newPolicyGraph() *policyGraph {
	g := &policyGraph{}
	g.grow()
	g.add(&policyNode{policy: pkix.AnyPolicy, expected: []string{pkix.AnyPolicy}})
	return g
}

func (g *policyGraph) grow() {
	g.levels = append(g.levels, policyLevel{byPolicy: map[string]*policyNode{}})
}

func (g *policyGraph) top() *policyLevel { return &g.levels[len(g.levels)-1] }

func (g *policyGraph) add(n *policyNode) {
	l := g.top()
	l.byPolicy[n.policy] = n
	l.order = append(l.order, n)
	for _, p := range n.parents {
		p.children++
	}
}

// expecting indexes the nodes of a level by the policies that they expect.
func (l *policyLevel) expecting() map[string][]*policyNode {
	out := make(map[string][]*policyNode, len(l.order))
	for _, n := range l.order {
		if n.dead {
			continue
		}
		for _, oid := range n.expected {
			out[oid] = append(out[oid], n)
		}
	}
	return out
}

func (l *policyLevel) live(oid string) *policyNode {
	if n := l.byPolicy[oid]; n != nil && !n.dead {
		return n
	}
	return nil
}

// apply processes the policies of a certificate (RFC 5280 6.1.3 (d), RFC 9618 5.3). anyAllowed tells whether anyPolicy
// counts. It returns nil when no policy stays valid.
func (g *policyGraph) apply(policies []pkix.PolicyInformation, anyAllowed bool) *policyGraph {
	above := *g.top()
	expecting := above.expecting()
	anyAbove := above.live(pkix.AnyPolicy)
	g.grow()
	var anyHere *pkix.PolicyInformation
	for i := range policies {
		p := &policies[i]
		if p.OID == pkix.AnyPolicy {
			anyHere = p
			continue
		}
		parents := expecting[p.OID]
		if len(parents) == 0 && anyAbove != nil {
			parents = []*policyNode{anyAbove}
		}
		if len(parents) > 0 {
			g.add(&policyNode{policy: p.OID, qualifiers: p.Qualifiers, expected: []string{p.OID}, parents: parents})
		}
	}
	if anyHere != nil && anyAllowed {
		g.applyAny(&above, expecting, anyHere.Qualifiers)
	}
	return g.prune()
}

// applyAny gives each policy that is still expected a node under anyPolicy (6.1.3 (d)(2)).
func (g *policyGraph) applyAny(above *policyLevel, expecting map[string][]*policyNode, q []pkix.PolicyQualifier) {
	for _, n := range above.order {
		if n.dead {
			continue
		}
		for _, oid := range n.expected {
			if g.top().byPolicy[oid] == nil {
				g.add(&policyNode{policy: oid, qualifiers: q, expected: []string{oid}, parents: expecting[oid]})
			}
		}
	}
}

// prune deletes nodes above the last level that lead nowhere (6.1.3 (d)(3)).
func (g *policyGraph) prune() *policyGraph {
	for i := len(g.levels) - 2; i >= 0; i-- {
		for _, n := range g.levels[i].order {
			if !n.dead && n.children == 0 {
				n.kill()
			}
		}
	}
	if g.levels[0].order[0].dead {
		return nil
	}
	return g
}

func (n *policyNode) kill() {
	n.dead = true
	for _, p := range n.parents {
		p.children--
	}
}

// mapPolicies processes the mappings of a CA certificate (6.1.4 (b)). allowed is policy_mapping > 0. anyQualifiers are
// those of anyPolicy in the same certificate.
func (g *policyGraph) mapPolicies(mappings []pkix.PolicyMapping, allowed bool, q []pkix.PolicyQualifier) *policyGraph {
	subjects := map[string][]string{}
	var order []string
	for _, m := range mappings {
		if subjects[m.IssuerDomain] == nil {
			order = append(order, m.IssuerDomain)
		}
		if !slices.Contains(subjects[m.IssuerDomain], m.SubjectDomain) {
			subjects[m.IssuerDomain] = append(subjects[m.IssuerDomain], m.SubjectDomain)
		}
	}
	level := g.top()
	for _, issuer := range order {
		n := level.live(issuer)
		switch anyHere := level.live(pkix.AnyPolicy); {
		case n != nil && allowed:
			n.expected = subjects[issuer]
		case n != nil:
			n.kill()
		case allowed && anyHere != nil:
			g.add(&policyNode{policy: issuer, qualifiers: q, expected: subjects[issuer], parents: anyHere.parents})
		}
	}
	if !g.alive() {
		return nil
	}
	return g.prune()
}

// alive reports whether the last level has a node.
func (g *policyGraph) alive() bool {
	for _, n := range g.top().order {
		if !n.dead {
			return true
		}
	}
	return false
}

// userConstrained is the user-constrained-policy-set (6.1.5 (g), RFC 9618 5.6): the policies under which the path is
// valid, named as the anchor's domain names them, with their qualifiers from the anchor down to the leaf. initial nil
// means any policy.
func (g *policyGraph) userConstrained(initial []string) []Policy {
	if g == nil {
		return nil
	}
	reach, last := g.reach(), len(g.levels)-1
	var out []Policy
	var open *policyNode // anyPolicy all the way down
	for i := 1; i < len(g.levels); i++ {
		for _, n := range g.levels[i].order {
			switch {
			case n.dead || !slices.ContainsFunc(n.parents, func(p *policyNode) bool { return p.policy == pkix.AnyPolicy }):
			case n.policy == pkix.AnyPolicy:
				if i == last {
					open = n
				}
			case initial == nil || slices.Contains(initial, n.policy):
				out = appendPolicy(out, n.policy, mergeQualifiers(g.anyQualifiers(i-1), reach[n]))
			}
		}
	}
	if open == nil {
		return out
	}
	if initial == nil || slices.Contains(initial, pkix.AnyPolicy) {
		return appendPolicy(out, pkix.AnyPolicy, g.anyQualifiers(last))
	}
	for _, oid := range initial {
		if !slices.ContainsFunc(out, func(p Policy) bool { return p.OID == oid }) {
			out = appendPolicy(out, oid, g.anyQualifiers(last))
		}
	}
	return out
}

// anyQualifiers are those of the anyPolicy nodes down to a level: what was said of every policy.
func (g *policyGraph) anyQualifiers(level int) []pkix.PolicyQualifier {
	var out []pkix.PolicyQualifier
	for i := 1; i <= level; i++ {
		if n := g.levels[i].live(pkix.AnyPolicy); n != nil {
			out = mergeQualifiers(out, n.qualifiers)
		}
	}
	return out
}

// reach gives each node its qualifiers and those of the nodes below it.
func (g *policyGraph) reach() map[*policyNode][]pkix.PolicyQualifier {
	out := map[*policyNode][]pkix.PolicyQualifier{}
	for i := len(g.levels) - 1; i > 0; i-- {
		for _, n := range g.levels[i].order {
			if n.dead {
				continue
			}
			out[n] = mergeQualifiers(out[n], n.qualifiers)
			for _, p := range n.parents {
				if p.policy != pkix.AnyPolicy {
					out[p] = mergeQualifiers(out[p], out[n])
				}
			}
		}
	}
	return out
}

func appendPolicy(out []Policy, oid string, q []pkix.PolicyQualifier) []Policy {
	for i := range out {
		if out[i].OID == oid {
			out[i].Qualifiers = mergeQualifiers(out[i].Qualifiers, q)
			return out
		}
	}
	return append(out, Policy{OID: oid, Qualifiers: q})
}

const maxQualifiers = 64 // shown to a person; beyond that nobody reads

func mergeQualifiers(a, b []pkix.PolicyQualifier) []pkix.PolicyQualifier {
	out := slices.Clip(a)
	for _, q := range b {
		if len(out) == maxQualifiers {
			break
		}
		same := func(o pkix.PolicyQualifier) bool { return o.OID == q.OID && string(o.Raw) == string(q.Raw) }
		if !slices.ContainsFunc(out, same) {
			out = append(out, q)
		}
	}
	return out
}
