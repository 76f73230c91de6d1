package payment

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// judgeSignature asks the verifier. Where it can leave storing to us, Signature.Unkept is set and must be kept: by the
// transaction that acts on it, or by keepVerdict. [ErrVerifierUnavailable] when it could not be decided.
func (s *Service) judgeSignature(ctx context.Context, signature, detached []byte) (Signature, error) {
	judge := s.cfg.Verifier.Verify
	if s.keeper != nil {
		judge = s.keeper.Judge
	}
	found, err := judge(ctx, signature, detached)
	if err != nil {
		return Signature{}, ErrVerifierUnavailable.because(err)
	}
	return found, nil
}

// keepVerdict stores a verdict that nothing else is stored with.
func (s *Service) keepVerdict(ctx context.Context, unkept any) error {
	if unkept == nil {
		return nil
	}
	var committed func()
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		w := &writes{}
		var err error
		if committed, err = s.keepVerdicts(ctx, tx, w, []any{unkept}); err != nil {
			return err
		}
		return auditAll(ctx, tx, s.cfg.Auditor, w.audit)
	})
	if err == nil && committed != nil {
		committed()
	}
	return err
}

// keepVerdicts stores verdicts within a transaction; their audit entries go to w. What it returns is called after the
// commit, and may be nil.
func (s *Service) keepVerdicts(ctx context.Context, tx *sqlx.Tx, w *writes, unkept []any) (func(), error) {
	if len(unkept) == 0 {
		return nil, nil //nolint:nilnil // nothing to do after the commit
	}
	entries, committed, err := s.keeper.Keep(ctx, tx, unkept)
	if err != nil {
		return nil, err
	}
	w.audit = append(w.audit, entries...)
	return committed, nil
}
