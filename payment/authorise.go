package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/flow"
	"qaqpa/payment/order"
)

// Methods of authorisation.
const (
	methodEDS  = "eds"
	methodBank = "bank"
)

// signatureMax is the largest signature of a payer, in bytes.
const signatureMax = 256 << 10

// Authorise takes the payer's signature, a CMS attached or detached, over the stored document of the order. The signer
// must be the payer, or hold authority for him by the role in the certificate (R26, R28). Where the payer asks for two signatures,
// the first is kept and the order waits for another person's; see [Registrar.SetSignatures]. The debts are reserved and the
// attempt is stored in the same transaction; a worker then asks the bank, so the result is the authorised order, not yet
// executed.
//
// Errors: [ErrOrderUnknown], [ErrOrderExpired], [ErrOrderFinished], [ErrSignatureInvalid] with reasons,
// [ErrSignatureContent], [ErrSignerNotPayer], [ErrSignerNoAuthority], [ErrSignedAlready],
// [ErrVerifierUnavailable], [ErrBankPaused], [ErrGuaranteeExhausted],
// [ErrCommissionChanged], [ErrDebtChanged], [ErrAmountChanged] (a discount is over, or less is left than the order pays), [ErrDebtRecalled], [ErrDebtBeingPaid], [ErrDebtPaid], [ErrInvalid], and those of [Idem].
func (s *Service) Authorise(ctx context.Context, idem Idem, id string, signature []byte) (order.Order, bool, error) {
	if len(signature) == 0 || len(signature) > signatureMax {
		return order.Order{}, false, ErrInvalid.with("a signature has 1 to 262144 bytes").at("signature")
	}
	var accepted acceptance
	prepare := func(ctx context.Context) error {
		o, err := s.readOrder(ctx, s.db, id)
		if err != nil {
			return err
		}
		if err := s.signable(o); err != nil {
			return err
		}
		accepted, err = s.acceptSignature(ctx, o, signature)
		return err
	}
	out, replayed, err := idempotent(ctx, &s.store, idem, prepare, func(ctx context.Context, tx *sqlx.Tx) (order.Order, error) {
		return s.authorise(ctx, tx, idem.Caller, id, accepted)
	})
	if err == nil && !replayed {
		s.kick(s.wakeAttempts)
	}
	return out, replayed, err
}

// acceptance is a payer's signature that was verified over the stored document.
type acceptance struct {
	// method is methodEDS, methodCode or methodMandate; see authorisations.
	method    string
	signature []byte
	document  [sha256.Size]byte
	verdictID string
	signer    Signer
	// also are further people with authority who have signed the same document, each once.
	also []Signer
}

// ground names what the order was authorised by.
func (a acceptance) ground() string {
	switch a.method {
	case methodCode:
		return "code " + a.verdictID
	case methodMandate:
		return "mandate " + a.verdictID
	}
	return "verdict " + a.verdictID
}

// signable refuses orders that cannot be signed any more.
func (s *Service) signable(o *orderRow) error {
	if expired(o, s.now()) {
		// Whose discount ended meanwhile shall not make the same order again in vain.
		if doc, err := order.ReadStored(o.Document); err == nil && s.lapsed(doc) != nil {
			return s.lapsed(doc)
		}
		return ErrOrderExpired
	}
	if _, err := s.orderTable.Next(o.State, order.Authorise); err != nil {
		return ErrOrderFinished.with("the order is " + string(o.State)).because(err)
	}
	return nil
}

// lapsed refuses a document that counts on a discount whose window has closed.
func (s *Service) lapsed(doc order.Document) error {
	if id := doc.Lapsed(catalog.DateOf(s.now())); id != "" {
		return ErrAmountChanged.with("the discount of " + id + " is over")
	}
	return nil
}

