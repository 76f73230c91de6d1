package jades

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/jws"
)

// RuleHeader is the rule of this package that has no counterpart in CMS: headers are well-formed, and say nothing twice.
const RuleHeader cms.Rule = "jose-header"

// Signed is one signature of a document, read and not yet believed.
type Signed struct {
	// Algorithm is that of the protected header; empty: none could be read.
	Algorithm jws.Algorithm
	// Certificates are x5c: DER, the signer's first.
	Certificates [][]byte
	// SigningTime is what the signer claims (iat or sigT); zero: nothing.
	SigningTime time.Time
	Policy      *cms.SignaturePolicy // sigPId; nil: none
	Value       []byte
	Parameters  []Parameter

	doc             *Document
	protected, text string // header and value as they stand
	depth           int
	scheme          error // why the algorithm is none that can be judged
	unencoded       bool
	members         []jws.Member // protected
	critical        []string
	thumbs          []thumb
	sigD            *references
	adoTst          []byte       // the value of adoTst
	others          []jws.Member // unprotected ones but etsiU
	elements        []element
	faults          cms.Checks
}

// Parameter is a member of a header, to be shown.
type Parameter struct {
	Name   string
	Signed bool
}

// thumb is a digest of a certificate.
type thumb struct {
	name   string
	hash   algo.Hash
	digest []byte
}

var errUnread = errors.New("no algorithm could be read")

func (s *Signed) fail(clause, detail string) {
	s.faults = append(s.faults, cms.Check{Rule: RuleHeader, Status: cms.Failed, Clause: clause, Detail: detail, Sub: cms.SubFormat})
}

func (s *Signed) note(rule cms.Rule, clause, detail string) {
	s.faults = append(s.faults, cms.Check{Rule: rule, Status: cms.Noted, Clause: clause, Detail: detail})
}

// readProtected reads the header that the signature covers.
func (s *Signed) readProtected() {
	raw, err := jws.Decode64(s.protected)
	if err == nil {
		s.members, err = jws.ReadObject(raw, depthMax)
	}
	if err != nil {
		s.fail("RFC 7515 4", err.Error())
		return
	}
	for _, m := range s.members {
		s.Parameters = append(s.Parameters, Parameter{m.Name, true})
		if err := s.take(m); err != nil {
			s.fail("RFC 7515 4.1; TS 119 182-1 5.1, 5.2", err.Error())
		}
	}
	if s.Algorithm == "" {
		s.fail("RFC 7515 4.1.1", "no algorithm")
	}
}

// take takes over one protected member.
func (s *Signed) take(m jws.Member) (err error) {
	switch m.Name {
	case "alg":
		var name string
		name, err = m.Text()
		s.Algorithm = jws.Algorithm(name)
		_, s.scheme = s.Algorithm.Scheme()
	case "x5c":
		s.Certificates, err = m.X5C(certificatesMax)
	case "x5t":
		err = s.thumbprint(m, algo.SHA1)
	case "x5t#S256":
		err = s.thumbprint(m, algo.SHA256)
	case "x5t#o":
		err = s.namedThumbprint(m.Name, m.Value)
	case "sigX5ts":
		err = s.thumbprints(m)
	case "crit":
		s.critical, err = m.Texts()
		if err == nil && len(s.critical) == 0 {
			err = errors.New("crit is empty")
		}
	case "b64":
		switch string(m.Value) {
		case "true":
		case "false":
			s.unencoded = true
		default:
			err = errors.New("b64 is not a boolean")
		}
	case "iat", "sigT":
		s.readTime(m)
	case "sigD":
		s.sigD, err = readReferences(m.Value)
	case "sigPId":
		s.Policy, err = readPolicy(m.Value)
	case "adoTst":
		s.adoTst = m.Value
	case "jwk", "jku":
		// The signer must not choose the key that it is verified with (RFC 7515 10.10; CVE-2018-0114).
		err = fmt.Errorf("it brings its own key (%s)", m.Name)
	}
	return err
}

// stated are the names that count in the protected header alone: what stands elsewhere anybody could have written.
var stated = []string{
	"alg", "b64", "crit", "typ", "cty", "x5c", "x5t", "x5t#S256", "x5t#o", "sigX5ts", "x5u", "jwk", "jku",
	"iat", "sigT", "sigD", "sigPId", "sigPl", "srCms", "srAts", "adoTst",
}

