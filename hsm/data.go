package hsm

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// DataKey encrypts stored data under a key that never leaves the token. Each record is sealed with AES-256-GCM by a working key;
// working keys are random, sealed by the token's key with AES-GCM, and stored in front of each record. So the token is asked
// once for many records, and a stolen database is worth nothing without it. A process keeps the working keys that it used last
// in memory.
//
// Safe for concurrent use.
type DataKey struct {
	fleet *Fleet
	key   *sharedKey
	known *lru.Cache[string, cipher.AEAD] // by sealed working key

	mu      sync.Mutex // guards what follows
	current *workingKey
}

// workingKey seals records for a while.
type workingKey struct {
	aead   cipher.AEAD
	sealed []byte
	since  time.Time
	left   int
}

// Bounds of a working key: far fewer records than a random nonce of 96 bits allows (NIST SP 800-38D 8.3).
const (
	workingRecords = 1 << 20
	workingFor     = time.Hour
	workingKept    = 1024
	workingSealed  = gcmIV + secretBytes + gcmTag
)

// Layout of a sealed record: version, sealed working key, nonce, ciphertext with tag.
const (
	sealedVersion  = 1
	sealedOverhead = 1 + workingSealed + gcmIV + gcmTag
	// sealedMax bounds a record, in bytes.
	sealedMax = 1 << 20
)

// workingAAD binds a sealed working key to its purpose.
const workingAAD = "qaqpa working key v1"

// DataKey finds a secret key (AES256) by its label or id on every token. Tokens must hold the same key: a check value that one
// has sealed must open on the others.
//
// Errors: those of [Fleet.Key].
func (f *Fleet) DataKey(ctx context.Context, ref Ref) (*DataKey, error) {
	k, err := f.openSecret(ctx, ref, AES256)
	if err != nil {
		return nil, err
	}
	known, err := lru.New[string, cipher.AEAD](workingKept)
	if err != nil {
		return nil, fmt.Errorf("couldn't make room for working keys: %w", err)
	}
	d := &DataKey{fleet: f, key: k, known: known}
	if _, err := d.working(ctx); err != nil { // it can do what it is for
		return nil, fmt.Errorf("couldn't use secret key %q: %w", ref, err)
	}
	return d, nil
}

func (f *Fleet) openSecret(ctx context.Context, ref Ref, want Algorithm) (*sharedKey, error) {
	k, err := f.open(ctx, ref, true)
	if err != nil {
		return nil, fmt.Errorf("couldn't open secret key %q: %w", ref, err)
	}
	if k.kind != want {
		return nil, fmt.Errorf("couldn't open secret key %q: %w: it is for %s, not for %s", ref, ErrAlgorithm, k.kind, want)
	}
	return k, nil
}

// Seal encrypts a record, at most 1 MiB. context binds it to its place, such as table, column and row: Open needs the same, so
// that nobody can move a record to another person's row unseen. Sealing the same record twice gives different results.
//
// Errors: ErrBusy, ErrUnavailable, ErrClosed.
func (d *DataKey) Seal(ctx context.Context, record, place []byte) ([]byte, error) {
	if len(record) > sealedMax {
		return nil, fmt.Errorf("a record to seal has %d bytes, at most %d are taken", len(record), sealedMax)
	}
	w, err := d.working(ctx)
	if err != nil {
		return nil, fmt.Errorf("couldn't seal a record: %w", err)
	}
	out := make([]byte, 0, sealedOverhead+len(record))
	out = append(append(out, sealedVersion), w.sealed...)
	nonce := make([]byte, gcmIV)
	_, _ = rand.Read(nonce) // never fails, crypto/rand ends the process instead
	return w.aead.Seal(append(out, nonce...), nonce, record, place), nil
}

