package auth

import (
	"crypto/subtle"
	"slices"
)

// Kind says what sort of client holds a key.
type Kind string

// The kinds of clients.
const (
	Agency   Kind = "agency"   // publishes services and debts, gets payment facts
	Bank     Kind = "bank"     // offers the services to its own clients
	Portal   Kind = "portal"   // acts for citizens and companies in front of it
	Operator Kind = "operator" // runs the gateway; reads everything, writes nothing of others
)

// Scope is one right of a key.
type Scope string

// The scopes. Handlers narrow them further to what belongs to the key's subject.
const (
	ServicesRead     Scope = "services:read"
	ServicesWrite    Scope = "services:write"
	DebtsRead        Scope = "debts:read"
	DebtsWrite       Scope = "debts:write"
	OrdersRead       Scope = "orders:read"
	OrdersWrite      Scope = "orders:write"
	ReceiptsRead     Scope = "receipts:read"
	LedgerRead       Scope = "ledger:read"
	RefundsRead      Scope = "refunds:read"
	RefundsWrite     Scope = "refunds:write"
	StatementsWrite  Scope = "statements:write"
	ReconRead        Scope = "reconciliation:read"
	ReconWrite       Scope = "reconciliation:write"
	RegistersRead    Scope = "registers:read"
	ReportsRead      Scope = "reports:read"
	DisclosuresWrite Scope = "disclosures:write"
	QuestionsWrite   Scope = "questions:write"
	BankQueries      Scope = "bank-queries:write"
	SealsWrite       Scope = "seals:write"
	ValidationsRead  Scope = "validations:read"
	ValidationsWrite Scope = "validations:write"
)

// ScopesOf returns the most that a key of this kind may do, sorted; nil for an unknown kind.
func ScopesOf(kind Kind) []Scope {
	var s []Scope
	switch kind {
	case Agency:
		s = []Scope{ServicesRead, ServicesWrite, DebtsRead, DebtsWrite, ReceiptsRead, RefundsRead, RefundsWrite, SealsWrite, ValidationsWrite, RegistersRead, DisclosuresWrite, BankQueries}
	case Bank:
		s = []Scope{ServicesRead, DebtsRead, OrdersRead, OrdersWrite, ReceiptsRead, StatementsWrite, SealsWrite, ValidationsWrite, RegistersRead, ReportsRead, QuestionsWrite}
	case Portal:
		s = []Scope{ServicesRead, DebtsRead, OrdersRead, OrdersWrite, ReceiptsRead, LedgerRead, SealsWrite, ValidationsWrite, BankQueries}
	case Operator:
		s = []Scope{ServicesRead, DebtsRead, OrdersRead, ReceiptsRead, RefundsRead, RefundsWrite, LedgerRead, StatementsWrite, ReconRead, ReconWrite, SealsWrite, ValidationsRead, ValidationsWrite, RegistersRead, ReportsRead, DisclosuresWrite, BankQueries}
	}
	slices.Sort(s)
	return s
}

// Caller is an authenticated client. The zero Caller is nobody and is allowed nothing.
type Caller struct {
	KeyID   string
	Kind    Kind
	Subject string // agency id, BIC, or name
	// PerMinute is the quota of its key; 0 is the default of the gateway.
	PerMinute int
	scopes    []Scope
	bound     []byte
}

// Fits reports whether the caller's key may be used on a connection on which the client proved the certificate with this public key
// (SHA-256 of its SubjectPublicKeyInfo; nil for none). A key that is bound to no certificate fits everywhere.
func (c Caller) Fits(clientSPKI []byte) bool {
	return len(c.bound) == 0 || subtle.ConstantTimeCompare(c.bound, clientSPKI) == 1
}

// Scopes are the rights of the key, sorted.
func (c Caller) Scopes() []Scope { return slices.Clone(c.scopes) }

// Known reports whether a key was shown and accepted.
func (c Caller) Known() bool { return c.KeyID != "" }

// Allows reports whether the key has the scope.
func (c Caller) Allows(s Scope) bool { return slices.Contains(c.scopes, s) }

// Actor is the caller's name in audit rows and the owner of its idempotency keys. It stays the same when the client
// changes its key, so that a retry after a rotation still finds its first answer.
func (c Caller) Actor() string {
	if !c.Known() {
		return "anonymous"
	}
	return string(c.Kind) + ":" + c.Subject
}
