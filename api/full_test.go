package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/notify"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/fetch"
	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
	"qaqpa/testenv/agency"
	"qaqpa/testenv/bank"
	"qaqpa/testenv/phone"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"

	"github.com/jmoiron/sqlx"
)

// The parties of a story.
const (
	ownBIC   = "KOPRKZKA"
	otherBIC = "BASQKZKA"
)

// whole is the gateway with everything around it: two banks, two agencies, a certification authority, workers.
type whole struct {
	*gateway
	pki                                *pki.PKI
	citizen, neighbour, head, employee *pki.Identity
	bankID, otherBankID                *pki.Identity
	bank                               *bank.Bank
	agency                             *agency.Agency
	agencyID, otherAgencyID, agencyURL string
	agencyKey, otherAgencyKey          string
	portalKey, bankKey, otherBankKey   string
	phone                              *phone.Gateway
	operatorKey                        string
}

// sealer and verifier join the two domains, as cmd does.
type sealer struct{ *signer.Service }

func (s sealer) Seal(ctx context.Context, document []byte) ([]byte, error) {
	return s.Service.Seal(ctx, signer.SealRequest{Document: document, Actor: "gateway:payments"})
}

func (s sealer) SealDetached(ctx context.Context, document []byte) ([]byte, error) {
	return s.Service.Seal(ctx, signer.SealRequest{Document: document, Detached: true, Actor: "gateway:payments"})
}

func (s sealer) SealPDF(ctx context.Context, page payment.SealPage) ([]byte, error) {
	return s.Service.SealPDF(ctx, signer.SealPDFRequest{Document: page.PDF, Actor: "gateway:payments", PDFOptions: signer.PDFOptions{
		Permission: 1, Mark: &signer.PDFMark{Page: page.Page, X: page.X, Y: page.Y, Code: page.Code},
		Attachments: []signer.PDFAttachment{{Name: page.AttachmentName, MIMEType: "application/json", Content: page.Attachment}},
	}})
}

type verifier struct{ *signer.Service }

func (v verifier) ReadVerdict(ctx context.Context, id string, bytesMax int) (payment.StoredVerdict, error) {
	verdict, evidence, err := v.VerdictEvidence(ctx, id, bytesMax)
	return payment.StoredVerdict{Indication: string(verdict.Indication), Sub: string(verdict.Sub), Evidence: evidence}, err
}

func (v verifier) Verify(ctx context.Context, signature, detached []byte) (payment.Signature, error) {
	verdict, err := v.Validate(ctx, signer.ValidateRequest{Document: signature, Detached: detached, Store: true, Actor: "gateway:payments"})
	if err != nil {
		return payment.Signature{}, err
	}
	return verdictSignature(verdict), nil
}

func (v verifier) Judge(ctx context.Context, signature, detached []byte) (payment.Signature, error) {
	verdict, unkept, err := v.Service.Judge(ctx, signer.ValidateRequest{Document: signature, Detached: detached, Store: true, Actor: "gateway:payments"})
	out := verdictSignature(verdict)
	out.Unkept = unkept
	return out, err
}

func (v verifier) Keep(ctx context.Context, tx *sqlx.Tx, unkept []any) ([]payment.AuditEntry, func(), error) {
	list := make([]*signer.Unkept, len(unkept))
	for i, u := range unkept {
		list[i], _ = u.(*signer.Unkept)
	}
	entries, committed, err := v.Service.Keep(ctx, tx, list)
	out := make([]payment.AuditEntry, len(entries))
	for i, e := range entries {
		out[i] = payment.AuditEntry(e)
	}
	return out, committed, err
}

type auditor struct{ *audit.Log }

func (a auditor) AppendAll(ctx context.Context, tx *sqlx.Tx, entries []payment.AuditEntry) error {
	list := make([]audit.Entry, len(entries))
	for i, e := range entries {
		list[i] = audit.Entry(e)
	}
	return a.Log.AppendAll(ctx, tx, list)
}

