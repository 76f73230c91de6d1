package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"qaqpa/api"
	"qaqpa/api/auth"
	"qaqpa/api/egovqr"
	"qaqpa/api/watch"
	"qaqpa/hsm"
	"qaqpa/payment"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/fetch"
	"qaqpa/signer/fetch/download"
	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/signer/trust"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
)

// gateway is everything that one process holds, wired: hsm → signer, payment → api.
type gateway struct {
	db       *sqlx.DB
	bulk     *sqlx.DB // for statements of banks
	token    *hsm.Fleet
	log      *slog.Logger
	registry *prometheus.Registry
	audit    *audit.Log
	fetch    *fetch.Client
	download *download.Client
	lists    *revoked.Store
	signer   *signer.Service
	payments *payment.Service
	keys     *auth.Store
	server   *api.Server
	webhook  ed25519.PublicKey
	sealKey  *hsm.FleetKey
	trust    *trust.Store

	checkpointKey, webhookKey *hsm.FleetKey

	listsRequired bool
}

// assemble builds the gateway. This function is the architecture: what depends on what, and through which interface.
// What was opened is closed again when a later step fails.
func assemble(ctx context.Context, c *serveCmd, log *slog.Logger) (g *gateway, err error) {
	g = &gateway{log: log, registry: newRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.db, err = c.Database.connect(ctx); err != nil {
		return g, err
	}
	if g.token, err = c.Token.fleet(ctx, standardStreams(), log, g.registry); err != nil {
		return g, err
	}
	if g.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
		return g, err
	}
	if err = g.openSigner(ctx, c); err != nil {
		return g, err
	}
	if err = g.openPayments(ctx, c); err != nil {
		return g, err
	}
	if g.keys, err = auth.New(auth.Config{DB: g.db, Audit: g.audit, Now: time.Now, Registerer: g.registry}); err != nil {
		return g, fmt.Errorf("couldn't set up the keys of clients: %w", err)
	}
	seen, err := watch.New(watch.Config{DB: g.db, Audit: g.audit, Now: time.Now})
	if err != nil {
		return g, fmt.Errorf("couldn't set up the watch: %w", err)
	}
	stamps, err := g.openAuthority(ctx, c)
	if err != nil {
		return g, err
	}
	box, err := c.sandbox(g.trust)
	if err != nil {
		return g, err
	}
	g.server, err = api.New(api.Config{
		Sandbox:  box,
		Issuer:   egovqr.Organisation{NameKz: c.IssuerNameKK, NameRu: c.IssuerNameRU, NameEn: c.IssuerNameEN, BIN: c.IssuerBIN},
		Payments: g.payments, Signer: g.signer, TimeStamps: stamps, Keys: g.keys, BaseURL: c.BaseURL,
		WebhookKeys: []ed25519.PublicKey{g.webhook}, Checks: g.checks(), Watch: seen,
		Room: g.room(ctx, c), NCANode: c.NCANode, Limits: api.Limits{NCANodePerMinute: c.NCANodeRate, PublicPerMinute: c.PublicRate},
		Now: time.Now, Log: log, Registerer: g.registry, Gatherer: g.registry,
	})
	if err != nil {
		return g, fmt.Errorf("couldn't set up the HTTP interface: %w", err)
	}
	return g, nil
}

