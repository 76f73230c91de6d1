package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
	"qaqpa/signer/report"
)

type receiptCmd struct {
	Verify    receiptVerifyCmd    `cmd:"" help:"Verify receipts, translations and court's copies without database and network."`
	CourtCopy receiptCourtCopyCmd `cmd:"" name:"court-copy" help:"Make a court's copy of a receipt: sealed, with the evidence behind the payment, to be verified by 'receipt verify'."`
}

// receiptVerifyCmd judges receipts as a court does: with the files, the anchors and the operator's published key, and nothing else.
//
// Exit codes: 0 it holds; 3 the seal cannot be decided; 4 it does not hold; 1 it could not be judged; 2 usage.
type receiptVerifyCmd struct {
	Receipt   string        `arg:"" type:"existingfile" help:"The sealed receipt (CMS), as /v1/receipts/…/cms gives it, its sealed PDF, a translation, or a court's copy."`
	PDF       string        `name:"pdf" type:"existingfile" placeholder:"FILE" help:"The PDF that is said to belong to it."`
	PDFSeal   string        `name:"pdf-seal" type:"existingfile" placeholder:"FILE" help:"The seal beside that PDF (CMS)."`
	Document  string        `type:"existingfile" placeholder:"FILE" help:"The order that the payer signed, to compare its digest."`
	Keys      []string      `name:"checkpoint-public-key" type:"existingfile" placeholder:"FILE" help:"Public key of the checkpoints (PEM). Without it the journal's proof stands on the seal of the receipt alone, and this is said."`
	Evidence  []string      `type:"existingfile" placeholder:"FILE" help:"CRL or OCSP answer (DER) of the seal's authorities, where the seal carries none; it is weighed, not trusted."`
	At        time.Time     `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"Judge the seal for this time (RFC 3339); without it for now, or for the time that its time stamp proves."`
	JSON      bool          `name:"json" help:"Print what was found as JSON."`
	IssuerBIN string        `name:"issuer-bin" env:"QAQPA_ISSUER_BIN" placeholder:"DIGITS" help:"BIN that the operator has to have; the one in the receipt, if not given."`
	Trust     trustSettings `embed:""`

	evidence [][]byte
}

// receiptFindings is what verification shows.
type receiptFindings struct {
	Holds   bool     `json:"holds"`
	Failed  []string `json:"failed,omitempty"`
	Open    []string `json:"undecided,omitempty"`
	Checked []string `json:"checked"`
	// NotChecked says what nothing was given for.
	NotChecked []string      `json:"not_checked,omitempty"`
	Receipt    *receipt.Core `json:"receipt,omitempty"`
}

func (f *receiptFindings) check(name string, err error) {
	if err != nil {
		f.Failed = append(f.Failed, name+": "+err.Error())
		return
	}
	f.Checked = append(f.Checked, name)
}

// Run prints what holds and what does not; the exit code says it for programs.
func (c *receiptVerifyCmd) Run(ctx context.Context, io streams) error {
	if c.PDFSeal != "" && c.PDF == "" {
		return errors.New("--pdf-seal goes with --pdf")
	}
	service, err := (&validateCmd{Offline: true, Trust: c.Trust}).service()
	if err != nil {
		return err
	}
	sealed, err := os.ReadFile(c.Receipt)
	if err != nil {
		return fmt.Errorf("couldn't read the receipt: %w", err)
	}
	c.evidence, err = readAll(c.Evidence)
	if err != nil {
		return err
	}
	var found receiptFindings
	verdict, err := service.Validate(ctx, signer.ValidateRequest{Document: sealed, At: c.At, Evidence: c.evidence})
	if err != nil {
		return fmt.Errorf("couldn't judge the seal: %w", err)
	}
	core, content, err := c.open(ctx, service, &found, sealed, verdict)
	if err != nil {
		return fmt.Errorf("%s holds no receipt: %w", c.Receipt, err)
	}
	found.Receipt = &core
	if err := c.journal(&found, core, content); err != nil {
		return err
	}
	if err := c.beside(ctx, service, &found, core); err != nil {
		return err
	}
	found.Holds = len(found.Failed) == 0 && len(found.Open) == 0
	return c.print(io.out, found)
}