// acceptSignature asks the verifier and finds a signer with authority.
func (s *Service) acceptSignature(ctx context.Context, o *orderRow, signature []byte) (acceptance, error) {
	found, err := s.judgeSignature(ctx, signature, o.Document)
	if err != nil {
		return acceptance{}, err
	}
	if err := s.keepVerdict(ctx, found.Unkept); err != nil {
		return acceptance{}, err
	}
	if found.Content != nil && !bytes.Equal(found.Content, o.Document) {
		e := *ErrSignatureContent
		e.VerdictID = found.VerdictID
		return acceptance{}, &e
	}
	if !found.Valid || len(found.Signers) == 0 {
		return acceptance{}, invalidSignature(found)
	}
	refused := order.ErrNotPayer
	var signers []Signer
	for _, one := range found.Signers {
		err := order.Authority(o.PayerID, order.Holder{IIN: one.IIN, BIN: one.BIN, Kind: one.Kind, Roles: one.Roles})
		switch {
		case err == nil && !slices.ContainsFunc(signers, func(before Signer) bool { return before.IIN == one.IIN }):
			signers = append(signers, one)
		case errors.Is(err, order.ErrNoAuthority):
			refused = err
		}
	}
	if len(signers) > 0 {
		return acceptance{
			method: methodEDS, signature: signature, document: sha256.Sum256(o.Document), verdictID: found.VerdictID, signer: signers[0], also: signers[1:],
		}, nil
	}
	e := *ErrSignerNotPayer
	if errors.Is(refused, order.ErrNoAuthority) {
		e = *ErrSignerNoAuthority
	}
	e.VerdictID = found.VerdictID
	return acceptance{}, &e
}

func invalidSignature(found Signature) *Error {
	e := *ErrSignatureInvalid
	e.Detail = strings.TrimSuffix(found.Indication+" "+found.Sub, " ")
	e.Reasons, e.VerdictID = found.Reasons, found.VerdictID
	return &e
}

// authorise does it: order, debts, signature, attempt, events and audit in one transaction.
func (s *Service) authorise(ctx context.Context, tx *sqlx.Tx, actor, id string, a acceptance) (order.Order, error) {
	o, err := s.lockOrder(ctx, tx, id)
	if err != nil {
		return order.Order{}, err
	}
	if err := s.signable(o); err != nil {
		return order.Order{}, err
	}
	doc, err := order.DecodeDocument(o.Document)
	if err != nil || sha256.Sum256(o.Document) != a.document {
		return order.Order{}, errors.Join(errors.New("the document of the order changed while it was signed"), err)
	}
	turn, err := s.signedBefore(ctx, tx, o, a)
	if err != nil {
		return order.Order{}, err
	}
	a.signer = turn.signer
	if turn.waits {
		return s.sign(ctx, tx, actor, o, a)
	}
	var through bankRow
	if err := orMissing(one(ctx, tx, &through, `SELECT `+bankColumns+` FROM banks WHERE bic = $1`, o.Bank), ErrBankUnknown); err != nil {
		return order.Order{}, err
	}
	if err := through.takes(); err != nil {
		return order.Order{}, err
	}
	if err := s.commissionHolds(ctx, tx, o, doc); err != nil {
		return order.Order{}, err
	}
	items, err := itemsOf(ctx, tx, o.Bucket, o.ID)
	if err != nil {
		return order.Order{}, err
	}
	if err := s.reserve(ctx, tx, o, doc, items); err != nil {
		return order.Order{}, err
	}
	now := s.now()
	if err := s.prepareAttempt(ctx, tx, o, doc, nil); err != nil {
		return order.Order{}, err
	}
	number := turn.number
	if turn.before != nil { // both signatures came in one document
		one := a
		one.signer = *turn.before
		o.note(order.Sign, o.State, now, a.ground())
		if err := s.storeAuthorisation(ctx, tx, o, one, number); err != nil {
			return order.Order{}, err
		}
		number++
	}
	if err := o.step(s.orderTable, order.Authorise, now, a.ground()); err != nil {
		return order.Order{}, err
	}
	if err := saveOrder(ctx, tx, o); err != nil {
		return order.Order{}, err
	}
	if err := s.storeAuthorisation(ctx, tx, o, a, number); err != nil {
		return order.Order{}, err
	}
	if err := s.expose(ctx, tx, o.Bank, o.Tiyn, now); err != nil {
		return order.Order{}, err
	}
	view := viewOrder(o, items, &authorisationRow{VerdictID: a.verdictID, Signer: a.signer.IIN, At: now}, now)
	if view.Allocations, err = partsOf(ctx, tx, o, items); err != nil {
		return order.Order{}, err
	}
	return view, s.audit(ctx, tx, entry{actor, "order.authorised", o.ID, map[string]string{
		"attempt": deref(o.Attempt), "verdict": a.verdictID, "document_sha256": hex.EncodeToString(a.document[:]),
	}})
}

