package payment

import (
	"testing"
	"time"

	"qaqpa/testenv/postgres"
)

// TestGoodbyeAfterTheLastContext: a connection whose last caller's context ended while it was idle closes without an error.
func TestGoodbyeAfterTheLastContext(t *testing.T) {
	db, err := Connect(t.Context(), postgres.DSNForTest(t, Migrate, migrateDiary), ConnectConfig{ReadTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(driver any) error {
		c, ok := driver.(*boundConn)
		if !ok {
			t.Fatalf("the connection is a %T", driver)
		}
		c.wire.mu.Lock()
		defer c.wire.mu.Unlock()
		c.wire.until = time.Now().Add(-time.Second)
		return c.wire.SetDeadline(c.wire.until)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestGoodbyeToADatabaseThatIsGone: the server went away while the connection was idle. The process still ends well.
func TestGoodbyeToADatabaseThatIsGone(t *testing.T) {
	db, err := Connect(t.Context(), postgres.DSNForTest(t, Migrate, migrateDiary), ConnectConfig{ReadTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(driver any) error {
		c, ok := driver.(*boundConn)
		if !ok {
			t.Fatalf("the connection is a %T", driver)
		}
		socket, ok := c.wire.Conn.(interface{ CloseWrite() error })
		if !ok {
			t.Fatalf("the socket is a %T", c.wire.Conn)
		}
		return socket.CloseWrite() // every write is a broken pipe from here on
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
