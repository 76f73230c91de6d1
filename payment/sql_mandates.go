package payment

import (
	"context"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/mandate"
	"qaqpa/payment/money"
)

const prefixMandate = "mnd_"

// mandatesShown is the most agreements of one payer that are listed.
const mandatesShown = 100

type mandateRow struct {
	Bucket      int          `db:"bucket"`
	ID          string       `db:"id"`
	Payer       string       `db:"payer_id"`
	Bank        string       `db:"bank_bic"`
	Document    []byte       `db:"document"`
	Language    string       `db:"language"`
	State       MandateState `db:"state"`
	Until       catalog.Date `db:"valid_until"`
	CreatedAt   time.Time    `db:"created_at"`
	SignBy      time.Time    `db:"sign_by"`
	SignedAt    *time.Time   `db:"signed_at"`
	Signer      string       `db:"signer"`
	VerdictID   string       `db:"verdict_id"`
	Certificate string       `db:"certificate_sha256"`
	RevokedAt   *time.Time   `db:"revoked_at"`
}

const mandateColumns = `bucket, id, payer_id, bank_bic, document, language, state, valid_until::text AS valid_until, created_at, sign_by, signed_at, signer,
	verdict_id, certificate_sha256, revoked_at`

// state is how the agreement stands at a time.
func (m *mandateRow) state(at time.Time) MandateState {
	switch {
	case m.State == MandateUnsigned && at.After(m.SignBy), m.State != MandateRevoked && catalog.DateOf(at) > m.Until:
		return MandateExpired
	}
	return m.State
}

// mandate opens what a row holds of a person.
func (p *privacy) mandate(ctx context.Context, m *mandateRow) (err error) {
	if m.Payer, err = p.number(m.Payer); err != nil {
		return err
	}
	if m.Signer, err = p.number(m.Signer); err != nil {
		return err
	}
	m.Document, err = p.open(ctx, m.Document, place("mandates", "document", m.ID))
	return err
}

// readMandate reads an agreement; lock is empty or FOR UPDATE.
func (s *store) readMandate(ctx context.Context, q sqlx.QueryerContext, id, lock string) (*mandateRow, error) {
	bucket, ok := bucketOfID(prefixMandate, id)
	if !ok {
		return nil, ErrMandateUnknown
	}
	var row mandateRow
	if err := orMissing(one(ctx, q, &row, `SELECT `+mandateColumns+` FROM mandates WHERE bucket = $1 AND id = $2 `+lock, bucket, id), ErrMandateUnknown); err != nil {
		return nil, err
	}
	return &row, s.private.mandate(ctx, &row)
}

