package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/daily"
	"qaqpa/payment/money"
	"qaqpa/payment/register"
	"qaqpa/payment/statement"
	"qaqpa/signer/audit"
)

// registerCmd writes what banks, agencies and courts are told about payments. Each file has its seal beside it, made by the key of the token.
type registerCmd struct {
	Payments registerPaymentsCmd `cmd:"" help:"Write the executed payments of a bank and banking day, a file for each KBK and beneficiary."`
	Owed     registerOwedCmd     `cmd:"" help:"Show what a bank has confirmed and no statement has shown yet, by day."`
	Daily    registerDailyCmd    `cmd:"" help:"Write the report of reconciliation on a bank and banking day as PDF and XLSX, in Kazakh and Russian."`
	Disclose registerDiscloseCmd `cmd:"" help:"Answer a request of an agency or a court about the payments of one person."`
}

// bankDays are settings of what is asked about a bank.
type bankDays struct {
	Database databaseSettings `embed:""`
	Privacy  privacySettings  `embed:""`
	Bank     string           `required:"" placeholder:"BIC" help:"BIC of the bank."`
}

type registerPaymentsCmd struct {
	bankDays    `embed:""`
	sealedFiles `embed:""`
	Day         string `required:"" placeholder:"YYYY-MM-DD" help:"Banking day."`
	Format      string `enum:"pain.001,pacs.008,mt102,1c,csv,xlsx" default:"csv" help:"pain.001, pacs.008, mt102, 1c, csv or xlsx."`
	Output      string `short:"o" default:"." type:"existingdir" placeholder:"DIR" help:"Where the files go. None is overwritten."`
	Account     string `placeholder:"IIK" help:"Account from which the bank orders the sums on; orders (pain.001, pacs.008, mt102) need it."`
	KBK         string `name:"kbk" placeholder:"CODE" help:"Only this KBK."`
	Beneficiary string `placeholder:"BIN" help:"Only this beneficiary."`
	Charset     string `enum:",windows-1251,cp866,kz-1048" default:"" help:"Encoding of mt102 and 1c: windows-1251, cp866, kz-1048. mt102 is kz-1048 without it (windows-1251 with the Kazakh letters), 1c UTF-8."`
	Sender      string `default:"qaqpa" env:"QAQPA_ISSUER_NAME" help:"Who makes the registers."`
}

// Run prints a line for each file. A bank without payments on the day has no files.
func (c *registerPaymentsCmd) Run(ctx context.Context, io streams) (err error) {
	asked := payment.BankPayments{From: catalog.Date(c.Day), To: catalog.Date(c.Day), KBK: c.KBK, Beneficiary: c.Beneficiary, Account: c.Account}
	payments, err := c.payments(ctx, asked)
	if err != nil {
		return err
	}
	list := make([]register.Payment, len(payments))
	for i := range payments {
		list[i] = payments[i].Payment
	}
	format := register.Format(c.Format)
	if format == register.CSV || format == register.XLSX {
		back, err := c.refunds(ctx, asked)
		if err != nil {
			return err
		}
		list = append(list, back...)
	}
	var files []sealedFile
	var told []string
	for _, part := range register.Split(list, register.Parting{Bank: true, Day: true, KBK: true, Beneficiary: true}) {
		r, err := payment.MakeRegister(part, c.Sender, time.Now())
		if err != nil {
			return err
		}
		sum, err := r.Sum()
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := register.Write(&b, format, r, register.Options{Charset: statement.Charset(c.Charset)}); err != nil {
			return fmt.Errorf("couldn't write register %s: %w", r.ID, err)
		}
		path := fmt.Sprintf("%s/%s-%s.%s", c.Output, r.ID, part.Key.Beneficiary, format.Extension())
		files = append(files, sealedFile{path, b.Bytes()})
		told = append(told, fmt.Sprintf("%s\t%d\t%s\n", path, len(r.Payments), sum.Decimal()))
	}
	written, err := c.write(ctx, io, c.Database, c.Privacy.Token, files)
	for i := range written {
		fmt.Fprint(io.out, told[i])
	}
	return err
}

// refunds asks the database for what was taken back.
func (c *bankDays) refunds(ctx context.Context, q payment.BankPayments) (list []register.Payment, err error) {
	db, err := c.Database.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	q.Bank = c.Bank
	err = c.Privacy.with(ctx, func(p *payment.Privacy) (err error) {
		list, err = payment.RefundsOfBank(ctx, db, p, q)
		return err
	})
	return list, err
}

// payments asks the database.
func (c *bankDays) payments(ctx context.Context, q payment.BankPayments) (list []payment.BankPayment, err error) {
	if !q.From.Valid() || !q.To.Valid() || q.To < q.From {
		return nil, errors.New("days are written YYYY-MM-DD, the first first")
	}
	db, err := c.Database.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	q.Bank = c.Bank
	err = c.Privacy.with(ctx, func(p *payment.Privacy) (err error) {
		list, err = payment.PaymentsOfBank(ctx, db, p, q)
		return err
	})
	return list, err
}