func (g *gateway) openSigner(ctx context.Context, c *serveCmd) error {
	store, err := c.Trust.store()
	if err != nil {
		return err
	}
	g.trust = store
	if g.sealKey, err = keyOf(ctx, g.token, c.SealKey); err != nil {
		return fmt.Errorf("couldn't find the seal's key %q: %w", c.SealKey, err)
	}
	certificate, err := certificateOf(ctx, g.token, c.SealKey)
	if err != nil {
		return fmt.Errorf("couldn't find the certificate of the seal's key %q: %w", c.SealKey, err)
	}
	chain, err := sealChain(certificate, store)
	if err != nil {
		return err
	}
	more, err := g.sealKeys(ctx, c.SealKeys, store)
	if err != nil {
		return err
	}
	if err := g.openFetch(c.AllowPrivate); err != nil {
		return err
	}
	if err := g.openLists(ctx, c.Lists, store, c.AllowPrivate); err != nil {
		return err
	}
	g.signer, err = signer.New(signer.Config{
		DB: g.db, Trust: store, Fetch: g.fetch, Lists: g.lists, Audit: g.audit, SealKey: g.sealKey, SealChain: chain,
		SealName: c.SealKey, SealKeys: more, TSA: c.TSA.URL, TSAPolicy: c.TSA.Policy, Now: time.Now, Log: g.log, Registerer: g.registry,
	})
	if err != nil {
		return fmt.Errorf("couldn't set up validation and sealing: %w", err)
	}
	return nil
}

// sealKeys are the further keys that seal, by label.
func (g *gateway) sealKeys(ctx context.Context, labels []string, store *trust.Store) (map[string]signer.SigningKey, error) {
	out := make(map[string]signer.SigningKey, len(labels))
	for _, label := range labels {
		key, err := keyOf(ctx, g.token, label)
		if err != nil {
			return nil, fmt.Errorf("couldn't find the key %q that shall seal: %w", label, err)
		}
		certificate, err := certificateOf(ctx, g.token, label)
		if err != nil {
			return nil, fmt.Errorf("couldn't find the certificate of the key %q that shall seal: %w", label, err)
		}
		chain, err := sealChain(certificate, store)
		if err != nil {
			return nil, err
		}
		out[label] = signer.SigningKey{Key: key, Chain: chain}
	}
	return out, nil
}

// openFetch opens the client that brings evidence and time stamps.
func (g *gateway) openFetch(allowPrivate bool) (err error) {
	if g.fetch, err = fetch.New(fetch.Config{AllowPrivate: allowPrivate, Now: time.Now, Registerer: g.registry}); err != nil {
		return fmt.Errorf("couldn't set up the fetching of evidence: %w", err)
	}
	return nil
}

// sealChain is the certificate of the seal and the authorities between it and its root, so that whoever holds the root alone
// can verify what was sealed (openssl, for one, fetches nothing).
func sealChain(leaf []byte, store *trust.Store) ([]*pkix.Certificate, error) {
	cert, err := pkix.ParseCertificate(leaf)
	if err != nil {
		return nil, fmt.Errorf("couldn't parse the certificate of the seal: %w", err)
	}
	chain := []*pkix.Certificate{cert}
	for _, authority := range store.Pool() {
		last := chain[len(chain)-1]
		if bytes.Equal(authority.RawSubject, last.RawIssuer) && !bytes.Equal(authority.RawSubject, authority.RawIssuer) {
			chain = append(chain, authority)
		}
	}
	return chain, nil
}

func (g *gateway) openPayments(ctx context.Context, c *serveCmd) error {
	checkpoint, err := keyOf(ctx, g.token, c.CheckpointKey)
	if err != nil {
		return fmt.Errorf("couldn't find the key of checkpoints %q: %w", c.CheckpointKey, err)
	}
	webhook, err := keyOf(ctx, g.token, c.WebhookKey)
	if err != nil {
		return fmt.Errorf("couldn't find the key of webhooks %q: %w", c.WebhookKey, err)
	}
	g.checkpointKey, g.webhookKey = checkpoint, webhook
	if g.webhook, err = ed25519Of(webhook); err != nil {
		return err
	}
	if g.bulk, err = c.Database.connectBulk(ctx); err != nil {
		return err
	}
	secrets, err := webhookSecretsOf(ctx, g.token, c.WebhookSecret)
	if err != nil {
		return err
	}
	private, err := privacyOf(ctx, g.token, c.Privacy)
	if err != nil {
		return err
	}
	messenger, err := c.SMS.messenger()
	if err != nil {
		return err
	}
	g.payments, err = payment.New(payment.Config{
		Messenger: messenger,
		DB:        g.db, Bulk: g.bulk, Sealer: sealer{g.signer}, Auditor: auditor{g.audit}, Verifier: verifier{g.signer},
		CheckpointSigner: g.recorded(checkpoint), WebhookSigner: g.recorded(webhook), WebhookSecrets: secrets, Issuer: c.issuer(), Privacy: private,
		AllowPrivate: c.AllowPrivate, OrderTTL: c.OrderTTL, BankTimeout: c.BankTimeout,
		FilePaymentsMax: c.FileMax, FileEvery: c.FileEvery, BreakerAfter: c.BreakerAfter,
		Now: time.Now, Log: g.log, Registerer: g.registry,
	})
	if err != nil {
		return fmt.Errorf("couldn't set up payments: %w", err)
	}
	return nil
}

