package watch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
)

// Condition is something that is wrong now.
type Condition struct {
	// Kind is a word of ours, such as silent; Subject what it concerns, such as a BIC. Both together name it.
	Kind, Subject string
	// Detail is for people, as short as it can be; it may change while the condition lasts.
	Detail string
	Grave  bool
	// Since is when it began, when that is known; else it begins when it is first seen.
	Since time.Time
}

// Incident is a condition that was seen, from its beginning to its end, or an event.
type Incident struct {
	ID       string    `db:"id"`
	Kind     string    `db:"kind"`
	Subject  string    `db:"subject"`
	Detail   string    `db:"detail"`
	Grave    bool      `db:"grave"`
	OpenedAt time.Time `db:"opened_at"`
	SeenAt   time.Time `db:"seen_at"`
	// ClosedAt is nil while it lasts.
	ClosedAt *time.Time `db:"closed_at"`
	// Notes counts what people have written.
	Notes int `db:"notes"`
}

// NoteKind says what a note is.
type NoteKind string

// The kinds of notes.
const (
	// Measure is something that was done about the incident.
	Measure NoteKind = "measure"
	// Comment is anything else that is worth knowing.
	Comment NoteKind = "comment"
)

// Note is what a person wrote about an incident.
type Note struct {
	No    int       `db:"no"`
	Kind  NoteKind  `db:"kind"`
	Text  string    `db:"text"`
	Actor string    `db:"actor"`
	At    time.Time `db:"at"`
}

// Bounds of what is kept and told.
const (
	// Lapse is how long nobody may have seen a condition before it counts as over.
	Lapse = 45 * time.Second
	// reopen is how soon after its end the same condition is the same incident again, so that what comes and goes is one.
	reopen = 2 * time.Minute
	// latencyKept is how long minutes are kept.
	latencyKept = 48 * time.Hour
	// NoteMax is the longest note, in characters.
	NoteMax    = 2000
	notesMax   = 200 // of one incident
	listMax    = 50
	subjectMax = 200
	detailMax  = 400
	widthMin   = time.Minute
)

// Errors that a caller branches on.
var (
	// ErrNoIncident says that there is no such incident.
	ErrNoIncident = errors.New("no such incident")
	// ErrNote says that a note is empty, too long, of no known kind, or one too many.
	ErrNote = errors.New("a note has 1 to 2000 characters, and an incident 200 of them")
)

// Auditor writes an audit row in the transaction of a note.
type Auditor interface {
	Append(ctx context.Context, tx *sqlx.Tx, actor, action, subject string, detail []byte) error
}

// Config says what a Store needs. All of it is obligatory.
type Config struct {
	// DB is the database that [Migrate] has prepared.
	DB *sqlx.DB
	// Audit records notes.
	Audit Auditor
	// Now is the clock.
	Now func() time.Time
}

// Store keeps incidents and times. Safe for concurrent use, also by several processes.
type Store struct{ cfg Config }

// New makes a Store. It does no I/O.
func New(cfg Config) (*Store, error) {
	if cfg.DB == nil || cfg.Audit == nil || cfg.Now == nil {
		return nil, errors.New("watch needs a database, an audit log and a clock")
	}
	return &Store{cfg}, nil
}

// Sighting is a condition with the first and the last time that it was seen.
type Sighting struct {
	Condition

	First, Last time.Time
}

// Tell stores what was seen and closes what nobody has seen for [Lapse]. One that cannot be stored keeps none of the others from it.
func (s *Store) Tell(ctx context.Context, seen []Sighting) error {
	var failed error
	for _, x := range seen {
		failed = errors.Join(failed, s.tell(ctx, x))
	}
	_, err := s.cfg.DB.ExecContext(ctx, `UPDATE incidents SET closed_at = seen_at WHERE closed_at IS NULL AND seen_at < $1`, s.cfg.Now().UTC().Add(-Lapse))
	if err != nil {
		return errors.Join(failed, fmt.Errorf("couldn't close incidents: %w", err))
	}
	return failed
}

// nameless is the subject of what has no name, such as an authority whose certificate has no subject.
const nameless = "—"

