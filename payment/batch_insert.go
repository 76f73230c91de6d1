package payment

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/pgarray"
)

// createdOrder is a new order with its items.
type createdOrder struct {
	*orderRow
	items []itemRow
}

// idemWrite is the use of a key with its result.
type idemWrite struct {
	Idem
	response []byte
}

// insertKeys takes the keys and stores their results at once. A key that another process took in between makes the whole run
// again, and then its member is left over.
func (w *writes) insertKeys(ctx context.Context, tx *sqlx.Tx) (err error) {
	n := len(w.idems)
	if n == 0 {
		return nil
	}
	buckets, hashes, responses := make([]int64, n), make([][]byte, n), make([][]byte, n)
	callers, keys := make([]string, n), make([]string, n)
	for i, k := range w.idems {
		buckets[i], callers[i], keys[i], hashes[i] = int64(k.bucket()), w.private.caller(k.Caller), k.Key, k.Hash[:]
		if responses[i], err = w.private.seal(ctx, k.response, k.place()); err != nil {
			return err
		}
	}
	return changed(ctx, tx, n, `
		INSERT INTO idempotency (bucket, caller, key, request_hash, failed, response, created_at)
		SELECT bucket, caller, key, request_hash, false, response, $6
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS t (bucket, caller, key, request_hash, response)
		ORDER BY bucket, caller, key ON CONFLICT DO NOTHING`,
		pgarray.Int4s(buckets), pgarray.Texts(callers), pgarray.Texts(keys), pgarray.Byteas(hashes), pgarray.Byteas(responses), w.at)
}

// insertOrders stores the new orders; their items and events follow.
func (w *writes) insertOrders(ctx context.Context, tx *sqlx.Tx) (err error) {
	n := len(w.created)
	if n == 0 {
		return nil
	}
	buckets, amounts, events, documents := make([]int64, n), make([]int64, n), make([]int64, n), make([][]byte, n)
	commissions := make([]int64, n)
	ids, payers, names, banks := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	states, made, ends := make([]string, n), make([]*time.Time, n), make([]*time.Time, n)
	for i, o := range w.created {
		buckets[i], amounts[i], events[i], commissions[i] = int64(o.Bucket), o.Tiyn, int64(o.Events), o.Commission
		ids[i], banks[i], states[i] = o.ID, o.Bank, string(o.State)
		if payers[i], names[i], documents[i], err = w.private.storedOrder(ctx, o.orderRow); err != nil {
			return err
		}
		made[i], ends[i] = &o.CreatedAt, &o.ExpiresAt
	}
	return exec(ctx, tx, int64(n), `
		INSERT INTO orders (bucket, id, payer_id, payer_name, bank_bic, state, amount, currency, document, created_at, expires_at, events, reason, commission)
		SELECT bucket, id, payer_id, payer_name, bank_bic, state, amount, 'KZT', document, created_at, expires_at, events, '', commission
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bytea[], $9::timestamptz[],
			$10::timestamptz[], $11::integer[], $12::bigint[])
			AS t (bucket, id, payer_id, payer_name, bank_bic, state, amount, document, created_at, expires_at, events, commission)`,
		pgarray.Int4s(buckets), pgarray.Texts(ids), pgarray.Texts(payers), pgarray.Texts(names), pgarray.Texts(banks), pgarray.Texts(states),
		pgarray.Int8s(amounts), pgarray.Byteas(documents), pgarray.Times(made), pgarray.Times(ends), pgarray.Int4s(events), pgarray.Int8s(commissions))
}

func (w *writes) insertItems(ctx context.Context, tx *sqlx.Tx) error {
	var buckets, versions, serviceVersions, amounts, discounts, payers, ownShares []int64
	var orders, debts, services, agencies []string
	for _, o := range w.created {
		for _, item := range o.items {
			buckets, orders, debts = append(buckets, int64(o.Bucket)), append(orders, o.ID), append(debts, item.Debt)
			versions, services = append(versions, int64(item.DebtVersion)), append(services, item.Service)
			serviceVersions, agencies = append(serviceVersions, int64(item.ServiceVersion)), append(agencies, item.Agency)
			amounts, discounts = append(amounts, item.Tiyn), append(discounts, item.Discount)
			payers, ownShares = append(payers, item.Commission), append(ownShares, item.AgencyCommission)
		}
	}
	if len(orders) == 0 {
		return nil
	}
	return exec(ctx, tx, int64(len(orders)), `
		INSERT INTO order_items (bucket, order_id, debt_id, debt_version, service_id, service_version, agency_id, amount, currency, discount, commission, agency_commission)
		SELECT bucket, order_id, debt_id, debt_version, service_id, service_version, agency_id, amount, 'KZT', discount, commission, agency_commission
		FROM unnest($1::integer[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[],
			$11::bigint[]) AS t (bucket, order_id, debt_id, debt_version, service_id, service_version, agency_id, amount, discount, commission, agency_commission)`,
		pgarray.Int4s(buckets), pgarray.Texts(orders), pgarray.Texts(debts), pgarray.Int4s(versions), pgarray.Texts(services),
		pgarray.Int4s(serviceVersions), pgarray.Texts(agencies), pgarray.Int8s(amounts), pgarray.Int8s(discounts), pgarray.Int8s(payers), pgarray.Int8s(ownShares))
}
