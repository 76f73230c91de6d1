package payment

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// orderDebtsMax is the most debts that one order pays.
const orderDebtsMax = 50

// CreateOrder makes an order for open debts of one payer through one bank. It reserves nothing: of several orders for
// one debt the first to be authorised pays it. Debts may be of several agencies
// and beneficiaries: the payer signs and the bank debits once, and each beneficiary gets its part; see [order.Allocation]. Errors: [ErrPayerIDInvalid], [ErrInvalid], [ErrBankUnknown], [ErrBankPaused],
// [ErrDebtUnknown], [ErrDebtOfOther], [ErrDebtPaid], [ErrDebtRecalled], [ErrDebtBeingPaid], [ErrInstalments],
// [ErrInstalmentBounds], [ErrAmountInvalid], [ErrAmountTooLarge], [ErrGuaranteeExhausted], and those of [Idem].
//
// A debt under a discount whose window is open today costs what the window leaves; the document names the rule. Of a debt whose
// service takes instalments a part may be paid, by several orders, too.
func (s *Service) CreateOrder(ctx context.Context, idem Idem, req order.Request) (order.Order, bool, error) {
	if err := checkRequest(req); err != nil {
		return order.Order{}, false, err
	}
	if view, alone, err := s.createShared(ctx, idem, req); !alone {
		return view, false, err
	}
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (order.Order, error) {
		debts, err := s.payableDebts(ctx, tx, req)
		if err != nil {
			return order.Order{}, err
		}
		return s.createOf(ctx, tx, idem, req, debts)
	})
}

// createOf makes an order of debts that can be paid, in a transaction of its own.
func (s *Service) createOf(ctx context.Context, tx *sqlx.Tx, idem Idem, req order.Request, debts []debt.Debt) (order.Order, error) {
	var bank bankRow
	if err := orMissing(one(ctx, tx, &bank, `SELECT `+bankColumns+` FROM banks WHERE bic = $1`, req.Bank), ErrBankUnknown); err != nil {
		return order.Order{}, err
	}
	if err := bank.takes(); err != nil {
		return order.Order{}, err
	}
	agencies, services, err := loadParties(ctx, tx, debts)
	if err != nil {
		return order.Order{}, err
	}
	terms, err := loadTerms(ctx, tx, bank.BIC)
	if err != nil {
		return order.Order{}, err
	}
	o, items, err := s.draft(req, bank, debts, parties{agencies, services, terms})
	if err != nil {
		return order.Order{}, err
	}
	if signatures, err := s.signaturesOf(ctx, tx, o.PayerID); err != nil {
		return order.Order{}, err
	} else if signatures > 1 {
		if err := s.postponeExpiry(o); err != nil {
			return order.Order{}, err
		}
	}
	if err := s.withinGuarantee(ctx, tx, o); err != nil {
		return order.Order{}, err
	}
	o.note(order.Create, o.State, o.CreatedAt, "")
	o.steps[0].From = ""
	if err := s.insertOrder(ctx, tx, o, items); err != nil {
		return order.Order{}, err
	}
	view, err := s.readView(ctx, tx, o)
	if err != nil {
		return order.Order{}, err
	}
	return view, s.audit(ctx, tx, createdEntry(idem, o, view))
}

func checkRequest(req order.Request) error {
	if !catalog.ValidPayerID(req.Payer) {
		return ErrPayerIDInvalid.at("payer")
	}
	if len(req.Debts) == 0 || len(req.Debts) > orderDebtsMax {
		return ErrInvalid.with("an order pays 1 to 50 debts").at("debts")
	}
	seen := make(map[string]bool, len(req.Debts))
	for i, id := range req.Debts {
		field := fmt.Sprintf("debts[%d]", i)
		bucket, ok := bucketOfID(prefixDebt, id)
		switch {
		case !ok:
			return ErrDebtUnknown.at(field)
		case seen[id]:
			return ErrInvalid.with("the debt is named twice").at(field)
		case bucket != bucketOf(req.Payer):
			return ErrDebtOfOther.at(field)
		}
		seen[id] = true
	}
	if !catalog.ValidBIC(req.Bank) {
		return ErrBankUnknown.at("bank")
	}
	return checkInstalments(req)
}

