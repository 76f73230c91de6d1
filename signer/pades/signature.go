package pades

import (
	"bytes"
	"errors"
	"time"

	"qaqpa/signer/cms"
	"qaqpa/signer/pdf"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsp"
)

// SubFilter says how a signature is encoded.
type SubFilter string

// SubFilters that are judged.
const (
	CMSDetached   SubFilter = "adbe.pkcs7.detached"
	CAdESDetached SubFilter = "ETSI.CAdES.detached"
	CMSOverSHA1   SubFilter = "adbe.pkcs7.sha1"
	RSAOverSHA1   SubFilter = "adbe.x509.rsa_sha1"
	TimeStamp     SubFilter = "ETSI.RFC3161"
)

// Rules of signatures in PDF documents, besides those of packages cms and tsp.
const (
	RuleDictionary cms.Rule = "pdf-signature-dictionary" // read in one way by all readers
	RuleByteRange  cms.Rule = "pdf-byte-range"           // all but the very Contents of this signature
	RuleRevision   cms.Rule = "pdf-revision"             // and it ends a revision that holds the signature
	RuleEncoding   cms.Rule = "pdf-signature-encoding"   // Contents is what SubFilter says
	RuleContent    cms.Rule = "pdf-content"              // the digest inside is that of the octets
)

// Range is what a signature covers: all octets of the file before GapFrom, and from GapTo to End.
type Range struct{ GapFrom, GapTo, End int }

// Signature is one signature dictionary. It is immutable.
type Signature struct {
	// Fields are the full names of the fields that show it; none for a certification outside of the form.
	Fields    []string
	SubFilter SubFilter
	// Name, Reason, Location and ClaimedAt are the signer's own words; they prove nothing.
	Name, Reason, Location string
	ClaimedAt              time.Time
	// Range is what ByteRange says; zero when it says nothing usable.
	Range Range
	// Revision is that which it signs, counted from 1, of Revisions; 0 when it is none.
	Revision, Revisions int
	// Contents is the signature value: a CMS, a time-stamp token, or an OCTET STRING for RSAOverSHA1, padded with zeros.
	Contents []byte
	// Token is the time stamp where SubFilter is TimeStamp, read.
	Token *tsp.Token
	// CMS is the signature read, nil for RSAOverSHA1 and where it cannot be read.
	CMS *cms.SignedData
	// Certificates are those of the dictionary (RSAOverSHA1), in DER.
	Certificates [][]byte
	// Permission is what a certification allows to change later: 1 nothing, 2 forms, 3 annotations too; 0: it is none.
	Permission int
	// Locks are fields that must not change later.
	Locks []Lock
	// Changes are what later revisions changed, oldest first, at most 64 of each revision.
	Changes []Change
	// checks are the outcomes of what needs no certificate.
	checks cms.Checks
	// digests of the octets that it covers
	content cms.Content
	octets  [2][]byte
}

// Lock names fields that a signature freezes (ISO 32000-2 12.8.2.4): neither a value nor, where they are empty fields for signatures, a signature
// may be put into them later.
type Lock struct {
	// Action is "All", "Include" (the fields named) or "Exclude" (all but those).
	Action string
	Fields []string
}

func (s *Signature) pass(rule cms.Rule, clause string) {
	s.checks = append(s.checks, cms.Check{Rule: rule, Clause: clause})
}

func (s *Signature) fail(rule cms.Rule, clause, detail string) {
	s.checks = append(s.checks, cms.Check{Rule: rule, Clause: clause, Status: cms.Failed, Sub: cms.SubFormat, Detail: detail})
}

const (
	clauseDictionary = "ISO 32000-1 12.8.1; EN 319 142-1 5.3"
	clauseRange      = "ISO 32000-2 12.8.1; EN 319 142-1 5.3"
	clauseEncoding   = "ISO 32000-1 12.8.3"
)

