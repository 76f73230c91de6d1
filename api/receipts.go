package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// visibleReceipt gets a receipt that the caller may see: portals and operators see all, a bank those of its payments,
// an agency those that pay a debt of its own.
func (s *Server) visibleReceipt(ctx context.Context, r *request) (payment.Receipt, error) {
	rcp, err := s.cfg.Payments.Receipt(ctx, r.param("receipt"))
	if err != nil || r.caller.Kind == auth.Portal || r.caller.Kind == auth.Operator {
		return rcp, err
	}
	o, err := s.cfg.Payments.Order(ctx, rcp.Order)
	if err == nil && !seesOrder(r.caller, o) {
		err = payment.ErrReceiptUnknown
	}
	return rcp, err
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
	rcp, err := s.visibleReceipt(ctx, r)
	if err != nil {
		return nil, err
	}
	pdf, _, err := s.cfg.Payments.ReceiptPDF(ctx, rcp.ID)
	return download(typePDF, rcp.ID+".pdf", pdf), err
}

func (s *Server) getReceiptPDFSeal(ctx context.Context, r *request) (*response, error) {
	rcp, err := s.visibleReceipt(ctx, r)
	if err != nil {
		return nil, err
	}
	_, seal, err := s.cfg.Payments.ReceiptPDF(ctx, rcp.ID)
	return download(typeSignature, rcp.ID+".pdf.p7s", seal), err
}

// download is a file that the browser offers to keep. Ids are plain, so the name needs no escaping.
func download(contentType, name string, body []byte) *response {
	resp := newAsset(contentType, body).response(cachePrivate)
	resp.set("Content-Disposition", `attachment; filename="`+name+`"`)
	return resp
}

// receiptCore is what this package reads of a receipt's sealed JSON.
type receiptCore struct {
	Type  string `json:"type"`
	Code  string `json:"code"`
	Payer struct {
		ID string `json:"id"`
	} `json:"payer"`
	Items []struct {
		ServiceName catalog.Names       `json:"service_name"`
		Beneficiary catalog.Beneficiary `json:"beneficiary"`
		KBK         string              `json:"kbk"`
		Amount      int64               `json:"amount"`
	} `json:"items"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Bank     struct {
		Name string `json:"name"`
	} `json:"bank"`
	ExecutedAt time.Time `json:"executed_at"`
	IssuedAt   time.Time `json:"issued_at"`
}

// readCore reads a core that the gateway wrote; other JSON fails or has another type.
func readCore(b []byte) (receiptCore, error) {
	var c receiptCore
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("couldn't read the core of a receipt: %w", err)
	}
	if c.Type != "receipt" || c.Code == "" {
		return c, fmt.Errorf("couldn't read the core of a receipt: its type is %q", clip(c.Type))
	}
	return c, nil
}

// receiptCheck is what everybody who has the code may learn.
type receiptCheck struct {
	Code       string      `json:"code"`
	Receipt    string      `json:"receipt"`
	Payer      string      `json:"payer"`
	Amount     int64       `json:"amount"`
	Currency   string      `json:"currency"`
	Bank       string      `json:"bank"`
	ExecutedAt time.Time   `json:"executed_at"`
	IssuedAt   time.Time   `json:"issued_at"`
	PDFSHA256  string      `json:"pdf_sha256"`
	Items      []checkItem `json:"items"`
}

type checkItem struct {
	ServiceName catalog.Names `json:"service_name"`
	Beneficiary string        `json:"beneficiary"`
	KBK         string        `json:"kbk"`
	Amount      int64         `json:"amount"`
}

// check masks what the code alone does not entitle to.
func (c receiptCore) check(stored payment.Receipt) receiptCheck {
	out := receiptCheck{
		Code: stored.Code, Receipt: stored.ID, Payer: mask(c.Payer.ID), Amount: c.Amount, Currency: c.Currency, Bank: c.Bank.Name,
		ExecutedAt: c.ExecutedAt, IssuedAt: c.IssuedAt, PDFSHA256: stored.PDFSHA256, Items: make([]checkItem, len(c.Items)),
	}
	for i, item := range c.Items {
		out.Items[i] = checkItem{ServiceName: item.ServiceName, Beneficiary: item.Beneficiary.Name, KBK: item.KBK, Amount: item.Amount}
	}
	return out
}

func (c receiptCheck) receipt() *portal.Receipt {
	out := &portal.Receipt{
		Code: c.Code, Payer: c.Payer, Tiyn: c.Amount, Currency: c.Currency, Bank: c.Bank,
		Executed: c.ExecutedAt, Issued: c.IssuedAt, PDF: c.PDFSHA256,
	}
	for _, item := range c.Items {
		out.Items = append(out.Items, portal.ReceiptItem{
			Service: item.ServiceName, Beneficiary: item.Beneficiary, KBK: item.KBK, Tiyn: item.Amount,
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

// receiptCheck looks a code up.
func (s *Server) receiptCheck(ctx context.Context, code string) (receiptCheck, error) {
	if len(code) > 80 || !plain(code) {
		return receiptCheck{}, payment.ErrReceiptUnknown
	}
	rcp, err := s.cfg.Payments.ReceiptByCode(ctx, code)
	if err != nil {
		return receiptCheck{}, err
	}
	core, err := readCore(rcp.Core)
	if err != nil {
		return receiptCheck{}, err
	}
	return core.check(rcp), nil
}

func (s *Server) getReceiptByCode(ctx context.Context, r *request) (reply[receiptCheck], error) {
	out, err := s.receiptCheck(ctx, r.param("code"))
	return reply[receiptCheck]{Body: out}, err
}
