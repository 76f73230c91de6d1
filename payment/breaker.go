package payment

import (
	"context"
	"log/slog"

	"github.com/jmoiron/sqlx"
)

// pendingAtBank marks an attempt of which the bank says that it has it in hand: it answers, and is not silent.
const pendingAtBank = "pending at the bank"

// workBreaker stops new payments through banks that have left many unanswered, and lets them go on when the bank answers again. Nobody has
// to try it out: the payments that are open are asked about all the time. Payments by file are left out, whose answers take hours.
func (s *Service) workBreaker(ctx context.Context) (int, error) {
	var banks []struct {
		BIC    string `db:"bic"`
		Silent bool   `db:"silent"`
		Open   int    `db:"open"`
	}
	if err := all(ctx, s.db, &banks, `
		SELECT b.bic, b.silent_since IS NOT NULL AS silent, coalesce(u.open, 0) AS open FROM banks b LEFT JOIN (
			SELECT bank_bic, count(*)::integer AS open FROM attempts
			WHERE bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND state = 'unknown' AND file_id IS NULL AND last_problem <> $1
			GROUP BY bank_bic) u ON u.bank_bic = b.bic
		ORDER BY b.bic`, pendingAtBank); err != nil {
		return 0, err
	}
	changed := 0
	for _, b := range banks {
		silent := silence(b.Silent, b.Open, s.cfg.BreakerAfter)
		if silent == b.Silent {
			continue
		}
		changed++
		if err := s.setSilent(ctx, b.BIC, silent, b.Open); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// silence decides whether a bank counts as silent that has left so many payments unanswered. Between half of the limit and the limit it
// stays what it was, so that it does not flutter.
func silence(before bool, unanswered, limit int) bool {
	if before {
		return unanswered > limit/2
	}
	return unanswered >= limit
}

func (s *Service) setSilent(ctx context.Context, bic string, silent bool, open int) error {
	action := "bank.answers"
	if silent {
		action = "bank.silent"
	}
	s.log.WarnContext(ctx, "bank stops or goes on", slog.String("bank", bic), slog.String("action", action), slog.Int("unanswered", open))
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := exec(ctx, tx, -1, `UPDATE banks SET silent_since = CASE WHEN $2::boolean THEN coalesce(silent_since, $3) END WHERE bic = $1`, bic, silent, s.now()); err != nil {
			return err
		}
		return audit(ctx, tx, s.cfg.Auditor, entry{actorGateway, action, bic, map[string]any{"unanswered": open}})
	})
}

// takes reports why no new payment goes through a bank now, or nil.
func (r bankRow) takes() error {
	switch {
	case r.Paused:
		return ErrBankPaused
	case r.SilentSince != nil:
		return ErrBankSilent
	}
	return nil
}
