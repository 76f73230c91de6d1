package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
)

// serveCmd runs the gateway.
type serveCmd struct {
	Listen        string   `env:"QAQPA_LISTEN" default:"127.0.0.1:8080" help:"Address of the public interface; TLS ends at the proxy before it. See --tls-listen for TLS of our own."`
	AdminListen   string   `env:"QAQPA_ADMIN_LISTEN" default:"127.0.0.1:8081" help:"Address of health, readiness, metrics and profiles; never public."`
	BaseURL       string   `name:"base-url" env:"QAQPA_BASE_URL" required:"" placeholder:"URL" help:"Public address without a slash at its end; receipts and problems point to it."`
	SealKey       string   `env:"QAQPA_SEAL_KEY" default:"seal" help:"Label of the key, with its certificate, that seals."`
	SealKeys      []string `name:"seal-more-keys" env:"QAQPA_SEAL_MORE_KEYS" placeholder:"LABEL" help:"Labels of further keys, with their certificates, that policies of clients may name."`
	CheckpointKey string   `env:"QAQPA_CHECKPOINT_KEY" default:"checkpoint" help:"Label of the key that signs checkpoints of the journal."`
	WebhookKey    string   `env:"QAQPA_WEBHOOK_KEY" default:"webhook" help:"Label of the ed25519 key that signs webhooks."`
	WebhookSecret string   `name:"webhook-secret-key" env:"QAQPA_WEBHOOK_SECRET_KEY" help:"Label of the hmac-sha256 key that makes the secrets of agencies which verify webhooks by HMAC; none, if not given."`
	IssuerBIN     string   `name:"issuer-bin" env:"QAQPA_ISSUER_BIN" required:"" placeholder:"DIGITS" help:"BIN of the operator, printed on receipts."`
	IssuerNameKK  string   `name:"issuer-name-kk" env:"QAQPA_ISSUER_NAME_KK" required:"" help:"Name of the operator in Kazakh."`
	IssuerNameRU  string   `name:"issuer-name-ru" env:"QAQPA_ISSUER_NAME_RU" required:"" help:"Name of the operator in Russian."`
	IssuerNameEN  string   `name:"issuer-name-en" env:"QAQPA_ISSUER_NAME_EN" required:"" help:"Name of the operator in English."`

	OrderTTL     time.Duration `name:"order-ttl" env:"QAQPA_ORDER_TTL" default:"15m" help:"How long an order waits for the payer's signature."`
	BankTimeout  time.Duration `name:"bank-timeout" env:"QAQPA_BANK_TIMEOUT" default:"10s" help:"Longest wait for a bank's answer; after it the outcome is unknown and is looked up."`
	FileMax      int           `name:"bank-file-max" env:"QAQPA_BANK_FILE_MAX" default:"200" help:"Most payments in a file (pain.001) for a bank that takes files; up to 1000."`
	FileEvery    time.Duration `name:"bank-file-every" env:"QAQPA_BANK_FILE_EVERY" default:"30s" help:"How long the first payment of a file waits for others."`
	BreakerAfter int           `name:"bank-breaker" env:"QAQPA_BANK_BREAKER" default:"20" help:"After how many unanswered payments no new ones go through a bank, until it answers."`
	AllowPrivate bool          `name:"allow-private" env:"QAQPA_ALLOW_PRIVATE" help:"Let banks, agencies and certification services live at loopback and private addresses, over plain HTTP."`
	NCANode      bool          `name:"ncanode" env:"QAQPA_NCANODE" help:"Serve the HTTP interface of NCANode v3 (/cms, /xml, /wsse, /x509, /pkcs12, /jwt, /pdf) on the public listener too. It takes keys with passwords in bodies: let it be reached from networks that you trust only."`
	NCANodeRate  int           `name:"ncanode-per-minute" env:"QAQPA_NCANODE_PER_MINUTE" default:"600" help:"Calls of one address to the interface of NCANode in a minute; clients with an API key have no such limit."`
	PublicRate   int           `name:"public-per-minute" env:"QAQPA_PUBLIC_PER_MINUTE" default:"60" help:"Calls of one address in a minute to operations that need no key; guessing codes of receipts is hopeless because of it. A gateway in a closed network may allow more."`
	HeapFloor    int           `name:"heap-floor" env:"QAQPA_HEAP_FLOOR" default:"64" help:"MiB by which the heap may grow before memory is collected, however little of it is in use; 0: as little as that. GOGC and GOMEMLIMIT go before it."`
	ShutdownWait time.Duration `name:"shutdown-wait" env:"QAQPA_SHUTDOWN_WAIT" default:"20s" help:"How long requests in flight may take to finish at shutdown."`

	Sandbox string `name:"sandbox" env:"QAQPA_SANDBOX" type:"path" placeholder:"FILE" help:"Be a sandbox for developers: their page hands out the API keys and test data of this file (JSON) and tries requests. Refused with --trust=production; nothing is handed out while a bank is elsewhere than on loopback."`

	StatementInbox string `name:"statement-inbox" env:"QAQPA_STATEMENT_INBOX" type:"existingdir" placeholder:"DIR" help:"Folder into which banks drop statements; what was taken in goes to done, what was refused to refused, each with a report beside it."`

	TLS      tlsSettings       `embed:""`
	SMS      smsSettings       `embed:""`
	Privacy  privacyLabels     `embed:""`
	Database databaseSettings  `embed:""`
	Token    tokenSettings     `embed:""`
	Trust    trustSettings     `embed:""`
	Lists    listSettings      `embed:""`
	TSA      tsaSettings       `embed:""`
	Stamps   authoritySettings `embed:""`
}

