package payment

import (
	"context"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/otp"
)

// StartSignIn makes a code with which a person signs in from one browser; deliver sends it to the person's confirmed phone and
// is called when the caller has answered, for otherwise the wait would tell who has a phone here. Whether there is one shows in nothing:
// somebody without gets a challenge, too, which no code opens. browser is a name of the browser that nobody guesses. Errors:
// [ErrPayerIDInvalid], [ErrCodeNotAllowed] when no messages can be sent, [ErrCodeTooMany], and those of [Idem].
func (s *Service) StartSignIn(ctx context.Context, idem Idem, person, browser, lang string) (c Challenge, deliver func(context.Context) error, err error) {
	if !catalog.ValidPayerID(person) {
		return c, nil, ErrPayerIDInvalid.at("iin")
	}
	if s.cfg.Messenger == nil {
		return c, nil, ErrCodeNotAllowed.with("no messages can be sent")
	}
	var phone, text string
	out, replayed, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Challenge, error) {
		phone = ""
		var phones []string
		if err := all(ctx, tx, &phones, `SELECT phone FROM phones WHERE bucket = $1 AND payer_id = ANY($2)`, bucketOf(person), s.private.forms(person)); err != nil {
			return Challenge{}, err
		}
		if len(phones) > 0 {
			var err error
			if phone, err = s.private.openText(ctx, phones[0], place("phones", "phone", person)); err != nil {
				return Challenge{}, err
			}
		}
		c, code, err := s.newChallenge(ctx, tx, challengeRow{Payer: person, Purpose: codeForSignIn, Subject: browser, Phone: phone})
		if err != nil {
			return Challenge{}, err
		}
		c.Phone = "" // nobody who names an IIN learns a digit of its phone
		text = otp.SignInText(lang, code)
		return c, s.audit(ctx, tx, entry{idem.Caller, "sign_in.code", person, map[string]any{"challenge": c.ID, "phone": phone != ""}})
	})
	nothing := func(context.Context) error { return nil }
	if err != nil || replayed || phone == "" {
		return out, nothing, err
	}
	return out, func(ctx context.Context) error {
		_, _, err := s.sendCode(ctx, out, phone, text)
		return err
	}, nil
}

// ConfirmSignIn takes the code, once: a repetition is refused, for it would sign in again whoever sits before the browser by then (R32).
// Errors: [ErrCodeSpent], [ErrCodeWrong].
func (s *Service) ConfirmSignIn(ctx context.Context, person, challenge, browser, code string) error {
	tried, err := s.tryCode(ctx, challengeRow{ID: challenge, Payer: person, Purpose: codeForSignIn, Subject: browser}, code)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		// The attack: whoever has no phone here would be signed in by a guess at a code that was sent to nobody.
		if tried.Phone == "" {
			return ErrCodeWrong
		}
		return useCode(ctx, tx, tried)
	})
}