// Open decrypts what Seal made, for the same place.
//
// Errors: [ErrSealed] (not sealed with this key, for another place, or altered), ErrBusy, ErrUnavailable, ErrClosed.
func (d *DataKey) Open(ctx context.Context, sealed, place []byte) ([]byte, error) {
	if len(sealed) < sealedOverhead || len(sealed) > sealedOverhead+sealedMax || sealed[0] != sealedVersion {
		return nil, fmt.Errorf("%w: %d bytes of another form", ErrSealed, len(sealed))
	}
	working, rest := sealed[1:1+workingSealed], sealed[1+workingSealed:]
	aead, ok := d.known.Get(string(working))
	if !ok {
		var err error
		if aead, err = d.unseal(ctx, working); err != nil {
			return nil, fmt.Errorf("couldn't open a record: %w", err)
		}
	}
	record, err := aead.Open(nil, rest[:gcmIV], rest[gcmIV:], place)
	if err != nil {
		return nil, ErrSealed
	}
	return record, nil
}

// working returns the working key of the hour, made when there is none.
func (d *DataKey) working(ctx context.Context) (*workingKey, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.current; w != nil && w.left > 0 && now().Sub(w.since) < workingFor {
		w.left--
		return w, nil
	}
	key := make([]byte, secretBytes+gcmIV)
	_, _ = rand.Read(key) // never fails, crypto/rand ends the process instead
	key, iv := key[:secretBytes], key[secretBytes:]
	body, err := d.ask(ctx, gcm{iv: iv, aad: []byte(workingAAD), in: key})
	if err != nil {
		return nil, err
	}
	sealed := append(iv[:gcmIV:gcmIV], body...)
	if len(sealed) != workingSealed {
		return nil, fmt.Errorf("%w: the token sealed %d bytes", ErrWrongSignature, len(sealed))
	}
	// What a wrong key sealed would be lost for ever, so it has to open before anything is sealed with it.
	aead, err := d.unseal(ctx, sealed)
	if err != nil {
		return nil, err
	}
	d.current = &workingKey{aead: aead, sealed: sealed, since: now(), left: workingRecords - 1}
	return d.current, nil
}

func (d *DataKey) unseal(ctx context.Context, sealed []byte) (cipher.AEAD, error) {
	key, err := d.ask(ctx, gcm{decrypt: true, iv: sealed[:gcmIV], aad: []byte(workingAAD), in: sealed[gcmIV:]})
	if err != nil {
		return nil, err
	}
	if len(key) != secretBytes {
		return nil, fmt.Errorf("%w: a working key of %d bytes", ErrSealed, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't use a working key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("couldn't use a working key: %w", err)
	}
	d.known.Add(string(sealed), aead)
	return aead, nil
}

func (d *DataKey) ask(ctx context.Context, g gcm) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, d.fleet.cfg.CallTimeout)
	defer cancel()
	return d.fleet.do(ctx, &task{key: d.key, op: opGCM, head: g.head(), data: g.in})
}

// IndexKey makes blind indexes: values by which stored personal data are found again although they are encrypted. The key stays
// in the token and each index is made there, since an IIN has so few digits that whoever had the key could try all of them.
type IndexKey struct {
	fleet *Fleet
	key   *sharedKey
}

// IndexKey finds a secret key (HMACSHA256) by its label or id on every token.
//
// Errors: those of [Fleet.Key].
func (f *Fleet) IndexKey(ctx context.Context, ref Ref) (*IndexKey, error) {
	k, err := f.openSecret(ctx, ref, HMACSHA256)
	if err != nil {
		return nil, err
	}
	return &IndexKey{fleet: f, key: k}, nil
}

// Index returns the 32 bytes that stand for a value in a column. The same value gives different indexes in different columns.
//
// Errors: ErrBusy, ErrUnavailable, ErrClosed.
func (k *IndexKey) Index(ctx context.Context, column, value string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, k.fleet.cfg.CallTimeout)
	defer cancel()
	// The length keeps two pairs of column and value from meeting in one text.
	data := fmt.Appendf(nil, "qaqpa index v1 %d %s %s", len(column), column, value)
	if len(data) > sealedMax {
		return nil, fmt.Errorf("a value to index has %d bytes, at most %d are taken", len(value), sealedMax)
	}
	index, err := k.fleet.do(ctx, &task{key: k.key, op: opMAC, data: data})
	if err != nil {
		return nil, fmt.Errorf("couldn't make an index: %w", err)
	}
	return index, nil
}
