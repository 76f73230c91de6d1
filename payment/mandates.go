package payment

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/mandate"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// methodMandate is the method of an authorisation by an agreement for repeated payments.
const methodMandate = "mandate"

// MandateState is where an agreement stands.
type MandateState string

// States. Revoked is final; an agreement that was not signed in time, or whose last day has passed, is shown as expired.
const (
	MandateUnsigned MandateState = "unsigned"
	MandateActive   MandateState = "active"
	MandateRevoked  MandateState = "revoked"
	MandateExpired  MandateState = "expired"
)

// Mandate is an agreement for repeated payments.
type Mandate struct {
	ID         string            `json:"id"`
	State      MandateState      `json:"state"`
	Payer      string            `json:"payer"`
	Bank       string            `json:"bank"`
	Services   []mandate.Service `json:"services"`
	PaymentMax int64             `json:"payment_max"`
	MonthMax   int64             `json:"month_max"`
	// Spent is what counts against MonthMax in the present month, in tiyn.
	Spent     int64        `json:"spent"`
	Until     catalog.Date `json:"until"`
	CreatedAt time.Time    `json:"created_at"`
	SignBy    time.Time    `json:"sign_by"`
	SignedAt  *time.Time   `json:"signed_at,omitempty"`
	RevokedAt *time.Time   `json:"revoked_at,omitempty"`
}

// MandateEvent is a step of an agreement.
type MandateEvent struct {
	Number int          `db:"number" json:"number"`
	Event  mandate.Kind `db:"event" json:"event"`
	At     time.Time    `db:"at" json:"at"`
	// Order and Amount, in tiyn, are of a use.
	Order  string `db:"order_id" json:"order,omitempty"`
	Amount int64  `db:"amount" json:"amount,omitempty"`
	// OrderState is how the order of a use stands now.
	OrderState order.State `db:"order_state" json:"order_state,omitempty"`
	// Notice says whether the payer's phone was told: wanted, sent, none (there is no phone) or failed; empty where nothing is told.
	Notice string `db:"notice" json:"notice,omitempty"`
}

// CreateMandate makes an agreement that waits for the payer's signature over [Service.MandateDocument]. Errors: [ErrInvalid],
// [ErrPayerIDInvalid], [ErrBankUnknown], [ErrServiceUnknown], [ErrMandateNotAllowed], and those of [Idem].
func (s *Service) CreateMandate(ctx context.Context, idem Idem, req mandate.Request) (Mandate, bool, error) {
	if err := req.Check(catalog.DateOf(s.now())); err != nil {
		return Mandate{}, false, invalidSpec(err)
	}
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Mandate, error) {
		if err := s.mandatesAllowed(ctx, tx, req.Payer); err != nil {
			return Mandate{}, err
		}
		doc, err := s.draftMandate(ctx, tx, req)
		if err != nil {
			return Mandate{}, err
		}
		row := mandateRow{
			Bucket: bucketOf(req.Payer), ID: doc.Mandate, Payer: req.Payer, Bank: req.Bank, Language: req.Language, State: MandateUnsigned,
			Until: req.Until, CreatedAt: s.now(),
		}
		if row.SignBy, err = time.Parse(time.RFC3339Nano, doc.SignBy); err != nil {
			return Mandate{}, err
		}
		if row.Document, err = doc.Encode(); err != nil {
			return Mandate{}, err
		}
		if err := s.insertMandate(ctx, tx, row); err != nil {
			return Mandate{}, err
		}
		if err := s.mandateEvent(ctx, tx, &row, mandateStep{kind: mandate.Created, actor: idem.Caller}); err != nil {
			return Mandate{}, err
		}
		return s.mandateView(&row, doc, 0), s.audit(ctx, tx, entry{idem.Caller, "mandate.created", row.ID, map[string]any{
			"bank": row.Bank, "payment_max": req.PaymentMax, "month_max": req.MonthMax, "until": req.Until,
		}})
	})
}

