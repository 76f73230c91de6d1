package jades

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/jws"
)

// element is one of etsiU.
type element struct {
	text  string // as it stands in base64url; empty where it is in clear
	name  string
	value []byte
	// what value holds: it is read once, or many time stamps over all of it would cost their square
	carried Evidence
	tokens  [][]byte
	unread  error
}

var errObjects = fmt.Errorf("%w: etsiU holds more than %d certificates, lists, answers and time stamps", jws.ErrLimit, objectsMax)

// readElements reads etsiU (TS 119 182-1 5.3.1): an array of base64url strings, or of objects in clear, each with one member.
func (s *Signed) readElements(value []byte) error {
	list, err := arrayOf(value, elementsMax)
	if err != nil {
		return err
	}
	objects := 0
	for _, raw := range list {
		e := element{}
		if len(raw) > 0 && raw[0] == '"' {
			text, err := jws.Member{Value: raw}.Text()
			if err != nil {
				return err
			}
			decoded, err := jws.Decode64(text)
			if err != nil {
				return err
			}
			e.text, raw = text, decoded
		}
		members, err := jws.ReadObject(raw, depthMax)
		switch {
		case err != nil:
			return err
		case len(members) != 1:
			return errors.New("an element of not one member")
		}
		e.name, e.value = members[0].Name, members[0].Value
		if e.carried = e.evidence(); e.name == "sigTst" || e.name == "arcTst" {
			e.tokens, e.unread = tokensOf(e.value)
		}
		// The attack: each archive time stamp lists what it covers, so many of them over a million tiny certificates would take gigabytes.
		if objects += len(e.carried.objects()) + len(e.tokens); objects > objectsMax {
			e.carried, e.tokens, e.unread = Evidence{}, nil, errObjects
			s.note(RuleHeader, "TS 119 182-1 5.3.1", errObjects.Error())
			objects = objectsMax
		}
		s.elements = append(s.elements, e)
		s.Parameters = append(s.Parameters, Parameter{e.name, false})
	}
	return nil
}

func (s *Signed) has(names ...string) bool {
	return slices.ContainsFunc(s.elements, func(e element) bool { return slices.Contains(names, e.name) })
}

// archived tells whether a time stamp over everything stands in it.
func (s *Signed) archived() bool { return s.has("arcTst") }

// Levels of signatures: those of the JAdES baseline (TS 119 182-1 6), or JWS for what is none.
const (
	LevelNone = "JWS"
	levelB    = "JAdES-B-B"
	levelT    = "JAdES-B-T"
	levelLT   = "JAdES-B-LT"
	levelLTA  = "JAdES-B-LTA"
)

// Level names the form by what is there, whether it holds or not.
func (s *Signed) Level() string {
	ev := s.Evidence()
	revocation := len(ev.CRLs)+len(ev.OCSPs) > 0
	switch stamped := s.has("sigTst"); {
	case !s.bound() || s.SigningTime.IsZero():
		return LevelNone
	case stamped && revocation && s.archived():
		return levelLTA
	case stamped && revocation:
		return levelLT
	case stamped:
		return levelT
	}
	return levelB
}

// Evidence is what a signature carries for later, each object whole in DER.
type Evidence struct{ Certificates, CRLs, OCSPs [][]byte }

func (e *Evidence) add(o Evidence) {
	e.Certificates = append(e.Certificates, o.Certificates...)
	e.CRLs = append(e.CRLs, o.CRLs...)
	e.OCSPs = append(e.OCSPs, o.OCSPs...)
}

func (e Evidence) objects() [][]byte { return slices.Concat(e.Certificates, e.CRLs, e.OCSPs) }

// Evidence are the values in etsiU: xVals, rVals, tstVD and anyValData. What cannot be read is passed over, since it can support nothing.
func (s *Signed) Evidence() (out Evidence) {
	for _, e := range s.elements {
		out.add(e.carried)
	}
	return out
}

func (e element) evidence() (out Evidence) {
	type values struct {
		XVals []struct {
			X509 struct {
				Val string `json:"val"`
			} `json:"x509Cert"`
		} `json:"xVals"`
		RVals struct {
			CRLs []struct {
				Val string `json:"val"`
			} `json:"crlVals"`
			OCSPs []struct {
				Val string `json:"val"`
			} `json:"ocspVals"`
		} `json:"rVals"`
	}
	var v values
	var err error
	switch e.name {
	case "xVals":
		err = json.Unmarshal(e.value, &v.XVals)
	case "rVals":
		err = json.Unmarshal(e.value, &v.RVals)
	case "tstVD", "anyValData":
		err = json.Unmarshal(e.value, &v)
	}
	if err != nil {
		return Evidence{}
	}
	add := func(to *[][]byte, text string) {
		if der, err := standard64(text); err == nil && len(der) > 0 {
			*to = append(*to, der)
		}
	}
	for _, c := range v.XVals {
		add(&out.Certificates, c.X509.Val)
	}
	for _, c := range v.RVals.CRLs {
		add(&out.CRLs, c.Val)
	}
	for _, c := range v.RVals.OCSPs {
		add(&out.OCSPs, c.Val)
	}
	return out
}

