package payment

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/payment/otp"
)

// Messenger carries a short text to a phone. An error means that it may not have arrived.
type Messenger interface {
	Send(ctx context.Context, phone, text string) error
}

// Challenge is a code that was sent. It does not hold the code.
type Challenge struct {
	ID string `json:"id"`
	// Phone is masked.
	Phone     string    `json:"phone"`
	ExpiresAt time.Time `json:"expires_at"`
}

const prefixChallenge = "otp_"

// methodCode is the method of an authorisation by a one-time code.
const methodCode = "code"

// What a code is for.
const (
	codeForPayment = "pay"
	codeForPhone   = "phone"
	codeForSignIn  = "sign-in"
)

type challengeRow struct {
	Bucket    int       `db:"bucket"`
	ID        string    `db:"id"`
	Payer     string    `db:"payer_id"`
	Purpose   string    `db:"purpose"`
	Subject   string    `db:"subject"`
	Phone     string    `db:"phone"`
	Salt      []byte    `db:"salt"`
	Digest    []byte    `db:"digest"`
	CreatedAt time.Time `db:"created_at"`
	ExpiresAt time.Time `db:"expires_at"`
}

const challengeColumns = `bucket, id, payer_id, purpose, subject, phone, salt, digest, created_at, expires_at`

func (c challengeRow) challenge() Challenge {
	return Challenge{ID: c.ID, Phone: otp.Mask(c.Phone), ExpiresAt: c.ExpiresAt.UTC()}
}

// SetCodePolicy says from a day on which payments may be authorised by a code (R32), and by which rule; zero amounts end it. Errors:
// [ErrInvalid], and those of [Idem].
func (r *Registrar) SetCodePolicy(ctx context.Context, idem Idem, from catalog.Date, policy otp.Policy, source string) (bool, error) {
	ends := policy == otp.Policy{}
	if !from.Valid() || (!ends && (policy.AmountMax <= 0 || policy.DayMax < policy.AmountMax || policy.DayMax > catalog.TiynMax)) {
		return false, ErrInvalid.with("a policy has a day, an amount and no less for a day")
	}
	if err := catalog.CheckText("source", source, 1, 200); err != nil { //nolint:mnd // as all short texts
		return false, invalidSpec(err)
	}
	_, replayed, err := idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (bool, error) {
		if err := exec(ctx, tx, -1, `UPDATE otp_policies SET valid_to = $1::date - 1 WHERE valid_from < $1::date AND (valid_to IS NULL OR valid_to >= $1::date)`, string(from)); err != nil {
			return false, err
		}
		if err := exec(ctx, tx, -1, `DELETE FROM otp_policies WHERE valid_from >= $1::date`, string(from)); err != nil {
			return false, err
		}
		if !ends {
			if err := exec(ctx, tx, 1, `INSERT INTO otp_policies (valid_from, amount_max, day_max, source) VALUES ($1::date, $2, $3, $4)`,
				string(from), policy.AmountMax, policy.DayMax, source); err != nil {
				return false, err
			}
		}
		return true, r.audit(ctx, tx, entry{idem.Caller, "codes.policy", string(from), map[string]any{
			"amount_max": policy.AmountMax, "day_max": policy.DayMax, "source": source,
		}})
	})
	return replayed, err
}

// codePhone finds the phone to which the code for an order goes, or says why there is none: [ErrCodeNotAllowed]. lock holds up whoever
// else authorises by code for this payer, so that two orders cannot both fit into what is left of the day.
func (s *Service) codePhone(ctx context.Context, q sqlx.QueryerContext, o *orderRow, lock string) (string, error) {
	if s.cfg.Messenger == nil {
		return "", ErrCodeNotAllowed.with("no messages can be sent")
	}
	today := string(catalog.DateOf(s.now()))
	var policies []struct {
		AmountMax int64 `db:"amount_max"`
		DayMax    int64 `db:"day_max"`
	}
	err := all(ctx, q, &policies, `SELECT amount_max, day_max FROM otp_policies
		WHERE valid_from <= $1::date AND (valid_to IS NULL OR valid_to >= $1::date) ORDER BY valid_from DESC LIMIT 1`, today)
	if err != nil {
		return "", err
	}
	var phones []string
	if err := all(ctx, q, &phones, `SELECT phone FROM phones WHERE bucket = $1 AND payer_id = ANY($2) `+lock, o.Bucket, s.private.forms(o.PayerID)); err != nil {
		return "", err
	}
	signatures, err := s.signaturesOf(ctx, q, o.PayerID)
	if err != nil {
		return "", err
	}
	switch {
	case len(policies) == 0:
		return "", ErrCodeNotAllowed.with("no policy is in force")
	case len(phones) == 0:
		return "", ErrCodeNotAllowed.with("the payer has no confirmed phone")
	case signatures > 1:
		return "", ErrCodeNotAllowed.with("the payer asks for two signatures")
	}
	var spent int64
	if err := one(ctx, q, &spent, `
		SELECT coalesce(sum(o.amount + o.commission), 0)::bigint FROM orders o JOIN authorisations a ON a.bucket = o.bucket AND a.order_id = o.id
		WHERE o.bucket = $1 AND o.payer_id = ANY($2) AND a.method = 'code' AND a.at >= $3 AND o.state <> 'refused'`,
		o.Bucket, s.private.forms(o.PayerID), dayStart(catalog.Date(today))); err != nil {
		return "", err
	}
	if !(otp.Policy{AmountMax: policies[0].AmountMax, DayMax: policies[0].DayMax}).Allows(o.Tiyn+o.Commission, spent) {
		return "", ErrCodeNotAllowed.with("the amount is above the limit")
	}
	return s.private.openText(ctx, phones[0], place("phones", "phone", o.PayerID))
}

