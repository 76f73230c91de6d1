package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"qaqpa/hsm"
	"qaqpa/payment"

	"github.com/jmoiron/sqlx"
	"golang.org/x/term"
)

// logSettings say what is logged. Logs are JSON lines on standard error and carry no personal data.
type logSettings struct {
	Level string `enum:"debug,info,warn,error" default:"info" env:"QAQPA_LOG_LEVEL" help:"Least level that is logged: ${enum}."`
}

func (l logSettings) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// databaseSettings say where PostgreSQL is.
type databaseSettings struct {
	DSN          string `name:"database" env:"QAQPA_DATABASE" placeholder:"DSN" help:"PostgreSQL, such as 'host=/run/postgresql dbname=qaqpa sslmode=disable'. A password belongs into --database-file or PGPASSFILE."`
	DSNFile      string `name:"database-file" env:"QAQPA_DATABASE_FILE" placeholder:"FILE" help:"File that holds the connection string, where it contains a password."`
	ConnectionsN int    `name:"database-connections-max" env:"QAQPA_DATABASE_CONNECTIONS_MAX" default:"32" help:"Most connections at once."`
}

// connect opens the pool and checks that the database answers.
func (d databaseSettings) connect(ctx context.Context) (*sqlx.DB, error) {
	dsn, err := d.dsn()
	if err != nil {
		return nil, err
	}
	return payment.Connect(ctx, dsn, payment.ConnectConfig{ConnectionsMax: d.ConnectionsN, ReadTimeout: 30 * time.Second})
}

// connectBulk opens a second, small pool whose time-outs suit the statements of banks.
func (d databaseSettings) connectBulk(ctx context.Context) (*sqlx.DB, error) {
	dsn, err := d.dsn()
	if err != nil {
		return nil, err
	}
	return payment.ConnectBulk(ctx, dsn)
}

func (d databaseSettings) dsn() (string, error) {
	switch {
	case d.DSN != "" && d.DSNFile != "":
		return "", errors.New("give --database or --database-file, not both")
	case d.DSNFile != "":
		return readSecret(d.DSNFile)
	case d.DSN == "":
		return "", errors.New("no database: give --database, QAQPA_DATABASE or --database-file")
	case strings.Contains(d.DSN, "password="):
		// The arguments of a process can be read by every user of the machine.
		return "", errors.New("--database holds a password: put the connection string into a file and name it by --database-file")
	}
	return d.DSN, nil
}

// tokenSettings say which PKCS#11 token holds the keys.
type tokenSettings struct {
	Module   string        `name:"hsm-module" env:"QAQPA_HSM_MODULE" placeholder:"FILE" help:"PKCS#11 module, such as /usr/lib/softhsm/libsofthsm2.so."`
	Args     string        `name:"hsm-module-args" env:"QAQPA_HSM_MODULE_ARGS" placeholder:"TEXT" help:"Arguments for C_Initialize of modules that want some, such as NSS."`
	Label    string        `name:"hsm-token" env:"QAQPA_HSM_TOKEN" placeholder:"NAME" help:"Which token: its label, serial:NUMBER, or slot:NUMBER. A label is best: slots of some modules move, and a serial number ends with the token."`
	PINFile  string        `name:"hsm-pin-file" env:"QAQPA_HSM_PIN_FILE" placeholder:"FILE" help:"File that holds the PIN; else QAQPA_HSM_PIN, or the terminal asks. There is no flag for it."`
	Deadline time.Duration `name:"hsm-deadline" env:"QAQPA_HSM_DEADLINE" default:"10s" help:"Longest wait for one call of the token."`
	Fleet    fleetSettings `embed:""`
}

// pin comes from its file, the environment, or the terminal without being shown.
func (s tokenSettings) pin(io streams) (string, error) {
	if s.PINFile != "" {
		return readSecret(s.PINFile)
	}
	if pin := os.Getenv("QAQPA_HSM_PIN"); pin != "" {
		return pin, nil
	}
	return io.ask("PIN of token "+s.Label, "no PIN: give --hsm-pin-file or QAQPA_HSM_PIN, or work at a terminal")
}

// ask has a secret typed at the terminal, without showing it. Away from a terminal the error is otherwise.
func (s streams) ask(what, otherwise string) (string, error) {
	terminal, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return "", errors.New(otherwise)
	}
	fmt.Fprintf(s.err, "%s: ", what)
	typed, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(s.err)
	if err != nil {
		return "", fmt.Errorf("couldn't read from the terminal: %w", err)
	}
	return string(typed), nil
}

func (s tokenSettings) open(ctx context.Context, io streams, log *slog.Logger, more func(*hsm.Config)) (*hsm.Token, error) {
	if s.Module == "" || s.Label == "" {
		return nil, errors.New("no token: give --hsm-module and --hsm-token")
	}
	pin, err := s.pin(io)
	if err != nil {
		return nil, err
	}
	cfg := hsm.Config{Module: s.Module, Arguments: s.Args, Token: s.Label, PIN: pin, CallTimeout: s.Deadline, GOST: parseGOST, Now: time.Now, Log: log}
	if more != nil {
		more(&cfg)
	}
	token, err := hsm.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("couldn't open token %q: %w", s.Label, err)
	}
	return token, nil
}

// readSecret reads a file that holds one secret, without the line end that editors add.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("couldn't read the secret: %w", err)
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return secret, nil
}
