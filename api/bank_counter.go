package api

import (
	"context"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

// counterRoutes are for banks that pay for their own clients (R5). The message's signature is what counts; the key says whose
// signature it has to be, so that a message which somebody recorded is of no use to him.
func (s *Server) counterRoutes() []route {
	check := post("/v1/bank/checks", auth.DebtsRead, s.cfg.Limits.SignatureBytes, s.atCounter(s.cfg.Payments.CheckForBank)).as(typeCMS)
	pay := post("/v1/bank/payments", auth.OrdersWrite, s.cfg.Limits.SignatureBytes, s.atCounter(s.cfg.Payments.PayForBank)).as(typeCMS)
	report := post("/v1/bank/reports", auth.OrdersWrite, payment.ReportMessageMax, answer(s.takeReport)).slowly()
	check.consumes, pay.consumes, report.consumes = []string{typeCMS}, []string{typeCMS}, []string{typeCMS, typeXML}
	return []route{check, pay, report}
}

// takeReport takes a bank's report about a file of payments.
func (s *Server) takeReport(ctx context.Context, r *request) (reply[payment.FileResult], error) {
	if r.caller.Kind != auth.Bank {
		return reply[payment.FileResult]{}, refuse(codeScope)
	}
	out, err := s.cfg.Payments.TakeReport(ctx, r.caller.Subject, r.body)
	return reply[payment.FileResult]{Body: out}, err
}

// atCounter hands a bank's message on. Keys of others have no bank to speak for.
func (s *Server) atCounter(serve func(ctx context.Context, bank string, message []byte) ([]byte, error)) endpoint {
	return func(ctx context.Context, r *request) (*response, error) {
		if r.caller.Kind != auth.Bank {
			return nil, refuse(codeScope)
		}
		sealed, err := serve(ctx, r.caller.Subject, r.body)
		if err != nil {
			return nil, err
		}
		return &response{status: 200, contentType: typeCMS, body: sealed}, nil
	}
}
