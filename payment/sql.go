package payment

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// openDB makes a pool over a connector.
func openDB(connector driver.Connector) *sql.DB { return sql.OpenDB(connector) }

// joinClose closes c and adds what went wrong to err.
func joinClose(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
