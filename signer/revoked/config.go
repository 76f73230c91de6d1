package revoked

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"qaqpa/signer/pkix"

	"github.com/prometheus/client_golang/prometheus"
)

// Digest is the SHA-256 of a list or certificate.
type Digest = [32]byte

// Point is where one list is published: a distribution point.
type Point struct {
	// Name is unique among the configured points and names this one in metrics, logs and the folder.
	Name string
	// URLs are the addresses of the list: one list at several places, tried in turn.
	URLs []string
	// Delta tells that lists of changes are published here.
	Delta bool
	// Issuers are the authorities whose list it may be; more than one where generations of an authority share an address.
	Issuers []*pkix.Certificate
	// Optional lists are fetched and used like others, but the store is ready without them.
	Optional bool
	// Every is the longest pause between two requests; zero: Config.BaseEvery or Config.DeltaEvery.
	Every time.Duration
}

// Archive keeps lists for as long as verdicts that name them. It must be idempotent: after a restart it is told again.
type Archive interface {
	// Archive keeps the octets of a list, which it must not change.
	Archive(ctx context.Context, l *List) error
}

// Config of a Store. The zero value of a limit means the default.
type Config struct {
	// Dir is the folder of the store, made when absent. One process uses it at a time. Obligatory.
	Dir string
	// Source brings lists; obligatory.
	Source Source
	// Authorities are whose lists are taken: the certificates of the trust store. Obligatory.
	Authorities []*pkix.Certificate
	// Points are the lists to have at hand, see [National]. The store is ready when each of them is there.
	Points []Point
	// Archive is told of each list before it is used; nil: nobody. Its failure does not keep a list from being used.
	Archive Archive

	// LearntMax bounds the points learnt from certificates, see [Store.Learn]. Default 32; negative: none.
	LearntMax int
	// LearntBytesMax bounds the lists of learnt points together. Default 256 MiB.
	LearntBytesMax int64
	// LearntIdle is how long a learnt point is kept that nobody asks for. Default 7 days.
	LearntIdle time.Duration

	// BytesMax and EntriesMax bound a list. Defaults 192 MiB and 4 million; at most pkix.MaxCRLBytes.
	BytesMax   int64
	EntriesMax int
	// Timeout bounds one download. Default 15 minutes.
	Timeout time.Duration
	// StallTime and StallBytes end a download that brings fewer octets than StallBytes in StallTime. Defaults 30 s, 64 KiB.
	StallTime  time.Duration
	StallBytes int64
	// Parallel is how many lists are fetched at one time. Default 2.
	Parallel int

	// BaseEvery and DeltaEvery are the longest pauses between two requests for a list. Defaults 1 h and 10 min: national
	// deltas appear about every half hour. Lists that are near the end of their time are asked for earlier.
	BaseEvery, DeltaEvery time.Duration
	// RetryMin and RetryMax bound the pause after a failure, which doubles with each. Defaults 15 s and 10 min.
	RetryMin, RetryMax time.Duration

	// ShrinkMax is the share of entries that a complete list may lose against its predecessor. Default 0.5; lists of fewer than
	// 256 entries may lose all.
	ShrinkMax float64
	// Skew is by how much thisUpdate may lie ahead of the clock. Default 5 minutes.
	Skew time.Duration
	// KeepFor is how long the folder keeps lists that are no longer current. Default 30 days; negative: no longer
	// than a download may take.
	KeepFor time.Duration

	// Now is the clock; obligatory.
	Now func() time.Time
	// Rand spreads requests over time; nil: crypto/rand.
	Rand io.Reader
	// Log takes what needs an operator's eye; nil: nothing is logged.
	Log *slog.Logger
	// Registerer takes the metrics; nil: none.
	Registerer prometheus.Registerer
}

func (c *Config) complete() error {
	switch {
	case c.Now == nil:
		return errors.New("Config.Now is missing")
	case c.Dir == "":
		return errors.New("Config.Dir is missing")
	case c.Source == nil:
		return errors.New("Config.Source is missing")
	case len(c.Authorities) == 0:
		return errors.New("Config.Authorities is missing")
	case c.BytesMax > pkix.MaxCRLBytes:
		return fmt.Errorf("Config.BytesMax is over %d", int64(pkix.MaxCRLBytes))
	case c.ShrinkMax < 0 || c.ShrinkMax > 1:
		return errors.New("Config.ShrinkMax is not between 0 and 1")
	}
	setDefault(&c.LearntMax, 32)
	setDefault(&c.LearntBytesMax, 256<<20)
	setDefault(&c.LearntIdle, 7*24*time.Hour)
	setDefault(&c.BytesMax, 192<<20)
	setDefault(&c.EntriesMax, 4_000_000)
	setDefault(&c.Timeout, 15*time.Minute)
	setDefault(&c.StallTime, 30*time.Second)
	setDefault(&c.StallBytes, 64<<10)
	setDefault(&c.Parallel, 2)
	setDefault(&c.BaseEvery, time.Hour)
	setDefault(&c.DeltaEvery, 10*time.Minute)
	setDefault(&c.RetryMin, 15*time.Second)
	setDefault(&c.RetryMax, 10*time.Minute)
	setDefault(&c.ShrinkMax, 0.5)
	setDefault(&c.Skew, 5*time.Minute)
	setDefault(&c.KeepFor, 30*24*time.Hour)
	setDefault(&c.Rand, rand.Reader)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return checkPoints(c.Points)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func checkPoints(points []Point) error {
	names, urls := map[string]bool{}, map[string]bool{}
	for _, p := range points {
		if p.Name == "" || p.Name == learntLabel || len(p.Name) > maxNameBytes {
			return fmt.Errorf("a point cannot be called %q", p.Name)
		}
		if names[p.Name] {
			return fmt.Errorf("two points are called %q", p.Name)
		}
		names[p.Name] = true
		if len(p.URLs) == 0 || len(p.Issuers) == 0 {
			return fmt.Errorf("point %q has no address or no issuer", p.Name)
		}
		for _, u := range p.URLs {
			if urls[u] {
				return fmt.Errorf("address %s stands twice: a list is either a base or a delta, and of one point", u)
			}
			urls[u] = true
		}
	}
	return nil
}

const (
	maxNameBytes = 64
	// learntLabel stands for all learnt points in metrics, whose number must not follow that of certificates.
	learntLabel = "learnt"
)