// readUnprotected reads the header that anybody can change.
func (s *Signed) readUnprotected(header []jws.Member) {
	for _, m := range header {
		s.Parameters = append(s.Parameters, Parameter{m.Name, false})
		twice := has(s.members, m.Name)
		switch {
		case twice: // RFC 7515 4: the two headers are disjoint
			s.fail("RFC 7515 4", fmt.Sprintf("%.40q stands in both headers", m.Name))
		case slices.Contains(stated, m.Name):
			s.fail("RFC 7515 10.7; TS 119 182-1 5.1", fmt.Sprintf("%.40q stands in the header that is not signed", m.Name))
		case m.Name == "etsiU":
			if err := s.readElements(m.Value); err != nil {
				s.note(RuleHeader, "TS 119 182-1 5.3.1", "etsiU: "+err.Error())
			}
			continue
		}
		s.others = append(s.others, m)
	}
}

func has(members []jws.Member, name string) bool {
	return slices.ContainsFunc(members, func(m jws.Member) bool { return m.Name == name })
}

// understood are the extensions that crit may list.
var understood = []string{
	"b64", "sigT", "iat", "sigD", "sigPId", "sigPl", "srCms", "srAts", "adoTst", "x5t#o", "sigX5ts", "etsiU",
}

// checkCritical applies RFC 7515 4.1.11 and RFC 7797 6.
func (s *Signed) checkCritical() {
	const clause = "RFC 7515 4.1.11"
	for i, name := range s.critical {
		there := has(s.members, name) || name == "etsiU" && len(s.elements) > 0
		switch {
		case slices.Contains(s.critical[:i], name):
			s.fail(clause, fmt.Sprintf("crit lists %.40q twice", name))
		case !there:
			s.fail(clause, fmt.Sprintf("crit lists %.40q, which is not there", name))
		case jws.Registered(name):
			s.note(RuleHeader, clause, fmt.Sprintf("crit lists %.40q, which everybody understands", name))
		case !slices.Contains(understood, name):
			s.fail(clause, fmt.Sprintf("critical extension %.40q is not understood", name))
		}
	}
	if has(s.members, "b64") && !slices.Contains(s.critical, "b64") {
		// A program that does not know b64 would take another payload for what was signed.
		s.fail("RFC 7797 6", "b64 is not critical")
	}
}

func (s *Signed) thumbprint(m jws.Member, h algo.Hash) error {
	text, err := m.Text()
	if err != nil {
		return err
	}
	return s.addThumb(m.Name, h, text)
}

func (s *Signed) addThumb(name string, h algo.Hash, text string) error {
	digest, err := jws.Decode64(text)
	if err != nil || len(digest) != h.Size() {
		return fmt.Errorf("%s is no digest of %s", name, h)
	}
	s.thumbs = append(s.thumbs, thumb{name, h, digest})
	return nil
}

// hashNames are those of TS 119 182-1 5.1.7 and 5.2.8.
var hashNames = map[string]algo.Hash{
	"S256": algo.SHA256, "S384": algo.SHA384, "S512": algo.SHA512, "S3-256": algo.SHA3_256, "S3-384": algo.SHA3_384, "S3-512": algo.SHA3_512,
}

// hashName is the name of a hash; empty: it has none here.
func hashName(h algo.Hash) string {
	for name, known := range hashNames {
		if known == h {
			return name
		}
	}
	return ""
}

// namedThumbprint reads {"digAlg", "digVal"}.
func (s *Signed) namedThumbprint(name string, value []byte) error {
	var v struct {
		DigAlg string `json:"digAlg"`
		DigVal string `json:"digVal"`
	}
	if err := exactly(value, &v); err != nil {
		return fmt.Errorf("%s is no digest: %w", name, err)
	}
	h, ok := hashNames[v.DigAlg]
	if !ok {
		return fmt.Errorf("%s: hash %.40q is not known", name, v.DigAlg)
	}
	return s.addThumb(name, h, v.DigVal)
}

// thumbprints reads sigX5ts, whose first digest is the signer's (TS 119 182-1 5.2.2).
func (s *Signed) thumbprints(m jws.Member) error {
	list, err := arrayOf(m.Value, certificatesMax)
	if err != nil || len(list) == 0 {
		return fmt.Errorf("%s is no list of digests", m.Name)
	}
	return s.namedThumbprint(m.Name, list[0])
}

