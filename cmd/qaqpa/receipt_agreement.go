package main

import (
	"bytes"
	"context"
	"errors"

	"qaqpa/payment/receipt"
	"qaqpa/signer"
)

// agreement judges the agreement for repeated payments that authorised an order: the payer's signature under it, and whether it covers the payment. What was spent under it in
// the month is not in the copy. The attack: a copy that names an agreement which nobody has signed.
func (c *receiptVerifyCmd) agreement(ctx context.Context, service *signer.Service, f *receiptFindings, p paid, a receipt.Authorisation) error {
	const name = "agreement for repeated payments"
	if a.Agreement == nil || a.Agreement.Message == "" {
		f.check(name, errors.New("its signature is not in the copy"))
		return nil
	}
	document := []byte(a.Agreement.Document)
	verdict, err := c.judgeThen(ctx, service, a.Agreement.Statement, document)
	if err != nil {
		return err
	}
	f.verdict("signature under the "+name+signedBy(verdict), verdict, func() error {
		by := signerIn(verdict, a.Agreement.CertificateSHA256)
		switch {
		case by == nil:
			return errors.New("it is by another certificate")
		case verdict.Content != nil && !bytes.Equal(verdict.Content, document):
			return errors.New("it is over another document")
		}
		return p.ofPayer(by)
	})
	f.check("the "+name+" covers the payment", p.Agreed(a))
	f.NotChecked = append(f.NotChecked, "limit of the month: what else was paid under the agreement is not in the copy")
	return nil
}
