package payment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/order"
	"qaqpa/testenv/postgres"
)

// pair is a primary with a synchronous standby, and a pool that finds whichever takes writes.
func pair(t *testing.T) (primary, standby *postgres.Server, db *sqlx.DB) {
	t.Helper()
	dir, err := os.MkdirTemp("", "qaqpa-pair-") //nolint:usetesting // PostgreSQL's user may not pass through the folders of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if primary, err = postgres.Start(t.Context(), postgres.Config{Dir: dir + "/a", Durable: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = primary.Stop() })
	if err := primary.EnsureDatabase(t.Context(), "pay"); err != nil {
		t.Fatal(err)
	}
	if standby, err = primary.Standby(t.Context(), postgres.Config{Dir: dir + "/b", Durable: true}, "b"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Stop() })
	dsn := fmt.Sprintf("host=%s,%s port=5432,5432 user=qaqpa dbname=pay sslmode=disable target_session_attrs=read-write", primary.SocketDir(), standby.SocketDir())
	if db, err = Connect(t.Context(), dsn, ConnectConfig{ReadTimeout: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, migrate := range []func(context.Context, *sqlx.DB) error{Migrate, migrateDiary} {
		if err := migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	return primary, standby, db
}

// The primary is killed while banks confirm. What was acknowledged stands on the standby; what was not is repeated and
// stands once; the gateway goes on by itself.
func TestFailoverLosesNothing(t *testing.T) {
	primary, standby, db := pair(t)
	b := setupOn(t, db)
	const payments, callers, before = 24, 4, 6
	messages := make(chan []byte, payments)
	for range payments {
		messages <- b.sentAndLost(citizenIIN)
	}
	close(messages)
	var mu sync.Mutex
	var acknowledged []string
	enough, failedOver := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() {
			for m := range messages {
				out := b.confirmed(m)
				mu.Lock()
				acknowledged = append(acknowledged, out.Order)
				n := len(acknowledged)
				mu.Unlock()
				if n == before {
					close(enough)
				}
				if n >= before+callers {
					<-failedOver // so that some are still to come afterwards
				}
			}
		})
	}
	<-enough
	b.must(primary.Kill())
	b.must(standby.Promote(t.Context()))
	close(failedOver)
	wait.Wait()
	if len(acknowledged) != payments {
		t.Errorf("%d of %d payments were acknowledged", len(acknowledged), payments)
	}
	for _, id := range acknowledged {
		if state := b.state(id); state != order.Executed {
			t.Errorf("%s was acknowledged and is %s", id, state)
		}
	}
	if report := b.check(); report.Leaves != payments {
		t.Errorf("%d leaves for %d payments", report.Leaves, payments)
	}
	b.agree()
}

// confirmed sends a message until there is a definite answer, as a bank does.
func (b *bundle) confirmed(message []byte) Confirmation {
	for {
		ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Second)
		out, err := b.Confirm(ctx, testBIC, message)
		cancel()
		if err == nil || b.t.Context().Err() != nil {
			return out
		}
		var refused *Error
		if errors.As(err, &refused) && refused.Kind != KindUnavailable {
			b.t.Errorf("refused: %v", err)
			return out
		}
		time.Sleep(20 * time.Millisecond)
	}
}