// Run serves until ctx ends, then stops in order: no new requests, requests in flight finish, workers finish, connections close.
// What a worker leaves undone is in the database and is taken up by the next start.
func (c *serveCmd) Run(ctx context.Context, io streams, logging *logSettings) error {
	log := logging.logger(io.err)
	defer heapFloor(c.HeapFloor)()
	g, err := assemble(ctx, c, log)
	if err != nil {
		return err
	}
	err = c.serve(ctx, g, log)
	return errors.Join(err, g.close())
}

func (c *serveCmd) serve(ctx context.Context, g *gateway, log *slog.Logger) error {
	var listen net.ListenConfig
	public, err := listen.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("couldn't listen for the public interface: %w", err)
	}
	private, err := listen.Listen(ctx, "tcp", c.AdminListen)
	if err != nil {
		return errors.Join(fmt.Errorf("couldn't listen for the admin interface: %w", err), public.Close())
	}
	secure, secureConfig, err := c.TLS.listen(ctx, g)
	if err != nil {
		return errors.Join(err, public.Close(), private.Close())
	}
	admin := &http.Server{Handler: g.server.AdminHandler(), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute}

	// Workers outlive the public listener, so that a request that is finishing still finds them.
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorkers()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.server.Serve(public) })
	if secure != nil {
		log.InfoContext(ctx, "listening with TLS", "address", secure.Addr().String())
		group.Go(func() error { return g.server.ServeTLS(secure, secureConfig) })
	}
	group.Go(func() error {
		if err := admin.Serve(private); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("couldn't serve the admin interface: %w", err)
		}
		return nil
	})
	group.Go(func() error { return g.payments.Run(workers) })
	group.Go(func() error { return g.server.Watch(workers, processName()) })
	if c.StatementInbox != "" {
		group.Go(func() error { return inbox{dir: c.StatementInbox, take: g.payments.Reconcile, log: log}.watch(workers) })
	}
	group.Go(func() error { return g.sealAuditHeads(workers) })
	group.Go(func() error { return g.runLists(workers) })
	log.InfoContext(ctx, "listening", "public", public.Addr().String(), "admin", private.Addr().String(), "base_url", c.BaseURL)
	group.Go(func() error {
		<-ctx.Done()
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownWait)
		defer cancel()
		err := g.server.Shutdown(wait)
		stopWorkers()
		return errors.Join(err, admin.Shutdown(wait))
	})
	err = group.Wait()
	log.InfoContext(context.WithoutCancel(ctx), "stopped")
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// processName tells this process from others at the same database.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + ":" + strconv.Itoa(os.Getpid())
}

const (
	// auditSealEvery is the pause between seals of the audit log's heads.
	auditSealEvery = 10 * time.Minute
	// auditSealWait bounds the seal at shutdown.
	auditSealWait = 5 * time.Second
	// actorAudit is who seals the heads, in the audit log itself.
	actorAudit = "system:audit"
)

// sealAuditHeads signs the heads of the audit log now and then, and at the end: what was sealed cannot be rewritten unseen. A seal
// that fails is logged and tried again next time; entries are kept whether sealed yet or not.
func (g *gateway) sealAuditHeads(ctx context.Context) error {
	tick := time.NewTicker(auditSealEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditSealWait)
			defer cancel()
			g.sealAuditOnce(last)
			return nil
		case <-tick.C:
			g.sealAuditOnce(ctx)
		}
	}
}

func (g *gateway) sealAuditOnce(ctx context.Context) {
	if _, err := g.signer.SealAudit(ctx, actorAudit); err != nil {
		g.log.ErrorContext(ctx, "audit heads were not sealed", "error", err.Error())
	}
}

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}
