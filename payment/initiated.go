package payment

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/bank"
	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// freshFor is how far the clock of a bank may be from ours, either way. An older message is a replay, or was held up longer
// than a client waits.
const freshFor = 10 * time.Minute

// Who begins a payment at the bank.
const (
	initiatorGateway = "gateway"
	initiatorBank    = "bank"
)

// CheckForBank answers a bank's signed question what its client owes (R5), by IIN, BIN or number of a debt: debts that can be
// paid now, sealed. bankID is the BIC of the authenticated caller. The question is written into the audit log (R42).
//
// Errors: [ErrBankMessageInvalid], [ErrBankMessageStale], [ErrSignatureInvalid], [ErrVerifierUnavailable], [ErrBankUnknown],
// [ErrBankMismatch], [ErrBankSigner], [ErrPayerIDInvalid], [ErrDebtUnknown].
func (s *Service) CheckForBank(ctx context.Context, bankID string, message []byte) ([]byte, error) {
	found, err := s.hearBank(ctx, bankID, message)
	if err != nil {
		return nil, err
	}
	check, err := bank.ParseCheck(found.Content)
	switch {
	case err != nil:
		return nil, ErrBankMessageInvalid.because(err)
	case check.Bank != bankID:
		return nil, ErrBankMismatch.with("the message names another bank")
	case !s.fresh(check.Made()):
		return nil, ErrBankMessageStale
	}
	debts, payer, err := s.payableFor(ctx, check)
	if err != nil {
		return nil, err
	}
	agencies, services, err := loadParties(ctx, s.db, debts)
	if err != nil {
		return nil, err
	}
	terms, err := loadTerms(ctx, s.db, bankID)
	if err != nil {
		return nil, err
	}
	offer := bank.Offer{Bank: bankID, Request: check.Request, Payer: bank.Payer{ID: payer}, MadeAt: s.now().Format(time.RFC3339Nano), Debts: []bank.Offered{}}
	for _, d := range debts {
		if d.Payable == 0 { // all that is left is being paid in parts
			continue
		}
		service := services[serviceKey{d.Service, d.ServiceVersion}]
		decided, err := decideFor(terms, bankID, catalog.DateOf(s.now()), []order.DocumentItem{{
			Service: d.Service, Agency: d.Agency, KBK: service.KBK, Amount: money.FromTiyn(d.Payable),
		}})
		if err != nil {
			return nil, ErrAmountTooLarge.because(err)
		}
		offer.Debts = append(offer.Debts, bank.Offered{
			Commission: decided.Total(),
			Debt:       d.ID, Version: d.Version, Reference: d.Reference, Agency: agencies[d.Agency].Names,
			Service: service.Names, Purpose: d.Purpose, DueOn: string(d.DueOn),
			LoadedAt: d.LoadedAt.Format(time.RFC3339Nano), Amount: money.FromTiyn(d.Payable), DiscountUntil: discountUntil(d),
		})
	}
	raw, err := offer.Encode()
	if err != nil {
		return nil, fmt.Errorf("couldn't write an offer: %w", err)
	}
	// The entry commits before the answer leaves.
	if err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return s.audit(ctx, tx, entry{actorBank(bankID), "debts.checked", payer, map[string]any{
			"request": check.Request, "debts": len(debts), "verdict": found.VerdictID,
		}})
	}); err != nil {
		return nil, err
	}
	return s.cfg.Sealer.Seal(ctx, raw)
}

// discountUntil is the last day on which the offer holds; empty where it rests on no discount.
func discountUntil(d debt.Debt) string {
	if d.Discount == nil {
		return ""
	}
	return string(d.Discount.Until)
}

// payableFor reads the open debts that a check asks for, at most as many as an initiation may pay.
func (s *Service) payableFor(ctx context.Context, check bank.Check) ([]debt.Debt, string, error) {
	if check.Debt != "" {
		d, err := s.Debt(ctx, check.Debt)
		if err != nil || d.State != debt.Open || d.OwnFee {
			return nil, d.Payer.ID, err
		}
		return []debt.Debt{d}, d.Payer.ID, nil
	}
	page, err := s.LookUp(ctx, actorBank(check.Bank), DebtQuery{Payer: check.Payer, State: debt.Open, Limit: bank.DebtsMax})
	return page.Items, check.Payer, err
}