func verdictSignature(verdict signer.Verdict) payment.Signature {
	out := payment.Signature{
		Valid: verdict.Passed(), Indication: string(verdict.Indication), Sub: string(verdict.Sub), VerdictID: verdict.ID, Content: verdict.Content, Whole: verdict.Coverage == "FULL",
	}
	for _, s := range verdict.Signatures {
		for _, r := range s.Reasons {
			out.Reasons = append(out.Reasons, string(r.Code))
		}
		if s.Signer == nil {
			continue
		}
		who := payment.Signer{
			Name: s.Signer.Name, IIN: s.Signer.IIN, BIN: s.Signer.BIN, Organisation: s.Signer.Organisation, Kind: s.Signer.Kind,
			CertificateSHA256: s.Signer.CertificateSHA256,
		}
		for _, r := range s.Signer.Roles {
			who.Roles = append(who.Roles, r.Code)
		}
		out.Signers = append(out.Signers, who)
	}
	return out
}

func must[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// start builds all of it; everything ends with the test.
func start(t *testing.T) *whole {
	t.Helper()
	return startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate, watch.Migrate), true)
}

// startOn is start over a given database; without workers nothing happens but what requests ask for.
func startOn(t *testing.T, db *sqlx.DB, workers bool) *whole {
	t.Helper()
	everyYear(t, db)
	w := &whole{pki: pki.ForTest(t, pki.ECDSA)}
	w.issue(t)
	seal := w.person(t, pki.Profile{Name: "seal", Kind: pki.InformationSystem, SystemName: "QAQPA", Organisation: "АҚ «Қақпа»", BIN: pki.BIN(9)})
	srv := must[*pki.Server](t)(w.pki.Serve(t.Context()))
	t.Cleanup(func() { _ = srv.Close() })
	store := must[*trust.Store](t)(trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{w.pki.AnchorsPEM()}, Intermediates: [][]byte{w.pki.IntermediatesPEM()}}))
	client := must[*fetch.Client](t)(fetch.New(fetch.Config{AllowPrivate: true, Now: time.Now, FailureKeep: -1}))
	t.Cleanup(client.Close)
	trail := must[*audit.Log](t)(audit.New(audit.Config{Now: time.Now}))
	chain := []*pkix.Certificate{must[*pkix.Certificate](t)(pkix.ParseCertificate(seal.Certificate)), must[*pkix.Certificate](t)(pkix.ParseCertificate(seal.Chain[0]))}
	sign := must[*signer.Service](t)(signer.New(signer.Config{DB: db, Trust: store, Fetch: client, Audit: trail, SealKey: seal.Key, SealChain: chain, Now: time.Now}))
	checkpoint := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.phone = &phone.Gateway{Token: "sms-1"}
	smsURL := must[string](t)(w.phone.Start(t.Context(), "127.0.0.1:0"))
	t.Cleanup(func() { _ = w.phone.Close() })
	payments := must[*payment.Service](t)(payment.New(payment.Config{
		DB: db, Sealer: sealer{sign}, Auditor: auditor{trail}, Verifier: verifier{sign}, CheckpointSigner: checkpoint, WebhookSigner: private,
		Issuer:       receipt.Issuer{Name: receipt.Texts{KK: "АҚ «Қақпа»", RU: "АО «Қақпа»", EN: "Qaqpa JSC"}, BIN: pki.BIN(9), URL: "https://pay.example.kz"},
		Messenger:    notify.NewSMS(notify.SMSConfig{URL: smsURL, Token: "sms-1"}),
		AllowPrivate: true, Poll: 20 * time.Millisecond, CheckpointEvery: 50 * time.Millisecond, BankTimeout: 2 * time.Second,
		FileEvery: 10 * time.Millisecond, LookupBackoffMin: 20 * time.Millisecond, LookupBackoffMax: 100 * time.Millisecond, Now: time.Now, Privacy: sealedRows(t),
	}))
	if workers {
		w.run(t, payments)
	}
	w.gateway = serveFront(t, db, payments, sign, func(c *Config) {
		c.WebhookKeys = []ed25519.PublicKey{public}
		c.Watch = must[*watch.Store](t)(watch.New(watch.Config{DB: db, Audit: trail, Now: time.Now}))
	})
	w.introduce(t, seal, public)
	return w
}

func (w *whole) person(t *testing.T, p pki.Profile) *pki.Identity {
	t.Helper()
	p.Family = pki.ECDSA
	return must[*pki.Identity](t)(w.pki.Issue(p))
}