// CodePhone is the masked phone to which a code for an order would go; empty when it may not be paid by code. Errors: [ErrOrderUnknown].
func (s *Service) CodePhone(ctx context.Context, id string) (string, error) {
	o, err := s.readOrder(ctx, s.db, id)
	if err != nil || s.signable(o) != nil {
		return "", err
	}
	phone, err := s.codePhone(ctx, s.db, o, "")
	if codeOf(err) == string(ErrCodeNotAllowed.Code) {
		return "", nil
	}
	return otp.Mask(phone), err
}

// OpenCode is the newest code of a payer that was sent for a subject, an order or "phone", and can still be entered; nil if there is none.
func (s *Service) OpenCode(ctx context.Context, payer, subject string) (*Challenge, error) {
	purpose := codeForPayment
	if subject == codeForPhone {
		purpose, subject = codeForPhone, ""
	}
	var rows []challengeRow
	err := all(ctx, s.db, &rows, `SELECT `+challengeColumns+` FROM otp_challenges
		WHERE bucket = $1 AND payer_id = ANY($2) AND purpose = $3 AND ($4 = '' OR subject = $4) AND state = 'open' AND expires_at > $5 AND tries < $6
		ORDER BY created_at DESC LIMIT 1`, bucketOf(payer), s.private.forms(payer), purpose, subject, s.now(), otp.TriesMax)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if err := s.openChallenge(ctx, &rows[0]); err != nil {
		return nil, err
	}
	c := rows[0].challenge()
	return &c, nil
}

// beneficiariesOf names whom an order pays, each once, in the order of the document.
func beneficiariesOf(items []order.DocumentItem) []string {
	var names, bins []string
	for _, item := range items {
		if !slices.Contains(bins, item.Beneficiary.BIN) {
			names, bins = append(names, item.Beneficiary.Name), append(bins, item.Beneficiary.BIN)
		}
	}
	return names
}

// StartCode sends a code for an order to its payer's confirmed phone. lang is kk, ru or en. Errors: [ErrOrderUnknown], [ErrOrderExpired],
// [ErrOrderFinished], [ErrCodeNotAllowed], [ErrCodeTooMany], [ErrMessageNotSent], and those of [Idem].
func (s *Service) StartCode(ctx context.Context, idem Idem, id, lang string) (Challenge, bool, error) {
	var phone, text string
	out, replayed, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Challenge, error) {
		o, err := s.lockOrder(ctx, tx, id)
		if err != nil {
			return Challenge{}, err
		}
		if err := s.signable(o); err != nil {
			return Challenge{}, err
		}
		if phone, err = s.codePhone(ctx, tx, o, "FOR UPDATE"); err != nil {
			return Challenge{}, err
		}
		doc, err := order.DecodeDocument(o.Document)
		if err != nil {
			return Challenge{}, err
		}
		c, code, err := s.newChallenge(ctx, tx, challengeRow{Payer: o.PayerID, Purpose: codeForPayment, Subject: o.ID, Phone: phone})
		if err != nil {
			return Challenge{}, err
		}
		whom := beneficiariesOf(doc.Items)
		debit := money.FromTiyn(o.Tiyn + o.Commission) // what leaves the account, and not less, is what a person confirms
		text = otp.Text(lang, code, debit.Decimal(), whom[0], len(whom)-1)
		return c, s.audit(ctx, tx, entry{idem.Caller, "code.sent", o.ID, map[string]string{"challenge": c.ID}})
	})
	if err != nil || replayed {
		return out, replayed, err
	}
	return s.sendCode(ctx, out, phone, text)
}

