package payment

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/notify"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/testenv/postgres"
)

// People and companies of the tests; check digits are right, nobody is real.
const (
	citizenIIN  = "900101300017"
	neighborIIN = "900101300027"
	companyBIN  = "990140000037"
	agencyBIN   = "990140000017"
	bankBIN     = "990140000027"
	operatorBIN = "990140000047"
	otherBIN    = "990140000057"
	testBIC     = "TSESKZKA"
	otherBIC    = "CASPKZKA"
)

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// envelope stands for a CMS signature: who signed, what, and a real Ed25519 signature over both.
type envelope struct {
	Signer    Signer `json:"signer"`
	Content   []byte `json:"content"`
	Detached  bool   `json:"detached"`
	Signature []byte `json:"signature"`
}

// notary makes and verifies envelopes. It is the Sealer and the Verifier of the tests.
type notary struct {
	key      ed25519.PrivateKey
	mu       sync.Mutex
	failures map[string]int // how often the next calls of a method fail
	prefix   string         // what stands before an envelope, as PEM has a line before its base64
}

func newNotary(tb testing.TB) *notary {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return &notary{key: key, failures: map[string]int{}}
}

var errDown = errors.New("the other side is down")

func (n *notary) fail(method string, times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failures[method] = times
}

func (n *notary) failing(method string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failures[method]--
	return n.failures[method] >= 0
}

func (n *notary) sign(signer Signer, content []byte, detached bool) []byte {
	e := envelope{Signer: signer, Content: content, Detached: detached}
	e.Signature = ed25519.Sign(n.key, signedBytes(signer, content))
	if detached {
		e.Content = nil
	}
	raw, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return raw
}

func signedBytes(signer Signer, content []byte) []byte {
	raw, err := json.Marshal(signer)
	if err != nil {
		panic(err)
	}
	return append(raw, content...)
}

// Seal implements Sealer.
func (n *notary) Seal(_ context.Context, document []byte) ([]byte, error) {
	if n.failing("seal") {
		return nil, errDown
	}
	return n.sign(Signer{BIN: operatorBIN, Kind: "information_system"}, document, false), nil
}

// SealDetached implements Sealer.
func (n *notary) SealDetached(_ context.Context, document []byte) ([]byte, error) {
	if n.failing("seal") {
		return nil, errDown
	}
	return n.sign(Signer{BIN: operatorBIN, Kind: "information_system"}, document, true), nil
}

// SealPDF implements Sealer: like a PDF update, it puts everything behind the page.
func (n *notary) SealPDF(_ context.Context, page SealPage) ([]byte, error) {
	if n.failing("seal") {
		return nil, errDown
	}
	seal := n.sign(Signer{BIN: operatorBIN, Kind: "information_system"}, append(bytes.Clone(page.PDF), page.Attachment...), true)
	return slices.Concat(page.PDF, []byte("% "), page.Attachment, []byte("\n% "), seal, []byte("\n%%EOF\n")), nil
}

// ReadVerdict implements VerdictReader: like a store it knows what it gave out, and nothing else.
func (n *notary) ReadVerdict(_ context.Context, id string, _ int) (StoredVerdict, error) {
	if id != "vrd_good" {
		return StoredVerdict{}, fmt.Errorf("no verdict %q", id)
	}
	return StoredVerdict{Indication: "TOTAL-PASSED"}, nil
}

// Verify implements Verifier.
func (n *notary) Verify(_ context.Context, signature, detached []byte) (Signature, error) {
	if n.failing("verify") {
		return Signature{}, errDown
	}
	var e envelope
	bad := Signature{Indication: "TOTAL-FAILED", Sub: "SIG_CRYPTO_FAILURE", Reasons: []string{"signature"}, VerdictID: "vrd_bad"}
	if err := json.Unmarshal(bytes.TrimPrefix(signature, []byte(n.prefix)), &e); err != nil {
		bad.Sub = "FORMAT_FAILURE"
		return bad, nil //nolint:nilerr // what cannot be read is a result
	}
	content := e.Content
	if e.Detached {
		content = detached
	}
	public, ok := n.key.Public().(ed25519.PublicKey)
	if !ok || !ed25519.Verify(public, signedBytes(e.Signer, content), e.Signature) {
		return bad, nil
	}
	return Signature{
		Valid: true, Indication: "TOTAL-PASSED", VerdictID: "vrd_good", Content: e.Content, Signers: []Signer{e.Signer},
	}, nil
}

