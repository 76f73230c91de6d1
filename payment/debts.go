package payment

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
)

// batchMax is the most items in one batch of debts.
const batchMax = 1000

// SubmitDebts stores a batch of an agency, 1 to 1,000 items. Good items are stored, bad ones are told one by one; the
// batch as a whole fails only when it cannot be read as one. A known reference of the same payer amends the debt, unless
// somebody is paying it. Errors: [ErrInvalid], [ErrAgencyUnknown], and those of [Idem].
func (s *Service) SubmitDebts(ctx context.Context, idem Idem, agency string, items []debt.Item) (DebtBatch, bool, error) {
	if len(items) == 0 || len(items) > batchMax {
		return DebtBatch{}, false, ErrInvalid.with("a batch has 1 to 1000 items").at("items")
	}
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (DebtBatch, error) {
		var known string
		if err := orMissing(one(ctx, tx, &known, `SELECT id FROM agencies WHERE id = $1`, agency), ErrAgencyUnknown); err != nil {
			return DebtBatch{}, err
		}
		b := batch{keeper: &s.store, agency: agency, items: items, results: make([]debt.Result, len(items)), loadedAt: s.now()}
		if err := b.take(ctx, tx); err != nil {
			return DebtBatch{}, err
		}
		out := b.report()
		return out, s.audit(ctx, tx, entry{
			idem.Caller, "debts.submitted", agency,
			map[string]int{"accepted": out.Accepted, "refused": out.Refused},
		})
	})
}

// batch is one feed on its way through.
type batch struct {
	keeper   *store
	agency   string
	items    []debt.Item
	results  []debt.Result
	fresh    []*debt.Debt // by item; nil when refused or a recall
	recalls  []bool       // by item; false when refused
	checked  []error      // by item: what is wrong with it whatever is stored
	stored   map[debtKey]debt.Debt
	loadedAt time.Time
	// askedAt is set for what an agency answered: what it has stated since then is newer. Zero for feeds.
	askedAt time.Time
	// asOf goes with askedAt: of when the data are that it answered from.
	asOf time.Time
	// spoken are stored debts, by id, of which it has said more since then otherwise than by its register.
	spoken map[string]bool
}

// keys are the debts that an item touches.
func keysOf(item debt.Item) []debtKey {
	keys := []debtKey{{item.Payer.ID, item.Reference}}
	if item.Supersedes != "" {
		keys = append(keys, debtKey{item.Payer.ID, item.Supersedes})
	}
	return keys
}

func (b *batch) refuse(i int, err error) error {
	var r *debt.RefusalError
	if !errors.As(err, &r) {
		return err
	}
	r.Tell(&b.results[i])
	b.fresh[i], b.recalls[i] = nil, false
	return nil
}

// lock checks every item and locks the stored debts that the good ones touch.
func (b *batch) lock(ctx context.Context, tx *sqlx.Tx) (err error) {
	b.checked = make([]error, len(b.items))
	var keys []debtKey
	for i, item := range b.items {
		if b.checked[i] = item.Check(); b.checked[i] == nil {
			keys = append(keys, keysOf(item)...)
		}
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].payer+keys[i].reference < keys[j].payer+keys[j].reference })
	b.stored, err = b.keeper.lockDebts(ctx, tx, b.agency, keys)
	return err
}

// price finds what every item owes. The debts are locked.
func (b *batch) price(ctx context.Context, tx *sqlx.Tx) error {
	services, err := loadServices(ctx, tx, `s.agency_id = $1`, b.agency)
	if err != nil {
		return err
	}
	byID := make(map[string]catalog.Service, len(services))
	for _, v := range services {
		byID[v.ID] = v
	}
	mrp, err := loadMRP(ctx, tx)
	if err != nil {
		return err
	}
	b.fresh, b.recalls = make([]*debt.Debt, len(b.items)), make([]bool, len(b.items))
	seen := make(map[debtKey]bool, len(b.items))
	for i, item := range b.items {
		b.results[i] = debt.Result{Index: i, Reference: item.Reference}
		fresh, err := debt.Debt{}, b.checked[i]
		if err == nil {
			fresh, err = b.priced(item, byID, mrp)
		}
		if err == nil && anySeen(seen, keysOf(item)) {
			err = &debt.RefusalError{
				Code: debt.CodeDuplicate, Field: "reference", Reason: debt.WhyTwice, Detail: "stands twice in the batch; the first was taken",
			}
		}
		if err != nil {
			if err := b.refuse(i, err); err != nil {
				return err
			}
			continue
		}
		for _, key := range keysOf(item) {
			seen[key] = true
		}
		if b.recalls[i] = item.Action == debt.RecallIt; !b.recalls[i] {
			b.fresh[i] = &fresh
		}
	}
	return nil
}

