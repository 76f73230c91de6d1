package xades

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/cms"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Names of time stamps in reports, where those of CMS do not say it.
const (
	StampIndividual = "individual-data-objects-time-stamp"
	StampSigAndRefs = "sig-and-refs-time-stamp"
	StampRefsOnly   = "refs-only-time-stamp"
	StampArchive    = "archive-time-stamp"
)

// stampKinds are the unsigned time stamps.
var stampKinds = map[string]struct {
	kind cms.StampKind
	name string
}{
	"SignatureTimeStamp":    {cms.SignatureStamp, ""},
	"SigAndRefsTimeStamp":   {cms.SignatureRefStamp, StampSigAndRefs},
	"SigAndRefsTimeStampV2": {cms.SignatureRefStamp, StampSigAndRefs},
	"RefsOnlyTimeStamp":     {cms.RefStamp, StampRefsOnly},
	"RefsOnlyTimeStampV2":   {cms.RefStamp, StampRefsOnly},
	"ArchiveTimeStamp":      {cms.ArchiveStampV2, StampArchive},
	"ArchiveTimeStampV2":    {cms.ArchiveStampV2, StampArchive},
}

var (
	errTooMany  = errors.New("more time stamps than are judged")
	errXMLToken = errors.New("time stamps in XML are not judged")
)

// Stamps are the time stamps of the signature, at most limit: those over content first, then the others in document order. What
// could not be read is told by the error, the first of several, beside those that could.
func (p *Properties) Stamps(limit int) (out []cms.Stamp, err error) {
	for _, n := range p.content {
		s := cms.Stamp{Kind: cms.ContentStamp}
		var m message
		if n.Local() == "IndividualDataObjectsTimeStamp" {
			s.Name = StampIndividual
			m, s.Fault = p.individual(n)
		} else {
			m, s.Fault = p.allData(n)
		}
		s.Over = p.readings(n, m)
		out, err = appendTokens(out, n, s, limit, err)
	}
	for i, n := range p.unsigned {
		kind, ok := stampKinds[n.Local()]
		if !ok || !xmldsig.IsXAdES(n.Name().Space) {
			continue
		}
		if len(out) == limit {
			return out, cmp.Or(err, errTooMany)
		}
		s := cms.Stamp{Kind: kind.kind, Name: kind.name}
		p.describe(&s, n, i)
		out, err = appendTokens(out, n, s, limit, err)
	}
	return out, err
}

// appendTokens adds a time stamp for each token in an element: several may stand in one.
func appendTokens(to []cms.Stamp, n xmltree.Node, s cms.Stamp, limit int, err error) ([]cms.Stamp, error) {
	for c := range n.Elements() {
		switch {
		case is(c, "XMLTimeStamp"):
			err = cmp.Or(err, errXMLToken)
		case !is(c, "EncapsulatedTimeStamp"):
		case len(to) == limit:
			return to, cmp.Or(err, errTooMany)
		default:
			token, wrong := xmldsig.Base64Of(c)
			if wrong != nil {
				err = cmp.Or(err, wrong)
				continue
			}
			s.Token = token
			to = append(to, s)
		}
	}
	return to, err
}

// tokens are those of an element, for what another time stamp covers. They are decoded once: each time stamp may cover all before it.
func (p *Properties) tokens(n xmltree.Node) (out [][]byte) {
	if known, ok := p.decoded[n]; ok {
		return known
	}
	defer func() { p.decoded[n] = out }()
	for c := range n.Elements() {
		if is(c, "EncapsulatedTimeStamp") && len(out) < valuesMax {
			if token, err := xmldsig.Base64Of(c); err == nil {
				out = append(out, token)
			}
		}
	}
	return out
}

