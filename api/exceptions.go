package api

import (
	"context"
	"net/http"
	"strconv"

	"qaqpa/payment"
	"qaqpa/payment/recon"
)

func (s *Server) listExceptions(ctx context.Context, r *request) (reply[payment.ExceptionPage], error) {
	limit, err := r.number("limit")
	if err != nil {
		return reply[payment.ExceptionPage]{}, err
	}
	out, err := s.cfg.Payments.Exceptions(ctx, payment.ExceptionQuery{
		Bank: r.arg("bank"), Kind: recon.Kind(r.arg("kind")), Severity: recon.Severity(r.arg("severity")), Age: r.arg("age"),
		State: recon.State(r.arg("state")), Owner: r.arg("owner"), After: r.arg("starting_after"), Limit: limit,
	})
	return reply[payment.ExceptionPage]{Body: out}, err
}

func (s *Server) getException(ctx context.Context, r *request) (reply[payment.ExceptionDetail], error) {
	out, err := s.cfg.Payments.Exception(ctx, r.param("exception"))
	return reply[payment.ExceptionDetail]{Body: out}, err
}

func (s *Server) actOnException(ctx context.Context, r *request, in payment.ExceptionAction) (reply[payment.Exception], error) {
	out, repeated, err := s.cfg.Payments.ActOnException(ctx, r.idem, r.param("exception"), in)
	return reply[payment.Exception]{Body: out, Replayed: repeated}, err
}

func (s *Server) getExceptionFile(ctx context.Context, r *request) (*response, error) {
	version, err := strconv.Atoi(r.param("version"))
	if err != nil || version < 1 || version > 1<<30 {
		return nil, refuse(codeNotOwn)
	}
	_, file, err := s.cfg.Payments.ExceptionFile(ctx, r.param("exception"), version)
	if err != nil {
		return nil, err
	}
	return &response{status: http.StatusOK, contentType: typeBytes, body: file}, nil
}
