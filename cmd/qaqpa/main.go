// Command qaqpa is the gateway: one binary that serves, and that an operator uses at the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commandLine is the tree of commands. Settings come from flags, then the environment, then the file of --config.
type commandLine struct {
	Config kong.ConfigFlag `help:"JSON file with settings, by the names of the flags; flags and environment go before it." env:"QAQPA_CONFIG" placeholder:"FILE"`
	Log    logSettings     `embed:"" prefix:"log-"`

	Serve     serveCmd     `cmd:"" help:"Run the gateway: HTTP, workers and the admin listener."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database to the newest schema."`
	Keys      keysCmd      `cmd:"" help:"Keys in the token: generate, list, request and import certificates."`
	Clients   clientsCmd   `cmd:"" help:"Agencies, banks and portals that may use the gateway, and their API keys."`
	Validate  validateCmd  `cmd:"" help:"Judge the signatures of documents."`
	Seal      sealCmd      `cmd:"" help:"Sign a document with the gateway's key."`
	Stamp     stampCmd     `cmd:"" help:"Prove since when files exist: many files under one time stamp."`
	Raise     raiseCmd     `cmd:"" help:"Add time stamps and evidence to the signatures of a CMS or PDF document."`
	Sign      signCmd      `cmd:"" help:"Sign a document with a key of a PKCS #12 file or of the token: CMS, XML, WS-Security, JWT, raw."`
	Ledger    ledgerCmd    `cmd:"" help:"Check the ledger against the signed checkpoints."`
	Receipt   receiptCmd   `cmd:"" help:"Verify receipts offline; make copies for courts."`
	Register  registerCmd  `cmd:"" help:"Registers of payments for banks and agencies, what banks owe, answers to courts."`
	Refunds   refundsCmd   `cmd:"" help:"Refunds and corrections of executed payments, agreed by two people."`
	Reconcile reconcileCmd `cmd:"" help:"Take in statements of banks, match and book them; accounts, rules and days of banks."`
	Data      dataCmd      `cmd:"" help:"Personal data at rest."`
	Audit     auditCmd     `cmd:"" help:"Check the audit log."`
	HSMWorker hsmWorkerCmd `cmd:"" name:"hsm-worker" hidden:"" help:"Serve one token to the gateway that started this process; not for people."`
	Version   versionCmd   `cmd:"" help:"Print what this binary was built from."`

	demoCommands `embed:""`
}

// exitError carries the exit code of a command that did its work and found something wrong.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// streams are where a command reads and writes, so that tests can stand behind them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func standardStreams() streams { return streams{os.Stdin, os.Stdout, os.Stderr} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], standardStreams())
	stop()
	os.Exit(code)
}

// run parses args and executes the command. It returns the exit code: 0 well, 1 failed, 2 wrong usage, others by command.
func run(ctx context.Context, args []string, io streams) int {
	var cli commandLine
	parser, err := kong.New(&cli,
		kong.Name("qaqpa"),
		kong.Description("qaqpa: the gateway for digital signatures and payments. Every setting may also stand in the environment or in the file of --config."),
		kong.Configuration(loadSettings),
		kong.Writers(io.out, io.err),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(io),
	)
	if err != nil {
		fmt.Fprintln(io.err, "qaqpa:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		if usage, ok := errors.AsType[*kong.ParseError](err); ok {
			_ = usage.Context.PrintUsage(true) // the usage goes to standard output, where a failure cannot be told
		}
		fmt.Fprintln(io.err, "qaqpa:", err)
		return 2
	}
	err = parsed.Run(&cli.Log)
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	default:
		fmt.Fprintln(io.err, "qaqpa:", err)
		return 1
	}
}
