package jades

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/jws"
)

// RuleReferences judges the objects that sigD names.
const RuleReferences cms.Rule = "sigD"

// Mechanisms of sigD (TS 119 182-1 5.2.8).
const (
	MechanismURI     = "http://uri.etsi.org/19182/ObjectIdByURI"
	MechanismURIHash = "http://uri.etsi.org/19182/ObjectIdByURIHash"
)

// references are sigD: what a detached signature is over.
type references struct {
	mechanism string
	names     []string
	hash      algo.Hash // 0: not known
	digests   [][]byte
}

func readReferences(value []byte) (*references, error) {
	var v struct {
		MID   string   `json:"mId"`
		Pars  []string `json:"pars"`
		HashM string   `json:"hashM"`
		HashV []string `json:"hashV"`
	}
	if err := exactly(value, &v); err != nil {
		return nil, fmt.Errorf("sigD: %w", err)
	}
	if v.MID == "" || len(v.Pars) == 0 || len(v.Pars) > elementsMax {
		return nil, errors.New("sigD names no objects, or too many")
	}
	out := &references{mechanism: v.MID, names: v.Pars, hash: hashNames[v.HashM]}
	if v.MID != MechanismURIHash {
		return out, nil
	}
	if len(v.HashV) != len(v.Pars) {
		return nil, errors.New("sigD has not one digest for each name")
	}
	for _, text := range v.HashV {
		digest, err := jws.Decode64(text)
		if err != nil || out.hash.Valid() && len(digest) != out.hash.Size() {
			return nil, errors.New("sigD: a digest is none of its hash")
		}
		out.digests = append(out.digests, digest)
	}
	if !out.hash.Valid() {
		return nil, errors.New("sigD: the hash is not known")
	}
	return out, nil
}

// Payload is the payload of an attached document, decoded; nil where it is detached or cannot be decoded.
func (d *Document) Payload() []byte {
	if !d.Attached || len(d.Signatures) == 0 {
		return nil
	}
	if d.Signatures[0].unencoded {
		return d.octets
	}
	b, err := jws.Decode64(d.payload)
	if err != nil {
		return nil
	}
	return b
}

// DetachedHashes are the hashes of which digests of the original are enough for all signatures of a document; ok false where one has to see
// the original itself.
func (d *Document) DetachedHashes() (hashes []algo.Hash, ok bool) {
	for _, s := range d.Signatures {
		// Without b64 the digest is over the base64url of the object (5.2.8.3.3).
		if d.Attached || s.sigD == nil || s.sigD.mechanism != MechanismURIHash || !s.unencoded || s.adoTst != nil || s.archived() {
			return nil, false
		}
		if !slices.Contains(hashes, s.sigD.hash) {
			hashes = append(hashes, s.sigD.hash)
		}
	}
	return hashes, true
}

// written is an original as it stands in what is signed or hashed.
func (s *Signed) written(octets []byte) []byte {
	if s.unencoded {
		return octets
	}
	d := s.doc
	if len(octets) == 0 || len(octets) != len(d.plain) || &octets[0] != &d.plain[0] {
		d.plain, d.base64 = octets, base64.RawURLEncoding.AppendEncode(nil, octets)
	}
	return d.base64
}

func failed(rule cms.Rule, clause, sub, detail string) cms.Check {
	return cms.Check{Rule: rule, Status: cms.Failed, Clause: clause, Sub: sub, Detail: detail}
}

func undecided(rule cms.Rule, clause, sub, detail string) cms.Check {
	return cms.Check{Rule: rule, Status: cms.Undecided, Clause: clause, Sub: sub, Detail: detail}
}

// contribution is the payload as it goes into the signing input, and how the objects of sigD fare; the zero Check where there is nothing to say. A nil
// payload is none.
func (s *Signed) contribution(b Beside) ([]byte, cms.Check) {
	const clause = "RFC 7515 5.2, appendix F; TS 119 182-1 5.2.8"
	switch d := s.doc; {
	case d.Attached && s.sigD != nil:
		return nil, failed(RuleReferences, clause, cms.SubFormat, "a payload that is attached, and sigD")
	case s.sigD != nil:
		return s.referenced(b)
	case !b.spend(len(d.octets) + len(b.Octets)): // before anything is done with it: each signature and candidate comes here
		return nil, undecided(cms.RuleSignature, "RFC 7515 5.2", SubWork, errWork.Error())
	case d.Attached && s.unencoded && d.Form == Compact && jws.CheckUnencoded(d.octets) != nil:
		return nil, failed(RuleHeader, "RFC 7797 5.2", cms.SubFormat, "the payload must not stand unencoded")
	case d.Attached:
		if _, err := jws.Decode64(d.payload); err != nil && !s.unencoded {
			return nil, failed(RuleHeader, "RFC 7515 2", cms.SubFormat, "the payload is no base64url")
		}
		return d.octets, cms.Check{}
	case b.Octets == nil:
		return nil, undecided(cms.RuleMessageDigest, clause, cms.SubNoSignedData, "the original is needed")
	}
	return s.written(b.Octets), cms.Check{}
}

