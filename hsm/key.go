package hsm

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/miekg/pkcs11"
)

// labelMax bounds the label of a key, in bytes.
const labelMax = 128

// Key is a private key in a token; it implements crypto.Signer. It stands for one public key for ever: when the token
// comes back with another key under the label, the Key refuses with ErrKeyChanged. All methods may be called from any
// number of goroutines, and after Close they return ErrClosed.
type Key struct {
	token *Token
	ref   Ref
	label string
	id    []byte
	pub   crypto.PublicKey
	kind  Algorithm
	spki  []byte
	judge *judge

	bound atomic.Pointer[binding] // where the key was found last
	doubt atomic.Pointer[doubt]   // nil: it was as it should be when it was looked up last
	wrong atomic.Pointer[conn]    // the connection on which it made wrong signatures to the end
}

// binding is a handle and the only connection that it is valid on.
type binding struct {
	conn   *conn
	handle pkcs11.ObjectHandle
}

// doubt is that a key was not as it should be on a connection. It is believed when seen on a second one.
type doubt struct {
	conn     *conn
	believed bool
}

// Key finds a private key by its label and checks that it signs, does nothing else, and cannot leave the token. The
// same label gives the same Key until the token is closed.
//
// Errors: [ErrKeyNotFound], [ErrKeyAmbiguous], [ErrKeyAttributes], [ErrAlgorithm] (type or size), [ErrUnavailable],
// [ErrBusy], [ErrClosed].
func (t *Token) Key(ctx context.Context, label string) (*Key, error) {
	return t.Find(ctx, Ref{Label: label})
}

// Find is Key for a key that is named by its label, its id, or both.
func (t *Token) Find(ctx context.Context, ref Ref) (*Key, error) {
	name := ref.String()
	t.mu.Lock()
	known := t.keys[name]
	t.mu.Unlock()
	if known != nil {
		return known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CallTimeout)
	defer cancel()
	if err := ref.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyNotFound, err)
	}
	k := &Key{token: t, ref: ref}
	err := t.call(ctx, func(s session) error {
		found, err := s.findKey(ref)
		if err != nil {
			return err
		}
		k.label, k.id, k.pub, k.kind = found.label, found.id, found.pub, algorithmOf(found.pub)
		k.bound.Store(&binding{conn: s.conn, handle: found.handle})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't open key %q: %w", name, err)
	}
	if k.spki, err = marshalPublic(k.pub); err == nil {
		k.pub, err = t.cfg.GOST.checked(k.pub)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't open key %q: %w", name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.keys[name]; known != nil {
		return known, nil
	}
	k.judge = &judge{pub: k.pub, pins: t.pins}
	t.keys[name] = k
	return k, nil
}

// forget has the next Find look for the key anew.
func (t *Token) forget(ref Ref) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, ref.String())
}

// Public returns the public key: *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, or what Config.GOST gave.
func (k *Key) Public() crypto.PublicKey { return k.pub }

// SPKI returns the public key as SubjectPublicKeyInfo (DER); that of GOST keys in the form of RFC 9215.
func (k *Key) SPKI() []byte { return bytes.Clone(k.spki) }

// Label returns the label (CKA_LABEL) by which the key was opened.
func (k *Key) Label() string { return k.label }

// ID returns CKA_ID, which the key shares with its public key and certificate.
func (k *Key) ID() []byte { return bytes.Clone(k.id) }

// Algorithm returns the type and size of the key.
func (k *Key) Algorithm() Algorithm { return k.kind }

// Sign is SignContext without a context, for crypto.Signer; Config.CallTimeout bounds it. The token has its own source
// of randomness, so the reader is not used.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}

// SignContext signs a digest, until ctx ends or CallTimeout has passed.
//
//   - RSA: PKCS#1 v1.5, or PSS when opts is *rsa.PSSOptions; opts.HashFunc() is SHA-256, SHA-384 or SHA-512.
//   - ECDSA: the same hashes; the signature is the ASN.1 SEQUENCE of r and s.
//   - Ed25519: digest is the message, 1 byte to 1 MiB; opts is crypto.Hash(0).
//   - GOST R 34.10: digest is that of Streebog as hashed, 32 or 64 bytes by the key; opts is not looked at. The signature is in the
//     national order, r‖s, each little-endian, whatever order the token gives.
//
// A signature is verified with the public key before it is returned. A token that lost its session, its login or its
// library is connected again and asked again within the deadline; no wrong signature and no error comes of it.
//
// Errors: ErrAlgorithm (nothing was asked of the token), ErrBusy, ErrUnavailable, ErrKeyNotFound, ErrKeyChanged,
// ErrKeyAttributes, ErrWrongSignature, ErrClosed, or that of a cancelled ctx.
func (k *Key) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	start := k.token.cfg.Now()
	r, err := newRequest(k.pub, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign with key %q: %w", k.label, err)
	}
	ctx, cancel := context.WithTimeout(ctx, k.token.cfg.CallTimeout)
	defer cancel()
	signature, err := k.sign(ctx, r)
	k.token.metrics.signed(k.label, r.mechanism.name, k.token.cfg.Now().Sub(start), err)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign with key %q: %w", k.label, err)
	}
	return signature, nil
}

// RecordedKey is a Key whose every use is on record.
type RecordedKey struct {
	*Key
	record func(context.Context, Use) error
}

