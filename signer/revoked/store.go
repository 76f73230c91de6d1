package revoked

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"qaqpa/signer/pkix"
)

// Store keeps lists. Make one with [Open]; [Store.Run] keeps it up to date.
type Store struct {
	cfg         Config
	log         *slog.Logger
	metrics     *metrics
	folder      *folder
	authorities map[Digest]*pkix.Certificate
	generations map[string][]*pkix.Certificate // authorities by name

	shelves atomic.Pointer[shelves] // what readers see
	wake    chan struct{}

	swept  time.Time  // owned by saving
	saving sync.Mutex // one writer of the state; taken before mu, which is never held while the disk works

	mu      sync.Mutex
	points  []*point          // owned by mu, as is what they hold
	byURL   map[string]*point // owned by mu
	vouched map[Digest]bool   // owned by mu
}

// point is a Point and what is known about it. Its fields are owned by Store.mu, but for those of Point, learnt and key, which
// never change.
type point struct {
	Point
	learnt bool

	list     *List
	archived bool
	tags     map[string]Tags // by address
	asked    time.Time       // learnt: when somebody last wanted the list
	checked  time.Time       // when an answer last brought or confirmed the list
	tried    time.Time
	due      time.Time
	failures int
	failure  string // of the last attempt; empty when it succeeded
	busy     bool   // a refresh is under way
}

// Open checks the configuration, takes the folder for this process and brings back the lists in it, each of which is verified
// anew. It asks nobody: that is Run's work. A list in the folder that cannot be used is logged and fetched again. Errors:
// ErrInUse, that of the configuration, or of the folder.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("couldn't open the store of lists: %w", err)
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	f, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, log: cfg.Log, metrics: m, folder: f, authorities: map[Digest]*pkix.Certificate{}, generations: map[string][]*pkix.Certificate{},
		wake: make(chan struct{}, 1), byURL: map[string]*point{}, vouched: map[Digest]bool{},
	}
	for _, c := range cfg.Authorities {
		s.authorities[c.Fingerprint()] = c
		s.generations[c.Subject.Key()] = append(s.generations[c.Subject.Key()], c)
	}
	for _, p := range cfg.Points {
		s.add(&point{Point: p, tags: map[string]Tags{}})
	}
	s.publish()
	if err := s.bringBack(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return s, nil
}

// Close lets the folder go. Run must have returned. Lists that were handed out stay usable.
func (s *Store) Close() error { return s.folder.close() }

// add takes a point in; mu is held, or the store is not shared yet.
func (s *Store) add(p *point) {
	s.points = append(s.points, p)
	for _, u := range p.URLs {
		s.byURL[u] = p
	}
}

// publish shows the current lists to readers; mu is held, or the store is not shared yet.
func (s *Store) publish() {
	var lists []*List
	learnt := 0
	for _, p := range s.points {
		if p.learnt {
			learnt++
		}
		if p.list != nil {
			lists = append(lists, p.list)
			s.metrics.describe(p)
		}
	}
	s.metrics.learnt.Set(float64(learnt))
	at := newShelves(lists)
	s.shelves.Store(&at)
}

// bringBack reads the state and the lists that it names.
func (s *Store) bringBack(ctx context.Context) error {
	st, err := s.folder.load()
	if errors.Is(err, errFolder) {
		return err
	}
	if err != nil {
		s.log.ErrorContext(ctx, "the state of lists is unreadable; all lists are fetched again", "error", err.Error())
	}
	for i := range st.Points {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.bringBackPoint(ctx, &st.Points[i])
	}
	s.publish()
	return nil
}

func (s *Store) bringBackPoint(ctx context.Context, r *record) {
	i := slices.IndexFunc(s.points, func(p *point) bool { return !p.learnt && !r.Learnt && p.Name == r.Name && p.Delta == r.Delta })
	var p *point
	switch {
	case i >= 0:
		p = s.points[i]
	case r.Learnt:
		if p = s.relearn(r); p == nil {
			return
		}
	default:
		return // no longer configured
	}
	digest, err := hex.DecodeString(r.SHA256)
	if err != nil || len(digest) != len(Digest{}) {
		return
	}
	l, err := s.reopen(p, Digest(digest))
	if err != nil {
		s.log.WarnContext(ctx, "a list in the folder cannot be used and is fetched again", "point", p.Name, "sha256", r.SHA256, "error", err.Error())
		return
	}
	p.list, p.checked = l, r.CheckedAt
	for _, u := range p.URLs {
		if t, ok := r.Tags[u]; ok {
			p.tags[u] = t
		}
	}
}

