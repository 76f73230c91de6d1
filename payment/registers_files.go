package payment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/daily"
	"qaqpa/payment/money"
	"qaqpa/payment/register"
	"qaqpa/payment/statement"
)

// RegisterQuery asks for the payments of a bank and banking day as a register.
type RegisterQuery struct {
	Bank string
	Day  catalog.Date
	// KBK and Beneficiary (a BIN) choose a part; without a KBK the register is the mixed one.
	KBK, Beneficiary string
	// Agency limits it to payments for services of this agency; empty means all.
	Agency string
	Format register.Format
	// Account from which the bank orders the sums on; orders (pain.001, pacs.008, mt102) need it. Charset of mt102 and 1c.
	Account string
	Charset statement.Charset
}

// RegisterPart is one of the registers that a day has, by KBK and beneficiary.
type RegisterPart struct {
	ID          string `json:"id"`
	KBK         string `json:"kbk"`
	Beneficiary string `json:"beneficiary"`
	Count       int    `json:"count"`
	money.Amount
	// Refunds and Refunded are number and sum, in tiyn, of what was taken back; Amount is without it.
	Refunds  int   `json:"refunds,omitempty"`
	Refunded int64 `json:"refunded,omitempty"`
}

// File is a document that is downloaded.
type File struct {
	Name, MediaType string
	Body            []byte
}

// RegisterParts lists the registers of a bank and day by KBK and beneficiary. Errors: [ErrInvalid].
func (s *Service) RegisterParts(ctx context.Context, q RegisterQuery) ([]RegisterPart, error) {
	payments, err := s.registerPayments(ctx, q)
	if err != nil {
		return nil, err
	}
	parts := []RegisterPart{}
	for _, p := range register.Split(payments, register.Parting{Bank: true, Day: true, KBK: true, Beneficiary: true}) {
		r, err := MakeRegister(p, "", s.now())
		if err != nil {
			return nil, err
		}
		sum, err := r.Sum()
		if err != nil {
			return nil, err
		}
		back, err := r.Refunded()
		if err != nil {
			return nil, err
		}
		parts = append(parts, RegisterPart{
			ID: r.ID, KBK: p.Key.KBK, Beneficiary: p.Key.Beneficiary, Count: len(r.Payments), Amount: sum, Refunds: len(r.Refunds), Refunded: back.Tiyn,
		})
	}
	return parts, nil
}

func (s *Service) registerPayments(ctx context.Context, q RegisterQuery) ([]register.Payment, error) {
	if !q.Day.Valid() {
		return nil, ErrInvalid.with("YYYY-MM-DD").at("day")
	}
	asked := BankPayments{Bank: q.Bank, From: q.Day, To: q.Day, KBK: q.KBK, Beneficiary: q.Beneficiary, Account: q.Account, Agency: q.Agency}
	found, err := PaymentsOfBank(ctx, s.cfg.Bulk, s.cfg.Privacy, asked)
	if err != nil {
		return nil, registerRefusal(err)
	}
	back, err := RefundsOfBank(ctx, s.cfg.Bulk, s.cfg.Privacy, asked)
	if err != nil {
		return nil, registerRefusal(err)
	}
	list := make([]register.Payment, len(found), len(found)+len(back))
	for i := range found {
		list[i] = found[i].Payment
	}
	return append(list, back...), nil
}

// registerRefusal tells what the writer of registers refuses as what was asked wrongly.
func registerRefusal(err error) error {
	if errors.Is(err, register.ErrInvalid) {
		return ErrInvalid.with(err.Error()).because(err)
	}
	return err
}