// mandatesAllowed refuses payers who ask for two signatures under each payment: one signature under many would be the way around it.
func (s *store) mandatesAllowed(ctx context.Context, q sqlx.QueryerContext, payer string) error {
	signatures, err := s.signaturesOf(ctx, q, payer)
	if err == nil && signatures > 1 {
		err = ErrMandateNotAllowed.with("the payer asks for two signatures")
	}
	return err
}

func (s *Service) draftMandate(ctx context.Context, tx *sqlx.Tx, req mandate.Request) (mandate.Document, error) {
	none := mandate.Document{}
	var through bankRow
	if err := orMissing(one(ctx, tx, &through, `SELECT `+bankColumns+` FROM banks WHERE bic = $1`, req.Bank), ErrBankUnknown); err != nil {
		return none, err
	}
	now := s.now()
	id, err := newID(prefixMandate, bucketOf(req.Payer))
	if err != nil {
		return none, err
	}
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return none, fmt.Errorf("couldn't draw a nonce: %w", err)
	}
	doc := mandate.Document{
		Type: mandate.DocumentType, Version: mandate.DocumentVersion, Statement: mandate.Statement(),
		Gateway: mandate.Gateway{BIN: s.cfg.Issuer.BIN, URL: s.cfg.Issuer.URL}, Mandate: id, Nonce: hex.EncodeToString(nonce[:]),
		CreatedAt: now.Format(time.RFC3339Nano), SignBy: now.Add(s.cfg.OrderTTL).Format(time.RFC3339Nano), Payer: req.Payer,
		Bank: mandate.Bank{BIC: through.BIC, Name: through.Name}, Until: req.Until, PaymentMax: req.PaymentMax, MonthMax: req.MonthMax,
		Payment: money.FromTiyn(req.PaymentMax).Decimal(), Month: money.FromTiyn(req.MonthMax).Decimal(),
	}
	for i, id := range req.Services {
		found, err := loadServices(ctx, tx, `s.id = $1`, id)
		if err != nil {
			return none, err
		}
		if len(found) == 0 {
			return none, ErrServiceUnknown.at(fmt.Sprintf("services[%d]", i))
		}
		doc.Services = append(doc.Services, mandate.Service{ID: id, Name: found[0].Names, Agency: found[0].Agency})
	}
	return doc, nil
}

// MandateDocument is what the payer signs, byte for byte. Errors: [ErrMandateUnknown].
func (s *Service) MandateDocument(ctx context.Context, id string) ([]byte, error) {
	row, err := s.readMandate(ctx, s.db, id, "")
	if err != nil {
		return nil, err
	}
	return row.Document, nil
}

// SignMandate takes the payer's signature over the stored document, under the rules of [Service.Authorise]; the agreement holds from then on.
// Errors: [ErrMandateUnknown], [ErrMandateState], [ErrMandateNotAllowed], those about signatures of [Service.Authorise], and those of [Idem].
func (s *Service) SignMandate(ctx context.Context, idem Idem, id string, signature []byte) (Mandate, bool, error) {
	if len(signature) == 0 || len(signature) > signatureMax {
		return Mandate{}, false, ErrInvalid.with("a signature has 1 to 262144 bytes").at("signature")
	}
	var accepted acceptance
	prepare := func(ctx context.Context) error {
		row, err := s.readMandate(ctx, s.db, id, "")
		if err != nil {
			return err
		}
		if state := row.state(s.now()); state != MandateUnsigned {
			return ErrMandateState.with("the agreement is " + string(state))
		}
		accepted, err = s.acceptSignature(ctx, &orderRow{PayerID: row.Payer, Document: row.Document}, signature)
		return err
	}
	return idempotent(ctx, &s.store, idem, prepare, func(ctx context.Context, tx *sqlx.Tx) (Mandate, error) {
		row, err := s.readMandate(ctx, tx, id, "FOR UPDATE")
		if err != nil {
			return Mandate{}, err
		}
		now := s.now()
		if state := row.state(now); state != MandateUnsigned {
			return Mandate{}, ErrMandateState.with("the agreement is " + string(state))
		}
		if err := s.mandatesAllowed(ctx, tx, row.Payer); err != nil {
			return Mandate{}, err
		}
		doc, err := mandate.Decode(row.Document)
		if err != nil || sha256.Sum256(row.Document) != accepted.document {
			return Mandate{}, errors.Join(errors.New("the document of the agreement changed while it was signed"), err)
		}
		row.State, row.SignedAt = MandateActive, &now
		if err := s.storeMandateSignature(ctx, tx, row, accepted); err != nil {
			return Mandate{}, err
		}
		if err := s.mandateEvent(ctx, tx, row, mandateStep{kind: mandate.Signed, actor: idem.Caller}); err != nil {
			return Mandate{}, err
		}
		return s.mandateView(row, doc, 0), s.audit(ctx, tx, entry{idem.Caller, "mandate.signed", row.ID, map[string]string{
			"verdict": accepted.verdictID, "document_sha256": hex.EncodeToString(accepted.document[:]),
		}})
	})
}