func (w *whole) issue(t *testing.T) {
	t.Helper()
	company := "ЖШС «Өрлеу»"
	w.citizen = w.person(t, pki.Profile{Name: "citizen", Kind: pki.Citizen, Surname: "СЕЙТҚАЛИЕВА", Given: "АЙГҮЛ", IIN: pki.IIN(1)})
	w.neighbour = w.person(t, pki.Profile{Name: "neighbour", Kind: pki.Citizen, Surname: "ОМАРОВ", Given: "ЕРБОЛ", IIN: pki.IIN(2)})
	w.head = w.person(t, pki.Profile{Name: "head", Kind: pki.Employee, Role: pki.Head, Surname: "ЖҮНІСОВ", Given: "ДӘУРЕН", IIN: pki.IIN(3), Organisation: company, BIN: pki.BIN(1)})
	w.employee = w.person(t, pki.Profile{Name: "employee", Kind: pki.Employee, Role: pki.Staff, Surname: "ӘБДІРОВА", Given: "ГҮЛНАР", IIN: pki.IIN(4), Organisation: company, BIN: pki.BIN(1)})
	w.bankID = w.person(t, pki.Profile{Name: "bank", Kind: pki.InformationSystem, SystemName: "KOPIR", Organisation: "АО «Көпір Банк»", BIN: pki.BIN(20)})
	w.otherBankID = w.person(t, pki.Profile{Name: "other-bank", Kind: pki.InformationSystem, SystemName: "BASQA", Organisation: "АО «Басқа Банк»", BIN: pki.BIN(21)})
}

// run starts the workers and stops them before the database goes.
func (w *whole) run(t *testing.T, payments *payment.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- payments.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("workers: %v", err)
		}
	})
}

// introduce registers banks and agencies and gives everybody a key.
func (w *whole) introduce(t *testing.T, seal *pki.Identity, webhookKey ed25519.PublicKey) {
	t.Helper()
	ctx := t.Context()
	w.bank = must[*bank.Bank](t)(bank.New(bank.Config{
		BIC: ownBIC, Name: "Көпір Банк", Signer: w.bankID, OtherSigner: w.otherBankID, GatewayCertificate: seal.Certificate,
		CallbackURL: w.url + "/v1/bank-confirmations", RetryAfter: 10 * time.Millisecond,
	}))
	bankURL := must[string](t)(w.bank.Start(ctx, "127.0.0.1:0"))
	t.Cleanup(func() { _ = w.bank.Close() })
	w.agency = must[*agency.Agency](t)(agency.New(agency.Config{
		WebhookKey: webhookKey, AnchorsPEM: w.pki.AnchorsPEM(), GatewayBIN: pki.BIN(9),
		Signer:      w.person(t, pki.Profile{Name: "agency", Kind: pki.InformationSystem, SystemName: "REESTR", Organisation: "Полиция", BIN: pki.BIN(5)}),
		OtherSigner: w.otherBankID,
	}))
	agencyURL := must[string](t)(w.agency.Start(ctx, "127.0.0.1:0"))
	t.Cleanup(func() { _ = w.agency.Close() })
	w.agencyURL = agencyURL
	idem := func(key string) payment.Idem {
		return payment.Idem{Caller: "operator:test", Key: key, Hash: [32]byte{1}}
	}
	register := func(key string, spec catalog.AgencySpec) string {
		a, _, err := w.cfg.Payments.RegisterAgency(ctx, idem(key), spec)
		if err != nil {
			t.Fatal(err)
		}
		return a.ID
	}
	w.agencyID = register("a1", catalog.AgencySpec{BIN: pki.BIN(5), Names: catalog.Names{KK: "Полиция", RU: "Полиция", EN: "Police"}, WebhookURL: agencyURL + "/webhooks"})
	w.otherAgencyID = register("a2", catalog.AgencySpec{BIN: pki.BIN(6), Names: catalog.Names{KK: "Сот", RU: "Суд", EN: "Court"}})
	for key, spec := range map[string]catalog.BankSpec{
		"b1": {BIC: ownBIC, BIN: pki.BIN(20), Name: "Көпір Банк", URL: bankURL},
		"b2": {BIC: otherBIC, BIN: pki.BIN(21), Name: "Басқа Банк", URL: bankURL + "/other"},
	} {
		if _, _, err := w.cfg.Payments.RegisterBank(ctx, idem(key), spec); err != nil {
			t.Fatal(err)
		}
	}
	w.agencyKey, w.otherAgencyKey = w.key(auth.Agency, w.agencyID), w.key(auth.Agency, w.otherAgencyID)
	w.bankKey, w.otherBankKey = w.key(auth.Bank, ownBIC), w.key(auth.Bank, otherBIC)
	w.portalKey, w.operatorKey = w.key(auth.Portal, "egov"), w.key(auth.Operator, "ops")
}