// describe tells what an unsigned time stamp is over, and what it proves. at is its place among the unsigned properties: it can only be
// over what stands before it.
func (p *Properties) describe(s *cms.Stamp, n xmltree.Node, at int) {
	before := p.unsigned[:at]
	own := nodes(p.checked.Signature.SignatureValue)
	switch s.Kind { //nolint:exhaustive // stampKinds has no others
	case cms.SignatureStamp:
		s.CoversSignature = true
		s.Over = p.readings(n, own)
		s.Fault = p.onlyValue(n)
	case cms.SignatureRefStamp:
		s.CoversSignature = true
		listed, fault := p.listed(n, pick(before, referenced, "SignatureTimeStamp"))
		s.Fault = fault
		s.Over = p.readings(n, slices.Concat(own, nodes(listed...)), slices.Concat(own, nodes(ranked(listed)...)))
		p.proves(s, listed)
	case cms.RefStamp:
		listed, fault := p.listed(n, pick(before, referenced))
		s.Fault = fault
		s.Over = p.readings(n, nodes(listed...), nodes(ranked(listed)...))
		p.proves(s, listed)
	case cms.ArchiveStampV2:
		p.archive(s, n, before)
	}
	if s.CoversSignature {
		p.provesSigned(s)
	}
}

// referenced are the properties of references.
var referenced = []string{
	"CompleteCertificateRefs", "CompleteCertificateRefsV2", "CompleteRevocationRefs", "AttributeCertificateRefs",
	"AttributeCertificateRefsV2", "AttributeRevocationRefs",
}

// rank is the order in which TS 101 903 V1.3.2 names the properties; EN 319 132-1 takes them as they stand.
var rank = map[string]int{
	"SignatureTimeStamp": 1, "CounterSignature": 2, "CompleteCertificateRefs": 3, "CompleteCertificateRefsV2": 3,
	"CompleteRevocationRefs": 4, "AttributeCertificateRefs": 5, "AttributeCertificateRefsV2": 5, "AttributeRevocationRefs": 6,
	"CertificateValues": 7, "RevocationValues": 8, "SigAndRefsTimeStamp": 9, "RefsOnlyTimeStamp": 10, "ArchiveTimeStamp": 11,
}

func ranked(list []xmltree.Node) []xmltree.Node {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b xmltree.Node) int { return rank[a.Local()] - rank[b.Local()] })
	return out
}

func pick(from []xmltree.Node, names []string, more ...string) (out []xmltree.Node) {
	for _, n := range from {
		if xmldsig.IsXAdES(n.Name().Space) && (slices.Contains(names, n.Local()) || slices.Contains(more, n.Local())) {
			out = append(out, n)
		}
	}
	return out
}

// archive is EN 319 132-1 5.5.2.2 and 5.5.2.3: the data of all references, SignedInfo, SignatureValue, KeyInfo, the unsigned properties
// before it, and the objects that no reference is to. Texts and programs differ in the order of the properties and in the objects.
func (p *Properties) archive(s *cms.Stamp, n xmltree.Node, before []xmltree.Node) {
	s.CoversSignature = true
	listed, fault := p.listed(n, before)
	s.Fault = fault
	s.Over = p.readings(n, p.archiveMessages(listed)...)
	sig := p.checked.Signature
	p.proves(s, listed)
	if sig.KeyInfo != nil {
		for _, c := range sig.KeyInfo.Certificates {
			s.Covers = append(s.Covers, c.DER)
		}
		s.Covers = append(s.Covers, sig.KeyInfo.CRLs...)
	}
}

// archiveMessages are the readings of what an archive time stamp over these unsigned properties is over; that of EN 319 132-1 is the first.
func (p *Properties) archiveMessages(listed []xmltree.Node) []message {
	sig := p.checked.Signature
	var head message
	for _, o := range p.checked.References {
		head = append(head, piece{data: o})
	}
	head = append(head, nodes(sig.SignedInfo, sig.SignatureValue)...)
	if sig.KeyInfo != nil {
		head = append(head, nodes(sig.KeyInfo.Element)...)
	}
	var loose, all []xmltree.Node
	for _, o := range sig.Objects {
		if o.Contains(p.Element) {
			continue
		}
		all = append(all, o)
		if !p.checked.Refers(o) {
			loose = append(loose, o)
		}
	}
	return []message{
		slices.Concat(head, nodes(listed...), nodes(loose...)),
		slices.Concat(head, nodes(listed...), nodes(all...)),
		slices.Concat(head, nodes(ranked(listed)...), nodes(loose...)),
		slices.Concat(head, nodes(ranked(listed)...), nodes(all...)),
	}
}

