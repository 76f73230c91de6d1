package tsa

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/audit"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsp"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
)

// Clock says how sure the clock is.
type Clock interface {
	// Check returns the bound of the clock's error, or why it cannot be trusted. It returns soon, whatever happens to ctx.
	Check(ctx context.Context) (time.Duration, error)
}

// Config of an Authority. Fields without a stated default are obligatory.
type Config struct {
	// DB holds serial numbers and leases; the schema is that of signer/migrations.
	DB *sqlx.DB
	// Audit gets an entry for each token.
	Audit *audit.Log
	// Key signs: RSA or ECDSA. One with SignContext gets the caller's context.
	Key crypto.Signer
	// Chain is the certificate of Key, for time stamping and nothing else, then those above it as far as they shall go into
	// tokens.
	Chain []*pkix.Certificate
	// Policy is the dotted OID under which tokens are issued when the request names none.
	Policy string
	// Policies are further ones that requests may name.
	Policies []string
	// Accuracy is stated in tokens; it is refused to stamp while the clock may be further off. 0 means one second.
	Accuracy time.Duration
	// Ordering has tokens state that they are ordered, see the package comment.
	Ordering bool
	// Withdrawn, where set, is asked about once a minute why the certificates must not be used although they are in date, such as a
	// revocation; nil: nothing is known against them. It returns soon.
	Withdrawn func(ctx context.Context, chain []*pkix.Certificate) error
	// Clock checks Now.
	Clock Clock
	// Now is the clock, with a monotonic reading.
	Now func() time.Time
	// Registerer gets the metrics; nil means none.
	Registerer prometheus.Registerer
}

// Authority issues time stamps. Safe for concurrent use.
type Authority struct {
	cfg      Config
	metrics  *prometheus.CounterVec
	recorder *audit.Recorder
	instance int64
	name     []byte // subject of the certificate

	mu    sync.Mutex // guards what follows
	count uint64
	last  time.Time // the latest time that was stated
	lease time.Time // with Ordering: no time at or after it may be stated yet

	watch    watch
	standing standing
}

// Errors that have no response.
var (
	// ErrCertificate: the certificate is not that of the key, not for time stamping, out of date, or withdrawn.
	ErrCertificate = errors.New("certificate of the time-stamping authority is not usable")
	// ErrLease: another instance issues ordered time stamps.
	ErrLease = errors.New("another instance issues ordered time stamps")
)

// errClockBack: the clock was set back behind times that were stated already.
var errClockBack = errors.New("the clock was set back")

// hashes are those that an imprint may be made with.
func hashes() []algo.Hash {
	return []algo.Hash{algo.SHA256, algo.SHA384, algo.SHA512, algo.SHA3_256, algo.SHA3_384, algo.SHA3_512, algo.Streebog256, algo.Streebog512}
}

// New checks the key's certificate and takes a number for the instance from the database. The clock is asked with the first
// request.
//
// Errors: [ErrCertificate], [ErrLease].
func New(ctx context.Context, cfg Config) (*Authority, error) {
	if cfg.DB == nil || cfg.Audit == nil || cfg.Key == nil || len(cfg.Chain) == 0 || cfg.Clock == nil || cfg.Now == nil {
		return nil, errors.New("tsa needs a database, an audit log, a key with its certificate, a clock and a check of it")
	}
	if cfg.Accuracy == 0 {
		cfg.Accuracy = time.Second
	}
	if _, err := (tsp.Statement{Policy: cfg.Policy}).Encode(); err != nil {
		return nil, fmt.Errorf("policy %q of the time-stamping authority: %w", cfg.Policy, err)
	}
	a := &Authority{
		cfg: cfg, recorder: audit.NewRecorder(cfg.Audit, cfg.DB), name: cfg.Chain[0].RawSubject,
		metrics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qaqpa_tsa_responses_total", Help: "Time-stamp requests answered, by outcome.",
		}, []string{"result"}),
	}
	if err := a.usable(cfg.Now()); err != nil {
		return nil, err
	}
	if cfg.Registerer != nil {
		if err := cfg.Registerer.Register(a.metrics); err != nil {
			return nil, fmt.Errorf("couldn't register the metrics: %w", err)
		}
	}
	return a, a.start(ctx)
}

