package hsm

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// FleetKey is a private key of a fleet; it implements crypto.Signer. It stands for one public key for ever, on whichever tokens
// the key is. All methods may be called from any number of goroutines.
type FleetKey struct {
	fleet  *Fleet
	key    *sharedKey
	record func(context.Context, Use) error
}

// Use is one use of a key, for the audit log.
type Use struct {
	Key, Token string // labels
	Mechanism  string
	SHA256     [32]byte // of what was signed: of the digest, or of the message of Ed25519
}

// Key finds a private key by its label or id on every token, and checks that it signs, does nothing else, and cannot leave. The
// public keys must be the same wherever it is found; a token that comes later with another one is not asked to sign with it.
//
// Errors, when no token has it: those of [Token.Key]. [ErrKeyChanged]: two tokens have different keys of that name.
func (f *Fleet) Key(ctx context.Context, ref Ref) (*FleetKey, error) {
	k, err := f.open(ctx, ref, false)
	if err != nil {
		return nil, fmt.Errorf("couldn't open key %q: %w", ref, err)
	}
	return &FleetKey{fleet: f, key: k}, nil
}

func (f *Fleet) open(ctx context.Context, ref Ref, isSecret bool) (*sharedKey, error) {
	if err := ref.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyNotFound, err)
	}
	name := fmt.Sprintf("%t %s", isSecret, ref)
	f.mu.Lock()
	known := f.keys[name]
	f.mu.Unlock()
	if known != nil {
		return known, nil
	}
	k := &sharedKey{ref: ref, secret: isSecret, places: make(map[*member]*place), judge: &judge{pins: f.pins}}
	asked, err := f.findAll(ctx, k)
	if err != nil {
		return nil, err
	}
	k.limits = f.cfg.Limits[k.label]
	if k.limits.QueueMax <= 0 {
		k.limits.QueueMax = f.cfg.QueueMax
	}
	if k.limits.Weight <= 0 {
		k.limits.Weight = 1
	}
	if k.limits.PerSecond > 0 {
		k.limiter = rate.NewLimiter(rate.Limit(k.limits.PerSecond), max(1, int(k.limits.PerSecond)))
	}
	return f.adopt(name, k, asked), nil //nolint:contextcheck // a look for a key outlives the call that opens it
}

// adopt lets calls of a key in, once it was found by way of these links. Between the look and now a worker may have been replaced, and the
// number that the old one gave the key may be that of another key in the new one, whose look for all keys did not know of this one: an index
// by the wrong key, which nobody could tell from a right one. There the key is looked for again first.
func (f *Fleet) adopt(name string, k *sharedKey, asked map[*member]*link) *sharedKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.keys[name]; known != nil {
		return known
	}
	f.keys[name] = k
	for m, l := range asked {
		if p := k.places[m]; p != nil && p.err == nil && m.link != l {
			m.note(k, &place{err: fmt.Errorf("%w: its worker was replaced while the key was looked for", ErrUnavailable)}, now())
			k.places[m].doubt = now().Add(f.cfg.CallTimeout) // calls wait for it, as for a token that is being connected
		}
	}
	return k
}

// findAll looks on all tokens at once, and is content with one that has the key. It returns the links that there were when it began: what was
// found by way of a later one is looked for once more, which does no harm.
func (f *Fleet) findAll(ctx context.Context, k *sharedKey) (map[*member]*link, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.CallTimeout)
	defer cancel()
	asked := make(map[*member]*link, len(f.members))
	f.mu.Lock()
	for _, m := range f.members {
		asked[m] = m.link
	}
	f.mu.Unlock()
	var (
		mu   sync.Mutex
		all  sync.WaitGroup
		errs []error
		good int
	)
	for _, m := range f.members {
		all.Go(func() {
			p, err := m.find(ctx, k)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				good++
			} else {
				errs = append(errs, fmt.Errorf("token %q: %w", m.cfg.Label, err))
			}
			if err == nil || keyFault(err) {
				k.places[m] = p
			}
		})
	}
	all.Wait()
	err := errors.Join(errs...)
	if good == 0 || errors.Is(err, ErrKeyChanged) {
		return nil, err
	}
	return asked, nil
}