// proves adds what a time stamp that holds proves to have existed: all that stands in the properties that it is over.
func (p *Properties) proves(s *cms.Stamp, over []xmltree.Node) {
	size := 0
	for _, n := range over {
		ev := p.values[n]
		s.Covers = slices.Concat(s.Covers, ev.Certificates, ev.CRLs, ev.OCSPs)
		if _, ok := stampKinds[n.Local()]; ok {
			s.Covers = append(s.Covers, p.tokens(n)...)
		}
		if slices.Contains(referenced, n.Local()) {
			s.References = append(s.References, p.references(n)...)
		}
	}
	for _, c := range s.Covers {
		size += len(c)
	}
	if p.work != nil && p.work.Spend(int64(size)) != nil {
		s.Covers, s.Fault = nil, "the document is too complex"
	}
}

// provesSigned adds what every time stamp over the signature proves: what the signed properties name and carry.
func (p *Properties) provesSigned(s *cms.Stamp) {
	for i := range p.SigningCertificates {
		if ref := &p.SigningCertificates[i]; ref.Hash.Valid() {
			s.References = append(s.References, cms.Reference{Hash: ref.Hash, Digest: ref.Digest})
		}
	}
	for _, n := range p.content {
		s.Covers = append(s.Covers, p.tokens(n)...)
	}
}

// piece is one part of what a time stamp is over: a node in canonical form, or what a reference ends in.
type piece struct {
	node xmltree.Node
	data *xmldsig.Outcome
}

type message []piece

func nodes(list ...xmltree.Node) (out message) {
	for _, n := range list {
		out = append(out, piece{node: n})
	}
	return out
}

