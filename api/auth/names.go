package auth

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// personMark stands in an actor between the name under which somebody acts and the right that says which person it was.
const personMark = "/"

// Actor is the name of a member in what he does for an agency, a bank or the operator: the name that programs and the command line of the
// same subject have, and which of its people it was. What needs two people compares the first half alone, so that one subject stays one,
// whoever holds its key.
func (m Member) Actor() string { return string(m.Kind) + ":" + m.Subject + personMark + m.ID }

// Known is a person behind an actor.
type Known struct {
	// Name as the certificate or the account says.
	Name string
	// Subject for which the person acted; empty when the actor is the person himself.
	Subject string
}

// maxNames bounds how many actors are looked up at once.
const maxNames = 1000

// NamesOf says which people of agencies, banks and the operator the actors are; who is none of them is left out, citizens above all. People
// of one subject who have the same name get the end of their right's id behind it, so that they can be told apart.
func (s *Store) NamesOf(ctx context.Context, actors []string) (map[string]Known, error) {
	out := make(map[string]Known)
	wanted := make(map[string][]string) // ids of rights and numbers of persons, to actors
	for _, a := range actors[:min(len(actors), maxNames)] {
		if _, id, ok := strings.Cut(a, personMark); ok {
			wanted[id] = append(wanted[id], a)
		} else if iin, ok := strings.CutPrefix(a, "citizen:"); ok {
			wanted[iin] = append(wanted[iin], a)
		}
	}
	if len(wanted) == 0 {
		return out, nil
	}
	keys := make([]string, 0, len(wanted))
	for k := range wanted {
		keys = append(keys, k)
	}
	var rows []struct {
		ID      string `db:"id"`
		IIN     string `db:"iin"`
		Subject string `db:"subject"`
		Name    string `db:"name"`
		Others  int    `db:"others"`
	}
	// The newest right last, so that its name holds.
	err := s.cfg.DB.SelectContext(ctx, &rows, `SELECT m.id, m.iin, m.subject, m.name,
		(SELECT count(*) FROM member o WHERE o.kind = m.kind AND o.subject = m.subject AND o.name = m.name AND o.iin <> m.iin) AS others
		FROM member m WHERE (m.id = ANY($1) OR m.iin = ANY($1)) AND m.name <> '' ORDER BY m.granted_at, m.id`, pq.Array(keys))
	if err != nil {
		return nil, fmt.Errorf("couldn't look up the names of people: %w", err)
	}
	for _, r := range rows {
		name := r.Name
		if r.Others > 0 {
			name += " …" + r.ID[max(len(r.ID)-4, 0):]
		}
		for _, a := range wanted[r.ID] {
			out[a] = Known{name, r.Subject}
		}
		for _, a := range wanted[r.IIN] {
			out[a] = Known{Name: name}
		}
	}
	return out, nil
}

// rememberName keeps the name of a person who signs in with the rights that the session opens. A certificate knows better than an account.
func rememberName(ctx context.Context, tx sqlx.ExecerContext, v Session) error {
	if v.BIN == "" || v.Name == "" || v.Way == ByCode {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE member SET name = $3 WHERE iin = $1 AND bin = $2 AND revoked_at IS NULL AND name <> $3 AND (name = '' OR $4 = 'eds')`,
		v.IIN, v.BIN, v.Name, v.Way)
	if err != nil {
		return fmt.Errorf("couldn't keep a name: %w", err)
	}
	return nil
}
