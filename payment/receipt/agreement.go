package receipt

import (
	"errors"
	"fmt"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/mandate"
	"qaqpa/payment/order"
)

// Agreement is the agreement for repeated payments under which an order was authorised, as the payer signed it.
type Agreement struct {
	// ID is "mnd_" and 34 hex digits.
	ID string `json:"id"`
	// DocumentSHA256 is the digest of what the payer signed, hex, and Document the same octet by octet. A copy that withholds documents leaves the
	// second out: it names services of others.
	DocumentSHA256 string `json:"document_sha256"`
	Document       string `json:"document,omitempty"`
	// Signer is the IIN or BIN of whom the signature speaks for.
	Signer            string `json:"signer"`
	CertificateSHA256 string `json:"certificate_sha256,omitempty"`
	Statement
}

// check holds an authorisation to the receipt. documents of the order and of the agreement are there unless they are withheld.
func (a Authorisation) check(c Copy) error {
	if a.Agreement == nil {
		return nil // of before agreements were taken along, or another way
	}
	record, err := mandate.DecodeRecord([]byte(a.Record))
	switch {
	case err != nil:
		return fmt.Errorf("%w: record of the agreement: %w", ErrCopy, err)
	case a.Method != "mandate" || record.Mandate != a.Agreement.ID || record.MandateSHA256 != a.Agreement.DocumentSHA256 || record.Verdict != a.Agreement.Verdict:
		return fmt.Errorf("%w: the record is of another agreement", ErrCopy)
	case record.Order != c.Receipt.Order || record.DocumentSHA256 != c.Receipt.DocumentSHA256:
		return fmt.Errorf("%w: the record is of another order", ErrCopy)
	case c.Court.Withheld != (a.Agreement.Document == ""):
		return fmt.Errorf("%w: the document of the agreement is not as it should be", ErrCopy)
	case !c.Court.Withheld && digestOf([]byte(a.Agreement.Document)) != a.Agreement.DocumentSHA256:
		return fmt.Errorf("%w: the document of the agreement differs from its digest", ErrCopy)
	}
	return nil
}

// ErrNotAgreed says that an agreement does not cover a payment.
var ErrNotAgreed = errors.New("the agreement does not cover the payment")

// Agreed reports whether the agreement of an authorisation covers the payment of the copy: the same payer and bank, every service of the order, the limit of a
// payment, in time, and signed before. What was spent in the month is known to the gateway alone. The signature under it is judged apart. Errors wrap [ErrNotAgreed].
func (c Copy) Agreed(a Authorisation) error {
	if a.Agreement == nil || c.Court == nil || c.Court.Withheld {
		return fmt.Errorf("%w: it is not in the copy", ErrNotAgreed)
	}
	agreed, err := mandate.Decode([]byte(a.Agreement.Document))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAgreed, err)
	}
	doc, err := order.ReadStored([]byte(c.Court.Document))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAgreed, err)
	}
	signed, err := time.Parse(time.RFC3339Nano, a.Agreement.At)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAgreed, err)
	}
	used, err := time.Parse(time.RFC3339Nano, a.At)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAgreed, err)
	}
	services, total := make([]string, len(doc.Items)), int64(0)
	for i, item := range doc.Items {
		services[i] = item.Service
		if total += item.Tiyn; item.Tiyn <= 0 || total <= 0 {
			return fmt.Errorf("%w: an amount of the order", ErrNotAgreed)
		}
	}
	charged, _ := doc.Charged() // the limits are of what leaves the payer's account
	if total += charged; charged < 0 || total <= 0 {
		return fmt.Errorf("%w: a commission of the order", ErrNotAgreed)
	}
	switch {
	case agreed.Mandate != a.Agreement.ID:
		return fmt.Errorf("%w: the document is of another agreement", ErrNotAgreed)
	case used.Before(signed):
		return fmt.Errorf("%w: it was signed afterwards", ErrNotAgreed)
	}
	if err := agreed.Allows(mandate.Asked{
		Payer: c.Receipt.Payer.ID, Bank: c.Receipt.Bank.BIC, Services: services, Tiyn: total, On: catalog.DateOf(used),
	}); err != nil {
		return fmt.Errorf("%w: %w", ErrNotAgreed, err)
	}
	return nil
}

// agreement is the section of the page about the agreement.
func (p *page) agreement(a *Agreement) error {
	if a == nil {
		return nil
	}
	p.section(label{"Тұрақты төлемдер келісімі", "Соглашение о повторяющихся платежах", "Agreement for repeated payments"}, "")
	p.row(label{"Келісім нөмірі", "Номер соглашения", "Number of the agreement"}, a.ID)
	p.row(label{"Қол қоюшы", "Подписант", "Signer"}, a.Signer)
	if a.CertificateSHA256 != "" {
		p.row(label{"Сертификат (SHA-256)", "Сертификат (SHA-256)", "Certificate (SHA-256)"}, grouped(a.CertificateSHA256))
	}
	p.row(label{"Келісім құжаты (SHA-256)", "Документ соглашения (SHA-256)", "Document of the agreement (SHA-256)"}, grouped(a.DocumentSHA256))
	return p.statement(a.Statement)
}