// tell prolongs the incident of a condition, or begins one. Two processes that begin it at once make one: the index says so.
func (s *Store) tell(ctx context.Context, x Sighting) error {
	x.Subject, x.Detail = cmp.Or(clip(x.Subject, subjectMax), nameless), clip(x.Detail, detailMax)
	done, err := s.cfg.DB.ExecContext(ctx, `
		UPDATE incidents SET seen_at = greatest(seen_at, $3), detail = $4, grave = grave OR $5, closed_at = NULL
		WHERE id = (SELECT id FROM incidents WHERE kind = $1 AND subject = $2 AND (closed_at IS NULL OR seen_at >= $6)
			ORDER BY closed_at IS NOT NULL, opened_at DESC LIMIT 1)`,
		x.Kind, x.Subject, x.Last.UTC(), x.Detail, x.Grave, x.First.UTC().Add(-reopen))
	if err != nil {
		return fmt.Errorf("couldn't prolong an incident: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 {
		return err //nolint:wrapcheck // the driver never fails here
	}
	first := x.First
	if !x.Since.IsZero() && x.Since.Before(first) {
		first = x.Since
	}
	return s.insert(ctx, x.Condition, first, x.Last, nil)
}

func (s *Store) insert(ctx context.Context, c Condition, first, last time.Time, closed *time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("couldn't make an id: %w", err)
	}
	_, err = s.cfg.DB.ExecContext(ctx, `
		INSERT INTO incidents (id, kind, subject, detail, grave, opened_at, seen_at, closed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT DO NOTHING`, "inc_"+strings.ReplaceAll(id.String(), "-", ""), c.Kind, c.Subject, c.Detail, c.Grave, first.UTC(), last.UTC(), closed)
	if err != nil {
		return fmt.Errorf("couldn't store an incident: %w", err)
	}
	return nil
}

// Happened stores an event: an incident that is over as soon as it is known.
func (s *Store) Happened(ctx context.Context, c Condition) error {
	at := s.cfg.Now().UTC()
	return s.insert(ctx, c, at, at, &at)
}

