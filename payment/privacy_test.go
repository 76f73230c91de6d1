package payment

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// safe is a vault of the tests: AES-256-GCM with the place as associated data.
type safe struct{ aead cipher.AEAD }

func newSafe(tb testing.TB) safe {
	tb.Helper()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	return safe{aead}
}

// Seal implements Vault.
func (s safe) Seal(_ context.Context, record, place []byte) ([]byte, error) {
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return s.aead.Seal(nonce, nonce, record, place), nil
}

// Open implements Vault.
func (s safe) Open(_ context.Context, sealed, place []byte) ([]byte, error) {
	if len(sealed) < s.aead.NonceSize() {
		return nil, errors.New("too short")
	}
	return s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], place)
}

func newTestPrivacy(tb testing.TB, name string) *Privacy {
	tb.Helper()
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		tb.Fatal(err)
	}
	return &Privacy{Vaults: []NamedVault{{Name: name, Vault: newSafe(tb)}}, PayerSecrets: [][]byte{secret}}
}

// private makes a gateway that seals personal data.
func private(tb testing.TB) func(*Config) {
	tb.Helper()
	p := newTestPrivacy(tb, "data-1")
	return func(c *Config) { c.Privacy = p }
}

// another makes a second gateway over the same database with other keys.
func (b *bundle) another(p *Privacy) *Service {
	b.t.Helper()
	cfg := b.cfg
	cfg.Privacy = p
	s, err := New(cfg)
	b.must(err)
	return s
}

// lived goes through everything that stores personal data, for one person.
func (b *bundle) lived() (order.Order, debt.Debt) {
	b.t.Helper()
	d := b.fined(10_000)
	part := b.paysPart(d, 3000)
	b.settle()
	req := wishOf(refund.PayBack, refund.Item{Order: part.ID, Debt: d.ID, Tiyn: new(int64(500))})
	req.Then = refund.Reopened
	b.decided("dana", ActApprove, b.wished(req))
	o := b.authorised(citizenIIN)
	b.settle()
	_, err := b.db.ExecContext(b.t.Context(), `INSERT INTO phones VALUES ($1, $2, '+77010000001', now())`, bucketOf(citizenIIN), citizenIIN)
	b.must(err)
	_, _, err = b.SetSignatures(b.t.Context(), b.idem("rule"), citizenIIN, 1)
	b.must(err)
	return o, d
}

// leaks finds columns of the payment domain in which a person can be read; reconciliation and the audit log keep numbers as banks
// and officials have them.
func (b *bundle) leaks(texts ...string) []string {
	b.t.Helper()
	var columns []struct {
		Table  string `db:"table_name"`
		Column string `db:"column_name"`
		Type   string `db:"data_type"`
	}
	b.must(b.db.Select(&columns, `SELECT table_name, column_name, data_type FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type IN ('text', 'bytea') AND table_name NOT IN ('expectations', 'statement_lines', 'diary')`))
	if len(columns) < 50 {
		b.t.Fatalf("%d columns", len(columns))
	}
	var found []string
	for _, c := range columns {
		for _, text := range texts {
			condition := `position($1::text IN ` + c.Column + `) > 0`
			if c.Type == "bytea" {
				condition = `position(convert_to($1::text, 'UTF8') IN ` + c.Column + `) > 0`
			}
			var n int
			b.must(b.db.Get(&n, `SELECT count(*) FROM `+c.Table+` WHERE `+condition, text))
			if n > 0 {
				found = append(found, c.Table+"."+c.Column)
			}
		}
	}
	return found
}

