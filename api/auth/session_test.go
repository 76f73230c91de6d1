package auth

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// here is the address of the test's visitors.
const here = "203.0.113.7"

func visitor() Person {
	return Person{IIN: "850101300019", Name: "ӘЛІ", Kind: "person", Roles: []string{"a", "b"}, CertificateSHA256: "ff"}
}

func (b *bundle) challenge(t *testing.T) string {
	t.Helper()
	token, document, err := b.Challenge(t.Context(), "https://pay.example.kz")
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.PendingChallenge(t.Context(), token)
	if err != nil || string(again) != string(document) || !strings.Contains(string(document), "https://pay.example.kz") {
		t.Fatalf("%q %v", again, err)
	}
	return token
}

func (b *bundle) signIn(t *testing.T) (string, Session) {
	t.Helper()
	token, s, err := b.SignIn(t.Context(), b.challenge(t), visitor(), ByEDS, here)
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

func (b *bundle) gone(t *testing.T, token string) {
	t.Helper()
	if s, err := b.Session(t.Context(), token, here); !errors.Is(err, ErrNoSession) || s.Known() {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestSignInAndOut(t *testing.T) {
	b := setup(t)
	token, made := b.signIn(t)
	got, err := b.Session(t.Context(), token, here)
	if err != nil || !got.Known() {
		t.Fatalf("%+v %v", got, err)
	}
	if diff := cmp.Diff(made, got); diff != "" {
		t.Error(diff)
	}
	if want := "citizen:850101300019 session.begun 850101300019"; b.audit.entries[len(b.audit.entries)-1] != want {
		t.Errorf("audit is %q", b.audit.entries)
	}
	if err := b.EndSession(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	b.gone(t, token)
	if err := b.EndSession(t.Context(), token); err != nil {
		t.Error(err)
	}
}

// The attack: a session id that was planted, guessed or cut is tried.
func TestOnlyIssuedTokensAreSessions(t *testing.T) {
	b := setup(t)
	challenge := b.challenge(t)
	token, _ := b.signIn(t)
	for _, planted := range []string{"", "x", challenge, token[:len(token)-1], token + "0", strings.Repeat("0", 64), strings.ToUpper(token)} {
		b.gone(t, planted)
	}
}

// The attack: a signature over a challenge is replayed, or used late, or by two at once.
func TestChallengeServesOnce(t *testing.T) {
	b := setup(t)
	challenge := b.challenge(t)
	if _, _, err := b.SignIn(t.Context(), challenge, visitor(), ByEDS, here); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{challenge, "", strings.Repeat("0", 64)} {
		if _, _, err := b.SignIn(t.Context(), c, visitor(), ByEDS, here); !errors.Is(err, ErrNoChallenge) {
			t.Errorf("got %v", err)
		}
		if _, err := b.PendingChallenge(t.Context(), c); !errors.Is(err, ErrNoChallenge) {
			t.Errorf("got %v", err)
		}
	}
	late := b.challenge(t)
	b.now = b.now.Add(challengeLife)
	if _, _, err := b.SignIn(t.Context(), late, visitor(), ByEDS, here); !errors.Is(err, ErrNoChallenge) {
		t.Errorf("got %v", err)
	}
	raced := b.challenge(t)
	var wg sync.WaitGroup
	results := make([]error, 4)
	store := *b.Store
	store.cfg.Audit = &audit{} // the bundle's is not for several at once, and one only gets so far
	for i := range results {
		wg.Go(func() { _, _, results[i] = store.SignIn(t.Context(), raced, visitor(), ByEDS, here) })
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrNoChallenge) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d sign-ins with one challenge", won)
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	b := setup(t)
	idle, _ := b.signIn(t)
	b.now = b.now.Add(sessionIdle)
	b.gone(t, idle)
	busy, _ := b.signIn(t)
	for range int(sessionLife/(sessionIdle/2)) - 1 {
		b.now = b.now.Add(sessionIdle / 2)
		if _, err := b.Session(t.Context(), busy, here); err != nil {
			t.Fatal(err)
		}
	}
	b.now = b.now.Add(sessionIdle / 2)
	b.gone(t, busy)
	b.now = b.now.Add(time.Hour)
	b.challenge(t) // clears away
	var left int
	if err := b.db.GetContext(t.Context(), &left, `SELECT count(*) FROM session`); err != nil || left != 0 {
		t.Errorf("%d old sessions are kept, %v", left, err)
	}
}