// Recorded returns the same key, which gives no signature away before record has returned nil for it.
func (k *Key) Recorded(record func(context.Context, Use) error) *RecordedKey {
	return &RecordedKey{Key: k, record: record}
}

// Sign is SignContext without a context, for crypto.Signer.
func (k *RecordedKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}

// SignContext is that of Key. Errors: those of Key.SignContext, and that of the record.
func (k *RecordedKey) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	r, err := newRequest(k.pub, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign with key %q: %w", k.label, err)
	}
	signature, err := k.Key.SignContext(ctx, digest, opts)
	if err != nil {
		return nil, err
	}
	use := Use{Key: k.label, Token: k.token.cfg.Token, Mechanism: r.mechanism.name, SHA256: sha256.Sum256(r.digest)}
	if err := k.record(ctx, use); err != nil {
		return nil, fmt.Errorf("couldn't sign with key %q: %w", k.label, err)
	}
	return signature, nil
}

// sign asks the token until it gives a signature that verifies, at most twice: as it is, and on a library initialised
// anew. A key that is wrong even then, such as one whose public half was exchanged, is not asked again on that
// connection, so that it does not cost the other keys a connection each time.
func (k *Key) sign(ctx context.Context, r *request) ([]byte, error) {
	if k.judge.turned.Load() {
		r.turn()
	}
	for tries := 1; ; tries++ {
		if wrong := k.wrong.Load(); wrong != nil && wrong == k.token.state.Load().conn {
			return nil, ErrWrongSignature
		}
		raw, on, err := k.raw(ctx, r)
		if err != nil {
			return nil, err
		}
		signature, err := k.judge.signature(r, raw)
		switch {
		case err == nil:
			return signature, nil
		case errors.Is(err, errTurned):
			r.turn()
			continue
		}
		k.token.metrics.wrong.Inc()
		if tries == 2 {
			k.wrong.Store(on)
			return nil, err
		}
		k.token.suspect(on, faultToken, fmt.Errorf("key %q: %w", k.label, err))
	}
}

// raw makes one signature in the token and tells on which connection.
func (k *Key) raw(ctx context.Context, r *request) (raw []byte, on *conn, err error) {
	var out struct { // not shared with the results: after a deadline the call may still write to it
		raw  []byte
		conn *conn
	}
	err = k.token.call(ctx, func(s session) error {
		raw, err := k.signIn(s, r.mechanism, r.data, r.size)
		if err != nil {
			return err
		}
		out.raw, out.conn = raw, s.conn
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return out.raw, out.conn, nil
}

// signIn makes one signature in a session.
func (k *Key) signIn(s session, m mechanism, data []byte, size int) ([]byte, error) {
	if !s.can(m.id) {
		return nil, fmt.Errorf("%w: the token has no mechanism %s", ErrAlgorithm, m)
	}
	handle, err := k.handle(s)
	if err != nil {
		return nil, err
	}
	raw, err := s.lib.sign(s.handle, handle, m, data, size)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	return raw, nil
}

// handle returns the key's handle on the session's connection, looked up once on each.
func (k *Key) handle(s session) (pkcs11.ObjectHandle, error) {
	if b := k.bound.Load(); b != nil && b.conn == s.conn {
		return b.handle, nil
	}
	handle, err := k.find(s)
	if err != nil {
		return 0, err
	}
	k.bound.Store(&binding{conn: s.conn, handle: handle})
	return handle, nil
}

// find looks the key up again and checks that it is still the same one. A key whose label went to another one while it was in use, as a
// rotation does, is found by its id: who was given the key goes on with it.
func (k *Key) find(s session) (pkcs11.ObjectHandle, error) {
	handle, err := k.findBy(s, k.ref)
	if errors.Is(err, ErrKeyNotFound) || errors.Is(err, ErrKeyChanged) {
		byID, errID := k.findBy(s, Ref{ID: k.id})
		if errID == nil || faultOf(errID) != faultNone {
			handle, err = byID, errID
		}
	}
	switch {
	case err == nil:
		k.doubt.Store(nil)
		return handle, nil
	case faultOf(err) != faultNone:
		return 0, err
	default:
		return 0, k.confirm(s, err)
	}
}

// findBy finds the key that ref names, which must be this one.
func (k *Key) findBy(s session, ref Ref) (pkcs11.ObjectHandle, error) {
	found, err := s.findKey(ref)
	if err == nil && (!sameKey(found.pub, k.pub) || !bytes.Equal(found.id, k.id)) {
		err = ErrKeyChanged
	}
	if err != nil {
		return 0, err
	}
	return found.handle, nil
}

// confirm has a second look before a key that was good is called missing or bad: its token may be just vanishing, half
// of its objects before the others, or be gone while the library still holds on to it. Only a library that was
// initialised anew since is believed; then its connection is not voided for this key again.
func (k *Key) confirm(s session, verdict error) error {
	d := k.doubt.Load()
	switch {
	case d != nil && d.conn == s.conn && d.believed:
		return verdict
	case d != nil && d.conn != s.conn && s.afresh:
		k.doubt.Store(&doubt{conn: s.conn, believed: true})
		return verdict
	}
	k.doubt.Store(&doubt{conn: s.conn})
	return fmt.Errorf("%w: %w", errKeyLost, verdict)
}