// tokensOf reads tstTokens; a token that cannot be decoded is kept as what it is, so that it is reported.
func tokensOf(value []byte) ([][]byte, error) {
	var v struct {
		Tokens []struct {
			Val string `json:"val"`
		} `json:"tstTokens"`
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return nil, fmt.Errorf("%w: a container of time stamps", jws.ErrSyntax)
	}
	out := make([][]byte, len(v.Tokens))
	for i, t := range v.Tokens {
		der, err := standard64(t.Val)
		if err != nil {
			der = []byte(t.Val)
		}
		out[i] = der
	}
	return out, nil
}

// Stamps are the time stamps of a signature in their order, at most limit. What cannot be read is told by the error, beside those before it.
func (s *Signed) Stamps(b Beside, limit int) (out []cms.Stamp, err error) {
	var content []byte
	if s.adoTst != nil || s.archived() {
		content = s.covered(b)
	}
	add := func(tokens [][]byte, wrong error, described cms.Stamp) {
		err = errors.Join(err, wrong)
		for _, token := range tokens {
			if len(out) == limit {
				err = fmt.Errorf("%w: more than %d time stamps", jws.ErrLimit, limit)
				return
			}
			described.Token = token
			out = append(out, described)
		}
	}
	if s.adoTst != nil {
		st := cms.Stamp{Kind: cms.ContentStamp, Name: "adoTst", Over: []cms.Content{cms.ContentOf(content)}}
		if content == nil {
			st.Over, st.Fault = nil, "the original is needed"
		}
		tokens, wrong := tokensOf(s.adoTst)
		add(tokens, wrong, st)
	}
	for i, e := range s.elements {
		switch e.name {
		case "sigTst":
			add(e.tokens, e.unread, cms.Stamp{
				Kind: cms.SignatureStamp, Name: "sigTst", Over: []cms.Content{cms.ContentOf([]byte(s.text))}, CoversSignature: true,
			})
		case "arcTst":
			var described cms.Stamp
			if len(e.tokens) > 0 {
				described = s.archiveStamp(i, content, b)
			}
			add(e.tokens, e.unread, described)
		}
	}
	return out, err
}

var errWork = errors.New("the document has too much to be hashed")

// archiveStamp describes the archive time stamp that is element i: it is over the payload, the signature and all elements before it (5.3.6.2.1).
func (s *Signed) archiveStamp(i int, content []byte, b Beside) cms.Stamp {
	st := cms.Stamp{Kind: cms.ArchiveStampV3, Name: "arcTst", CoversSignature: true}
	for _, e := range s.elements[:i] {
		if e.text == "" {
			st.Fault = "elements of etsiU in clear are not put into canonical form"
			return st
		}
		st.Covers = append(append(st.Covers, e.carried.objects()...), e.tokens...)
	}
	st.Covers = append(st.Covers, s.Certificates...)
	if content == nil {
		st.Fault = "the original is needed"
		return st
	}
	st.Over = []cms.Content{cms.ContentFunc(func(h algo.Hash) ([]byte, error) {
		size := len(content)
		for _, e := range s.elements[:i] {
			size += len(e.text)
		}
		if !b.spend(size) {
			return nil, errWork
		}
		w := h.New()
		_, _ = w.Write(content)
		_, _ = io.WriteString(w, "."+s.protected+"."+s.text+".")
		for _, e := range s.elements[:i] {
			_, _ = io.WriteString(w, e.text)
		}
		return w.Sum(nil), nil
	})}
	return st
}

// Counters are the counter-signatures (cSig, 5.3.2): JWS over the value of this signature. The error tells of those that cannot be read, or are
// over something else.
func (s *Signed) Counters() (out []*Signed, err error) {
	for _, e := range s.elements {
		if e.name != "cSig" {
			continue
		}
		d, wrong := s.counter(e.value)
		if wrong != nil {
			err = errors.Join(err, wrong)
			continue
		}
		out = append(out, d.Signatures...)
	}
	return out, err
}

func (s *Signed) counter(value []byte) (*Document, error) {
	if s.depth >= countersDepth {
		return nil, fmt.Errorf("%w: counter-signatures of counter-signatures", jws.ErrLimit)
	}
	if len(value) > 0 && value[0] == '"' {
		text, err := jws.Member{Value: value}.Text()
		if err != nil {
			return nil, err
		}
		value = []byte(text)
	}
	d, err := parse(value, s.depth+1)
	if err != nil {
		return nil, err
	}
	if d.payload == "" {
		d.attach(s.text)
	}
	for _, counter := range d.Signatures {
		if d.payload != s.text || counter.unencoded || counter.sigD != nil {
			// Over another value it says nothing of this one.
			counter.faults = append(counter.faults, failed(cms.RuleMessageDigest, "TS 119 182-1 5.3.2", cms.SubHash, "it is over another signature"))
		}
	}
	return d, nil
}
