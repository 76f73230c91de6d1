package payment

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// notesOf lists what happened to an exception, the oldest first.
func notesOf(ctx context.Context, q sqlx.QueryerContext, k exceptionKey) ([]ExceptionNote, error) {
	var rows []struct {
		Version  int       `db:"version"`
		Event    string    `db:"event"`
		Actor    string    `db:"actor"`
		Comment  string    `db:"comment"`
		FileName string    `db:"file_name"`
		At       time.Time `db:"at"`
	}
	err := all(ctx, q, &rows, `SELECT version, event, actor, comment, file_name, at FROM recon_notes
		WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND missing = $5 ORDER BY version`, k.Bucket, k.Statement, k.No, k.Part, k.Missing)
	notes := []ExceptionNote{}
	for _, n := range rows {
		n.At = n.At.UTC()
		notes = append(notes, ExceptionNote(n))
	}
	return notes, err
}

// save stores the exception and notes what happened.
func (x *acting) save(ctx context.Context, a ExceptionAction) error {
	r := x.row
	r.Version++
	if err := exec(ctx, x.tx, 1, `
		UPDATE recon_exceptions SET state = $6, owner = $7, version = $8, proposal = $9, proposed_by = $10, resolution = $11, posting_id = $12, answer_by = $13, changed_at = $14
		WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND missing = $5`,
		r.Bucket, r.Statement, r.No, r.Part, r.Missing, r.State, r.Owner, r.Version, r.Proposal, r.ProposedBy, r.Resolution, r.Posting, r.AnswerBy, x.now); err != nil {
		return err
	}
	clean := func(text string) string { return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "") }
	var file any
	if len(a.File) > 0 {
		file = a.File
	}
	return exec(ctx, x.tx, 1, `
		INSERT INTO recon_notes (bucket, statement, no, part, missing, version, event, actor, comment, file_name, file, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.Bucket, r.Statement, r.No, r.Part, r.Missing, r.Version, a.Action, x.actor, clean(a.Comment), clean(a.FileName), file, x.now)
}

// errNoFile says that a note has no file.
var errNoFile = errors.New("the note has no file")

// ExceptionFile returns the file that was kept with a note. Errors: [ErrExceptionUnknown].
func (s *Service) ExceptionFile(ctx context.Context, id string, version int) (name string, file []byte, err error) {
	k, ok := parseExceptionID(id)
	if !ok {
		return "", nil, ErrExceptionUnknown
	}
	var row struct {
		Name string `db:"file_name"`
		File []byte `db:"file"`
	}
	err = one(ctx, s.db, &row, `SELECT file_name, file FROM recon_notes WHERE bucket = $1 AND statement = $2 AND no = $3 AND part = $4 AND missing = $5 AND version = $6 AND file IS NOT NULL`,
		k.Bucket, k.Statement, k.No, k.Part, k.Missing, version)
	return row.Name, row.File, orMissing(err, ErrExceptionUnknown.because(errNoFile))
}
