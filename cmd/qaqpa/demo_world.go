//go:build !release

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"qaqpa/testenv/agency"
	"qaqpa/testenv/bank"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"
	"qaqpa/testenv/softhsm"
)

// worldConfig says where a world lives and how its gateway is started.
type worldConfig struct {
	home string
	// self is the command that runs this program, so that the gateway is a process that can be killed.
	self                []string
	env                 []string
	listen, adminListen string
	say                 *narrator
	logs                string
}

// world is the gateway as a process, and everything around it: private, on loopback, in one folder.
type world struct {
	worldConfig
	pg        *postgres.Server
	token     *softhsm.Token
	pki       *pki.PKI
	pkiServer *pki.Server
	people    people
	bank      *bank.Bank
	bankURL   string
	agency    *agency.Agency
	agencyURL string
	agencyID  string

	gatewayURL, adminURL string
	settings             string // file of --config
	keys                 map[string]string
	process              *process
	cancel               context.CancelFunc
}

// The parties of the story. All are invented.
const (
	bankBIC      = "QAQPKZKA"
	database     = "qaqpa"
	dataKey      = "personal-data"
	payerKey     = "payer-numbers"
	bankNumber   = 2
	agencyNumber = 3
	issuerNumber = 4
)

// newWorld starts everything, or takes up again what the folder holds.
func newWorld(ctx context.Context, cfg worldConfig) (w *world, err error) {
	w = &world{worldConfig: cfg, settings: filepath.Join(cfg.home, "qaqpa.json")}
	ctx, w.cancel = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"private PostgreSQL, durable", w.startPostgres},
		{"SoftHSM token", w.startToken},
		{"test PKI: GOST, RSA and ECDSA; OCSP, CRL, time stamps", w.startPKI},
		{"schema", w.migrate},
		{"keys in the token, for seals and for personal data at rest; certificate of the seal", w.makeKeys},
		{"bank", w.startBank},
		{"gateway", w.startGateway},
		{"agency", w.startAgency},
		{"clients and their API keys", w.registerClients},
	} {
		if err := step.do(ctx); err != nil {
			return w, fmt.Errorf("couldn't set up the %s: %w", step.what, err)
		}
		w.say.line("  ✓ %s", step.what)
	}
	return w, nil
}

// close stops everything in reverse order. Data stay.
func (w *world) close() error {
	var errs []error
	if w.process != nil {
		errs = append(errs, w.process.interrupt())
	}
	if w.agency != nil {
		errs = append(errs, w.agency.Close())
	}
	if w.bank != nil {
		errs = append(errs, w.bank.Close())
	}
	if w.pkiServer != nil {
		errs = append(errs, w.pkiServer.Close())
	}
	if w.pg != nil {
		errs = append(errs, w.pg.Stop())
	}
	w.cancel()
	return errors.Join(errs...)
}

func (w *world) startPostgres(ctx context.Context) (err error) {
	if w.pg, err = postgres.Start(ctx, postgres.Config{Dir: filepath.Join(w.home, "pg"), Durable: true}); err != nil {
		return err
	}
	return w.pg.EnsureDatabase(ctx, database)
}

func (w *world) startToken(context.Context) (err error) {
	if w.token, err = softhsm.New(filepath.Join(w.home, "hsm")); err != nil {
		return err
	}
	return os.WriteFile(w.pinFile(), []byte(w.token.PIN+"\n"), 0o600)
}

func (w *world) pinFile() string { return filepath.Join(w.home, "pin") }

func (w *world) startPKI(ctx context.Context) (err error) {
	if w.pki, err = pki.New(pki.Options{Dir: filepath.Join(w.home, "pki")}); err != nil {
		return err
	}
	if w.pkiServer, err = w.pki.Serve(ctx); err != nil {
		return err
	}
	if err := w.writeAuthorities(w.anchorsFile(), w.pki.Root); err != nil {
		return err
	}
	if err := w.writeAuthorities(w.intermediatesFile(), w.pki.NCA); err != nil {
		return err
	}
	if w.people, err = meet(w.pki); err != nil {
		return err
	}
	return w.writeSettings()
}

