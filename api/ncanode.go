package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"qaqpa/api/ncanode"
	"qaqpa/signer/report"
)

// ncanodeContract is the contract of the other interface.
//
//go:embed ncanode/openapi.yaml
var ncanodeContract []byte

// ncanodeCopies is how often a body of that interface is in memory: as it came, as text, decoded, and in the answer.
const ncanodeCopies = 5

// ncanodeRoutes are the operations of the interface that NCANode has. They are open to everybody within a rate, as its clients
// know no keys; one who shows a key of ours has no rate.
func (s *Server) ncanodeRoutes() ([]route, error) {
	if !s.cfg.NCANode {
		return nil, nil
	}
	gateway, err := ncanode.New(ncanode.Config{Signer: s.cfg.Signer, Now: s.cfg.Now})
	if err != nil {
		return nil, fmt.Errorf("couldn't make the interface of NCANode: %w", err)
	}
	operations, err := gateway.Operations()
	if err != nil {
		return nil, fmt.Errorf("couldn't make the interface of NCANode: %w", err)
	}
	contract := newAsset(typeYAML, ncanodeContract)
	table := []route{
		get("/actuator/health", "", answer(s.ncanodeHealth)),
		get("/ncanode/openapi.yaml", "", func(context.Context, *request) (*response, error) {
			return contract.response(cachePublic), nil
		}).as(typeYAML),
	}
	for _, op := range operations {
		rt := post(op.Path, "", s.cfg.Limits.documentBody(), s.ncanodeEndpoint(op))
		rt.mayIdentify, rt.limited, rt.rate = true, true, s.foreign
		rt.copies, rt.secret, rt.shape = ncanodeCopies, true, s.ncanodeRefusal
		table = append(table, rt)
	}
	return table, nil
}

type ncanodeState struct {
	Status string `json:"status"`
}

func (s *Server) ncanodeHealth(context.Context, *request) (reply[ncanodeState], error) {
	return reply[ncanodeState]{Body: ncanodeState{"UP"}}, nil
}

// ncanodeEndpoint answers one operation, within the number of validations that run at once.
func (s *Server) ncanodeEndpoint(op ncanode.Operation) endpoint {
	return func(ctx context.Context, r *request) (*response, error) {
		release, err := s.turn(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		body, err := op.Serve(ctx, ncanode.Call{
			Body: r.body, Actor: r.caller.Actor(), Language: report.Lang(s.languageOf(r)),
		})
		if err != nil {
			return nil, err
		}
		resp := &response{status: http.StatusOK, contentType: typeJSON, body: body}
		resp.set("Cache-Control", "no-store")
		return resp, nil
	}
}

// turn waits for one of the places in which documents are judged.
func (s *Server) turn(ctx context.Context) (release func(), err error) {
	if err := acquire(ctx, s.judging, 1, 5*time.Second); err != nil {
		return nil, refuse(codeBusy).because(err).after(5 * time.Second)
	}
	return func() { s.judging.Release(1) }, nil
}

// ncanodeError is an error as NCANode's clients expect it. Code and TraceID are ours.
type ncanodeError struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	// Details is in the caller's language.
	Details string `json:"details,omitempty"`
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	// DeveloperDetail is technical and in English.
	DeveloperDetail string `json:"developerDetail,omitempty"`
	TraceID         string `json:"traceId"`
}

// ncanodeRefusal writes any error in NCANode's shape: those of the interface itself, and those of the gates before it.
func (s *Server) ncanodeRefusal(r *request, err error) *response {
	lang := s.languageOf(r)
	own, ok := errors.AsType[*ncanode.Error](err)
	if !ok {
		return s.ncanodeGeneral(r, err)
	}
	out := ncanodeError{Status: own.Status, Message: own.Message, Code: string(own.Code), TraceID: r.id}
	out.Details = s.texts.Text(lang, "ncanode."+out.Code, nil)
	if own.Status < http.StatusInternalServerError {
		out.DeveloperDetail = own.Technical
	}
	return ncanodeResponse(out, code("ncanode_"+out.Code), err)
}

// ncanodeGeneral turns a problem of ours into NCANode's shape; what it says, and its headers, stay.
func (s *Server) ncanodeGeneral(r *request, err error) *response {
	as := s.problemResponse(err, r.id, s.languageOf(r))
	var p problem
	if err := json.Unmarshal(as.body, &p); err != nil {
		p = problem{Code: codeInternal}
	}
	message := p.Title
	if p.Field != "" {
		message = p.Field + ": " + message
	}
	out := ncanodeResponse(ncanodeError{
		Status: as.status, Message: message, Details: p.Detail, Code: string(p.Code), Field: p.Field,
		DeveloperDetail: p.DeveloperDetail, TraceID: p.TraceID,
	}, as.code, err)
	out.headers = as.headers
	return out
}

func ncanodeResponse(e ncanodeError, c code, err error) *response {
	body, merr := json.Marshal(e)
	if merr != nil {
		body = []byte(`{}`)
	}
	resp := &response{status: e.Status, contentType: typeJSON, body: body, code: c, err: err}
	resp.set("Cache-Control", "no-store")
	resp.set("Vary", "Accept-Language")
	return resp
}
