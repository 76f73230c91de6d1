package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// How long people stay signed in. Citizens use shared computers: a forgotten session ends soon.
const (
	challengeLife = 10 * time.Minute
	sessionLife   = 8 * time.Hour
	sessionIdle   = 20 * time.Minute
	// Of who came by a code alone, and of the operator's people, who see what others own.
	shortLife = 2 * time.Hour
	shortIdle = 10 * time.Minute
	// seenStep is how stale seen_at may become: one write a minute instead of one for each page.
	seenStep = time.Minute
)

// The refusals of sign-in and sessions.
var (
	// ErrNoChallenge says that the challenge is unknown, was used, or is too old.
	ErrNoChallenge = errors.New("no such challenge, or it is used up")
	// ErrNoSession says that nobody is signed in with this token, any more.
	ErrNoSession = errors.New("no such session, or it has ended")
)

// Person is who signed in, as the certificate says.
type Person struct {
	IIN, BIN           string
	Name, Organisation string
	Kind               string
	Roles              []string
	CertificateSHA256  string
}

// Way says how a person has shown who he is.
type Way string

// The ways.
const (
	// ByEDS is a signature, made on the reader's computer or on his phone.
	ByEDS Way = "eds"
	// ByCode is a code that came to the person's confirmed phone.
	ByCode Way = "code"
	// ByPassword is a password and a second factor, for the operator's people.
	ByPassword Way = "password"
)

// Session is a person's visit. The zero Session is nobody.
type Session struct {
	ID string
	Person
	Way Way
	// BoundTo is the address from which alone the session is good; empty for any. Sessions of the operator's people are bound.
	BoundTo string
	// Account is the login of a session that began by password.
	Account              string
	CreatedAt, ExpiresAt time.Time
}

// Known reports whether somebody is signed in.
func (s Session) Known() bool { return s.ID != "" }

// Actor is the name in audit rows and the owner of idempotency keys: the same person in another session is the same.
func (s Session) Actor() string { return "citizen:" + s.IIN }

// Challenge makes bytes to sign in with and the token that binds them to one browser. Whoever makes a person sign a
// challenge of his own (login CSRF) lacks the victim's token; whoever replays a signature finds the challenge used up.
// address is the public address of the gateway: it stands in the text, so that a signature given to another site is of
// no use here.
func (s *Store) Challenge(ctx context.Context, address string) (token string, document []byte, err error) {
	token, hash, err := s.newSecret()
	if err != nil {
		return "", nil, err
	}
	var nonce [16]byte
	if _, err := io.ReadFull(s.cfg.Rand, nonce[:]); err != nil {
		return "", nil, fmt.Errorf("couldn't draw a nonce: %w", err)
	}
	until := s.cfg.Now().UTC().Truncate(time.Second).Add(challengeLife)
	document = []byte(strings.Join([]string{
		"qaqpa: кіру · вход · sign-in",
		address,
		"Бұл — төлем емес, тек кіру. Это вход, а не платёж. This signs you in and pays nothing.",
		"nonce " + hex.EncodeToString(nonce[:]),
		"until " + until.Format(time.RFC3339),
		"",
	}, "\n"))
	return token, document, s.insertChallenge(ctx, hash, document, until)
}

// PendingChallenge returns the bytes of a challenge that was not used yet, or [ErrNoChallenge].
func (s *Store) PendingChallenge(ctx context.Context, token string) ([]byte, error) {
	hash, ok := hashSecret(token)
	if !ok {
		return nil, ErrNoChallenge
	}
	return s.selectChallenge(ctx, hash, s.cfg.Now())
}

// SignIn uses a challenge up and begins a session of the person who has shown in that way who he is: by a signature over
// it that was verified, or by a code that was bound to its token. Every sign-in has a token of its own, made here: one that
// an attacker planted before (session fixation) never becomes a session. from is the visitor's address. Errors: [ErrNoChallenge].
func (s *Store) SignIn(ctx context.Context, challenge string, who Person, way Way, from string) (token string, out Session, err error) {
	used, ok := hashSecret(challenge)
	if !ok {
		return "", Session{}, ErrNoChallenge
	}
	out = Session{Person: who, Way: way, BoundTo: from}
	return s.begin(ctx, out, func(ctx context.Context, tx *sqlx.Tx, now time.Time) error { return useChallenge(ctx, tx, used, now) })
}

// begin stores a session in the transaction in which prove uses up what the person has shown.
func (s *Store) begin(ctx context.Context, in Session, prove func(context.Context, *sqlx.Tx, time.Time) error) (string, Session, error) {
	if in.IIN == "" || s.cfg.Audit == nil {
		return "", Session{}, errors.New("a session is a person's, and is noted in the audit log")
	}
	token, hash, err := s.newSecret()
	if err != nil {
		return "", Session{}, err
	}
	in.ID, in.CreatedAt = "ses_"+hex.EncodeToString(hash[:8]), s.cfg.Now().UTC().Truncate(time.Microsecond)
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if err := prove(ctx, tx, in.CreatedAt); err != nil {
			return err
		}
		operates, err := operates(ctx, tx, in)
		if err != nil {
			return err
		}
		if err := rememberName(ctx, tx, in); err != nil {
			return err
		}
		life, idle := sessionLife, sessionIdle
		if operates || in.Way != ByEDS {
			life, idle = shortLife, shortIdle
		}
		if !operates {
			in.BoundTo = "" // citizens walk from one network to another
		}
		in.ExpiresAt = in.CreatedAt.Add(life)
		return s.insertSession(ctx, tx, hash, in, idle)
	})
	if err != nil {
		return "", Session{}, err
	}
	return token, in, nil
}

// Session returns whose token this is, or [ErrNoSession]: after its life, after a pause without a request, or from another
// address than that to which it is bound, which ends it.
func (s *Store) Session(ctx context.Context, token, from string) (Session, error) {
	hash, ok := hashSecret(token)
	if !ok {
		return Session{}, ErrNoSession
	}
	out, err := s.selectSession(ctx, hash, s.cfg.Now().UTC())
	// The attack: a cookie that was copied off an operator's machine is used elsewhere.
	if err == nil && out.BoundTo != "" && out.BoundTo != from {
		return Session{}, errors.Join(ErrNoSession, s.deleteSession(ctx, hash))
	}
	return out, err
}

// EndSession signs out. Ending what has ended already changes nothing.
func (s *Store) EndSession(ctx context.Context, token string) error {
	hash, ok := hashSecret(token)
	if !ok {
		return nil
	}
	return s.deleteSession(ctx, hash)
}

func (s *Store) newSecret() (token string, hash []byte, err error) {
	var secret [secretBytes]byte
	if _, err := io.ReadFull(s.cfg.Rand, secret[:]); err != nil {
		return "", nil, fmt.Errorf("couldn't draw a token: %w", err)
	}
	token = hex.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(token))
	return token, sum[:], nil
}

// hashSecret is what the database knows of a token. Look-up by hash needs no constant time: the time of an index
// tells something of the hash, which does not help to find a token.
func hashSecret(token string) ([]byte, bool) {
	if len(token) != 2*secretBytes {
		return nil, false
	}
	sum := sha256.Sum256([]byte(token))
	return sum[:], true
}
