package xades

import (
	"strings"
	"time"

	"qaqpa/signer/cms"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// readSigned reads what the signer states. It is called for properties that are signed.
func (p *Properties) readSigned() {
	groups := map[string]bool{}
	for group := range p.Signed.Elements() {
		name := group.Local()
		if !is(group, "SignedSignatureProperties") && !is(group, "SignedDataObjectProperties") || groups[name] {
			p.fault(RuleProperties, clauseProperties, "%s in SignedProperties is unknown or double", group.Name())
			continue
		}
		groups[name] = true
		for c := range group.Elements() {
			if name == "SignedSignatureProperties" {
				p.readOfSignature(c)
			} else {
				p.readOfData(c)
			}
		}
	}
}

// once are the properties that may stand once, as far as their values count.
var once = map[string]bool{"SigningTime": true, "SigningCertificate": true, "SigningCertificateV2": true, "SignaturePolicyIdentifier": true}

func (p *Properties) readOfSignature(n xmltree.Node) {
	value := ""
	if once[n.Local()] && p.shown(n.Local()) {
		p.fault(RuleProperties, clauseProperties, "%s stands twice", n.Name())
		return
	}
	switch {
	case is(n, "SigningTime"):
		value = text(n)
		p.readTime(value)
	case is(n, "SigningCertificate"), is(n, "SigningCertificateV2"):
		p.readCertificateRefs(n)
	case is(n, "SignaturePolicyIdentifier"):
		p.Policy = p.readPolicy(n)
		value = p.Policy.OID
	case is(n, "SignatureProductionPlace"), is(n, "SignatureProductionPlaceV2"):
		value = joinTexts(n, ", ")
	case is(n, "SignerRole"), is(n, "SignerRoleV2"):
		value = joinTexts(child(n, "ClaimedRoles"), "; ")
	}
	p.show(n, true, value)
}

func (p *Properties) shown(name string) bool {
	for _, o := range p.List {
		if o.Name == name && o.Signed {
			return true
		}
	}
	return false
}

func (p *Properties) readOfData(n xmltree.Node) {
	value := ""
	switch {
	case is(n, "DataObjectFormat"):
		value = text(child(n, "MimeType"))
		if of, _ := n.AttributeValue("ObjectReference"); value != "" {
			p.formats[strings.TrimPrefix(of, "#")] = true
		}
	case is(n, "CommitmentTypeIndication"):
		value = text(child(child(n, "CommitmentTypeId"), "Identifier"))
	case is(n, "AllDataObjectsTimeStamp"), is(n, "IndividualDataObjectsTimeStamp"):
		p.content = append(p.content, n)
	}
	p.show(n, true, value)
}

// joinTexts are the texts of the leaves of an element, at most 16.
func joinTexts(n xmltree.Node, by string) string {
	if n.IsZero() {
		return ""
	}
	var parts []string
	for c := range n.Elements() {
		if s := strings.Join(strings.Fields(c.Text()), " "); s != "" && len(parts) < 16 {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, by)
}

// readTime reads xs:dateTime; without a zone it is taken for UTC, since it proves nothing
// anyway; early DigiDoc wrote the date with dots.
func (p *Properties) readTime(s string) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006.01.02T15:04:05Z07:00"} {
		// The year in UTC counts: one beyond cannot be written, and would make an error of the verdict.
		if t, err := time.Parse(layout, s); err == nil && t.UTC().Year() > 0 && t.UTC().Year() < 10000 {
			p.SigningTime = t.UTC()
			return
		}
	}
	p.fault(cms.RuleSigningTime, clauseTime, "signing time %.40q", s)
}

// readPolicy reads SignaturePolicyIdentifier. The digest over a policy that is transformed first cannot be compared with the policy's
// octets: its hash is left out.
func (p *Properties) readPolicy(n xmltree.Node) *cms.SignaturePolicy {
	out := &cms.SignaturePolicy{}
	id := child(n, "SignaturePolicyId")
	if id.IsZero() {
		if child(n, "SignaturePolicyImplied").IsZero() {
			p.fault(RuleProperties, clausePolicy, "SignaturePolicyIdentifier is empty")
		}
		return out
	}
	out.OID = strings.Join(strings.Fields(text(child(child(id, "SigPolicyId"), "Identifier"))), "")
	for _, prefix := range []string{"urn:oid:", "URN:OID:"} {
		out.OID = strings.TrimPrefix(out.OID, prefix)
	}
	if out.OID == "" {
		out.OID = "unreadable"
	}
	digest := readDigest(child(id, "SigPolicyHash"))
	if out.Digest = digest.value; id.Child(xmldsig.Space, "Transforms").IsZero() {
		out.Hash = digest.hash
	}
	for q := range elements(child(id, "SigPolicyQualifiers")) {
		if uri := child(q, "SPURI"); !uri.IsZero() {
			out.URI = text(uri)
		}
		value := joinTexts(q, "; ")
		for c := range q.Elements() {
			p.show(c, true, value)
		}
	}
	return out
}

// elements are the children of an element that may be missing.
func elements(n xmltree.Node) func(func(xmltree.Node) bool) {
	if n.IsZero() {
		return func(func(xmltree.Node) bool) {}
	}
	return n.Elements()
}
