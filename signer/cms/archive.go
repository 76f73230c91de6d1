package cms

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// archiveOIDs are attributes with archive time stamps of any version.
var archiveOIDs = []string{OIDArchiveTimestamp, OIDArchiveTimestampV2, OIDArchiveTimestampV3}

// archiveV2 is TS 101 733 6.4.1: the content and its type, certificates and CRLs of the document, and all of the SignerInfo,
// unsigned attributes included but for archive time stamps that came later. Two readings of the text exist: with and
// without tag and length of the unsigned attributes; and DER or as written.
func (si *SignerInfo) archiveV2(s *Stamp, content Content) {
	if si.data == nil {
		s.Fault = "an archive time stamp of version 2 in a counter-signature"
		return
	}
	kept := si.before(s.Token)
	var attributes []byte
	for _, a := range kept {
		attributes = append(attributes, a.Raw...)
	}
	tail := [][]byte{attributes, asn1ber.Append(nil, asn1ber.Context(1), true, attributes)}
	if len(attributes) == 0 {
		tail = tail[:1]
	}
	asIs := [][]byte{si.data.rawContent, si.data.rawCertificates, si.data.rawCRLs, si.rawHead}
	for _, parts := range [][][]byte{asIs, si.inDER(asIs)} {
		if parts == nil {
			continue
		}
		for _, end := range tail {
			rest := slices.Concat(parts[1], parts[2], parts[3], end)
			s.Over = append(s.Over, si.framed(parts[0], content, rest))
		}
	}
	s.CoversSignature = true
	s.Covers = append(slices.Concat(si.data.Certificates, si.data.OtherCertificates, si.data.CRLs, si.data.OCSPs), tokens(kept)...)
	ev := Evidence{}
	for _, a := range append(kept, pointers(si.SignedAttributes)...) {
		if err := ev.add(a, si.limits.Certificates); err != nil {
			continue // nothing is proven about what cannot be read
		}
	}
	s.Covers = slices.Concat(s.Covers, ev.Certificates, ev.CRLs, ev.OCSPs)
}

// framed is encapContentInfo, external content where the document has none, and the rest.
func (si *SignerInfo) framed(encapsulated []byte, content Content, rest []byte) Content {
	detached := !si.data.HasContent
	return Content{present: true, compute: func(h algo.Hash) ([]byte, error) {
		w := h.New()
		w.Write(encapsulated)
		if detached {
			switch {
			case !content.present:
				return nil, ErrNoContent
			case !content.whole:
				return nil, fmt.Errorf("%w: an archive time stamp of version 2 needs the content itself", ErrNoDigest)
			}
			w.Write(content.octets)
		}
		w.Write(rest)
		return w.Sum(nil), nil
	}}
}

// inDER rewrites parts in DER; nil when they are DER already or cannot be rewritten. The head of a SignerInfo is a run of
// elements, of which each is rewritten.
func (si *SignerInfo) inDER(parts [][]byte) [][]byte {
	limits := asn1ber.Limits{Bytes: si.limits.Bytes, Depth: si.limits.Depth, Elements: si.limits.Elements}
	out := make([][]byte, len(parts))
	changed := false
	for i, part := range parts {
		r, err := asn1ber.New(part, asn1ber.BER, limits)
		if err != nil {
			return nil
		}
		for !r.Empty() {
			e, err := r.Next()
			if err != nil {
				return nil
			}
			der, err := asn1ber.ToDER(e.Raw, limits)
			if err != nil {
				return nil
			}
			out[i] = append(out[i], der...)
		}
		changed = changed || !bytes.Equal(out[i], part)
	}
	if !changed {
		return nil
	}
	return out
}

// before are the unsigned attributes but archive time stamps that were not there when a token was made.
func (si *SignerInfo) before(token []byte) []*Attribute {
	at, err := stampTime(token)
	var out []*Attribute
	for i := range si.UnsignedAttributes {
		a := &si.UnsignedAttributes[i]
		if slices.Contains(archiveOIDs, a.OID) {
			values, valuesErr := a.Values()
			if err != nil || valuesErr != nil || slices.ContainsFunc(values, func(v []byte) bool {
				t, err := stampTime(v)
				return err != nil || !t.Before(at)
			}) {
				continue
			}
		}
		out = append(out, a)
	}
	return out
}

