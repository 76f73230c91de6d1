package payment

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/ledger"
)

// sealedColumn is a column that holds personal data. keys name its row within the bucket; joined by a slash they are its place.
type sealedColumn struct {
	table, column string
	keys          []string
	kind          columnKind
	// of narrows the rows, "" for all.
	of string
}

type columnKind int

const (
	kindNumber columnKind = iota + 1
	kindText
	kindBytes
	// kindCaller is a caller of idempotency keys, in which a number may stand.
	kindCaller
)

// sealedColumns lists what is sealed, in the order in which stored rows are gone over. phones is bound to the number of its
// person and not to its form, so that a new form leaves it readable.
func sealedColumns() []sealedColumn {
	id, order := []string{"id"}, []string{"order_id", "number"}
	return []sealedColumn{
		{"debts", "payer_id", id, kindNumber, ""},
		{"debts", "payer_name", id, kindText, ""},
		{"orders", "payer_id", id, kindNumber, ""},
		{"orders", "payer_name", id, kindText, ""},
		{"orders", "document", id, kindBytes, ""},
		{"authorisations", "signer", order, kindNumber, ""},
		{"authorisations", "signature", order, kindBytes, ""},
		{"attempts", "message", id, kindBytes, ""},
		{"bank_files", "content", id, kindBytes, ""},
		{"bank_files", "sealed", id, kindBytes, ""},
		{"receipts", "core", id, kindBytes, ""},
		{"receipts", "core_seal", id, kindBytes, ""},
		{"receipts", "pdf", id, kindBytes, ""},
		{"receipts", "pdf_seal", id, kindBytes, ""},
		{"receipt_pages", "pdf", []string{"receipt_id", "language"}, kindBytes, ""},
		{"receipt_pages", "pdf_seal", []string{"receipt_id", "language"}, kindBytes, ""},
		{"outbox", "payload", []string{"order_id", "debt_id"}, kindBytes, "subject = ''"},
		{"idempotency", "caller", []string{"caller", "key"}, kindCaller, ""},
		{"idempotency", "response", []string{"caller", "key"}, kindBytes, ""},
		{"phones", "phone", []string{"payer_id"}, kindText, ""},
		{"phones", "payer_id", []string{"payer_id"}, kindNumber, ""},
		{"otp_challenges", "payer_id", id, kindNumber, ""},
		{"otp_challenges", "phone", id, kindText, ""},
		{"signing_rules", "payer_id", []string{"payer_id"}, kindNumber, ""},
		{"mandates", "payer_id", id, kindNumber, ""},
		{"mandates", "signer", id, kindNumber, ""},
		{"mandates", "document", id, kindBytes, ""},
		{"mandates", "signature", id, kindBytes, ""},
		{"bank_queries", "person_id", id, kindNumber, ""},
		{"bank_queries", "question", id, kindBytes, ""},
		{"bank_queries", "answer", id, kindBytes, ""},
		{"bank_queries", "said", id, kindBytes, ""},
		{"register_answers", "payer_id", []string{"payer_id", "agency_id"}, kindNumber, ""},
	}
}

// SealedRows says how many values of a column were sealed.
type SealedRows struct {
	Column string `json:"column"`
	Rows   int64  `json:"rows"`
}

// sealPage is how many rows one transaction seals.
const sealPage = 200

// SealStored seals personal data that were stored before their keys were there, or under keys that have been followed by others.
// It asks for what is not sealed by the present keys and seals it, a few rows to a transaction, so it may be stopped and run again
// at any time, and beside working gateways that have the keys. It needs the rights of the schema's owner: some of the tables are
// never changed by a gateway. progress, which may be nil, is told after each column.
func SealStored(ctx context.Context, db *sqlx.DB, secrets *Privacy, progress func(SealedRows)) error {
	p, err := newPrivacy(secrets)
	if err != nil {
		return err
	}
	if p == nil {
		return errors.New("payment: SealStored needs keys")
	}
	for _, column := range sealedColumns() {
		done := SealedRows{Column: column.table + "." + column.column}
		for bucket := range ledger.Buckets {
			n, err := p.sealColumn(ctx, db, column, bucket)
			if done.Rows += n; err != nil {
				return fmt.Errorf("couldn't seal %s after %d rows: %w", done.Column, done.Rows, err)
			}
		}
		if progress != nil {
			progress(done)
		}
	}
	return nil
}

