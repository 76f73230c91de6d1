package order

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/flow"
	"qaqpa/payment/money"
)

var update = flag.Bool("update", false, "write the drawings of the tables")

// The drawings are what README and ARCHITECTURE show; a change of a table is a change of the picture.
func TestDrawings(t *testing.T) {
	orders, err := Transitions()
	if err != nil {
		t.Fatal(err)
	}
	attempts, err := AttemptTransitions()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"order.mmd": orders.Draw(), "attempt.mmd": attempts.Draw()} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs from the table (-file +table):\n%s", name, diff)
		}
	}
}

// Along every walk: nothing leaves a final state; executed and refused need a send before; unknown is left only by the
// bank's word; an attempt is never sent twice without the bank's denial in between.
func TestTransitionsWalk(t *testing.T) {
	orders, err := Transitions()
	if err != nil {
		t.Fatal(err)
	}
	attempts, err := AttemptTransitions()
	if err != nil {
		t.Fatal(err)
	}
	events := []flow.Event{Authorise, Expire, Cancel, Send, Lose, Resend, Confirm, Refuse, Deny}
	rapid.Check(t, func(t *rapid.T) {
		state, attempt := orders.Start(), attempts.Start()
		authorised, sent, mayOrderSend := false, false, true
		for range 30 {
			event := rapid.SampledFrom(events).Draw(t, "event")
			if next, err := orders.Next(state, event); err == nil {
				if orders.Final(state) {
					t.Fatalf("%s left the final %s", event, state)
				}
				if (next == Executed || next == Refused) && (!authorised || !sent) {
					t.Fatalf("%s reached %s without signature or sending", event, next)
				}
				if state == Unknown && event != Confirm && event != Refuse && event != Resend {
					t.Fatalf("%s left unknown", event)
				}
				authorised = authorised || next == Authorised
				sent = sent || event == Send
				state = next
			}
			if next, err := attempts.Next(attempt, event); err == nil {
				if event == Send || event == Resend {
					if !mayOrderSend {
						t.Fatalf("sent again out of %s", attempt)
					}
					mayOrderSend = false
				}
				mayOrderSend = mayOrderSend || event == Deny
				attempt = next
			}
		}
	})
}

func document() Document {
	item := DocumentItem{
		Debt: "dbt_1", DebtVersion: 1, Reference: "r", Agency: "agc_1", Service: "svc_1", ServiceVersion: 1,
		KBK: "108125", KNP: "911", KBE: "11", Sum: "5406.00", Amount: money.FromTiyn(540600),
		Basis: catalog.Basis{Kind: catalog.Stated, On: "2026-01-01"},
	}
	return Document{
		Type: DocumentType, Version: DocumentVersion, Statement: Statement(), Order: "ord_1", Nonce: "00",
		CreatedAt: "2026-03-01T00:00:00Z", ExpiresAt: "2026-03-01T00:15:00Z", Payer: debt.Payer{ID: "900101300017"},
		Bank: DocumentBank{BIC: "TSESKZKA", Name: "Банк"}, Items: []DocumentItem{item},
		Total: "5406.00", Amount: money.FromTiyn(540600),
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	raw, err := document().Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeDocument(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(document(), back); diff != "" {
		t.Errorf("read back otherwise: %s", diff)
	}
	again, err := back.Encode()
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("not stable: %v", err)
	}
	if !strings.Contains(string(raw), "\n  \"total\": \"5406.00\"") {
		t.Errorf("a person cannot read it:\n%s", raw)
	}
}

func TestDocumentRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Document){
		"type":             func(d *Document) { d.Type = "contract" },
		"version":          func(d *Document) { d.Version = 2 },
		"no items":         func(d *Document) { d.Items = nil },
		"sum in words":     func(d *Document) { d.Items[0].Sum = "54.06" },
		"total in words":   func(d *Document) { d.Total = "54.06" },
		"total":            func(d *Document) { d.Tiyn++; d.Total = d.Decimal() },
		"nothing to pay":   func(d *Document) { d.Items[0].Tiyn, d.Items[0].Sum = 0, "0.00" },
		"negative":         func(d *Document) { d.Items[0].Tiyn, d.Items[0].Sum = -1, "-0.01" },
		"foreign currency": func(d *Document) { d.Items[0].Currency = "USD" },
		"overflow": func(d *Document) {
			d.Items[0].Amount, d.Items[0].Sum = money.FromTiyn(1<<62), money.FromTiyn(1<<62).Decimal()
			d.Items = append(d.Items, d.Items[0], d.Items[0])
		},
		"time": func(d *Document) { d.ExpiresAt = "tomorrow" },
	} {
		t.Run(name, func(t *testing.T) {
			d := document()
			spoil(&d)
			if _, err := d.Encode(); err == nil {
				t.Error("encoded")
			}
			raw, err := canon.Indent(d)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := DecodeDocument(raw); err == nil {
				t.Error("decoded")
			}
		})
	}
}

func FuzzDecodeDocument(f *testing.F) {
	raw, err := document().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"type":"payment-authorisation","version":1,"items":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeDocument(data)
		if err != nil {
			return
		}
		if _, err := d.Encode(); err != nil {
			t.Fatalf("read, but cannot be written: %v", err)
		}
	})
}

func TestAuthority(t *testing.T) {
	const person, other, company, rival = "900101300017", "900101300027", "990140000017", "990140000027"
	for name, c := range map[string]struct {
		payer string
		h     Holder
		want  error
	}{
		"person":                        {person, Holder{IIN: person, Kind: "person", Roles: []string{"individual"}}, nil},
		"another person":                {person, Holder{IIN: other, Kind: "person"}, ErrNotPayer},
		"person by employer's key":      {person, Holder{IIN: person, BIN: company, Kind: "organisation", Roles: []string{"head"}}, ErrNoAuthority},
		"person by unknown kind":        {person, Holder{IIN: person, Kind: "other"}, ErrNoAuthority},
		"head":                          {company, Holder{IIN: person, BIN: company, Kind: "organisation", Roles: []string{"head"}}, nil},
		"right of signature":            {company, Holder{IIN: person, BIN: company, Roles: []string{"legal_entity", "right_of_signature"}}, nil},
		"financial signature":           {company, Holder{IIN: person, BIN: company, Roles: []string{"right_of_financial_signature"}}, nil},
		"employee":                      {company, Holder{IIN: person, BIN: company, Roles: []string{"employee"}}, ErrNoAuthority},
		"human resources":               {company, Holder{IIN: person, BIN: company, Roles: []string{"human_resources"}}, ErrNoAuthority},
		"no role":                       {company, Holder{IIN: person, BIN: company}, ErrNoAuthority},
		"head of another company":       {company, Holder{IIN: person, BIN: rival, Roles: []string{"head"}}, ErrNotPayer},
		"information system":            {company, Holder{BIN: company, Kind: "information_system", Roles: []string{"information_system"}}, ErrNoAuthority},
		"system that claims to be head": {company, Holder{BIN: company, Kind: "information_system", Roles: []string{"head"}}, ErrNoAuthority},
		"nobody":                        {person, Holder{}, ErrNotPayer},
		"no payer":                      {"", Holder{Kind: "person"}, ErrNotPayer},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Authority(c.payer, c.h); !errors.Is(got, c.want) || (c.want == nil && got != nil) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
