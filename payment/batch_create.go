package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/payment/pgarray"
)

// creation is an order on its way through a shared commit. One that is refused, or whose key was used before, is left to the
// path of its own, which keeps the refusal or finds the answer of then.
type creation struct {
	idem Idem
	req  order.Request
	// view is set by the commit.
	view order.Order
}

// keys: orders reserve nothing, so they do not meet; one key is worked on once at a time, see store.inFlight.
func (c *creation) keys() []string { return nil }

func (c *creation) begin() { c.view = order.Order{} }

// createShared makes an order in a shared commit. alone says that it was left over.
func (s *Service) createShared(ctx context.Context, idem Idem, req order.Request) (view order.Order, alone bool, err error) {
	if err := idem.check(); err != nil {
		return order.Order{}, false, err
	}
	flight := idem.flight()
	if _, busy := s.inFlight.LoadOrStore(flight, true); busy {
		return order.Order{}, false, ErrIdempotencyBusy
	}
	defer s.inFlight.Delete(flight)
	c := &creation{idem: idem, req: req}
	if alone, err = s.creations.do(ctx, c); alone || err != nil {
		return order.Order{}, alone, err
	}
	return c.view, false, nil
}

// ground is what the orders of one commit are judged on.
type ground struct {
	used     map[string]bool // keys, as in Idem.flight
	banks    map[string]bankRow
	limits   map[string]guaranteeRow
	debts    map[string]debt.Debt
	agencies map[string]catalog.Agency
	services map[serviceKey]catalog.Service
	terms    []commission.Terms
	paired   map[string]bool // payers that ask for two signatures
}

// commitCreations is the shared commit of orders.
func (s *Service) commitCreations(ctx context.Context, tx *sqlx.Tx, jobs []*job) (func(), error) {
	list := make([]*creation, len(jobs))
	for i, j := range jobs {
		list[i], _ = j.work.(*creation)
	}
	g, err := s.readGround(ctx, tx, list)
	if errors.Is(err, errParties) { // one of them has a broken debt: each finds out by himself
		for _, j := range jobs {
			j.alone = true
		}
		return nil, nil //nolint:nilnil // nothing to do after the commit
	}
	if err != nil {
		return nil, err
	}
	w := &writes{at: s.now(), private: s.private}
	for i, c := range list {
		if err := s.createPlain(w, c, g); err != nil {
			jobs[i].alone = true
		}
	}
	if len(w.created) == 0 {
		return nil, nil //nolint:nilnil // nothing to do after the commit
	}
	return nil, w.flush(ctx, tx, s.cfg.Auditor)
}

// createPlain adds what an order writes, if nothing speaks against it. It leaves w alone otherwise.
func (s *Service) createPlain(w *writes, c *creation, g *ground) error {
	bank, known := g.banks[c.req.Bank]
	switch {
	case g.used[c.idem.flight()]:
		return ErrIdempotencyReuse
	case w.private.turning() && len(w.private.callerForms(c.idem.Caller)) > 1:
		return ErrIdempotencyBusy // alone, under the turn of its bucket
	case !known:
		return ErrBankUnknown
	}
	if err := bank.takes(); err != nil {
		return err
	}
	debts, err := payable(c.req, g.debts)
	if err != nil {
		return err
	}
	o, items, err := s.draft(c.req, bank, debts, parties{g.agencies, g.services, g.terms})
	if err != nil {
		return err
	}
	if _, parts := wholeAndParts(items); several(items) || len(parts) > 0 || g.paired[c.req.Payer] { // the common order has one part and one signature; others take a transaction of their own
		return errAllocations
	}
	if refused := g.limits[o.Bank].refusal(o.Tiyn, catalog.DateOf(w.at)); refused != nil {
		return refused
	}
	o.note(order.Create, o.State, o.CreatedAt, "")
	o.steps[0].From = ""
	view := viewOrder(o, items, nil, o.CreatedAt)
	response, err := json.Marshal(view)
	if err != nil {
		return fmt.Errorf("couldn't encode the result: %w", err)
	}
	audit, err := createdEntry(c.idem, o, view).encode()
	if err != nil {
		return err
	}
	w.created = append(w.created, createdOrder{o, items})
	w.idems = append(w.idems, idemWrite{c.idem, response})
	w.audit = append(w.audit, audit)
	c.view = view
	return nil
}

