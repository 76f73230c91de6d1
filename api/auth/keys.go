package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Key describes an API key without its secret.
type Key struct {
	ID        string     `json:"id"`
	Kind      Kind       `json:"kind"`
	Subject   string     `json:"subject"`
	Name      string     `json:"name"`
	Scopes    []Scope    `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	// PublicKey, a SubjectPublicKeyInfo, verifies the requests of a client that signs them; nil for one that shows a token.
	PublicKey []byte `json:"public_key,omitempty"`
	// PerMinute is how many requests it may make in a minute; 0 is the default of the gateway.
	PerMinute int `json:"per_minute,omitempty"`
	// ClientSPKI is SHA-256 of the public key of the TLS certificate to which the key is bound; nil for none.
	ClientSPKI []byte `json:"client_spki_sha256,omitempty"`
}

// NewKey says which key to make.
type NewKey struct {
	Kind      Kind
	Subject   string    // agency id, BIC, or name of portal or operator; 1 to 64 characters
	Name      string    // what people call it, up to 100 characters
	Scopes    []Scope   // nil means all that the kind may have
	ExpiresAt time.Time // zero means never
	Actor     string    // who makes it, for the audit log
	PublicKey []byte    // SubjectPublicKeyInfo of a client that signs its requests; nil makes a token
	// ClientSPKI binds the key, token or signature, to connections that proved a TLS certificate with this public key (SHA-256 of its
	// SubjectPublicKeyInfo); nil binds it to none.
	ClientSPKI []byte
	PerMinute  int // requests a minute, up to [PerMinuteMax]; 0 means the default
}

// PerMinuteMax bounds the quota of a key.
const PerMinuteMax = 1_000_000

// Create makes a key and returns its token, which cannot be had again; the token of a client that signs is its key's id. The row
// and its audit row are one transaction.
func (s *Store) Create(ctx context.Context, in NewKey) (token string, key Key, err error) {
	if err := s.check(&in); err != nil {
		return "", Key{}, err
	}
	id, secret, err := newToken(s.cfg.Rand)
	if err != nil {
		return "", Key{}, err
	}
	hash := sha256.Sum256([]byte(secret))
	key = Key{ID: id, Kind: in.Kind, Subject: in.Subject, Name: in.Name, Scopes: in.Scopes, PublicKey: in.PublicKey, PerMinute: in.PerMinute, ClientSPKI: in.ClientSPKI}
	// PostgreSQL keeps microseconds; what is returned is what is stored.
	key.CreatedAt = s.cfg.Now().UTC().Truncate(time.Microsecond)
	if !in.ExpiresAt.IsZero() {
		t := in.ExpiresAt.UTC().Truncate(time.Microsecond)
		key.ExpiresAt = &t
	}
	if err := s.insert(ctx, key, hash[:], in.Actor); err != nil {
		return "", Key{}, err
	}
	if in.PublicKey != nil {
		return id, key, nil // the secret is forgotten here
	}
	return tokenPrefix + id + "_" + secret, key, nil
}

func (s *Store) check(in *NewKey) error {
	allowed := ScopesOf(in.Kind)
	if allowed == nil {
		return fmt.Errorf("%q is not a kind of API key", in.Kind)
	}
	if in.Subject == "" || utf8.RuneCountInString(in.Subject) > 64 || utf8.RuneCountInString(in.Name) > 100 {
		return errors.New("an API key needs a subject of at most 64 and a name of at most 100 characters")
	}
	if in.Actor == "" || s.cfg.Audit == nil {
		return errors.New("an API key is made by an actor and noted in the audit log")
	}
	if !in.ExpiresAt.IsZero() && !in.ExpiresAt.After(s.cfg.Now()) {
		return errors.New("an API key cannot expire before it is made")
	}
	if in.PerMinute < 0 || in.PerMinute > PerMinuteMax {
		return fmt.Errorf("a quota is 1 to %d requests a minute", PerMinuteMax)
	}
	if in.ClientSPKI != nil && len(in.ClientSPKI) != sha256.Size {
		return errors.New("a key is bound to the SHA-256 of a public key")
	}
	if in.PublicKey != nil {
		if _, err := publicKey(in.PublicKey); err != nil {
			return err
		}
	}
	if in.Scopes == nil {
		in.Scopes = allowed
		return nil
	}
	in.Scopes = slices.Clone(in.Scopes)
	slices.Sort(in.Scopes)
	in.Scopes = slices.Compact(in.Scopes)
	for _, scope := range in.Scopes {
		if !slices.Contains(allowed, scope) {
			return fmt.Errorf("a key of kind %s cannot have scope %q", in.Kind, scope)
		}
	}
	if len(in.Scopes) == 0 {
		return errors.New("a key without scopes is of no use")
	}
	return nil
}

// Revoke ends a key for good; revoking again changes nothing. ErrUnknownKey when there is none.
func (s *Store) Revoke(ctx context.Context, id, actor string) error {
	if actor == "" || s.cfg.Audit == nil {
		return errors.New("an API key is revoked by an actor and noted in the audit log")
	}
	err := s.markRevoked(ctx, id, actor, s.cfg.Now().UTC())
	s.known.Remove(id)
	return err
}

// Keys lists all keys, the newest first, at most 1000.
func (s *Store) Keys(ctx context.Context) ([]Key, error) {
	rows, err := selectKeys(ctx, s.cfg.DB)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(rows))
	for i, r := range rows {
		keys[i] = r.key()
	}
	return keys, nil
}

// detail is what the audit log keeps of a key: everything but the secret.
func (k Key) detail() ([]byte, error) {
	b, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("couldn't describe API key %s: %w", k.ID, err)
	}
	return b, nil
}
