package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"qaqpa/api/strictjson"
	"qaqpa/signer"
	"qaqpa/signer/algo"
)

// validationRequest is the JSON form of a validation.
type validationRequest struct {
	Document []byte  `json:"document"`
	Detached *[]byte `json:"detached,omitempty"`
	// DetachedDigests are digests of the original, by the name of the hash, in place of a large one.
	DetachedDigests map[string][]byte `json:"detached_digests,omitempty" limit:"8"`
	// Originals are several, by the names that references of XML signatures give them.
	Originals []namedOriginal `json:"originals,omitempty" limit:"1024"`
	// Evidence are certificates, lists and OCSP responses that the caller knows, each a file.
	Evidence [][]byte `json:"evidence,omitempty" limit:"64"`
	// Policy names the rules, PolicyDocument brings them.
	Policy         string          `json:"policy,omitempty" limit:"32"`
	PolicyDocument json.RawMessage `json:"policy_document,omitempty"`
	At             time.Time       `json:"at,omitzero"`
	// KeepDocument keeps the document with the verdict, so that its report can be made anew.
	KeepDocument bool `json:"keep_document,omitempty"`
}

// validate judges a document. The verdicts of callers with a key are kept, so that they can be named later.
func (s *Server) validate(ctx context.Context, r *request) (*response, error) {
	req, err := s.validationOf(r)
	if err != nil {
		return nil, err
	}
	if r.stream != nil {
		var cancel context.CancelFunc
		ctx, cancel = s.afterReading(ctx)
		defer cancel()
	}
	req.Actor, req.Store = r.caller.Actor(), r.caller.Known()
	if req.KeepDocument && !req.Store {
		return nil, badField("/keep_document")
	}
	v, err := s.judge(ctx, req)
	if err != nil {
		return nil, err
	}
	return s.verdictResponse(r, &v)
}

// getVerdict shows a kept verdict to the operator, who answers people's questions (R44).
func (s *Server) getVerdict(ctx context.Context, r *request) (*response, error) {
	v, err := s.cfg.Signer.Verdict(ctx, r.param("verdict"))
	if err != nil {
		return nil, err
	}
	return s.verdictResponse(r, &v)
}

// verdictResponse writes a verdict as JSON, or as a report of ETSI TS 119 102-2 for who accepts XML rather than JSON.
func (s *Server) verdictResponse(r *request, v *signer.Verdict) (*response, error) {
	resp := &response{status: http.StatusOK, contentType: typeJSON, headers: varyAccept}
	if r.wants == typeXML {
		resp.contentType, resp.body = typeXML, v.ETSI()
		return resp, nil
	}
	err := s.buffers.lend(resp, v.AppendJSON)
	return resp, err
}

// varyAccept is shared by answers, with no room to append in place.
var varyAccept = []param{{"Vary", "Accept"}}

// validationOf reads the three forms of the body.
func (s *Server) validationOf(r *request) (req signer.ValidateRequest, err error) {
	if len(r.query) > 0 && (r.media.name == typeJSON || r.media.name == typeForm) {
		return req, refuse(codeQuery).of(clip(r.query[0].name)).explain("it stands in the body")
	}
	switch r.media.name {
	case typeJSON:
		var in validationRequest
		if in, err = s.validations.Decode(r.body); err == nil {
			req, err = s.requestOf(in)
		}
	case typeForm:
		req, err = s.validationForm(r)
	default:
		req.Document = r.body
		for _, arg := range r.query {
			if err == nil {
				err = applyArg(&req, arg.name, arg.value)
			}
		}
	}
	if err != nil {
		return req, err
	}
	return req, s.admissible(req)
}

// The query parameters of a document that is the body itself, and the fields of a form.
const (
	argPolicy = "policy"
	argAt     = "at"
	argDigest = "detached_digest"
)

func documentArgs() []string { return []string{argPolicy, argAt, argDigest} }

// applyArg sets what a query parameter or a field says.
func applyArg(req *signer.ValidateRequest, name, value string) (err error) {
	switch name {
	case argPolicy:
		req.Policy = value
	case argAt:
		if req.At, err = time.Parse(time.RFC3339, value); err != nil {
			return refuse(codeQuery).of(name).because(err)
		}
	case argDigest:
		hash, digits, _ := strings.Cut(value, ":")
		digest, err := hex.DecodeString(digits)
		h, known := digestNames[hash]
		if err != nil || !known || len(digest) != h.Size() {
			return refuse(codeQuery).of(name).explain("such as SHA-256:9f86d081… in hex")
		}
		req.DetachedDigests = map[algo.Hash][]byte{h: digest}
	}
	return nil
}

// requestOf turns the JSON form into what the service judges.
func (s *Server) requestOf(in validationRequest) (req signer.ValidateRequest, err error) {
	req = signer.ValidateRequest{
		Document: in.Document, At: in.At, Policy: in.Policy, PolicyDocument: in.PolicyDocument, Evidence: in.Evidence,
		KeepDocument: in.KeepDocument,
	}
	if in.Detached != nil {
		req.Detached = *in.Detached
	}
	if req.DetachedDigests, err = digestsOf("/detached_digests", in.DetachedDigests); err != nil {
		return req, err
	}
	req.Originals, err = originalsOf(in.Originals)
	return req, err
}

// admissible holds a request against what every form of it must keep.
func (s *Server) admissible(req signer.ValidateRequest) error {
	switch {
	case len(req.Document) == 0:
		return refuse(codeDocument)
	case req.At.After(s.cfg.Now()):
		return badField("/at")
	case octetsOf(req) > s.cfg.Limits.DocumentBytes:
		return refuse(codeBodyTooLarge)
	}
	return nil
}

// judge validates within the number of validations that run at once.
func (s *Server) judge(ctx context.Context, req signer.ValidateRequest) (signer.Verdict, error) {
	release, err := s.turn(ctx)
	if err != nil {
		return signer.Verdict{}, err
	}
	defer release()
	return s.cfg.Signer.Validate(ctx, req)
}

func newValidationDecoder() (*strictjson.Decoder[validationRequest], error) {
	return strictjson.New[validationRequest](strictjson.Limits{})
}
