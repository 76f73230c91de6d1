package auth

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// slow is an audit log that does something before the transaction of an action goes on.
type slow struct {
	action string
	do     func()
}

// Append implements Auditor.
func (s slow) Append(_ context.Context, _ *sqlx.Tx, _, action, _ string, _ []byte) error {
	if action == s.action {
		s.do()
	}
	return nil
}

// blocked waits until a transaction waits for a lock.
func (b *bundle) blocked(t *testing.T) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := b.db.Get(&n, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`); err != nil || n > 0 {
			return
		}
	}
	t.Error("nobody waits")
}

// The attack: whose account is ended, or made anew, signs in or adds a passkey at that very moment, and stays.
func TestEndedWhileSigningIn(t *testing.T) {
	for name, end := range map[string]func(b *bundle, m Member) error{
		"ended": func(b *bundle, _ Member) error { return b.EndAccount(context.Background(), "aigul", "operator:test") },
		"invited": func(b *bundle, m Member) error {
			_, err := b.Invite(context.Background(), Account{Login: "aigul", Name: "A", Member: m.ID}, "operator:test")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			m, seed := b.enrolled(t)
			var wait sync.WaitGroup
			racing := *b.Store
			racing.cfg.Audit = slow{"session.begun", func() {
				wait.Go(func() {
					if err := end(b, m); err != nil {
						t.Error(err)
					}
				})
				b.blocked(t)
			}}
			token, _, err := racing.SignInByPassword(t.Context(), "aigul", secret, b.code(seed), here)
			if err != nil {
				t.Fatal(err)
			}
			wait.Wait()
			b.gone(t, token)
		})
	}
}

func TestPasskeysAtOnce(t *testing.T) {
	b := setup(t)
	b.enrolled(t)
	list, err := b.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store := *b.Store
	store.cfg.Audit = slow{}
	var wait sync.WaitGroup
	for i := range 2 * passkeysMax {
		wait.Go(func() {
			_ = store.AddPasskey(context.Background(), list[0], Passkey{ID: []byte{byte(i)}, Name: fmt.Sprint(i), Credential: "{}"})
		})
	}
	wait.Wait()
	if keys, err := b.PasskeysOf(t.Context(), "aigul"); err != nil || len(keys) != passkeysMax {
		t.Errorf("%d passkeys, %v", len(keys), err)
	}
	if err := b.EndAccount(t.Context(), "aigul", "operator:test"); err != nil {
		t.Fatal(err)
	}
	if err := b.AddPasskey(t.Context(), list[0], Passkey{ID: []byte("new"), Name: "n", Credential: "{}"}); err == nil {
		t.Error("an ended account gets a passkey")
	}
}
