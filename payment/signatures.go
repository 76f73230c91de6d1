package payment

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
)

// pairTTL is how long an order waits for two people: the second is rarely at hand.
const pairTTL = 24 * time.Hour

// signaturesMax is the most signatures that a payer may ask for.
const signaturesMax = 2

// SetSignatures says how many different people have to sign each payment of a company (R27, R28): 1 or 2. It holds for orders that
// are not authorised yet, too. Errors: [ErrPayerIDInvalid], [ErrInvalid], and those of [Idem].
func (r *Registrar) SetSignatures(ctx context.Context, idem Idem, payer string, count int) (int, bool, error) {
	if !catalog.ValidPayerID(payer) {
		return 0, false, ErrPayerIDInvalid.at("payer")
	}
	if count < 1 || count > signaturesMax {
		return 0, false, ErrInvalid.with("a payment has one signature or two").at("signatures")
	}
	return idempotent(ctx, &r.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (int, error) {
		// In whatever form the number stands: with two rows the rule would be whichever is read.
		forms := r.private.forms(payer)
		for _, form := range forms {
			if err := exec(ctx, tx, -1, `UPDATE signing_rules SET signatures = $3, set_by = $4, set_at = $5 WHERE bucket = $1 AND payer_id = $2`,
				bucketOf(payer), form, count, idem.Caller, r.now()); err != nil {
				return 0, err
			}
		}
		if err := exec(ctx, tx, -1, `
			INSERT INTO signing_rules (bucket, payer_id, signatures, set_by, set_at) SELECT $1, $2, $3, $4, $5
			WHERE NOT EXISTS (SELECT 1 FROM signing_rules WHERE bucket = $1 AND payer_id = ANY($6)) ON CONFLICT DO NOTHING`,
			bucketOf(payer), forms[0], count, idem.Caller, r.now(), forms); err != nil {
			return 0, err
		}
		return count, r.audit(ctx, tx, entry{idem.Caller, "payer.signatures", payer, map[string]int{"signatures": count}})
	})
}

// postponeExpiry gives a drafted order the time that two people need.
func (s *Service) postponeExpiry(o *orderRow) error {
	if s.cfg.OrderTTL >= pairTTL {
		return nil
	}
	doc, err := order.DecodeDocument(o.Document)
	if err != nil {
		return err
	}
	o.ExpiresAt = o.CreatedAt.Add(pairTTL)
	doc.ExpiresAt = o.ExpiresAt.Format(time.RFC3339Nano)
	o.Document, err = doc.Encode()
	return err
}

// signaturesOf is how many signatures a payer asks for.
func (s *store) signaturesOf(ctx context.Context, q sqlx.QueryerContext, payer string) (int, error) {
	// A number that stands in two forms, set once with keys and once without, has the stricter rule.
	var counts []int
	if err := all(ctx, q, &counts, `SELECT coalesce(max(signatures), 1) FROM signing_rules WHERE bucket = $1 AND payer_id = ANY($2)`, bucketOf(payer), s.private.forms(payer)); err != nil || len(counts) == 0 {
		return 1, err
	}
	return counts[0], nil
}

// authorisationsOf reads what an order was authorised by, in the order of signing.
func (s *store) authorisationsOf(ctx context.Context, q sqlx.QueryerContext, o *orderRow) ([]authorisationRow, error) {
	var rows []authorisationRow
	err := all(ctx, q, &rows, `SELECT verdict_id, signer, at FROM authorisations WHERE bucket = $1 AND order_id = $2 ORDER BY number`, o.Bucket, o.ID)
	for i := range rows {
		if err == nil {
			rows[i].Signer, err = s.private.number(rows[i].Signer)
		}
	}
	return rows, err
}

// storeAuthorisation keeps a signature as evidence, the number-th of its order.
func (s *Service) storeAuthorisation(ctx context.Context, tx *sqlx.Tx, o *orderRow, a acceptance, number int) error {
	signature, err := s.private.seal(ctx, a.signature, place("authorisations", "signature", o.ID+"/"+strconv.Itoa(number)))
	if err != nil {
		return err
	}
	return exec(ctx, tx, 1, `
		INSERT INTO authorisations (bucket, order_id, number, method, signature, verdict_id, signer, certificate_sha256, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		o.Bucket, o.ID, number, a.method, signature, a.verdictID, s.private.payer(a.signer.IIN), a.signer.CertificateSHA256, s.now())
}

// turn is which signature of an order a document brings.
type turn struct {
	// signer is whose signature is taken, as the number-th; waits says that the payer asks for one more after it.
	signer Signer
	number int
	waits  bool
	// before is the first of two people who have signed one document; his signature is taken before signer's.
	before *Signer
}

// signedBefore holds who has signed a document against the earlier signatures of its order. The same person cannot be both, whatever
// certificates he holds; two people may sign one document side by side, as systems of electronic documents let them.
func (s *store) signedBefore(ctx context.Context, tx *sqlx.Tx, o *orderRow, a acceptance) (turn, error) {
	earlier, err := s.authorisationsOf(ctx, tx, o)
	if err != nil {
		return turn{}, err
	}
	fresh := slices.DeleteFunc(append([]Signer{a.signer}, a.also...), func(one Signer) bool {
		return slices.ContainsFunc(earlier, func(before authorisationRow) bool { return before.Signer == one.IIN })
	})
	if len(fresh) == 0 {
		e := *ErrSignedAlready
		e.VerdictID = a.verdictID
		return turn{}, &e
	}
	needed, err := s.signaturesOf(ctx, tx, o.PayerID)
	if missing := needed - len(earlier); missing > 1 && len(fresh) > 1 {
		return turn{signer: fresh[1], number: len(earlier) + 1, before: &fresh[0]}, err
	}
	return turn{signer: fresh[0], number: len(earlier) + 1, waits: len(earlier)+1 < needed}, err
}

// sign keeps the first of two signatures: nothing is reserved and nothing given to the bank.
func (s *Service) sign(ctx context.Context, tx *sqlx.Tx, actor string, o *orderRow, a acceptance) (order.Order, error) {
	now := s.now()
	o.note(order.Sign, o.State, now, "verdict "+a.verdictID)
	if err := saveOrder(ctx, tx, o); err != nil {
		return order.Order{}, err
	}
	if err := s.storeAuthorisation(ctx, tx, o, a, 1); err != nil {
		return order.Order{}, err
	}
	view, err := s.readView(ctx, tx, o)
	if err != nil {
		return order.Order{}, err
	}
	return view, s.audit(ctx, tx, entry{actor, "order.signed", o.ID, map[string]string{
		"verdict": a.verdictID, "document_sha256": hex.EncodeToString(a.document[:]),
	}})
}