// diary is the Auditor of the tests: a table of its own, so that what commits together is seen.
type diary struct {
	mu       sync.Mutex
	failures int
	// gate, when set, holds up shared commits until it is closed; held counts those that came to it.
	gate chan struct{}
	held atomic.Int32
}

func migrateDiary(ctx context.Context, db *sqlx.DB) error {
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS diary (actor text, action text, subject text, detail bytea)`)
	return err
}

func (d *diary) failNext(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures = n
}

// Append implements Auditor.
func (d *diary) Append(ctx context.Context, tx *sqlx.Tx, actor, action, subject string, detail []byte) error {
	d.mu.Lock()
	d.failures--
	failing := d.failures >= 0
	d.mu.Unlock()
	if failing {
		return errDown
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO diary VALUES ($1, $2, $3, $4)`, actor, action, subject, detail)
	return err
}

// AppendAll implements AuditorOfMany.
func (d *diary) AppendAll(ctx context.Context, tx *sqlx.Tx, entries []AuditEntry) error {
	d.mu.Lock()
	gate := d.gate
	d.mu.Unlock()
	if gate != nil {
		d.held.Add(1)
		<-gate
	}
	for _, e := range entries {
		if err := d.Append(ctx, tx, e.Actor, e.Action, e.Subject, e.Detail); err != nil {
			return err
		}
	}
	return nil
}

// hook receives webhooks and keeps them.
type hook struct {
	mu       sync.Mutex
	public   ed25519.PublicKey
	now      func() time.Time
	statuses []int // of the next answers; then 200
	got      map[string]int
	bodies   map[string][]byte
	bad      []string
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := notify.Verify(h.public, r.Header, body, h.now(), time.Minute); err != nil {
		h.bad = append(h.bad, err.Error())
	}
	id := r.Header.Get(notify.HeaderID)
	if before, seen := h.bodies[id]; seen && !bytes.Equal(before, body) {
		h.bad = append(h.bad, "another body under the same webhook-id")
	}
	h.got[id]++
	h.bodies[id] = body
	status := http.StatusOK
	if len(h.statuses) > 0 {
		status, h.statuses = h.statuses[0], h.statuses[1:]
	}
	w.WriteHeader(status)
}

// bundle is a gateway in a box: real database, faked outside world.
type bundle struct {
	*Service
	t       testing.TB
	clock   *clock
	notary  *notary
	diary   *diary
	bank    *fakeBank
	desk    *fakeFiles // of the other bank, when it takes files
	hook    *hook
	hookURL string
	agency  catalog.Agency
	licence catalog.Service
	fine    catalog.Service
	keys    int
	keysMu  sync.Mutex
}

// setup makes a gateway with an agency, two services and two banks.
func setup(tb testing.TB, change ...func(*Config)) *bundle {
	tb.Helper()
	return setupOn(tb, connected(tb), change...)
}

// connected is a database of the test behind the pool that a gateway uses.
func connected(tb testing.TB) *sqlx.DB {
	tb.Helper()
	db, err := Connect(tb.Context(), postgres.DSNForTest(tb, Migrate, migrateDiary), ConnectConfig{ReadTimeout: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func setupOn(tb testing.TB, db *sqlx.DB, change ...func(*Config)) *bundle {
	tb.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	public, webhookKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	b := &bundle{
		t: tb, clock: &clock{at: time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)}, notary: newNotary(tb), diary: &diary{},
	}
	b.hook = &hook{public: public, now: b.clock.now, got: map[string]int{}, bodies: map[string][]byte{}}
	server := httptest.NewServer(b.hook)
	tb.Cleanup(server.Close)
	b.hookURL = server.URL + "/hook"
	b.bank = newFakeBank(b.notary, b.clock)
	b.desk = newFakeFiles(b.notary, b.clock.now, otherBIC, otherBIN)
	cfg := Config{
		DB: db, Sealer: b.notary, Auditor: b.diary, Verifier: b.notary, CheckpointSigner: ec, WebhookSigner: webhookKey,
		Issuer: receipt.Issuer{Name: receipt.Texts{KK: "Шлюз", RU: "Шлюз", EN: "Gateway"}, BIN: operatorBIN, URL: "https://qaqpa.example.kz"},
		Banks:  b.bank, Files: b.desk, AllowPrivate: true, Now: b.clock.now, BankTimeout: time.Second,
	}
	for _, c := range change {
		c(&cfg)
	}
	if b.Service, err = New(cfg); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.calls.wait(); b.fileCalls.wait(); b.posts.wait() })
	b.stock()
	return b
}