// payableDebts reads the debts of an order, in the order of ids, and refuses those that cannot be paid now.
func (s *store) payableDebts(ctx context.Context, tx *sqlx.Tx, req order.Request) ([]debt.Debt, error) {
	var rows []debtRow
	err := all(ctx, tx, &rows, `SELECT `+debtColumns+` FROM debts d WHERE d.bucket = $1 AND d.id = ANY($2) ORDER BY d.id`,
		bucketOf(req.Payer), pq.Array(req.Debts))
	if err != nil {
		return nil, err
	}
	debts, err := s.debtsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]debt.Debt, len(debts))
	for _, d := range debts {
		byID[d.ID] = d
	}
	return payable(req, byID)
}

// payable picks the debts of an order, in the order of ids, and refuses those that cannot be paid now.
func payable(req order.Request, byID map[string]debt.Debt) ([]debt.Debt, error) {
	debts := make([]debt.Debt, 0, len(req.Debts))
	for i, id := range req.Debts {
		field := fmt.Sprintf("debts[%d]", i)
		d, known := byID[id]
		switch {
		case !known:
			return nil, ErrDebtUnknown.at(field)
		case d.Payer.ID != req.Payer:
			return nil, ErrDebtOfOther.at(field)
		case d.State != debt.Open:
			return nil, debtStateError(d.State).at(field)
		case d.OwnFee: // its order was given up; the tariff may be another by now
			return nil, ErrDebtUnknown.at(field)
		}
		debts = append(debts, d)
	}
	slices.SortFunc(debts, func(a, b debt.Debt) int { return strings.Compare(a.ID, b.ID) })
	return debts, nil
}

// parties are what an order is drafted with: agencies and services of its debts, and what its bank takes.
type parties struct {
	agencies map[string]catalog.Agency
	services map[serviceKey]catalog.Service
	terms    []commission.Terms
}

// draft makes the order and the document that the payer will sign.
func (s *Service) draft(req order.Request, bank bankRow, debts []debt.Debt, with parties) (*orderRow, []itemRow, error) {
	var err error
	now := s.now()
	o := &orderRow{
		Bucket: bucketOf(req.Payer), PayerID: req.Payer, Bank: bank.BIC, State: s.orderTable.Start(), Amount: money.FromTiyn(0),
		CreatedAt: now, ExpiresAt: now.Add(s.cfg.OrderTTL),
	}
	if o.ID, err = newID(prefixOrder, o.Bucket); err != nil {
		return nil, nil, err
	}
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, nil, fmt.Errorf("couldn't draw a nonce: %w", err)
	}
	doc := order.Document{
		Type: order.DocumentType, Version: order.DocumentVersion, Statement: order.Statement(),
		Gateway: order.Gateway{BIN: s.cfg.Issuer.BIN, URL: s.cfg.Issuer.URL}, Order: o.ID, Nonce: hex.EncodeToString(nonce[:]),
		CreatedAt: o.CreatedAt.Format(time.RFC3339Nano), ExpiresAt: o.ExpiresAt.Format(time.RFC3339Nano),
		Payer: debt.Payer{ID: req.Payer}, Bank: order.DocumentBank{BIC: bank.BIC, Name: bank.Name},
	}
	items := make([]itemRow, 0, len(debts))
	for _, d := range debts {
		service := with.services[serviceKey{d.Service, d.ServiceVersion}]
		owed, err := s.owing(d, service, partOf(req, d.ID))
		if err != nil {
			return nil, nil, err
		}
		item := documentItem(d, owed, with.agencies[d.Agency], service)
		if o.Amount, err = o.Plus(owed.Amount); err != nil {
			return nil, nil, ErrAmountTooLarge.because(err)
		}
		if o.PayerName == "" {
			o.PayerName = d.Payer.Name
		}
		doc.Items = append(doc.Items, item)
		items = append(items, itemRow{
			Order: o.ID, Debt: d.ID, DebtVersion: d.Version, Service: d.Service, ServiceVersion: d.ServiceVersion, Agency: d.Agency, Amount: owed.Amount,
			Instalment: owed.Instalment, Discount: reduced(owed),
		})
	}
	if o.Tiyn > catalog.TiynMax {
		return nil, nil, ErrAmountTooLarge
	}
	for _, a := range order.Allocate(doc.Items) {
		for i := range items {
			if slices.ContainsFunc(a.Items, func(d order.DocumentItem) bool { return d.Debt == items[i].Debt }) {
				items[i].Part = a.Part
			}
		}
	}
	doc.Payer.Name, doc.Total, doc.Amount = o.PayerName, o.Decimal(), o.Amount
	if err := charge(with.terms, catalog.DateOf(now), o, &doc, items); err != nil {
		return nil, nil, err
	}
	o.Document, err = doc.Encode()
	return o, items, err
}