// sealColumn seals one column in one bucket, page by page.
func (p *privacy) sealColumn(ctx context.Context, db *sqlx.DB, c sealedColumn, bucket int) (int64, error) {
	var total int64
	for {
		n, err := p.sealRows(ctx, db, c, bucket)
		if total += n; err != nil || n == 0 {
			return total, err
		}
	}
}

// stale is the condition that a value is not stored under the present key, with its argument.
func (p *privacy) stale(c sealedColumn) (condition, argument string) {
	switch c.kind {
	case kindNumber:
		return c.column + ` <> '' AND left(` + c.column + `, length($2)) <> $2`, p.payers[0].Prefix()
	case kindText:
		// The mark is shorter than what base64 takes at a time, so its letters are the first of every text.
		text := sealedText + base64.RawStdEncoding.EncodeToString([]byte(p.mark))[:textMarkLen]
		return c.column + ` <> '' AND left(` + c.column + `, length($2)) <> $2`, text
	case kindCaller:
		return `(` + c.column + ` ~ ':[0-9]{12}$' OR ` + c.column + ` LIKE '%:p1.%') AND position(':' || $2 IN ` + c.column + `) = 0`, p.payers[0].Prefix()
	case kindBytes:
	}
	return `length(` + c.column + `) > 0 AND substring(` + c.column + ` FROM 1 FOR 7) <> decode($2, 'base64')`,
		base64.StdEncoding.EncodeToString([]byte(p.mark))
}

// textMarkLen is how many letters of base64 depend on the mark alone: 7 bytes are 56 bits, 9 letters of 6.
const textMarkLen = 9

// storedValue is a row that is not sealed by the present key.
type storedValue struct {
	Keys  pq.StringArray `db:"keys"`
	Text  *string        `db:"text"`
	Bytes []byte         `db:"bytes"`
}

// sealRows seals one page. Whoever changes a row meanwhile waits for it, or it for him.
func (p *privacy) sealRows(ctx context.Context, db *sqlx.DB, c sealedColumn, bucket int) (int64, error) {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	condition, argument := p.stale(c)
	if c.of != "" {
		condition += " AND " + c.of
	}
	value := c.column + ` AS text, NULL::bytea AS bytes`
	if c.kind == kindBytes {
		value = `NULL::text AS text, ` + c.column + ` AS bytes`
	}
	var rows []storedValue
	if err := all(ctx, tx, &rows, `SELECT ARRAY[`+strings.Join(castToText(c.keys), ", ")+`] AS keys, `+value+` FROM `+c.table+
		` WHERE bucket = $1 AND `+condition+` LIMIT `+fmt.Sprint(sealPage)+` FOR UPDATE`, bucket, argument); err != nil {
		return 0, err
	}
	found := []string{"bucket = $1"}
	for i, key := range castToText(c.keys) {
		found = append(found, fmt.Sprintf("%s = $%d", key, i+3))
	}
	if c.of != "" {
		found = append(found, c.of)
	}
	where := strings.Join(found, " AND ")
	for _, row := range rows {
		next, err := p.resealed(ctx, c, row)
		if err != nil {
			return 0, err
		}
		args := []any{bucket, next}
		for _, key := range row.Keys {
			args = append(args, key)
		}
		if err := exec(ctx, tx, 1, `UPDATE `+c.table+` SET `+c.column+` = $2 WHERE `+where, args...); err != nil {
			return 0, err
		}
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("couldn't commit: %w", err)
	}
	return int64(len(rows)), nil
}

func castToText(keys []string) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		if list[i] = key; key == "number" {
			list[i] = "number::text"
		}
	}
	return list
}

// resealed opens a value by whatever key has sealed it and makes its present form.
func (p *privacy) resealed(ctx context.Context, c sealedColumn, row storedValue) (any, error) {
	keys := append([]string(nil), row.Keys...)
	var err error
	switch c.table {
	case "phones":
		keys[0], err = p.number(keys[0])
	case "idempotency":
		keys[0], err = p.clearCaller(keys[0])
	}
	if err != nil {
		return nil, err
	}
	at := place(c.table, c.column, strings.Join(keys, "/"))
	switch c.kind {
	case kindNumber:
		number, err := p.number(*row.Text)
		return p.payer(number), err
	case kindCaller:
		return p.caller(keys[0]), nil
	case kindText:
		plain, err := p.openText(ctx, *row.Text, at)
		if err != nil {
			return nil, err
		}
		return p.sealText(ctx, plain, at)
	case kindBytes:
	}
	plain, err := p.open(ctx, row.Bytes, at)
	if err != nil {
		return nil, err
	}
	return p.seal(ctx, plain, at)
}