type registerOwedCmd struct {
	bankDays    `embed:""`
	sealedFiles `embed:""`
	From        string `required:"" placeholder:"YYYY-MM-DD" help:"First banking day."`
	To          string `required:"" placeholder:"YYYY-MM-DD" help:"Last banking day."`
	Output      string `short:"o" placeholder:"FILE" help:"Write a spreadsheet (XLSX) too. An existing file is not overwritten."`
}

// Run ends with exit code 4 when something is owed.
func (c *registerOwedCmd) Run(ctx context.Context, io streams) error {
	payments, err := c.payments(ctx, payment.BankPayments{From: catalog.Date(c.From), To: catalog.Date(c.To)})
	if err != nil {
		return err
	}
	list, settled := make([]register.Payment, len(payments)), map[string]bool{}
	for i, p := range payments {
		list[i], settled[p.ID] = p.Payment, p.Settled
	}
	at := time.Now()
	owed, err := register.Owed(list, func(id string) bool { return settled[id] }, at)
	if err != nil {
		return err
	}
	if c.Output != "" {
		var b bytes.Buffer
		if err := register.WriteOwed(&b, owed, at); err != nil {
			return err
		}
		if _, err := c.write(ctx, io, c.Database, c.Privacy.Token, []sealedFile{{c.Output, b.Bytes()}}); err != nil {
			return err
		}
	}
	total := money.FromTiyn(0)
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "day\tpayments\tconfirmed\tsettled\towed\tdays open\t")
	for _, o := range owed {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%d\t\n", o.Day, o.Count, o.Confirmed.Decimal(), o.Settled.Decimal(), o.Owed.Decimal(), o.DaysOpen)
		if total, err = total.Plus(o.Owed); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("couldn't print what is owed: %w", err)
	}
	fmt.Fprintf(io.out, "owed in all: %s KZT\n", total.Decimal())
	if total.Tiyn > 0 {
		return exitError{exitFailed}
	}
	return nil
}

type registerDailyCmd struct {
	bankDays    `embed:""`
	sealedFiles `embed:""`
	Day         string `required:"" placeholder:"YYYY-MM-DD" help:"Banking day."`
	Output      string `short:"o" default:"." type:"existingdir" placeholder:"DIR" help:"Where the two files go. None is overwritten."`
	Sender      string `default:"qaqpa" env:"QAQPA_ISSUER_NAME" help:"Who makes the report."`
}

// Run prints the names of the files.
func (c *registerDailyCmd) Run(ctx context.Context, io streams) (err error) {
	db, err := c.Database.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r, err := payment.DailyReport(ctx, db, payment.ReportedDay{Bank: c.Bank, Day: catalog.Date(c.Day), Issuer: c.Sender, At: time.Now()})
	if err != nil {
		return err
	}
	var files []sealedFile
	for _, f := range []struct {
		extension string
		render    func(*daily.Report) ([]byte, error)
	}{{"pdf", daily.PDF}, {"xlsx", daily.XLSX}} {
		b, err := f.render(r)
		if err != nil {
			return err
		}
		files = append(files, sealedFile{fmt.Sprintf("%s/daily-%s-%s.%s", c.Output, c.Bank, c.Day, f.extension), b})
	}
	written, err := c.write(ctx, io, c.Database, c.Privacy.Token, files)
	for _, path := range written {
		fmt.Fprintln(io.out, path)
	}
	return err
}

type registerDiscloseCmd struct {
	Database    databaseSettings `embed:""`
	Privacy     privacySettings  `embed:""`
	sealedFiles `embed:""`
	Request     string `required:"" help:"Number of the request."`
	Requester   string `required:"" help:"Agency or court that asks."`
	Ground      string `required:"" help:"Rule on which the request stands."`
	Payer       string `required:"" placeholder:"IIN" help:"IIN or BIN of the payer."`
	From        string `required:"" placeholder:"YYYY-MM-DD" help:"First day."`
	To          string `required:"" placeholder:"YYYY-MM-DD" help:"Last day."`
	Output      string `short:"o" required:"" placeholder:"FILE" help:"Where the answer goes (JSON). An existing file is not overwritten."`
}

// Run writes the answer. The audit log has an entry before the file is there.
func (c *registerDiscloseCmd) Run(ctx context.Context, io streams) error {
	return withAudit(ctx, c.Database, func(db *sqlx.DB, log *audit.Log) error {
		var answer *register.Disclosure
		err := c.Privacy.with(ctx, func(p *payment.Privacy) (err error) {
			answer, err = payment.Disclose(ctx, db, auditor{log}, payment.DisclosureRequest{
				Number: c.Request, Requester: c.Requester, Ground: c.Ground, Payer: c.Payer, From: catalog.Date(c.From), To: catalog.Date(c.To), Actor: operatorActor(), Privacy: p,
			}, time.Now)
			return err
		})
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := answer.WriteJSON(&b); err != nil {
			return err
		}
		if _, err := c.write(ctx, io, c.Database, c.Privacy.Token, []sealedFile{{c.Output, b.Bytes()}}); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "%s\t%d\t%s\n", c.Output, answer.Count, answer.Sum)
		return nil
	})
}