// RevokeMandate ends an agreement at once: what is authorised after it needs a signature. What was authorised before goes on. Errors:
// [ErrMandateUnknown], [ErrMandateState] for one that is revoked, and those of [Idem].
func (s *Service) RevokeMandate(ctx context.Context, idem Idem, id string) (Mandate, bool, error) {
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Mandate, error) {
		row, err := s.readMandate(ctx, tx, id, "FOR UPDATE")
		if err != nil {
			return Mandate{}, err
		}
		if row.State == MandateRevoked {
			return Mandate{}, ErrMandateState.with("the agreement is revoked")
		}
		doc, err := mandate.Decode(row.Document)
		if err != nil {
			return Mandate{}, err
		}
		now := s.now()
		row.State, row.RevokedAt = MandateRevoked, &now
		if err := exec(ctx, tx, 1, `UPDATE mandates SET state = 'revoked', revoked_at = $3, revoked_by = $4 WHERE bucket = $1 AND id = $2`,
			row.Bucket, row.ID, now, idem.Caller); err != nil {
			return Mandate{}, err
		}
		if err := s.mandateEvent(ctx, tx, row, mandateStep{kind: mandate.Revoked, actor: idem.Caller}); err != nil {
			return Mandate{}, err
		}
		spent, err := s.mandateSpent(ctx, tx, row)
		if err != nil {
			return Mandate{}, err
		}
		return s.mandateView(row, doc, spent), s.audit(ctx, tx, entry{idem.Caller, "mandate.revoked", row.ID, map[string]string{}})
	})
}

// AuthoriseByMandate authorises an order by an agreement of its payer, without another signature. Limits are counted under the agreement's
// lock, so that of two orders which both fit into what is left of the month one is refused. Errors: those of [Service.Authorise] but for
// signatures, [ErrMandateUnknown], [ErrMandateState], [ErrMandateCover], [ErrMandateLimit], [ErrMandateNotAllowed].
func (s *Service) AuthoriseByMandate(ctx context.Context, idem Idem, id, mandateID string) (order.Order, bool, error) {
	out, replayed, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (order.Order, error) {
		o, err := s.lockOrder(ctx, tx, id)
		if err != nil {
			return order.Order{}, err
		}
		if err := s.signable(o); err != nil {
			return order.Order{}, err
		}
		row, err := s.readMandate(ctx, tx, mandateID, "FOR UPDATE")
		if err != nil {
			return order.Order{}, err
		}
		accepted, err := s.useMandate(ctx, tx, idem.Caller, row, o)
		if err != nil {
			return order.Order{}, err
		}
		return s.authorise(ctx, tx, idem.Caller, id, accepted)
	})
	if err == nil && !replayed {
		s.kick(s.wakeAttempts)
	}
	return out, replayed, err
}

