package bank

import (
	"errors"
	"strings"
	"testing"
)

func factQuery() Query {
	return Query{ID: "bqr_1", Bank: "TSESKZKA", Subject: Subject{Kind: PaymentFact, Person: "900101300017", Attempt: "att_1"}}
}

const factAnswer = `{"type":"bank-answer","query":"bqr_1","bank":"TSESKZKA","kind":"payment-fact","person":"900101300017","attempt":"att_1",` +
	`"payment":{"outcome":"executed","amount":300,"currency":"KZT","executed_at":"2026-03-01T06:00:00Z","bank_reference":"B-1","sender":"900101300017",` +
	`"credits":[{"bin":"990140000017","account":"KZ24070105KSN0000000","amount":300}]},"at":"2026-03-01T06:00:01Z"}`

func TestParseAnswer(t *testing.T) {
	a, err := ParseAnswer([]byte(factAnswer), factQuery())
	if err != nil || a.Payment.Tiyn != 300 || !a.Payment.Same([]FactCredit{{"990140000017", "KZ24070105KSN0000000", 300}}) {
		t.Fatalf("%+v %v", a, err)
	}
	for name, c := range map[string][2]string{
		"type": {"bank-answer", "bank-query"}, "query": {"bqr_1", "bqr_2"}, "bank": {"TSESKZKA", "CASPKZKA"}, "kind": {"payment-fact", "pledge"},
		"person": {`"person":"900101300017"`, `"person":"900101300027"`}, "attempt": {"att_1", "att_2"}, "another word": {`"at":`, `"belongs":true,"at":`},
		"no word": {`"payment"`, `"paiment"`}, "sum": {`"amount":300}`, `"amount":299}`}, "too much": {`"amount":300}`, `"amount":301}`},
		"currency": {"KZT", "USD"}, "sender": {`"sender":"900101300017"`, `"sender":"9"`}, "account": {"KZ24", "KZ25"}, "no date": {"2026-03-01T06:00:00Z", ""},
		"no time": {"2026-03-01T06:00:01Z", "now"}, "refused with figures": {`"executed"`, `"refused"`}, "unknown outcome": {`"executed"`, `"done"`},
	} {
		if _, err := ParseAnswer([]byte(strings.Replace(factAnswer, c[0], c[1], 1)), factQuery()); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSubjectCheck(t *testing.T) {
	for _, s := range []Subject{
		factQuery().Subject,
		{Kind: Ownership, Person: "900101300017", Account: "KZ24070105KSN0000000"},
		{Kind: Pledge, Person: "900101300017", PropertyKind: Immovable, PropertyNumber: "20:311:017:123"},
	} {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		for name, spoil := range map[string]func(*Subject){
			"person": func(s *Subject) { s.Person = "900101300018" }, "kind": func(s *Subject) { s.Kind = "balance" },
			"too many": func(s *Subject) { s.Account, s.Attempt, s.PropertyNumber = "KZ24070105KSN0000000", "a", "b" },
			"none":     func(s *Subject) { s.Account, s.Attempt, s.PropertyNumber = "", "", "" },
			"long":     func(s *Subject) { s.PropertyNumber = strings.Repeat("1", 65) },
		} {
			bad := s
			if spoil(&bad); bad.Check() == nil {
				t.Errorf("%s of %+v: taken", name, s)
			}
		}
	}
}

// Whatever a bank signs, a payment that is taken adds up, and answers what was asked.
func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(factAnswer))
	f.Fuzz(func(t *testing.T, content []byte) {
		a, err := ParseAnswer(content, factQuery())
		if err != nil {
			return
		}
		sum := int64(0)
		for _, c := range a.Payment.Credits {
			sum += c.Tiyn
		}
		if a.Subject != factQuery().Subject || sum != a.Payment.Tiyn {
			t.Fatalf("%+v", a)
		}
	})
}
