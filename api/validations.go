package api

import (
	"context"
	"encoding/json"
	"time"

	"qaqpa/api/strictjson"
	"qaqpa/signer"
)

// validationRequest is the JSON form of a validation.
type validationRequest struct {
	Document []byte  `json:"document"`
	Detached *[]byte `json:"detached,omitempty"`
	// DetachedDigests are digests of the original, by the name of the hash, in place of a large one.
	DetachedDigests map[string][]byte `json:"detached_digests,omitempty" limit:"8"`
	// Policy names the rules, PolicyDocument brings them.
	Policy         string          `json:"policy,omitempty" limit:"32"`
	PolicyDocument json.RawMessage `json:"policy_document,omitempty"`
	At             time.Time       `json:"at,omitzero"`
}

// validate judges a document. The verdicts of callers with a key are kept, so that they can be named later.
func (s *Server) validate(ctx context.Context, r *request) (reply[signer.Verdict], error) {
	req, err := s.validationOf(r)
	if err != nil {
		return reply[signer.Verdict]{}, err
	}
	req.Actor, req.Store = r.caller.Actor(), r.caller.Known()
	v, err := s.judge(ctx, req)
	return reply[signer.Verdict]{Body: v}, err
}

// getVerdict shows a kept verdict to the operator, who answers people's questions (R44).
func (s *Server) getVerdict(ctx context.Context, r *request) (reply[signer.Verdict], error) {
	v, err := s.cfg.Signer.Verdict(ctx, r.param("verdict"))
	return reply[signer.Verdict]{Body: v}, err
}

// validationOf reads the three forms of the body.
func (s *Server) validationOf(r *request) (req signer.ValidateRequest, err error) {
	switch r.media.name {
	case typeJSON:
		var in validationRequest
		if in, err = s.validations.Decode(r.body); err != nil {
			return req, err
		}
		if req, err = s.requestOf(in); err != nil {
			return req, err
		}
	case typeForm:
		form, err := readForm(r, "document", "detached")
		if err != nil {
			return req, err
		}
		req.Document, req.Detached = form["document"], form["detached"]
	default:
		req.Document = r.body
	}
	return req, s.admissible(req)
}

// requestOf turns the JSON form into what the service judges.
func (s *Server) requestOf(in validationRequest) (req signer.ValidateRequest, err error) {
	req = signer.ValidateRequest{Document: in.Document, At: in.At, Policy: in.Policy, PolicyDocument: in.PolicyDocument}
	if in.Detached != nil {
		req.Detached = *in.Detached
	}
	req.DetachedDigests, err = digestsOf(in.DetachedDigests)
	return req, err
}

// admissible holds a request against what every form of it must keep.
func (s *Server) admissible(req signer.ValidateRequest) error {
	switch {
	case len(req.Document) == 0:
		return refuse(codeDocument)
	case req.At.After(s.cfg.Now()):
		return badField("/at")
	case len(req.Document)+len(req.Detached) > s.cfg.Limits.DocumentBytes:
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
