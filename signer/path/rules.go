package path

import (
	"slices"

	"qaqpa/signer/pkix"
)

// state is the state of RFC 5280 6.1.2 while a path is walked from the anchor down.
type state struct {
	constraints    []*pkix.NameConstraints
	graph          *policyGraph
	explicitPolicy int
	policyMapping  int
	inhibitAny     int
	maxPathLength  int
}

// checkPath is RFC 5280 6.1.2 to 6.1.5 without signatures, dates and revocation.
func (v *validation) checkPath(j *judgement) {
	n := len(j.path) - 1 // certificates below the anchor
	if n == 0 {
		return
	}
	s := v.initialState(n, j)
	for i := n - 1; i >= 0; i-- {
		c := j.path[i]
		last := i == 0
		selfIssued := c.SelfIssued()
		if !selfIssued || last {
			v.applyConstraints(j, s, c)
		}
		if c.Policies == nil {
			s.graph = nil
		}
		if s.graph != nil {
			s.graph = s.graph.apply(c.Policies, s.inhibitAny > 0 || !last && selfIssued)
		}
		if s.explicitPolicy == 0 && s.graph == nil {
			j.add(ChainGeneralFailure, Problem{
				Code: CodePolicy, Clause: "RFC 5280 6.1.3 (f)", Certificate: c, Detail: "no certificate policy is valid here",
			})
			return
		}
		if !last {
			v.prepareNext(j, s, c)
		}
	}
	v.wrapUp(j, s)
}

func (v *validation) initialState(n int, j *judgement) *state {
	in, a := &v.in.Policy, j.anchor
	s := &state{graph: newPolicyGraph(), explicitPolicy: n + 1, policyMapping: n + 1, inhibitAny: n + 1, maxPathLength: n}
	if j.role == asLeaf {
		if in.Explicit || a.Policies != nil {
			s.explicitPolicy = 0
		}
		if in.MappingInhibited {
			s.policyMapping = 0
		}
		if in.AnyInhibited {
			s.inhibitAny = 0
		}
	}
	// The anchor's own extensions bind (RFC 5937 3.2).
	v.checkIssuer(j, a.Certificate, true)
	if a.Certificate.PathLen >= 0 {
		s.maxPathLength = min(s.maxPathLength, a.Certificate.PathLen)
	}
	v.addConstraints(j, s, a.Certificate.NameConstraints, a.Certificate)
	v.addConstraints(j, s, a.NameConstraints, a.Certificate)
	s.constrainPolicies(a.Certificate)
	return s
}

func (v *validation) addConstraints(j *judgement, s *state, nc *pkix.NameConstraints, c *pkix.Certificate) {
	if nc == nil {
		return
	}
	if err := checkSubtrees(nc); err != nil {
		j.add(ChainGeneralFailure, nameProblem(c, err))
	}
	s.constraints = append(s.constraints, nc)
}

// applyConstraints is 6.1.3 (b) and (c).
func (v *validation) applyConstraints(j *judgement, s *state, c *pkix.Certificate) {
	if len(s.constraints) == 0 {
		return
	}
	all := names(c)
	for _, nc := range s.constraints {
		if err := v.checkNames(nc, all); err != nil {
			j.add(ChainGeneralFailure, nameProblem(c, err))
			if isBudget(err) {
				v.spent = true
			}
			return
		}
	}
}

func nameProblem(c *pkix.Certificate, err error) Problem {
	return Problem{
		Code: CodeNameConstraints, Clause: "RFC 5280 6.1.3 (b), (c)", Detail: "name constraints: " + err.Error(), Certificate: c,
	}
}

// prepareNext is 6.1.4: what a CA certificate below the anchor means for the certificates after it.
func (v *validation) prepareNext(j *judgement, s *state, c *pkix.Certificate) {
	v.applyMappings(j, s, c)
	v.addConstraints(j, s, c.NameConstraints, c)
	if !c.SelfIssued() {
		s.explicitPolicy = max(s.explicitPolicy-1, 0)
		s.policyMapping = max(s.policyMapping-1, 0)
		s.inhibitAny = max(s.inhibitAny-1, 0)
		if s.maxPathLength == 0 {
			j.add(ChainGeneralFailure, Problem{
				Code: CodePathLen, Clause: "RFC 5280 6.1.4 (l)", Certificate: c, Detail: "the path is longer than a CA above allows",
			})
		}
		s.maxPathLength = max(s.maxPathLength-1, 0)
	}
	s.constrainPolicies(c)
	v.checkIssuer(j, c, false)
	if c.PathLen >= 0 {
		s.maxPathLength = min(s.maxPathLength, c.PathLen)
	}
}

