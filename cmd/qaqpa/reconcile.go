package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment"
	"qaqpa/payment/money"
	"qaqpa/payment/recon"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/fetch"
)

// reconcileCmd takes in statements, and sets up with whom they are reconciled.
type reconcileCmd struct {
	Files      reconcileFilesCmd      `cmd:"" default:"withargs" help:"Take in files of banks, signed or not: match their lines with payments and book what fits."`
	AddAccount reconcileAddAccountCmd `cmd:"" help:"Register an account at a bank whose statements are reconciled."`
	SetTerms   reconcileSetTermsCmd   `cmd:"" help:"Set cut-off, term and matching rules of a bank."`
	Withdraw   reconcileWithdrawCmd   `cmd:"" help:"Withdraw a statement that was taken in by mistake: one operator proposes it, another approves."`
	SetDays    reconcileSetDaysCmd    `cmd:"" help:"Tell days on which banks rest or work otherwise than the week says."`
}

// reconcileFilesCmd: exit codes 0 every line is matched; 3 there are exceptions; 4 a file was refused; 1 failed; 2 usage.
type reconcileFilesCmd struct {
	Database databaseSettings `embed:""`
	Trust    trustSettings    `embed:""`
	Paths    []string         `arg:"" type:"existingfile" name:"file" help:"Statements."`
	Replace  bool             `help:"Replace the booked statement of the same number, whose withdrawal another operator has proposed (reconcile withdraw): you are the second person, by --operator-key-file."`
	Operator string           `name:"operator-key-file" env:"QAQPA_OPERATOR_KEY_FILE" placeholder:"FILE" help:"File with the operator's own API key; for --replace."`
	JSON     bool             `name:"json" help:"Print the reports as JSON, one a line."`
	Privacy  privacySettings  `embed:""`
	Quiet    bool             `help:"Show no progress."`
	Private  bool             `name:"allow-private" env:"QAQPA_ALLOW_PRIVATE" help:"Fetch evidence of signatures from loopback and private addresses too."`
}

// exitExceptions says that something does not fit.
const exitExceptions = 3

func (c *reconcileFilesCmd) Run(ctx context.Context, io streams, logging *logSettings) (err error) {
	actor, err := c.actor(ctx, io, logging)
	if err != nil {
		return err
	}
	bulk, err := c.Database.connectBulk(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bulk.Close()) }()
	return withAudit(ctx, c.Database, func(db *sqlx.DB, log *audit.Log) error {
		return c.Privacy.with(ctx, func(p *payment.Privacy) error {
			service, err := c.reconciler(db, bulk, log, p)
			if err != nil {
				return err
			}
			return c.all(ctx, service, actor, io)
		})
	})
}

// actor is who takes files in. Whoever replaces a statement is known by a key of his own: a name of the machine could be chosen, and one
// person would be two.
func (c *reconcileFilesCmd) actor(ctx context.Context, io streams, logging *logSettings) (string, error) {
	switch {
	case !c.Replace:
		return operatorActor(), nil
	case c.Operator == "":
		return "", errors.New("--replace needs to know who you are: give --operator-key-file")
	}
	ceremony, err := ceremonySettings{Database: c.Database, OperatorKey: c.Operator}.open(ctx, io, logging)
	if err != nil {
		return "", err
	}
	return ceremony.operator, ceremony.close()
}

// all takes the files in, one after the other.
func (c *reconcileFilesCmd) all(ctx context.Context, service *payment.Reconciler, actor string, io streams) error {
	code := 0
	for _, path := range c.Paths {
		found, err := c.one(ctx, service, path, actor, io)
		if err != nil {
			return fmt.Errorf("couldn't take in %s: %w", path, err)
		}
		code = max(code, found)
	}
	if code != 0 {
		return exitError{code}
	}
	return nil
}