func createdEntry(idem Idem, o *orderRow, view order.Order) entry {
	return entry{idem.Caller, "order.created", o.ID, map[string]any{"amount": o.Tiyn, "document_sha256": view.DocumentSHA256}}
}

// readGround reads everything in a handful of statements, however many orders there are.
func (s *Service) readGround(ctx context.Context, tx *sqlx.Tx, list []*creation) (*ground, error) {
	g := &ground{used: map[string]bool{}, banks: map[string]bankRow{}, limits: map[string]guaranteeRow{}, debts: map[string]debt.Debt{}}
	if err := g.readKeys(ctx, tx, s.private, list); err != nil {
		return nil, err
	}
	var buckets []int64
	var ids, bics, payers []string
	var homes []int64
	for _, c := range list {
		bics = append(bics, c.req.Bank)
		for _, form := range s.private.forms(c.req.Payer) {
			payers, homes = append(payers, form), append(homes, int64(bucketOf(c.req.Payer)))
		}
		for _, id := range c.req.Debts {
			buckets, ids = append(buckets, int64(bucketOf(c.req.Payer))), append(ids, id)
		}
	}
	var banks []bankRow
	if err := all(ctx, tx, &banks, `SELECT `+bankColumns+` FROM banks WHERE bic = ANY($1::text[])`, pgarray.Texts(bics)); err != nil {
		return nil, err
	}
	for _, b := range banks {
		g.banks[b.BIC] = b
	}
	var paired []string
	if err := all(ctx, tx, &paired, `SELECT r.payer_id FROM unnest($1::integer[], $2::text[]) AS k (bucket, payer_id)
		JOIN signing_rules r ON r.bucket = k.bucket AND r.payer_id = k.payer_id WHERE r.signatures > 1`, pgarray.Int4s(homes), pgarray.Texts(payers)); err != nil {
		return nil, err
	}
	g.paired = make(map[string]bool, len(paired))
	for _, stored := range paired {
		payer, err := s.private.number(stored)
		if err != nil {
			return nil, err
		}
		g.paired[payer] = true
	}
	var limits []guaranteeRow
	if err := all(ctx, tx, &limits, `SELECT `+guaranteeColumns+` FROM guarantees WHERE bank_bic = ANY($1::text[])`, pgarray.Texts(bics)); err != nil {
		return nil, err
	}
	for _, l := range limits {
		g.limits[l.Bank] = l
	}
	var rows []debtRow
	if err := all(ctx, tx, &rows, `SELECT `+debtColumns+` FROM unnest($1::integer[], $2::text[]) AS k (bucket, id)
		JOIN debts d ON d.bucket = k.bucket AND d.id = k.id`, pgarray.Int4s(buckets), pgarray.Texts(ids)); err != nil {
		return nil, err
	}
	debts, err := s.debtsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	for _, d := range debts {
		g.debts[d.ID] = d
	}
	if g.terms, err = loadTerms(ctx, tx, bics...); err != nil {
		return nil, err
	}
	g.agencies, g.services, err = loadParties(ctx, tx, debts)
	return g, err
}

func (g *ground) readKeys(ctx context.Context, tx *sqlx.Tx, private *privacy, list []*creation) error {
	n := len(list)
	buckets, callers, keys := make([]int64, 0, n), make([]string, 0, n), make([]string, 0, n)
	for _, c := range list {
		for _, form := range private.callerForms(c.idem.Caller) {
			buckets, callers, keys = append(buckets, int64(c.idem.bucket())), append(callers, form), append(keys, c.idem.Key)
		}
	}
	var used []struct {
		Caller string `db:"caller"`
		Key    string `db:"key"`
	}
	err := all(ctx, tx, &used, `SELECT i.caller, i.key FROM unnest($1::integer[], $2::text[], $3::text[]) AS k (bucket, caller, key)
		JOIN idempotency i ON i.bucket = k.bucket AND i.caller = k.caller AND i.key = k.key`,
		pgarray.Int4s(buckets), pgarray.Texts(callers), pgarray.Texts(keys))
	if err != nil {
		return err
	}
	for _, u := range used {
		caller, err := private.clearCaller(u.Caller)
		if err != nil {
			return err
		}
		g.used[Idem{Caller: caller, Key: u.Key}.flight()] = true
	}
	return nil
}
