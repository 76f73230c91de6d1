package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"qaqpa/payment/bank"
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
	f.Checked = append(f.Checked, "digest of the order that the payer authorised")
	for i, a := range court.Authorisations {
		name := fmt.Sprintf("authorisation %d by %s", i+1, a.Method)
		if a.Message == "" {
			f.NotChecked = append(f.NotChecked, name+": it has no signature of its own")
			continue
		}
		var detached []byte
		if a.Method == "eds" {
			detached = []byte(court.Document)
		}
		verdict, err := c.judgeThen(ctx, service, a.Statement, detached)
		if err != nil {
			return err
		}
		f.verdict(name, verdict, func() error { return authorises(verdict, a, detached) })
	}
	if court.Confirmation == nil || court.Confirmation.Message == "" {
		f.NotChecked = append(f.NotChecked, "the bank's confirmation: it is not in the copy")
		return nil
	}
	verdict, err := c.judgeThen(ctx, service, *court.Confirmation, nil)
	if err != nil {
		return err
	}
	f.verdict("the bank's confirmation", verdict, func() error { return confirms(verdict, copied) })
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

// authorises reports whether a signature is the payer's over the order of the receipt.
func authorises(v signer.Verdict, a receipt.Authorisation, document []byte) error {
	if document != nil && v.Content != nil && !bytes.Equal(v.Content, document) {
		return errors.New("it is over another document")
	}
	for _, s := range v.Signatures {
		if s.Signer != nil && s.Signer.CertificateSHA256 == a.CertificateSHA256 {
			return nil
		}
	}
	return errors.New("it is by another certificate")
}

// confirms reports whether a bank's message is about the payment.
func confirms(v signer.Verdict, copied receipt.Copy) error {
	said, err := bank.ParseStatus(v.Content)
	if err != nil {
		return err
	}
	core := copied.Receipt
	if said.Outcome != bank.Executed || said.Attempt != copied.Court.Attempt || said.Bank != core.Bank.BIC || said.BankReference != core.BankReference {
		return errors.New("it is about another payment")
	}
	return nil
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
