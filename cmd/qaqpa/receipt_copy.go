package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"qaqpa/payment/bank"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/report"
)

// sealedCopy is the PDF of a copy with the file in it and the verdict on its seal.
type sealedCopy struct {
	pdf, content []byte
	verdict      signer.Verdict
}

// openCopy judges a translation or a court's copy, and the sealed receipt in it. The copy's seal alone would make the operator of today answer for the receipt of
// then: the receipt's own seal has to hold, too.
func (c *receiptVerifyCmd) openCopy(ctx context.Context, service *signer.Service, f *receiptFindings, s sealedCopy) (receipt.Core, []byte, error) {
	copied, err := receipt.DecodeCopy(s.content)
	if err != nil {
		return receipt.Core{}, nil, err
	}
	core := copied.Receipt
	f.seal("seal of the copy", s.verdict, c.issuer(core))
	err = nil
	if !receipt.BeginsWith(s.pdf, copied.PageSHA256) {
		err = errAnother
	}
	f.check("the PDF is the page of the copy", err)
	content, err := core.Encode()
	if err != nil {
		return receipt.Core{}, nil, err
	}
	seal, err := copied.Seal()
	if err != nil {
		return receipt.Core{}, nil, fmt.Errorf("couldn't read the seal of the receipt: %w", err)
	}
	verdict, err := service.Validate(ctx, signer.ValidateRequest{Document: seal, At: c.At, Evidence: c.evidence})
	if err != nil {
		return receipt.Core{}, nil, fmt.Errorf("couldn't judge the seal of the receipt: %w", err)
	}
	f.seal("seal of the receipt", verdict, c.issuer(core))
	err = nil
	if !bytes.Equal(verdict.Content, content) {
		err = errors.New("it is over another receipt")
	}
	f.check("the receipt in the copy is the sealed one", err)
	if copied.Court != nil {
		err = c.chain(ctx, service, f, copied)
	}
	return core, content, err
}

// chain judges the evidence behind the payment: who authorised it, and what the bank said.
func (c *receiptVerifyCmd) chain(ctx context.Context, service *signer.Service, f *receiptFindings, copied receipt.Copy) error {
	court := copied.Court
	if court.Withheld {
		f.NotChecked = append(f.NotChecked, "authorisation and confirmation: they name payments to others and are left out")
		return nil
	}
	doc, err := order.DecodeDocument([]byte(court.Document))
	if err != nil {
		return fmt.Errorf("couldn't read the order of the payer: %w", err)
	}
	f.Checked = append(f.Checked, "digest of the order that the payer authorised")
	if len(court.Authorisations) == 0 {
		f.check("authorisation", errors.New("nobody's is in the copy"))
	}
	for i := range court.Authorisations {
		if err := c.authorisation(ctx, service, f, paid{copied, doc}, i); err != nil {
			return err
		}
	}
	if court.Confirmation == nil || court.Confirmation.Message == "" {
		f.NotChecked = append(f.NotChecked, "the bank's confirmation: it is not in the copy")
		return nil
	}
	verdict, err := c.judgeThen(ctx, service, *court.Confirmation, nil)
	if err != nil {
		return err
	}
	f.verdict("the bank's confirmation"+signedBy(verdict), verdict, func() error { return paid{copied, doc}.confirmed(verdict) })
	return nil
}

// authorisation judges one of the copy. The attack: a copy without the payer's signature, which would hold as one whose payer entered a code does.
func (c *receiptVerifyCmd) authorisation(ctx context.Context, service *signer.Service, f *receiptFindings, p paid, i int) error {
	a := p.Court.Authorisations[i]
	name := fmt.Sprintf("authorisation %d by %s", i+1, a.Method)
	var detached []byte
	switch a.Method {
	case "mandate":
		return c.agreement(ctx, service, f, p, a)
	case "code":
		f.NotChecked = append(f.NotChecked, name+": it has no signature of its own")
		return nil
	case "eds":
		detached = []byte(p.Court.Document)
	}
	if a.Message == "" {
		f.check(name, errors.New("its signature is not in the copy"))
		return nil
	}
	verdict, err := c.judgeThen(ctx, service, a.Statement, detached)
	if err != nil {
		return err
	}
	f.verdict(name+signedBy(verdict), verdict, func() error { return p.authorised(verdict, a) })
	return nil
}