func pointers(list []Attribute) (out []*Attribute) {
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

// tokens are the time-stamp tokens among attributes.
func tokens(list []*Attribute) (out [][]byte) {
	for _, a := range list {
		if _, ok := stampKinds[a.OID]; !ok && a.OID != OIDContentTimestamp {
			continue
		}
		if values, err := a.Values(); err == nil {
			out = append(out, values...)
		}
	}
	return out
}

// archiveV3 is EN 319 122-1 5.5.3: the content's type and digest, the signed half of the SignerInfo, and the index, whose
// digests stand for certificates, revocation data and unsigned attributes. An index that names what is not there proves
// nothing (5.5.2).
func (si *SignerInfo) archiveV3(s *Stamp, content Content) {
	index, raw, err := hashIndexOf(s.Token)
	if err != nil {
		s.Fault = err.Error()
		return
	}
	if err := si.resolve(index, s); err != nil {
		s.Fault = err.Error()
	}
	var contentType []byte
	if si.data != nil {
		if contentType, err = asn1ber.EncodedOID(si.data.ContentType); err != nil {
			s.Fault = err.Error()
			return
		}
	}
	s.CoversSignature = true
	heads := [][][]byte{{si.rawHead}, si.inDER([][]byte{si.rawHead})}
	for _, head := range heads {
		if head == nil {
			continue
		}
		s.Over = append(s.Over, Content{present: true, compute: func(h algo.Hash) ([]byte, error) {
			digest, err := content.Digest(h)
			if err != nil {
				return nil, err
			}
			return h.Sum(nil, slices.Concat(contentType, digest, head[0], raw)), nil
		}})
	}
	s.Covers = append(s.Covers, si.tokensOf(OIDContentTimestamp)...) // signed attributes are covered whole
	s.References = append(s.References, si.certificateReferences()...)
}

// hashIndex is ATSHashIndex of any version.
type hashIndex struct {
	byValue                        bool // version 2 and 3: one digest for each value of an attribute
	hash                           algo.Hash
	certificates, crls, attributes [][]byte
}

// Errors of indexes.
var (
	errNoIndex    = errors.New("an archive time stamp of version 3 without exactly one index")
	errIndexNames = errors.New("the index of the archive time stamp names what the document does not hold")
)

// stampLimits bound a token that stands in a signature.
var stampLimits = Limits{Bytes: 4 << 20, Depth: 40, Elements: 1 << 18, Certificates: 64, Signers: 4, Attributes: 64}

// hashIndexOf finds the index among the unsigned attributes of a token, and its DER.
func hashIndexOf(token []byte) (x hashIndex, der []byte, err error) {
	sd, err := Parse(token, stampLimits)
	if err != nil {
		return x, nil, err
	}
	if len(sd.Signers) != 1 {
		return x, nil, errNoIndex
	}
	var found *Attribute
	for i := range sd.Signers[0].UnsignedAttributes {
		a := &sd.Signers[0].UnsignedAttributes[i]
		if a.OID != OIDArchiveHashIndex && a.OID != OIDArchiveHashIndexV2 && a.OID != OIDArchiveHashIndexV3 {
			continue
		}
		if found != nil {
			return x, nil, errNoIndex
		}
		found = a
	}
	if found == nil {
		return x, nil, errNoIndex
	}
	v, err := single(found.values.Fresh(valueLimits))
	if err != nil {
		return x, nil, errNoIndex
	}
	x.byValue = found.OID != OIDArchiveHashIndex
	if err := x.parse(v); err != nil {
		return x, nil, fmt.Errorf("index of the archive time stamp: %w", err)
	}
	der, err = asn1ber.ToDER(v.Raw, valueLimits)
	return x, der, err
}

func (x *hashIndex) parse(v asn1ber.Element) error {
	if v.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, v.Tag)
	}
	r, err := v.Children()
	if err != nil {
		return err
	}
	var parts []asn1ber.Element
	for !r.Empty() && len(parts) < 5 {
		e, err := r.Read(asn1ber.Sequence)
		if err != nil {
			return err
		}
		parts = append(parts, e)
	}
	if x.hash = algo.SHA256; len(parts) == 4 { // the hash is DEFAULT SHA-256 in version 1
		if x.hash, err = algo.ParseHash(parts[0].Raw); err != nil {
			return err
		}
		parts = parts[1:]
	}
	if len(parts) != 3 || !r.Empty() {
		return fmt.Errorf("%w: fields", asn1ber.ErrSyntax)
	}
	for i, to := range []*[][]byte{&x.certificates, &x.crls, &x.attributes} {
		if *to, err = octetStrings(parts[i]); err != nil {
			return err
		}
	}
	return nil
}