// reduced is what a discount takes off, in tiyn.
func reduced(owed debt.Owed) int64 {
	if owed.Reduction == nil {
		return 0
	}
	return owed.Reduction.Tiyn
}

func documentItem(d debt.Debt, owed debt.Owed, agency catalog.Agency, v catalog.Service) order.DocumentItem {
	return order.DocumentItem{
		Debt: d.ID, DebtVersion: d.Version, Reference: d.Reference, Purpose: d.Purpose, Agency: d.Agency, AgencyName: agency.Names,
		Service: d.Service, ServiceName: v.Names, ServiceVersion: v.Version, KBK: v.KBK, KNP: v.KNP, KBE: v.KBE,
		Beneficiary: v.Beneficiary, Basis: d.Basis, Sum: owed.Decimal(), Amount: owed.Amount,
		Full: owed.Full, Discount: owed.Reduction, Instalment: owed.Instalment,
	}
}

// errParties says that a debt names an agency or a service that is not registered: an invariant is broken.
var errParties = errors.New("couldn't find the parties of an order")

// loadParties reads the agencies and service versions of debts.
func loadParties(ctx context.Context, q sqlx.QueryerContext, debts []debt.Debt) (map[string]catalog.Agency, map[serviceKey]catalog.Service, error) {
	seen := map[serviceKey]bool{}
	var keys []serviceKey
	ids := map[string]bool{}
	for _, d := range debts {
		key := serviceKey{d.Service, d.ServiceVersion}
		if !seen[key] {
			keys, seen[key] = append(keys, key), true
		}
		ids[d.Agency] = true
	}
	services, err := loadServiceVersions(ctx, q, keys)
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, 0, len(ids))
	for id := range ids {
		names = append(names, id)
	}
	sort.Strings(names)
	var rows []agencyRow
	if err := all(ctx, q, &rows, `SELECT `+agencyColumns+` FROM agencies WHERE id = ANY($1)`, pq.Array(names)); err != nil {
		return nil, nil, err
	}
	agencies := make(map[string]catalog.Agency, len(rows))
	for _, r := range rows {
		agencies[r.ID] = r.agency()
	}
	if len(agencies) != len(ids) || len(services) != len(keys) {
		return nil, nil, fmt.Errorf("%w: %d agencies and %d services", errParties, len(ids), len(keys))
	}
	return agencies, services, nil
}

// Order returns an order by id, or [ErrOrderUnknown].
func (s *Service) Order(ctx context.Context, id string) (order.Order, error) {
	row, err := s.readOrder(ctx, s.db, id)
	if err != nil {
		return order.Order{}, err
	}
	return s.readView(ctx, s.db, row)
}

