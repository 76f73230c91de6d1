package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// WebhookSecrets makes the secrets of agencies that verify webhooks by HMAC. The same agency and version give the same
// secret of 24 to 64 bytes, which nobody else can make; so no secret has to be kept.
type WebhookSecrets interface {
	WebhookSecret(ctx context.Context, agency string, version int) ([]byte, error)
}

// errNoSecrets says that an agency expects an HMAC and this process cannot make it. Deliveries then wait: the agency would refuse
// them, or worse, have been taught to take them without.
var errNoSecrets = errors.New("the key of webhook secrets is not configured")

// secretOverlapMax bounds how long a secret lives on beside its successor.
const secretOverlapMax = 30 * 24 * time.Hour

// RotateWebhookSecret gives an agency a new version of its webhook secret, from 1 on; those before it retire after overlap, 0 to
// 30 days, until when webhooks carry an HMAC by each. The secret itself is what [WebhookSecrets] makes of the version.
// Errors: [ErrAgencyUnknown], [ErrInvalid], and those of [Idem].
func (r *Registrar) RotateWebhookSecret(ctx context.Context, idem Idem, agency string, overlap time.Duration) (int, bool, error) {
	if overlap < 0 || overlap > secretOverlapMax {
		return 0, false, ErrInvalid.with("the overlap is 0 to 30 days").at("overlap")
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (int, error) {
		var locked string // two rotations at once take turns
		if err := orMissing(one(ctx, tx, &locked, `SELECT id FROM agencies WHERE id = $1 FOR UPDATE`, agency), ErrAgencyUnknown); err != nil {
			return 0, err
		}
		now := r.now()
		if err := exec(ctx, tx, -1, `UPDATE webhook_secrets SET retires_at = $2 WHERE agency_id = $1 AND (retires_at IS NULL OR retires_at > $2)`,
			agency, now.Add(overlap)); err != nil {
			return 0, err
		}
		var version int
		if err := one(ctx, tx, &version, `
			INSERT INTO webhook_secrets (agency_id, version, created_at)
			SELECT $1, coalesce(max(version), 0) + 1, $2 FROM webhook_secrets WHERE agency_id = $1 RETURNING version`, agency, now); err != nil {
			return 0, err
		}
		return version, r.audit(ctx, tx, entry{idem.Caller, "webhook.secret", agency, map[string]any{"version": version, "overlap": overlap.String()}})
	})
}

// secretsOf returns the secrets in force of an agency, the newest first; none for one that verifies by public key alone.
func (s *Service) secretsOf(ctx context.Context, agency string) ([][]byte, error) {
	var versions []int
	if err := all(ctx, s.db, &versions, `SELECT version FROM webhook_secrets WHERE agency_id = $1 AND (retires_at IS NULL OR retires_at > $2)
		ORDER BY version DESC`, agency, s.now()); err != nil {
		return nil, err
	}
	if len(versions) > 0 && s.cfg.WebhookSecrets == nil {
		return nil, errNoSecrets
	}
	secrets := make([][]byte, len(versions))
	for i, version := range versions {
		var err error
		if secrets[i], err = s.cfg.WebhookSecrets.WebhookSecret(ctx, agency, version); err != nil {
			return nil, fmt.Errorf("couldn't make the webhook secret of %s: %w", agency, err)
		}
	}
	return secrets, nil
}