// newChallenge draws a code and stores its digest. Earlier codes for the same subject die.
func (s *Service) newChallenge(ctx context.Context, tx *sqlx.Tx, c challengeRow) (Challenge, string, error) {
	now := s.now()
	c.Bucket, c.CreatedAt, c.ExpiresAt = bucketOf(c.Payer), now, now.Add(otp.TTL)
	var sent struct {
		Day     int `db:"day"`
		Subject int `db:"subject"`
	}
	// The attack: somebody asks for a hundred codes at once, each of which sees that none was sent yet, and has five guesses at each.
	if err := exec(ctx, tx, 1, `INSERT INTO code_turns (bucket, taken_at) VALUES ($1, $2) ON CONFLICT (bucket) DO UPDATE SET taken_at = excluded.taken_at`,
		c.Bucket, now); err != nil {
		return Challenge{}, "", err
	}
	// Codes to sign in are asked for by anybody who knows an IIN: they must not use up those with which its person pays.
	err := one(ctx, tx, &sent, `SELECT count(*) AS day, count(*) FILTER (WHERE purpose = $3 AND subject = $4) AS subject
		FROM otp_challenges WHERE bucket = $1 AND payer_id = ANY($2) AND created_at > $5 AND (purpose = 'sign-in') = ($3 = 'sign-in')`,
		c.Bucket, s.private.forms(c.Payer), c.Purpose, c.Subject, now.AddDate(0, 0, -1))
	if err != nil {
		return Challenge{}, "", err
	}
	if sent.Day >= otp.PerDayMax || sent.Subject >= otp.PerSubjectMax {
		return Challenge{}, "", ErrCodeTooMany
	}
	code, err := otp.NewCode(rand.Reader)
	if err != nil {
		return Challenge{}, "", err
	}
	c.Salt = make([]byte, otp.SaltLen)
	if _, err := rand.Read(c.Salt); err != nil {
		return Challenge{}, "", fmt.Errorf("couldn't draw a salt: %w", err)
	}
	if c.Digest, err = otp.Digest(c.Salt, c.Subject, code); err != nil {
		return Challenge{}, "", err
	}
	if c.ID, err = newID(prefixChallenge, c.Bucket); err != nil {
		return Challenge{}, "", err
	}
	if err := exec(ctx, tx, -1, `UPDATE otp_challenges SET state = 'dead' WHERE bucket = $1 AND payer_id = ANY($2) AND purpose = $3 AND state = 'open'
		AND (purpose = 'phone' OR subject = $4)`, c.Bucket, s.private.forms(c.Payer), c.Purpose, c.Subject); err != nil {
		return Challenge{}, "", err
	}
	phone, err := s.private.sealText(ctx, c.Phone, place("otp_challenges", "phone", c.ID))
	if err != nil {
		return Challenge{}, "", err
	}
	return c.challenge(), code, exec(ctx, tx, 1, `
		INSERT INTO otp_challenges (bucket, id, payer_id, purpose, subject, phone, salt, digest, tries, state, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 'open', $9, $10)`,
		c.Bucket, c.ID, s.private.payer(c.Payer), c.Purpose, c.Subject, phone, c.Salt, c.Digest, c.CreatedAt, c.ExpiresAt)
}

// sendCode hands a stored code to the messenger. A message that may not have arrived kills the code: the person asks for another.
func (s *Service) sendCode(ctx context.Context, c Challenge, phone, text string) (Challenge, bool, error) {
	if err := s.cfg.Messenger.Send(ctx, phone, text); err != nil {
		ctx, cancel := uncut(ctx)
		defer cancel()
		bucket, _ := bucketOfID(prefixChallenge, c.ID)
		if _, dbErr := s.db.ExecContext(ctx, `UPDATE otp_challenges SET state = 'dead' WHERE bucket = $1 AND id = $2 AND state = 'open'`, bucket, c.ID); dbErr != nil {
			return Challenge{}, false, fmt.Errorf("couldn't end a code that was not sent: %w", dbErr)
		}
		return Challenge{}, false, ErrMessageNotSent.because(err)
	}
	return c, false, nil
}

