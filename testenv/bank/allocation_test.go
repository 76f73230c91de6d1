package bank

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const splitOrder = `{"type":"payment-order","attempt":"att_1","order":"ord_1","bank":"TSESKZKA","amount":300,"currency":"KZT",
	"payer":{"id":"900101300017"},"allocations":[
	{"reference":"r1","amount":100,"currency":"KZT","beneficiary":{"bin":"1","account":"KZ1","bic":"KKMFKZ2A","kbk":"108125"}},
	{"reference":"r2","amount":200,"currency":"KZT","beneficiary":{"bin":"2","account":"KZ2","bic":"KKMFKZ2A","kbk":"108126"}}]}`

func TestSplitOrder(t *testing.T) {
	o, err := parseOrder([]byte(splitOrder), "TSESKZKA")
	if err != nil || len(o.credits()) != 2 {
		t.Fatalf("got %+v, %v", o, err)
	}
	for name, change := range map[string][2]string{
		"less than the amount": {`"amount":200`, `"amount":199`},
		"more than the amount": {`"amount":200`, `"amount":201`},
		"nothing":              {`"amount":100`, `"amount":0`},
		"negative":             {`"amount":100`, `"amount":-100`},
		"no reference":         {`"r1"`, `""`},
		"foreign currency":     {`"amount":100,"currency":"KZT"`, `"amount":100,"currency":"USD"`},
		"no account":           {`"KZ2"`, `""`},
		"and a beneficiary":    {`"payer"`, `"beneficiary":{"bin":"1","account":"KZ1","bic":"K"},"payer"`},
	} {
		if _, err := parseOrder([]byte(strings.Replace(splitOrder, change[0], change[1], 1)), "TSESKZKA"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	b := &Bank{cfg: Config{BIC: "TSESKZKA", DefaultBalance: 1000}, state: newState()}
	b.cfg.Now = func() time.Time { return time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC) }
	p, err := b.accept(o, decision{})
	if err != nil || p.Outcome != Executed || len(b.Movements()) != 2 || b.Credited("KZ1") != 100 || b.Credited("KZ2") != 200 {
		raw, _ := json.Marshal(b.state)
		t.Errorf("%+v %v %s", p, err, raw)
	}
	if left, _ := b.Balance("900101300017"); left != 700 {
		t.Errorf("%d tiyn are left", left)
	}
}
