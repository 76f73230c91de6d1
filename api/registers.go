package api

import (
	"context"
	"errors"
	"net/http"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/register"
	"qaqpa/payment/statement"
)

// registerRoutes are those of registers, reports and answers to courts.
func (s *Server) registerRoutes() ([]route, error) {
	disclose, err := handleRaw(s.disclose)
	asked := []string{"format", "kbk", "beneficiary", "account", "charset"}
	return []route{
		get("/v1/registers/{bank}/{day}", auth.RegistersRead, answer(s.listRegisters)),
		get("/v1/registers/{bank}/{day}/file", auth.RegistersRead, s.getRegister, asked...).as(typeBytes),
		get("/v1/registers/{bank}/{day}/sealed", auth.RegistersRead, s.getSealedRegister, asked...).as(typeCMS),
		get("/v1/banks/{bank}/owed", auth.ReportsRead, answer(s.listOwed), "from", "to"),
		get("/v1/banks/{bank}/daily-reports/{day}/pdf", auth.ReportsRead, s.getDailyPDF).as(typePDF),
		get("/v1/banks/{bank}/daily-reports/{day}/xlsx", auth.ReportsRead, s.getDailyXLSX).as(typeBytes),
		post("/v1/disclosures", auth.DisclosuresWrite, s.cfg.Limits.JSONBytes, disclose).as(typeCMS),
	}, err
}

// ownBank is the bank of the path. To a bank another one does not exist.
func ownBank(r *request) (string, error) {
	bank := r.param("bank")
	if r.caller.Kind == auth.Bank && bank != r.caller.Subject {
		return "", payment.ErrBankUnknown
	}
	return bank, nil
}

// registerQuery is what the caller may see of what was asked: a bank its own payments, an agency those for its services.
func registerQuery(r *request) (payment.RegisterQuery, error) {
	bank, err := ownBank(r)
	q := payment.RegisterQuery{
		Bank: bank, Day: catalog.Date(r.param("day")), KBK: r.arg("kbk"), Beneficiary: r.arg("beneficiary"), Account: r.arg("account"),
		Format: register.Format(r.arg("format")), Charset: statement.Charset(r.arg("charset")),
	}
	if r.caller.Kind == auth.Agency {
		q.Agency = r.caller.Subject
	}
	switch q.Charset {
	case "", "windows-1251", "cp866", "kz-1048":
	default:
		return q, errors.Join(err, refuse(codeQuery).of("charset"))
	}
	return q, err
}

type list[T any] struct {
	Items []T `json:"items"`
}

func (s *Server) listRegisters(ctx context.Context, r *request) (reply[list[payment.RegisterPart]], error) {
	q, err := registerQuery(r)
	if err != nil {
		return reply[list[payment.RegisterPart]]{}, err
	}
	parts, err := s.cfg.Payments.RegisterParts(ctx, q)
	return reply[list[payment.RegisterPart]]{Body: list[payment.RegisterPart]{parts}}, err
}

func (s *Server) getRegister(ctx context.Context, r *request) (*response, error) {
	return registerFile(ctx, r, typeBytes, s.cfg.Payments.RegisterFile)
}

func (s *Server) getSealedRegister(ctx context.Context, r *request) (*response, error) {
	return registerFile(ctx, r, typeCMS, s.cfg.Payments.SealedRegister)
}

func registerFile(ctx context.Context, r *request, contentType string, write func(context.Context, payment.RegisterQuery) (payment.File, error)) (*response, error) {
	q, err := registerQuery(r)
	if err != nil {
		return nil, err
	}
	f, err := write(ctx, q)
	if err != nil {
		return nil, err
	}
	return download(contentType, f.Name, f.Body), nil
}

func (s *Server) listOwed(ctx context.Context, r *request) (reply[list[register.Obligation]], error) {
	bank, err := ownBank(r)
	if err != nil {
		return reply[list[register.Obligation]]{}, err
	}
	owed, err := s.cfg.Payments.Owed(ctx, bank, catalog.Date(r.arg("from")), catalog.Date(r.arg("to")))
	return reply[list[register.Obligation]]{Body: list[register.Obligation]{owed}}, err
}

func (s *Server) getDailyPDF(ctx context.Context, r *request) (*response, error) {
	return s.daily(ctx, r, "pdf", typePDF)
}

func (s *Server) getDailyXLSX(ctx context.Context, r *request) (*response, error) {
	return s.daily(ctx, r, "xlsx", typeBytes)
}

func (s *Server) daily(ctx context.Context, r *request, form, contentType string) (*response, error) {
	bank, err := ownBank(r)
	if err != nil {
		return nil, err
	}
	f, err := s.cfg.Payments.DailyFile(ctx, bank, catalog.Date(r.param("day")), form)
	if err != nil {
		return nil, err
	}
	return download(contentType, f.Name, f.Body), nil
}

// disclosureRequest asks about the payments of one person.
type disclosureRequest struct {
	Request   string       `json:"request"`
	Requester string       `json:"requester"`
	Ground    string       `json:"ground"`
	Payer     string       `json:"payer"`
	From      catalog.Date `json:"from"`
	To        catalog.Date `json:"to"`
}

// disclose answers an operator who has a request of a court before him, or an agency that asks for itself.
func (s *Server) disclose(ctx context.Context, r *request, in disclosureRequest) (*response, error) {
	q := payment.DisclosureRequest{
		Number: in.Request, Requester: in.Requester, Ground: in.Ground, Payer: in.Payer, From: in.From, To: in.To, Actor: r.caller.Actor(),
	}
	if r.caller.Kind == auth.Agency {
		q.Agency = r.caller.Subject
	}
	sealed, err := s.cfg.Payments.Disclosure(ctx, q)
	if err != nil {
		return nil, err
	}
	return &response{status: http.StatusOK, contentType: typeCMS, body: sealed}, nil
}
