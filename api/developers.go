package api

import (
	"context"
	"net/http"
	"slices"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/api/sandbox"
	"qaqpa/payment/catalog"
)

// developerPages are the pages for who writes programs that speak with the gateway.
func (s *Server) developerPages() []route {
	return []route{
		page("/developers", s.developers, "lang"),
		page("/developers/changes", s.changes, "lang"),
		page("/developers/sandbox/payer.pem", s.sandboxPayer).as(typeBytes).or(typeHTML),
		s.scriptRoute("/developers/try.js"),
	}
}

// sandbox is what may be tried on this gateway; nil where it is no sandbox, or not harmless now: one of its banks is elsewhere.
func (s *Server) sandbox(ctx context.Context) *sandbox.Sandbox {
	if s.cfg.Sandbox == nil {
		return nil
	}
	file, err := s.cfg.Sandbox()
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "the sandbox cannot be read", "error", err.Error())
		return nil
	}
	box, err := sandbox.Read(file)
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "the sandbox cannot be read", "error", err.Error())
		return nil
	}
	banks, err := s.cfg.Payments.Banks(ctx)
	if err != nil || slices.ContainsFunc(banks, func(b catalog.Bank) bool { return b.Files != "" || !sandbox.Harmless(b.URL) }) {
		s.cfg.Log.WarnContext(ctx, "no sandbox is offered: a bank is elsewhere, or the banks are not known")
		return nil
	}
	return &box
}

// developers explains the interface for programs, out of the contract itself. A sandbox adds test data and a form to try requests with.
func (s *Server) developers(ctx context.Context, r *request) (*response, error) {
	who, err := s.visitor(ctx, r)
	if err != nil {
		who = auth.Session{}
	}
	v := portal.Developers{Frame: s.frame(r, who), Base: s.cfg.BaseURL, Contract: s.reference, Sandbox: s.sandbox(ctx)}
	body, err := s.pages.RenderDevelopers(v)
	resp, err := s.show(r, http.StatusOK, body, err)
	if err == nil && v.Sandbox != nil {
		resp.set("Content-Security-Policy", verifyPolicy)
	}
	return resp, err
}

// sandboxPayer gives the certificate and key of the invented payer, with which openssl signs orders.
func (s *Server) sandboxPayer(ctx context.Context, _ *request) (*response, error) {
	box := s.sandbox(ctx)
	if box == nil {
		return nil, refuse(codeNotOwn)
	}
	return download(typeBytes, "payer.pem", []byte(box.PayerPEM)), nil
}

// changes tells what became new in the interface.
func (s *Server) changes(ctx context.Context, r *request) (*response, error) {
	who, err := s.visitor(ctx, r)
	if err != nil {
		who = auth.Session{}
	}
	body, err := s.pages.RenderChanges(s.frame(r, who), s.reference.Version)
	return s.show(r, http.StatusOK, body, err)
}