// readTime reads iat, which goes before sigT (TS 119 182-1 5.1.11, 5.2.1). What is malformed is a remark: a claimed time proves nothing.
func (s *Signed) readTime(m jws.Member) {
	const clause = "TS 119 182-1 5.1.11, 5.2.1"
	if m.Name == "iat" {
		seconds, err := strconv.ParseInt(string(m.Value), 10, 64)
		if err != nil || seconds < 0 || seconds > maxSeconds {
			s.note(cms.RuleSigningTime, clause, "iat is no time")
			return
		}
		s.SigningTime = time.Unix(seconds, 0).UTC()
		return
	}
	text, err := m.Text()
	at, wrong := time.Parse("2006-01-02T15:04:05Z", text)
	if err != nil || wrong != nil {
		s.note(cms.RuleSigningTime, clause, "sigT is no time")
		return
	}
	if s.SigningTime.IsZero() || !has(s.members, "iat") {
		s.SigningTime = at
	}
}

// maxSeconds is the end of the year 9999.
const maxSeconds = 253402300799

// readPolicy reads sigPId (TS 119 182-1 5.2.7.1).
func readPolicy(value []byte) (*cms.SignaturePolicy, error) {
	var v struct {
		ID struct {
			ID string `json:"id"`
		} `json:"id"`
		DigAlg    string `json:"digAlg"`
		DigVal    string `json:"digVal"`
		SigPQuals []struct {
			SpURI string `json:"spURI"`
		} `json:"sigPQuals"`
	}
	if err := exactly(value, &v); err != nil {
		return nil, fmt.Errorf("sigPId: %w", err)
	}
	if v.ID.ID == "" {
		return nil, errors.New("sigPId names no policy")
	}
	out := &cms.SignaturePolicy{OID: strings.TrimPrefix(v.ID.ID, "urn:oid:"), Hash: hashNames[v.DigAlg]}
	digest, err := jws.Decode64(v.DigVal)
	if err != nil {
		return nil, errors.New("sigPId: the digest is no base64url")
	}
	out.Digest = digest
	for _, q := range v.SigPQuals {
		if q.SpURI != "" {
			out.URI = q.SpURI
		}
	}
	return out, nil
}

// arrayOf reads an array of at most limit values, and no further: millions of them would take memory each.
func arrayOf(value []byte, limit int) (list []json.RawMessage, err error) {
	if len(value) == 0 || value[0] != '[' || !json.Valid(value) {
		return nil, fmt.Errorf("%w: an array is due", jws.ErrSyntax)
	}
	d := json.NewDecoder(bytes.NewReader(value))
	for _, err = d.Token(); err == nil && d.More(); {
		if len(list) == limit {
			return nil, fmt.Errorf("%w: more than %d", jws.ErrLimit, limit)
		}
		var one json.RawMessage
		err = d.Decode(&one)
		list = append(list, one)
	}
	return list, err
}

// named are the members of what the signer states, by whose names other programs look for them.
var named = []string{"digAlg", "digVal", "mId", "pars", "hashM", "hashV", "id", "sigPQuals", "spURI"}

// exactly reads JSON into a struct by the very names of its members. The attack: encoding/json takes HASHV for hashV, and of both the last;
// others see one of them alone, so that one signature would be over one original here and over another there.
func exactly(value []byte, into any) error {
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return spelled(value)
}

// spelled refuses members whose names differ from ours in letter case alone, at any depth.
func spelled(value json.RawMessage) error {
	var members map[string]json.RawMessage
	var list []json.RawMessage
	switch value[0] {
	case '{':
		if err := json.Unmarshal(value, &members); err != nil {
			return fmt.Errorf("it cannot be read: %w", err)
		}
	case '[':
		if err := json.Unmarshal(value, &list); err != nil {
			return fmt.Errorf("it cannot be read: %w", err)
		}
	}
	for name, inner := range members {
		if slices.ContainsFunc(named, func(n string) bool { return n != name && strings.EqualFold(n, name) }) {
			return fmt.Errorf("%.40q is not how a member is called", name)
		}
		list = append(list, inner)
	}
	for _, inner := range list {
		if err := spelled(inner); err != nil {
			return err
		}
	}
	return nil
}

// standard64 reads the base64 of objects in DER.
func standard64(text string) ([]byte, error) { return base64.StdEncoding.Strict().DecodeString(text) }