// With keys nothing in the payment domain's tables tells who owes and pays; the gateway itself works as before.
func TestPersonalDataAreSealed(t *testing.T) {
	b := setup(t, private(t))
	o, _ := b.lived()
	b.must(SealStored(t.Context(), b.db, b.cfg.Privacy, nil)) // the phone was put in by hand
	if found := b.leaks(citizenIIN, "ИМАНОВ", "77010000001"); len(found) > 0 {
		t.Errorf("a person is read in %v", found)
	}
	page, err := b.Debts(t.Context(), DebtQuery{Payer: citizenIIN})
	if err != nil || len(page.Items) != 1 || page.Items[0].Payer != (debt.Payer{ID: citizenIIN, Name: "ИМАНОВ ӘЛИ"}) {
		t.Errorf("debts %+v %v", page, err)
	}
	orders, err := b.Orders(t.Context(), OrderQuery{Payer: citizenIIN})
	if err != nil || len(orders.Items) != 2 || orders.Items[0].Payer != citizenIIN {
		t.Errorf("orders %+v %v", orders, err)
	}
	found, err := b.FindOrders(t.Context(), FindQuery{Payer: citizenIIN})
	if err != nil || len(found) != 2 || found[0].Name != "ИМАНОВ ӘЛИ" || found[0].Payer != citizenIIN {
		t.Errorf("found %+v %v", found, err)
	}
	if core := b.coreOfOrder(o); core.Payer.ID != citizenIIN {
		t.Errorf("receipt %+v", core.Payer)
	}
	if said := b.told(o); said.Payer != citizenIIN {
		t.Errorf("webhook %+v", said)
	}
	if phone, err := b.Phone(t.Context(), citizenIIN); err != nil || phone == "" {
		t.Errorf("phone %q %v", phone, err)
	}
	paid, err := PaymentsOfBank(t.Context(), b.db, b.cfg.Privacy, BankPayments{Bank: testBIC, From: "2026-01-01", To: "2026-12-31"})
	b.must(err)
	for _, p := range paid {
		if p.For.ID != citizenIIN || p.For.Name != "ИМАНОВ ӘЛИ" {
			t.Errorf("register %+v", p.For)
		}
	}
	b.agree()
	// A gateway without the keys reads nothing, and says so rather than take what it finds for a person.
	blind := b.another(nil)
	if _, err := blind.Order(t.Context(), o.ID); !errors.Is(err, ErrSealed) {
		t.Errorf("an order without keys: %v", err)
	}
	if _, err := blind.Receipt(t.Context(), o.ID); !errors.Is(err, ErrSealed) {
		t.Errorf("a receipt without keys: %v", err)
	}
	if _, err := VerifyLedger(t.Context(), b.db, nil, b.noteKeys); !errors.Is(err, ErrSealed) {
		t.Errorf("the ledger without keys: %v", err)
	}
}