// referenced judges the objects of sigD: each has to be at hand. Of one original that came without a name every name means that one.
func (s *Signed) referenced(b Beside) ([]byte, cms.Check) {
	const clause = "TS 119 182-1 5.2.8.3"
	missing := func(detail string) cms.Check { return undecided(RuleReferences, clause, cms.SubNoSignedData, detail) }
	switch {
	case s.sigD.mechanism != MechanismURI && s.sigD.mechanism != MechanismURIHash:
		return nil, missing("the mechanism of sigD is not judged")
	case !b.given():
		return nil, missing("the original is needed")
	case s.sigD.mechanism == MechanismURI && !b.spend(len(b.Octets)):
		return nil, undecided(RuleReferences, clause, SubWork, errWork.Error())
	case s.sigD.mechanism == MechanismURI:
		octets := s.covered(b)
		if octets == nil {
			return nil, missing("an original is needed")
		}
		return octets, cms.Check{Rule: RuleReferences, Clause: clause}
	}
	worst, agreed := cms.Check{Rule: RuleReferences, Clause: clause}, 0
	for i, name := range s.sigD.names {
		check := worst
		object, ok := b.called(name)
		digest, err := s.digestOf(object)
		switch {
		case !ok:
			check = missing(fmt.Sprintf("the original %.200q is needed", name))
		case err != nil:
			check = missing(err.Error())
		case slices.Equal(digest, s.sigD.digests[i]):
			agreed++
		default:
			check = failed(RuleReferences, clause, cms.SubHash, fmt.Sprintf("the original is not what sigD calls %.200q", name))
		}
		if check.Status > worst.Status {
			worst = check
		}
	}
	if worst.Status == cms.Failed && agreed > 0 && b.Named == nil { // the one at hand is one of them
		worst = missing("several originals are needed")
	}
	return []byte{}, worst
}

// digestOf is the digest of an original as sigD has it.
func (s *Signed) digestOf(b Beside) ([]byte, error) {
	switch {
	case !b.spend(len(b.Octets)):
		// The attack: sixty-four signatures that each name one original of many megabytes two hundred times.
		return nil, errWork
	case b.Octets != nil:
		return s.sigD.hash.Sum(nil, s.written(b.Octets)), nil
	case !s.unencoded:
		return nil, errors.New("the digest is over the original in base64url, which is not at hand")
	}
	return b.Digest.Digest(s.sigD.hash)
}

// covered are the octets that stand for the content in content and archive time stamps (TS 119 182-1 5.2.6, 5.3.6.2), and with ObjectIdByURI in the
// signature; nil: not at hand. Several objects follow each other.
func (s *Signed) covered(b Beside) []byte {
	switch {
	case s.doc.Attached:
		return s.doc.octets
	case s.sigD == nil || len(s.sigD.names) == 1 && b.Named == nil:
		if b.Octets == nil {
			return nil
		}
		return s.written(b.Octets)
	}
	all := []byte{}
	for _, name := range s.sigD.names {
		object, ok := b.called(name)
		if !ok || object.Octets == nil || b.Named == nil || !b.spend(len(object.Octets)) {
			return nil
		}
		all = append(all, object.Octets...)
	}
	return s.written(all)
}

// HasHash tells whether a hash has a name in JAdES.
func HasHash(h algo.Hash) bool { return hashName(h) != "" }

// ByDigest is the header parameter sigD over one object of which only the digest is at hand (5.2.8.3.3), for a header with b64 false. The hash must
// have a name ([HasHash]).
func ByDigest(name string, h algo.Hash, digest []byte) (jws.Member, error) {
	text, err := json.Marshal(struct {
		MID   string   `json:"mId"`
		Pars  []string `json:"pars"`
		HashM string   `json:"hashM"`
		HashV []string `json:"hashV"`
	}{MechanismURIHash, []string{name}, hashName(h), []string{base64.RawURLEncoding.EncodeToString(digest)}})
	if err != nil {
		return jws.Member{}, fmt.Errorf("couldn't write sigD: %w", err)
	}
	return jws.Member{Name: "sigD", Value: text}, nil
}
