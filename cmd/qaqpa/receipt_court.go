package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/receipt"
)

// receiptCourtCopyCmd makes the paper form of a receipt that a court takes, in the name of an operator. The payer sees in his cabinet who asked for it and why.
//
// Exit codes: 0 it is written; 1 it could not be made; 2 usage.
type receiptCourtCopyCmd struct {
	ceremonySettings `embed:""`
	Privacy          privacySettings `embed:""`
	Trust            trustSettings   `embed:""`
	TSA              tsaSettings     `embed:""`
	Receipt          string          `arg:"" placeholder:"ID" help:"Id of the receipt (rcp_…)."`
	Reason           string          `required:"" help:"What the copy is for, in 5 to 200 characters, such as the number of the claim; it stands on the copy, and the payer can read it."`
	Language         string          `enum:"kk-ru,en" default:"kk-ru" help:"Language of the page: kk-ru or en."`
	Withhold         bool            `help:"Leave out the order's document and what was signed over it: they name the payer's payments to others than who asks."`
	Output           string          `short:"o" required:"" type:"path" placeholder:"FILE" help:"Where the sealed PDF goes. It is not overwritten."`
	SealKey          string          `env:"QAQPA_SEAL_KEY" default:"seal" help:"Label of the key, with its certificate, that seals."`
}

// Run makes the copy and prints its number and digest.
func (c *receiptCourtCopyCmd) Run(ctx context.Context, io streams, log *logSettings) (err error) {
	ask := payment.CourtAsk{Receipt: c.Receipt, Reason: c.Reason, Language: receipt.Language(c.Language), Part: c.Withhold}
	if err := ask.Check(); err != nil {
		return err
	}
	if err := checkNew(c.Output); err != nil { // before the seal is used for what could not be written
		return err
	}
	who, err := c.open(ctx, io, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, who.close()) }()
	ask.Actor, ask.By = who.operator, who.operator
	clerk, err := c.clerk(ctx, io, who)
	if err != nil {
		return err
	}
	found, err := clerk.Receipt(ctx, ask.Receipt)
	if err != nil {
		return fmt.Errorf("couldn't find receipt %s: %w", ask.Receipt, err)
	}
	core, err := receipt.Decode(found.Core)
	if err != nil {
		return fmt.Errorf("couldn't read receipt %s: %w", ask.Receipt, err)
	}
	look := auth.Look{IIN: core.Payer.ID, Actor: who.operator, Name: who.operator, Organisation: string(auth.Operator), Reason: ask.Reason}
	if err := who.keys.NoteLook(ctx, look); err != nil {
		return fmt.Errorf("couldn't write down for the payer who asks: %w", err)
	}
	made, err := clerk.CourtCopy(ctx, ask)
	if err != nil {
		return fmt.Errorf("couldn't make the copy: %w", err)
	}
	if err := writeNew(c.Output, made.PDF); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%s\t%s\t%s\n", c.Output, made.ID, made.PDFSHA256)
	return nil
}

// clerk opens the token, the seal and the keys of personal data.
func (c *receiptCourtCopyCmd) clerk(ctx context.Context, io streams, who *ceremony) (*payment.Clerk, error) {
	var err error
	if who.token, err = c.Privacy.Token.fleet(ctx, io, who.log, who.registry); err != nil {
		return nil, err
	}
	if err := who.openSigner(ctx, &serveCmd{SealKey: c.SealKey, Database: c.Database, Token: c.Privacy.Token, Trust: c.Trust, TSA: c.TSA}); err != nil {
		return nil, err
	}
	private, err := privacyOf(ctx, who.token, c.Privacy.Labels)
	if err != nil {
		return nil, err
	}
	clerk, err := payment.NewClerk(payment.ClerkConfig{
		DB: who.db, Sealer: sealer{who.signer}, Verifier: verifier{who.signer}, Auditor: auditor{who.audit}, Now: time.Now, Privacy: private,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't set up copies: %w", err)
	}
	return clerk, nil
}