// open finds the receipt in a CMS, in its own page, or in a copy, and judges the seals over it.
func (c *receiptVerifyCmd) open(ctx context.Context, service *signer.Service, f *receiptFindings, sealed []byte, verdict signer.Verdict) (core receipt.Core, content []byte, err error) {
	name, content, err := receiptIn(sealed, verdict)
	if err != nil {
		return receipt.Core{}, nil, err
	}
	if name == receipt.CopyName {
		return c.openCopy(ctx, service, f, sealedCopy{pdf: sealed, content: content, verdict: verdict})
	}
	if core, err = receipt.Decode(content); err != nil {
		return receipt.Core{}, nil, err
	}
	f.seal("seal of the receipt", verdict, c.issuer(core))
	if name != "" {
		f.check("the PDF is the page of the receipt", samePage(sealed, core))
	}
	return core, content, nil
}

func (c *receiptVerifyCmd) issuer(core receipt.Core) string {
	if c.IssuerBIN != "" {
		return c.IssuerBIN
	}
	return core.Issuer.BIN
}

// seal takes a verdict about a seal, which has to be of the issuer: any other organisation under the same anchors could make one.
func (f *receiptFindings) seal(name string, v signer.Verdict, bin string) {
	switch v.Indication {
	case report.TotalPassed:
	case report.Indeterminate:
		f.Open = append(f.Open, name+": "+outcome(v.Indication, v.Sub))
	case report.TotalFailed:
		fallthrough
	default:
		f.Failed = append(f.Failed, name+": "+outcome(v.Indication, v.Sub))
	}
	var err error
	for _, s := range v.Signatures {
		if s.Signer == nil || s.Signer.BIN != bin {
			err = errors.New("it is not by the issuer, BIN " + bin)
		}
	}
	if len(v.Signatures) == 0 {
		err = errors.New("there is none")
	}
	if err != nil || v.Indication == report.TotalPassed {
		f.check(name, err)
	}
}

// journal verifies that the payment stands in the journal.
func (c *receiptVerifyCmd) journal(f *receiptFindings, core receipt.Core, content []byte) error {
	if len(c.Keys) == 0 {
		_, _, err := receipt.VerifySealed(content)
		f.check("inclusion in the journal, under the checkpoint that the receipt names", err)
		f.NotChecked = append(f.NotChecked, "signature of the checkpoint: no --checkpoint-public-key")
		return nil
	}
	keys, err := (&checkpointKeys{PublicKeys: c.Keys, IssuerBIN: c.issuer(core)}).verifiers()
	if err != nil {
		return err
	}
	_, checkpoint, err := receipt.Verify(content, keys)
	f.check("inclusion in the journal, under a signed checkpoint", err)
	if err == nil {
		f.Checked = append(f.Checked, fmt.Sprintf("checkpoint of %d leaves", checkpoint.Total))
	}
	return nil
}

// beside verifies what was given beside the receipt.
func (c *receiptVerifyCmd) beside(ctx context.Context, service *signer.Service, f *receiptFindings, core receipt.Core) error {
	if err := c.order(f, core); err != nil {
		return err
	}
	if c.PDF == "" {
		f.NotChecked = append(f.NotChecked, "digest of the PDF: no file")
		return nil
	}
	page, err := os.ReadFile(c.PDF)
	if err != nil {
		return fmt.Errorf("couldn't read the PDF: %w", err)
	}
	f.check("digest of the PDF", samePage(page, core))
	if err := c.sealedPage(ctx, service, f, core, page); err != nil || c.PDFSeal == "" {
		return err
	}
	seal, err := os.ReadFile(c.PDFSeal)
	if err != nil {
		return fmt.Errorf("couldn't read the seal of the PDF: %w", err)
	}
	verdict, err := service.Validate(ctx, signer.ValidateRequest{Document: seal, Detached: page, At: c.At, Evidence: c.evidence})
	if err != nil {
		return fmt.Errorf("couldn't judge the seal of the PDF: %w", err)
	}
	f.seal("seal of the PDF", verdict, c.issuer(core))
	return nil
}