// hearBank takes a message that a bank signed for us: one signer, who speaks for the bank that calls.
func (s *Service) hearBank(ctx context.Context, bankID string, message []byte) (Signature, error) {
	if len(message) == 0 || len(message) > bankMessageMax {
		return Signature{}, ErrBankMessageInvalid.with("a message has 1 to 262144 bytes")
	}
	registered, err := s.bank(ctx, bankID)
	if err != nil {
		return Signature{}, err
	}
	found, err := s.judgeSignature(ctx, message, nil)
	if err != nil {
		return Signature{}, err
	}
	if err := s.keepVerdict(ctx, found.Unkept); err != nil {
		return Signature{}, err
	}
	switch {
	case !found.Valid:
		return Signature{}, invalidSignature(found)
	case found.Content == nil || len(found.Signers) != 1:
		return Signature{}, ErrBankMessageInvalid.with("a message carries its content and one signature")
	case !speaksFor(found.Signers[0], registered.BIN):
		return Signature{}, ErrBankSigner
	}
	return found, nil
}

// fresh reports whether a message was made about now.
func (s *Service) fresh(made time.Time) bool {
	away := s.now().Sub(made)
	return away <= freshFor && -away <= freshFor
}

// PayForBank takes a bank's signed order to pay debts for a client whom the bank has authenticated (R5). The debts are reserved and
// an attempt is stored that counts as sent: the bank executes it on the answer, which is the sealed payment-order, and says so
// by [Service.Confirm]. Repeating the request gives the same order, unless the bank has said meanwhile that it does not execute it: somebody
// else may be paying the debts by then. The bank is asked what became of an attempt of which it has
// said nothing by the end of the order's time; only its signed word ends it.
//
// Of a bank's client and a payer on the portal who want the same debt, the second finds it reserved.
//
// Errors: those of [Service.CheckForBank], [ErrBankPaused], [ErrGuaranteeExhausted], [ErrDebtChanged], [ErrDebtOfOther], [ErrDebtPaid],
// [ErrDebtRecalled], [ErrDebtBeingPaid], [ErrAmountChanged], [ErrIdempotencyReuse] for another order under the same request,
// [ErrOrderFinished] for one that was given up.
func (s *Service) PayForBank(ctx context.Context, bankID string, message []byte) ([]byte, error) {
	found, err := s.hearBank(ctx, bankID, message)
	if err != nil {
		return nil, err
	}
	said, err := bank.ParseInitiation(found.Content)
	switch {
	case err != nil:
		return nil, ErrBankMessageInvalid.because(err)
	case said.Bank != bankID:
		return nil, ErrBankMismatch.with("the message names another bank")
	case !s.fresh(said.Made()): // whoever replays an old message learns nothing
		return nil, ErrBankMessageStale
	}
	// The time is left out of what has to agree: the bank may sign a repetition anew.
	same := said
	same.At = ""
	raw, err := canon.Marshal(same)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode an initiation: %w", err)
	}
	idem := Idem{Caller: "bank-request:" + bankID, Key: said.Request, Hash: sha256.Sum256(raw)}
	o, _, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (order.Order, error) {
		return s.initiate(ctx, tx, said, initiation{message: message, verdictID: found.VerdictID, signer: found.Signers[0], request: said.Request, channel: said.Channel})
	})
	if err != nil {
		return nil, err
	}
	var attempt struct {
		State   order.AttemptState `db:"state"`
		Message []byte             `db:"message"`
	}
	bucket, _ := bucketOfID(prefixAttempt, o.Attempt)
	if err := one(ctx, s.db, &attempt, `SELECT state, message FROM attempts WHERE bucket = $1 AND id = $2`, bucket, o.Attempt); err != nil {
		return nil, err
	}
	if attempt.State == order.AttemptRefused {
		return nil, ErrOrderFinished.with("the bank has said that it does not execute this payment")
	}
	stored, err := s.private.open(ctx, attempt.Message, place("attempts", "message", o.Attempt))
	if err != nil {
		return nil, err
	}
	return s.cfg.Sealer.Seal(ctx, stored)
}

// initiation is the bank's message that stands in the place of the payer's signature.
type initiation struct {
	message          []byte
	verdictID        string
	signer           Signer
	request, channel string
}