// tryCode counts a try and compares. The count commits before the comparison, so that many guesses at once are counted, too.
// Errors: [ErrCodeSpent], [ErrCodeWrong].
func (s *Service) tryCode(ctx context.Context, want challengeRow, code string) (challengeRow, error) {
	bucket, ok := bucketOfID(prefixChallenge, want.ID)
	if !ok {
		return challengeRow{}, ErrCodeSpent
	}
	var rows []challengeRow
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		rows = nil
		return all(ctx, tx, &rows, `UPDATE otp_challenges SET tries = tries + 1
			WHERE bucket = $1 AND id = $2 AND payer_id = ANY($3) AND purpose = $4 AND ($5 = '' OR subject = $5) AND state = 'open' AND tries < $6 AND expires_at > $7
			RETURNING `+challengeColumns, bucket, want.ID, s.private.forms(want.Payer), want.Purpose, want.Subject, otp.TriesMax, s.now())
	})
	if err != nil {
		return challengeRow{}, err
	}
	if len(rows) == 0 {
		return challengeRow{}, ErrCodeSpent
	}
	if err := s.openChallenge(ctx, &rows[0]); err != nil {
		return challengeRow{}, err
	}
	same, err := otp.Matches(rows[0].Digest, rows[0].Salt, rows[0].Subject, code)
	if err == nil && !same {
		err = ErrCodeWrong
	}
	return rows[0], err
}

// openChallenge opens what the row of a code holds of a person.
func (s *Service) openChallenge(ctx context.Context, c *challengeRow) (err error) {
	if c.Payer, err = s.private.number(c.Payer); err != nil {
		return err
	}
	c.Phone, err = s.private.openText(ctx, c.Phone, place("otp_challenges", "phone", c.ID))
	return err
}

// useCode ends a code that was right, within the transaction that does what it was for.
func useCode(ctx context.Context, tx *sqlx.Tx, c challengeRow) error {
	var used []string
	err := all(ctx, tx, &used, `UPDATE otp_challenges SET state = 'used' WHERE bucket = $1 AND id = $2 AND state = 'open' RETURNING id`, c.Bucket, c.ID)
	if err == nil && len(used) == 0 {
		err = ErrCodeSpent // it serves once
	}
	return err
}

// AuthoriseByCode authorises an order by the code that was sent for it, as [Service.Authorise] does by a signature. What is kept as
// evidence is when which code went to which phone, over which document. Errors: those of [Service.StartCode] without sending,
// [ErrCodeSpent], [ErrCodeWrong], and of the debts and the bank as in [Service.Authorise].
func (s *Service) AuthoriseByCode(ctx context.Context, idem Idem, id, challenge, code string) (order.Order, bool, error) {
	var tried challengeRow
	var accepted acceptance
	prepare := func(ctx context.Context) error {
		o, err := s.readOrder(ctx, s.db, id)
		if err != nil {
			return err
		}
		if err := s.signable(o); err != nil {
			return err
		}
		if tried, err = s.tryCode(ctx, challengeRow{ID: challenge, Payer: o.PayerID, Purpose: codeForPayment, Subject: o.ID}, code); err != nil {
			return err
		}
		accepted, err = s.acceptCode(o, tried)
		return err
	}
	out, replayed, err := idempotent(ctx, &s.store, idem, prepare, func(ctx context.Context, tx *sqlx.Tx) (order.Order, error) {
		o, err := s.lockOrder(ctx, tx, id)
		if err != nil {
			return order.Order{}, err
		}
		if err := useCode(ctx, tx, tried); err != nil {
			return order.Order{}, err
		}
		if _, err := s.codePhone(ctx, tx, o, "FOR UPDATE"); err != nil {
			return order.Order{}, err
		}
		return s.authorise(ctx, tx, idem.Caller, id, accepted)
	})
	if err == nil && !replayed {
		s.kick(s.wakeAttempts)
	}
	return out, replayed, err
}

// acceptCode writes the evidence of an authorisation by code.
func (s *Service) acceptCode(o *orderRow, c challengeRow) (acceptance, error) {
	a := acceptance{method: methodCode, document: sha256.Sum256(o.Document), verdictID: c.ID, signer: Signer{IIN: o.PayerID}}
	var err error
	a.signature, err = canon.Marshal(map[string]any{
		"type": "code-authorisation", "order": o.ID, "document_sha256": hex.EncodeToString(a.document[:]), "challenge": c.ID,
		"phone": otp.Mask(c.Phone), "sent_at": c.CreatedAt.UTC().Format(time.RFC3339Nano), "entered_at": s.now().Format(time.RFC3339Nano),
	})
	return a, err
}