func (c *reconcileFilesCmd) reconciler(db, bulk *sqlx.DB, log *audit.Log, private *payment.Privacy) (*payment.Reconciler, error) {
	store, err := c.Trust.store()
	if err != nil {
		return nil, err
	}
	evidence, err := fetch.New(fetch.Config{AllowPrivate: c.Private, Now: time.Now})
	if err != nil {
		return nil, fmt.Errorf("couldn't set up the fetching of evidence: %w", err)
	}
	service, err := signer.New(signer.Config{DB: db, Audit: log, Trust: store, Fetch: evidence, Now: time.Now})
	if err != nil {
		return nil, fmt.Errorf("couldn't set up validation: %w", err)
	}
	return payment.NewReconciler(payment.ReconcilerConfig{DB: db, Bulk: bulk, Auditor: auditor{log}, Verifier: verifier{service}, Now: time.Now, Privacy: private})
}

// one takes in a file and returns its exit code.
func (c *reconcileFilesCmd) one(ctx context.Context, service *payment.Reconciler, path, actor string, io streams) (int, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	body := &readBar{ReadSeeker: f, size: info.Size(), name: filepath.Base(path)}
	if !c.Quiet && !c.JSON {
		body.to = io.err
	}
	report, repeated, err := service.Reconcile(ctx, payment.StatementFile{
		Body: body, Name: filepath.Base(path), Source: payment.SourceCLI, Actor: actor, Replace: c.Replace,
	})
	body.end()
	var refusal *payment.Error
	if errors.As(err, &refusal) && refusal.Kind != payment.KindUnavailable {
		fmt.Fprintf(io.err, "%s: refused: %v\n", path, refusal)
		return exitFailed, nil
	}
	if err != nil {
		return 0, err
	}
	if c.JSON {
		if err := json.NewEncoder(io.out).Encode(report); err != nil {
			return 0, fmt.Errorf("couldn't print the report: %w", err)
		}
	} else if err := printFileReport(io.out, path, report, repeated); err != nil {
		return 0, err
	}
	for _, s := range report.Statements {
		if len(s.Exceptions) > 0 || s.Listed != 0 {
			return exitExceptions, nil
		}
	}
	return 0, nil
}

// printFileReport prints a line for each statement, and below it what matched and what did not.
func printFileReport(to io.Writer, path string, r payment.FileReport, repeated bool) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	again := ""
	if repeated {
		again = ", taken in before"
	}
	fmt.Fprintf(w, "%s: %s, %d bytes%s\n", path, r.Format, r.SizeBytes, again)
	fmt.Fprintln(w, "statement\taccount\tthrough\tlines\tmatched\tledger\tlisted\tclosing")
	for _, s := range r.Statements {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d.%d %%\t%s\t%s\t%s\n", s.ID, s.Account, s.To, s.Lines, s.MatchRate()/10, s.MatchRate()%10,
			tenge(s.LedgerBalance), tenge(s.Listed), tenge(s.Closing))
		for _, rule := range s.Rules {
			fmt.Fprintf(w, "  by %s\t%d\t%s\n", rule.Rule, rule.Lines, tenge(rule.Amount))
		}
		for _, k := range s.Exceptions {
			fmt.Fprintf(w, "  %s\t%d\t%s\n", k.Kind, k.Count, tenge(k.Amount))
		}
		for _, warning := range s.Warnings {
			fmt.Fprintf(w, "  %s\n", warning)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("couldn't print the report: %w", err)
	}
	return nil
}

func tenge(tiyn int64) string { return money.FromTiyn(tiyn).Decimal() }

// readBar shows how far a file was read.
type readBar struct {
	io.ReadSeeker
	to         io.Writer // nil shows nothing
	name       string
	size, read int64
	shown      int64
}

