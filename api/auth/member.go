package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Role says what a member may do.
type Role string

// The roles.
const (
	// Viewer looks.
	Viewer Role = "viewer"
	// Editor also changes what belongs to the organisation.
	Editor Role = "editor"
	// Support is of the operator's contact centre: it may search for persons, each look with its reason.
	Support Role = "support"
)

// Member is the right of a person to act for an agency, a bank or the operator.
type Member struct {
	ID   string `db:"id"`
	Kind Kind   `db:"kind"`
	// Subject is the agency's id, the bank's BIC or the operator's name.
	Subject string `db:"subject"`
	// BIN is of the organisation in whose name the person's certificate has to be issued: when that certificate is
	// revoked because the person has left, the right ends with it.
	BIN       string     `db:"bin"`
	IIN       string     `db:"iin"`
	Role      Role       `db:"role"`
	GrantedBy string     `db:"granted_by"`
	GrantedAt time.Time  `db:"granted_at"`
	RevokedAt *time.Time `db:"revoked_at"`
	// Name of the person, as the certificate or the account said at the last sign-in; empty before the first.
	Name string `db:"name"`
}

// ErrMember says that the person has this right already, or that there is no such right to end.
var ErrMember = errors.New("the right is there already, or there is no such right")

// Grant gives a person a right; actor is who gives it. The row and its audit row are one transaction.
func (s *Store) Grant(ctx context.Context, in Member, actor string) (Member, error) {
	if actor == "" || s.cfg.Audit == nil {
		return Member{}, errors.New("a right is given by an actor and noted in the audit log")
	}
	if err := in.check(); err != nil {
		return Member{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Member{}, fmt.Errorf("couldn't make an id: %w", err)
	}
	in.ID, in.GrantedBy = "mbr_"+strings.ReplaceAll(id.String(), "-", ""), actor
	in.GrantedAt = s.cfg.Now().UTC().Truncate(time.Microsecond)
	detail, err := json.Marshal(map[string]string{"kind": string(in.Kind), "subject": in.Subject, "role": string(in.Role), "iin": in.IIN})
	if err != nil {
		return Member{}, fmt.Errorf("couldn't describe a right: %w", err)
	}
	return in, s.insertMember(ctx, in, detail)
}

func (m Member) check() error {
	switch {
	case m.Kind != Agency && m.Kind != Bank && m.Kind != Operator:
		return fmt.Errorf("people act for an agency, a bank or an operator, not for %q", m.Kind)
	case m.Role != Viewer && m.Role != Editor && m.Role != Support:
		return fmt.Errorf("%q is not a role: viewer, editor, support", m.Role)
	case m.Role == Support && m.Kind != Operator:
		return errors.New("support is a role of the operator")
	case len(m.IIN) != 12 || len(m.BIN) != 12 || m.Subject == "" || len(m.Subject) > 64:
		return errors.New("a right names the person by IIN, the organisation by BIN (12 digits each) and its subject")
	}
	return nil
}

// RevokeMember ends a right. Error: [ErrMember].
func (s *Store) RevokeMember(ctx context.Context, id, actor string) error {
	if actor == "" || s.cfg.Audit == nil {
		return errors.New("a right is ended by an actor and noted in the audit log")
	}
	return s.endMember(ctx, id, actor)
}

// Members lists the rights in force, at most 1000, by kind, subject and person.
func (s *Store) Members(ctx context.Context) ([]Member, error) {
	return s.selectMembers(ctx, `SELECT `+memberColumns+` FROM member WHERE revoked_at IS NULL ORDER BY kind, subject, iin LIMIT 1000`)
}

// MembershipsOf lists for whom the person of a session may act: what was granted to the IIN, and only with a certificate
// of the organisation that the grant names.
func (s *Store) MembershipsOf(ctx context.Context, v Session) ([]Member, error) {
	if !v.Known() || v.BIN == "" {
		return nil, nil
	}
	// A password shows nothing to agencies and banks: it is the operator's own.
	out, err := s.selectMembers(ctx, `SELECT `+memberColumns+` FROM member WHERE iin = $1 AND bin = $2 AND revoked_at IS NULL
		AND ($3 = 'eds' OR ($3 = 'password' AND kind = 'operator')) ORDER BY kind, subject`, v.IIN, v.BIN, v.Way)
	if err == nil && slices.ContainsFunc(out, func(m Member) bool { return m.Name == "" }) {
		err = rememberName(ctx, s.cfg.DB, v) // the right was given after the sign-in
	}
	return out, err
}

// Look is one look of an official at a person's data.
type Look struct {
	IIN          string    `db:"iin"`
	ID           string    `db:"id"`
	At           time.Time `db:"at"`
	Actor        string    `db:"actor"`
	Name         string    `db:"name"`
	Organisation string    `db:"organisation"`
	// Reason in the official's words, 5 to 200 characters.
	Reason string `db:"reason"`
}

// ErrReason says that a look was not explained.
var ErrReason = errors.New("a look at a person's data needs a reason of 5 to 200 characters")

// NoteLook writes a look down before the data are shown; the audit log gets it too. Errors: [ErrReason].
func (s *Store) NoteLook(ctx context.Context, in Look) error {
	in.Reason = strings.TrimSpace(in.Reason)
	if n := utf8.RuneCountInString(in.Reason); n < 5 || n > 200 {
		return ErrReason
	}
	if s.cfg.Audit == nil || in.IIN == "" || in.Actor == "" {
		return errors.New("a look is an official's, at a person, and is noted in the audit log")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("couldn't make an id: %w", err)
	}
	in.ID, in.At = id.String(), s.cfg.Now().UTC().Truncate(time.Microsecond)
	return s.insertLook(ctx, in)
}

// looksShown bounds what one page lists.
const looksShown = 100

// LooksAt lists who looked at a person's data, the newest first, at most 100.
func (s *Store) LooksAt(ctx context.Context, iin string) ([]Look, error) {
	var out []Look
	err := s.cfg.DB.SelectContext(ctx, &out, `SELECT iin, id, at, actor, name, organisation, reason FROM personal_look WHERE iin = $1 ORDER BY id DESC LIMIT $2`, iin, looksShown)
	if err != nil {
		return nil, fmt.Errorf("couldn't list looks: %w", err)
	}
	return out, nil
}
