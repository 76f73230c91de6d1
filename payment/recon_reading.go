package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"qaqpa/payment/statement"
)

// headBytes is how much of a file is looked at for whose table it is.
const headBytes = 16 << 10

// readings are what is particular about files, by account.
type readings map[string]statement.Reading

// readings of a bank's accounts, or of all.
func (s *Service) readings(ctx context.Context, bank string) (readings, error) {
	var rows []struct {
		Account string `db:"account"`
		Reading string `db:"reading"`
	}
	if err := all(ctx, s.db, &rows, `SELECT account, reading FROM bank_accounts WHERE reading <> '' AND ($1 = '' OR bank_bic = $1)`, bank); err != nil {
		return nil, err
	}
	out := readings{}
	for _, row := range rows {
		var r statement.Reading
		if err := json.Unmarshal([]byte(row.Reading), &r); err != nil {
			return nil, fmt.Errorf("couldn't read how files of %s are read: %w", row.Account, err)
		}
		out[row.Account] = r
	}
	return out, nil
}

// ofTable finds whose table a file is by its columns, when it is in no format that is known by its content. A table that fits several
// accounts is refused: whose money it is about would be a guess.
func (r readings) ofTable(body io.ReadSeeker) (statement.Options, error) {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return statement.Options{}, fmt.Errorf("couldn't read the file from its beginning: %w", err)
	}
	head := make([]byte, headBytes)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return statement.Options{}, fmt.Errorf("couldn't read the file: %w", err)
	}
	var options statement.Options
	if _, err := statement.Detect(head[:n]); err == nil {
		return options, nil
	}
	for _, reading := range r {
		if reading.Table == nil || !reading.Table.Fits(head[:n]) {
			continue
		}
		if options.Mapping != nil {
			return options, ErrStatementUnreadable.with("the table has the columns of several accounts' tables").of(reasonColumns, "")
		}
		options = reading.Options()
	}
	return options, nil
}
