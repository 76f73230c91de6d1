package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/language"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/receipt"
)

// visibleReceipt gets a receipt that the caller may see, and notes that he reads it.
func (s *Server) visibleReceipt(ctx context.Context, r *request) (payment.Receipt, error) {
	rcp, err := s.findReceipt(ctx, r)
	if err != nil {
		return payment.Receipt{}, err
	}
	core, err := receipt.Decode(rcp.Core)
	if err != nil {
		return payment.Receipt{}, fmt.Errorf("couldn't read the core of a receipt: %w", err)
	}
	return rcp, s.noteRead(ctx, r, core.Payer.ID)
}

// findReceipt gets a receipt that the caller may see: portals and operators see all, a bank those of its payments,
// an agency those that pay a debt of its own.
func (s *Server) findReceipt(ctx context.Context, r *request) (payment.Receipt, error) {
	rcp, err := s.cfg.Payments.Receipt(ctx, r.param("receipt"))
	if err != nil || r.caller.Kind == auth.Portal || r.caller.Kind == auth.Operator {
		return rcp, err
	}
	o, err := s.cfg.Payments.Order(ctx, rcp.Order)
	if err != nil || r.caller.Kind != auth.Agency {
		if err == nil && !seesOrder(r.caller, o) {
			err = payment.ErrReceiptUnknown
		}
		return rcp, err
	}
	// An order of several agencies has a receipt for each part; each agency gets those of its own.
	own, whole, ok := o.OfAgency(r.caller.Subject)
	switch {
	case !ok:
		return payment.Receipt{}, payment.ErrReceiptUnknown
	case whole:
		return rcp, nil
	case r.param("receipt") == o.ID:
		return s.cfg.Payments.Receipt(ctx, own.Receipt)
	}
	for _, part := range own.Allocations {
		if part.Receipt == rcp.ID {
			return rcp, nil
		}
	}
	return payment.Receipt{}, payment.ErrReceiptUnknown
}

func (s *Server) getReceipt(ctx context.Context, r *request) (reply[payment.Receipt], error) {
	rcp, err := s.visibleReceipt(ctx, r)
	return reply[payment.Receipt]{Body: rcp}, err
}

func (s *Server) getReceiptCMS(ctx context.Context, r *request) (*response, error) {
	rcp, err := s.visibleReceipt(ctx, r)
	if err != nil {
		return nil, err
	}
	cms, err := s.cfg.Payments.ReceiptCMS(ctx, rcp.ID)
	return download(typeCMS, rcp.ID+".cms", cms), err
}

func (s *Server) getReceiptPDF(ctx context.Context, r *request) (*response, error) {
	return s.receiptPage(ctx, r, func(id string, pdf, _ []byte) *response { return download(typePDF, id+".pdf", pdf) })
}

func (s *Server) getReceiptPDFSeal(ctx context.Context, r *request) (*response, error) {
	return s.receiptPage(ctx, r, func(id string, _, seal []byte) *response { return download(typeSignature, id+".pdf.p7s", seal) })
}

// receiptPage gives a file of a receipt's page, in the language that the caller wants.
func (s *Server) receiptPage(ctx context.Context, r *request, file func(id string, pdf, seal []byte) *response) (*response, error) {
	lang, err := receiptLanguage(r)
	if err != nil {
		return nil, err
	}
	rcp, err := s.visibleReceipt(ctx, r)
	if err != nil {
		return nil, err
	}
	pdf, seal, err := s.cfg.Payments.ReceiptPage(ctx, rcp.ID, lang)
	if err != nil {
		return nil, err
	}
	name := rcp.ID
	if lang == receipt.English {
		name += "-en"
	}
	return file(name, pdf, seal), nil
}

// receiptLanguage is what the caller asks for; Kazakh and Russian stand on one page. Accept-Language is not asked: the page that the receipt names by its digest is the
// bilingual one, and programs send that header without knowing.
func receiptLanguage(r *request) (receipt.Language, error) {
	tag := r.arg("lang")
	if tag == "" {
		return receipt.Bilingual, nil
	}
	chosen, ok := language.Parse(tag)
	if !ok {
		return "", refuse(codeQuery).of("lang")
	}
	return receiptLanguageOf(chosen), nil
}