func ed25519Of(key crypto.Signer) (ed25519.PublicKey, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key of webhooks is a %T; Standard Webhooks v1a needs ed25519", key.Public())
	}
	return public, nil
}

// checks are what the gateway needs to be ready.
func (g *gateway) checks() []api.Check {
	checks := []api.Check{
		{Name: "database", Ready: g.db.PingContext},
		{Name: "token", Ready: g.token.Health},
	}
	if g.lists != nil && g.listsRequired {
		checks = append(checks, api.Check{Name: "lists", Ready: func(context.Context) error { return g.lists.Ready() }})
	}
	return checks
}

// close lets go of what assemble opened, in reverse order.
func (g *gateway) close() error {
	errs := []error{g.closeLists()}
	if g.fetch != nil {
		g.fetch.Close()
	}
	if g.token != nil {
		errs = append(errs, g.token.Close())
	}
	if g.bulk != nil {
		errs = append(errs, g.bulk.Close())
	}
	if g.db != nil {
		errs = append(errs, g.db.Close())
	}
	return errors.Join(errs...)
}

// trustSettings say whose certificates are believed.
type trustSettings struct {
	Mode    string   `name:"trust" enum:"production,test,custom" default:"production" env:"QAQPA_TRUST" help:"Which authorities that are shipped are believed: ${enum}. A test authority is never believed in production."`
	Anchors []string `name:"trust-anchors" env:"QAQPA_TRUST_ANCHORS" type:"existingfile" placeholder:"FILE" help:"Further root certificates (PEM). Verdicts name the mode."`
	Lists   []string `name:"trust-lists" env:"QAQPA_TRUST_LISTS" type:"existingfile" placeholder:"FILE" help:"Trust lists (JSON): authorities with the times of their accreditation, and those of other states that are believed through a trusted third party."`
	Between []string `name:"trust-intermediates" env:"QAQPA_TRUST_INTERMEDIATES" type:"existingfile" placeholder:"FILE" help:"Further certificates of authorities (PEM) for building chains; they are not believed by themselves."`
}

func (t trustSettings) store() (*trust.Store, error) {
	cfg := trust.Config{Mode: trust.Mode(t.Mode)}
	var err error
	if cfg.Anchors, err = readAll(t.Anchors); err != nil {
		return nil, err
	}
	if cfg.Intermediates, err = readAll(t.Between); err != nil {
		return nil, err
	}
	if cfg.Lists, err = readAll(t.Lists); err != nil {
		return nil, err
	}
	store, err := trust.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("couldn't build the trust store from %s: %w", strings.Join(slices.Concat(t.Anchors, t.Between, t.Lists), ", "), err)
	}
	return store, nil
}

func readAll(paths []string) ([][]byte, error) {
	var contents [][]byte
	for _, path := range paths {
		b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("couldn't read certificates of authorities: %w", err)
		}
		contents = append(contents, b)
	}
	return contents, nil
}

func (c *serveCmd) issuer() receipt.Issuer {
	return receipt.Issuer{
		Name: receipt.Texts{KK: c.IssuerNameKK, RU: c.IssuerNameRU, EN: c.IssuerNameEN}, BIN: c.IssuerBIN, URL: c.BaseURL,
	}
}
