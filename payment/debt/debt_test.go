package debt

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qaqpa/payment/catalog"
	"qaqpa/payment/flow"
	"qaqpa/payment/money"
)

func good() Item {
	return Item{Reference: "ПДД-1", Payer: Payer{ID: "900101300017", Name: "Иманов"}, Service: "svc_1", Tiyn: new(int64(540600))}
}

func service(tariff catalog.Tariff) catalog.Service {
	return catalog.Service{ID: "svc_1", Version: 3, ServiceSpec: catalog.ServiceSpec{Code: "x", Tariffs: []catalog.Tariff{tariff}}}
}

func TestItemCheckRefuses(t *testing.T) {
	if err := good().Check(); err != nil {
		t.Fatalf("a good item is refused: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(*Item)
		code  string
		field string
		why   Reason
	}{
		"payer":           {func(i *Item) { i.Payer.ID = "900101300018" }, CodePayer, "payer.id", WhyPayer},
		"payer empty":     {func(i *Item) { i.Payer.ID = "" }, CodePayer, "payer.id", WhyPayer},
		"currency":        {func(i *Item) { i.Currency = "USD" }, CodeCurrency, "currency", WhyCurrency},
		"amount 0":        {func(i *Item) { i.Tiyn = new(int64(0)) }, CodeAmount, "amount", WhyAmountBounds},
		"amount negative": {func(i *Item) { i.Tiyn = new(int64(-1)) }, CodeAmount, "amount", WhyAmountBounds},
		"amount huge":     {func(i *Item) { i.Tiyn = new(int64(catalog.TiynMax + 1)) }, CodeAmount, "amount", WhyAmountBounds},
		"reference":       {func(i *Item) { i.Reference = "" }, CodeInvalid, "reference", WhyTextLength},
		"reference long":  {func(i *Item) { i.Reference = strings.Repeat("ә", 65) }, CodeInvalid, "reference", WhyTextLength},
		"purpose control": {func(i *Item) { i.Purpose = "a\x00b" }, CodeInvalid, "purpose", WhyTextMarks},
		"arose on":        {func(i *Item) { i.AroseOn = "2026-13-01" }, CodeInvalid, "arose_on", WhyDay},
		"recall, arose on": {func(i *Item) {
			*i = Item{Reference: i.Reference, Payer: i.Payer, Action: RecallIt, Reason: "x", AroseOn: "2026-01-01"}
		}, CodeInvalid, "action", WhyRecallWithMore},
		"due date":         {func(i *Item) { i.DueOn = "2026-02-30" }, CodeInvalid, "due_on", WhyDay},
		"purpose spaced":   {func(i *Item) { i.Purpose = " a" }, CodeInvalid, "purpose", WhyTextSpaces},
		"purpose not text": {func(i *Item) { i.Purpose = "\xff" }, CodeInvalid, "purpose", WhyTextEncoding},
		"action":           {func(i *Item) { i.Action = "pay" }, CodeInvalid, "action", WhyAction},
		"reason alone":     {func(i *Item) { i.Reason = "x" }, CodeInvalid, "reason", WhyReasonAlone},
		"itself":           {func(i *Item) { i.Supersedes = i.Reference }, CodeInvalid, "supersedes", WhyItself},
	} {
		t.Run(name, func(t *testing.T) {
			item := good()
			c.spoil(&item)
			var r *RefusalError
			if err := item.Check(); !errors.As(err, &r) || r.Code != c.code || r.Field != c.field || r.Reason != c.why {
				t.Errorf("got %v, want %s at %s for %s", err, c.code, c.field, c.why)
			}
		})
	}
}

func TestPrice(t *testing.T) {
	mrp := []catalog.MRP{{ValidFrom: "2026-01-01", ValidTo: "2026-12-31", Tiyn: 432500}}
	licence := service(catalog.Tariff{ValidFrom: "2026-01-01", Kind: catalog.MRPRate, Rate: "1.25", Rounding: money.HalfUpTenge})
	fine := service(catalog.Tariff{ValidFrom: "2026-01-01", Kind: catalog.Stated})
	court := service(catalog.Tariff{
		ValidFrom: "2026-01-01", Kind: catalog.Percent, Rate: "1", Rounding: money.HalfUpTenge,
		Floor: &catalog.Bound{Tiyn: 100000}, Cap: &catalog.Bound{MRP: "10000"},
	})
	for name, c := range map[string]struct {
		amount  *int64
		service catalog.Service
		on      catalog.Date
		want    int64
		code    string
	}{
		"tariff":              {nil, licence, "2026-03-01", 540600, ""},
		"tariff repeated":     {new(int64(540600)), licence, "2026-03-01", 540600, ""},
		"tariff contradicted": {new(int64(540625)), licence, "2026-03-01", 0, CodeNotTariff},
		"stated":              {new(int64(1)), fine, "2026-03-01", 1, ""},
		"stated but missing":  {nil, fine, "2026-03-01", 0, CodeStated},
		"percent, least":      {new(int64(100000)), court, "2026-03-01", 100000, ""},
		"percent, most":       {new(int64(4325000000)), court, "2026-03-01", 4325000000, ""},
		"percent, too little": {new(int64(99999)), court, "2026-03-01", 0, CodeNotTariff},
		"percent, too much":   {new(int64(4325000001)), court, "2026-03-01", 0, CodeNotTariff},
		"percent, missing":    {nil, court, "2026-03-01", 0, CodeStated},
		"before the tariff":   {nil, licence, "2025-03-01", 0, CodeNoTariff},
		"after the last МРП":  {nil, licence, "2027-03-01", 0, CodeNoTariff},
	} {
		t.Run(name, func(t *testing.T) {
			item := good()
			item.Tiyn = c.amount
			got, _, err := item.Price(c.service, c.on, mrp)
			var r *RefusalError
			if c.code != "" {
				if !errors.As(err, &r) || r.Code != c.code {
					t.Errorf("got %v, want %s", err, c.code)
				}
				return
			}
			if err != nil || got.Tiyn != c.want {
				t.Errorf("got %d (%v), want %d", got.Tiyn, err, c.want)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	stored := Debt{ID: "dbt_1", Reference: "r", Payer: Payer{ID: "900101300017"}, Service: "svc_1", Amount: money.FromTiyn(100), State: Open, Version: 2, LoadedAt: early}
	fresh := Debt{ID: "dbt_2", Reference: "r", Payer: Payer{ID: "900101300017"}, Service: "svc_1", Amount: money.FromTiyn(100), LoadedAt: late}
	dearer := fresh
	dearer.Amount = money.FromTiyn(200)
	in := func(s State) *Debt { d := stored; d.State = s; return &d }
	settled := in(Recalled)
	settled.SettledBy = "rfd_1"

	for name, c := range map[string]struct {
		fresh   Debt
		stored  *Debt
		want    Outcome
		version int
		state   State
		code    string
	}{
		"new":                   {fresh, nil, Created, 1, Open, ""},
		"repeated":              {fresh, in(Open), Unchanged, 2, Open, ""},
		"amended":               {dearer, in(Open), Amended, 3, Open, ""},
		"reopened":              {fresh, in(Recalled), Reopened, 3, Open, ""},
		"reopened with changes": {dearer, in(Recalled), Reopened, 3, Open, ""},
		"being paid":            {dearer, in(Reserved), Refused, 2, Reserved, CodeBeingPaid},
		"being paid, same":      {fresh, in(Reserved), Refused, 2, Reserved, CodeBeingPaid},
		"settled otherwise":     {fresh, settled, Refused, 2, Recalled, CodePaid},
		"paid":                  {dearer, in(Paid), Refused, 2, Paid, CodePaid},
	} {
		t.Run(name, func(t *testing.T) {
			got, outcome, err := Decide(c.fresh, c.stored)
			var r *RefusalError
			if errors.As(err, &r) != (c.code != "") || (r != nil && r.Code != c.code) {
				t.Fatalf("error %v, want %q", err, c.code)
			}
			if outcome != c.want || got.Version != c.version || got.State != c.state {
				t.Errorf("got %s version %d state %s", outcome, got.Version, got.State)
			}
			if c.stored != nil && got.ID != c.stored.ID {
				t.Errorf("the debt changed its id to %s", got.ID)
			}
			if c.code == "" && got.LoadedAt != late {
				t.Errorf("loaded at %v", got.LoadedAt)
			}
			if c.code != "" && !cmp.Equal(got, *c.stored) {
				t.Errorf("a refused item changed the debt: %s", cmp.Diff(*c.stored, got))
			}
		})
	}
}

// Along any walk through the table, a paid debt stays paid and a debt is never paid without having been reserved.
func TestTransitionsWalk(t *testing.T) {
	table, err := Transitions()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		state := table.Start()
		for range 20 {
			event := rapid.SampledFrom([]flow.Event{Amend, Reserve, Release, Pay, Recall, Reopen, Hold, Free, PayPart, PayRest, Restore}).Draw(t, "event")
			next, err := table.Next(state, event)
			if err != nil {
				continue
			}
			if state == Paid {
				t.Fatalf("%s left paid for %s", event, next)
			}
			if next == Paid && state != Reserved && event != PayRest {
				t.Fatalf("paid out of %s", state)
			}
			if state == Reserved && next != Paid && event != Release {
				t.Fatalf("%s changed a reserved debt", event)
			}
			state = next
		}
	})
}
