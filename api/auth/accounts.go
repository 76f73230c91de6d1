package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"qaqpa/api/auth/password"
	"qaqpa/api/auth/totp"

	"github.com/jmoiron/sqlx"
)

// An Account lets one of the operator's people sign in by password and a second factor, where no key of an EDS is at hand.
type Account struct {
	Login  string `db:"login"`
	Name   string `db:"name"`
	Member string `db:"member"` // the right under which the person acts
	// State is invited, active or ended.
	State     string    `db:"state"`
	Failures  int       `db:"failures"` // since the last sign-in
	CreatedAt time.Time `db:"created_at"`
	IIN       string    `db:"iin"`
	BIN       string    `db:"bin"`
}

// The refusals of accounts.
var (
	// ErrSignIn says no more than that name, password or code are wrong, or that the account pauses: who tries to get in
	// learns nothing of which it was.
	ErrSignIn = errors.New("name, password or code are wrong, or the account pauses after failures")
	// ErrInvitation says that an invitation is unknown, used or too old.
	ErrInvitation = errors.New("no such invitation, or it has ended")
	// ErrAccount says that an account cannot be made or changed so.
	ErrAccount = errors.New("an account has a login of 3 to 32 letters, digits, . _ or -, a name, and a right at the operator")
)

const (
	inviteLife = 24 * time.Hour
	// Failures that cost nothing, and how long the account pauses after the next one; each further failure doubles it.
	failuresFree = 3
	pauseFirst   = 30 * time.Second
	pauseMax     = time.Hour
	// stretchesAtOnce bounds the memory of passwords that are tried at the same time.
	stretchesAtOnce = 2
)

// Invite makes an account, or makes an old one anew after its phone was lost, and returns the code with which its owner chooses
// a password within a day. Whoever holds the old password can do nothing with it from then on. Errors: [ErrAccount].
func (s *Store) Invite(ctx context.Context, in Account, actor string) (code string, err error) {
	in.Login, in.Name = strings.ToLower(strings.TrimSpace(in.Login)), strings.TrimSpace(in.Name)
	if !loginPlain(in.Login) || in.Name == "" || utf8.RuneCountInString(in.Name) > 100 || in.Member == "" || actor == "" || s.cfg.Audit == nil {
		return "", ErrAccount
	}
	const codeBytes = 15 // 24 characters, no padding
	raw := make([]byte, codeBytes)
	if _, err := io.ReadFull(s.cfg.Rand, raw); err != nil {
		return "", fmt.Errorf("couldn't draw an invitation: %w", err)
	}
	code = inviteText(raw)
	hash := sha256.Sum256([]byte(inviteKey(code)))
	return code, s.insertAccount(ctx, in, hash[:], actor)
}

// Enrol takes the password that an invited person has chosen and returns the seed of his second factor, which is shown once. The
// invitation is used up by it. Errors: [ErrInvitation], [password.ErrLength], [password.ErrPlain].
func (s *Store) Enrol(ctx context.Context, login, code, chosen string) (seed []byte, err error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if err := password.Check(chosen, login); err != nil {
		return nil, err
	}
	if seed, err = totp.NewSecret(s.cfg.Rand); err != nil {
		return nil, err
	}
	release, err := s.stretching(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	kept, err := password.Keep(s.cfg.Rand, chosen, seed)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(inviteKey(code)))
	return seed, s.enrolAccount(ctx, login, hash[:], kept, s.cfg.Now().UTC())
}

// SignInByPassword begins a session of whoever knows the password and the code of this half minute. Each code serves once.
// Errors: [ErrSignIn].
func (s *Store) SignInByPassword(ctx context.Context, login, secret, code, from string) (string, Session, error) {
	account, seed, err := s.tryPassword(ctx, login, secret)
	if err != nil {
		return "", Session{}, err
	}
	step, ok := totp.Matches(seed, code, s.cfg.Now())
	if !ok {
		return "", Session{}, ErrSignIn
	}
	return s.begin(ctx, account.session(from), func(ctx context.Context, tx *sqlx.Tx, _ time.Time) error {
		return takeStep(ctx, tx, account.Login, step)
	})
}

// session is what an account's session begins with.
func (a Account) session(from string) Session {
	return Session{Person: Person{IIN: a.IIN, BIN: a.BIN, Name: a.Name, Kind: "operator"}, Way: ByPassword, BoundTo: from, Account: a.Login}
}

// tryPassword counts a failure, which only a session that begins takes back, and then compares: many guesses at once are
// counted, too. A name that does not exist and an account that pauses cost as much time as a wrong password.
func (s *Store) tryPassword(ctx context.Context, login, secret string) (Account, []byte, error) {
	release, err := s.stretching(ctx)
	if err != nil {
		return Account{}, nil, err
	}
	defer release()
	account, kept, err := s.countFailure(ctx, strings.ToLower(strings.TrimSpace(login)))
	if errors.Is(err, ErrSignIn) {
		password.Waste(secret)
	}
	if err != nil {
		return Account{}, nil, err
	}
	seed, ok := password.Open(kept, secret)
	if !ok {
		return Account{}, nil, ErrSignIn
	}
	return account, seed, nil
}

// stretching waits for one of the few turns to stretch a password.
func (s *Store) stretching(ctx context.Context) (release func(), err error) {
	select {
	case s.stretches <- struct{}{}:
		return func() { <-s.stretches }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("couldn't get a turn to try a password: %w", ctx.Err())
	}
}

// pauseAfter is how long an account pauses after so many failures in a row.
func pauseAfter(failures int) time.Duration {
	if failures < failuresFree {
		return 0
	}
	const doublings = 7 // 30 s · 2^7 is more than an hour
	return min(pauseFirst<<min(failures-failuresFree, doublings), pauseMax)
}

// EndAccount ends an account and all its sessions. Errors: [ErrAccount].
func (s *Store) EndAccount(ctx context.Context, login, actor string) error {
	if actor == "" || s.cfg.Audit == nil {
		return errors.New("an account is ended by an actor and noted in the audit log")
	}
	return s.endAccount(ctx, login, actor)
}

func loginPlain(login string) bool {
	const lenMin, lenMax = 3, 32
	return len(login) >= lenMin && len(login) <= lenMax && strings.Trim(login, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// inviteText writes an invitation in groups that people can read to each other.
func inviteText(raw []byte) string {
	return strings.ToLower(strings.ReplaceAll(totp.Text(raw), " ", "-"))
}

// inviteKey is an invitation as it was meant, however it was typed.
func inviteKey(code string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(code, func(c rune) bool { return c == '-' || c == ' ' }), ""))
}

func accountDetail(a Account) ([]byte, error) {
	detail, err := json.Marshal(map[string]string{"login": a.Login, "member": a.Member})
	if err != nil {
		return nil, fmt.Errorf("couldn't describe an account: %w", err)
	}
	return detail, nil
}
