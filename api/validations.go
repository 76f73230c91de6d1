package api

import (
	"context"
	"time"

	"qaqpa/api/strictjson"
	"qaqpa/signer"
)

// validationRequest is the JSON form of a validation.
type validationRequest struct {
	Document []byte    `json:"document"`
	Detached *[]byte   `json:"detached,omitempty"`
	At       time.Time `json:"at,omitzero"`
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
		req.Document, req.At = in.Document, in.At
		if in.Detached != nil {
			req.Detached = *in.Detached
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
	if len(req.Document) == 0 {
		return req, refuse(codeDocument)
	}
	if req.At.After(s.cfg.Now()) {
		return req, badField("/at")
	}
	if len(req.Document)+len(req.Detached) > s.cfg.Limits.DocumentBytes {
		return req, refuse(codeBodyTooLarge)
	}
	return req, nil
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