// ToldReference is the reference by which the bank told of an execution beside that of the order, which a statement had shown before; empty
// where there is but one. Errors: [ErrAttemptUnknown].
func (s *Service) ToldReference(ctx context.Context, attempt string) (told string, err error) {
	bucket, ok := bucketOfID(prefixAttempt, attempt)
	if !ok {
		return "", ErrAttemptUnknown
	}
	err = one(ctx, s.db, &told, `SELECT told_reference FROM attempts WHERE bucket = $1 AND id = $2`, bucket, attempt)
	return told, orMissing(err, ErrAttemptUnknown)
}

// OrderDocument returns the stored bytes that the payer signs, or [ErrOrderUnknown].
func (s *Service) OrderDocument(ctx context.Context, id string) ([]byte, error) {
	row, err := s.readOrder(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	return row.Document, nil
}

// OrderEvents lists the steps of an order, oldest first, or returns [ErrOrderUnknown].
func (s *Service) OrderEvents(ctx context.Context, id string) ([]order.Event, error) {
	bucket, ok := bucketOfID(prefixOrder, id)
	if !ok {
		return nil, ErrOrderUnknown
	}
	var rows []struct {
		Seq    int         `db:"seq"`
		At     time.Time   `db:"at"`
		Event  string      `db:"event"`
		From   order.State `db:"from_state"`
		To     order.State `db:"to_state"`
		Detail string      `db:"detail"`
	}
	err := all(ctx, s.db, &rows, `SELECT seq, at, event, from_state, to_state, detail FROM order_events
		WHERE bucket = $1 AND order_id = $2 ORDER BY seq`, bucket, id)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 { // every order has its first event
		return nil, ErrOrderUnknown
	}
	events := make([]order.Event, len(rows))
	for i, r := range rows {
		events[i] = order.Event{Seq: r.Seq, At: r.At.UTC(), Event: r.Event, From: r.From, To: r.To, Detail: r.Detail}
	}
	return events, nil
}

// CancelOrder gives an order up before it is signed. Errors: [ErrOrderUnknown], [ErrOrderFinished], [ErrOrderExpired],
// and those of [Idem].
func (s *Service) CancelOrder(ctx context.Context, idem Idem, id string) (order.Order, bool, error) {
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (order.Order, error) {
		o, err := s.lockOrder(ctx, tx, id)
		if err != nil {
			return order.Order{}, err
		}
		if expired(o, s.now()) {
			return order.Order{}, ErrOrderExpired
		}
		if err := o.step(s.orderTable, order.Cancel, s.now(), ""); err != nil {
			return order.Order{}, err
		}
		if err := saveOrder(ctx, tx, o); err != nil {
			return order.Order{}, err
		}
		view, err := s.readView(ctx, tx, o)
		if err != nil {
			return order.Order{}, err
		}
		return view, s.audit(ctx, tx, entry{idem.Caller, "order.cancelled", id, nil})
	})
}

// expired reports whether an order was not signed in time.
func expired(o *orderRow, now time.Time) bool {
	return o.State == order.Expired || (o.State == order.Created && !now.Before(o.ExpiresAt))
}

// expireOrders ends unsigned orders whose time has run out, at most limit of them, and returns how many. No audit entry
// is needed: the events say it, and nothing was promised.
func (s *Service) expireOrders(ctx context.Context, limit int) (int, error) {
	var due []struct {
		Bucket int    `db:"bucket"`
		ID     string `db:"id"`
	}
	err := all(ctx, s.db, &due, `SELECT bucket, id FROM orders WHERE state = 'created' AND expires_at <= $1 LIMIT $2`, s.now(), limit)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
			o, err := s.lockOrder(ctx, tx, d.ID)
			if err != nil || !expired(o, s.now()) || o.State == order.Expired {
				return err
			}
			if err := o.step(s.orderTable, order.Expire, s.now(), ""); err != nil {
				return err
			}
			return saveOrder(ctx, tx, o)
		})
		if err != nil {
			return 0, fmt.Errorf("couldn't expire %s: %w", d.ID, err)
		}
	}
	return len(due), nil
}