func anySeen(seen map[debtKey]bool, keys []debtKey) bool {
	for _, key := range keys {
		if seen[key] {
			return true
		}
	}
	return false
}

func (b *batch) priced(item debt.Item, services map[string]catalog.Service, mrp []catalog.MRP) (debt.Debt, error) {
	if item.Action == debt.RecallIt {
		return debt.Debt{}, nil
	}
	service, own := services[item.Service]
	if !own {
		return debt.Debt{}, &debt.RefusalError{
			Code: debt.CodeServiceUnknown, Field: "service", Reason: debt.WhyService, Detail: "is not a service of this agency",
		}
	}
	on := catalog.DateOf(b.loadedAt)
	switch {
	case item.AroseOn > on:
		return debt.Debt{}, &debt.RefusalError{
			Code: debt.CodeInvalid, Field: "arose_on", Reason: debt.WhyAroseLater, Facts: debt.Facts{On: on}, Detail: "is later than today",
		}
	case item.AroseOn != "":
		on = item.AroseOn
	default: // or a new МРП would change every debt of the last year in the first night
		if d, known := b.stored[keysOf(item)[0]]; known {
			on = d.Arose()
		}
	}
	amount, basis, err := item.Price(service, on, mrp)
	if err != nil {
		return debt.Debt{}, err
	}
	return debt.Debt{
		Agency: b.agency, Reference: item.Reference, Payer: item.Payer, Service: service.ID, ServiceVersion: service.Version,
		Amount: amount, Basis: basis, Purpose: item.Purpose, DueOn: item.DueOn, AroseOn: item.AroseOn, LoadedAt: b.loadedAt,
	}, nil
}

// take locks the stored debts, prices the items, decides each against what is stored, and writes.
func (b *batch) take(ctx context.Context, tx *sqlx.Tx) error {
	if err := b.lock(ctx, tx); err != nil {
		return err
	}
	if err := b.listen(ctx, tx); err != nil {
		return err
	}
	if err := b.price(ctx, tx); err != nil {
		return err
	}
	return b.store(ctx, tx)
}

// store decides each item against what is stored, and writes.
func (b *batch) store(ctx context.Context, tx *sqlx.Tx) error {
	changes := debtChanges{stored: b.stored}
	for i := range b.items {
		var err error
		switch {
		case b.overtaken(i):
			b.results[i].Outcome, b.fresh[i], b.recalls[i] = debt.Unchanged, nil, false
		case b.recalls[i]:
			err = changes.recall(b.items[i], &b.results[i])
		case b.fresh[i] != nil:
			err = changes.state(b.items[i], b.fresh[i], &b.results[i])
		}
		if err == nil {
			continue
		}
		if err := b.refuse(i, err); err != nil {
			return err
		}
	}
	if err := b.keeper.insertDebts(ctx, tx, changes.inserted, b.loadedAt); err != nil {
		return err
	}
	return b.keeper.updateDebts(ctx, tx, changes.updated, b.loadedAt)
}

// overtaken reports whether the agency has stated an item's debt since it was asked, or since the data of its answer: an answer that was long
// on its way, or came from last night's copy, must not undo a recall.
func (b *batch) overtaken(i int) bool {
	d, known := b.stored[keysOf(b.items[i])[0]]
	return known && !b.askedAt.IsZero() && (d.LoadedAt.After(b.askedAt) || b.spoken[d.ID])
}

func (b *batch) report() DebtBatch {
	out := DebtBatch{Results: b.results, LoadedAt: b.loadedAt}
	for _, r := range b.results {
		if r.Outcome == debt.Refused {
			out.Refused++
		} else {
			out.Accepted++
		}
	}
	return out
}

