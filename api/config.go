package api

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/egovqr"
	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/signer"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says what a Server needs. Fields without a stated default are obligatory.
type Config struct {
	// Payments owns the money.
	Payments *payment.Service
	// Signer validates documents.
	Signer *signer.Service
	// TimeStamps issues time stamps; nil: the gateway is no time-stamping authority.
	TimeStamps TimeStamps
	// Keys says who calls.
	Keys *auth.Store
	// BaseURL is the public address without a trailing slash, such as https://pay.example.kz. The `type` of problems
	// is built on it.
	BaseURL string
	// Issuer is who asks for a signature, as eGov Mobile shows it to people.
	Issuer egovqr.Organisation
	// WebhookKeys are the public keys that sign webhooks, the current one first; they are published.
	WebhookKeys []ed25519.PublicKey
	// NCANode serves the HTTP interface of NCANode v3 beside our own; see package ncanode. It takes keys and passwords in
	// bodies: the network between it and its clients has to be one that they trust.
	NCANode bool
	// Sandbox reads the file of a sandbox (package sandbox) each time that the developers' page is asked for; nil: the gateway is
	// none. The caller makes sure that certificates of real people are not believed.
	Sandbox func() ([]byte, error)
	// Room is what the operator's pages show of keys, trust and lists.
	Room Room
	// Watch keeps incidents and times of requests for the operator's pages; nil: they have none. See [Server.Watch].
	Watch *watch.Store
	// Checks are asked by /readyz of the administration listener.
	Checks []Check
	// TrustedProxies are the networks of reverse proxies whose X-Forwarded-For is believed when rates are limited by
	// address; empty means that the peer's own address counts.
	TrustedProxies []netip.Prefix
	// Limits bound what clients may cost; zero fields take their defaults.
	Limits Limits
	// Now is the clock.
	Now func() time.Time
	// Log takes one line per request; nil discards.
	Log *slog.Logger
	// Registerer takes the metrics; nil means none are published.
	Registerer prometheus.Registerer
	// Gatherer is what /metrics shows; nil leaves /metrics out.
	Gatherer prometheus.Gatherer
}

// Check is one condition of being ready, such as the database or the token.
type Check struct {
	// Name is shown to the operator.
	Name string
	// Ready returns nil when the condition holds. It gets a context with a deadline and has to heed it.
	Ready func(ctx context.Context) error
}

// Limits bound what clients may cost.
type Limits struct {
	// Connections served at once; 0 means 1024. More wait in the kernel's queue.
	Connections int
	// HeaderBytes bounds request line and header fields; 0 means 16 KiB.
	HeaderBytes int
	// JSONBytes bounds a JSON body, other than a batch or a document; 0 means 64 KiB.
	JSONBytes int
	// BatchBytes bounds a batch of debts; 0 means 1 MiB.
	BatchBytes int
	// SignatureBytes bounds a CMS by a payer or a bank; 0 means 256 KiB.
	SignatureBytes int
	// DocumentBytes bounds a document to validate, with its original; 0 means 16 MiB. As JSON it is base64, and the body
	// may be a third larger.
	DocumentBytes int
	// BodyMemory bounds all bodies above 8 KiB that are held at once, decoded copies included; 0 means 256 MiB. It has
	// to hold at least one document.
	BodyMemory int64
	// StreamBytes bounds a form whose original is hashed while it comes and takes no memory; 0 means 4 GiB.
	StreamBytes int64
	// Streams are such forms that are read at once, of callers with a key, and as many of others; 0 means 16.
	Streams int
	// Validations at once; 0 means 16.
	Validations int
	// Seals is how many documents are sealed or raised at once; 0 means 32. Most of the time they wait for time stamps and evidence.
	Seals int
	// PublicPerMinute bounds the calls of one address to operations that need no key; 0 means 60, with a burst of the
	// same size. It makes guessing receipt codes hopeless.
	PublicPerMinute int
	// NCANodePerMinute bounds the calls of one address to the interface of NCANode; 0 means 600, with a burst of the same
	// size. Its clients are servers, which know no keys.
	NCANodePerMinute int
	// ClientPerMinute bounds the requests of one API key that has no quota of its own; 0 means 60,000. Every process of the
	// gateway counts for itself.
	ClientPerMinute int
	// Request bounds the work on one request; 0 means 25 s.
	Request time.Duration
	// Read bounds reading a request, its body included; 0 means 20 s.
	Read time.Duration
	// Write bounds writing a response; 0 means 20 s.
	Write time.Duration
	// Idle bounds the pause between requests of a connection; 0 means 75 s.
	Idle time.Duration
}

func (c *Config) check() error {
	if c.Payments == nil || c.Signer == nil || c.Keys == nil || c.Now == nil {
		return errors.New("api needs payments, a signer, keys and a clock")
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.HasSuffix(c.BaseURL, "/") || u.RawQuery != "" {
		return errors.New("api needs a BaseURL such as https://pay.example.kz, without a slash at its end")
	}
	for _, k := range c.WebhookKeys {
		if len(k) != ed25519.PublicKeySize {
			return errors.New("api needs webhook keys of 32 bytes")
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Limits.fill()
	if c.Limits.BodyMemory <= max(ncanodeCopies, sealCopies)*int64(c.Limits.documentBody()) {
		return errors.New("api needs a BodyMemory above the largest body")
	}
	return nil
}

func (l *Limits) fill() {
	for field, value := range map[*int]int{
		&l.Connections: 1024, &l.HeaderBytes: 16 << 10, &l.JSONBytes: 64 << 10, &l.BatchBytes: 1 << 20,
		&l.SignatureBytes: 256 << 10, &l.DocumentBytes: 16 << 20, &l.Validations: 16, &l.Streams: 16, &l.Seals: 32, &l.PublicPerMinute: 60,
		&l.NCANodePerMinute: 600, &l.ClientPerMinute: 60_000,
	} {
		if *field <= 0 {
			*field = value
		}
	}
	for field, value := range map[*time.Duration]time.Duration{
		&l.Request: 25 * time.Second, &l.Read: 20 * time.Second, &l.Write: 20 * time.Second, &l.Idle: 75 * time.Second,
	} {
		if *field <= 0 {
			*field = value
		}
	}
	if l.StreamBytes <= 0 {
		l.StreamBytes = 4 << 30
	}
	if l.BodyMemory <= 0 {
		l.BodyMemory = 256 << 20
	}
}

// documentBody is the largest body of a validation: base64 in JSON takes four bytes for three.
func (l *Limits) documentBody() int { return l.DocumentBytes/3*4 + 64<<10 }