// read judges the structure of a signature dictionary; nil for a value that is none at all.
func (d *Document) read(v pdf.View, o found, number int) *Signature {
	dict := v.Dict(o.value)
	if dict == nil {
		return nil
	}
	s := &Signature{Revisions: len(d.File.Revisions())}
	if o.field != "" {
		s.Fields = []string{o.field}
	}
	s.SubFilter = SubFilter(v.Name(dict.Get("SubFilter")))
	s.describe(v, dict, number)
	d.limits(s, v, dict, o)
	if dict.Doubled != "" {
		// Readers differ in which of two ByteRange or Contents they take.
		s.fail(RuleDictionary, clauseDictionary, "the key "+text([]byte(dict.Doubled))+" stands in the signature dictionary twice")
		return s
	}
	s.pass(RuleDictionary, clauseDictionary)
	if s.readRange(d.File, dict) {
		s.place(d.File, o, dict, number)
	}
	s.readContents(v, dict)
	return s
}

func (s *Signature) describe(v pdf.View, dict *pdf.Dict, number int) {
	said := func(key pdf.Name) []byte {
		if t := v.String(dict.Get(key)); t != nil {
			return v.Text(t, number)
		}
		return nil
	}
	s.Name, s.Reason, s.Location = text(said("Name")), text(said("Reason")), text(said("Location"))
	s.ClaimedAt = date(said("M"))
}

// readRange takes ByteRange, which must be four plain integers: what readers make of others differs.
func (s *Signature) readRange(f *pdf.File, dict *pdf.Dict) bool {
	a, ok := dict.Get("ByteRange").(pdf.Array)
	var n [4]int
	if ok = ok && len(a) == len(n); ok {
		for i, o := range a {
			v, isInteger := o.(int64)
			if n[i] = int(v); !isInteger || v < 0 || v > int64(len(f.Data())) {
				ok = false
			}
		}
	}
	switch {
	case !ok:
		s.fail(RuleByteRange, clauseRange, "ByteRange is not four numbers within the file")
	case n[0] != 0 || n[1] >= n[2] || n[2]+n[3] > len(f.Data()):
		s.fail(RuleByteRange, clauseRange, "ByteRange does not leave out one part of the file")
	default:
		s.Range = Range{n[1], n[2], n[2] + n[3]}
		return true
	}
	return false
}

// place finds the revision that ByteRange ends, and the signature in it as it was then: its Contents must be exactly what
// is left out. A range that leaves out more lets unsigned objects hide in the gap; one that ends elsewhere covers no document
// that anybody ever saw (signature wrapping, USF).
func (s *Signature) place(f *pdf.File, o found, dict *pdf.Dict, number int) {
	revision := revisionEnding(f, s.Range.End)
	if revision < 0 {
		s.fail(RuleRevision, clauseRange, "ByteRange does not end where a revision of the file ends")
		return
	}
	then := f.At(revision)
	was := then.Dict(pdf.Object(pdf.Ref{Number: number}))
	if _, isRef := o.value.(pdf.Ref); !isRef {
		was, _ = was.Get("V").(*pdf.Dict)
	}
	if was == nil || !pdf.Equal(was, dict) {
		s.fail(RuleRevision, clauseRange, "the revision that is signed does not hold this signature")
		return
	}
	contents, _ := was.Get("Contents").(*pdf.String)
	switch {
	case contents == nil || !contents.Hex || contents.To == 0:
		s.fail(RuleByteRange, clauseRange, "Contents is not a hexadecimal string in the file itself")
	case contents.From != s.Range.GapFrom || contents.To != s.Range.GapTo:
		s.fail(RuleByteRange, clauseRange, "ByteRange does not leave out exactly the Contents of the signature")
	case !onlyDigits(f.Data()[contents.From+1 : contents.To-1]):
		s.fail(RuleByteRange, clauseRange, "Contents holds more than hexadecimal digits")
	default:
		s.pass(RuleByteRange, clauseRange)
		s.pass(RuleRevision, clauseRange)
		s.Revision = revision + 1
	}
	s.octets = [2][]byte{f.Data()[:s.Range.GapFrom], f.Data()[s.Range.GapTo:s.Range.End]}
}

var errNoSigner = errors.New("the CMS has no signer")

func onlyDigits(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return len(b)%2 == 0
}

// revisionEnding finds the revision that ends at an offset, with or without the end of its last line; -1: none.
func revisionEnding(f *pdf.File, end int) int {
	for i, r := range f.Revisions() {
		if r.End == 0 || end < r.End {
			continue
		}
		if end == r.End || blank(f.Data()[r.End:end]) {
			return i
		}
	}
	return -1
}

