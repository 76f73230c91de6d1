package payment

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/note"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/order"
)

var errUnbuilt = errors.New("payment: not built yet")

// Migrate brings the schema up to date.
func Migrate(ctx context.Context, db *sqlx.DB) error { return errUnbuilt }

// Run runs the workers until ctx ends and returns after all of them stopped.
func (s *Service) Run(ctx context.Context) error { return errUnbuilt }

// RegisterAgency registers an agency or changes the one with the same BIN.
func (s *Service) RegisterAgency(ctx context.Context, idem Idem, spec catalog.AgencySpec) (catalog.Agency, bool, error) {
	return catalog.Agency{}, false, errUnbuilt
}

// Agency returns an agency by id, or [ErrAgencyUnknown].
func (s *Service) Agency(ctx context.Context, id string) (catalog.Agency, error) {
	return catalog.Agency{}, errUnbuilt
}

// RegisterBank registers a bank or changes the one with the same BIC.
func (s *Service) RegisterBank(ctx context.Context, idem Idem, spec catalog.BankSpec) (catalog.Bank, bool, error) {
	return catalog.Bank{}, false, errUnbuilt
}

// Banks lists the banks by BIC.
func (s *Service) Banks(ctx context.Context) ([]catalog.Bank, error) { return nil, errUnbuilt }

// PublishService publishes a service of an agency, or a new version of it.
func (s *Service) PublishService(ctx context.Context, idem Idem, agency string, spec catalog.ServiceSpec) (catalog.Service, bool, error) {
	return catalog.Service{}, false, errUnbuilt
}

// Services lists current versions.
func (s *Service) Services(ctx context.Context, q ServiceQuery) (ServicePage, error) {
	return ServicePage{}, errUnbuilt
}

// Service returns the current version of a service, or [ErrServiceUnknown].
func (s *Service) Service(ctx context.Context, id string) (catalog.Service, error) {
	return catalog.Service{}, errUnbuilt
}

// Quote returns what the service costs on the day of at.
func (s *Service) Quote(ctx context.Context, service string, at time.Time) (catalog.Quote, error) {
	return catalog.Quote{}, errUnbuilt
}

// SubmitDebts stores a batch of an agency.
func (s *Service) SubmitDebts(ctx context.Context, idem Idem, agency string, items []debt.Item) (DebtBatch, bool, error) {
	return DebtBatch{}, false, errUnbuilt
}

// Debts lists the debts of a payer.
func (s *Service) Debts(ctx context.Context, q DebtQuery) (DebtPage, error) {
	return DebtPage{}, errUnbuilt
}

// Debt returns a debt by id.
func (s *Service) Debt(ctx context.Context, id string) (debt.Debt, error) {
	return debt.Debt{}, errUnbuilt
}

// RecallDebt takes a debt back.
func (s *Service) RecallDebt(ctx context.Context, idem Idem, agency, id, reason string) (debt.Debt, bool, error) {
	return debt.Debt{}, false, errUnbuilt
}

// PaymentFact tells an agency what became of one of its debts.
func (s *Service) PaymentFact(ctx context.Context, agency, debtID string) (PaymentFact, error) {
	return PaymentFact{}, errUnbuilt
}

// CreateOrder makes an order.
func (s *Service) CreateOrder(ctx context.Context, idem Idem, req order.Request) (order.Order, bool, error) {
	return order.Order{}, false, errUnbuilt
}

// Order returns an order by id.
func (s *Service) Order(ctx context.Context, id string) (order.Order, error) {
	return order.Order{}, errUnbuilt
}

// OrderDocument returns the stored bytes that the payer signs.
func (s *Service) OrderDocument(ctx context.Context, id string) ([]byte, error) {
	return nil, errUnbuilt
}

// OrderEvents lists the steps of an order.
func (s *Service) OrderEvents(ctx context.Context, id string) ([]order.Event, error) {
	return nil, errUnbuilt
}

// CancelOrder gives an order up before it is signed.
func (s *Service) CancelOrder(ctx context.Context, idem Idem, id string) (order.Order, bool, error) {
	return order.Order{}, false, errUnbuilt
}

// Authorise takes the payer's signature over the order's document.
func (s *Service) Authorise(ctx context.Context, idem Idem, id string, signature []byte) (order.Order, bool, error) {
	return order.Order{}, false, errUnbuilt
}

// Confirm takes a bank's signed message.
func (s *Service) Confirm(ctx context.Context, bankID string, message []byte) (Confirmation, error) {
	return Confirmation{}, errUnbuilt
}

// Receipt returns a receipt by its id or by the id of its order.
func (s *Service) Receipt(ctx context.Context, id string) (Receipt, error) {
	return Receipt{}, errUnbuilt
}

// ReceiptByCode returns a receipt by the code printed on it.
func (s *Service) ReceiptByCode(ctx context.Context, code string) (Receipt, error) {
	return Receipt{}, errUnbuilt
}

// ReceiptCMS returns the sealed core: attached CMS, DER.
func (s *Service) ReceiptCMS(ctx context.Context, id string) ([]byte, error) { return nil, errUnbuilt }

// ReceiptPDF returns the PDF and the detached CMS over it.
func (s *Service) ReceiptPDF(ctx context.Context, id string) (pdf, seal []byte, err error) {
	return nil, nil, errUnbuilt
}

// Checkpoint returns the latest checkpoint.
func (s *Service) Checkpoint(ctx context.Context) (Checkpoint, error) {
	return Checkpoint{}, errUnbuilt
}

// Proof proves that a transfer stands in the journal.
func (s *Service) Proof(ctx context.Context, transfer string) (ledger.Proof, error) {
	return ledger.Proof{}, errUnbuilt
}

// LedgerReport is the result of [VerifyLedger].
type LedgerReport struct {
	// Problems are empty when everything holds.
	Problems []string `json:"problems"`
	Leaves   int64    `json:"leaves"`
}

// VerifyLedger walks the whole ledger.
func VerifyLedger(ctx context.Context, db *sqlx.DB, keys note.Verifiers) (LedgerReport, error) {
	return LedgerReport{}, errUnbuilt
}

// VerifyLedger walks the whole ledger of this service.
func (s *Service) VerifyLedger(ctx context.Context) (LedgerReport, error) {
	return LedgerReport{}, errUnbuilt
}