// reserve ties the debts to the order. Of two payers, or two orders of one payer, that race for a debt, the second waits
// here for the first and then finds it reserved, or less of it left. From here on the amount is fixed: a discount holds however
// late the bank executes.
func (s *Service) reserve(ctx context.Context, tx *sqlx.Tx, o *orderRow, doc order.Document, items []itemRow) error {
	if err := s.lapsed(doc); err != nil {
		return err
	}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Debt
	}
	debts, err := s.lockOwnDebts(ctx, tx, o.Bucket, ids)
	if err != nil {
		return err
	}
	for _, item := range items {
		d, known := debts[item.Debt]
		if !known {
			return ErrDebtUnknown.with(item.Debt)
		}
		if err := s.tied(d, item); err != nil {
			return err
		}
	}
	_, err = s.moveItems(ctx, tx, items, debts, debtMove{order: o, event: debt.Reserve})
	return err
}

// debtMove takes the debts of an order along an edge.
type debtMove struct {
	order *orderRow
	event flow.Event
	// paidAt goes with debt.Pay.
	paidAt *time.Time
}

// moveDebts moves debts that are locked.
func (s *Service) moveDebts(ctx context.Context, tx *sqlx.Tx, ids []string, m debtMove) error {
	from := debt.Reserved
	if m.event == debt.Reserve {
		from = debt.Open
	}
	to, err := s.debtTable.Next(from, m.event)
	if err != nil {
		return err
	}
	var tied *string
	if to != debt.Open {
		tied = &m.order.ID
	}
	return exec(ctx, tx, int64(len(ids)), `
		UPDATE debts SET state = $4, order_id = $5, paid_at = $6
		WHERE bucket = $1 AND id = ANY($2) AND state = $3 AND (state = 'open' OR order_id = $7)`,
		m.order.Bucket, pq.Array(ids), from, to, tied, m.paidAt, m.order.ID)
}

// message renders the payment order for the bank. It is stored, so that every repetition has the same content.
func (s *Service) message(o *orderRow, doc order.Document, parts []bank.Allocation, attempt string, now time.Time) ([]byte, error) {
	message := bank.Order{
		Attempt: attempt, Order: o.ID, Bank: o.Bank, Amount: o.Amount, Payer: bank.Payer{ID: o.PayerID}, Allocations: parts,
		Purpose: purposeOfItems(doc.Items), CreatedAt: now.Format(time.RFC3339Nano), Commission: o.Commission,
	}
	if len(parts) == 0 {
		only := beneficiaryOf(doc.Items[0])
		message.Beneficiary = &only
	}
	if doc.Initiated != nil {
		message.Request, message.ExpiresAt = doc.Initiated.Request, doc.ExpiresAt
	}
	return message.Encode()
}

// beneficiaryOf is where the money of an item goes.
func beneficiaryOf(item order.DocumentItem) bank.Beneficiary {
	return bank.Beneficiary{
		Name: item.Beneficiary.Name, BIN: item.Beneficiary.BIN, Account: item.Beneficiary.Account, BIC: item.Beneficiary.BIC,
		KBK: item.KBK, KNP: item.KNP, KBE: item.KBE,
	}
}

// purposeOfItems says what is paid for, with the agencies' references.
func purposeOfItems(items []order.DocumentItem) string {
	references := make([]string, len(items))
	for i, item := range items {
		references[i] = item.Reference
	}
	return clip(items[0].ServiceName.RU + ". " + strings.Join(references, ", "))
}