// Read implements io.Reader.
func (p *readBar) Read(b []byte) (int, error) {
	n, err := p.ReadSeeker.Read(b)
	p.read += int64(n)
	if p.to != nil && p.size > 0 {
		const steps = 40
		if at := min(p.read*steps/p.size, steps); at != p.shown {
			p.shown = at
			fmt.Fprintf(p.to, "\r%s [%s%s]", p.name, strings.Repeat("#", int(at)), strings.Repeat(".", steps-int(at)))
		}
	}
	return n, err
}

// Seek implements io.Seeker.
func (p *readBar) Seek(offset int64, whence int) (int64, error) {
	at, err := p.ReadSeeker.Seek(offset, whence)
	p.read = at
	return at, err
}

func (p *readBar) end() {
	if p.to != nil && p.shown > 0 {
		fmt.Fprintln(p.to)
	}
}

type reconcileAddAccountCmd struct {
	databaseSettings `embed:""`
	Bank             string `required:"" placeholder:"BIC" help:"BIC of the bank, which is registered already."`
	Account          string `required:"" placeholder:"IIK" help:"The account, as statements name it."`
	Signed           bool   `help:"Take statements with the bank's signature only."`
	Reading          string `type:"existingfile" placeholder:"FILE" help:"What is particular about its files (JSON): charset, places of national codes, columns of tables. None without it."`
}

func (c *reconcileAddAccountCmd) Run(ctx context.Context) error {
	account := payment.BankAccount{Bank: c.Bank, Account: c.Account, Signed: c.Signed}
	if c.Reading != "" {
		if err := readJSON(c.Reading, &account.Reading); err != nil {
			return err
		}
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		return r.RegisterAccount(ctx, operatorActor(), account)
	})
}

type reconcileSetTermsCmd struct {
	databaseSettings `embed:""`
	Bank             string `required:"" placeholder:"BIC" help:"BIC of the bank."`
	CutOff           string `default:"24:00" placeholder:"HH:MM" help:"From this minute a payment belongs to the next banking day."`
	Term             int    `default:"3" help:"Banking days after which a payment is missing."`
	Rules            string `type:"existingfile" placeholder:"FILE" help:"Ladder of matching rules (JSON); the one in force stays without it."`
	Forwards         string `enum:"keep,yes,no" default:"keep" help:"Whether the bank sends on to the treasury what it has collected, a sum for each day, KBK and beneficiary: keep, yes or no."`
}

func (c *reconcileSetTermsCmd) Run(ctx context.Context) error {
	var hours, minutes int
	if n, err := fmt.Sscanf(c.CutOff, "%d:%d", &hours, &minutes); err != nil || n != 2 || minutes < 0 || minutes > 59 {
		return errors.New("--cut-off is HH:MM")
	}
	const minutesOfHour = 60
	terms := payment.ReconTerms{Bank: c.Bank, CutOffMinute: hours*minutesOfHour + minutes, TermDays: c.Term}
	if c.Forwards != "keep" {
		yes := c.Forwards == "yes"
		terms.Forwards = &yes
	}
	if c.Rules != "" {
		if err := readJSON(c.Rules, &terms.Rules); err != nil {
			return err
		}
		if terms.Rules == nil {
			terms.Rules = recon.Ladder{}
		}
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		return r.SetReconTerms(ctx, operatorActor(), terms)
	})
}

type reconcileSetDaysCmd struct {
	databaseSettings `embed:""`
	File             string `arg:"" type:"existingfile" help:"JSON array of {day, works, name, source}."`
}

func (c *reconcileSetDaysCmd) Run(ctx context.Context) error {
	var days []payment.BankDay
	if err := readJSON(c.File, &days); err != nil {
		return err
	}
	return withRegistrar(ctx, c.databaseSettings, false, func(r *payment.Registrar) error {
		return r.SetBankDays(ctx, operatorActor(), days)
	})
}

// readJSON reads a file strictly: a member that nobody knows is a mistake.
func readJSON(path string, into any) error {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("couldn't read %s: %w", path, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s has something behind its value", path)
	}
	return nil
}
