package payment

import (
	"context"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/otp"
)

// Phone is the masked phone of a person, empty when none was confirmed.
func (s *Service) Phone(ctx context.Context, payer string) (string, error) {
	var phones []string
	err := all(ctx, s.db, &phones, `SELECT phone FROM phones WHERE bucket = $1 AND payer_id = ANY($2)`, bucketOf(payer), s.private.forms(payer))
	if err != nil || len(phones) == 0 {
		return "", err
	}
	phone, err := s.private.openText(ctx, phones[0], place("phones", "phone", payer))
	return otp.Mask(phone), err
}

// StartPhone sends a code to a phone that a person names as his. The caller has made sure who the person is, by his EDS. Errors:
// [ErrPayerIDInvalid], [ErrPhoneInvalid], [ErrCodeNotAllowed], [ErrCodeTooMany], [ErrMessageNotSent], and those of [Idem].
func (s *Service) StartPhone(ctx context.Context, idem Idem, payer, phone, lang string) (Challenge, bool, error) {
	if !catalog.ValidPayerID(payer) {
		return Challenge{}, false, ErrPayerIDInvalid.at("payer")
	}
	number, err := otp.ParsePhone(phone)
	if err != nil {
		return Challenge{}, false, ErrPhoneInvalid.at("phone")
	}
	if s.cfg.Messenger == nil {
		return Challenge{}, false, ErrCodeNotAllowed.with("no messages can be sent")
	}
	var text string
	out, replayed, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Challenge, error) {
		c, code, err := s.newChallenge(ctx, tx, challengeRow{Payer: payer, Purpose: codeForPhone, Subject: s.private.payer(number), Phone: number})
		if err != nil {
			return Challenge{}, err
		}
		text = otp.PhoneText(lang, code)
		return c, s.audit(ctx, tx, entry{idem.Caller, "phone.named", payer, map[string]string{"challenge": c.ID}})
	})
	if err != nil || replayed {
		return out, replayed, err
	}
	return s.sendCode(ctx, out, number, text)
}

// ConfirmPhone takes the code that came to a phone; from then on codes for payments go there. Errors: [ErrCodeSpent], [ErrCodeWrong], and
// those of [Idem].
func (s *Service) ConfirmPhone(ctx context.Context, idem Idem, payer, challenge, code string) (string, bool, error) {
	var tried challengeRow
	prepare := func(ctx context.Context) error {
		var err error
		tried, err = s.tryCode(ctx, challengeRow{ID: challenge, Payer: payer, Purpose: codeForPhone}, code)
		return err
	}
	return idempotent(ctx, &s.store, idem, prepare, func(ctx context.Context, tx *sqlx.Tx) (string, error) {
		if err := useCode(ctx, tx, tried); err != nil {
			return "", err
		}
		if err := s.keepPhone(ctx, tx, payer, tried.Phone); err != nil {
			return "", err
		}
		return otp.Mask(tried.Phone), s.audit(ctx, tx, entry{idem.Caller, "phone.confirmed", payer, map[string]string{"challenge": challenge}})
	})
}

// keepPhone stores the phone of a person, in the place of the one before, in whatever form his number stands.
func (s *Service) keepPhone(ctx context.Context, tx *sqlx.Tx, payer, phone string) error {
	stored, err := s.private.sealText(ctx, phone, place("phones", "phone", payer))
	if err != nil {
		return err
	}
	forms := s.private.forms(payer)
	if err := exec(ctx, tx, -1, `UPDATE phones SET phone = $3, confirmed_at = $4 WHERE bucket = $1 AND payer_id = ANY($2)`,
		bucketOf(payer), forms, stored, s.now()); err != nil {
		return err
	}
	return exec(ctx, tx, -1, `
		INSERT INTO phones (bucket, payer_id, phone, confirmed_at) SELECT $1, $2, $3, $4
		WHERE NOT EXISTS (SELECT 1 FROM phones WHERE bucket = $1 AND payer_id = ANY($5))
		ON CONFLICT (bucket, payer_id) DO UPDATE SET phone = excluded.phone, confirmed_at = excluded.confirmed_at`,
		bucketOf(payer), forms[0], stored, s.now(), forms)
}