// initiate makes the order, authorised and sent, in one transaction.
func (s *Service) initiate(ctx context.Context, tx *sqlx.Tx, said bank.Initiation, by initiation) (order.Order, error) {
	req := order.Request{Payer: said.Payer, Bank: said.Bank}
	for _, d := range said.Debts {
		req.Debts = append(req.Debts, d.Debt)
	}
	if err := checkRequest(req); err != nil {
		return order.Order{}, err
	}
	o, doc, items, err := s.initiated(ctx, tx, req, said, by)
	if err != nil {
		return order.Order{}, err
	}
	o.note(order.Create, o.State, o.CreatedAt, "bank")
	o.steps[0].From = ""
	if err := s.insertOrder(ctx, tx, o, items); err != nil {
		return order.Order{}, err
	}
	if err := s.reserve(ctx, tx, o, doc, items); err != nil {
		return order.Order{}, err
	}
	now := s.now()
	if err := s.prepareAttempt(ctx, tx, o, doc, &by); err != nil {
		return order.Order{}, err
	}
	if err := o.step(s.orderTable, order.Authorise, now, "verdict "+by.verdictID); err != nil {
		return order.Order{}, err
	}
	if err := o.step(s.orderTable, order.Send, now, "by the bank"); err != nil {
		return order.Order{}, err
	}
	if err := saveOrder(ctx, tx, o); err != nil {
		return order.Order{}, err
	}
	speaker := by.signer
	speaker.IIN = by.signer.BIN // a system's certificate names no person
	ground := acceptance{method: methodBank, signature: by.message, verdictID: by.verdictID, signer: speaker}
	if err := s.storeAuthorisation(ctx, tx, o, ground, 1); err != nil {
		return order.Order{}, err
	}
	if err := s.expose(ctx, tx, o.Bank, o.Tiyn, now); err != nil {
		return order.Order{}, err
	}
	view, err := s.readView(ctx, tx, o)
	if err != nil {
		return order.Order{}, err
	}
	return view, s.audit(ctx, tx, entry{actorBank(o.Bank), "order.initiated", o.ID, map[string]any{
		"attempt": deref(o.Attempt), "request": by.request, "channel": by.channel, "amount": o.Tiyn, "verdict": by.verdictID,
	}})
}

// initiated drafts the order and holds it to what the client saw at the bank.
func (s *Service) initiated(
	ctx context.Context, tx *sqlx.Tx, req order.Request, said bank.Initiation, by initiation,
) (*orderRow, order.Document, []itemRow, error) {
	none := order.Document{}
	var registered bankRow
	if err := orMissing(one(ctx, tx, &registered, `SELECT `+bankColumns+` FROM banks WHERE bic = $1`, req.Bank), ErrBankUnknown); err != nil {
		return nil, none, nil, err
	}
	if registered.Paused {
		return nil, none, nil, ErrBankPaused
	}
	debts, err := s.payableDebts(ctx, tx, req)
	if err != nil {
		return nil, none, nil, err
	}
	seen := make(map[string]bank.InitiatedDebt, len(said.Debts))
	for _, d := range said.Debts {
		seen[d.Debt] = d
	}
	for _, d := range debts {
		if seen[d.ID].Version != d.Version {
			return nil, none, nil, ErrDebtChanged.with(d.ID)
		}
	}
	agencies, services, err := loadParties(ctx, tx, debts)
	if err != nil {
		return nil, none, nil, err
	}
	terms, err := loadTerms(ctx, tx, registered.BIC)
	if err != nil {
		return nil, none, nil, err
	}
	o, items, err := s.draft(req, registered, debts, parties{agencies, services, terms})
	if err != nil {
		return nil, none, nil, err
	}
	if o.Commission != said.Commission { // the client saw another one, or none
		return nil, none, nil, ErrCommissionChanged.with(fmt.Sprintf("of these debts together it is %d tiyn", o.Commission))
	}
	for _, item := range items {
		if seen[item.Debt].Amount != item.Amount { // a discount ended, or somebody paid a part, since the client looked
			return nil, none, nil, ErrAmountChanged.with(item.Debt)
		}
	}
	doc, err := order.DecodeDocument(o.Document)
	if err != nil {
		return nil, none, nil, err
	}
	doc.Statement = catalog.Names{
		KK: "Бұл төлемді банк өз клиентінің тапсырмасымен бастады; негізі — банк қол қойған хабарлама.",
		RU: "Этот платёж начал банк по поручению своего клиента; основание — сообщение, подписанное банком.",
		EN: "The bank began this payment on the order of its own client; its ground is the message that the bank signed.",
	}
	doc.Initiated = &order.Initiated{Request: by.request, Channel: by.channel}
	o.Document, err = doc.Encode()
	return o, doc, items, err
}