// usable judges the certificate at a time: it is the key's, for time stamping alone (RFC 3161 2.3), and in date.
func (a *Authority) usable(at time.Time) error {
	c := a.cfg.Chain[0]
	eku := c.Extension(pkix.OIDExtendedKeyUsage)
	switch {
	case c.PublicKeyErr != nil || !c.PublicKey.Matches(a.cfg.Key.Public()):
		return fmt.Errorf("%w: it is not that of the key", ErrCertificate)
	case eku == nil || !eku.Critical || len(c.EKU) != 1 || c.EKU[0] != pkix.EKUTimeStamping:
		return fmt.Errorf("%w: its extended key usage is not time stamping alone, critical", ErrCertificate)
	case c.HasKeyUsage && !c.KeyUsage.Has(pkix.DigitalSignature):
		return fmt.Errorf("%w: its key is not for signing", ErrCertificate)
	case at.Before(c.NotBefore) || at.After(c.NotAfter):
		return fmt.Errorf("%w: valid from %s until %s", ErrCertificate, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// Stamp answers a TimeStampReq (DER) with a TimeStampResp (DER), in the name of actor. A request that is refused gets its response,
// without error.
//
// Errors: [ErrCertificate], [ErrLease], those of the key and of the database. Nothing was issued then.
func (a *Authority) Stamp(ctx context.Context, request []byte, actor string) ([]byte, error) {
	asked, err := tsp.ParseRequest(request)
	if err == nil {
		err = a.admit(asked)
	}
	if bad, ok := errors.AsType[*tsp.BadRequestError](err); ok {
		a.metrics.WithLabelValues("refused").Inc()
		return tsp.RefusedResponse(bad.Failure, bad.Text), nil
	}
	err = a.usable(a.cfg.Now()) // it may have expired since the start
	if err == nil {
		err = a.standing.good(ctx, a.cfg)
	}
	if err != nil {
		a.metrics.WithLabelValues("failed").Inc()
		return nil, err
	}
	if a.watch.sure(ctx, a.cfg) != nil { // the response has no place for more than that it is not
		a.metrics.WithLabelValues("unsure").Inc()
		return tsp.RefusedResponse(tsp.TimeNotAvailable, "the clock is not sure"), nil //nolint:nilerr // the refusal is the answer
	}
	token, err := a.issue(ctx, asked, actor)
	if errors.Is(err, errClockBack) {
		a.metrics.WithLabelValues("unsure").Inc()
		return tsp.RefusedResponse(tsp.TimeNotAvailable, "the clock is not sure"), nil
	}
	if err != nil {
		a.metrics.WithLabelValues("failed").Inc()
		return nil, err
	}
	a.metrics.WithLabelValues("granted").Inc()
	return tsp.GrantedResponse(token), nil
}

func (a *Authority) admit(asked tsp.Asked) error {
	if !slices.Contains(hashes(), asked.Hash) {
		return &tsp.BadRequestError{Failure: tsp.BadAlgorithm, Text: asked.Hash.Name() + " is not accepted"}
	}
	if asked.Policy != "" && asked.Policy != a.cfg.Policy && !slices.Contains(a.cfg.Policies, asked.Policy) {
		return &tsp.BadRequestError{Failure: tsp.UnacceptedPolicy, Text: "policy " + asked.Policy + " is not offered"}
	}
	return nil
}

// issue makes one token and puts it on record.
func (a *Authority) issue(ctx context.Context, asked tsp.Asked, actor string) ([]byte, error) {
	at, serial, err := a.moment(ctx)
	if err != nil {
		return nil, err
	}
	s := tsp.Statement{
		Asked: asked, Policy: asked.Policy, Serial: serial, At: at, Accuracy: a.cfg.Accuracy, Ordering: a.cfg.Ordering, Subject: a.name,
	}
	if s.Policy == "" {
		s.Policy = a.cfg.Policy
	}
	content, err := s.Encode()
	if err != nil {
		return nil, err
	}
	token, err := cms.Sign(cms.SignInput{
		Content: content, ContentType: cms.OIDTSTInfo, Certificate: a.cfg.Chain[0], Chain: a.cfg.Chain[1:], Bare: !asked.WithCert,
		Signer: keyFor(ctx, a.cfg.Key), SigningTime: at.Truncate(time.Second), Rand: rand.Reader,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't sign a time stamp: %w", err)
	}
	entry := audit.Entry{Actor: actor, Action: "timestamp.issued", Subject: subject(serial), Detail: detail(s)}
	if err := a.recorder.Record(ctx, entry); err != nil {
		return nil, fmt.Errorf("couldn't put a time stamp on record: %w", err)
	}
	return token, nil
}

// moment takes the time and serial number of a token: later than all before it.
func (a *Authority) moment(ctx context.Context) (time.Time, []byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Now().UTC().Truncate(time.Microsecond)
	at := now
	if !at.After(a.last) { // two in one microsecond, or a clock that was set back by less than it may be off
		at = a.last.Add(time.Microsecond)
	}
	switch ahead := at.Sub(now); {
	case a.cfg.Ordering && ahead > time.Millisecond && !a.last.After(a.lease) && a.count == 0:
		return time.Time{}, nil, fmt.Errorf("%w until %s", ErrLease, a.lease.Format(time.RFC3339Nano))
	case ahead > a.cfg.Accuracy/2:
		return time.Time{}, nil, errClockBack
	}
	if a.cfg.Ordering {
		if err := a.extend(ctx, at); err != nil {
			return time.Time{}, nil, err
		}
	}
	a.last = at
	a.count++
	serial := binary.BigEndian.AppendUint64(nil, uint64(a.instance)) //nolint:gosec // from 1
	return at, binary.BigEndian.AppendUint64(serial, a.count), nil
}

// keyFor hands the caller's context to keys that take one.
func keyFor(ctx context.Context, key crypto.Signer) crypto.Signer {
	if k, ok := key.(contextKey); ok {
		return boundKey{contextKey: k, sign: func(digest []byte, opts crypto.SignerOpts) ([]byte, error) { return k.SignContext(ctx, digest, opts) }}
	}
	return key
}