// Mandates lists the agreements of a payer, those in force first and then the newest, at most 100: drafts, which banks and programs make at
// will, must not push what he may have to revoke out of his sight. Errors: [ErrPayerIDInvalid].
func (s *Service) Mandates(ctx context.Context, payer string) ([]Mandate, error) {
	if !catalog.ValidPayerID(payer) {
		return nil, ErrPayerIDInvalid.at("payer")
	}
	var rows []mandateRow
	if err := all(ctx, s.db, &rows, `SELECT `+mandateColumns+` FROM mandates WHERE bucket = $1 AND payer_id = ANY($2)
		ORDER BY state <> 'active' OR valid_until < $4::date, id DESC LIMIT $3`,
		bucketOf(payer), s.private.forms(payer), mandatesShown, string(catalog.DateOf(s.now()))); err != nil {
		return nil, err
	}
	out := make([]Mandate, len(rows))
	for i := range rows {
		if err := s.private.mandate(ctx, &rows[i]); err != nil {
			return nil, err
		}
		var err error
		if out[i], err = s.mandateOf(ctx, &rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) insertMandate(ctx context.Context, tx *sqlx.Tx, m mandateRow) error {
	document, err := s.private.seal(ctx, m.Document, place("mandates", "document", m.ID))
	if err != nil {
		return err
	}
	return exec(ctx, tx, 1, `INSERT INTO mandates (bucket, id, payer_id, bank_bic, document, language, state, valid_until, created_at, sign_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8::date, $9, $10)`,
		m.Bucket, m.ID, s.private.payer(m.Payer), m.Bank, document, m.Language, m.State, string(m.Until), m.CreatedAt, m.SignBy)
}

func (s *Service) storeMandateSignature(ctx context.Context, tx *sqlx.Tx, m *mandateRow, a acceptance) error {
	signature, err := s.private.seal(ctx, a.signature, place("mandates", "signature", m.ID))
	if err != nil {
		return err
	}
	return exec(ctx, tx, 1, `UPDATE mandates SET state = $3, signed_at = $4, signature = $5, signer = $6, verdict_id = $7, certificate_sha256 = $8
		WHERE bucket = $1 AND id = $2`, m.Bucket, m.ID, m.State, m.SignedAt, signature, s.private.payer(a.signer.IIN), a.verdictID, a.signer.CertificateSHA256)
}

// mandateSpent sums up what counts in the present month. What the bank refused does not, nor what has come back to the payer as a whole, with the commission that he paid on top: the agreement bounds what the
// bank may pay for him within a month, and that money is his again. Of a payment that came back in part all counts, for the agreement knows payments and no parts; and one that is
// still on its way back counts until the bank has signed that it paid it out.
func (s *Service) mandateSpent(ctx context.Context, q sqlx.QueryerContext, m *mandateRow) (spent int64, err error) {
	err = one(ctx, q, &spent, `SELECT coalesce(sum(u.amount), 0)::bigint FROM mandate_uses u JOIN orders o ON o.bucket = u.bucket AND o.id = u.order_id
		WHERE u.bucket = $1 AND u.mandate_id = $2 AND u.month = $3::date AND o.state <> 'refused'
			AND (SELECT coalesce(sum(r.amount + r.commission), 0) FROM refunds r WHERE r.bucket = u.bucket AND r.order_id = u.order_id AND r.kind = 'refund' AND r.state = 'executed') < u.amount`,
		m.Bucket, m.ID, string(mandate.MonthOf(s.now())))
	return spent, err
}

// mandateStep is an event before it is written.
type mandateStep struct {
	kind  mandate.Kind
	actor string
	order string
	tiyn  int64
	// whom is the first beneficiary of a use, others how many further ones there are.
	whom   string
	others int
}

// mandateEvent writes a step of an agreement that is locked or new, with the wish to tell the payer.
func (s *Service) mandateEvent(ctx context.Context, tx *sqlx.Tx, m *mandateRow, step mandateStep) error {
	notice := "wanted"
	if step.kind == mandate.Created || (step.kind == mandate.Revoked && m.SignedAt == nil) {
		// A draft that was never signed bound nobody. The attack: a bank that makes and drops drafts fills the phone of a payer, who reads that
		// agreements were revoked which he has never given.
		notice = ""
	}
	return exec(ctx, tx, 1, `INSERT INTO mandate_events (bucket, mandate_id, number, event, at, order_id, amount, whom, others, actor, notice, next_at)
		SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $4 FROM mandate_events WHERE bucket = $1 AND mandate_id = $2`,
		m.Bucket, m.ID, string(step.kind), s.now(), step.order, step.tiyn, step.whom, step.others, step.actor, notice)
}

// noticesPerRun bounds the notices of one run, noticeTriesMax the tries of one.
const (
	noticesPerRun  = 50
	noticeTriesMax = 5
)

// wantedNotice is a step of which the payer is to be told.
type wantedNotice struct {
	Bucket   int          `db:"bucket"`
	Mandate  string       `db:"mandate_id"`
	Number   int          `db:"number"`
	Event    mandate.Kind `db:"event"`
	Amount   int64        `db:"amount"`
	Whom     string       `db:"whom"`
	Others   int          `db:"others"`
	Tries    int          `db:"tries"`
	Payer    string       `db:"payer_id"`
	Language string       `db:"language"`
}

// workNotices tells payers by phone what was done under their agreements. A try is counted before the message leaves, so a crash between
// costs a notice at most the time to the next try; a message may come twice.
func (s *Service) workNotices(ctx context.Context) (int, error) {
	now := s.now()
	var wanted []wantedNotice
	if err := all(ctx, s.db, &wanted, `
		UPDATE mandate_events e SET tries = e.tries + 1, next_at = $1::timestamptz + (interval '1 minute' * (1 << e.tries))
		FROM (SELECT bucket, mandate_id, number FROM mandate_events WHERE bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND notice = 'wanted'
			AND next_at <= $1 ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED) w, mandates m
		WHERE e.bucket = w.bucket AND e.mandate_id = w.mandate_id AND e.number = w.number AND m.bucket = e.bucket AND m.id = e.mandate_id
		RETURNING e.bucket, e.mandate_id, e.number, e.event, e.amount, e.whom, e.others, e.tries, m.payer_id, m.language`, now, noticesPerRun); err != nil {
		return 0, err
	}
	for _, n := range wanted {
		result, err := s.notice(ctx, n)
		if err != nil {
			return 0, err
		}
		if result == "wanted" {
			continue
		}
		if _, err := s.db.ExecContext(ctx, `UPDATE mandate_events SET notice = $4 WHERE bucket = $1 AND mandate_id = $2 AND number = $3`,
			n.Bucket, n.Mandate, n.Number, result); err != nil {
			return 0, unavailable(err)
		}
	}
	return len(wanted), nil
}

// notice sends one and says what became of it.
func (s *Service) notice(ctx context.Context, n wantedNotice) (string, error) {
	payer, err := s.private.number(n.Payer)
	if err != nil {
		return "", err
	}
	var phones []string
	if err := all(ctx, s.db, &phones, `SELECT phone FROM phones WHERE bucket = $1 AND payer_id = ANY($2)`, n.Bucket, s.private.forms(payer)); err != nil {
		return "", err
	}
	if len(phones) == 0 || s.cfg.Messenger == nil {
		return "none", nil
	}
	phone, err := s.private.openText(ctx, phones[0], place("phones", "phone", payer))
	if err != nil {
		return "", err
	}
	err = s.cfg.Messenger.Send(ctx, phone, mandate.Text(n.Event, n.Language, mandate.Use{Amount: money.FromTiyn(n.Amount).Decimal(), Whom: n.Whom, Others: n.Others}))
	switch {
	case err == nil:
		return "sent", nil
	case n.Tries < noticeTriesMax:
		s.log.WarnContext(ctx, "a notice was not sent", slog.String("mandate", n.Mandate), slog.Int("number", n.Number), slog.Any("err", err))
		return "wanted", nil
	}
	return "failed", nil
}

// mandateRefusals are the refusals of agreements for repeated payments.
func mandateRefusals() []*Error {
	return []*Error{ErrMandateUnknown, ErrMandateState, ErrMandateCover, ErrMandateLimit, ErrMandateNotAllowed}
}