func octetStrings(list asn1ber.Element) (out [][]byte, err error) {
	r, err := list.Children()
	if err != nil {
		return nil, err
	}
	for !r.Empty() {
		e, err := r.Read(asn1ber.OctetString)
		if err != nil {
			return nil, err
		}
		o, err := e.OctetString()
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// indexed is an object that an index may name: the octets that are hashed, and what is proven thereby.
type indexed struct {
	octets []byte
	proves [][]byte
}

// resolve finds what the index names; what it leaves out was added later and is not proven.
func (si *SignerInfo) resolve(x hashIndex, s *Stamp) error {
	certificates, crls := si.indexedFrame()
	attributes, err := si.indexedAttributes(x.byValue)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		named [][]byte
		have  []indexed
	}{{x.certificates, certificates}, {x.crls, crls}, {x.attributes, attributes}} {
		at := make(map[string]*indexed, len(part.have))
		for i := range part.have {
			at[string(x.hash.Sum(nil, part.have[i].octets))] = &part.have[i]
		}
		for _, digest := range part.named {
			object, ok := at[string(digest)]
			if !ok {
				return errIndexNames
			}
			s.Covers = append(s.Covers, object.proves...)
		}
	}
	return nil
}

// indexedFrame are certificates and revocation data of the document.
func (si *SignerInfo) indexedFrame() (certificates, crls []indexed) {
	if si.data == nil {
		return nil, nil
	}
	for _, c := range slices.Concat(si.data.Certificates, si.data.OtherCertificates) {
		certificates = append(certificates, indexed{c, [][]byte{c}})
	}
	for i := range si.data.revocation {
		crls = append(crls, indexed{si.data.revocation[i].raw, [][]byte{si.data.revocation[i].object}})
	}
	// Some programs index what stands in certificate-values and revocation-values in the same lists.
	var ev Evidence
	for i := range si.UnsignedAttributes {
		if ev.add(&si.UnsignedAttributes[i], si.limits.Certificates) != nil {
			return certificates, crls
		}
	}
	for _, c := range ev.Certificates {
		certificates = append(certificates, indexed{c, [][]byte{c}})
	}
	for _, c := range slices.Concat(ev.CRLs, ev.OCSPs) {
		crls = append(crls, indexed{c, [][]byte{c}})
		if basic := basicOf(c); basic != nil {
			crls = append(crls, indexed{basic, [][]byte{c}})
		}
	}
	return certificates, crls
}

// indexedAttributes are the unsigned attributes: whole, or each value behind the attribute's type.
func (si *SignerInfo) indexedAttributes(byValue bool) (out []indexed, err error) {
	for i := range si.UnsignedAttributes {
		a := &si.UnsignedAttributes[i]
		proves := tokens([]*Attribute{a})
		var ev Evidence
		if ev.add(a, si.limits.Certificates) == nil {
			proves = slices.Concat(proves, ev.Certificates, ev.CRLs, ev.OCSPs)
		}
		if !byValue {
			out = append(out, indexed{a.Raw, proves})
			continue
		}
		values, err := a.Values()
		if err != nil {
			return nil, err
		}
		oid, err := asn1ber.EncodedOID(a.OID)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			out = append(out, indexed{slices.Concat(oid, v), proves})
		}
	}
	return out, nil
}
