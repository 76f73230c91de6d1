package recon

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// Whatever the resolution of an exception about a line, the account's cash moves by exactly the line, every account is one
// that the ledger knows, and every transfer is positive.
func TestLegsMoveTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		it := Item{
			Kind: rapid.SampledFrom(Kinds()).Draw(t, "kind"), Bank: "TSESKZKA", Account: "KZ916011700111350335",
			Tiyn: rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "tiyn"), Linked: rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "linked"),
		}
		it.Forward = rapid.Bool().Draw(t, "forward") && it.Linked < 0
		if rapid.Bool().Draw(t, "exact") {
			it.Linked = it.Tiyn
		}
		way := rapid.SampledFrom(Ways()).Draw(t, "way")
		legs, err := Legs(way, it)
		if err != nil {
			if !errors.Is(err, ErrResolution) {
				t.Fatal(err)
			}
			return
		}
		balances := ledger.Balances{}
		for _, l := range legs {
			transfer := ledger.Transfer{ID: "trf_1", Debt: "d", Debit: l.Debit, Credit: l.Credit, Amount: money.FromTiyn(l.Tiyn)}
			if err := transfer.Check(); err != nil {
				t.Fatalf("%s of %+v: %v", way, it, err)
			}
			if err := balances.Add(transfer); err != nil {
				t.Fatal(err)
			}
		}
		want := it.Tiyn
		if it.Kind == Missing {
			want = 0
		}
		if got := balances[ledger.BankCash(it.Bank, it.Account)]; got != want {
			t.Fatalf("%s of %+v moves %d of cash", way, it, got)
		}
		// What was expected is owed no more: the bank's debt falls by what was linked, a refund's by what was paid out.
		if way == Link || way == Force || way == Prove {
			owed := balances[ledger.BankDue(it.Bank)] + balances[ledger.BankRefunds(it.Bank)] + balances[ledger.BankForwarding(it.Bank)]
			if owed != -it.Linked {
				t.Fatalf("%s of %+v: debts move by %d", way, it, owed)
			}
		}
	})
}

func TestLegsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		way Way
		it  Item
	}{
		"nothing":                            {Accept, Item{Kind: Gap}},
		"amount without a negative":          {WriteOff, Item{Kind: Surplus, Tiyn: -1 << 63}},
		"link of another amount":             {Link, Item{Kind: Over, Tiyn: 10, Linked: 9}},
		"forced without a partner":           {Force, Item{Kind: Over, Tiyn: 10}},
		"credit tied to a refund":            {Force, Item{Kind: Surplus, Tiyn: 10, Linked: -10}},
		"a payment shown by what left":       {Prove, Item{Kind: Withdrawal, Tiyn: -10, Linked: -10}},
		"a payment shown by too little":      {Prove, Item{Kind: Surplus, Tiyn: 10, Linked: 11}},
		"a payment shown by a doubled line":  {Prove, Item{Kind: Doubled, Tiyn: 10, Linked: 10}},
		"giving back what left":              {GiveBack, Item{Kind: Withdrawal, Tiyn: -10}},
		"owing without a reversal":           {Owe, Item{Kind: Withdrawal, Tiyn: -10}},
		"owing what came":                    {Owe, Item{Kind: Reversal, Tiyn: 10}},
		"money that goes nowhere":            {Accept, Item{Kind: Surplus, Tiyn: 10}},
		"parking what never came":            {Park, Item{Kind: Missing, Tiyn: 10}},
		"kept back without a commission":     {KeptBack, Item{Kind: Under, Tiyn: 9, Linked: 10}},
		"kept back a tiyn more":              {KeptBack, Item{Kind: Under, Tiyn: 8, Linked: 10, Kept: []Kept{{"a", 1}}}},
		"kept back a tiyn less":              {KeptBack, Item{Kind: Under, Tiyn: 9, Linked: 10, Kept: []Kept{{"a", 2}}}},
		"kept back of what left":             {KeptBack, Item{Kind: Withdrawal, Tiyn: -9, Linked: -10, Kept: []Kept{{"a", -1}}}},
		"kept back less than nothing":        {KeptBack, Item{Kind: Over, Tiyn: 11, Linked: 10, Kept: []Kept{{"a", -1}}}},
		"kept back by an overflow":           {KeptBack, Item{Kind: Under, Tiyn: 9, Linked: 10, Kept: []Kept{{"a", 1 << 62}, {"b", 1 << 62}, {"c", 1 << 62}, {"d", 1<<62 + 1}}}},
		"kept back of a gap":                 {KeptBack, Item{Kind: Gap, Tiyn: 9, Linked: 10, Kept: []Kept{{"a", 1}}}},
		"kept back by who is missing":        {KeptBack, Item{Kind: Missing, Tiyn: 9, Linked: 10, Kept: []Kept{{"a", 1}}}},
		"a way that does not exist":          {"shred", Item{Kind: Surplus, Tiyn: 10}},
		"a way that does not exist, missing": {"shred", Item{Kind: Missing, Tiyn: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			if legs, err := Legs(c.way, c.it); !errors.Is(err, ErrResolution) || legs != nil {
				t.Errorf("got %v, %v", legs, err)
			}
		})
	}
}

// What an exception may be resolved by is offered, and each of it can be booked.
func TestFitting(t *testing.T) {
	for name, c := range map[string]struct {
		it   Item
		want []Way
	}{
		"money that came":     {Item{Kind: Surplus, Bank: "B", Account: "A", Tiyn: 10}, []Way{Link, KeptBack, Force, Park, GiveBack, Forward, WriteOff, Prove}},
		"money that went":     {Item{Kind: Withdrawal, Bank: "B", Account: "A", Tiyn: -10}, []Way{Link, Force, Park, Forward, WriteOff}},
		"taken back":          {Item{Kind: Reversal, Bank: "B", Account: "A", Tiyn: -10}, []Way{Link, Force, Park, Forward, WriteOff, Owe}},
		"a gap":               {Item{Kind: Gap, Bank: "B", Account: "A", Tiyn: 10}, []Way{Park, WriteOff, Accept}},
		"missing":             {Item{Kind: Missing, Bank: "B", Tiyn: 10}, []Way{WriteOff}},
		"in another currency": {Item{Kind: ForeignCurrency, Bank: "B", Account: "A", Tiyn: 10}, []Way{Accept}},
		"nothing":             {Item{Kind: Surplus}, nil},
	} {
		if got := Fitting(c.it); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