// Mark remembers the value of something and tells the value before, when it is another one; empty: it is the same, or the first.
// Of several processes one is told.
func (s *Store) Mark(ctx context.Context, name, value string) (before string, err error) {
	if _, err := s.cfg.DB.ExecContext(ctx, `INSERT INTO watch_marks (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, value); err != nil {
		return "", fmt.Errorf("couldn't store a mark: %w", err)
	}
	var was []string
	err = s.cfg.DB.SelectContext(ctx, &was, `
		UPDATE watch_marks m SET value = $2 FROM (SELECT name, value FROM watch_marks WHERE name = $1 FOR UPDATE) old
		WHERE m.name = old.name AND old.value <> $2 RETURNING old.value`, name, value)
	if err != nil {
		return "", fmt.Errorf("couldn't change a mark: %w", err)
	}
	if len(was) == 0 {
		return "", nil
	}
	return was[0], nil
}

// Timeline names the database's line of history; it changes when another server takes over. Empty where the database has none, as
// databases that only speak like PostgreSQL.
func (s *Store) Timeline(ctx context.Context) (string, error) {
	var known []string
	if err := s.cfg.DB.SelectContext(ctx, &known, `SELECT 'x' FROM pg_catalog.pg_proc WHERE proname = 'pg_walfile_name' LIMIT 1`); err != nil {
		return "", fmt.Errorf("couldn't ask for the timeline: %w", err)
	}
	if len(known) == 0 {
		return "", nil
	}
	var line string
	if err := s.cfg.DB.GetContext(ctx, &line, `SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)`); err != nil {
		return "", fmt.Errorf("couldn't read the timeline: %w", err)
	}
	return line, nil
}

const incidentColumns = `i.id, i.kind, i.subject, i.detail, i.grave, i.opened_at, i.seen_at, i.closed_at,
	(SELECT count(*) FROM incident_notes n WHERE n.incident = i.id) AS notes`

// Incidents lists what went wrong: what lasts first, then the newest first. A page has 50; before is the id of the last one of the page
// before, of those that are over.
func (s *Store) Incidents(ctx context.Context, before string) (list []Incident, more bool, err error) {
	if before == "" {
		err = s.cfg.DB.SelectContext(ctx, &list, `SELECT `+incidentColumns+` FROM incidents i WHERE i.closed_at IS NULL ORDER BY i.opened_at DESC, i.id DESC LIMIT 200`)
		if err != nil {
			return nil, false, fmt.Errorf("couldn't list incidents: %w", err)
		}
	}
	var over []Incident
	err = s.cfg.DB.SelectContext(ctx, &over, `SELECT `+incidentColumns+` FROM incidents i WHERE i.closed_at IS NOT NULL
		AND ($1 = '' OR (i.opened_at, i.id) < (SELECT b.opened_at, b.id FROM incidents b WHERE b.id = $1)) ORDER BY i.opened_at DESC, i.id DESC LIMIT $2`, before, listMax+1)
	if err != nil {
		return nil, false, fmt.Errorf("couldn't list incidents: %w", err)
	}
	more = len(over) > listMax
	return append(list, over[:min(len(over), listMax)]...), more, nil
}

// Incident returns one with its notes, the oldest first. Error: [ErrNoIncident].
func (s *Store) Incident(ctx context.Context, id string) (Incident, []Note, error) {
	var found []Incident
	if err := s.cfg.DB.SelectContext(ctx, &found, `SELECT `+incidentColumns+` FROM incidents i WHERE i.id = $1`, id); err != nil {
		return Incident{}, nil, fmt.Errorf("couldn't read an incident: %w", err)
	}
	if len(found) == 0 {
		return Incident{}, nil, ErrNoIncident
	}
	var notes []Note
	if err := s.cfg.DB.SelectContext(ctx, &notes, `SELECT no, kind, text, actor, at FROM incident_notes WHERE incident = $1 ORDER BY no`, id); err != nil {
		return Incident{}, nil, fmt.Errorf("couldn't read the notes of an incident: %w", err)
	}
	return found[0], notes, nil
}

// AddNote writes down what a person did or says; n.No is the number that the writer expects it to get, so that the same form twice is one
// note, and of two people who write at once the second one looks again. Errors: [ErrNoIncident], [ErrNote].
func (s *Store) AddNote(ctx context.Context, id string, n Note) (err error) {
	n.Text = strings.TrimSpace(n.Text)
	if n.Text == "" || utf8.RuneCountInString(n.Text) > NoteMax || (n.Kind != Measure && n.Kind != Comment) || n.Actor == "" || n.No < 1 || n.No > notesMax {
		return ErrNote
	}
	tx, err := s.cfg.DB.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var locked []string
	if err := tx.SelectContext(ctx, &locked, `SELECT id FROM incidents WHERE id = $1 FOR UPDATE`, id); err != nil {
		return fmt.Errorf("couldn't lock an incident: %w", err)
	}
	if len(locked) == 0 {
		return ErrNoIncident
	}
	var count int // counted after the lock, so that who waited sees what the other one wrote
	if err := tx.GetContext(ctx, &count, `SELECT count(*) FROM incident_notes WHERE incident = $1`, id); err != nil {
		return fmt.Errorf("couldn't count the notes of an incident: %w", err)
	}
	if n.No != count+1 {
		return s.repeated(ctx, tx, id, n)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO incident_notes (incident, no, kind, text, actor, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, n.No, n.Kind, n.Text, n.Actor, s.cfg.Now().UTC()); err != nil {
		return fmt.Errorf("couldn't store a note: %w", err)
	}
	detail, err := json.Marshal(map[string]any{"no": n.No, "kind": n.Kind, "text": n.Text})
	if err != nil {
		return fmt.Errorf("couldn't describe a note: %w", err)
	}
	if err := s.cfg.Audit.Append(ctx, tx, n.Actor, "incident.noted", id, detail); err != nil {
		return fmt.Errorf("couldn't record a note: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit: %w", err)
	}
	return nil
}

// ErrNoteStale says that somebody else wrote a note meanwhile.
var ErrNoteStale = errors.New("somebody else wrote a note meanwhile")

// repeated is nil when the note with this number is this very note.
func (s *Store) repeated(ctx context.Context, tx *sqlx.Tx, id string, n Note) error {
	var same int
	if err := tx.GetContext(ctx, &same, `SELECT count(*) FROM incident_notes WHERE incident = $1 AND no = $2 AND kind = $3 AND text = $4 AND actor = $5`,
		id, n.No, n.Kind, n.Text, n.Actor); err != nil {
		return fmt.Errorf("couldn't look for a note: %w", err)
	}
	if same == 1 {
		return nil
	}
	return ErrNoteStale
}

func clip(text string, most int) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}
