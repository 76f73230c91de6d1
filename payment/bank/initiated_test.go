package bank

import (
	"errors"
	"strings"
	"testing"
)

const (
	asked     = `{"at":"2026-03-01T12:00:00Z","bank":"TSESKZKA","payer":"900101300017","request":"r-1","type":"payment-check"}`
	initiated = `{"amount":300,"at":"2026-03-01T12:00:00Z","bank":"TSESKZKA","channel":"app","currency":"KZT","debts":[` +
		`{"amount":100,"currency":"KZT","debt":"d1","version":1},{"amount":200,"currency":"KZT","debt":"d2","version":1}],` +
		`"payer":"900101300017","request":"r-1","type":"payment-initiation"}`
)

func TestParseInitiated(t *testing.T) {
	if c, err := ParseCheck([]byte(asked)); err != nil || c.Payer != "900101300017" || c.Made().IsZero() {
		t.Errorf("check %+v, %v", c, err)
	}
	if i, err := ParseInitiation([]byte(initiated)); err != nil || len(i.Debts) != 2 || i.Tiyn != 300 {
		t.Errorf("initiation %+v, %v", i, err)
	}
	for name, change := range map[string][2]string{
		"type":            {`payment-check`, `payment-order`},
		"no payer":        {`"payer":"900101300017",`, ``},
		"payer and debt":  {`"bank"`, `"debt":"d","bank"`},
		"no request":      {`r-1`, ``},
		"long request":    {`r-1`, strings.Repeat("r", requestMax+1)},
		"request is text": {`r-1`, `r 1`},
		"no bank":         {`TSESKZKA`, ``},
		"time":            {`2026-03-01T12`, `today`},
		"unknown field":   {`"bank"`, `"x":1,"bank"`},
	} {
		if _, err := ParseCheck([]byte(strings.Replace(asked, change[0], change[1], 1))); !errors.Is(err, ErrMessage) {
			t.Errorf("check, %s: %v", name, err)
		}
	}
	for name, change := range map[string][2]string{
		"type":         {`payment-initiation`, `payment-check`},
		"channel":      {`app`, `web`},
		"no debts":     {initiated[strings.Index(initiated, `{"amount":100`):strings.Index(initiated, `],"payer"`)], ``},
		"twice":        {`d2`, `d1`},
		"version":      {`"version":1`, `"version":0`},
		"nothing":      {`"amount":100`, `"amount":0`},
		"negative":     {`"amount":100`, `"amount":-100`},
		"fraction":     {`"amount":100`, `"amount":100.5`},
		"overflow":     {`"amount":100`, `"amount":9223372036854775807`},
		"too large":    {`"amount":100`, `"amount":9223372036854775808`},
		"another sum":  {`"amount":300`, `"amount":301`},
		"currency":     {`"amount":100,"currency":"KZT"`, `"amount":100,"currency":"USD"`},
		"all in other": {`KZT`, `USD`},
		"time":         {`2026-03-01T12`, `today`},
	} {
		if _, err := ParseInitiation([]byte(strings.Replace(initiated, change[0], change[1], 1))); !errors.Is(err, ErrMessage) {
			t.Errorf("initiation, %s: %v", name, err)
		}
	}
}

func FuzzParseInitiation(f *testing.F) {
	f.Add([]byte(initiated))
	f.Fuzz(func(t *testing.T, content []byte) {
		i, err := ParseInitiation(content)
		if err != nil {
			return
		}
		var sum int64
		for _, d := range i.Debts {
			sum += d.Tiyn
		}
		if sum != i.Tiyn || sum <= 0 || i.Made().IsZero() {
			t.Fatalf("read %+v", i)
		}
	})
}
