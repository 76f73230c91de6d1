package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

const memberColumns = "id, kind, subject, bin, iin, role, granted_by, granted_at, revoked_at, name"

func (s *Store) selectMembers(ctx context.Context, query string, args ...any) ([]Member, error) {
	var out []Member
	if err := s.cfg.DB.SelectContext(ctx, &out, query, args...); err != nil {
		return nil, fmt.Errorf("couldn't list the rights of people: %w", err)
	}
	return out, nil
}

func (s *Store) insertMember(ctx context.Context, m Member, detail []byte) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO member (id, kind, subject, bin, iin, role, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			m.ID, m.Kind, m.Subject, m.BIN, m.IIN, m.Role, m.GrantedBy, m.GrantedAt)
		if pq.As(err, pqerror.UniqueViolation) != nil {
			return errors.Join(ErrMember, err)
		}
		if err != nil {
			return fmt.Errorf("couldn't store a right: %w", err)
		}
		return s.cfg.Audit.Append(ctx, tx, m.GrantedBy, "member.granted", m.ID, detail)
	})
}

func (s *Store) endMember(ctx context.Context, id, actor string) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE member SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, s.cfg.Now().UTC())
		if err != nil {
			return fmt.Errorf("couldn't end a right: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return errors.Join(ErrMember, err)
		}
		return s.cfg.Audit.Append(ctx, tx, actor, "member.revoked", id, []byte("{}"))
	})
}

func (s *Store) insertLook(ctx context.Context, v Look) error {
	detail, err := json.Marshal(map[string]string{"reason": v.Reason, "organisation": v.Organisation})
	if err != nil {
		return fmt.Errorf("couldn't describe a look: %w", err)
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO personal_look (iin, id, at, actor, name, organisation, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			v.IIN, v.ID, v.At, v.Actor, v.Name, v.Organisation, v.Reason)
		if err != nil {
			return fmt.Errorf("couldn't note a look: %w", err)
		}
		return s.cfg.Audit.Append(ctx, tx, v.Actor, "personal_data.looked", v.IIN, detail)
	})
}
