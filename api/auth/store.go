package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// The refusals of Authenticate. To the client they look alike, except ErrBusy.
var (
	ErrUnknownKey = errors.New("no such API key")
	ErrRevoked    = errors.New("API key was revoked")
	ErrExpired    = errors.New("API key has expired")
	ErrBusy       = errors.New("too many unknown API keys at the moment")
)

// Auditor writes an audit row in the transaction that makes or revokes a key.
type Auditor interface {
	Append(ctx context.Context, tx *sqlx.Tx, actor, action, subject string, detail []byte) error
}

// Config says what a Store needs.
type Config struct {
	// DB is the database that [Migrate] has prepared. Obligatory.
	DB *sqlx.DB
	// Audit records keys that are made and revoked. Obligatory for Create and Revoke only.
	Audit Auditor
	// Now is the clock. Obligatory.
	Now func() time.Time
	// Rand makes keys; nil means crypto/rand.
	Rand io.Reader
	// CacheSize bounds the rows that are remembered, and apart from them the unknown ids; 0 means 4096 each.
	CacheSize int
	// CacheTTL is how long a remembered row is trusted; 0 means 5 s.
	CacheTTL time.Duration
	// UnknownPerSecond bounds the look-ups of ids never seen; 0 means 100.
	UnknownPerSecond int
	// Registerer takes the metrics; nil means none are published.
	Registerer prometheus.Registerer
}

// Store issues API keys and checks them. Safe for concurrent use.
type Store struct {
	cfg     Config
	known   *lru.Cache[string, remembered] // ids that exist, also when their time is over
	unknown *lru.Cache[string, time.Time]  // ids that did not exist, and until when that is believed
	limiter *rate.Limiter
	metrics metrics
	// stretches are the turns to try a password.
	stretches chan struct{}
}

// remembered is a row and until when it is trusted.
type remembered struct {
	row   row
	until time.Time
}

// New makes a Store. It does no I/O.
func New(cfg Config) (*Store, error) {
	if cfg.DB == nil || cfg.Now == nil {
		return nil, errors.New("auth needs a database and a clock")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.CacheSize <= 0 {
		cfg.CacheSize = 4096
	}
	if cfg.CacheTTL <= 0 {
		cfg.CacheTTL = 5 * time.Second
	}
	if cfg.UnknownPerSecond <= 0 {
		cfg.UnknownPerSecond = 100
	}
	known, err := lru.New[string, remembered](cfg.CacheSize)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the cache of keys: %w", err)
	}
	unknown, err := lru.New[string, time.Time](cfg.CacheSize)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the cache of unknown keys: %w", err)
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	limiter := rate.NewLimiter(rate.Limit(cfg.UnknownPerSecond), 2*cfg.UnknownPerSecond)
	return &Store{cfg: cfg, known: known, unknown: unknown, limiter: limiter, metrics: m, stretches: make(chan struct{}, stretchesAtOnce)}, nil
}

// Authenticate returns whose token this is. ErrUnknownKey, ErrRevoked, ErrExpired and ErrBusy are refusals; any other
// error means that the database could not be asked.
func (s *Store) Authenticate(ctx context.Context, token string) (Caller, error) {
	c, err := s.authenticate(ctx, token)
	s.metrics.count(err)
	return c, err
}

func (s *Store) authenticate(ctx context.Context, token string) (Caller, error) {
	id, hash, ok := splitToken(token)
	if !ok {
		return Caller{}, ErrUnknownKey
	}
	now := s.cfg.Now()
	r, err := s.find(ctx, id, now)
	if err != nil {
		return Caller{}, err
	}
	switch {
	case r.PublicKey != nil, len(r.Secret) != sha256.Size || subtle.ConstantTimeCompare(hash[:], r.Secret) != 1:
		return Caller{}, ErrUnknownKey
	}
	return r.caller(now)
}

// caller is who holds a key that was proved, unless its time is over.
func (r row) caller(now time.Time) (Caller, error) {
	switch {
	case r.RevokedAt.Valid:
		return Caller{}, ErrRevoked
	case r.ExpiresAt.Valid && !now.Before(r.ExpiresAt.Time):
		return Caller{}, ErrExpired
	}
	return Caller{KeyID: r.ID, Kind: r.Kind, Subject: r.Subject, PerMinute: int(r.PerMinute.Int64), scopes: r.scopes(), bound: r.ClientSPKI}, nil
}

// find gets a row from memory or from the database.
func (s *Store) find(ctx context.Context, id string, now time.Time) (row, error) {
	seen, ok := s.known.Get(id)
	if ok && now.Before(seen.until) {
		return seen.row, nil
	}
	if !ok {
		if until, missing := s.unknown.Get(id); missing && now.Before(until) {
			return row{}, ErrUnknownKey
		}
		if !s.limiter.AllowN(now, 1) {
			return row{}, ErrBusy
		}
	}
	r, err := selectKey(ctx, s.cfg.DB, id)
	if errors.Is(err, ErrUnknownKey) {
		s.known.Remove(id)
		s.unknown.Add(id, now.Add(s.cfg.CacheTTL))
		return row{}, err
	}
	if err != nil {
		return row{}, err
	}
	s.known.Add(id, remembered{row: r, until: now.Add(s.cfg.CacheTTL)})
	return r, nil
}