// RegisterFile writes a register. Errors: [ErrInvalid], also for what the format cannot hold, [ErrRegisterEmpty].
func (s *Service) RegisterFile(ctx context.Context, q RegisterQuery) (File, error) {
	if !slices.Contains(register.Formats(), q.Format) {
		return File{}, ErrInvalid.with("no such format").at("format")
	}
	payments, err := s.registerPayments(ctx, q)
	if err != nil {
		return File{}, err
	}
	if len(payments) == 0 {
		return File{}, ErrRegisterEmpty
	}
	r, err := MakeRegister(register.Part{Key: register.Key{Bank: q.Bank, Day: q.Day, KBK: q.KBK}, Payments: payments}, s.cfg.Issuer.Name.RU, s.now())
	if err != nil {
		return File{}, err
	}
	if len(r.Payments) == 0 && q.Format != register.CSV && q.Format != register.XLSX {
		return File{}, ErrRegisterEmpty // refunds stand in tables alone
	}
	var b bytes.Buffer
	if err := register.Write(&b, q.Format, r, register.Options{Charset: q.Charset}); err != nil {
		return File{}, registerRefusal(err)
	}
	return File{Name: r.ID + "." + q.Format.Extension(), MediaType: q.Format.MediaType(), Body: b.Bytes()}, nil
}

// SealedRegister is [Service.RegisterFile] under the gateway's seal: CMS with the file inside.
func (s *Service) SealedRegister(ctx context.Context, q RegisterQuery) (File, error) {
	f, err := s.RegisterFile(ctx, q)
	if err != nil {
		return File{}, err
	}
	if f.Body, err = s.cfg.Sealer.Seal(ctx, f.Body); err != nil {
		return File{}, fmt.Errorf("couldn't seal a register: %w", err)
	}
	f.Name += ".cms"
	return f, nil
}

// owedDaysMax bounds the days of one question.
const owedDaysMax = 92

// Owed tells by banking day what a bank has confirmed and what of it no statement has shown yet (R6). Errors: [ErrInvalid].
func (s *Service) Owed(ctx context.Context, bank string, from, to catalog.Date) ([]register.Obligation, error) {
	if !from.Valid() || !to.Valid() || to < from {
		return nil, ErrInvalid.with("YYYY-MM-DD, the first day first").at("from")
	}
	first, err1 := time.Parse(time.DateOnly, string(from))
	last, err2 := time.Parse(time.DateOnly, string(to))
	if err := errors.Join(err1, err2); err != nil || last.Sub(first) > owedDaysMax*24*time.Hour {
		return nil, ErrInvalid.with("at most 92 days").at("to")
	}
	return s.owedByDay(ctx, bank, from, to)
}

// DailyFile is the report on a bank and banking day, in Kazakh and Russian, as pdf or xlsx. Errors: [ErrInvalid].
func (s *Service) DailyFile(ctx context.Context, bank string, day catalog.Date, form string) (File, error) {
	if !day.Valid() {
		return File{}, ErrInvalid.with("YYYY-MM-DD").at("day")
	}
	render := map[string]func(*daily.Report) ([]byte, error){"pdf": daily.PDF, "xlsx": daily.XLSX}[form]
	if render == nil {
		return File{}, ErrInvalid.with("pdf or xlsx").at("form")
	}
	r, err := DailyReport(ctx, s.cfg.Bulk, ReportedDay{Bank: bank, Day: day, Issuer: s.cfg.Issuer.Name.RU, At: s.now()})
	if err != nil {
		return File{}, err
	}
	body, err := render(r)
	if err != nil {
		return File{}, err
	}
	return File{Name: "daily-" + bank + "-" + string(day) + "." + form, Body: body}, nil
}

// Disclosure answers a request about one person's payments under the gateway's seal: CMS with the JSON inside (R10). The audit log has an
// entry before it leaves. Errors: [ErrInvalid].
func (s *Service) Disclosure(ctx context.Context, r DisclosureRequest) ([]byte, error) {
	r.Privacy = s.cfg.Privacy
	answer, err := Disclose(ctx, s.db, s.cfg.Auditor, r, s.now)
	if err != nil {
		return nil, registerRefusal(err)
	}
	var b bytes.Buffer
	if err := answer.WriteJSON(&b); err != nil {
		return nil, err
	}
	sealed, err := s.cfg.Sealer.Seal(ctx, b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("couldn't seal an answer: %w", err)
	}
	return sealed, nil
}