// order compares the order that the payer signed.
func (c *receiptVerifyCmd) order(f *receiptFindings, core receipt.Core) error {
	const name = "digest of the order that the payer signed"
	if c.Document == "" {
		f.NotChecked = append(f.NotChecked, name+": no file")
		return nil
	}
	b, err := os.ReadFile(c.Document)
	if err != nil {
		return fmt.Errorf("couldn't read %s: %w", c.Document, err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != core.DocumentSHA256 {
		err = errAnother
	}
	f.check(name, err)
	return nil
}

var errAnother = errors.New("it is another document")

// samePage: the PDF is the page that was drawn, or begins with it. What stands behind is for the seal to judge.
func samePage(page []byte, core receipt.Core) error {
	if !receipt.BeginsWithPage(page, core) {
		return errAnother
	}
	return nil
}

// sealedPage judges the seal inside a PDF: it covers the whole, is the issuer's, and the core stands in it. A page that is nothing but what was drawn has none:
// receipts of before are sealed beside it.
func (c *receiptVerifyCmd) sealedPage(ctx context.Context, service *signer.Service, f *receiptFindings, core receipt.Core, page []byte) error {
	if sum := sha256.Sum256(page); hex.EncodeToString(sum[:]) == core.PDFSHA256 {
		return nil
	}
	verdict, err := service.Validate(ctx, signer.ValidateRequest{Document: page, At: c.At, Evidence: c.evidence})
	if err != nil {
		return fmt.Errorf("couldn't judge the seal in the PDF: %w", err)
	}
	f.seal("seal in the PDF", verdict, c.issuer(core))
	name, content, err := receiptIn(page, verdict)
	if err == nil && name != receipt.AttachmentName {
		err = errAnother
	}
	if err == nil {
		var inside receipt.Core
		if inside, err = receipt.Decode(content); err == nil && inside.ID != core.ID {
			err = errors.New("it is another receipt")
		}
	}
	f.check("receipt in the PDF", err)
	return nil
}

// receiptIn is what a sealed receipt holds: the content of a CMS, whose name is empty, or the file in a PDF: receipt or copy. In a PDF it counts where the seal covers the document as
// readers see it: updates behind a seal could bring another file.
func receiptIn(sealed []byte, v signer.Verdict) (name string, content []byte, err error) {
	if !pdf.IsPDF(sealed) {
		return "", v.Content, nil
	}
	if v.Coverage != "FULL" {
		return "", nil, fmt.Errorf("its seal does not cover the whole document (%s)", v.Coverage)
	}
	files, err := pades.Attachments(sealed)
	if err != nil {
		return "", nil, err
	}
	for _, file := range files {
		if file.Name == receipt.AttachmentName || file.Name == receipt.CopyName {
			return file.Name, file.Content, nil
		}
	}
	return "", nil, errors.New("there is no file " + receipt.AttachmentName + " in it")
}

func (c *receiptVerifyCmd) print(w io.Writer, f receiptFindings) error {
	if c.JSON {
		if err := json.NewEncoder(w).Encode(f); err != nil {
			return fmt.Errorf("couldn't print what was found: %w", err)
		}
	} else {
		printReceiptFindings(w, f)
	}
	switch {
	case len(f.Failed) > 0:
		return exitError{exitFailed}
	case len(f.Open) > 0:
		return exitError{exitIndeterminate}
	}
	return nil
}

func printReceiptFindings(w io.Writer, f receiptFindings) {
	r := f.Receipt
	fmt.Fprintf(w, "receipt %s: %s KZT by %s on %s through %s\n", r.Code, r.Decimal(), r.Payer.ID, r.ExecutedAt, r.Bank.BIC)
	for _, group := range []struct {
		word string
		list []string
	}{{"holds", f.Checked}, {"DOES NOT HOLD", f.Failed}, {"undecided", f.Open}, {"not checked", f.NotChecked}} {
		for _, line := range group.list {
			fmt.Fprintf(w, "  %s: %s\n", group.word, line)
		}
	}
}
