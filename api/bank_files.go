package api

import (
	"context"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/register"
)

// owedDays is how many banking days the page of a bank shows.
const owedDays = 14

// holidaysMax is how many days in a row are no banking days, at most.
const holidaysMax = 10

// fillBank adds the guarantee and what is owed to the page of a bank.
func (s *Server) fillBank(ctx context.Context, v *portal.Bank, bank string) (err error) {
	if v.Exposure, err = s.cfg.Payments.Exposure(ctx, bank); err != nil {
		return err
	}
	v.Today = catalog.DateOf(v.Now)
	from := catalog.DateOf(v.Now.Add(-(owedDays - 1) * 24 * time.Hour))
	// What is paid on a holiday belongs to the banking day after it.
	v.Owed, err = s.cfg.Payments.Owed(ctx, bank, from, catalog.DateOf(v.Now.Add(holidaysMax*24*time.Hour)))
	return err
}

// bankFile gives a bank's people the register or the report of a day.
func (s *Server) bankFile(ctx context.Context, r *request) (*response, error) {
	return s.member(auth.Bank, func(ctx context.Context, r *request, _ auth.Session, m auth.Member) (*response, error) {
		day := catalog.Date(r.arg("day"))
		q := payment.RegisterQuery{Bank: m.Subject, Day: day, Format: register.XLSX}
		var f payment.File
		var err error
		switch r.arg("form") {
		case "pdf", "xlsx":
			f, err = s.cfg.Payments.DailyFile(ctx, m.Subject, day, r.arg("form"))
		case "register":
			f, err = s.cfg.Payments.RegisterFile(ctx, q)
		case "csv":
			q.Format = register.CSV
			f, err = s.cfg.Payments.RegisterFile(ctx, q)
		case "sealed":
			q.Format = register.CSV
			f, err = s.cfg.Payments.SealedRegister(ctx, q)
		default:
			return nil, refuse(codeQuery).of("form")
		}
		if err != nil {
			return nil, err
		}
		return download(typeBytes, f.Name, f.Body), nil
	})(ctx, r)
}