// stock registers who takes part.
func (b *bundle) stock() {
	b.t.Helper()
	ctx := b.t.Context()
	var err error
	b.agency, _, err = b.RegisterAgency(ctx, b.idem("agency"), catalog.AgencySpec{
		BIN: agencyBIN, Names: catalog.Names{KK: "Полиция департаменті", RU: "Департамент полиции", EN: "Police"}, WebhookURL: b.hookURL,
	})
	b.must(err)
	for bic, bin := range map[string]string{testBIC: bankBIN, otherBIC: otherBIN} {
		_, _, err = b.RegisterBank(ctx, b.idem(bic), catalog.BankSpec{BIC: bic, BIN: bin, Name: "Банк " + bic, URL: "http://bank.invalid/" + bic})
		b.must(err)
	}
	b.licence, _, err = b.PublishService(ctx, b.idem("licence"), b.agency.ID, licenceSpec())
	b.must(err)
	spec := licenceSpec()
	spec.Code, spec.Tariffs = "fine", []catalog.Tariff{{ValidFrom: "2024-01-01", Kind: catalog.Stated}}
	b.fine, _, err = b.PublishService(ctx, b.idem("fine"), b.agency.ID, spec)
	b.must(err)
}

func licenceSpec() catalog.ServiceSpec {
	return catalog.ServiceSpec{
		Code:  "driving-licence",
		Names: catalog.Names{KK: "Жүргізуші куәлігі", RU: "Водительское удостоверение", EN: "Driving licence"},
		KBK:   "108125", KNP: "911", KBE: "11",
		Beneficiary: catalog.Beneficiary{Name: "УГД по Тестовому району", BIN: agencyBIN, Account: "KZ24070105KSN0000000", BIC: "KKMFKZ2A"},
		Tariffs:     []catalog.Tariff{{ValidFrom: "2024-01-01", Kind: catalog.MRPRate, Rate: "1.25", Rounding: money.HalfUpTenge}},
	}
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// idem makes a fresh key; body stands for the request.
func (b *bundle) idem(body string) Idem {
	b.keysMu.Lock()
	defer b.keysMu.Unlock()
	b.keys++
	return Idem{Caller: "test", Key: fmt.Sprintf("key-%d", b.keys), Hash: sha256.Sum256([]byte(body))}
}

// fee loads a debt of the licence for a payer and returns it.
func (b *bundle) fee(payer string) debt.Debt {
	b.t.Helper()
	b.keysMu.Lock()
	b.keys++
	reference := fmt.Sprintf("REF-%d", b.keys)
	b.keysMu.Unlock()
	out, _, err := b.SubmitDebts(b.t.Context(), b.idem(reference), b.agency.ID, []debt.Item{
		{Reference: reference, Payer: debt.Payer{ID: payer, Name: "ИМАНОВ ӘЛИ"}, Service: b.licence.ID},
	})
	b.must(err)
	d, err := b.Debt(b.t.Context(), out.Results[0].Debt)
	b.must(err)
	return d
}

// ordered makes an order for debts of one payer.
func (b *bundle) ordered(payer string, debts ...debt.Debt) order.Order {
	b.t.Helper()
	return b.orderedAt(testBIC, payer, debts...)
}

func (b *bundle) orderedAt(bic, payer string, debts ...debt.Debt) order.Order {
	b.t.Helper()
	ids := make([]string, len(debts))
	for i, d := range debts {
		ids[i] = d.ID
	}
	o, _, err := b.CreateOrder(b.t.Context(), b.idem("order"), order.Request{Payer: payer, Debts: ids, Bank: bic})
	b.must(err)
	return o
}

// citizen is the certificate of a person.
func citizen(iin string) Signer {
	return Signer{Name: "ИМАНОВ ӘЛИ", IIN: iin, Kind: "person", Roles: []string{"individual"}, CertificateSHA256: "c0"}
}

// signed signs the stored document of an order.
func (b *bundle) signed(o order.Order, signer Signer) []byte {
	b.t.Helper()
	document, err := b.OrderDocument(b.t.Context(), o.ID)
	b.must(err)
	return b.notary.sign(signer, document, true)
}

// authorised makes and signs an order for a new fee.
func (b *bundle) authorised(payer string) order.Order {
	b.t.Helper()
	o := b.ordered(payer, b.fee(payer))
	out, _, err := b.Authorise(b.t.Context(), b.idem("sign"), o.ID, b.signed(o, citizen(payer)))
	b.must(err)
	return out
}

// attempts lets the attempts that are due go one step, and waits.
func (b *bundle) attempts() {
	b.t.Helper()
	_, err := b.workAttempts(b.t.Context())
	b.must(err)
	b.calls.wait()
}

// settle runs all workers, moving the clock, until nothing changes any more.
func (b *bundle) settle() {
	b.t.Helper()
	ctx := b.t.Context()
	for range 12 {
		b.attempts()
		b.refundsWork()
		_, err := b.workFiles(ctx)
		b.must(err)
		b.fileCalls.wait()
		_, err = b.makeCheckpoint(ctx)
		b.must(err)
		_, err = b.workReceipts(ctx)
		b.must(err)
		_, err = b.workWebhooks(ctx)
		b.must(err)
		b.posts.wait()
		b.clock.advance(time.Minute)
	}
}

func (b *bundle) state(id string) order.State {
	b.t.Helper()
	o, err := b.Order(b.t.Context(), id)
	b.must(err)
	return o.State
}

// check verifies all invariants: the ledger, and that the bank moved money exactly for what the ledger says.
func (b *bundle) check() LedgerReport {
	b.t.Helper()
	report, err := b.VerifyLedger(b.t.Context())
	b.must(err)
	for _, p := range report.Problems {
		b.t.Errorf("ledger: %s", p)
	}
	b.hook.mu.Lock()
	for _, bad := range b.hook.bad {
		b.t.Errorf("webhook: %s", bad)
	}
	b.hook.mu.Unlock()
	return report
}

// agree checks that the bank's movements are the ledger's.
func (b *bundle) agree() {
	b.t.Helper()
	b.check()
	var paid int64
	b.must(b.db.Get(&paid, `SELECT coalesce(sum(amount), 0)::bigint FROM transfers WHERE kind = 'payment' AND debit_account = $1`, string(ledger.BankDue(testBIC))))
	if moved := b.bank.moved(); moved != paid {
		b.t.Errorf("the bank moved %d tiyn, the ledger says %d", moved, paid)
	}
	var byFile int64
	b.must(b.db.Get(&byFile, `SELECT coalesce(sum(amount), 0)::bigint FROM transfers WHERE kind = 'payment' AND debit_account = $1`, string(ledger.BankDue(otherBIC))))
	if _, moved := b.desk.Moved(""); moved != byFile {
		b.t.Errorf("the bank moved %d tiyn for files, the ledger says %d", moved, byFile)
	}
	var back int64
	b.must(b.db.Get(&back, `SELECT coalesce(sum(t.amount), 0)::bigint FROM transfers t JOIN postings p ON p.bucket = t.bucket AND p.id = t.posting_id
		WHERE p.kind = 'refund' AND p.subject LIKE '%:post' AND t.credit_account = $1`, string(ledger.BankRefunds(testBIC))))
	if moved := b.bank.gaveBack(); moved != back {
		b.t.Errorf("the bank gave back %d tiyn, the ledger says %d", moved, back)
	}
}

// wants checks for a refusal.
func wants(tb testing.TB, err error, want *Error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Errorf("got %v, want %s", err, want.Code)
	}
}

// opened is the content of an envelope.
func opened(tb testing.TB, message []byte) []byte {
	tb.Helper()
	var e envelope
	if err := json.Unmarshal(message, &e); err != nil {
		tb.Fatal(err)
	}
	return e.Content
}