// judgeThen judges a signed message for the time at which the gateway took it, with the evidence that the copy brings.
func (c *receiptVerifyCmd) judgeThen(ctx context.Context, service *signer.Service, s receipt.Statement, detached []byte) (signer.Verdict, error) {
	message, err := s.Signed()
	if err != nil {
		return signer.Verdict{}, fmt.Errorf("couldn't read a signed message: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, s.At)
	if err != nil {
		return signer.Verdict{}, fmt.Errorf("couldn't read the time of a signed message: %w", err)
	}
	evidence := append([][]byte(nil), c.evidence...)
	for _, text := range s.Evidence {
		body, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return signer.Verdict{}, fmt.Errorf("couldn't read evidence: %w", err)
		}
		evidence = append(evidence, body)
	}
	verdict, err := service.Validate(ctx, signer.ValidateRequest{Document: message, Detached: detached, At: at, Evidence: evidence})
	if err != nil {
		return signer.Verdict{}, fmt.Errorf("couldn't judge a signed message: %w", err)
	}
	return verdict, nil
}

// paid is a court's copy with the order of its payer, whose digest is the receipt's.
type paid struct {
	receipt.Copy
	doc order.Document
}

// authorised reports whether a signature is one that orders this payment: the payer's over the order, or the bank's under its client's wish.
func (p paid) authorised(v signer.Verdict, a receipt.Authorisation) error {
	by := signerIn(v, a.CertificateSHA256)
	switch {
	case by == nil:
		return errors.New("it is by another certificate")
	case a.Method == "bank":
		return p.initiated(v, by)
	case a.Method != "eds":
		return errors.New("it is of no known kind")
	case v.Content != nil && !bytes.Equal(v.Content, []byte(p.Court.Document)):
		return errors.New("it is over another document")
	}
	return p.ofPayer(by)
}

// ofPayer reports whether a signer may order payments of the payer. The attack: the gateway's operator pays from somebody's account and signs the order himself.
func (p paid) ofPayer(by *report.Signer) error {
	holder := order.Holder{IIN: by.IIN, BIN: by.BIN, Kind: by.Kind}
	for _, role := range by.Roles {
		holder.Roles = append(holder.Roles, role.Code)
	}
	return order.Authority(p.Receipt.Payer.ID, holder)
}

// initiated reports whether a bank's message orders this payment for its client.
func (p paid) initiated(v signer.Verdict, by *report.Signer) error {
	said, err := bank.ParseInitiation(v.Content)
	if err != nil {
		return err
	}
	if p.doc.Initiated == nil || said.Request != p.doc.Initiated.Request || said.Bank != p.Receipt.Bank.BIC || said.Payer != p.Receipt.Payer.ID || said.Amount != p.doc.Amount {
		return errors.New("it is about another payment")
	}
	return organisation(by)
}

// confirmed reports whether a bank's message is about the payment.
func (p paid) confirmed(v signer.Verdict) error {
	said, err := bank.ParseStatus(v.Content)
	if err != nil {
		return err
	}
	core := p.Receipt
	if said.Outcome != bank.Executed || said.Attempt != p.Court.Attempt || (said.Order != "" && said.Order != core.Order) || said.Bank != core.Bank.BIC ||
		said.BankReference != core.BankReference || said.Amount() != p.doc.Amount {
		return errors.New("it is about another payment")
	}
	if charged, _ := p.doc.Charged(); said.Commission != charged {
		return errors.New("the bank took another commission than the payer ordered")
	}
	return organisation(signerIn(v, ""))
}

// organisation refuses a person's signature where a bank's is due. Whose it is stands in the findings: a receipt has the bank's BIC, not its BIN.
func organisation(by *report.Signer) error {
	if by == nil || by.BIN == "" {
		return errors.New("it is not signed by an organisation")
	}
	return nil
}

// signerIn is who signed a message with the certificate of the digest, hex, or alone where that is empty; nil for nobody.
func signerIn(v signer.Verdict, certificate string) *report.Signer {
	for _, s := range v.Signatures {
		if s.Signer != nil && (s.Signer.CertificateSHA256 == certificate || certificate == "" && len(v.Signatures) == 1) {
			return s.Signer
		}
	}
	return nil
}

// signedBy names who signed, for whoever reads the findings.
func signedBy(v signer.Verdict) string {
	by := signerIn(v, "")
	switch {
	case by == nil:
		return ""
	case by.BIN != "":
		return fmt.Sprintf(" (%s, BIN %s)", by.Organisation, by.BIN)
	}
	return fmt.Sprintf(" (%s, IIN %s)", by.Name, by.IIN)
}

// verdict takes a verdict about a signature by others than the issuer; then says whether it is the signature that it should be.
func (f *receiptFindings) verdict(name string, v signer.Verdict, then func() error) {
	switch {
	case v.Indication == report.TotalFailed:
		f.Failed = append(f.Failed, name+": "+outcome(v.Indication, v.Sub))
	case !v.Passed():
		f.Open = append(f.Open, name+": "+outcome(v.Indication, v.Sub))
	}
	if err := then(); err != nil || v.Passed() {
		f.check(name, err)
	}
}
