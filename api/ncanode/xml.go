package ncanode

import (
	"context"
	"slices"
	"strings"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/signer/xmldsig"
)

type xmlSignRequest struct {
	XML             string       `json:"xml"`
	Signers         []keyRequest `json:"signers" limit:"32"`
	ClearSignatures bool         `json:"clearSignatures,omitempty"`
	TrimXML         bool         `json:"trimXml,omitempty"`
}

type xmlAnswer struct {
	done
	XML string `json:"xml"`
}

func (g *Gateway) xmlSign(ctx context.Context, c Call, in xmlSignRequest) (xmlAnswer, error) {
	doc, err := prepare(in.XML, preparation{clear: in.ClearSignatures, trim: in.TrimXML})
	if err != nil {
		return xmlAnswer{}, err
	}
	keys, err := signingKeys(in.Signers)
	if err != nil {
		return xmlAnswer{}, err
	}
	for i, key := range keys {
		uri := in.Signers[i].ReferenceURI
		id, local := strings.CutPrefix(uri, "#")
		if uri != "" && (!local || id == "") {
			return xmlAnswer{}, bySigner(i, refuse(CodeRequest, "referenceUri takes #id"))
		}
		if doc, err = g.cfg.Signer.SignXML(ctx, signer.SignXMLRequest{Document: doc, ID: id, Key: key, Actor: c.Actor}); err != nil {
			return xmlAnswer{}, bySigner(i, err)
		}
	}
	return xmlAnswer{ok(), string(doc)}, nil
}

type wsseSignRequest struct {
	XML      string `json:"xml"`
	Key      string `json:"key"`
	Password secret `json:"password"`
	KeyAlias string `json:"keyAlias,omitempty"`
	TrimXML  bool   `json:"trimXml,omitempty"`
}

func (g *Gateway) wsseSign(ctx context.Context, c Call, in wsseSignRequest) (xmlAnswer, error) {
	doc, err := prepare(in.XML, preparation{trim: in.TrimXML})
	if err != nil {
		return xmlAnswer{}, err
	}
	key, err := keyRequest{Key: in.Key, Password: in.Password, KeyAlias: in.KeyAlias}.signingKey()
	if err != nil {
		return xmlAnswer{}, err
	}
	doc, err = g.cfg.Signer.SignWSSE(ctx, signer.SignWSSERequest{Document: doc, Key: key, Actor: c.Actor})
	if err != nil {
		return xmlAnswer{}, ofSigner(err)
	}
	return xmlAnswer{ok(), string(doc)}, nil
}

type xmlVerifyRequest struct {
	XML             string   `json:"xml"`
	RevocationCheck services `json:"revocationCheck,omitempty" limit:"8"`
	// ReferenceURI is ours: the element that the client is going to read, where not the whole document is signed.
	ReferenceURI string `json:"referenceUri,omitempty"`
}

type wsseVerifyRequest struct {
	XML             string   `json:"xml"`
	RevocationCheck services `json:"revocationCheck,omitempty" limit:"8"`
}

// xmlVerify judges all signatures, the last one first.
func (g *Gateway) xmlVerify(ctx context.Context, c Call, in xmlVerifyRequest) (verification, error) {
	out, v, err := g.verifyXML(ctx, c, in.XML, in.RevocationCheck)
	if err != nil {
		return out, err
	}
	slices.Reverse(out.Signers)
	whole := v.Passed() || in.ReferenceURI != "" && coveredPart(v, strings.TrimPrefix(in.ReferenceURI, "#"))
	out.Valid = out.Valid && whole
	if v.Coverage == "PARTIAL" && !whole {
		out.add(c, report.ReasonPartial, "name the element that you read by referenceUri")
	}
	return out, nil
}

// wsseVerify judges a SOAP message. Its signatures cover parts of it by nature; the Body where it stands is one of them, or
// the service does not pass it.
func (g *Gateway) wsseVerify(ctx context.Context, c Call, in wsseVerifyRequest) (verification, error) {
	out, v, err := g.verifyXML(ctx, c, in.XML, in.RevocationCheck)
	if err != nil {
		return out, err
	}
	if v.Format != "WSSE" && out.Valid {
		out.Valid = false
		out.add(c, report.ReasonBodyNotCovered, "not a SOAP message with a signature in its header")
	}
	return out, nil
}

// verifyXML judges a document and describes its signatures in their order. Valid tells whether all of them hold; what they
// cover is for the caller to weigh.
func (g *Gateway) verifyXML(ctx context.Context, c Call, text string, ask services) (verification, signer.Verdict, error) {
	check, err := ask.check()
	if err != nil {
		return verification{}, signer.Verdict{}, err
	}
	tree, err := parseXML(text)
	if err != nil {
		return verification{}, signer.Verdict{}, err
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		return verification{}, signer.Verdict{}, refuse(CodeXML, "Cannot read XML").because(err)
	}
	p := pool{}
	for _, s := range doc.Signatures {
		if s.KeyInfo != nil {
			for _, offered := range s.KeyInfo.Certificates {
				p.add(offered.DER)
			}
		}
	}
	v, err := g.cfg.Signer.Validate(ctx, signer.ValidateRequest{Document: []byte(tree.Text()), Check: check})
	if err != nil {
		return verification{}, v, ofSigner(err)
	}
	out := verification{
		done: ok(), Valid: v.Indication == report.TotalPassed && len(v.Signatures) > 0, Signers: []*certificateInfo{}, outcome: summary(c, v),
	}
	for i := range v.Signatures {
		one, err := g.signature(ctx, c, v.Signatures[i], p, check)
		if err != nil {
			return verification{}, v, err
		}
		if out.Valid = out.Valid && one.valid; one.info != nil {
			one.info.outcome = &one.outcome
		}
		out.Signers = append(out.Signers, one.info)
	}
	return out, v, nil
}

// coveredPart tells whether every signature covers the element with this identifier, whole and as it stands, or all of the
// document. The parser has refused documents in which two elements bear one identifier that is referred to.
func coveredPart(v signer.Verdict, id string) bool {
	if v.Indication != report.TotalPassed || len(v.Signatures) == 0 || id == "" {
		return false
	}
	for _, s := range v.Signatures {
		if s.Covers != "content" && !slices.ContainsFunc(s.Scopes, func(scope report.Scope) bool { return scopeIs(scope, id) }) {
			return false
		}
	}
	return true
}

// scopeIs tells whether a reference covers exactly one element, but for signatures inside it.
func scopeIs(s report.Scope, id string) bool {
	if !s.Agrees || s.Derived || s.Cut || len(s.Parts) != 1 || s.Parts[0].ID != id {
		return false
	}
	for _, hole := range s.Holes {
		last := hole.Path[strings.LastIndexByte(hole.Path, '/')+1:]
		if name, _, _ := strings.Cut(last, "["); name != "Signature" && !strings.HasSuffix(name, ":Signature") {
			return false
		}
	}
	return true
}