func (m message) write(w io.Writer, form c14n.Method) error {
	for _, part := range m {
		var err error
		switch {
		case part.data != nil:
			err = part.data.WriteData(w, form)
		case part.node.IsZero():
			err = fmt.Errorf("%w: a part that is stamped is missing", xmldsig.ErrMalformed)
		default:
			err = c14n.Write(w, xmltree.Subtree(part.node), form)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readings are the contents that a time stamp may be over, each once. Its canonical form is the one that it names, else Canonical XML 1.0.
func (p *Properties) readings(n xmltree.Node, messages ...message) (out []cms.Content) {
	form, err := formOf(n)
	for i, m := range messages {
		if slices.ContainsFunc(messages[:i], func(o message) bool { return slices.Equal(o, m) }) {
			continue
		}
		out = append(out, cms.ContentFunc(remembered(func(h algo.Hash) ([]byte, error) {
			if err != nil {
				return nil, err
			}
			w := h.New()
			if err := m.write(p.meter(w, h), form); err != nil {
				return nil, err
			}
			return w.Sum(nil), nil
		})))
	}
	return out
}

// remembered makes a digest once for each hash. Not safe for concurrent use, as the work that it is paid from.
func remembered(digest func(algo.Hash) ([]byte, error)) func(algo.Hash) ([]byte, error) {
	type outcome struct {
		sum []byte
		err error
	}
	known := map[algo.Hash]outcome{}
	return func(h algo.Hash) ([]byte, error) {
		o, ok := known[h]
		if !ok {
			o.sum, o.err = digest(h)
			known[h] = o
		}
		return o.sum, o.err
	}
}

// formOf is the canonical form that a time stamp names; in versions 1.1.1 and 1.2.2 a transform in HashDataInfo may name it.
func formOf(n xmltree.Node) (c14n.Method, error) {
	form := c14n.Method{Form: c14n.Inclusive10}
	for c := range n.Elements() {
		switch {
		case c.Is(xmldsig.Space, "CanonicalizationMethod"):
			return xmldsig.ReadForm(c)
		case is(c, "HashDataInfo"):
			for t := range elements(child(c, "Transforms")) {
				return xmldsig.ReadForm(t)
			}
		}
	}
	return form, nil
}

// includes are the references of a time stamp to what it is over: Include, or HashDataInfo in early versions.
func includes(n xmltree.Node) (out []xmltree.Node) {
	for c := range n.Elements() {
		if (is(c, "Include") || is(c, "HashDataInfo")) && len(out) < referencesMax {
			out = append(out, c)
		}
	}
	return out
}

// target is the element that an Include or HashDataInfo points at, in this document.
func target(include xmltree.Node) (xmltree.Node, error) {
	uri, ok := include.AttributeValue("URI")
	if !ok {
		uri, _ = include.AttributeValue("uri")
	}
	id, ok := strings.CutPrefix(uri, "#")
	if !ok {
		return xmltree.Node{}, fmt.Errorf("%w: %.100q", xmldsig.ErrRefused, uri)
	}
	return include.Document().ByID(id)
}

// onlyValue tells why a signature time stamp that names its parts is not over the value of this signature and that alone.
func (p *Properties) onlyValue(n xmltree.Node) string {
	list := includes(n)
	if len(list) == 0 {
		return ""
	}
	at, err := target(list[0])
	switch {
	case len(list) > 1:
		return "it names more than the value of the signature"
	case err != nil:
		return "what it names is not found: " + err.Error()
	case at != p.checked.Signature.SignatureValue:
		return "it names something else than the value of the signature"
	}
	return ""
}

// listed are the unsigned properties that a time stamp is over: those that it names (the distributed case), else all of implied. A property
// that is named must be one of this signature.
func (p *Properties) listed(n xmltree.Node, implied []xmltree.Node) (out []xmltree.Node, fault string) {
	list := includes(n)
	if len(list) == 0 {
		return implied, ""
	}
	for _, include := range list {
		at, err := target(include)
		switch {
		case err != nil:
			return nil, "what it names is not found: " + err.Error()
		case at == p.checked.Signature.SignatureValue && !slices.Contains(out, at):
			continue // stands before the properties anyway
		case !slices.Contains(p.unsigned, at) || at == n || slices.Contains(out, at):
			return nil, "it names what is no property of this signature"
		}
		out = append(out, at)
	}
	return out, ""
}

// allData is AllDataObjectsTimeStamp (EN 319 132-1 5.2.8.1): the data of all references but the one to SignedProperties.
func (p *Properties) allData(n xmltree.Node) (m message, fault string) {
	if len(includes(n)) > 0 {
		return p.individual(n)
	}
	for _, o := range p.checked.References {
		if nodes, _ := o.Nodes(); !isSignedPropertiesType(o.Reference.Type) && !nodes.HasSubtree(p.Signed) {
			m = append(m, piece{data: o})
		}
	}
	if len(m) == 0 {
		return nil, "there is nothing that it could be over"
	}
	return m, ""
}

// individual is IndividualDataObjectsTimeStamp (5.2.8.2): the data of the references that it names.
func (p *Properties) individual(n xmltree.Node) (m message, fault string) {
	for _, include := range includes(n) {
		at, err := target(include)
		if err != nil {
			return nil, "what it names is not found: " + err.Error()
		}
		i := slices.IndexFunc(p.checked.References, func(o *xmldsig.Outcome) bool { return o.Reference.Element == at })
		if i < 0 {
			return nil, "it names what is no reference of this signature"
		}
		m = append(m, piece{data: p.checked.References[i]})
	}
	if len(m) == 0 {
		return nil, "it names nothing"
	}
	return m, ""
}