// Debts lists the debts of a payer in the order of ids. Errors: [ErrPayerIDInvalid], [ErrInvalid].
func (s *Service) Debts(ctx context.Context, q DebtQuery) (DebtPage, error) {
	if !catalog.ValidPayerID(q.Payer) {
		return DebtPage{}, ErrPayerIDInvalid.at("payer")
	}
	switch q.State {
	case "", debt.Open, debt.Reserved, debt.Paid, debt.Recalled:
	default:
		return DebtPage{}, ErrInvalid.with("state is not open, reserved, paid or recalled").at("state")
	}
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return DebtPage{}, err
	}
	var rows []debtRow
	err = all(ctx, s.db, &rows, `SELECT `+debtColumns+` FROM debts d
		WHERE d.bucket = $1 AND d.payer_id = ANY($2) AND d.id > $3 AND (d.state = $4 OR ($4 = '' AND d.state IN ('open', 'reserved'))) AND (d.origin = 'agency' OR d.state <> 'open')
			AND ($6 = '' OR d.agency_id = $6) AND ($7 = '' OR d.reference = $7)
		ORDER BY d.id LIMIT $5`, bucketOf(q.Payer), s.private.forms(q.Payer), q.After, q.State, limit+1, q.Agency, q.Reference)
	if err != nil {
		return DebtPage{}, err
	}
	debts, err := s.debtsOf(ctx, rows[:min(len(rows), limit)])
	if err != nil {
		return DebtPage{}, err
	}
	if err := s.dress(ctx, s.db, debts); err != nil {
		return DebtPage{}, err
	}
	page := DebtPage{Items: debts, HasMore: len(rows) > limit}
	for i := range debts {
		if page.LoadedAt == nil || debts[i].LoadedAt.Before(*page.LoadedAt) {
			page.LoadedAt = &debts[i].LoadedAt
		}
	}
	return page, nil
}

// Debt returns a debt by id, or [ErrDebtUnknown].
func (s *Service) Debt(ctx context.Context, id string) (debt.Debt, error) {
	bucket, ok := bucketOfID(prefixDebt, id)
	if !ok {
		return debt.Debt{}, ErrDebtUnknown
	}
	var row debtRow
	if err := orMissing(one(ctx, s.db, &row, `SELECT `+debtColumns+` FROM debts d WHERE d.bucket = $1 AND d.id = $2`, bucket, id), ErrDebtUnknown); err != nil {
		return debt.Debt{}, err
	}
	d, err := s.debt(ctx, row)
	if err != nil {
		return debt.Debt{}, err
	}
	list := []debt.Debt{d}
	err = s.dress(ctx, s.db, list)
	return list[0], err
}

// RecallDebt takes an agency's debt back; the reason, 1 to 200 characters, is shown to the payer. Orders that are not
// signed yet will be refused at signing. Errors: [ErrDebtUnknown], [ErrDebtOfAgency], [ErrDebtBeingPaid], [ErrDebtPaid],
// [ErrDebtRecalled], [ErrInvalid], and those of [Idem].
func (s *Service) RecallDebt(ctx context.Context, idem Idem, agency, id, reason string) (debt.Debt, bool, error) {
	const reasonMax = 200
	if err := catalog.CheckText("reason", reason, 1, reasonMax); err != nil {
		return debt.Debt{}, false, invalidSpec(err)
	}
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (debt.Debt, error) {
		bucket, ok := bucketOfID(prefixDebt, id)
		if !ok {
			return debt.Debt{}, ErrDebtUnknown
		}
		found, err := s.lockOwnDebts(ctx, tx, bucket, []string{id})
		if err != nil {
			return debt.Debt{}, err
		}
		d, known := found[id]
		switch {
		case !known:
			return debt.Debt{}, ErrDebtUnknown
		case d.Agency != agency:
			return debt.Debt{}, ErrDebtOfAgency
		case d.Held > 0:
			return debt.Debt{}, ErrDebtBeingPaid
		}
		if d.State, err = s.debtTable.Next(d.State, debt.Recall); err != nil {
			return debt.Debt{}, debtStateError(found[id].State)
		}
		d.RecallReason = reason
		d.LoadedAt = s.now()
		d.Version++
		if err := exec(ctx, tx, 1, `UPDATE debts SET state = $3, recall_reason = $4, version = $5, loaded_at = $6 WHERE bucket = $1 AND id = $2`,
			bucket, id, d.State, reason, d.Version, d.LoadedAt); err != nil {
			return debt.Debt{}, err
		}
		return d, s.audit(ctx, tx, entry{idem.Caller, "debt.recalled", id, map[string]string{"reason": reason}})
	})
}

// debtStateError says why a debt in this state cannot be taken.
func debtStateError(state debt.State) *Error {
	switch state {
	case debt.Reserved:
		return ErrDebtBeingPaid
	case debt.Paid:
		return ErrDebtPaid
	case debt.Recalled:
		return ErrDebtRecalled
	case debt.Open:
	}
	return ErrDebtChanged
}