func receiptLanguageOf(l language.Lang) receipt.Language {
	if l == language.EN {
		return receipt.English
	}
	return receipt.Bilingual
}

// download is a file that the browser offers to keep. Ids are plain, so the name needs no escaping.
func download(contentType, name string, body []byte) *response {
	resp := newAsset(contentType, body).response(cachePrivate)
	resp.set("Content-Disposition", `attachment; filename="`+name+`"`)
	return resp
}

// receiptCheck is what everybody who has the code may learn.
type receiptCheck struct {
	Code    string `json:"code"`
	Receipt string `json:"receipt"`
	Payer   string `json:"payer"`
	money.Amount
	// Commission is what the payer paid the bank on top, in tiyn, with the sum that left his account.
	Commission *receipt.Commission `json:"commission,omitempty"`
	Bank       string              `json:"bank"`
	ExecutedAt time.Time           `json:"executed_at"`
	IssuedAt   time.Time           `json:"issued_at"`
	PDFSHA256  string              `json:"pdf_sha256"`
	// Refunded is what the payer got back since, in tiyn.
	Refunded int64       `json:"refunded,omitempty"`
	Items    []checkItem `json:"items"`
}

type checkItem struct {
	ServiceName catalog.Names `json:"service_name"`
	Beneficiary string        `json:"beneficiary"`
	KBK         string        `json:"kbk"`
	money.Amount
}

// checkOf masks what the code alone does not entitle to.
func checkOf(core []byte) (receiptCheck, error) {
	c, err := receipt.Decode(core)
	if err != nil {
		return receiptCheck{}, fmt.Errorf("couldn't read the core of a receipt: %w", err)
	}
	out := receiptCheck{
		Code: c.Code, Receipt: c.ID, Payer: mask(c.Payer.ID), Amount: c.Amount, Commission: c.Commission, Bank: c.Bank.Name,
		PDFSHA256: c.PDFSHA256, Items: make([]checkItem, len(c.Items)),
	}
	if out.ExecutedAt, err = time.Parse(time.RFC3339Nano, c.ExecutedAt); err != nil {
		return receiptCheck{}, fmt.Errorf("couldn't read the time of a receipt: %w", err)
	}
	if out.IssuedAt, err = time.Parse(time.RFC3339Nano, c.IssuedAt); err != nil {
		return receiptCheck{}, fmt.Errorf("couldn't read the time of a receipt: %w", err)
	}
	for i, item := range c.Items {
		out.Items[i] = checkItem{ServiceName: item.ServiceName, Beneficiary: item.Beneficiary.Name, KBK: item.KBK, Amount: item.Amount}
	}
	return out, nil
}

func (c receiptCheck) receipt() *portal.Receipt {
	out := &portal.Receipt{
		Code: c.Code, Payer: c.Payer, Tiyn: c.Tiyn, Currency: string(c.Currency), Bank: c.Bank,
		Executed: c.ExecutedAt, Issued: c.IssuedAt, PDF: c.PDFSHA256, Refunded: c.Refunded,
	}
	if c.Commission != nil {
		out.Commission, out.Debit = c.Commission.Tiyn, c.Commission.Debit
	}
	for _, item := range c.Items {
		out.Items = append(out.Items, portal.ReceiptItem{
			Service: item.ServiceName, Beneficiary: item.Beneficiary, KBK: item.KBK, Tiyn: item.Tiyn,
		})
	}
	return out
}

// mask leaves the last four digits of an IIN or BIN.
func mask(id string) string {
	if len(id) <= 4 {
		return strings.Repeat("•", len(id))
	}
	return strings.Repeat("•", len(id)-4) + id[len(id)-4:]
}

// receiptCheck looks a code up, as people type it.
func (s *Server) receiptCheck(ctx context.Context, code string) (receiptCheck, error) {
	rcp, err := s.cfg.Payments.ReceiptByCode(ctx, code)
	if err != nil {
		return receiptCheck{}, err
	}
	out, err := checkOf(rcp.Core)
	out.Refunded, out.PDFSHA256 = rcp.Refunded, rcp.PDFSHA256
	return out, err
}

func (s *Server) getReceiptByCode(ctx context.Context, r *request) (reply[receiptCheck], error) {
	out, err := s.receiptCheck(ctx, r.param("code"))
	return reply[receiptCheck]{Body: out}, err
}