// What was stored before there were keys is read, found and paid, is sealed by a command that may be stopped, and again under
// the next keys.
func TestSealStored(t *testing.T) {
	b := setup(t)
	o, d := b.lived()
	waiting := b.ordered(citizenIIN, b.fee(citizenIIN))
	first := newTestPrivacy(t, "data-1")
	b.Service = b.another(first)
	b.must(b.signs(waiting)) // made without keys, signed with them
	b.settle()
	if again := b.fined(10_000); again.ID == d.ID {
		t.Error("another debt has the same id")
	}
	out, _, err := b.SubmitDebts(t.Context(), b.idem("again"), b.agency.ID, []debt.Item{{Reference: d.Reference, Payer: d.Payer, Service: d.Service, Tiyn: new(int64(10_000))}})
	if err != nil || out.Results[0].Debt != d.ID || out.Results[0].Outcome != debt.Unchanged {
		t.Errorf("the same debt: %+v %v", out.Results, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	err = SealStored(stopped, b.db, first, func(SealedRows) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	b.check()
	total := func(p *Privacy) (rows int64) {
		b.must(SealStored(t.Context(), b.db, p, func(r SealedRows) { rows += r.Rows }))
		return rows
	}
	if total(first) == 0 || total(first) != 0 {
		t.Error("nothing was sealed, or something twice")
	}
	if found := b.leaks(citizenIIN, "ИМАНОВ", "77010000001"); len(found) > 0 {
		t.Errorf("a person is read in %v", found)
	}
	next := newTestPrivacy(t, "data-2")
	both := &Privacy{Vaults: append(next.Vaults, first.Vaults...), PayerSecrets: append(next.PayerSecrets, first.PayerSecrets...)}
	b.Service = b.another(both)
	if page, err := b.Debts(t.Context(), DebtQuery{Payer: citizenIIN}); err != nil || len(page.Items) == 0 {
		t.Errorf("after the keys were followed by others: %+v %v", page, err)
	}
	if total(both) == 0 || total(both) != 0 {
		t.Error("nothing was sealed under the next keys, or something twice")
	}
	b.Service = b.another(next) // the old keys may be destroyed
	if core := b.coreOfOrder(o); core.Payer.ID != citizenIIN {
		t.Errorf("receipt %+v", core.Payer)
	}
	if phone, err := b.Phone(t.Context(), citizenIIN); err != nil || phone == "" {
		t.Errorf("phone %q %v", phone, err)
	}
	b.agree()
}

// Sealed values do not open in another row, and the ledger's verification tells.
func TestSealedValuesStayInTheirRow(t *testing.T) {
	b := setup(t, private(t))
	b.authorised(citizenIIN)
	b.authorised(citizenIIN)
	b.settle()
	_, err := b.db.ExecContext(t.Context(), `UPDATE orders SET document = (SELECT document FROM orders o WHERE o.id > orders.id LIMIT 1)
		WHERE id = (SELECT min(id) FROM orders)`)
	b.must(err)
	report, err := b.VerifyLedger(t.Context())
	b.must(err)
	if report.Holds() || !strings.Contains(strings.Join(report.Problems, "\n"), "couldn't open payment/orders/document/") {
		t.Errorf("%v", report.Problems)
	}
}

func TestPrivacyRefuses(t *testing.T) {
	for name, p := range map[string]*Privacy{
		"nothing": {}, "no secret": {Vaults: []NamedVault{{Name: "a", Vault: newSafe(t)}}},
		"short secret": {Vaults: []NamedVault{{Name: "a", Vault: newSafe(t)}}, PayerSecrets: [][]byte{{1}}},
	} {
		if _, err := newPrivacy(p); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	p, err := newPrivacy(newTestPrivacy(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := newPrivacy(newTestPrivacy(t, "b"))
	if err != nil {
		t.Fatal(err)
	}
	at := place("debts", "payer_name", "dbt_1")
	text, err := p.sealText(t.Context(), "ИМАНОВ", at)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.openText(t.Context(), text, at); err != nil || got != "ИМАНОВ" {
		t.Errorf("%q %v", got, err)
	}
	for name, open := range map[string]func() (string, error){
		"another key":    func() (string, error) { return other.openText(t.Context(), text, at) },
		"no key":         func() (string, error) { return (*privacy)(nil).openText(t.Context(), text, at) },
		"another row":    func() (string, error) { return p.openText(t.Context(), text, place("debts", "payer_name", "dbt_2")) },
		"another column": func() (string, error) { return p.openText(t.Context(), text, place("orders", "payer_name", "dbt_1")) },
		"cut":            func() (string, error) { return p.openText(t.Context(), text[:9], at) },
		"no base64":      func() (string, error) { return p.openText(t.Context(), sealedText+"!", at) },
		"number":         func() (string, error) { return other.number(p.payer(citizenIIN)) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opens %q", name, got)
		}
	}
	if raw, _ := json.Marshal(p.payer("")); !bytes.Equal(raw, []byte(`""`)) {
		t.Errorf("no number has the form %s", raw)
	}
}

// What sealing costs a payment: the row of its order sealed and opened again, twice the number of its payer.
func BenchmarkPrivacyOfPayment(b *testing.B) {
	p, err := newPrivacy(newTestPrivacy(b, "data"))
	if err != nil {
		b.Fatal(err)
	}
	ctx, document := b.Context(), bytes.Repeat([]byte("x"), 2500)
	for b.Loop() {
		o := orderRow{ID: "ord_84018c0b1a2f7e3a9f0b0a1b2c3d4e5f60", PayerID: citizenIIN, PayerName: "ИМАНОВ ӘЛИ", Document: document}
		if o.PayerID, o.PayerName, o.Document, err = p.storedOrder(ctx, &o); err != nil {
			b.Fatal(err)
		}
		if err := p.order(ctx, &o); err != nil {
			b.Fatal(err)
		}
	}
}