// constrainPolicies is 6.1.4 (i) and (j).
func (s *state) constrainPolicies(c *pkix.Certificate) {
	if pc := c.PolicyConstraints; pc != nil {
		if pc.RequireExplicitPolicy >= 0 {
			s.explicitPolicy = min(s.explicitPolicy, pc.RequireExplicitPolicy)
		}
		if pc.InhibitPolicyMapping >= 0 {
			s.policyMapping = min(s.policyMapping, pc.InhibitPolicyMapping)
		}
	}
	if c.InhibitAnyPolicy >= 0 {
		s.inhibitAny = min(s.inhibitAny, c.InhibitAnyPolicy)
	}
}

// applyMappings is 6.1.4 (a) and (b).
func (v *validation) applyMappings(j *judgement, s *state, c *pkix.Certificate) {
	if len(c.PolicyMappings) == 0 {
		return
	}
	for _, m := range c.PolicyMappings {
		if m.IssuerDomain == pkix.AnyPolicy || m.SubjectDomain == pkix.AnyPolicy {
			j.add(ChainGeneralFailure, Problem{
				Code: CodePolicyMapping, Clause: "RFC 5280 6.1.4 (a)", Certificate: c, Detail: "anyPolicy is mapped",
			})
			return
		}
	}
	if s.graph == nil {
		return
	}
	var q []pkix.PolicyQualifier
	if i := slices.IndexFunc(c.Policies, func(p pkix.PolicyInformation) bool { return p.OID == pkix.AnyPolicy }); i >= 0 {
		q = c.Policies[i].Qualifiers
	}
	s.graph = s.graph.mapPolicies(c.PolicyMappings, s.policyMapping > 0, q)
}

// checkIssuer is 6.1.4 (k) and (n): may the certificate sign others? An anchor of version 1 or 2 may, since it is
// trusted from outside; an intermediate one may not.
func (v *validation) checkIssuer(j *judgement, c *pkix.Certificate, anchor bool) {
	if !c.IsCA && (!anchor || c.Version == 3) {
		j.add(ChainGeneralFailure, Problem{
			Code: CodeNotCA, Clause: "RFC 5280 6.1.4 (k)", Certificate: c, Detail: "it may not issue certificates",
		})
	}
	if c.HasKeyUsage && !c.KeyUsage.Has(pkix.KeyCertSign) {
		j.add(ChainGeneralFailure, Problem{
			Code: CodeKeyCertSign, Clause: "RFC 5280 6.1.4 (n)", Certificate: c, Detail: "its key may not sign certificates",
		})
	}
}

// wrapUp is 6.1.5 (a), (b) and (g).
func (v *validation) wrapUp(j *judgement, s *state) {
	leaf := j.path[0]
	s.explicitPolicy = max(s.explicitPolicy-1, 0)
	if pc := leaf.PolicyConstraints; pc != nil && pc.RequireExplicitPolicy == 0 {
		s.explicitPolicy = 0
	}
	initial := v.initialPolicies(j)
	j.policies = s.graph.userConstrained(initial)
	if s.explicitPolicy == 0 && len(j.policies) == 0 {
		j.add(ChainGeneralFailure, Problem{
			Code: CodePolicy, Clause: "RFC 5280 6.1.5 (g)", Certificate: leaf,
			Detail: "the path is valid under none of the wanted policies",
		})
	}
}

// initialPolicies is the user-initial-policy-set, narrowed by what the anchor is trusted for; nil: any.
func (v *validation) initialPolicies(j *judgement) []string {
	if j.role != asLeaf {
		return nil
	}
	user := v.in.Policy.Initial
	if slices.Contains(user, pkix.AnyPolicy) {
		user = nil
	}
	anchor := j.anchor.Policies
	switch {
	case anchor == nil:
		return user
	case user == nil:
		return anchor
	}
	both := []string{}
	for _, oid := range user {
		if slices.Contains(anchor, oid) {
			both = append(both, oid)
		}
	}
	return both
}