// useMandate holds an order to a locked agreement, counts it, and writes the evidence of the authorisation.
func (s *Service) useMandate(ctx context.Context, tx *sqlx.Tx, actor string, row *mandateRow, o *orderRow) (acceptance, error) {
	if row.Payer != o.PayerID { // whose agreement it is, a stranger is not told
		return acceptance{}, ErrMandateUnknown
	}
	if state := row.state(s.now()); state != MandateActive {
		return acceptance{}, ErrMandateState.with("the agreement is " + string(state))
	}
	if err := s.mandatesAllowed(ctx, tx, row.Payer); err != nil {
		return acceptance{}, err
	}
	terms, err := mandate.Decode(row.Document)
	if err != nil {
		return acceptance{}, err
	}
	doc, err := order.DecodeDocument(o.Document)
	if err != nil {
		return acceptance{}, err
	}
	asked := mandate.Asked{Payer: o.PayerID, Bank: o.Bank, Tiyn: o.Tiyn + o.Commission, On: catalog.DateOf(s.now())}
	for _, item := range doc.Items {
		asked.Services = append(asked.Services, item.Service)
	}
	if asked.Spent, err = s.mandateSpent(ctx, tx, row); err != nil {
		return acceptance{}, err
	}
	if err := mandateError(terms.Allows(asked)); err != nil {
		return acceptance{}, err
	}
	if err := exec(ctx, tx, 1, `INSERT INTO mandate_uses (bucket, order_id, mandate_id, amount, month, at) VALUES ($1, $2, $3, $4, $5::date, $6)`,
		o.Bucket, o.ID, row.ID, o.Tiyn+o.Commission, string(mandate.MonthOf(s.now())), s.now()); err != nil {
		return acceptance{}, err
	}
	whom := beneficiariesOf(doc.Items)
	step := mandateStep{kind: mandate.Used, actor: actor, order: o.ID, tiyn: o.Tiyn + o.Commission, whom: whom[0], others: len(whom) - 1}
	if err := s.mandateEvent(ctx, tx, row, step); err != nil {
		return acceptance{}, err
	}
	a := acceptance{method: methodMandate, document: sha256.Sum256(o.Document), verdictID: row.ID, signer: Signer{IIN: row.Signer, CertificateSHA256: row.Certificate}}
	agreed := sha256.Sum256(row.Document)
	a.signature, err = mandate.Record{
		Type: mandate.RecordType, Order: o.ID, DocumentSHA256: hex.EncodeToString(a.document[:]), Mandate: row.ID,
		MandateSHA256: hex.EncodeToString(agreed[:]), Verdict: row.VerdictID, At: s.now().Format(time.RFC3339Nano),
	}.Encode()
	return a, err
}

// mandateError turns what the agreement says into a refusal.
func mandateError(err error) error {
	switch {
	case errors.Is(err, mandate.ErrCover):
		return ErrMandateCover.with(err.Error())
	case errors.Is(err, mandate.ErrLimit):
		return ErrMandateLimit.with(err.Error())
	case errors.Is(err, mandate.ErrOver):
		return ErrMandateState.with(err.Error())
	}
	return err
}

// Mandate returns an agreement with what was spent in the present month. Errors: [ErrMandateUnknown].
func (s *Service) Mandate(ctx context.Context, id string) (Mandate, error) {
	row, err := s.readMandate(ctx, s.db, id, "")
	if err != nil {
		return Mandate{}, err
	}
	return s.mandateOf(ctx, row)
}

func (s *Service) mandateOf(ctx context.Context, row *mandateRow) (Mandate, error) {
	doc, err := mandate.Decode(row.Document)
	if err != nil {
		return Mandate{}, err
	}
	spent, err := s.mandateSpent(ctx, s.db, row)
	return s.mandateView(row, doc, spent), err
}

func (s *Service) mandateView(row *mandateRow, doc mandate.Document, spent int64) Mandate {
	return Mandate{
		ID: row.ID, State: row.state(s.now()), Payer: row.Payer, Bank: row.Bank, Services: doc.Services, PaymentMax: doc.PaymentMax, MonthMax: doc.MonthMax,
		Spent: spent, Until: row.Until, CreatedAt: row.CreatedAt.UTC(), SignBy: row.SignBy.UTC(), SignedAt: utc(row.SignedAt), RevokedAt: utc(row.RevokedAt),
	}
}