func (w *world) anchorsFile() string       { return filepath.Join(w.home, "anchors.pem") }
func (w *world) intermediatesFile() string { return filepath.Join(w.home, "intermediates.pem") }

// writeAuthorities writes one authority of each family into a PEM file.
func (w *world) writeAuthorities(file string, of func(pki.Family) *pki.CA) error {
	var certificates bytes.Buffer
	for _, f := range pki.Families() {
		certificates.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: of(f).Certificate}))
	}
	return os.WriteFile(file, certificates.Bytes(), 0o644) //nolint:gosec // public certificates; the caller names the step
}

// writeSettings writes the file that every command of the gateway is started with. The gateway keeps its addresses over restarts.
func (w *world) writeSettings() error {
	var before map[string]any
	if b, err := os.ReadFile(w.settings); err == nil {
		if err := json.Unmarshal(b, &before); err != nil {
			return fmt.Errorf("couldn't read %s: %w", w.settings, err)
		}
	}
	listen, err := address(w.listen, before["listen"])
	if err != nil {
		return err
	}
	admin, err := address(w.adminListen, before["admin-listen"])
	if err != nil {
		return err
	}
	w.gatewayURL, w.adminURL = "http://"+listen, "http://"+admin
	b, err := json.MarshalIndent(map[string]any{
		"listen": listen, "admin-listen": admin, "base-url": w.gatewayURL, "allow-private": true,
		"database": w.pg.DSN(database), "hsm-module": w.token.Module, "hsm-token": w.token.Label, "hsm-pin-file": w.pinFile(),
		"trust": "custom", "trust-anchors": []string{w.anchorsFile()}, "trust-intermediates": []string{w.intermediatesFile()},
		"issuer-bin": pki.BIN(issuerNumber), "issuer-name-kk": "«Қақпа» төлем шлюзі", "issuer-name-ru": "Платёжный шлюз «Қақпа»",
		"issuer-name-en": "Qaqpa payment gateway", "bank-timeout": "2s",
		"lists-dir": filepath.Join(w.home, "lists"), "lists-every": "1m", "lists-delta-every": "1m",
		"data-key": []string{dataKey}, "payer-key": []string{payerKey},
		"ncanode": true, "sandbox": w.sandboxFile(), "tsa": w.pki.BaseURL() + "/tsp/",
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("couldn't write down the settings: %w", err)
	}
	return os.WriteFile(w.settings, b, 0o600)
}

// address is the wanted one, with a port of 0 replaced by that of the last time or a free one.
func address(wanted string, before any) (string, error) {
	host, port, err := net.SplitHostPort(wanted)
	if err != nil {
		return "", fmt.Errorf("couldn't read the address %q: %w", wanted, err)
	}
	if port != "0" {
		return wanted, nil
	}
	if last, ok := before.(string); ok {
		return last, nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0")) //nolint:noctx // closed at once
	if err != nil {
		return "", fmt.Errorf("couldn't find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// qaqpa runs one command of the gateway to its end and returns what it printed.
func (w *world) qaqpa(ctx context.Context, args ...string) (string, error) {
	cmd := w.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("couldn't run qaqpa %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	full := append(append([]string{}, w.self[1:]...), append([]string{"--config", w.settings}, args...)...)
	cmd := exec.CommandContext(ctx, w.self[0], full...) //nolint:gosec // this program itself
	cmd.Env = append(os.Environ(), w.env...)
	return cmd
}

// makeKeys makes the keys of the gateway at the first time, three that sign and two by which personal data are sealed at rest, and has the seal's certificate issued.
func (w *world) makeKeys(ctx context.Context) error {
	for label, algorithm := range map[string]string{
		"seal": "ecdsa-p256", "checkpoint": "ed25519", "webhook": "ed25519", dataKey: "aes-256", payerKey: "hmac-sha256",
	} {
		if _, err := os.Stat(w.keyFile(label)); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		public, err := w.qaqpa(ctx, "keys", "generate", label, "--algorithm", algorithm)
		if err != nil {
			return err
		}
		if err := os.WriteFile(w.keyFile(label), []byte(public+"\n"), 0o644); err != nil { //nolint:gosec // a public key
			return err
		}
	}
	return w.certifySeal(ctx)
}

func (w *world) keyFile(label string) string { return filepath.Join(w.home, label+".pub.pem") }

func (w *world) certifySeal(ctx context.Context) error {
	profile := pki.Profile{
		Name: "seal", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "QAQPA",
		Organisation: "«Қақпа» төлем шлюзі", BIN: pki.BIN(issuerNumber),
	}
	if _, err := w.pki.Identity(profile.Name); err == nil {
		return nil
	}
	csr, err := w.qaqpa(ctx, "keys", "csr", "seal", "--common-name", "QAQPA", "--organisation", profile.Organisation, "--bin", profile.BIN)
	if err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		return errors.New("the certificate request is no PEM")
	}
	id, err := w.pki.IssueCSR(profile, block.Bytes)
	if err != nil {
		return err
	}
	file := filepath.Join(w.home, "seal.pem")
	if err := os.WriteFile(file, id.PEM(), 0o644); err != nil { //nolint:gosec // a public certificate
		return err
	}
	_, err = w.qaqpa(ctx, "keys", "import-cert", "seal", file)
	return err
}

func (w *world) startBank(ctx context.Context) error {
	seal, err := w.pki.Identity("seal")
	if err != nil {
		return err
	}
	w.bank, err = bank.New(bank.Config{
		BIC: bankBIC, Name: "АО «Көпір Банк»", Signer: w.people.bank, OtherSigner: w.people.otherBank, GatewayCertificate: seal.Certificate,
		CallbackURL: w.gatewayURL + "/v1/bank-confirmations", StateFile: filepath.Join(w.home, "bank.json"), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	w.bankURL, err = w.bank.Start(ctx, "127.0.0.1:0")
	return err
}

func (w *world) startAgency(ctx context.Context) error {
	key, err := w.webhookKey()
	if err != nil {
		return err
	}
	anchors, err := os.ReadFile(w.anchorsFile())
	if err != nil {
		return err
	}
	if w.agency, err = agency.New(agency.Config{WebhookKey: key, AnchorsPEM: anchors, GatewayBIN: pki.BIN(issuerNumber), StateFile: filepath.Join(w.home, "agency.json")}); err != nil {
		return err
	}
	w.agencyURL, err = w.agency.Start(ctx, "127.0.0.1:0")
	return err
}

// webhookKey reads the public key that `keys generate` printed: an agency gets it on paper, not from the sender's own address.
func (w *world) webhookKey() (ed25519.PublicKey, error) {
	b, err := os.ReadFile(w.keyFile("webhook"))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || len(block.Bytes) < ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s holds no public key", w.keyFile("webhook"))
	}
	// RFC 8410: the key is the end of the SubjectPublicKeyInfo.
	return ed25519.PublicKey(block.Bytes[len(block.Bytes)-ed25519.PublicKeySize:]), nil
}

// registerClients registers bank and agency at the addresses of this run, and makes API keys at the first time.
func (w *world) registerClients(ctx context.Context) (err error) {
	_, err = w.qaqpa(ctx, "clients", "add-bank", "--bic", bankBIC, "--bin", w.people.bank.BIN(), "--name", "АО «Көпір Банк»", "--url", w.bankURL)
	if err != nil {
		return err
	}
	w.agencyID, err = w.qaqpa(ctx, "clients", "add-agency", "--bin", pki.BIN(agencyNumber), "--webhook-url", w.agencyURL+"/webhooks",
		"--name-kk", "Астана қаласының полиция департаменті", "--name-ru", "Департамент полиции города Астаны", "--name-en", "Police department of Astana")
	if err != nil {
		return err
	}
	file := filepath.Join(w.home, "clients.json")
	if b, err := os.ReadFile(file); err == nil { //nolint:gosec // a file of our own home
		return json.Unmarshal(b, &w.keys)
	}
	w.keys = map[string]string{}
	for kind, subject := range map[string]string{"agency": w.agencyID, "portal": "egov", "operator": "duty"} {
		if w.keys[kind], err = w.qaqpa(ctx, "clients", "add-key", "--kind", kind, "--subject", subject, "--name", "demonstration"); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(w.keys, "", "  ")
	if err != nil {
		return fmt.Errorf("couldn't write down the API keys: %w", err)
	}
	return os.WriteFile(file, b, 0o600)
}
