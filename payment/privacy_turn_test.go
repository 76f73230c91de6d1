package payment

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"qaqpa/payment/debt"
)

// The caller of an idempotency key is a citizen: his number is sealed like elsewhere, his key is found whether it was used before there were secrets, under the present one, or under
// one that was followed by another, and no key serves twice.
func TestCallersAreSealed(t *testing.T) {
	b := setup(t)
	v := b.duty()
	use := func(key string) error {
		idem := b.idem("fee")
		idem.Caller, idem.Key = "citizen:"+citizenIIN, key
		o, replayed, err := b.CreateFeeOrder(t.Context(), idem, feeRequest(v, 50_000_000))
		if err == nil && !replayed {
			return errNewOrder
		}
		if err == nil && o.Payer != citizenIIN {
			t.Errorf("the stored answer is %+v", o)
		}
		return err
	}
	stands := func(step string, want int) {
		t.Helper()
		var plain, all int
		b.must(b.db.QueryRowContext(t.Context(), `SELECT count(*) FILTER (WHERE caller LIKE '%'||$1||'%'), count(*) FROM idempotency WHERE key LIKE 'of-%'`, citizenIIN).Scan(&plain, &all))
		if plain != want {
			t.Errorf("%s: %d of %d callers stand in clear", step, plain, all)
		}
	}
	again := func(step string, keys ...string) {
		t.Helper()
		for _, key := range keys {
			if err := use(key); err != nil {
				t.Errorf("%s, key %s: %v", step, key, err)
			}
		}
	}
	fresh := func(key string) {
		t.Helper()
		if err := use(key); !errors.Is(err, errNewOrder) {
			t.Errorf("key %s: %v", key, err)
		}
	}
	fresh("of-none")
	stands("without secrets", 1)
	first, next := newTestPrivacy(t, "data-1"), newTestPrivacy(t, "data-2")
	both := &Privacy{Vaults: append(next.Vaults, first.Vaults...), PayerSecrets: append(next.PayerSecrets, first.PayerSecrets...)}
	b.Service = b.another(first)
	fresh("of-first")
	again("under the first secret", "of-none", "of-first")
	stands("under the first secret", 1)
	b.Service = b.another(both)
	fresh("of-both")
	again("under two", "of-none", "of-first", "of-both")
	b.must(SealStored(t.Context(), b.db, both, nil))
	stands("sealed", 0)
	b.Service = b.another(next)
	again("under the second", "of-none", "of-first", "of-both")
	b.check()
}

var errNewOrder = errors.New("a new order")

// While numbers are brought under another secret two gateways write them in different forms: a debt that is stated to both at once stands there once, and a key that is
// used at both serves once.
func TestOneRowWhileSecretsChange(t *testing.T) {
	b := setup(t)
	v := b.duty()
	one, two := newTestPrivacy(t, "data-1"), newTestPrivacy(t, "data-2")
	gates := []*Service{
		b.another(&Privacy{Vaults: append(one.Vaults, two.Vaults...), PayerSecrets: append(append([][]byte(nil), one.PayerSecrets...), two.PayerSecrets...)}),
		b.another(&Privacy{Vaults: append(append([]NamedVault(nil), two.Vaults...), one.Vaults...), PayerSecrets: append(append([][]byte(nil), two.PayerSecrets...), one.PayerSecrets...)}),
	}
	const rounds = 12
	var wait sync.WaitGroup
	for i := range rounds {
		reference, key := fmt.Sprintf("FINE-%d", i), fmt.Sprintf("of-%d", i)
		for _, gate := range gates {
			submit, fee := b.idem(reference), b.idem("fee")
			fee.Caller, fee.Key = "citizen:"+citizenIIN, key
			wait.Go(func() {
				items := []debt.Item{{Reference: reference, Payer: debt.Payer{ID: citizenIIN}, Service: b.fine.ID, Tiyn: new(int64(1000))}}
				if out, _, err := gate.SubmitDebts(t.Context(), submit, b.agency.ID, items); err != nil || out.Accepted != 1 {
					t.Errorf("debt %s: %+v, %v", reference, out, err)
				}
			})
			wait.Go(func() {
				if _, _, err := gate.CreateFeeOrder(t.Context(), fee, feeRequest(v, 50_000_000)); err != nil && !errors.Is(err, ErrIdempotencyBusy) {
					t.Errorf("key %s: %v", key, err)
				}
			})
		}
	}
	wait.Wait()
	var debts, orders, keys int
	b.must(b.db.Get(&debts, `SELECT count(*) FROM debts WHERE reference LIKE 'FINE-%'`))
	b.must(b.db.Get(&orders, `SELECT count(*) FROM orders`))
	b.must(b.db.Get(&keys, `SELECT count(*) FROM idempotency WHERE key LIKE 'of-%'`))
	if debts != rounds || orders != rounds || keys != rounds {
		t.Errorf("%d debts, %d orders and %d keys of %d each", debts, orders, keys, rounds)
	}
	b.Service = gates[0]
	b.check()
}

// What a number in a caller is.
func TestSplitCaller(t *testing.T) {
	for caller, want := range map[string][2]string{
		"citizen:" + citizenIIN:       {"citizen:", citizenIIN},
		"egov:citizen:" + citizenIIN:  {"egov:citizen:", citizenIIN},
		"portal:egov":                 {"portal:egov", ""},
		"operator:duty/" + citizenIIN: {"operator:duty/" + citizenIIN, ""},
		citizenIIN:                    {citizenIIN, ""},
		"citizen:" + citizenIIN + "0": {"citizen:" + citizenIIN + "0", ""},
		"citizen:" + citizenIIN[:11]:  {"citizen:" + citizenIIN[:11], ""},
		"browser:aaaaaaaaaaaa":        {"browser:aaaaaaaaaaaa", ""},
		strings.Repeat(":", 3):        {strings.Repeat(":", 3), ""},
	} {
		if kind, number := splitCaller(caller); kind != want[0] || number != want[1] {
			t.Errorf("%q is %q and %q", caller, kind, number)
		}
	}
}