// Certificate returns the certificate (DER) of a key from the first token that has one. Of several for the key the one that
// became valid last is taken.
//
// Errors: those of [Token.Certificate].
func (f *Fleet) Certificate(ctx context.Context, ref Ref) ([]byte, error) {
	k, err := f.Key(ctx, ref)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.CallTimeout)
	defer cancel()
	raw, err := json.Marshal(findRequest{Label: ref.Label, ID: ref.ID})
	if err != nil {
		return nil, fmt.Errorf("couldn't ask for a certificate: %w", err)
	}
	var errs []error
	for _, m := range f.members {
		der, err := m.ask(ctx, opCertificate, raw)
		if err == nil {
			if der, err = newestFor(k.Public(), [][]byte{der}); err == nil {
				return der, nil
			}
		}
		errs = append(errs, fmt.Errorf("token %q: %w", m.cfg.Label, err))
	}
	return nil, fmt.Errorf("couldn't read the certificate of key %q: %w", ref, errors.Join(errs...))
}

// Recorded returns the same key, which gives no signature away before record has returned nil for it.
func (k *FleetKey) Recorded(record func(context.Context, Use) error) *FleetKey {
	return &FleetKey{fleet: k.fleet, key: k.key, record: record}
}

// Public returns the public key, as Key.Public does.
func (k *FleetKey) Public() crypto.PublicKey { return k.key.judge.pub }

// Label returns the label (CKA_LABEL) of the key.
func (k *FleetKey) Label() string { return k.key.label }

// ID returns CKA_ID.
func (k *FleetKey) ID() []byte { return bytes.Clone(k.key.id) }

// Algorithm returns the type and size of the key.
func (k *FleetKey) Algorithm() Algorithm { return k.key.kind }

// Sign is SignContext without a context, for crypto.Signer.
func (k *FleetKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}

// SignContext signs a digest as [Key.SignContext] does, on whichever token has a session free. A signature is verified before it
// is returned. While another token has the key, or the same one comes back, within the deadline, no fault of a token shows.
//
// Errors: those of [Key.SignContext], [OverloadError], and that of the record (see Recorded).
func (k *FleetKey) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	start := now()
	r, err := newRequest(k.key.judge.pub, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign with key %q: %w", k.key.label, err)
	}
	ctx, cancel := context.WithTimeout(ctx, k.fleet.cfg.CallTimeout)
	defer cancel()
	signature, by, err := k.sign(ctx, r)
	if by != nil {
		by.metrics.signed(k.key.label, r.mechanism.name, now().Sub(start), err)
	}
	if err == nil && k.record != nil {
		err = k.record(ctx, Use{Key: k.key.label, Token: by.cfg.Label, Mechanism: r.mechanism.name, SHA256: sha256.Sum256(r.digest)})
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't sign with key %q: %w", k.key.label, err)
	}
	return signature, nil
}

// sign has signatures made until one verifies, at most four.
func (k *FleetKey) sign(ctx context.Context, r *request) (signature []byte, by *member, err error) {
	head := signCall{m: r.mechanism, size: r.size}.head()
	if k.key.judge.turned.Load() {
		r.turn()
	}
	for range 4 {
		t := &task{key: k.key, op: opSign, head: head, data: r.data}
		raw, err := k.fleet.do(ctx, t)
		if err != nil {
			return nil, t.by, err
		}
		by = t.by
		if signature, err = k.key.judge.signature(r, raw); err == nil {
			k.fleet.right(by, k.key)
			return signature, by, nil
		}
		if errors.Is(err, errTurned) {
			r.turn()
			continue
		}
		by.metrics.wrong.Inc()
		k.fleet.wrong(by, k.key) //nolint:contextcheck // a look for a key outlives the call that missed it
	}
	return nil, by, ErrWrongSignature
}

// right forgets wrong signatures of before.
func (f *Fleet) right(m *member, k *sharedKey) {
	if !k.wronged.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := k.places[m]; p != nil {
		p.wrong = 0
	}
	k.wronged.Store(false)
}

// wrong draws the consequence of a wrong signature: the worker is started anew, since its handles may name other keys by now. A
// key that is wrong even then is not asked there for a while, so that it does not cost the other keys a worker each time.
func (f *Fleet) wrong(m *member, k *sharedKey) {
	k.wronged.Store(true)
	f.mu.Lock()
	l, again := m.link, false
	if p := k.places[m]; p != nil {
		p.wrong++
		again = p.wrong > 1
		if again {
			p.until = now().Add(wrongPause)
			time.AfterFunc(wrongPause, func() {
				f.turn(func() { p.wrong = 0 })
			})
		}
	}
	f.mu.Unlock()
	if l != nil && !again {
		m.restart(l, "wrong", fmt.Errorf("key %q: %w", k.label, ErrWrongSignature))
	}
}