func blank(b []byte) bool {
	if len(b) > 64 {
		return false
	}
	for _, c := range b {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' && c != 0 {
			return false
		}
	}
	return true
}

// readContents reads the value by its SubFilter.
func (s *Signature) readContents(v pdf.View, dict *pdf.Dict) {
	if contents := v.String(dict.Get("Contents")); contents != nil {
		s.Contents = contents.Value
	}
	switch s.SubFilter {
	case RSAOverSHA1:
		s.readCertificates(v, dict)
		return
	case CMSDetached, CAdESDetached, CMSOverSHA1, TimeStamp:
	default:
		// Others are in use that are CMS all the same, such as PBAD.PAdES of Brazil.
		if s.SubFilter == "" {
			s.fail(RuleEncoding, clauseEncoding, "SubFilter is missing")
			return
		}
	}
	value, rest := wholeValue(s.Contents)
	if len(rest) > 0 {
		s.fail(RuleEncoding, clauseEncoding, "octets other than zero follow the signature value")
	}
	sd, err := cms.Parse(value, cms.Limits{})
	if err == nil && len(sd.Signers) == 0 {
		err = errNoSigner
	}
	if err != nil {
		s.fail(RuleEncoding, clauseEncoding, err.Error())
		return
	}
	s.CMS = sd
	if s.SubFilter == TimeStamp {
		if s.Token, err = tsp.ParseToken(value); err != nil {
			s.fail(RuleEncoding, clauseEncoding, err.Error())
			return
		}
	}
	if len(sd.Signers) > 1 {
		s.checks = append(s.checks, cms.Check{
			Rule: RuleEncoding, Status: cms.Noted, Clause: "EN 319 142-1 5.1", Detail: "more than one signer in one signature, where the standard has one: each is judged",
		})
	}
	attached := s.SubFilter == CMSOverSHA1 || s.SubFilter == TimeStamp
	if sd.HasContent != attached {
		// The signature would be over what is inside, and the document a mere wrapping of it.
		s.fail(RuleEncoding, clauseEncoding, "content in the CMS where the document is the content, or none where it must be")
		return
	}
	s.pass(RuleEncoding, clauseEncoding)
}

// wholeValue splits the value from what follows it: zeros that fill the room kept for it, or else what nobody signed. A
// value of indefinite length is left to package cms.
func wholeValue(b []byte) (value, rest []byte) {
	if len(b) < 2 || b[1] == 0x80 {
		return b, nil
	}
	size, length := 2, int(b[1])
	if b[1] > 0x80 {
		n := int(b[1] & 0x7f)
		if n > 4 || len(b) < 2+n {
			return b, nil
		}
		length = 0
		for _, c := range b[2 : 2+n] {
			length = length<<8 | int(c)
		}
		size += n
	}
	if size+length > len(b) {
		return b, nil
	}
	return b[:size+length], bytes.TrimRight(b[size+length:], "\x00")
}

// readCertificates takes Cert, a string or a list of them.
func (s *Signature) readCertificates(v pdf.View, dict *pdf.Dict) {
	switch c := v.Resolve(dict.Get("Cert")).(type) {
	case *pdf.String:
		s.Certificates = [][]byte{c.Value}
	case pdf.Array:
		for _, o := range c[:min(len(c), 16)] {
			if one := v.String(o); one != nil {
				s.Certificates = append(s.Certificates, one.Value)
			}
		}
	}
}

// Signers is how many signed: each SignerInfo of the CMS is a signature of its own over the same octets. The standards allow one
// (ISO 32000-2 12.8.3.3), but what shows more must not hide behind the first.
func (s *Signature) Signers() int {
	if s.CMS == nil {
		return 1
	}
	return len(s.CMS.Signers)
}

// Candidates are the certificates of a pool that may be those of a signer, counted from 0, best first.
func (s *Signature) Candidates(signer int, pool []*pkix.Certificate) []*pkix.Certificate {
	if s.CMS != nil {
		return s.CMS.Signers[signer].Candidates(pool)
	}
	if len(s.Certificates) == 0 {
		return nil
	}
	for _, c := range pool { // the first of Cert is the signer's (ISO 32000-1 table 252)
		if string(c.Raw) == string(s.Certificates[0]) {
			return []*pkix.Certificate{c}
		}
	}
	return nil
}