// reopen verifies a list of the folder as if it came from the network.
func (s *Store) reopen(p *point, d Digest) (l *List, err error) {
	f, err := s.folder.open(d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sc, err := s.scanner(f, io.Discard).scan(func(head *pkix.CRL) error { return s.early(p, nil, head) })
	if err != nil {
		return nil, err
	}
	if sc.sha256 != d {
		return nil, fmt.Errorf("%w: the file holds %x", errFolder, sc.sha256)
	}
	return s.examine(p, sc, func() ([]byte, error) { return s.folder.read(d, sc.bytes) })
}

func (s *Store) scanner(src io.Reader, spool io.Writer) *scanner {
	return &scanner{src: src, spool: spool, bytesMax: s.cfg.BytesMax, entriesMax: s.cfg.EntriesMax}
}

// commit makes a list the current one of its point: on disk first, then for readers. With a nil list only the tags change.
func (s *Store) commit(p *point, l *List, url string, t Tags, archived bool) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	now := s.cfg.Now()
	if l != nil {
		if err := s.roomFor(p, int64(len(l.crl.Raw))); err != nil {
			return err
		}
	}
	s.mu.Lock()
	old, changed := p.list, l != nil || p.tags[url] != t
	st := s.state()
	s.mu.Unlock()
	if changed {
		r := &st.Points[slices.IndexFunc(st.Points, func(r record) bool { return r.Name == p.Name && r.Learnt == p.learnt })]
		if r.CheckedAt = now.UTC(); l != nil {
			r.SHA256 = l.Hex()
		}
		if r.Tags == nil {
			r.Tags = map[string]Tags{}
		}
		r.Tags[url] = t
		if err := s.folder.save(st); err != nil {
			return err
		}
	}
	s.mu.Lock()
	p.checked, p.tags[url] = now, t
	if l != nil {
		p.list, p.archived = l, archived
		s.publish()
	} else {
		s.metrics.describe(p)
	}
	s.mu.Unlock()
	if l != nil && old != nil {
		return s.folder.touch(old.SHA256, now)
	}
	return nil
}

// state is what is written down; mu is held.
func (s *Store) state() state {
	st := state{Version: stateVersion}
	for _, p := range s.points {
		r := record{
			Name: p.Name, Learnt: p.learnt, Delta: p.Delta, URLs: p.URLs, CheckedAt: p.checked.UTC(), AskedAt: p.asked.UTC(),
		}
		for _, c := range p.Issuers {
			d := c.Fingerprint()
			r.Issuers = append(r.Issuers, hex.EncodeToString(d[:]))
		}
		if p.list != nil {
			r.SHA256, r.Tags = p.list.Hex(), maps.Clone(p.tags)
		}
		st.Points = append(st.Points, r)
	}
	return st
}

// Kept gives a list by its digest, current or superseded, as long as the folder keeps it (Config.KeepFor), so that a verdict
// which names it can be made again. ErrNotKept when it does not.
func (s *Store) Kept(d Digest) (*pkix.CRL, error) {
	if l := s.current(d); l != nil {
		return l.crl, nil
	}
	raw, err := s.folder.read(d, s.cfg.BytesMax)
	if err != nil {
		return nil, err
	}
	crl, err := pkix.ParseCRL(raw)
	if err != nil {
		return nil, err
	}
	if crl.Fingerprint() != d {
		return nil, fmt.Errorf("%w: %x: the file holds something else", ErrNotKept, d)
	}
	return crl, nil
}

func (s *Store) current(d Digest) *List {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.points {
		if p.list != nil && p.list.SHA256 == d {
			return p.list
		}
	}
	return nil
}

// Vouch says that a person has looked at a list, by the digest that the log of its refusal names, and that it is right although it
// has lost entries. It is asked for again at once.
func (s *Store) Vouch(d Digest) {
	s.mu.Lock()
	s.vouched[d] = true
	for _, p := range s.points {
		if p.failures > 0 {
			p.due = time.Time{}
		}
	}
	s.mu.Unlock()
	s.nudge()
}

func (s *Store) isVouched(d Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.vouched[d]
}

// nudge wakes Run up.
func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
