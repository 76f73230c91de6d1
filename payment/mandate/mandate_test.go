package mandate

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/catalog"
)

func agreed() Document {
	return Document{
		Type: DocumentType, Version: DocumentVersion, Statement: Statement(), Mandate: "mnd_1", CreatedAt: "2026-03-01T06:00:00Z", SignBy: "2026-03-01T06:15:00Z",
		Payer: "900101300017", Bank: Bank{BIC: "TSESKZKA"}, Services: []Service{{ID: "svc_1"}, {ID: "svc_2"}},
		Payment: "100.00", PaymentMax: 100_00, Month: "250.00", MonthMax: 250_00, Until: "2026-12-31",
	}
}

func TestAllows(t *testing.T) {
	ok := Asked{Payer: "900101300017", Bank: "TSESKZKA", Services: []string{"svc_1"}, Tiyn: 100_00, Spent: 150_00, On: "2026-12-31"}
	if err := agreed().Allows(ok); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Asked)
		want   error
	}{
		"another payer":       {func(a *Asked) { a.Payer = "900101300027" }, ErrCover},
		"another bank":        {func(a *Asked) { a.Bank = "CASPKZKA" }, ErrCover},
		"another service":     {func(a *Asked) { a.Services = []string{"svc_3"} }, ErrCover},
		"one of the services": {func(a *Asked) { a.Services = []string{"svc_1", "svc_3"} }, ErrCover},
		"no service":          {func(a *Asked) { a.Services = nil }, ErrCover},
		"nothing":             {func(a *Asked) { a.Tiyn = 0 }, ErrCover},
		"negative":            {func(a *Asked) { a.Tiyn = -1 }, ErrCover},
		"too much at once":    {func(a *Asked) { a.Tiyn, a.Spent = 100_01, 0 }, ErrLimit},
		"too much a month":    {func(a *Asked) { a.Spent = 150_01 }, ErrLimit},
		"overflow":            {func(a *Asked) { a.Spent = 1<<63 - 1 }, ErrLimit},
		"a day late":          {func(a *Asked) { a.On = "2027-01-01" }, ErrOver},
	} {
		a := ok
		c.change(&a)
		if err := agreed().Allows(a); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is asked for, what was allowed never passes the limits.
func TestAllowsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, spent := agreed(), int64(0)
		for range 20 {
			tiyn := rapid.Int64Range(-5, 120_00).Draw(t, "tiyn")
			if d.Allows(Asked{Payer: d.Payer, Bank: d.Bank.BIC, Services: []string{"svc_2"}, Tiyn: tiyn, Spent: spent, On: "2026-04-01"}) == nil {
				if spent += tiyn; tiyn > d.PaymentMax || tiyn <= 0 {
					t.Fatalf("%d allowed", tiyn)
				}
			}
			if spent > d.MonthMax {
				t.Fatalf("%d spent", spent)
			}
		}
	})
}

func TestRequestCheckRefuses(t *testing.T) {
	ok := Request{Payer: "900101300017", Bank: "TSESKZKA", Services: []string{"svc_1"}, PaymentMax: 1, MonthMax: 1, Until: "2029-03-01"}
	if err := ok.Check("2026-03-01"); err != nil {
		t.Fatal(err)
	}
	for field, changes := range map[string][]func(*Request){
		"payer":       {func(r *Request) { r.Payer = "900101300018" }},
		"bank":        {func(r *Request) { r.Bank = "x" }},
		"services":    {func(r *Request) { r.Services = nil }, func(r *Request) { r.Services = slices.Repeat([]string{"svc"}, 21) }},
		"services[1]": {func(r *Request) { r.Services = []string{"svc_1", "svc_1"} }},
		"payment_max": {func(r *Request) { r.PaymentMax = 0 }, func(r *Request) { r.PaymentMax = catalog.TiynMax + 1 }},
		"month_max":   {func(r *Request) { r.PaymentMax = 2 }, func(r *Request) { r.MonthMax = catalog.TiynMax + 1 }},
		"until":       {func(r *Request) { r.Until = "2026-02-28" }, func(r *Request) { r.Until = "2029-03-02" }, func(r *Request) { r.Until = "2026-02-31" }},
		"language":    {func(r *Request) { r.Language = "de" }},
	} {
		for _, change := range changes {
			r := ok
			change(&r)
			var refused *catalog.FieldError
			if err := r.Check("2026-03-01"); !errors.As(err, &refused) || refused.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}

func TestDocumentRefuses(t *testing.T) {
	raw, err := agreed().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d, err := Decode(raw); err != nil || d.MonthMax != 250_00 {
		t.Fatalf("%+v %v", d, err)
	}
	for _, c := range [][2]string{
		{`"100.00"`, `"1.00"`}, {`"250.00"`, `"2500.00"`}, {DocumentType, "payment-authorisation"}, {"2026-12-31", "2026-02-31"}, {`"version": 1`, `"version": 2`}, {`"nonce"`, `"more": 1, "nonce"`},
	} {
		if _, err := Decode([]byte(strings.Replace(string(raw), c[0], c[1], 1))); err == nil {
			t.Errorf("%s for %s: taken", c[1], c[0])
		}
	}
}

// The last second of a month in Almaty is of that month, whatever zone the clock speaks.
func TestMonthOf(t *testing.T) {
	for at, want := range map[string]catalog.Date{"2026-03-31T18:59:59Z": "2026-03-01", "2026-03-31T19:00:00Z": "2026-04-01"} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil || MonthOf(when) != want {
			t.Errorf("%s: %s %v", at, MonthOf(when), err)
		}
	}
}

// A notice names the first beneficiary, and says in each language that there are others.
func TestTextCountsBeneficiaries(t *testing.T) {
	for lang, want := range map[string][2]string{
		"kk": {"Келісім бойынша 5.00 ₸ төлем банкке жіберілді, алушы: Сот.", "Келісім бойынша 5.00 ₸ төлем банкке жіберілді, алушы: Сот және тағы 2 алушы."},
		"ru": {"По соглашению в банк отправлен платёж 5.00 ₸, получатель: Сот.", "По соглашению в банк отправлен платёж 5.00 ₸, получатель: Сот и ещё 2."},
		"en": {"A payment of 5.00 KZT to Сот went to the bank under your agreement.", "A payment of 5.00 KZT to Сот and 2 more went to the bank under your agreement."},
	} {
		for i, others := range []int{0, 2} {
			if got := Text(Used, lang, Use{Amount: "5.00", Whom: "Сот", Others: others}); got != want[i] {
				t.Errorf("%s: %q", lang, got)
			}
		}
	}
}
