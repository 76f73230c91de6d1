package portal

import (
	"time"

	"qaqpa/payment/catalog"
)

// Receipt is what everybody who holds a receipt may see of it.
type Receipt struct {
	Code     string
	Payer    string // masked
	Tiyn     int64
	Currency string
	Bank     string
	Executed time.Time
	Issued   time.Time
	PDF      string // SHA-256 in hex
	Refunded int64  // tiyn that went back since
	// Commission is what the payer paid the bank on top, and Debit all that left his account, in tiyn; 0 where the bank took nothing.
	Commission, Debit int64
	Items             []ReceiptItem
}

// ReceiptItem is one debt that was paid.
type ReceiptItem struct {
	Service     catalog.Names
	Beneficiary string
	KBK         string
	Tiyn        int64
}

// receiptView is a Receipt in words.
type receiptView struct {
	Code, Amount, Payer, Bank, Executed, Issued, PDF, Refunded string
	Commission, Debit                                          string
	Items                                                      []itemView
}

type itemView struct{ Service, Beneficiary, KBK, Amount string }

func receiptModel(w words, r *Receipt) *receiptView {
	if r == nil {
		return nil
	}
	out := &receiptView{
		Code: r.Code, Amount: w.Money(r.Tiyn, r.Currency), Payer: r.Payer, Bank: r.Bank,
		Executed: w.Date(r.Executed), Issued: w.Date(r.Issued), PDF: r.PDF,
	}
	if r.Commission > 0 {
		out.Commission, out.Debit = w.Money(r.Commission, r.Currency), w.Money(r.Debit, r.Currency)
	}
	if r.Refunded > 0 {
		out.Refunded = w.Money(r.Refunded, r.Currency)
	}
	for _, item := range r.Items {
		out.Items = append(out.Items, itemView{
			Service: w.Name(item.Service), Beneficiary: item.Beneficiary, KBK: item.KBK, Amount: w.Money(item.Tiyn, r.Currency),
		})
	}
	return out
}
